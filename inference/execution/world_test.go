package execution

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

type silent struct{}

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(string, ...any)             {}
func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// who is an address that nobody holds the key of; rules do not look at signatures.
func who(n uint64) (h key.Hash160) {
	binary.BigEndian.PutUint64(h[:], n+1)
	return h
}

func memory(t testing.TB) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("", &pebble.Options{FS: vfs.NewMem(), Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// failer is a testing.T or a rapid.T.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// world is a chain of blocks without a network: it executes each as a draft, as a block, and on a copy of the state that
// went through its encoding, and compares.
type world struct {
	failer
	p        block.Params
	dbs      [2]*pebble.DB
	stores   [2]*state.Store
	height   uint64
	ledger   uint32 // of the parent's tenure
	parent   block.ID
	producer key.Hash160
	set      sortition.CycleSet
	events   []Event // of the latest block
}

// params are those of the dev network.
func params() block.Params { return block.Dev() }

func newWorld(t failer, p block.Params, dbs [2]*pebble.DB) *world {
	return &world{failer: t, p: p, dbs: dbs, stores: [2]*state.Store{state.NewStore(dbs[0], 's'), state.NewStore(dbs[1], 's')},
		parent: block.GenesisID(p.ChainID), producer: who(1000)}
}

func testWorld(t *testing.T) *world {
	t.Helper()
	dbs := [2]*pebble.DB{memory(t), memory(t)}
	t.Cleanup(func() {
		for _, db := range dbs {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return newWorld(t, params(), dbs)
}

// seats makes the set one of n seats; seat i is who(100 + i) and signs with who(200 + i).
func (w *world) seats(n int) {
	w.set = sortition.CycleSet{Cycle: 1}
	for i := range uint64(n) {
		w.set.Seats = append(w.set.Seats, sortition.Seat{Address: who(100 + i), Signer: who(200 + i), Stake: amount.FAI})
	}
}

// news is what the ledger brings to a block.
type news struct {
	stakes []sortition.StakeOp
	mints  []sortition.MintOp
}

// next executes a block of the tenure of a ledger height. Transactions that fail are left out, and their errors returned.
func (w *world) next(ledger uint32, n news, txs ...*tx.Tx) []error {
	w.Helper()
	env := Env{Params: w.p, Height: w.height + 1, Parent: w.parent, TxRoot: [32]byte{0xff}, Ledger: ledger, Before: w.ledger,
		Producer: w.producer, Set: w.set}
	if env.First() {
		env.Stakes, env.Mints = n.stakes, n.mints
	}
	l := state.NewLayer(w.stores[0])
	m, err := Begin(env, l)
	if err != nil {
		w.Fatalf("block %d at ledger %d: %v", env.Height, ledger, err)
	}
	errs := make([]error, len(txs))
	var good []*tx.Tx
	var raw [][]byte
	for i, t := range txs {
		var before [32]byte
		few := len(txs) <= 32 // a root costs too much to take for each of thousands
		if few {
			before = w.rootNow(l)
		}
		mark, tot, news, pack := l.Mark(), m.tot, len(m.Events()), slices.Clone(m.pack.Results)
		if errs[i] = m.Apply(t); errs[i] == nil {
			good, raw = append(good, t), append(raw, t.Encode())
			continue
		}
		if l.Mark() != mark || m.tot != tot || len(m.Events()) != news || !slices.Equal(m.pack.Results, pack) || few && w.rootNow(l) != before {
			w.Fatalf("%T failed with %v and changed something", t.Payload, errs[i])
		}
	}
	env.TxRoot = block.TxRoot(raw)
	var roots [2][32]byte
	var events [2][]Event
	var diff state.Diff
	for i, s := range w.stores {
		l := state.NewLayer(s)
		m, err := Begin(env, l)
		if err != nil {
			w.Fatal(err)
		}
		for _, t := range good {
			if err := m.Apply(t); err != nil {
				w.Fatalf("%T was good in the draft: %v", t.Payload, err)
			}
		}
		if events[i], err = m.End(); err != nil {
			w.Fatal(err)
		}
		if roots[i], err = l.Root(); err != nil {
			w.Fatal(err)
		}
		diff = l.Diff()
	}
	if roots[0] != roots[1] || !reflect.DeepEqual(events[0], events[1]) {
		w.Fatalf("two executions of block %d differ", env.Height)
	}
	again, err := state.DecodeDiff(diff.Encode())
	if err != nil {
		w.Fatal(err)
	}
	for i, d := range []state.Diff{diff, again} {
		batch := w.dbs[i].NewBatch()
		if err := w.stores[i].Apply(batch, d); err != nil {
			w.Fatal(err)
		}
		if err := batch.Commit(pebble.NoSync); err != nil {
			w.Fatal(err)
		}
	}
	w.height, w.ledger, w.parent, w.events = env.Height, ledger, roots[0], events[0]
	if err := Audit(w.stores[0]); err != nil {
		w.Fatalf("after block %d at ledger %d: %v", env.Height, ledger, err)
	}
	return errs
}

// rootNow is the root of a layer as it is, and leaves it so.
func (w *world) rootNow(l *state.Layer) [32]byte {
	mark := l.Mark()
	root, err := l.Root()
	if err != nil {
		w.Fatal(err)
	}
	l.Rollback(mark)
	return root
}

// must executes a block of which nothing fails.
func (w *world) must(ledger uint32, n news, txs ...*tx.Tx) {
	w.Helper()
	for i, err := range w.next(ledger, n, txs...) {
		if err != nil {
			w.Fatalf("transaction %d: %v", i, err)
		}
	}
}

func (w *world) account(h key.Hash160) Account {
	w.Helper()
	a, err := AccountOf(w.stores[0], h)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (w *world) totals() Totals {
	w.Helper()
	t, err := TotalsOf(w.stores[0])
	if err != nil {
		w.Fatal(err)
	}
	return t
}

// by makes a transaction with the signer's next nonce and the least fee it may have.
func (w *world) by(h key.Hash160, p tx.Payload) *tx.Tx {
	w.Helper()
	t := tx.New(w.p.ChainID, p)
	t.Signer = h
	if !t.Nonceless() {
		t.Nonce = w.account(h).Nonce
		if _, ok := p.(*tx.Open); !ok {
			t.Fee = w.p.MinFee
		}
	}
	return t
}

// mint credits balances at the next ledger height.
func (w *world) mint(v amount.Amount, to ...key.Hash160) {
	w.Helper()
	var n news
	for _, h := range to {
		n.mints = append(n.mints, sortition.MintOp{To: h, Amount: v})
	}
	w.must(w.ledger+1, n)
}

// bond gives servers a bond.
func (w *world) bond(v amount.Amount, servers ...key.Hash160) {
	w.Helper()
	w.mint(v+w.p.MinFee, servers...)
	for _, h := range servers {
		w.must(w.ledger, news{}, w.by(h, &tx.Lock{Kind: tx.LockBond, Amount: v}))
	}
}

// ask is an opening that all rules allow.
func (w *world) ask(asker, server key.Hash160) *tx.Tx {
	w.Helper()
	return w.by(asker, &tx.Open{Model: 1, Server: server, Expiry: w.ledger + 3, GasLimit: 1000, GasPrice: 10_000, MaxTokens: 100})
}

// answer is a server's receipt of 40 tokens in and 60 out: 400 gas.
func (w *world) answer(open *tx.Tx, server key.Hash160) *tx.Tx {
	w.Helper()
	return w.by(server, &tx.Receipt{Task: open.ID(), Output: [32]byte{1}, TokensIn: 40, TokensOut: 60})
}

// held are the words of the first n seats on receipts.
func (w *world) held(n int, receipts ...*tx.Tx) (ts []*tx.Tx) {
	w.Helper()
	p := &tx.Held{}
	for _, r := range receipts {
		p.Receipts = append(p.Receipts, r.ID())
	}
	for _, s := range w.set.Seats[:n] {
		ts = append(ts, w.by(s.Signer, p))
	}
	return ts
}

// pack opens a task and packs its receipt, and returns the pack's id.
func (w *world) pack(asker, server key.Hash160) (open *tx.Tx, id [32]byte) {
	w.Helper()
	open = w.ask(asker, server)
	w.must(w.ledger, news{}, open)
	r := w.answer(open, server)
	w.must(w.ledger, news{}, append(w.held(w.set.Majority()*min(len(w.set.Seats), 1), r), r)...)
	for _, e := range w.events {
		if e.Kind == EventPacked {
			return open, e.Pack
		}
	}
	w.Fatal("nothing packed")
	return nil, id
}

// vote is a seat's sealed vote and its opening.
func (w *world) vote(seat int, pack [32]byte, verdicts ...byte) (seal, opening *tx.Tx) {
	w.Helper()
	o := &tx.Opening{Block: pack, Salt: [32]byte{byte(seat)}, Verdicts: verdicts}
	s := w.set.Seats[seat].Signer
	return w.by(s, &tx.Seal{Block: pack, Hash: tx.SealHash(o.Salt, o.Verdicts, o.Evidence)}), w.by(s, o)
}

// votes seals and opens a vote of each seat on a pack of one result; 0 does not vote.
func (w *world) votes(pack [32]byte, verdicts ...byte) {
	w.Helper()
	var seals, openings []*tx.Tx
	for i, v := range verdicts {
		if v != 0 {
			s, o := w.vote(i, pack, v)
			seals, openings = append(seals, s), append(openings, o)
		}
	}
	at := w.ledger
	w.must(at, news{}, seals...)
	if len(seals) < len(w.set.Seats) {
		at += w.p.SealWindow + 1
	}
	w.must(at, news{}, openings...)
}

// settled is the one settlement of the latest block.
func (w *world) settled() Event {
	w.Helper()
	var found []Event
	for _, e := range w.events {
		if e.Kind == EventSettled {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		w.Fatalf("%d settlements, not 1", len(found))
	}
	return found[0]
}
