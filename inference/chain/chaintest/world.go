// Package chaintest builds inference chains for tests of the packages at and above chain: a ledger in memory, keys that
// stand for election and hold seats, blocks and certificates. It may import what chain may, and chain. Everything goes by
// the real rules; only the ledger's are left out.
package chaintest

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
	ledger "funai/ledger/chain"
	"funai/vrf"
)

// Key makes the key of a number.
func Key(t testing.TB, n uint64) *key.Private {
	t.Helper()
	k, err := key.FromBytes(binary.BigEndian.AppendUint64(make([]byte, 24), n+1))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Producer is a key that is registered for elections.
type Producer struct {
	Key    *key.Private // of its account and of its blocks
	Prover *vrf.PrivateKey
	Index  uint16 // of its registration, in ledger block 2
}

// Hash names the producer's account.
func (p *Producer) Hash() key.Hash160 { return p.Key.Public().Hash160() }

// registered is the ledger block with all registrations.
const registered = 2

// World is a ledger, a chain that follows it, and those who make its blocks.
type World struct {
	testing.TB
	Params    block.Params
	Ledger    *Ledger
	Chain     *chain.Chain
	Producers []*Producer
	Staked    []*key.Private // who asked for seats
	Clock     time.Time      // of producers; it stands still, and blocks are their spacing apart
}

// New makes a world of the dev network's rules, without blocks, in which so many producers are registered. Its clock is a
// minute slow, so that a test's blocks are not of the future.
func New(t testing.TB, producers int) *World {
	return NewOn(t, vfs.NewMem(), producers)
}

// NewOn is New with a file system for the chain.
func NewOn(t testing.TB, fs vfs.FS, producers int) *World {
	t.Helper()
	w := &World{TB: t, Params: block.Dev(), Ledger: NewLedger(), Clock: time.Now().Add(-time.Minute)}
	w.Chain = w.OpenOn(fs)
	w.Ledger.Mine()
	w.Sync()
	s, err := w.Chain.Election(1)
	if err != nil {
		t.Fatal(err)
	}
	var ops []Op
	for i := range producers {
		p := &Producer{Key: Key(t, uint64(i)), Prover: vrf.NewKey([32]byte{byte(i + 1)}), Index: uint16(i + 1)}
		w.Producers = append(w.Producers, p)
		ops = append(ops, Op{p.Key, script(sortition.RegisterScript(sortition.RegisterData{
			ConsensusHash: s.ConsensusHash, VRF: p.Prover.Public(), Signer: p.Hash()}))})
	}
	if at := w.Ledger.Mine(ops...); at.Height != registered {
		t.Fatalf("registered at %d", at.Height)
	}
	w.Sync()
	return w
}

// Another opens another chain on the world's ledger, without blocks, and is the world as that one sees it.
func (w *World) Another() *World {
	w.Helper()
	v := *w
	v.Chain = w.OpenOn(vfs.NewMem())
	return &v
}

// CatchUp gives a chain all that the world's chain holds, as far as it takes it.
func (w *World) CatchUp(c *chain.Chain) {
	w.Helper()
	for last := -1; int(c.Followed().Height)+int(c.Tip().Height) != last; {
		last = int(c.Followed().Height) + int(c.Tip().Height)
		if err := c.Sync(); err != nil && !errors.Is(err, chain.ErrWaiting) {
			w.Fatal(err)
		}
		for h := uint64(1); h <= w.Chain.Tip().Height; h++ {
			b, cert := w.At(h)
			if err := c.Add(b, cert); errors.Is(err, chain.ErrLedger) {
				break // it waits for a block that is among these
			} else if err != nil {
				w.Fatal(err)
			}
		}
	}
}

// At is the chain's block at a height, with its certificate.
func (w *World) At(height uint64) (*block.Block, block.Certificate) {
	w.Helper()
	i, err := w.Chain.InfoAt(height)
	if err != nil {
		w.Fatal(err)
	}
	raw, cert, err := w.Chain.Block(i.ID)
	if err != nil {
		w.Fatal(err)
	}
	b, err := block.Decode(raw)
	if err != nil {
		w.Fatal(err)
	}
	return b, cert
}

// Root is the state's root after the tip.
func (w *World) Root() (root [32]byte) {
	w.Helper()
	if err := w.Chain.Read(func(r state.Reader) (err error) {
		root, err = state.NewLayer(r).Root()
		return err
	}); err != nil {
		w.Fatal(err)
	}
	return root
}

// In is the world in a part of its test.
func (w *World) In(t testing.TB) *World {
	v := *w
	v.TB = t
	return &v
}

// OpenOn opens a chain on a file system.
func (w *World) OpenOn(fs vfs.FS) *chain.Chain {
	w.Helper()
	c, err := chain.Open(w.Ledger, chain.Options{Params: w.Params, Dir: "chain", FS: fs})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := c.Close(); err != nil {
			w.Error(err)
		}
	})
	return c
}

// Sync has the chain follow the ledger.
func (w *World) Sync() {
	w.Helper()
	if err := w.Chain.Sync(); err != nil {
		w.Fatal(err)
	}
}

// Reorganize makes a ledger block the tip of the best chain, and has the chain follow.
func (w *World) Reorganize(to ledger.Index) {
	w.Helper()
	w.Ledger.Reset(to)
	w.Sync()
}

// Commit is a producer's commit to the next ledger block's election, on a block of the chain.
func (w *World) Commit(p *Producer, on chain.Info) Op {
	w.Helper()
	return w.CommitData(p, sortition.CommitData{Block: on.ID, Seed: on.Seed, ParentHeight: on.CommitH, ParentIndex: on.CommitI})
}

