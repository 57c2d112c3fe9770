// Package txjson writes transactions and scripts as Bitcoin Core's JSON-RPC shows them: field names, their order, the text
// of scripts, output types and output descriptors (BIPs 380 to 386). It imports ledger/consensus, rpc, txbytes and the address
// formats in wallet/hdkey.
package txjson

import (
	"encoding/hex"
	"strconv"
	"strings"
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/consensus"
	"funai/ledger/wallet/hdkey"
)

// Script is an output script.
type Script struct {
	Asm     string `json:"asm"`
	Desc    string `json:"desc"`
	Hex     string `json:"hex"`
	Address string `json:"address,omitempty"`
	Type    string `json:"type"`
}

// Output types by the names of Bitcoin Core.
const (
	NonStandard         = "nonstandard"
	PubKey              = "pubkey"
	PubKeyHash          = "pubkeyhash"
	ScriptHash          = "scripthash"
	MultiSig            = "multisig"
	NullData            = "nulldata"
	Anchor              = "anchor"
	WitnessV0KeyHash    = "witness_v0_keyhash"
	WitnessV0ScriptHash = "witness_v0_scripthash"
	WitnessV1Taproot    = "witness_v1_taproot"
	WitnessUnknown      = "witness_unknown"
)

// NewScript describes an output script on a network.
func NewScript(p *consensus.Params, script []byte) Script {
	return Script{Asm: Asm(script, false), Desc: Infer(p, script), Hex: hex.EncodeToString(script), Address: Address(p, script), Type: Type(script)}
}

// Address is what people write to pay a script; empty if there is no such form.
func Address(p *consensus.Params, script []byte) string {
	switch Type(script) {
	case PubKeyHash, ScriptHash, Anchor, WitnessV0KeyHash, WitnessV0ScriptHash, WitnessV1Taproot, WitnessUnknown:
		return hdkey.Address(script, p)
	}
	return ""
}

// Type is the type of an output script, as Bitcoin Core's Solver has it.
func Type(script []byte) string {
	switch {
	case txscript.IsPayToScriptHash(script):
		return ScriptHash
	case txscript.IsWitnessProgram(script):
		return witnessType(script)
	case len(script) > 0 && script[0] == txscript.OP_RETURN && txscript.IsPushOnlyScript(script[1:]):
		return NullData
	case txscript.IsPayToPubKey(script):
		return PubKey
	case txscript.IsPayToPubKeyHash(script):
		return PubKeyHash
	}
	if ok, err := txscript.IsMultisigScript(script); err == nil && ok {
		return MultiSig
	}
	return NonStandard
}

func witnessType(script []byte) string {
	version, program, err := txscript.ExtractWitnessProgramInfo(script)
	switch {
	case err != nil || version == 0 && len(program) != 20 && len(program) != 32:
		return NonStandard
	case version == 0 && len(program) == 20:
		return WitnessV0KeyHash
	case version == 0:
		return WitnessV0ScriptHash
	case version == 1 && len(program) == schnorr.PubKeyBytesLen:
		return WitnessV1Taproot
	case txscript.IsPayToAnchorScript(script):
		return Anchor
	}
	return WitnessUnknown
}

// Infer is the descriptor, with its checksum, of an output script of which nothing else is known.
func Infer(p *consensus.Params, script []byte) string {
	desc := "raw(" + hex.EncodeToString(script) + ")"
	if a := Address(p, script); a != "" {
		desc = "addr(" + a + ")"
	}
	switch Type(script) {
	case PubKey:
		if key := script[1 : len(script)-1]; validKeys(key) {
			desc = "pk(" + hex.EncodeToString(key) + ")"
		}
	case MultiSig:
		keys, _ := txscript.PushedData(script)
		if m, _, err := CountMultiSig(script); err == nil && validKeys(keys...) {
			args := []string{strconv.Itoa(m)}
			for _, k := range keys {
				args = append(args, hex.EncodeToString(k))
			}
			desc = "multi(" + strings.Join(args, ",") + ")"
		}
	case WitnessV1Taproot:
		if _, err := schnorr.ParsePubKey(script[2:]); err == nil {
			desc = "rawtr(" + hex.EncodeToString(script[2:]) + ")"
		}
	}
	return Checksummed(desc)
}

