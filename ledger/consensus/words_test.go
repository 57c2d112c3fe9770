package consensus

import (
	"errors"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func TestScriptsFailInBitcoinCoresWords(t *testing.T) {
	for _, c := range []struct {
		script []byte
		want   string
	}{
		{[]byte{txscript.OP_0}, "Script evaluated without error but finished with a false/empty top stack element"},
		{[]byte{txscript.OP_RETURN}, "OP_RETURN was encountered"},
		{[]byte{txscript.OP_0, txscript.OP_VERIFY}, "Script failed an OP_VERIFY operation"},
		{[]byte{txscript.OP_1, txscript.OP_IF}, "Invalid OP_IF construction"},
		{[]byte{txscript.OP_ADD}, "Operation not valid with the current stack size"},
		{[]byte{txscript.OP_1, txscript.OP_CAT}, "Attempted to use a disabled opcode"},
		{[]byte{txscript.OP_DATA_1, 9, txscript.OP_DATA_1, 7, txscript.OP_CHECKSIG}, "Non-canonical DER signature"},
	} {
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, nil, nil))
		view := blockchain.NewUtxoViewpoint()
		view.Entries()[wire.OutPoint{}] = blockchain.NewUtxoEntry(&wire.TxOut{Value: 1, PkScript: c.script}, 1, false)
		b := btcutil.NewBlock(&wire.MsgBlock{Transactions: []*wire.MsgTx{wire.NewMsgTx(2), tx}})
		err := CheckScripts(t.Context(), b, view, nil)
		if code, broken := Broken(err); !broken || code != blockchain.ErrScriptValidation && code != blockchain.ErrScriptMalformed {
			t.Errorf("%x: %v", c.script, err)
		}
		if got := ScriptWords(err); got != c.want {
			t.Errorf("%x: %s, want %s (%v)", c.script, got, c.want, err)
		}
	}
	if got := ScriptWords(errors.New("disk")); got != "" {
		t.Error(got)
	}
}

func TestOutputsOutOfRangeAreToldApart(t *testing.T) {
	for want, values := range map[string][]int64{
		"":                             {btcutil.MaxSatoshi - 1, 1, 0},
		"bad-txns-vout-negative":       {5, -1, btcutil.MaxSatoshi + 1},
		"bad-txns-vout-toolarge":       {btcutil.MaxSatoshi + 1},
		"bad-txns-txouttotal-toolarge": {btcutil.MaxSatoshi, 1},
	} {
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: 1}, nil, nil))
		for _, v := range values {
			tx.AddTxOut(wire.NewTxOut(v, nil))
		}
		err := blockchain.CheckTransactionSanity(btcutil.NewTx(tx))
		if got := ValueWords(tx); got != want || Is(err, blockchain.ErrBadTxOutValue) != (want != "") {
			t.Errorf("%v: %q, want %q (%v)", values, got, want, err)
		}
	}
}
