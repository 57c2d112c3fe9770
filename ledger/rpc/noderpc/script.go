package noderpc

import (
	"context"
	"crypto/sha256"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

// decodedScript is decodescript's answer.
type decodedScript struct {
	Asm     string         `json:"asm"`
	Desc    string         `json:"desc"`
	Address string         `json:"address,omitempty"`
	Type    string         `json:"type"`
	P2SH    string         `json:"p2sh,omitempty"`
	Segwit  *segwitWrapped `json:"segwit,omitempty"`
}

type segwitWrapped struct {
	txjson.Script
	P2SH string `json:"p2sh-segwit"`
}

func (n *node) decodeScript(_ context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "hexstring")
	if err != nil {
		return nil, err
	}
	script, err := rpc.ParseHex("argument", s)
	if err != nil {
		return nil, err
	}
	d := txjson.NewScript(n.p, script)
	j := decodedScript{Asm: d.Asm, Desc: d.Desc, Address: d.Address, Type: d.Type}
	if !wrappable(script, d.Type) {
		return j, nil
	}
	j.P2SH = n.p2sh(script)
	if inner, ok := segwitOf(script, d.Type); ok {
		j.Segwit = &segwitWrapped{txjson.NewScript(n.p, inner), n.p2sh(inner)}
		if d.Type == txjson.MultiSig {
			body, _, _ := strings.Cut(d.Desc, "#")
			j.Segwit.Desc = txjson.Checksummed("wsh(" + body + ")")
		}
	}
	return j, nil
}

// wrappable says whether it makes sense to pay to a script's hash.
func wrappable(script []byte, kind string) bool {
	switch kind {
	case txjson.MultiSig, txjson.NonStandard, txjson.PubKey, txjson.PubKeyHash, txjson.WitnessV0KeyHash, txjson.WitnessV0ScriptHash:
		return validOps(script) && !txscript.IsUnspendable(script)
	}
	return false
}

// validOps says whether a script can be taken apart, and holds no opcode that always fails or succeeds by its presence.
func validOps(script []byte) bool {
	t := txscript.MakeScriptTokenizer(0, script)
	for t.Next() {
		if t.Opcode() > txscript.OP_NOP10 {
			return false // OP_CHECKSIGADD, 0xba, is for tapscript alone
		}
	}
	return t.Err() == nil
}

// segwitOf is the witness program that pays to the same keys, or to the script's hash.
func segwitOf(script []byte, kind string) ([]byte, bool) {
	switch kind {
	case txjson.WitnessV0KeyHash, txjson.WitnessV0ScriptHash:
		return nil, false
	case txjson.PubKey:
		key := script[1 : len(script)-1]
		return program(address.Hash160(key)), len(key) == btcec.PubKeyBytesLenCompressed
	case txjson.PubKeyHash:
		return program(script[3:23]), true
	case txjson.MultiSig:
		keys, err := txscript.PushedData(script)
		for _, k := range keys {
			if err != nil || len(k) != btcec.PubKeyBytesLenCompressed {
				return nil, false
			}
		}
	}
	hash := sha256.Sum256(script)
	return program(hash[:]), true
}

// program is the output script of a witness program of version 0.
func program(hash []byte) []byte {
	return append([]byte{txscript.OP_0, byte(len(hash))}, hash...)
}

// p2sh is the address that pays to a script's hash.
func (n *node) p2sh(script []byte) string {
	out := append([]byte{txscript.OP_HASH160, 20}, address.Hash160(script)...)
	return txjson.Address(n.p, append(out, txscript.OP_EQUAL))
}
