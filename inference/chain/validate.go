package chain

import (
	"errors"
	"fmt"

	"funai/inference/block"
	"funai/inference/execution"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/vrf"
)

// executed is a valid block, not yet stored.
type executed struct {
	node   *node
	raw    []byte
	effect effect
}

// Tenure is what an election says about the blocks of its tenure.
type Tenure struct {
	Round        block.Round
	Snapshot     *sortition.Snapshot
	Commit       sortition.Commit // the winner's
	Registration sortition.Registration
	Set          sortition.CycleSet
}

// Tenure returns the election of a round on the followed ledger. It fails with ErrLedger or ErrOrphaned if the round is
// not there, and with ErrInvalid if nobody was elected in it.
func (c *Chain) Tenure(r block.Round) (*Tenure, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tenure(r)
}

func (c *Chain) tenure(r block.Round) (*Tenure, error) {
	h, ok, err := c.ledgerHash(r.Height)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%w: at %d, the round is of %d", ErrLedger, c.at.Height, r.Height)
	}
	if h != r.Hash {
		return nil, fmt.Errorf("%w: at height %d it is %v, not %v", ErrOrphaned, r.Height, h, r.Hash)
	}
	s, err := c.snapshot(h)
	if err != nil {
		return nil, err
	}
	if s.Winner < 0 {
		return nil, fmt.Errorf("%w: nobody was elected at ledger height %d", ErrInvalid, r.Height)
	}
	commit := s.Candidates[s.Winner].Commit
	at, ok, err := c.ledgerHash(commit.RegHeight)
	if err != nil || !ok {
		return nil, fmt.Errorf("registration's block at %d: %w", commit.RegHeight, errors.Join(err, ErrUnknown))
	}
	rs, err := c.snapshot(at)
	if err != nil {
		return nil, err
	}
	set, err := c.cycleSet(c.db, c.params.Sortition.Cycle(r.Height))
	if err != nil {
		return nil, err
	}
	for _, reg := range rs.Registrations {
		if reg.Index == commit.RegIndex {
			return &Tenure{Round: r, Snapshot: s, Commit: commit, Registration: reg, Set: set}, nil
		}
	}
	return nil, fmt.Errorf("%w: registration %d of ledger block %d", ErrUnknown, commit.RegIndex, commit.RegHeight)
}

// Set returns who sits in the cycle of a ledger height that the chain has reached, or will with the next ledger block. It
// fails with ErrWaiting while a missing block decides that.
func (c *Chain) Set(height uint32) (set sortition.CycleSet, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	batch := c.db.NewIndexedBatch() // takes in a set computed for the first time, and is dropped
	defer func() { err = errors.Join(err, batch.Close()) }()
	return c.cycleSet(batch, c.params.Sortition.Cycle(height))
}

// Validate says whether a block is valid on its parent, leaving its own certificate aside. The outcome is kept for Add.
func (c *Chain) Validate(b *block.Block) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, err := c.validate(b)
	return err
}