// CountMultiSig is how many signatures, of how many keys, a bare multi-signature script asks for.
func CountMultiSig(script []byte) (signatures, keys int, err error) {
	keys, signatures, err = txscript.CalcMultiSigStats(script)
	return signatures, keys, err
}

// Checksummed appends a descriptor's checksum.
func Checksummed(desc string) string { return desc + "#" + hdkey.Checksum(desc) }

func validKeys(keys ...[]byte) bool {
	for _, k := range keys {
		if _, err := btcec.ParsePubKey(k); err != nil {
			return false
		}
	}
	return true
}

// opName are the names of opcodes that are not numbers or pushes.
var opName = sync.OnceValue(func() (names [256]string) {
	for name, op := range txscript.OpcodeByName {
		if old := names[op]; old == "" || strings.HasPrefix(old, "OP_NOP") && !strings.HasPrefix(name, "OP_UNKNOWN") {
			names[op] = name
		}
	}
	for op := range names {
		if op > txscript.OP_CHECKSIGADD || names[op] == "" { // above are btcd's own
			names[op] = "OP_UNKNOWN"
		}
	}
	names[txscript.OP_INVALIDOPCODE] = "OP_INVALIDOPCODE"
	return names
})

// sigHashName are the ways to sign a transaction.
var sigHashName = map[txscript.SigHashType]string{
	txscript.SigHashAll: "[ALL]", txscript.SigHashAll | txscript.SigHashAnyOneCanPay: "[ALL|ANYONECANPAY]",
	txscript.SigHashNone: "[NONE]", txscript.SigHashNone | txscript.SigHashAnyOneCanPay: "[NONE|ANYONECANPAY]",
	txscript.SigHashSingle: "[SINGLE]", txscript.SigHashSingle | txscript.SigHashAnyOneCanPay: "[SINGLE|ANYONECANPAY]",
}

// Asm is a script in words: pushes of up to four bytes as numbers, longer ones in hexadecimal, and "[error]" where the
// script breaks off. In the input scripts of transactions signatures are written with what they sign.
func Asm(script []byte, input bool) string {
	var words []string
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		words = append(words, word(t.Opcode(), t.Data(), input && !txscript.IsUnspendable(script)))
	}
	if t.Err() != nil {
		words = append(words, "[error]")
	}
	return strings.Join(words, " ")
}

func word(op byte, data []byte, input bool) string {
	switch {
	case op == txscript.OP_0:
		return "0"
	case op <= txscript.OP_PUSHDATA4 && len(data) <= 4:
		return strconv.FormatInt(scriptNum(data), 10)
	case op <= txscript.OP_PUSHDATA4:
		if input {
			if s, ok := signature(data); ok {
				return s
			}
		}
		return hex.EncodeToString(data)
	case op == txscript.OP_1NEGATE:
		return "-1"
	case op >= txscript.OP_1 && op <= txscript.OP_16:
		return strconv.Itoa(txscript.AsSmallInt(op))
	default:
		return opName()[op]
	}
}

// signature writes what looks like an ECDSA signature; false if the data does not.
func signature(data []byte) (string, bool) {
	const shortest, longest = 9, 73 // with the byte of what is signed
	if len(data) < shortest || len(data) > longest || data[0] != 0x30 || int(data[1]) != len(data)-3 {
		return "", false
	}
	name, ok := sigHashName[txscript.SigHashType(data[len(data)-1])]
	return hex.EncodeToString(data[:len(data)-1]) + name, ok
}

// scriptNum is a number as scripts hold it: little-endian, with a bit for the sign.
func scriptNum(b []byte) (n int64) {
	for i, c := range b {
		n |= int64(c) << (8 * i)
	}
	if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		return -(n &^ (0x80 << (8 * (len(b) - 1))))
	}
	return n
}
