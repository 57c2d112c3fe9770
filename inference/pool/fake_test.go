package pool

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// keyOf makes the key of a number.
func keyOf(t testing.TB, n uint64) *key.Private {
	t.Helper()
	b := make([]byte, 32)
	binary.BigEndian.PutUint64(b[24:], n+1)
	k, err := key.FromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type empty struct{}

func (empty) Get([]byte) ([]byte, error) { return nil, nil }

// fakeBlock is a block of a fakeChain, on a branch that may not be the tip's.
type fakeBlock struct {
	chain.Info
	parent *fakeBlock
	txs    []*tx.Tx
	state  *state.Layer
	events []execution.Event
}

// fakeChain executes blocks with the real rules, and keeps them in memory.
type fakeChain struct {
	testing.TB
	params   block.Params
	producer key.Hash160
	trusting bool // takes any signature
	seated   map[key.Hash160]bool
	elected  map[key.Hash160]bool

	mu      sync.Mutex
	set     sortition.CycleSet
	tip     *fakeBlock
	all     map[block.ID]*fakeBlock
	changed chan struct{}
	made    uint64
}

var _ Chain = (*fakeChain)(nil)

func newChain(t testing.TB) *fakeChain {
	p := block.Dev()
	g := &fakeBlock{Info: chain.Info{Index: chain.Index{ID: block.GenesisID(p.ChainID)}}, state: state.NewLayer(empty{})}
	return &fakeChain{TB: t, params: p, producer: keyOf(t, 99).Public().Hash160(), seated: map[key.Hash160]bool{}, elected: map[key.Hash160]bool{},
		tip: g, all: map[block.ID]*fakeBlock{g.ID: g}, changed: make(chan struct{})}
}

// seats seats the keys 200, 201 and so on.
func (c *fakeChain) seats(n uint64) {
	c.set = sortition.CycleSet{}
	for i := range n {
		h := keyOf(c, 200+i).Public().Hash160()
		c.set.Seats = append(c.set.Seats, sortition.Seat{Address: h, Signer: h})
		c.seated[h] = true
	}
}

func (c *fakeChain) env(on *fakeBlock, ledger uint32, root [32]byte) execution.Env {
	return execution.Env{Params: c.params, Height: on.Height + 1, Parent: on.ID, TxRoot: root, Ledger: ledger, Before: on.Tenure.Height,
		Producer: c.producer, Set: c.set}
}

// on adds a block to another without moving the tip.
func (c *fakeChain) on(parent *fakeBlock, ledger uint32, mints []sortition.MintOp, txs ...*tx.Tx) *fakeBlock {
	c.Helper()
	c.made++
	var root [32]byte
	binary.BigEndian.PutUint64(root[:], c.made)
	env := c.env(parent, ledger, root)
	env.Mints = mints
	l := state.NewLayer(parent.state)
	m, err := execution.Begin(env, l)
	if err != nil {
		c.Fatal(err)
	}
	for i, t := range txs {
		if err := m.Apply(t); err != nil {
			c.Fatalf("transaction %d: %v", i, err)
		}
	}
	b := &fakeBlock{parent: parent, txs: txs, state: l, Info: chain.Info{Index: chain.Index{Height: parent.Height + 1, ID: block.PackID(parent.ID, root)},
		Parent: parent.ID, Tenure: block.Round{Height: ledger}, Producer: c.producer}}
	if b.events, err = m.End(); err != nil {
		c.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[b.ID] = b
	return b
}

// move makes a block the tip.
func (c *fakeChain) move(b *fakeBlock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tip = b
	close(c.changed)
	c.changed = make(chan struct{})
}

// add puts a block on the tip.
func (c *fakeChain) add(ledger uint32, txs ...*tx.Tx) {
	c.Helper()
	c.move(c.on(c.tip, ledger, nil, txs...))
}

// mint gives keys a balance, at the next ledger height.
func (c *fakeChain) mint(v amount.Amount, ks ...*key.Private) {
	c.Helper()
	var ops []sortition.MintOp
	for _, k := range ks {
		ops = append(ops, sortition.MintOp{To: k.Public().Hash160(), Amount: v})
	}
	c.move(c.on(c.tip, c.tip.Tenure.Height+1, ops))
}

func (c *fakeChain) at() *fakeBlock {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip
}

func (c *fakeChain) Params() block.Params { return c.params }

func (c *fakeChain) Account(h key.Hash160) (execution.Account, error) {
	return execution.AccountOf(c.at().state, h)
}

func (c *fakeChain) Read(f func(state.Reader) error) error { return f(c.at().state) }

func (c *fakeChain) Task(id tx.ID) (info chain.TaskInfo, err error) {
	found := false
	for b := c.at(); b != nil; b = b.parent {
		for _, e := range b.events {
			if e.Task != id {
				continue
			}
			found, info.ID = true, id
			switch e.Kind {
			case execution.EventPacked:
				info.Packed.Height = b.Height
			case execution.EventSettled, execution.EventExpired:
				info.Settled.Height = b.Height
			}
		}
	}
	if !found {
		return info, fmt.Errorf("%w: %v", chain.ErrUnknown, id)
	}
	return info, nil
}

func (c *fakeChain) Seated(h key.Hash160) bool  { return c.seated[h] }
func (c *fakeChain) Elected(h key.Hash160) bool { return c.elected[h] }

func (c *fakeChain) Verify(t *tx.Tx) error {
	if c.trusting {
		return nil
	}
	_, err := t.Verify()
	return err
}

func (c *fakeChain) block(id block.ID) *fakeBlock {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[id]
}

func (c *fakeChain) Transactions(at chain.Index) ([]*tx.Tx, error) { return c.block(at.ID).txs, nil }

func (c *fakeChain) UpdatesSince(at chain.Index, max int) (reverted, applied []chain.Update, err error) {
	from, to := c.block(at.ID), c.at()
	for from != to {
		if from.Height >= to.Height && from.parent != nil {
			reverted = append(reverted, chain.Update{Info: from.Info, Events: from.events})
			from = from.parent
			continue
		}
		applied = append([]chain.Update{{Info: to.Info, Events: to.events}}, applied...)
		to = to.parent
	}
	reverted = reverted[:min(len(reverted), max)]
	return reverted, applied[:min(len(applied), max-len(reverted))], nil
}

func (c *fakeChain) Tip() chain.Index    { return c.at().Index }
func (c *fakeChain) TipInfo() chain.Info { return c.at().Info }

func (c *fakeChain) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// sign makes a transaction with a nonce and the least fee.
func (c *fakeChain) sign(k *key.Private, nonce uint64, p tx.Payload) *tx.Tx {
	t := tx.New(c.params.ChainID, p)
	if !t.Nonceless() {
		t.Nonce = nonce
		if _, ok := p.(*tx.Open); !ok {
			t.Fee = c.params.MinFee
		}
	}
	if c.trusting {
		t.Signer = k.Public().Hash160()
	} else {
		t.Sign(k)
	}
	return t
}

// ask opens a task of a server's, for 1,000 gas at 100.
func (c *fakeChain) ask(k *key.Private, nonce uint64, server key.Hash160) *tx.Tx {
	return c.sign(k, nonce, &tx.Open{Server: server, Expiry: c.at().Tenure.Height + 20, GasLimit: 1000, GasPrice: 100, MaxTokens: 100})
}

// answer is a receipt for a task.
func (c *fakeChain) answer(k *key.Private, open *tx.Tx) *tx.Tx {
	return c.sign(k, 0, &tx.Receipt{Task: open.ID(), TokensIn: 10, TokensOut: 10})
}

// held is a seat's word on receipts.
func (c *fakeChain) held(seat uint64, rs ...*tx.Tx) *tx.Tx {
	h := &tx.Held{}
	for _, r := range rs {
		h.Receipts = append(h.Receipts, r.ID())
	}
	return c.sign(keyOf(c, 200+seat), 0, h)
}

// wire notes what is published.
type wire struct {
	mu   sync.Mutex
	sent [][]byte
}

func (w *wire) Publish(_ context.Context, topic string, b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if topic != Topic {
		return fmt.Errorf("topic %q", topic)
	}
	w.sent = append(w.sent, b)
	return nil
}

// draft applies transactions as a chain.Draft does, with a bound of its own.
type draft struct {
	machine *execution.Machine
	txs     []*tx.Tx
	most    int
}

func (c *fakeChain) draft(ledger uint32, most int) *draft {
	c.Helper()
	m, err := execution.Begin(c.env(c.tip, ledger, [32]byte{0xff}), state.NewLayer(c.tip.state))
	if err != nil {
		c.Fatal(err)
	}
	return &draft{machine: m, most: most}
}

func (d *draft) Add(t *tx.Tx) error {
	if len(d.txs) >= d.most {
		return chain.ErrFull
	}
	if err := d.machine.Apply(t); err != nil {
		return err
	}
	d.txs = append(d.txs, t)
	return nil
}
