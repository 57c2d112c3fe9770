package chain

import (
	"errors"
	"fmt"
	"time"

	"funai/inference/block"
	"funai/inference/execution"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
	"funai/vrf"
)

// Draft is a block in the making on the tip. Transactions are tried one by one; those that fail leave it unchanged.
type Draft struct {
	c       *Chain
	tenure  *Tenure
	parent  *node
	machine *execution.Machine
	txs     []*tx.Tx
	raw     [][]byte
	size    int
	replay  int // how many of the first transactions are replayed
}

// draftRoot stands for the transactions' root while a draft is in the making: no rule reads it but as a name.
var draftRoot = [32]byte{0xff}

// headerRoom is what a block takes beyond its transactions: header, proof, certificate, framing.
const headerRoom = 8 << 10

// NewDraft begins a block of a tenure on the tip, with the undone transactions that are still valid in first place.
func (c *Chain) NewDraft(r block.Round) (*Draft, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, err := c.tenure(r)
	if err != nil {
		return nil, err
	}
	env, err := c.env(c.tip, t, draftRoot)
	if err != nil {
		return nil, err
	}
	// The draft outlives the lock. If the tip moves under it, Finish says so, whatever it read.
	m, err := execution.Begin(env, state.NewLayer(c.state))
	if err != nil {
		return nil, err
	}
	d := &Draft{c: c, tenure: t, parent: c.tip, machine: m}
	for _, raw := range c.replay.Txs {
		if t, err := tx.Decode(raw); err == nil {
			_ = d.Add(t) // what is valid no more is left out
		}
	}
	d.replay = len(d.raw)
	return d, nil
}

// ErrFull says that a block has no room for a transaction.
var ErrFull = errors.New("block is full")

// Add tries a transaction, whose signature the caller has verified.
func (d *Draft) Add(t *tx.Tx) error {
	raw := t.Encode()
	if d.size+len(raw)+8 > block.MaxBytes-headerRoom || len(d.raw) >= block.MaxTxs {
		return fmt.Errorf("%w: %d bytes in %d transactions", ErrFull, d.size, len(d.raw))
	}
	if err := d.machine.Apply(t); err != nil {
		return err
	}
	d.txs, d.raw, d.size = append(d.txs, t), append(d.raw, raw), d.size+len(raw)+8
	return nil
}

// Len is the number of transactions taken.
func (d *Draft) Len() int { return len(d.txs) }

// First says whether the block begins its tenure.
func (d *Draft) First() bool { return d.parent.Tenure != d.tenure.Round }

// Finish makes and signs the block. Its time is now, or the earliest allowed.
func (d *Draft) Finish(signer *key.Private, prover *vrf.PrivateKey, now time.Time) (*block.Block, error) {
	c := d.c
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.tip.id != d.parent.id {
		return nil, fmt.Errorf("%w: the tip is %v now, not %v", ErrParent, c.tip.id, d.parent.id)
	}
	h := block.Header{ChainID: c.params.ChainID, Height: d.parent.Height + 1, Parent: d.parent.id, Tenure: d.tenure.Round,
		Time: uint64(now.UnixMilli()), TxRoot: block.TxRoot(d.raw), Parents: c.tip.Cert}
	h.Time = max(h.Time, d.parent.Time+uint64(c.params.BlockSpacing.Milliseconds()))
	if d.First() {
		proof := prover.Prove(d.tenure.Snapshot.S[:])
		h.Proof = proof[:]
	}
	env, err := c.env(c.tip, d.tenure, h.TxRoot)
	if err != nil {
		return nil, err
	}
	s := state.NewLayer(c.state)
	if _, err := run(env, s, d.txs); err != nil {
		return nil, err
	}
	if h.StateRoot, err = s.Root(); err != nil {
		return nil, err
	}
	h.Sign(signer)
	return &block.Block{Header: h, Txs: d.raw}, nil
}

// CheckReplay says whether a block on the tip begins with the undone transactions that are still valid, in their order.
// Seats sign no other, so that a ledger reorganization reverses nothing that it need not.
func (c *Chain) CheckReplay(b *block.Block) error {
	c.mu.RLock()
	demand := len(c.replay.Txs) > 0 && uint32(max(c.at.Height, 0)) <= c.replay.Until
	c.mu.RUnlock()
	if !demand {
		return nil
	}
	d, err := c.NewDraft(b.Header.Tenure)
	if err != nil {
		return err
	}
	for i, want := range d.raw[:d.replay] {
		if i >= len(b.Txs) || string(b.Txs[i]) != string(want) {
			return fmt.Errorf("%w: transaction %d is not the %d. of %d undone ones that come first", ErrInvalid, i, i+1, d.replay)
		}
	}
	return nil
}
