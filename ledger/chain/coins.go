package chain

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"
)

// EachCoin calls f with every unspent output of the best chain, sorted by the bytes of its transaction's hash and then by
// its number, and returns the block whose coins these are: all of one tip, whatever blocks come meanwhile. It ends with
// the error of f, if that returns one, or of ctx. The script belongs to f. It waits for a block
// being processed to begin; Close waits for it to end, so that f must not call the chain itself.
func (c *Chain) EachCoin(ctx context.Context, f func(wire.OutPoint, Coin) error) (at Index, err error) {
	snap, at, err := c.snapshot()
	if err != nil {
		return Index{}, err
	}
	defer c.leave()
	defer func() { err = errors.Join(err, snap.Close()) }()
	it, err := snap.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: []byte{keyCoin}, UpperBound: []byte{keyCoin + 1}})
	if err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return at, err
		}
		o, err := decodeCoinKey(it.Key())
		if err != nil {
			return at, err
		}
		e, err := decodeCoin(it.Value())
		if err != nil {
			return at, fmt.Errorf("coin %v: %w", o, err)
		}
		if err := f(o, coinOf(e)); err != nil {
			return at, err
		}
	}
	return at, it.Error()
}

// snapshot is the database as of one tip, held open until leave.
func (c *Chain) snapshot() (*pebble.Snapshot, Index, error) {
	c.proc.Lock()
	defer c.proc.Unlock()
	if c.closed {
		return nil, Index{}, ErrClosed
	}
	if err := c.flushCoins(); err != nil {
		return nil, Index{}, err
	}
	if err := c.enter(); err != nil {
		return nil, Index{}, err
	}
	return c.db.db.NewSnapshot(), c.tip.index(), nil
}

func coinOf(e *blockchain.UtxoEntry) Coin {
	return Coin{wire.TxOut{Value: e.Amount(), PkScript: e.PkScript()}, e.BlockHeight(), e.IsCoinBase()}
}

// warm reads the coins that a block spends into the cache on all cores, where one after the other would leave all but one
// idle. What cannot be read will be said when it is asked for.
func (s *store) warm(b *btcutil.Block) {
	const few = 32 // not worth the trouble
	var os []wire.OutPoint
	for _, tx := range b.Transactions()[1:] {
		for _, in := range tx.MsgTx().TxIn {
			if !s.cache.has(in.PreviousOutPoint) {
				os = append(os, in.PreviousOutPoint)
			}
		}
	}
	if len(os) < few {
		return
	}
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(os, (len(os)+cores-1)/cores) {
		wg.Go(func() {
			for _, o := range part {
				_, _ = s.coin(o)
			}
		})
	}
	wg.Wait()
}

func decodeCoinKey(key []byte) (o wire.OutPoint, err error) {
	if len(key) != 1+chainhash.HashSize+4 {
		return o, fmt.Errorf("%w: coin key %x", ErrCorrupt, key)
	}
	copy(o.Hash[:], key[1:])
	o.Index = binary.BigEndian.Uint32(key[1+chainhash.HashSize:])
	return o, nil
}
