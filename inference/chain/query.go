package chain

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/codec"
	"funai/inference/execution"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
	ledger "funai/ledger/chain"
)

// Info describes a stored block.
type Info struct {
	Index
	Parent    block.ID
	Tenure    block.Round
	Time      uint64 // milliseconds since 1970
	Producer  key.Hash160
	First     bool
	Txs       int
	Bytes     int
	Votes     int // of its certificate; 0 in the bootstrap
	Certified bool
	Seed      [32]byte // that commits on its tenure carry
	CommitH   uint32   // where the tenure's winning commit lies on the ledger
	CommitI   uint16
}

func (n *node) info() Info {
	return Info{Index: n.Index(), Parent: n.Parent, Tenure: n.Tenure, Time: n.Time, Producer: n.Producer, First: n.First == n.id,
		Txs: int(n.TxCount), Bytes: int(n.Size), Votes: len(n.Cert.Votes), Certified: !n.Cert.None(), Seed: n.Seed, CommitH: n.CommitH, CommitI: n.CommitI}
}

// TipInfo describes the tip; at height 0 it is the genesis, which has no block.
func (c *Chain) TipInfo() Info {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tip.info()
}

// Info describes a block by id.
func (c *Chain) Info(id block.ID) (Info, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n, err := c.node(id)
	if err != nil {
		return Info{}, err
	}
	return n.info(), nil
}

// InfoAt describes the block at a height of the tip's chain.
func (c *Chain) InfoAt(height uint64) (Info, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	id, ok, err := c.mainID(height)
	if err != nil {
		return Info{}, err
	}
	if !ok {
		return Info{}, fmt.Errorf("%w: block at height %d", ErrUnknown, height)
	}
	n, err := c.node(id)
	if err != nil {
		return Info{}, err
	}
	return n.info(), nil
}

// Block returns a block's bytes and its certificate.
func (c *Chain) Block(id block.ID) (raw []byte, cert block.Certificate, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n, err := c.node(id)
	if err != nil {
		return nil, cert, err
	}
	raw, err = c.blockBytes(id)
	return raw, n.Cert, err
}

// Certificate returns the tip's certificate.
func (c *Chain) Certificate() block.Certificate {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.tip.Cert
}

// Update is a block that joined or left the tip's chain.
type Update struct {
	Info
	Events []execution.Event
}

// UpdatesSince tells a follower what changed since a block it knows: blocks undone, newest first, then blocks done,
// oldest first, at most limit of them; call again until there are none. The zero Index stands for the genesis.
func (c *Chain) UpdatesSince(at Index, limit int) (reverted, applied []Update, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if at == (Index{}) {
		at.ID = block.GenesisID(c.params.ChainID)
	}
	n, err := c.node(at.ID)
	if err != nil {
		return nil, nil, err
	}
	for len(reverted) < limit {
		main, ok, err := c.mainID(n.Height)
		if err != nil {
			return nil, nil, err
		}
		if ok && main == n.id {
			break
		}
		u, err := c.update(n)
		if err != nil {
			return nil, nil, err
		}
		reverted = append(reverted, u)
		if n, err = c.node(n.Parent); err != nil {
			return nil, nil, err
		}
	}
	for h := n.Height + 1; h <= c.tip.Height && len(reverted)+len(applied) < limit; h++ {
		id, ok, err := c.mainID(h)
		if err != nil || !ok {
			return nil, nil, errors.Join(err, fmt.Errorf("%w: block at height %d", ErrUnknown, h))
		}
		m, err := c.node(id)
		if err != nil {
			return nil, nil, err
		}
		u, err := c.update(m)
		if err != nil {
			return nil, nil, err
		}
		applied = append(applied, u)
	}
	return reverted, applied, nil
}

func (c *Chain) update(n *node) (Update, error) {
	e, err := c.effect(n.id)
	return Update{Info: n.info(), Events: e.Events}, err
}

// Followed is the ledger block up to which elections were held.
func (c *Chain) Followed() ledger.Index {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.at
}