func (c *Chain) validate(b *block.Block) (*executed, error) {
	id := b.ID()
	if x, ok := c.ready.Get(id); ok && x.node.id == id {
		return x, nil
	}
	if err := b.CheckForm(); err != nil {
		return nil, err
	}
	h := b.Header
	if h.ChainID != c.params.ChainID {
		return nil, fmt.Errorf("%w: chain %#x, not %#x", ErrInvalid, h.ChainID, c.params.ChainID)
	}
	parent, err := c.node(h.Parent)
	if errors.Is(err, ErrUnknown) {
		return nil, fmt.Errorf("%w: %v", ErrParent, h.Parent)
	}
	if err != nil {
		return nil, err
	}
	// A parent that the ledger took away may have credited what no ledger block burned.
	if ok, err := c.canonical(parent); err != nil {
		return nil, err
	} else if !ok {
		return nil, fmt.Errorf("%w: the parent's, of ledger block %d", ErrOrphaned, parent.Tenure.Height)
	}
	if h.Height != parent.Height+1 {
		return nil, fmt.Errorf("%w: height %d on a parent at %d", ErrInvalid, h.Height, parent.Height)
	}
	if least := parent.Time + uint64(c.params.BlockSpacing.Milliseconds()); h.Time < least {
		return nil, fmt.Errorf("%w: time %d is before %d, the parent's and the spacing", ErrInvalid, h.Time, least)
	}
	t, err := c.tenure(h.Tenure)
	if err != nil {
		return nil, err
	}
	if who, err := h.Producer(); err != nil {
		return nil, err
	} else if who != t.Registration.Signer {
		return nil, fmt.Errorf("%w: signed by %v, elected is the signer %v", ErrInvalid, who, t.Registration.Signer)
	}
	n := &node{id: id, stored: stored{Height: h.Height, Parent: h.Parent, Tenure: h.Tenure, Time: h.Time,
		CommitH: t.Commit.Height, CommitI: t.Commit.Index, Producer: t.Registration.Actor, Tenures: parent.Tenures,
		Certified: parent.Certified, TxCount: uint32(len(b.Txs))}}
	if err := c.checkTenure(h, parent, t, n); err != nil {
		return nil, err
	}
	if err := c.checkParents(h, parent); err != nil {
		return nil, err
	}
	x, err := c.execute(b, parent, t, n)
	if err != nil {
		return nil, err
	}
	c.ready.Add(id, x)
	return x, nil
}

// checkTenure checks a block's place in its tenure: the first one carries the proof and builds on the block that the
// winning commit named; the others go on with their parent's tenure. It fills in the node's tenure fields.
func (c *Chain) checkTenure(h block.Header, parent *node, t *Tenure, n *node) error {
	if !h.First() {
		if h.Tenure != parent.Tenure {
			return fmt.Errorf("%w: a tenure's first block has no VRF proof", ErrInvalid)
		}
		n.First, n.Seed = parent.First, parent.Seed
		return nil
	}
	if h.Tenure.Height <= parent.Tenure.Height {
		return fmt.Errorf("%w: tenure of ledger block %d begins on one of %d", ErrInvalid, h.Tenure.Height, parent.Tenure.Height)
	}
	proof, err := h.VRFProof()
	if err != nil {
		return err
	}
	out, err := vrf.Verify(t.Registration.VRF, t.Snapshot.S[:], proof)
	if err != nil {
		return fmt.Errorf("%w: VRF proof: %w", ErrInvalid, err)
	}
	n.First, n.Seed, n.Tenures = n.id, sortition.SeedOf(out), parent.Tenures+1
	named, err := c.node(t.Commit.Block)
	if errors.Is(err, ErrUnknown) {
		return fmt.Errorf("%w: %v, named by the winning commit", ErrParent, t.Commit.Block)
	}
	if err != nil {
		return err
	}
	if ok, err := c.isAncestor(named, parent); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%w: builds on %v at %d, not on %v at %d that the winning commit named",
			ErrInvalid, parent.id, parent.Height, named.id, named.Height)
	}
	if t.Commit.Seed != named.Seed {
		return fmt.Errorf("%w: the winning commit's seed is %x, the named tenure's %x", ErrInvalid, t.Commit.Seed, named.Seed)
	}
	if t.Commit.ParentHeight != named.CommitH || t.Commit.ParentIndex != named.CommitI {
		return fmt.Errorf("%w: the winning commit's parent is %d/%d, the named tenure's commit %d/%d", ErrInvalid,
			t.Commit.ParentHeight, t.Commit.ParentIndex, named.CommitH, named.CommitI)
	}
	return nil
}

// checkParents checks the parent's certificate that the header carries. A parent made when there was no group needs none.
func (c *Chain) checkParents(h block.Header, parent *node) error {
	if !h.Parents.None() {
		before, err := c.node(parent.Parent)
		if err != nil {
			return err
		}
		set, err := c.roundSet(h.Parents.Round, parent.Tenure, before)
		if err != nil {
			return err
		}
		return h.Parents.Check(block.Commit, c.params.ChainID, parent.Height, parent.id, set)
	}
	if parent.Height == 0 {
		return nil
	}
	before, err := c.node(parent.Parent)
	if err != nil {
		return err
	}
	set, err := c.voters(before, parent.Tenure.Height)
	if err != nil {
		return err
	}
	if !set.Bootstrap() {
		return fmt.Errorf("%w: no certificate of the parent %v, which %d seats certify", ErrInvalid, parent.id, len(set.Seats))
	}
	return nil
}

