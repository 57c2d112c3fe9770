package chain

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"funai/inference/block"
	"funai/inference/codec"
	"funai/inference/state"
)

// Add takes in a block with its certificate. Without one it must come from a tenure before there was a group, when the
// producer's signature alone certifies. A block known already is no error.
func (c *Chain) Add(b *block.Block, cert block.Certificate) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := b.ID()
	if old, err := c.node(id); err == nil {
		return c.addAgain(old, cert)
	} else if !errors.Is(err, ErrUnknown) {
		return err
	}
	x, err := c.validate(b)
	if err == nil {
		err = c.checkCertificate(x.node, cert)
	}
	if err != nil {
		// Its id vouches for the tenure in its header, if for nothing else: the election may have waited to know that.
		if slices.Contains(c.waiting, id) && !c.strange.Contains(id) {
			c.strange.Add(id, b.Header.Tenure)
			c.notify()
		}
		return err
	}
	n := x.node
	n.Cert = cert
	if !cert.None() {
		n.Certified = n.Height
	}
	batch := c.db.NewBatch()
	if err := errors.Join(putBlock(batch, n, x.raw, x.effect), batch.Commit(pebble.Sync)); err != nil {
		return err
	}
	c.nodes.Add(id, n)
	c.ready.Remove(id)
	if slices.Contains(c.waiting, id) {
		c.notify() // Follow goes on
	}
	if better(n, c.tip) {
		if err := c.moveTo(n); err != nil {
			return err
		}
		c.notify()
	}
	return nil
}

// addAgain takes in a known block's certificate if it has none that holds on the ledger as it is now, and makes the block
// the tip if it should be: a crash may have come between storing it and that.
func (c *Chain) addAgain(n *node, cert block.Certificate) error {
	holds, err := c.certified(n)
	if err != nil {
		return err
	}
	if !cert.None() && (n.Cert.None() || !holds) {
		if n, err = c.attach(n, cert); err != nil {
			return err
		}
		if slices.Contains(c.waiting, n.id) {
			c.notify()
		}
	}
	ok, err := c.canonical(n)
	if err != nil || !ok || n.id == c.tip.id || !better(n, c.tip) {
		return err
	}
	if err := c.moveTo(n); err != nil {
		return err
	}
	c.notify()
	return nil
}

// attach notes a certificate that came after its block, or in place of one of a round that the ledger took away.
func (c *Chain) attach(n *node, cert block.Certificate) (*node, error) {
	if err := c.checkCertificate(n, cert); err != nil {
		return nil, err
	}
	raw, err := c.blockBytes(n.id)
	if err != nil {
		return nil, err
	}
	m := *n
	m.Cert, m.Certified = cert, n.Height
	batch := c.db.NewBatch()
	err = errors.Join(batch.Set(dbKey(keyBlock, n.id[:]), codec.Encode(storedBlock{Meta: m.stored, Raw: raw}), nil), batch.Commit(pebble.Sync))
	if err != nil {
		return nil, err
	}
	c.nodes.Add(n.id, &m)
	if c.tip.id == m.id {
		c.tip = &m
	}
	return &m, nil
}

func (c *Chain) checkCertificate(n *node, cert block.Certificate) error {
	parent, err := c.node(n.Parent)
	if err != nil {
		return err
	}
	if !cert.None() {
		set, err := c.roundSet(cert.Round, n.Tenure, parent)
		if err != nil {
			return err
		}
		return cert.Check(block.Commit, c.params.ChainID, n.Height, n.id, set)
	}
	set, err := c.voters(parent, n.Tenure.Height)
	if err != nil {
		return err
	}
	if !set.Bootstrap() {
		return fmt.Errorf("%w: none, and %d seats certify block %v", block.ErrCertificate, len(set.Seats), n.id)
	}
	return nil
}

// better is the choice of tip: what a group certified comes first; then, in the bootstrap, the chain of the most tenures,
// each of which is a winning commit that named a block of it; then height; then, for all to choose alike, the lower id.
func better(a, b *node) bool {
	switch {
	case a.Certified != b.Certified:
		return a.Certified > b.Certified
	case a.Tenures != b.Tenures:
		return a.Tenures > b.Tenures
	case a.Height != b.Height:
		return a.Height > b.Height
	}
	return bytes.Compare(a.id[:], b.id[:]) < 0
}

// canonical says whether a block stands on the followed ledger: its tenure does, and the round that certified it, which may
// be a later one. Its ancestors then do too, because rounds and tenures never go back along a chain.
func (c *Chain) canonical(n *node) (bool, error) {
	if n.Height == 0 {
		return true, nil
	}
	h, ok, err := c.ledgerHash(n.Tenure.Height)
	if err != nil || !ok || h != n.Tenure.Hash {
		return false, err
	}
	return c.certified(n)
}

