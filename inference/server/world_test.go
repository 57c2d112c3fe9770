package server_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"funai/inference/codec"
	"funai/inference/partytest"
	"funai/inference/server"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/model"
	"funai/model/modeltest"
	"funai/p2p"
)

const (
	modelType = 1
	gasPrice  = 100
)

// engine is a toy that can be held up, that may not sample, and that may say more than it was asked.
type engine struct {
	*modeltest.Toy
	greedy bool
	gate   chan struct{} // if not nil, every generation takes one from it
	extra  int           // tokens of 48 KiB streamed before the answer
}

func (e *engine) Info() model.Info {
	i := e.Toy.Info()
	i.Samples = !e.greedy
	return i
}

func (e *engine) Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error) {
	if e.gate != nil {
		select {
		case <-e.gate:
		case <-ctx.Done():
			return model.Result{}, ctx.Err()
		}
	}
	for range e.extra {
		if err := emit(model.Token{Logprob: model.Logprob{Text: string(make([]byte, 48<<10))}}); err != nil {
			return model.Result{}, err
		}
	}
	return e.Toy.Generate(ctx, r, emit)
}

// world is a chain with a server of a bond, and askers with a FAI each.
type world struct {
	*partytest.World
	party  *partytest.Party
	server *server.Server
	engine *engine
}

func newWorld(t *testing.T, askers uint64, change func(*server.Config, *engine)) *world {
	w := &world{World: partytest.New(t, 1, askers+1), engine: &engine{Toy: &modeltest.Toy{Name: "toy", Limit: 256}}}
	w.party = w.Party(partytest.Key(t, askers))
	w.Bond(w.party)
	cfg := server.Config{Key: w.party.Key, Chain: w.Chain, Pool: w.party.Pool, Exchange: w.party.Exchange, Network: w.party.Host,
		Models: map[uint32]model.Engine{modelType: w.engine}, GasPrice: gasPrice, Parallel: 8, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg, w.engine)
	}
	w.server = server.New(cfg)
	return w
}

// question is what an asker signs and sends; its parts may be spoilt before it is.
type question struct {
	from  *partytest.Party
	nonce uint64
	open  tx.Open
	input task.Input
	top   uint32
}

func (w *world) question(from *partytest.Party, nonce uint64) *question {
	q := &question{from: from, nonce: nonce, input: task.Input{Input: "what is new"},
		open: tx.Open{Model: modelType, Server: w.party.Hash, Expiry: uint32(w.Ledger.Tip().Height) + 50, GasLimit: 2000, GasPrice: gasPrice,
			MaxTokens: 24, RepeatPenaltyMilli: 1100, Trust: tx.TrustJudge}}
	q.input.Bind(&q.open)
	return q
}

func (w *world) sign(q *question) *tx.Tx { return w.Sign(q.from.Key, q.nonce, &q.open) }

// stream opens a stream to the server and sends bytes.
func (w *world) stream(from *partytest.Party, raw []byte) p2p.Stream {
	w.Helper()
	st, err := from.Host.Open(context.Background(), w.party.Key.Public(), server.Protocol)
	if err != nil {
		w.Fatal(err)
	}
	if err := st.SetDeadline(time.Now().Add(10 * time.Minute)); err != nil {
		w.Fatal(err)
	}
	_ = st.WriteMsg(raw) // what a refusing server resets can't be written
	return st
}

// frame reads one frame.
func frame(t testing.TB, st p2p.Stream) (f server.Frame) {
	t.Helper()
	raw, err := st.ReadMsg(1 << 20)
	if err == nil {
		err = codec.Decode(raw, 1<<20, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// last reads to the answer's end.
func last(t testing.TB, st p2p.Stream) (f server.Frame, text string) {
	t.Helper()
	for {
		switch f = frame(t, st); f.Kind {
		case server.FrameAccepted:
		case server.FrameToken:
			text += f.Token.Text
		default:
			return f, text
		}
	}
}

// send signs a question and sends it.
func (w *world) send(q *question) (tx.ID, p2p.Stream) {
	w.Helper()
	t := w.sign(q)
	return t.ID(), w.stream(q.from, codec.Encode(server.Ask{Open: t.Encode(), Input: q.input, Top: q.top}))
}

// ask sends a question and reads to the end.
func (w *world) ask(q *question) (tx.ID, server.Frame) {
	w.Helper()
	id, st := w.send(q)
	f, _ := last(w, st)
	st.Reset()
	return id, f
}

// receiptOf finds the receipt of a task among what waits.
func receiptOf(p *partytest.Party, id tx.ID) *tx.Tx {
	ts, _ := p.Pool.Since(0)
	for _, t := range ts {
		if r, ok := t.Payload.(*tx.Receipt); ok && r.Task == id {
			return t
		}
	}
	return nil
}