// CommitData is a commit that says what it likes of the chain.
func (w *World) CommitData(p *Producer, d sortition.CommitData) Op {
	w.Helper()
	next := uint32(w.Ledger.Tip().Height) + 1
	set, err := w.Chain.Set(next)
	if err != nil {
		w.Fatal(err)
	}
	d.RegHeight, d.RegIndex, d.Intended = registered, p.Index, sortition.Intended(next)
	outs, err := sortition.CommitOutputs(d, set, 10_000)
	if err != nil {
		w.Fatal(err)
	}
	return Op{p.Key, outs}
}

// Elect mines a ledger block that elects a producer, on the chain's tip, and does the other operations.
func (w *World) Elect(p *Producer, more ...Op) block.Round {
	w.Helper()
	return w.ElectOn(p, w.Chain.TipInfo(), more...)
}

// ElectOn is Elect on any block.
func (w *World) ElectOn(p *Producer, on chain.Info, more ...Op) block.Round {
	w.Helper()
	at := w.Ledger.Mine(append([]Op{w.Commit(p, on)}, more...)...)
	w.Sync()
	return block.Round{Height: uint32(at.Height), Hash: at.Hash}
}

// Latest is the election with the latest winner.
func (w *World) Latest() *chain.Tenure {
	w.Helper()
	t, _, err := w.Chain.Latest()
	if err != nil || t == nil {
		w.Fatal("nobody was elected: ", err)
	}
	return t
}

// Draft makes a block of the latest tenure on the tip, with undone transactions and these.
func (w *World) Draft(txs ...*tx.Tx) *block.Block {
	w.Helper()
	return w.DraftOf(w.Latest().Round, txs...)
}

// DraftOf makes a block of a tenure on the tip.
func (w *World) DraftOf(r block.Round, txs ...*tx.Tx) *block.Block {
	w.Helper()
	t, err := w.Chain.Tenure(r)
	if err != nil {
		w.Fatal(err)
	}
	d, err := w.Chain.NewDraft(r)
	if err != nil {
		w.Fatal(err)
	}
	for _, t := range txs {
		if err := d.Add(t); err != nil {
			w.Fatal(err)
		}
	}
	p := w.Of(t)
	b, err := d.Finish(p.Key, p.Prover, w.Clock)
	if err != nil {
		w.Fatal(err)
	}
	return b
}

// Of is the producer that won an election.
func (w *World) Of(t *chain.Tenure) *Producer {
	w.Helper()
	for _, p := range w.Producers {
		if p.Hash() == t.Registration.Actor {
			return p
		}
	}
	w.Fatalf("%v is no producer of this world", t.Registration.Actor)
	return nil
}

// Extend adds a block of the latest tenure to the chain, certified by every seat.
func (w *World) Extend(txs ...*tx.Tx) *block.Block {
	w.Helper()
	b := w.Draft(txs...)
	w.Add(b, w.Certify(b, w.Latest().Round))
	return b
}

// Add adds a block to the chain.
func (w *World) Add(b *block.Block, cert block.Certificate) {
	w.Helper()
	if err := w.Chain.Add(b, cert); err != nil {
		w.Fatal(err)
	}
}

// Tenures makes so many tenures of one block, of the producers in turn.
func (w *World) Tenures(n int) {
	w.Helper()
	for range n {
		w.Elect(w.Producers[int(w.Ledger.Tip().Height)%len(w.Producers)])
		w.Extend()
	}
}

// TenuresUntil makes tenures up to that of a ledger height.
func (w *World) TenuresUntil(height uint32) {
	w.Helper()
	w.Tenures(int(height) - int(w.Ledger.Tip().Height))
}

// Stake is an operation that asks for a seat.
func (w *World) Stake(k *key.Private, value amount.Amount) Op {
	w.Helper()
	outs, err := sortition.StakeOutputs(k.Public().Hash160(), value)
	if err != nil {
		w.Fatal(err)
	}
	w.Staked = append(w.Staked, k)
	return Op{k, outs}
}

// Mint is an operation that brings FAI to the key that pays for it.
func (w *World) Mint(k *key.Private, value amount.Amount) Op {
	w.Helper()
	return w.MintTo(k, k.Public().Hash160(), value)
}

// MintTo is an operation of a key that brings FAI to any address.
func (w *World) MintTo(k *key.Private, to key.Hash160, value amount.Amount) Op {
	w.Helper()
	outs, err := sortition.MintOutputs(to, value)
	if err != nil {
		w.Fatal(err)
	}
	return Op{k, outs}
}

// Transfer is a transaction between two keys.
func (w *World) Transfer(from *key.Private, nonce uint64, to key.Hash160, value amount.Amount) *tx.Tx {
	t := tx.New(w.Params.ChainID, &tx.Transfer{To: to, Amount: value})
	t.Nonce, t.Fee = nonce, w.Params.MinFee
	t.Sign(from)
	return t
}

// Ask is an opening transaction to a server.
func (w *World) Ask(from *key.Private, nonce uint64, server key.Hash160) *tx.Tx {
	t := tx.New(w.Params.ChainID, &tx.Open{Model: 1, Server: server, Expiry: uint32(w.Ledger.Tip().Height) + w.Params.MaxExpiry/2,
		GasLimit: 1000, GasPrice: 10, MaxTokens: 100})
	t.Nonce = nonce
	t.Sign(from)
	return t
}