// certified says whether the round of a block's certificate, if it has one, is on the followed ledger.
func (c *Chain) certified(n *node) (bool, error) {
	if n.Cert.None() {
		return true, nil
	}
	h, ok, err := c.ledgerHash(n.Cert.Round.Height)
	return ok && h == n.Cert.Round.Hash, err
}

// reselect chooses the tip anew after the ledger changed.
func (c *Chain) reselect() error {
	ok, err := c.canonical(c.tip)
	if err != nil {
		return err
	}
	best := c.tip
	for !ok {
		if best, err = c.node(best.Parent); err != nil {
			return err
		}
		if ok, err = c.canonical(best); err != nil {
			return err
		}
	}
	// Blocks of other forks, seen earlier, may have become part of the ledger's chain again.
	it, err := c.db.NewIter(&pebble.IterOptions{LowerBound: dbKey(keyAtHeight, u64(best.Height)), UpperBound: []byte{keyAtHeight + 1}})
	if err != nil {
		return err
	}
	for it.First(); it.Valid(); it.Next() {
		n, err := c.node(block.ID(it.Key()[9:]))
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if ok, err := c.canonical(n); err != nil {
			return errors.Join(err, it.Close())
		} else if ok && better(n, best) {
			best = n
		}
	}
	if err := it.Close(); err != nil {
		return err
	}
	if best == c.tip {
		return nil
	}
	return c.moveTo(best)
}

// moveTo makes a stored block the tip, in one batch.
func (c *Chain) moveTo(n *node) error {
	back, forth, err := c.path(c.tip, n)
	if err != nil {
		return err
	}
	batch := c.db.NewBatch()
	var undone [][]byte
	done := map[string]bool{}
	for _, m := range back {
		if err := c.step(batch, m, effect.back); err != nil {
			return err
		}
		txs, err := c.txsOf(m.id)
		if err != nil {
			return err
		}
		undone = append(txs, undone...)
		if err := batch.Delete(dbKey(keyHeight, u64(m.Height)), nil); err != nil {
			return err
		}
	}
	for _, m := range forth {
		if err := c.step(batch, m, effect.forward); err != nil {
			return err
		}
		if err := batch.Set(dbKey(keyHeight, u64(m.Height)), m.id[:], nil); err != nil {
			return err
		}
		if len(undone)+len(c.replay.Txs) > 0 {
			txs, err := c.txsOf(m.id)
			if err != nil {
				return err
			}
			for _, t := range txs {
				done[string(t)] = true
			}
		}
	}
	r := c.nextReplay(undone, done, len(back) > 0)
	if err := errors.Join(
		batch.Set([]byte{keyTip}, n.id[:], nil),
		batch.Set([]byte{keyReplay}, codec.Encode(r), nil),
		batch.Commit(pebble.Sync),
	); err != nil {
		return err
	}
	if len(back) > 0 {
		c.log.Info("inference chain reorganized", "undone", len(back), "done", len(forth), "height", n.Height, "replay", len(r.Txs))
	}
	c.tip, c.replay = n, r
	c.ready.Purge()
	return nil
}

// nextReplay is what must come first in the next block. A block on top has replayed what was valid, so it empties the
// list; a reorganization adds what it undid and the new chain lacks.
func (c *Chain) nextReplay(undone [][]byte, done map[string]bool, reorganized bool) (r replay) {
	if !reorganized {
		return r
	}
	r.Until = uint32(max(c.at.Height, 0)) + replayFor
	for _, t := range append(undone, c.replay.Txs...) {
		if !done[string(t)] && len(r.Txs) < maxReplay {
			done[string(t)] = true
			r.Txs = append(r.Txs, t)
		}
	}
	return r
}

// replay is what must come first in the next block, until a ledger height: seats may have seen different blocks undone, and
// those who ask for what a producer can't know must not stop the chain for good.
type replay struct {
	_     struct{} `cbor:",toarray"`
	Until uint32
	Txs   [][]byte
}

// replayFor is how many ledger blocks the demand stands: a few elections, one of which an informed producer should win.
const replayFor = 3

// step writes one block's effect, or its undoing, into a batch.
func (c *Chain) step(batch *pebble.Batch, m *node, diffs func(effect) (state.Diff, state.Diff, error)) error {
	e, err := c.effect(m.id)
	if err != nil {
		return err
	}
	s, x, err := diffs(e)
	if err != nil {
		return err
	}
	return errors.Join(c.state.Apply(batch, s), c.index.Apply(batch, x))
}

func (c *Chain) txsOf(id block.ID) ([][]byte, error) {
	raw, err := c.blockBytes(id)
	if err != nil {
		return nil, err
	}
	b, err := block.Decode(raw)
	if err != nil {
		return nil, err
	}
	return b.Txs, nil
}