// Election returns the outcome of the ledger block at a height.
func (c *Chain) Election(height uint32) (*sortition.Snapshot, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.snapshotAt(height)
}

// Latest returns the latest election with a winner, and whether it is of the last ledger block; nil if there is none yet.
func (c *Chain) Latest() (t *Tenure, now bool, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s, err := c.snapshotAt(uint32(max(c.at.Height, 0)))
	if errors.Is(err, ErrUnknown) || err == nil && s.LastWinnerHeight == 0 {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	h, _, err := c.ledgerHash(s.LastWinnerHeight)
	if err != nil {
		return nil, false, err
	}
	t, err = c.tenure(block.Round{Height: s.LastWinnerHeight, Hash: h})
	return t, s.LastWinnerHeight == s.Height, err
}

// Read gives the state after the tip, as it is now, to a function.
func (c *Chain) Read(f func(state.Reader) error) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return f(c.state)
}

// Account reads an account after the tip.
func (c *Chain) Account(h key.Hash160) (a execution.Account, err error) {
	err = c.Read(func(r state.Reader) error {
		a, err = execution.AccountOf(r, h)
		return err
	})
	return a, err
}

// Totals reads the layer's totals after the tip.
func (c *Chain) Totals() (t execution.Totals, err error) {
	err = c.Read(func(r state.Reader) error {
		t, err = execution.TotalsOf(r)
		return err
	})
	return t, err
}

// Audit adds up every account and compares the sum with the totals. It reads the whole state: for tests and tools.
func (c *Chain) Audit() error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return execution.Audit(c.state)
}

// Task returns what the chain knows of an inference transaction.
func (c *Chain) Task(id tx.ID) (t TaskInfo, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.task(id)
}

func (c *Chain) task(id tx.ID) (t TaskInfo, err error) {
	raw, err := c.index.Get(taskInfoKey(id))
	if err != nil {
		return t, err
	}
	if raw == nil {
		return t, fmt.Errorf("%w: task %v", ErrUnknown, id)
	}
	return t, codec.Decode(raw, maxTaskInfo, &t)
}

// Recent returns inference transactions by when they were opened, newest first: the latest, or those before one.
func (c *Chain) Recent(limit int, before *tx.ID) (ts []TaskInfo, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	opts := &pebble.IterOptions{LowerBound: []byte{indexSpace, 'r'}, UpperBound: []byte{indexSpace, 'r' + 1}}
	if before != nil {
		t, err := c.task(*before)
		if err != nil {
			return nil, err
		}
		opts.LowerBound = append([]byte{indexSpace}, recentKey(t.Opened.Height, int(t.Order)-1)...)
		if t.Order == 0 {
			opts.LowerBound = append([]byte{indexSpace}, recentKey(t.Opened.Height-1, int(^uint32(0)))...)
		}
	}
	it, err := c.db.NewIter(opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid() && len(ts) < limit; it.Next() {
		if len(it.Value()) != len(tx.ID{}) {
			continue
		}
		t, err := c.task(tx.ID(it.Value()))
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// TasksOf lists the tasks of an unsettled pack; none if it is settled.
func (c *Chain) TasksOf(pack [32]byte) (ids []tx.ID, err error) {
	err = c.Read(func(r state.Reader) error {
		p, _, err := execution.PackOf(r, pack)
		for _, x := range p.Results {
			ids = append(ids, x.Task)
		}
		return err
	})
	return ids, err
}

// Locked sums up what is a key's but not in its hands yet: escrow of its open tasks, and pending rewards at most.
func (c *Chain) Locked(h key.Hash160) (escrow, immature amount.Amount, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return execution.Locked(c.state, h)
}

// Richest lists the keys with the most FAI.
func (c *Chain) Richest(limit int) ([]key.Hash160, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return execution.Richest(c.state, limit)
}

// Transactions decodes a block's transactions.
func (c *Chain) Transactions(at Index) ([]*tx.Tx, error) {
	raw, _, err := c.Block(at.ID)
	if err != nil {
		return nil, err
	}
	b, err := block.Decode(raw)
	if err != nil {
		return nil, err
	}
	return b.Transactions()
}
