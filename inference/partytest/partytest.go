// Package partytest puts parties on one inference chain, for tests of what serves, asks, fetches and judges: each has a key
// with coins, a host on a network in memory, a pool and an exchange. Chain, pools and exchanges are the real ones; blocks
// come when the test asks for them. It imports the inference layer up to exchange; use it inside a testing/synctest bubble.
package partytest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain/chaintest"
	"funai/inference/content"
	"funai/inference/exchange"
	"funai/inference/execution"
	"funai/inference/pool"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/key"
	"funai/p2p/p2ptest"
)

// Bond is what Bond locks: a half of what every party has.
const Bond = amount.FAI / 2

// World is a chain with a network beside it. It is for one goroutine.
type World struct {
	*chaintest.World
	Net *p2ptest.Net
	ctx context.Context
}

// Party is a key's place in a world.
type Party struct {
	w        *World
	Key      *key.Private
	Hash     key.Hash160
	Host     *p2ptest.Host
	Pool     *pool.Pool
	Contents *content.Store
	Exchange *exchange.Exchange
}

// Key is the key of a party's number.
func Key(t testing.TB, n uint64) *key.Private { return chaintest.Key(t, 500+n) }

// New makes a world with so many seats, none of which is a party yet, in which the keys 0 to rich-1 have a FAI each.
func New(t testing.TB, seats int, rich uint64) *World {
	t.Helper()
	// The ledger's blocks have times of their own, a second apart: the bubble's clock goes to where they begin.
	time.Sleep(time.Until(time.Unix(1_700_000_100, 0)))
	w := &World{World: chaintest.New(t, 1), Net: p2ptest.New(1)}
	var stop context.CancelFunc
	w.ctx, stop = context.WithCancel(context.Background())
	t.Cleanup(func() {
		stop()
		if err := w.Net.Close(); err != nil {
			t.Error(err)
		}
	})
	var ops []chaintest.Op
	for i := range rich {
		ops = append(ops, w.Mint(Key(t, i), amount.FAI))
	}
	w.Elect(w.Producers[0], ops...)
	w.Extend()
	if seats > 0 {
		w.Seated(seats)
	} else {
		w.Tenures(int(w.Params.MintDelay) + 1)
	}
	return w
}

// Party gives a key its place. It runs until the test ends.
func (w *World) Party(k *key.Private) *Party {
	w.Helper()
	p := &Party{w: w, Key: k, Hash: k.Public().Hash160(), Host: w.Net.Host(k)}
	var err error
	if p.Contents, err = content.Open(w.TempDir(), content.Options{NoSync: true}); err != nil {
		w.Fatal(err)
	}
	p.Pool = pool.New(w.Chain, p.Host)
	p.Exchange = exchange.New(w.Chain, p.Contents, p.Host, slog.New(slog.DiscardHandler))
	err = p.Host.Subscribe(pool.Topic, tx.MaxBytes, func(_ context.Context, _ key.Public, b []byte) error { return p.Pool.Receive(b) })
	if err != nil {
		w.Fatal(err)
	}
	w.Go(p.Pool.Run)
	w.Cleanup(func() {
		if err := p.Contents.Close(); err != nil {
			w.Error(err)
		}
	})
	return p
}

// Go runs something until the test ends, or until the returned function is called, and waits for it then.
func (w *World) Go(run func(context.Context) error) (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			w.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.Cleanup(stop)
	return stop
}

// Bond locks a party's bond.
func (w *World) Bond(p *Party) {
	w.Helper()
	w.Extend(w.Sign(p.Key, p.Account().Nonce, &tx.Lock{Kind: tx.LockBond, Amount: Bond}))
	synctest.Wait()
}

// Account is what the chain says of the party.
func (p *Party) Account() execution.Account {
	p.w.Helper()
	a, err := p.w.Chain.Account(p.Hash)
	if err != nil {
		p.w.Fatal(err)
	}
	return a
}

// Sign makes a transaction of a key, with the least fee if it takes one.
func (w *World) Sign(k *key.Private, nonce uint64, p tx.Payload) *tx.Tx {
	t := tx.New(w.Params.ChainID, p)
	if !t.Nonceless() {
		t.Nonce = nonce
		if _, opens := p.(*tx.Open); !opens {
			t.Fee = w.Params.MinFee
		}
	}
	t.Sign(k)
	return t
}

// Held are the seats' words that they hold what is behind receipts.
func (w *World) Held(receipts ...tx.ID) (ts []*tx.Tx) {
	for _, k := range w.Seats(uint32(w.Ledger.Tip().Height)) {
		ts = append(ts, w.Sign(k, 0, &tx.Held{Receipts: receipts}))
	}
	return ts
}

