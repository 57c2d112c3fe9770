package chain

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"funai/inference/block"
	"funai/inference/codec"
	"funai/inference/execution"
	"funai/inference/sortition"
	"funai/inference/state"
	ledger "funai/ledger/chain"
)

const maxStored = 1 << 30

// stored is a block as kept, with what is asked of it again and again.
type stored struct {
	_      struct{} `cbor:",toarray"`
	Height uint64
	Parent block.ID
	Tenure block.Round
	Time   uint64

	First     block.ID // of the first block of its tenure, in its chain
	Seed      [32]byte // of that tenure: what commits on it must carry
	CommitH   uint32   // where the tenure's winning commit lies on the ledger
	CommitI   uint16
	Producer  [20]byte // who won the tenure
	Tenures   uint64   // in the chain up to here
	Certified uint64   // height of the latest block certified by a group, this one included
	NextSet   []byte   // in a tenure's first block within a prepare phase: the set that the state before it stands for
	Cert      block.Certificate
	Size      uint32
	TxCount   uint32
}

// effect is what a block does, and how to undo it.
type effect struct {
	_                    struct{} `cbor:",toarray"`
	Diff, Undo           []byte   // of the state
	IndexDiff, IndexUndo []byte   // of the index
	Events               []execution.Event
}

// node is a stored block and its id.
type node struct {
	id block.ID
	stored
}

// Index names the node's block.
func (n *node) Index() Index { return Index{n.Height, n.id} }

func dbKey(kind byte, parts ...[]byte) []byte {
	k := []byte{kind}
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func u64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// get reads one value; nil if there is none.
func (c *Chain) get(k []byte) ([]byte, error) {
	v, closer, err := c.db.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v = append([]byte(nil), v...)
	return v, closer.Close()
}

// node reads a block's record; the genesis is there without being stored.
func (c *Chain) node(id block.ID) (*node, error) {
	if n, ok := c.nodes.Get(id); ok {
		return n, nil
	}
	if id == block.GenesisID(c.params.ChainID) {
		return &node{id: id}, nil
	}
	raw, err := c.get(dbKey(keyBlock, id[:]))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fmt.Errorf("%w: block %v", ErrUnknown, id)
	}
	var rec storedBlock
	if err := codec.DecodeOwn(raw, maxStored, &rec); err != nil {
		return nil, fmt.Errorf("block %v: %w", id, err)
	}
	n := &node{id, rec.Meta}
	c.nodes.Add(id, n)
	return n, nil
}

// blockBytes reads a block's own encoding.
func (c *Chain) blockBytes(id block.ID) ([]byte, error) {
	raw, err := c.get(dbKey(keyBlock, id[:]))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fmt.Errorf("%w: block %v", ErrUnknown, id)
	}
	var rec storedBlock
	if err := codec.DecodeOwn(raw, maxStored, &rec); err != nil {
		return nil, fmt.Errorf("block %v: %w", id, err)
	}
	return rec.Raw, nil
}

type storedBlock struct {
	_    struct{} `cbor:",toarray"`
	Meta stored
	Raw  []byte
}

func (c *Chain) effect(id block.ID) (e effect, err error) {
	raw, err := c.get(dbKey(keyEffect, id[:]))
	if err != nil {
		return e, err
	}
	if raw == nil {
		return e, fmt.Errorf("%w: effect of block %v", ErrUnknown, id)
	}
	err = codec.DecodeOwn(raw, maxStored, &e)
	return e, err
}

// put writes a block and its effect into a batch.
func putBlock(b *pebble.Batch, n *node, raw []byte, e effect) error {
	return errors.Join(
		b.Set(dbKey(keyBlock, n.id[:]), codec.Encode(storedBlock{Meta: n.stored, Raw: raw}), nil),
		b.Set(dbKey(keyEffect, n.id[:]), codec.Encode(e), nil),
		b.Set(dbKey(keyAtHeight, u64(n.Height), n.id[:]), nil, nil),
	)
}

// snapshot reads the outcome of a ledger block.
func (c *Chain) snapshot(h chainhash.Hash) (*sortition.Snapshot, error) {
	if s, ok := c.snaps.Get(h); ok {
		return s, nil
	}
	raw, err := c.get(dbKey(keySnapshot, h[:]))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fmt.Errorf("%w: election of ledger block %v", ErrUnknown, h)
	}
	s, err := sortition.DecodeSnapshot(raw)
	if err != nil {
		return nil, err
	}
	c.snaps.Add(h, s)
	return s, nil
}

// ledgerHash is the ledger block at a height of the followed chain.
func (c *Chain) ledgerHash(height uint32) (h chainhash.Hash, ok bool, err error) {
	raw, err := c.get(dbKey(keyNumber, u32(height)))
	if err != nil || len(raw) != len(h) {
		return h, false, err
	}
	return chainhash.Hash(raw), true, nil
}

// mainID is the block at a height of the tip's chain.
func (c *Chain) mainID(height uint64) (id block.ID, ok bool, err error) {
	if height == 0 {
		return block.GenesisID(c.params.ChainID), true, nil
	}
	raw, err := c.get(dbKey(keyHeight, u64(height)))
	if err != nil || len(raw) != len(id) {
		return id, false, err
	}
	return block.ID(raw), true, nil
}

// load reads where the chain stands.
func (c *Chain) load() error {
	raw, err := c.get([]byte{keyLedger})
	if err != nil {
		return err
	}
	if raw != nil {
		if len(raw) != 36 {
			return fmt.Errorf("ledger index of %d bytes, not 36", len(raw))
		}
		c.at = ledger.Index{Height: int32(binary.BigEndian.Uint32(raw)), Hash: chainhash.Hash(raw[4:])}
	}
	id := block.GenesisID(c.params.ChainID)
	if raw, err = c.get([]byte{keyTip}); err != nil {
		return err
	}
	if raw != nil {
		id = block.ID(raw)
	}
	if c.tip, err = c.node(id); err != nil {
		return fmt.Errorf("tip: %w", err)
	}
	if raw, err = c.get([]byte{keyReplay}); err != nil {
		return err
	}
	if raw != nil {
		if err := codec.DecodeOwn(raw, maxStored, &c.replay); err != nil {
			return fmt.Errorf("replay list: %w", err)
		}
	}
	return c.reselect() // a crash may have come between a change of the ledger and that of the tip
}

func ledgerIndexBytes(i ledger.Index) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(i.Height)), i.Hash[:]...)
}

// diffs decodes the two differences of an effect, forwards or back.
func (e effect) forward() (s, x state.Diff, err error) { return decodeTwo(e.Diff, e.IndexDiff) }
func (e effect) back() (s, x state.Diff, err error)    { return decodeTwo(e.Undo, e.IndexUndo) }

func decodeTwo(a, b []byte) (s, x state.Diff, err error) {
	if s, err = state.DecodeDiff(a); err != nil {
		return nil, nil, err
	}
	x, err = state.DecodeDiff(b)
	return s, x, err
}
