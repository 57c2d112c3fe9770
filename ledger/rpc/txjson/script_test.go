package txjson

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
	"funai/ledger/rpc"
)

// TestScriptsAreShownAsByBitcoind holds output scripts to what bitcoind 29 shows in regtest.
func TestScriptsAreShownAsByBitcoind(t *testing.T) {
	const key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	for _, c := range []struct{ script, kind, address, desc string }{
		{"21" + key + "ac", PubKey, "", "pk(" + key + ")#"},
		{"76a914751e76e8199196d454941c45d1b3a323f1433bd688ac", PubKeyHash, "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r", "addr(mrCD"},
		{"a914bcfeb728b584253d5f3f70bcb780e9ef218a68f487", ScriptHash, "2NAUYAHhujozruyzpsFRP63mbrdaU5wnEpN", "addr(2NAU"},
		{"0014751e76e8199196d454941c45d1b3a323f1433bd6", WitnessV0KeyHash, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)#8pk5s7ya"},
		{"5120" + key[2:], WitnessV1Taproot, "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6", "rawtr(" + key[2:] + ")#"},
		{"51024e73", Anchor, "bcrt1pfeesnyr2tx", "addr(bcrt1pfeesnyr2tx)#"},
		{"52021234", WitnessUnknown, "bcrt1zzg6qxpnlck", "addr("},
		{"0002abcd", NonStandard, "", "raw(0002abcd)#"},
		{"5121" + key + "51ae", MultiSig, "", "multi(1," + key + ")#"},
		{"5121" + "02" + strings.Repeat("ff", 32) + "51ae", MultiSig, "", "raw("},
		{"6a0548656c6c6f", NullData, "", "raw(6a0548656c6c6f)#"},
		{"6aac", NonStandard, "", "raw(6aac)#"},
		{"", NonStandard, "", "raw()#"},
	} {
		raw, err := hex.DecodeString(c.script)
		if err != nil {
			t.Fatal(err)
		}
		s := NewScript(consensus.BitcoinRegtest(), raw)
		if s.Type != c.kind || !strings.HasPrefix(s.Desc, c.desc) || s.Hex != c.script || c.address != s.Address && c.kind != WitnessUnknown {
			t.Errorf("%s: %+v, want %s %q %s", c.script, s, c.kind, c.address, c.desc)
		}
	}
}

func TestSignaturesAreNamedInInputScriptsAlone(t *testing.T) {
	sig := append([]byte{0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01}, 0x83)
	script := append([]byte{byte(len(sig))}, sig...)
	if got := Asm(script, true); got != "3006020101020101[SINGLE|ANYONECANPAY]" {
		t.Error(got)
	}
	if got := Asm(script, false); got != hex.EncodeToString(sig) {
		t.Error(got)
	}
}

func TestParse(t *testing.T) {
	tx := wire.NewMsgTx(2)
	tx.AddTxOut(wire.NewTxOut(1, []byte{0x51}))
	if got, err := Parse(Hex(tx)); err != nil || got.TxHash() != tx.TxHash() { // without inputs, as createrawtransaction makes them
		t.Errorf("%v, %v", got, err)
	}
	for _, s := range []string{"", "0", "zz", "00", Hex(tx) + "00", strings.Repeat("0", 2*maxTx+2)} {
		var e *rpc.Error
		if got, err := Parse(s); !errors.As(err, &e) || e.Code != rpc.CodeDeserialization {
			t.Errorf("%.20s: %v, %v", s, got, err)
		}
	}
}