// From adds a block of what waits in a pool, and has all pools follow.
func (w *World) From(p *pool.Pool) *block.Block {
	w.Helper()
	t := w.Latest()
	d, err := w.Chain.NewDraft(t.Round)
	if err != nil {
		w.Fatal(err)
	}
	p.Fill(d, t.Set)
	by := w.Of(t)
	b, err := d.Finish(by.Key, by.Prover, w.Clock)
	if err != nil {
		w.Fatal(err)
	}
	w.Add(b, w.Certify(b, t.Round))
	synctest.Wait()
	return b
}

// Next elects the producer in the next ledger block, and adds a block of what waits in a pool, if one is given.
func (w *World) Next(p *pool.Pool) {
	w.Helper()
	w.Elect(w.Producers[0])
	if p == nil {
		w.Extend()
	} else {
		w.From(p)
	}
	synctest.Wait()
}

// Answered is a task with an answer that was signed for.
type Answered struct {
	Task     tx.ID
	Open     *tx.Tx
	Receipt  *tx.Tx
	Contents task.Contents
}

// Answer makes a task between two keys, and the answer to it.
func (w *World) Answer(asker, server *key.Private, nonce uint64, text string) Answered {
	w.Helper()
	in := task.Input{Input: "a question"}
	o := &tx.Open{Model: 1, Server: server.Public().Hash160(), Expiry: uint32(w.Ledger.Tip().Height) + 50, GasLimit: 1000, GasPrice: 10, MaxTokens: 100, Trust: tx.TrustJudge}
	in.Bind(o)
	a := Answered{Open: w.Sign(asker, nonce, o)}
	a.Task = a.Open.ID()
	return w.Again(a, server, in, text)
}

// Again is another answer to the same task.
func (w *World) Again(a Answered, server *key.Private, in task.Input, text string) Answered {
	out := task.Output{Text: text, Tokens: []int32{1, 2, 3}}
	a.Receipt = w.Sign(server, 0, &tx.Receipt{Task: a.Task, Output: out.TextHash(), Tokens: out.TokenHash(), TokensIn: 5, TokensOut: 3})
	a.Contents = task.Contents{Open: a.Open.Encode(), Receipt: a.Receipt.Encode(), Input: in, Output: out}
	return a
}

// Keep puts an answer's contents into the party's store.
func (p *Party) Keep(a Answered) {
	p.w.Helper()
	if err := p.Exchange.Put(p.w.ctx, a.Task, a.Contents); err != nil {
		p.w.Fatal(err)
	}
}

// Pack puts transactions into a block together with a receipt that all seats hold.
func (w *World) Pack(a Answered) *block.Block {
	w.Helper()
	b := w.Extend(append([]*tx.Tx{a.Open}, append(w.Held(a.Receipt.ID()), a.Receipt)...)...)
	synctest.Wait()
	return b
}

// PackOf names the results that a block packed.
func PackOf(b *block.Block) [32]byte { return block.PackID(b.Header.Parent, b.Header.TxRoot) }

// Vote has seats, by their places, seal and open a verdict on every result of a pack, in two blocks.
func (w *World) Vote(pack [32]byte, results int, verdict byte, seats ...int) {
	w.Helper()
	ks := w.Seats(uint32(w.Ledger.Tip().Height))
	if len(seats) == 0 {
		for i := range ks {
			seats = append(seats, i)
		}
	}
	verdicts := slices.Repeat([]byte{verdict}, results)
	var seals, openings []*tx.Tx
	for _, i := range seats {
		salt := [32]byte{byte(i)}
		seals = append(seals, w.Sign(ks[i], 0, &tx.Seal{Block: pack, Hash: tx.SealHash(salt, verdicts, [32]byte{})}))
		openings = append(openings, w.Sign(ks[i], 0, &tx.Opening{Block: pack, Salt: salt, Verdicts: verdicts}))
	}
	w.Extend(seals...)
	w.Extend(openings...)
	synctest.Wait()
}

// Wallet is a ledger wallet that sends nothing, but keeps what it was asked to send.
type Wallet struct {
	mu   sync.Mutex
	err  error // to fail with
	sent [][]*wire.TxOut
}

// Send notes the outputs.
func (v *Wallet) Send(_ context.Context, outs []*wire.TxOut, _ amount.Amount) (*wire.MsgTx, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil {
		return nil, fmt.Errorf("wallet: %w", v.err)
	}
	v.sent = append(v.sent, outs)
	return wire.NewMsgTx(wire.TxVersion), nil
}

// Take returns what was sent since it was last called.
func (v *Wallet) Take() [][]*wire.TxOut {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := v.sent
	v.sent = nil
	return out
}

// Fail sets the error that sending fails with; nil is none.
func (v *Wallet) Fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.err = err
}
