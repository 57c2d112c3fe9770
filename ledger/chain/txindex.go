package chain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"
)

// Tx is a transaction of the best chain and its block: ErrNoTxIndex without Options.TxIndex, ErrUnknown if the best chain
// does not hold it.
func (c *Chain) Tx(hash chainhash.Hash) (*wire.MsgTx, Index, error) {
	if !c.txIndex {
		return nil, Index{}, ErrNoTxIndex
	}
	if err := c.enter(); err != nil {
		return nil, Index{}, err
	}
	defer c.leave()
	n, offset, err := c.place(hash)
	if err != nil {
		return nil, Index{}, err
	}
	raw, err := c.db.must(keyBlock, n)
	if err != nil {
		return nil, Index{}, err
	}
	var tx wire.MsgTx
	if offset > len(raw) {
		return nil, Index{}, fmt.Errorf("%w: transaction %v at byte %d of %d of block %v", ErrCorrupt, hash, offset, len(raw), n.hash)
	}
	if err := tx.Deserialize(bytes.NewReader(raw[offset:])); err != nil {
		return nil, Index{}, fmt.Errorf("%w: transaction %v: %v", ErrCorrupt, hash, err)
	}
	if got := tx.TxHash(); got != hash {
		return nil, Index{}, fmt.Errorf("%w: transaction %v where %v should be", ErrCorrupt, got, hash)
	}
	return &tx, n.index(), nil
}

// place is the block of the best chain that holds a transaction, and the first byte of the transaction in it.
func (c *Chain) place(hash chainhash.Hash) (*node, int, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	raw, err := c.db.get(txKey(hash))
	if err != nil {
		return nil, 0, err
	}
	if raw == nil {
		return nil, 0, fmt.Errorf("%w: transaction %v", ErrUnknown, hash)
	}
	height, offset, err := decodePlace(raw)
	if err != nil || int(height) >= len(c.main) {
		return nil, 0, errors.Join(err, fmt.Errorf("%w: transaction %v at height %d of %d", ErrCorrupt, hash, height, c.tip.height))
	}
	return c.main[height], offset, nil
}

func txKey(hash chainhash.Hash) []byte { return append([]byte{keyTx}, hash[:]...) }

func encodePlace(height int32, offset int) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(height)), uint64(offset))
}

func decodePlace(b []byte) (height int32, offset int, err error) {
	h, n := binary.Uvarint(b)
	if n <= 0 || h > math.MaxInt32 {
		return 0, 0, fmt.Errorf("%w: transaction's place %x", ErrCorrupt, b)
	}
	o, m := binary.Uvarint(b[n:])
	if m <= 0 || o > wire.MaxBlockPayload || n+m != len(b) {
		return 0, 0, fmt.Errorf("%w: transaction's place %x", ErrCorrupt, b)
	}
	return int32(h), int(o), nil
}

// indexTxs enters the transactions of a block that joins the best chain.
func indexTxs(batch *pebble.Batch, height int32, b *wire.MsgBlock, hash func(i int) chainhash.Hash) error {
	offset := wire.MaxBlockHeaderPayload + wire.VarIntSerializeSize(uint64(len(b.Transactions)))
	for i, tx := range b.Transactions {
		if err := batch.Set(txKey(hash(i)), encodePlace(height, offset), nil); err != nil {
			return err
		}
		offset += tx.SerializeSize()
	}
	return nil
}

// prepareTxIndex builds the index if it is wanted and not there, and deletes it if it is there and not wanted. A build
// that was stopped goes on where it was: no block joins or leaves the chain before it is done.
func (c *Chain) prepareTxIndex() error {
	const complete = math.MaxInt32
	next, err := c.indexed()
	switch {
	case err != nil:
		return err
	case c.txIndex && next < complete:
		return c.buildTxIndex(next)
	case !c.txIndex && next >= 0:
		c.log.Info("deleting the transaction index")
		batch := c.db.db.NewBatch()
		defer batch.Close()
		return errors.Join(
			batch.DeleteRange([]byte{keyTx}, []byte{keyTx + 1}, nil), batch.Delete([]byte{keyTxIndex}, nil), batch.Commit(c.db.sync))
	}
	return nil
}

// indexed is the first height whose block is not in the index: math.MaxInt32 if it follows the tip, -1 if there is none.
func (c *Chain) indexed() (int32, error) {
	raw, err := c.db.get([]byte{keyTxIndex})
	if err != nil || raw == nil {
		return -1, err
	}
	next, n := binary.Uvarint(raw)
	if n != len(raw) || next > math.MaxInt32 {
		return 0, fmt.Errorf("%w: transaction index record %x", ErrCorrupt, raw)
	}
	return int32(next), nil
}

// buildTxIndex enters the best chain's blocks from a height on, noting after every few how far it has come.
func (c *Chain) buildTxIndex(next int32) error {
	next = max(next, 0)
	if next < c.tip.height {
		c.log.Info("building the transaction index", "from_height", next, "to_height", c.tip.height)
	}
	reported := c.now()
	for done := false; !done; {
		batch := c.db.db.NewBatch()
		var err error
		for ; err == nil && next <= c.tip.height && batch.Len() < 4<<20; next++ {
			var b *wire.MsgBlock
			if b, err = c.db.block(c.main[next]); err == nil {
				err = indexTxs(batch, next, b, func(i int) chainhash.Hash { return b.Transactions[i].TxHash() })
			}
		}
		note := uint64(next)
		if done = next > c.tip.height; done {
			note = math.MaxInt32
		}
		if err == nil {
			err = errors.Join(batch.Set([]byte{keyTxIndex}, binary.AppendUvarint(nil, note), nil), batch.Commit(c.db.sync))
		}
		if err := errors.Join(err, batch.Close()); err != nil {
			return fmt.Errorf("transaction index at height %d: %w", next, err)
		}
		if now := c.now(); now.Sub(reported) >= reportEvery {
			reported = now
			c.log.Info("building the transaction index", "height", next, "of", c.tip.height)
		}
	}
	return nil
}
