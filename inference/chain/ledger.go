package chain

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"funai/inference/block"
	"funai/inference/sortition"
	ledger "funai/ledger/chain"
)

// updatesAtOnce bounds what is taken from the ledger in one batch.
const updatesAtOnce = 64

// Sync takes in what the ledger has that this chain has not: undone blocks take their elections along, new ones hold
// theirs. It stops with ErrWaiting where the next cycle's group depends on a missing block.
func (c *Chain) Sync() error {
	for {
		more, err := c.syncOnce()
		if err != nil || !more {
			return err
		}
	}
}

func (c *Chain) syncOnce() (more bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reverted, applied, err := c.ledger.UpdatesSince(c.at, updatesAtOnce)
	if err != nil || len(reverted)+len(applied) == 0 {
		return false, err
	}
	batch, at, waiting := c.db.NewIndexedBatch(), c.at, error(nil)
	defer func() { err = errors.Join(err, batch.Close()) }()
	for _, u := range reverted {
		if err := batch.Delete(dbKey(keyNumber, u32(uint32(u.Height))), nil); err != nil {
			return false, err
		}
		at = ledger.Index{Height: u.Height - 1, Hash: u.Block.Header.PrevBlock}
	}
	c.waiting = nil
	for _, u := range applied {
		err := c.elect(batch, u)
		var w *waitError
		if errors.As(err, &w) {
			c.waiting, waiting = w.blocks(), err
			break
		}
		if err != nil {
			return false, fmt.Errorf("ledger block %d: %w", u.Height, err)
		}
		at = u.Index
	}
	if at == c.at {
		return false, waiting
	}
	if err := batch.Set([]byte{keyLedger}, ledgerIndexBytes(at), nil); err != nil {
		return false, err
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return false, err
	}
	c.at = at
	c.ready.Purge()
	if len(reverted) > 0 {
		c.log.Info("ledger reorganized", "undone", len(reverted), "height", at.Height)
	}
	if err := c.reselect(); err != nil {
		return false, err
	}
	c.notify()
	return waiting == nil, waiting
}

// view reads snapshots through a batch in the making.
type view struct {
	c *Chain
	b *pebble.Batch
}

// At implements sortition.View.
func (v view) At(height uint32) (*sortition.Snapshot, error) {
	raw, closer, err := v.b.Get(dbKey(keyNumber, u32(height)))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var h [32]byte
	copy(h[:], raw)
	if err := closer.Close(); err != nil {
		return nil, err
	}
	if s, ok := v.c.snaps.Get(h); ok {
		return s, nil
	}
	raw, closer, err = v.b.Get(dbKey(keySnapshot, h[:]))
	if err != nil {
		return nil, err
	}
	s, err := sortition.DecodeSnapshot(raw)
	return s, errors.Join(err, closer.Close())
}

// elect holds one ledger block's election and writes its snapshot into the batch.
func (c *Chain) elect(batch *pebble.Batch, u ledger.Update) error {
	var snap *sortition.Snapshot
	if u.Height == 0 {
		snap = sortition.Genesis(u.Hash, u.Block.Header.Timestamp)
	} else {
		v := view{c, batch}
		prev, err := v.At(uint32(u.Height) - 1)
		if err != nil {
			return err
		}
		if prev == nil {
			return fmt.Errorf("%w: snapshot at %d", ErrUnknown, u.Height-1)
		}
		set, err := c.cycleSet(batch, c.params.Sortition.Cycle(uint32(u.Height)))
		if err != nil {
			return err
		}
		ops := sortition.Parse(sortition.Block{Hash: u.Hash, Prev: u.Block.Header.PrevBlock, Height: uint32(u.Height),
			Time: u.Block.Header.Timestamp, Txs: u.Block.Transactions, Spent: u.Spent})
		if snap, err = sortition.Elect(c.params.Sortition, v, prev, ops, set); err != nil {
			return err
		}
	}
	c.snaps.Add(snap.Hash, snap)
	return errors.Join(
		batch.Set(dbKey(keySnapshot, snap.Hash[:]), snap.Encode(), nil),
		batch.Set(dbKey(keyNumber, u32(snap.Height)), snap.Hash[:], nil),
	)
}

// cycleSet returns who sits in a cycle, on the ledger fork that the batch describes; every ledger block before the cycle
// must be there.
func (c *Chain) cycleSet(r pebble.Reader, cycle uint32) (set sortition.CycleSet, err error) {
	if cycle == 0 {
		return set, nil
	}
	p := c.params.Sortition
	last, closer, err := r.Get(dbKey(keyNumber, u32(cycle*p.CycleLength-1)))
	if err != nil {
		return set, fmt.Errorf("cycle %d: %w", cycle, err)
	}
	id := dbKey(keyCycle, last)
	if err := closer.Close(); err != nil {
		return set, err
	}
	if raw, closer, err := r.Get(id); err == nil {
		set, err = sortition.DecodeCycleSet(raw)
		return set, errors.Join(err, closer.Close())
	} else if !errors.Is(err, pebble.ErrNotFound) {
		return set, err
	}
	batch, ok := r.(*pebble.Batch)
	if !ok {
		return set, fmt.Errorf("%w: set of cycle %d", ErrUnknown, cycle)
	}
	before, err := c.cycleSet(batch, cycle-1)
	if err != nil {
		return set, err
	}
	if set, err = c.nextCycle(batch, cycle, before); err != nil {
		return set, err
	}
	return set, batch.Set(id, set.Encode(), nil)
}