// Voters is who votes in a round on blocks on a parent. It fails with ErrUnknown if the parent is not here, with ErrLedger or
// ErrOrphaned if the round is not.
func (c *Chain) Voters(parent block.ID, r block.Round) (set sortition.CycleSet, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, err := c.node(parent)
	if err != nil {
		return set, err
	}
	return c.roundSet(r, p.Tenure, p)
}

// voters is who votes, at a ledger height, on blocks on a parent: the seats of the cycle that the parent's tenure lies in. So
// one group certifies at each height, whatever cycle the ledger has come to, and its locks hold across the change of cycle;
// the next group begins behind the first block of its own cycle. On a parent that no group certified, the seats of the
// present cycle vote.
func (c *Chain) voters(parent *node, at uint32) (sortition.CycleSet, error) {
	if parent.Height > 0 {
		set, err := c.cycleSet(c.db, c.params.Sortition.Cycle(parent.Tenure.Height))
		if err != nil || !set.Bootstrap() {
			return set, err
		}
	}
	return c.cycleSet(c.db, c.params.Sortition.Cycle(at))
}

// roundSet is who votes in a round on a block of a tenure on a parent: the round is on the followed ledger and not before
// the tenure.
func (c *Chain) roundSet(r, tenure block.Round, parent *node) (set sortition.CycleSet, err error) {
	h, ok, err := c.ledgerHash(r.Height)
	if err != nil {
		return set, err
	}
	if !ok {
		return set, fmt.Errorf("%w: at %d, the round is of %d", ErrLedger, c.at.Height, r.Height)
	}
	if h != r.Hash {
		return set, fmt.Errorf("%w: at height %d it is %v, not %v", ErrOrphaned, r.Height, h, r.Hash)
	}
	if r.Height < tenure.Height {
		return set, fmt.Errorf("%w: certified in round %d, before its tenure %d", ErrInvalid, r.Height, tenure.Height)
	}
	return c.voters(parent, r.Height)
}

// isAncestor says whether a is b or an ancestor of b.
func (c *Chain) isAncestor(a, b *node) (bool, error) {
	for b.Height > a.Height {
		main, ok, err := c.mainID(b.Height)
		if err != nil {
			return false, err
		}
		if ok && main == b.id {
			got, ok, err := c.mainID(a.Height)
			return ok && got == a.id, err
		}
		if b, err = c.node(b.Parent); err != nil {
			return false, err
		}
	}
	return a.id == b.id, nil
}

// env gathers what a block's execution depends on outside the state.
func (c *Chain) env(parent *node, t *Tenure, txRoot [32]byte) (execution.Env, error) {
	e := execution.Env{Params: c.params, Height: parent.Height + 1, Parent: parent.id, TxRoot: txRoot,
		Ledger: t.Round.Height, Before: parent.Tenure.Height, Producer: t.Registration.Actor, Set: t.Set}
	for h := e.Before + 1; h <= e.Ledger; h++ {
		s, err := c.snapshotAt(h)
		if err != nil {
			return e, err
		}
		e.Stakes = append(e.Stakes, s.Stakes...)
		if h <= c.params.MintDelay {
			continue
		}
		if s, err = c.snapshotAt(h - c.params.MintDelay); err != nil {
			return e, err
		}
		e.Mints = append(e.Mints, s.Mints...)
	}
	return e, nil
}

func (c *Chain) snapshotAt(height uint32) (*sortition.Snapshot, error) {
	h, ok, err := c.ledgerHash(height)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%w: election at ledger height %d", ErrUnknown, height)
	}
	return c.snapshot(h)
}

