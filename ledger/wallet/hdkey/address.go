package hdkey

import (
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/consensus"
)

// ErrAddress says that a text is no address of the network.
var ErrAddress = errors.New("bad address")

// maxAddress bounds an address in characters (BIP-173).
const maxAddress = 90

// ParseAddress reads an address of a network and returns the output script that pays it: bech32 (BIP-173), bech32m
// (BIP-350), or base58 of a key's or a script's hash. It needs no network to be registered with chaincfg, which is global.
func ParseAddress(s string, net *consensus.Params) ([]byte, error) {
	if len(s) > maxAddress {
		return nil, fmt.Errorf("%w: %d characters, more than %d", ErrAddress, len(s), maxAddress)
	}
	if i := strings.LastIndexByte(s, '1'); i > 0 && strings.EqualFold(s[:i], net.Bech32HRPSegwit) {
		return parseSegwit(s)
	}
	hash, version, err := base58.CheckDecode(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %q is neither bech32 with prefix %s nor base58", ErrAddress, s, net.Bech32HRPSegwit)
	case len(hash) != 20:
		return nil, fmt.Errorf("%w: %q holds %d bytes, not 20", ErrAddress, s, len(hash))
	case version == net.PubKeyHashAddrID:
		return txscript.NewScriptBuilder().AddOp(txscript.OP_DUP).AddOp(txscript.OP_HASH160).AddData(hash).
			AddOp(txscript.OP_EQUALVERIFY).AddOp(txscript.OP_CHECKSIG).Script()
	case version == net.ScriptHashAddrID:
		return txscript.NewScriptBuilder().AddOp(txscript.OP_HASH160).AddData(hash).AddOp(txscript.OP_EQUAL).Script()
	default:
		return nil, fmt.Errorf("%w: %q has version %d, network %s %d and %d", ErrAddress, s, version, net.Name,
			net.PubKeyHashAddrID, net.ScriptHashAddrID)
	}
}

func parseSegwit(s string) ([]byte, error) {
	_, data, form, err := bech32.DecodeGeneric(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %v", ErrAddress, s, err)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: %q holds nothing", ErrAddress, s)
	}
	version := data[0]
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %q: %v", ErrAddress, s, err)
	case version > 16:
		return nil, fmt.Errorf("%w: %q has witness version %d, more than 16", ErrAddress, s, version)
	case len(program) < 2 || len(program) > 40:
		return nil, fmt.Errorf("%w: %q holds %d bytes, not 2 to 40", ErrAddress, s, len(program))
	case version == 0 && len(program) != 20 && len(program) != 32:
		return nil, fmt.Errorf("%w: %q holds %d bytes, not 20 or 32", ErrAddress, s, len(program))
	case (version == 0) != (form == bech32.Version0):
		return nil, fmt.Errorf("%w: %q has the checksum of another witness version (BIP-350)", ErrAddress, s)
	}
	op := byte(txscript.OP_0)
	if version > 0 {
		op = txscript.OP_1 - 1 + version
	}
	return append([]byte{op, byte(len(program))}, program...), nil
}

// Address writes the address that a script pays on a network; empty if it pays none.
func Address(script []byte, net *consensus.Params) string {
	if version, program, err := txscript.ExtractWitnessProgramInfo(script); err == nil {
		return segwitAddress(byte(version), program, net)
	}
	class, addrs, _, err := txscript.ExtractPkScriptAddrs(script, net.Params)
	if err != nil || len(addrs) != 1 || class != txscript.PubKeyHashTy && class != txscript.ScriptHashTy {
		return ""
	}
	return addrs[0].EncodeAddress()
}

func segwitAddress(version byte, program []byte, net *consensus.Params) string {
	five, err := bech32.ConvertBits(program, 8, 5, true)
	if err != nil {
		return ""
	}
	encode := bech32.EncodeM
	if version == 0 {
		encode = bech32.Encode
	}
	s, err := encode(net.Bech32HRPSegwit, append([]byte{version}, five...))
	if err != nil {
		return ""
	}
	return s
}
