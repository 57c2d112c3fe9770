package mempool_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/miner"
)

// TestPoolStaysWholeWhileTheChainMoves takes transactions in while blocks of them come and are taken back.
func TestPoolStaysWholeWhileTheChainMoves(t *testing.T) {
	const senders, each = 6, mempool.MaxPackage // no line is too long to come back whole
	c, k := chaintest.New(t), chaintest.Key(t, 1)
	mine := chaintest.Script(k)
	coins := chaintest.MineN(t, c, mine, senders)
	chaintest.MineN(t, c, []byte{txscript.OP_TRUE}, int(c.Params().CoinbaseMaturity))
	p := mempool.New(c, mempool.Config{})
	defer p.Close()
	var wg sync.WaitGroup
	for _, coin := range coins {
		value := int64(c.Params().BaseSubsidy)
		wg.Go(func() {
			for range each {
				tx := chaintest.Spend(t, k, coin, value, wire.NewTxOut(value-1000, mine))
				_, err := p.Accept(tx)
				for errors.Is(err, mempool.ErrBusy) {
					_, err = p.Accept(tx)
				}
				if err != nil {
					t.Error(err)
					return
				}
				coin, value = wire.OutPoint{Hash: tx.TxHash()}, value-1000
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for i := 0; ; i++ {
		select {
		case <-done:
		default:
			b, err := miner.Template(c, p, []byte{2, byte(i), byte(i >> 8)}, time.Now()) // no block twice
			if err == nil {
				err = miner.Solve(t.Context(), b)
			}
			if err == nil {
				_, err = c.ProcessBlock(t.Context(), b)
			}
			if err != nil {
				t.Fatal(err)
			}
			if i%3 == 2 { // two blocks back
				at, _ := c.IndexAt(c.Tip().Height - 1)
				if err := c.InvalidateBlock(t.Context(), at.Hash); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		break
	}
	if _, err := p.Snapshot(); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	made := p.Info().Count
	for h := int32(1); h <= c.Tip().Height; h++ {
		at, _ := c.IndexAt(h)
		b, err := c.Block(at.Hash)
		if err != nil {
			t.Fatal(err)
		}
		made += len(b.Transactions) - 1
	}
	if made != senders*each {
		t.Errorf("%d transactions in the pool and in blocks, want %d", made, senders*each)
	}
}