// execute runs the block's transactions on the state after its parent.
func (c *Chain) execute(b *block.Block, parent *node, t *Tenure, n *node) (*executed, error) {
	env, err := c.env(parent, t, b.Header.TxRoot)
	if err != nil {
		return nil, err
	}
	before, beforeIndex, err := c.stateAt(parent)
	if err != nil {
		return nil, err
	}
	txs, err := b.Transactions()
	if err != nil {
		return nil, err
	}
	s := state.NewLayer(before)
	if i, err := c.verifyAll(txs); err != nil {
		return nil, fmt.Errorf("%w: transaction %d: %w", ErrInvalid, i, err)
	}
	events, err := run(env, s, txs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	root, err := s.Root()
	if err != nil {
		return nil, err
	}
	if root != b.Header.StateRoot {
		return nil, fmt.Errorf("%w: state root is %x, header says %x", ErrInvalid, root, b.Header.StateRoot)
	}
	x := state.NewLayer(beforeIndex)
	if err := indexEvents(x, n, events); err != nil {
		return nil, err
	}
	if h := b.Header; h.First() && c.params.Sortition.InPrepare(h.Tenure.Height) {
		next, err := execution.NextSet(before, c.params, c.params.Sortition.Cycle(h.Tenure.Height)+1)
		if err != nil {
			return nil, err
		}
		n.NextSet = next.Encode()
	}
	raw := b.Encode()
	n.Size = uint32(len(raw))
	e := effect{Events: events}
	d, dx := s.Diff(), x.Diff()
	undo, err := d.Undo(before)
	if err != nil {
		return nil, err
	}
	undoIndex, err := dx.Undo(beforeIndex)
	if err != nil {
		return nil, err
	}
	e.Diff, e.Undo, e.IndexDiff, e.IndexUndo = d.Encode(), undo.Encode(), dx.Encode(), undoIndex.Encode()
	return &executed{node: n, raw: raw, effect: e}, nil
}

// run executes transactions, whose signatures are good, as one block.
func run(env execution.Env, s *state.Layer, txs []*tx.Tx) ([]execution.Event, error) {
	m, err := execution.Begin(env, s)
	if err != nil {
		return nil, err
	}
	for i, t := range txs {
		if err := m.Apply(t); err != nil {
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		}
	}
	return m.End()
}

// stateAt reads the state and index after a block, wherever it is in the tree: the stored state, with blocks undone down
// to the common ancestor and others done.
func (c *Chain) stateAt(n *node) (s, x state.Reader, err error) {
	if n.id == c.tip.id {
		return c.state, c.index, nil
	}
	back, forth, err := c.path(c.tip, n)
	if err != nil {
		return nil, nil, err
	}
	sl, xl := state.NewLayer(c.state), state.NewLayer(c.index)
	apply := func(m *node, diffs func(effect) (state.Diff, state.Diff, error)) error {
		e, err := c.effect(m.id)
		if err != nil {
			return err
		}
		ds, dx, err := diffs(e)
		if err != nil {
			return err
		}
		sl.Apply(ds)
		xl.Apply(dx)
		return nil
	}
	for _, m := range back {
		if err := apply(m, effect.back); err != nil {
			return nil, nil, err
		}
	}
	for _, m := range forth {
		if err := apply(m, effect.forward); err != nil {
			return nil, nil, err
		}
	}
	return sl, xl, nil
}

// maxPath bounds how many blocks are undone for one change of tip: a ledger reorganization of 100 blocks, at four blocks
// a second of one-minute tenures. Deeper is for a person to look at.
const maxPath = 100 * 60 * 4

// path lists the blocks to undo from one node, newest first, and to do up to another, oldest first.
func (c *Chain) path(from, to *node) (back, forth []*node, err error) {
	for from.id != to.id {
		if len(back)+len(forth) > maxPath {
			return nil, nil, fmt.Errorf("%w: over %d blocks", ErrTooDeep, maxPath)
		}
		if from.Height >= to.Height {
			back = append(back, from)
			if from, err = c.node(from.Parent); err != nil {
				return nil, nil, err
			}
			continue
		}
		forth = append(forth, to)
		if to, err = c.node(to.Parent); err != nil {
			return nil, nil, err
		}
	}
	for i, j := 0, len(forth)-1; i < j; i, j = i+1, j-1 {
		forth[i], forth[j] = forth[j], forth[i]
	}
	return back, forth, nil
}
