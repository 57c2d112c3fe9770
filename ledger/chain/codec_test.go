package chain

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"funai/amount"
	"funai/ledger/consensus"
)

func entryFor(i uint32) *blockchain.UtxoEntry {
	return blockchain.NewUtxoEntry(&wire.TxOut{Value: int64(i), PkScript: make([]byte, 22)}, int32(i), i%2 == 1)
}

func anyCoin(rt *rapid.T) *blockchain.UtxoEntry {
	return blockchain.NewUtxoEntry(&wire.TxOut{
		Value:    rapid.Int64Range(0, int64(amount.Max)).Draw(rt, "value"),
		PkScript: rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(rt, "script"),
	}, rapid.Int32Range(0, math.MaxInt32).Draw(rt, "height"), rapid.Bool().Draw(rt, "coinbase"))
}

func TestRecordsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		coins := rapid.SliceOfN(rapid.Custom(anyCoin), 0, 10).Draw(rt, "coins")
		back, err := decodeUndo(encodeUndo(coins), len(coins))
		if err != nil {
			rt.Fatal(err)
		}
		for i, c := range coins {
			if b := back[i]; b.Amount() != c.Amount() || b.BlockHeight() != c.BlockHeight() || b.IsCoinBase() != c.IsCoinBase() || !bytes.Equal(b.PkScript(), c.PkScript()) {
				rt.Fatalf("coin %d: %+v, not %+v", i, b, c)
			}
		}
		if _, err := decodeUndo(encodeUndo(coins), len(coins)+1); !errors.Is(err, ErrCorrupt) {
			rt.Fatal("one input too many:", err)
		}
		held := rapid.Uint64Range(0, uint64(amount.Max/2)).Draw(rt, "held")
		burned := rapid.Uint64Range(0, uint64(amount.Max/2)).Draw(rt, "burned")
		s := summary{Totals{amount.Amount(held + burned), amount.Amount(held), amount.Amount(burned), amount.Amount(held / 2)}, 7}
		if got, err := decodeSummary(s.encode()); err != nil || got != s {
			rt.Fatalf("%+v, %v, not %+v", got, err, s)
		}
	})
}

func FuzzRecordsFromDisk(f *testing.F) {
	h := consensus.Dev().GenesisBlock.Header
	f.Add(encodeHeader(&h, status{stored: true, connected: true, txs: 300, bytes: 70000}))
	f.Add(encodeHeader(&h, status{failed: true}))
	f.Add(appendCoin(nil, entryFor(3)))
	f.Add(encodeUndo([]*blockchain.UtxoEntry{entryFor(1), entryFor(2)}))
	f.Add(summary{Totals{10, 7, 3, 2}, 1}.encode())
	f.Add(encodePlace(300, 5000))
	f.Add(coinKey(wire.OutPoint{Index: 7}))
	f.Add([]byte{0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		if h, st, err := decodeHeader(b); err == nil {
			if got := encodeHeader(&h, st); !bytes.Equal(got, b) {
				t.Errorf("header %x written as %x", b, got)
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
		if c, err := decodeCoin(b); err == nil {
			if len(c.PkScript()) > txscript.MaxScriptSize || c.Amount() < 0 || c.BlockHeight() < 0 {
				t.Errorf("coin %+v", c)
			}
			if again, err := decodeCoin(appendCoin(nil, c)); err != nil || again.Amount() != c.Amount() {
				t.Error(again, err)
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
		if height, offset, err := decodePlace(b); err == nil {
			if h, o, err := decodePlace(encodePlace(height, offset)); err != nil || h != height || o != offset || h < 0 || o < 0 {
				t.Error(height, offset, h, o, err)
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
		if o, err := decodeCoinKey(b); err == nil && !bytes.Equal(coinKey(o)[1:], b[1:]) || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Error(o, err)
		}
		for _, n := range []int{0, 1, 2, 1000} {
			if cs, err := decodeUndo(b, n); err == nil && len(cs) != n || err != nil && !errors.Is(err, ErrCorrupt) {
				t.Error(n, len(cs), err)
			}
		}
		if s, err := decodeSummary(b); err == nil && s.totals.Issued != s.totals.Held+s.totals.Burned || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Error(s, err)
		}
	})
}