// nextCycle fixes a cycle's set: what the state stands for just before the first block of the first tenure of the prepare
// phase that has one, in the chain of a block that a later winning commit of the phase names; else the set before, as it was.
// Where a group certifies there is one such chain, and one commit is enough. In the bootstrap forks abound, so more than
// half of those commits must name the same. A commit says on the ledger which tenure its block is of, so most of those that
// name nothing of the phase, or nothing at all, are known without their block; for the others the node waits while they
// could still decide: whoever keeps blocks back, or invents them, holds nobody up unless half the elections are theirs.
func (c *Chain) nextCycle(batch *pebble.Batch, cycle uint32, before sortition.CycleSet) (set sortition.CycleSet, err error) {
	p, v := c.params.Sortition, view{c, batch}
	end := cycle * p.CycleLength
	start := end - p.PrepareLength
	winners, most, votes := 0, (*node)(nil), map[block.ID]int{}
	var missing []unknown
	for h := start; h < end; h++ {
		s, err := v.At(h)
		if err != nil {
			return set, err
		}
		if s == nil {
			return set, fmt.Errorf("%w: snapshot at %d", ErrUnknown, h)
		}
		if s.Winner < 0 {
			continue
		}
		winners++
		n, err := c.named(v, s.Candidates[s.Winner].Commit, start)
		if errors.Is(err, ErrWaiting) {
			root, err := c.root(v, s.Candidates[s.Winner].Commit, start)
			if err != nil {
				return set, err
			}
			missing = append(missing, unknown{s.Candidates[s.Winner].Block, root})
			continue
		}
		if err != nil {
			return set, err
		}
		if n == nil {
			continue
		}
		if votes[n.id]++; most == nil || votes[n.id] > votes[most.id] {
			most = n
		}
	}
	need := 1
	if before.Bootstrap() {
		need = max(winners-1, 0)/2 + 1 // the first one comes too early to name a block of the phase
	}
	if most != nil && votes[most.id] >= need {
		return sortition.DecodeCycleSet(most.NextSet)
	}
	open := len(missing) > 0 && len(missing) >= need
	for id, have := range votes {
		n, err := c.node(id)
		if err != nil {
			return set, err
		}
		for _, m := range missing {
			if m.root >= n.Tenure.Height {
				have++
			}
		}
		open = open || len(missing) > 0 && have >= need
	}
	if open {
		return set, &waitError{cycle, missing}
	}
	before.Cycle = cycle
	return before, nil
}

// named finds the block that a winning commit of a prepare phase stands for: the first one of the phase in the chain of the
// block that it names; nil if there is none. It fails with ErrWaiting if only a block that is not here can tell.
func (c *Chain) named(v view, commit sortition.Commit, start uint32) (*node, error) {
	parent, err := c.claimed(v, commit)
	if err != nil || parent == nil || parent.Height < start {
		return nil, err
	}
	claimed := block.Round{Height: parent.Height, Hash: parent.Hash}
	n, err := c.node(commit.Block)
	if errors.Is(err, ErrUnknown) {
		if r, ok := c.strange.Get(commit.Block); ok && r != claimed {
			return nil, nil // of the same place on another ledger fork
		}
		return nil, ErrWaiting
	}
	if err != nil || n.Tenure != claimed {
		return nil, err
	}
	if !n.Cert.None() {
		// A certificate of a round that this ledger does not have proves nothing on it; there may be another.
		s, err := v.At(n.Cert.Round.Height)
		if err != nil {
			return nil, err
		}
		if s == nil || s.Hash != n.Cert.Round.Hash {
			return nil, ErrWaiting
		}
	}
	for {
		first, err := c.node(n.First)
		if err != nil {
			return nil, err
		}
		if n, err = c.node(first.Parent); err != nil || n.Tenure.Height < start {
			return first, err
		}
	}
}

// claimed is the election whose tenure a commit says that its block is of; nil if there is none such before it.
func (c *Chain) claimed(v view, commit sortition.Commit) (*sortition.Snapshot, error) {
	if commit.ParentHeight >= commit.Height {
		return nil, nil
	}
	s, err := v.At(commit.ParentHeight)
	if err != nil || s == nil || s.Winner < 0 || s.Candidates[s.Winner].Index != commit.ParentIndex {
		return nil, err
	}
	return s, nil
}

// root is the first tenure of a prepare phase on the way back from a commit, as winning commits claim. The chain of the block
// that the commit names may have another before it, for a tenure may build on more than its commit knew, but none after.
func (c *Chain) root(v view, commit sortition.Commit, start uint32) (height uint32, err error) {
	for {
		s, err := c.claimed(v, commit)
		if err != nil || s == nil || s.Height < start {
			return height, err
		}
		height, commit = s.Height, s.Candidates[s.Winner].Commit
	}
}

// unknown is a missing block that a winning commit names, and the first tenure of the phase that it may descend from.
type unknown struct {
	id   block.ID
	root uint32
}

// waitError is ErrWaiting with the blocks that are missing.
type waitError struct {
	cycle   uint32
	missing []unknown
}

func (e *waitError) blocks() (ids []block.ID) {
	for _, m := range e.missing {
		ids = append(ids, m.id)
	}
	return ids
}

func (e *waitError) Error() string {
	return fmt.Sprintf("%v: cycle %d, blocks %v", ErrWaiting, e.cycle, e.blocks())
}
func (e *waitError) Unwrap() error { return ErrWaiting }
