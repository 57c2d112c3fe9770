package check

import "funai/clarity/types"

// hashWords take bytes, or a number as its 16 bytes in little-endian order.
var hashWords = map[string]word{
	"sha256":     plain(types.Clarity1, hash(32)),
	"sha512":     plain(types.Clarity1, hash(64)),
	"sha512/256": plain(types.Clarity1, hash(32)),
	"keccak256":  plain(types.Clarity1, hash(32)),
	"hash160":    plain(types.Clarity1, hash(20)),
}

func hash(n uint32) application {
	return union(types.MustBuffer(n), maxBuffer, types.UInt, types.Int)
}

// signatureWords are the functions of keys and signatures. A signature of secp256k1 has 64 bytes, and may have a byte more
// that says which of its keys signed. SIP-044 says that secp256k1-decompress? answers an optional; the reference
// implementation answers a response, and so do we.
var signatureWords = map[string]word{
	"secp256k1-recover?":    typed(types.Clarity1, types.MustResponse(buff33, types.UInt), buff32, buff65),
	"secp256k1-verify":      typed(types.Clarity1, types.Bool, buff32, buff65, buff33),
	"secp256r1-verify":      typed(types.Clarity4, types.Bool, buff32, buff64, buff33),
	"ed25519-verify":        typed(types.Clarity6, types.Bool, maxBuffer, buff64, buff32),
	"secp256k1-decompress?": typed(types.Clarity6, types.MustResponse(buff65, types.UInt), buff33),
}
