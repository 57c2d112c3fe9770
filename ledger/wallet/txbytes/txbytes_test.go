package txbytes

import (
	"bytes"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func serialized(t testing.TB, inputs, outputs int, witness bool) []byte {
	t.Helper()
	tx := wire.NewMsgTx(2)
	for i := range inputs {
		in := wire.NewTxIn(wire.NewOutPoint(&chainhash.Hash{1}, uint32(i)), make([]byte, i%300), nil)
		if witness {
			in.Witness = wire.TxWitness{make([]byte, i), {}}
		}
		tx.AddTxIn(in)
	}
	for i := range outputs {
		tx.AddTxOut(wire.NewTxOut(int64(i), make([]byte, i)))
	}
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWholeTransactionsAndNoPartOfThem(t *testing.T) {
	for _, n := range []int{1, 2, 252, 253, 300} {
		for _, witness := range []bool{false, true} {
			b := serialized(t, n, n, witness)
			if inputs, ok := Whole(b, true); !ok || inputs != n {
				t.Errorf("%d inputs, %v; want %d", inputs, ok, n)
			}
			for cut := range b {
				if _, ok := Whole(b[:cut], true); ok {
					t.Fatalf("%d of %d bytes pass for a transaction", cut, len(b))
				}
			}
		}
	}
}

func TestClaimsBeyondTheBytesAreRefused(t *testing.T) {
	for _, b := range [][]byte{
		{2, 0, 0, 0, 0xfe, 0, 0, 0x0c, 0}, // 786,432 inputs
		{2, 0, 0, 0, 0, 1, 0xfe, 0, 0, 0x0c, 0},
		{2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		append(append([]byte{2, 0, 0, 0, 1}, make([]byte, 41)...), 0xfe, 0, 0, 0x0c, 0), // as many outputs
	} {
		if _, ok := Whole(b, true); ok {
			t.Errorf("%x passes for a transaction", b)
		}
	}
}

// FuzzWhole holds it to btcd: what decodes is whole.
func FuzzWhole(f *testing.F) {
	f.Add(serialized(f, 2, 2, true))
	f.Add(serialized(f, 1, 0, false))
	f.Add([]byte{2, 0, 0, 0, 0xfe, 0, 0, 0x0c, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, witness := range []bool{false, true} {
			inputs, ok := Whole(b, witness)
			if !ok && len(b) > 1<<10 {
				return // claims of what is no transaction can take much memory to decode
			}
			var tx wire.MsgTx
			decode := tx.DeserializeNoWitness
			if witness {
				decode = tx.Deserialize
			}
			if err := decode(bytes.NewReader(b)); err == nil && (!ok || inputs != len(tx.TxIn)) {
				t.Fatalf("%d inputs, %v; btcd decodes %d", inputs, ok, len(tx.TxIn))
			}
		}
	})
}
