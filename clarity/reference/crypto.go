package reference

import "funai/clarity/types"

const hashed = "buff | int | uint"

const hashText = " of bytes. A number is hashed as its 16 bytes in little-endian order."

var crypto = []Entry{
	{
		Name: "sha256", Signature: "(sha256 value)", Input: hashed, Output: "(buff 32)",
		Text:     "Gives the SHA-256 hash" + hashText,
		Examples: []Example{{Code: "(sha256 0x)", Result: "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
	},
	{
		Name: "sha512", Signature: "(sha512 value)", Input: hashed, Output: "(buff 64)",
		Text:     "Gives the SHA-512 hash" + hashText,
		Examples: []Example{{Code: "(len (sha512 1))", Result: "u64"}},
	},
	{
		Name: "sha512/256", Signature: "(sha512/256 value)", Input: hashed, Output: "(buff 32)",
		Text:     "Gives the SHA-512/256 hash, which is not SHA-512 cut short," + hashText,
		Examples: []Example{{Code: "(sha512/256 1)", Result: "0x515a7e92e7c60522db968d81ff70b80818fc17aeabbec36baf0dda2812e94a86"}},
	},
	{
		Name: "keccak256", Signature: "(keccak256 value)", Input: hashed, Output: "(buff 32)",
		Text:     "Gives the Keccak-256 hash, as Ethereum uses it," + hashText,
		Examples: []Example{{Code: "(keccak256 0x)", Result: "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"}},
	},
	{
		Name: "hash160", Signature: "(hash160 value)", Input: hashed, Output: "(buff 20)",
		Text:     "Gives the RIPEMD-160 hash of the SHA-256 hash, of which addresses are made," + hashText,
		Examples: []Example{{Code: "(hash160 0x)", Result: "0xb472a266d0bd89c13706a4132ccfb16f7c3b9fcb"}},
	},
	{
		Name: "secp256k1-recover?", Signature: "(secp256k1-recover? hash signature)", Input: "(buff 32), (buff 65)", Output: "(response (buff 33) uint)",
		Text: "Finds the compressed public key that signed a hash. The signature's last byte says which of the possible " +
			"keys it was. It gives (err u1) if there is no such key and (err u2) if the signature is too short or its last byte is above 3.",
		Examples: []Example{
			{Code: "(secp256k1-recover? 0xde5b9eb9e7c5592930eb2e30a01369c36586d872082ed8181ee83d2a0ec20f04\n  0x8738487ebe69b93d8e51583be8eee50bb4213fc49c767d329632730cc193b873554428fc936ca3569afc15f1c9365f6591d6251a89fee9c9ac661116824d3a1301)",
				Result: "(ok 0x03adb8de4bfb65db2cfd6120d55c6526ae9c52e675db7e47308636534ba7786110)"},
		},
	},
	{
		Name: "secp256k1-verify", Signature: "(secp256k1-verify hash signature public-key)", Input: "(buff 32), (buff 65), (buff 33)", Output: "bool",
		Text: "Says whether a signature of 64 bytes (a 65th is not looked at) is a key's for a hash.",
		Examples: []Example{
			{Code: "(secp256k1-verify 0xde5b9eb9e7c5592930eb2e30a01369c36586d872082ed8181ee83d2a0ec20f04\n  0x8738487ebe69b93d8e51583be8eee50bb4213fc49c767d329632730cc193b873554428fc936ca3569afc15f1c9365f6591d6251a89fee9c9ac661116824d3a1301\n  0x03adb8de4bfb65db2cfd6120d55c6526ae9c52e675db7e47308636534ba7786110)", Result: "true"},
		},
	},
	{
		Name: "secp256r1-verify", Since: types.Clarity4, Signature: "(secp256r1-verify hash signature public-key)", Input: "(buff 32), (buff 64), (buff 33)", Output: "bool",
		Text: "Says whether a signature over the curve that passkeys use (P-256) is a key's for a hash. In Clarity 4 the " +
			"hash was hashed once more with SHA-256 before it was compared; since Clarity 5 it is not (SIP-035, SIP-039).",
		Examples: []Example{
			{Code: "(secp256r1-verify 0x0000000000000000000000000000000000000000000000000000000000000000\n  0x00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\n  0x037a6b62e3c8b14f1b5933f5d5ab0509a8e7d95a111b8d3b264d95bfa753b00296)", Result: "false"},
		},
	},
	{
		Name: "ed25519-verify", Since: types.Clarity6, Signature: "(ed25519-verify message signature public-key)", Input: "buff, (buff 64), (buff 32)", Output: "bool",
		Text: "Says whether an Ed25519 signature (RFC 8032) is a key's for a message, which is not hashed before. Signatures that are not canonical count as wrong.",
		Examples: []Example{
			{Code: "(ed25519-verify 0x72\n  0x92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00\n  0x3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c)", Result: "true"},
		},
	},
	{
		Name: "secp256k1-decompress?", Since: types.Clarity6, Signature: "(secp256k1-decompress? public-key)", Input: "(buff 33)", Output: "(response (buff 65) uint)",
		Text: "Gives the uncompressed form of a compressed public key, and (err u1) if the bytes are not one.",
		Examples: []Example{
			{Code: "(secp256k1-decompress? 0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)",
				Result: "(ok 0x0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8)"},
			{Code: "(secp256k1-decompress? 0x0500000000000000000000000000000000000000000000000000000000000000ff)", Result: "(err u1)"},
		},
	},
}
