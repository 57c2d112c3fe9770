package client_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"funai/amount"
	"funai/inference/client"
	"funai/inference/codec"
	"funai/inference/market"
	"funai/inference/partytest"
	"funai/inference/server"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/key"
	"funai/model"
	"funai/model/modeltest"
	"funai/p2p"
)

const modelType = 1

// world is a chain with an asker and servers that a test adds.
type world struct {
	*partytest.World
	asker  *partytest.Party
	board  *market.Board
	client *client.Client
	stop   func() // ends the client's watch
}

func newWorld(t *testing.T, servers uint64) *world {
	w := &world{World: partytest.New(t, 1, servers+1)}
	w.asker = w.Party(partytest.Key(t, servers))
	w.board = market.NewBoard(w.Params.ChainID, nil)
	w.client = client.New(client.Config{Key: w.asker.Key, Chain: w.Chain, Pool: w.asker.Pool, Board: w.board, Exchange: w.asker.Exchange,
		Network: w.asker.Host, Logger: slog.New(slog.DiscardHandler)})
	w.stop = w.Go(w.client.Watch)
	return w
}

// offer puts a server's offer on the board.
func (w *world) offer(p *partytest.Party, price amount.Amount) {
	w.Helper()
	time.Sleep(market.Every) // no sooner is another believed
	o := market.Offer{ChainID: w.Params.ChainID, Server: p.Key.Public(), Models: []market.Model{{Type: modelType, GasPrice: price, Context: 256}},
		Time: uint64(time.Now().UnixMilli())}
	o.Sign(p.Key)
	if err := w.board.Put(o); err != nil {
		w.Fatal(err)
	}
}

// honest adds a server that does its work, for a price.
func (w *world) honest(n uint64, price amount.Amount) *partytest.Party {
	p := w.Party(partytest.Key(w, n))
	w.Bond(p)
	server.New(server.Config{Key: p.Key, Chain: w.Chain, Pool: p.Pool, Exchange: p.Exchange, Network: p.Host, GasPrice: 100, Parallel: 8,
		Models: map[uint32]model.Engine{modelType: &modeltest.Toy{Name: "toy", Limit: 256}}, Logger: slog.New(slog.DiscardHandler)})
	w.offer(p, price)
	return p
}

// acting is a server that says what a test has it say.
type acting struct {
	*partytest.Party
	mu    sync.Mutex
	asked []*tx.Tx
}

// act adds a server that says what a test has it say.
func (w *world) act(n uint64, say func(p *partytest.Party, st p2p.Stream, open *tx.Tx, in task.Input)) *acting {
	a := &acting{Party: w.Party(partytest.Key(w, n))}
	w.Bond(a.Party)
	a.Host.Handle(server.Protocol, func(_ context.Context, _ key.Public, st p2p.Stream) {
		raw, err := st.ReadMsg(server.MaxAskBytes)
		if err != nil {
			return // the asker has gone
		}
		var ask server.Ask
		if err := codec.Decode(raw, server.MaxAskBytes, &ask); err != nil {
			w.Error(err)
			return
		}
		t, err := tx.Decode(ask.Open)
		if err != nil {
			w.Error(err)
			return
		}
		a.mu.Lock()
		a.asked = append(a.asked, t)
		a.mu.Unlock()
		say(a.Party, st, t, ask.Input)
	})
	w.offer(a.Party, 100+amount.Amount(n))
	return a
}

// times is how often the server was asked.
func (a *acting) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

func send(st p2p.Stream, fs ...server.Frame) {
	for _, f := range fs {
		_ = st.WriteMsg(codec.Encode(f)) // the asker may have gone
	}
}

// words are an answer's frames.
func words(ws ...string) (fs []server.Frame) {
	fs = append(fs, server.Frame{Kind: server.FrameAccepted})
	for i, w := range ws {
		fs = append(fs, server.Frame{Kind: server.FrameToken, Token: server.Token{ID: int32(i), Text: w}})
	}
	return fs
}

// sign makes a receipt for an answer.
func sign(k *key.Private, open *tx.Tx, text string, tokens []int32) *tx.Tx {
	out := task.Output{Text: text, Tokens: tokens}
	t := tx.New(open.ChainID, &tx.Receipt{Task: open.ID(), Output: out.TextHash(), Tokens: out.TokenHash(), TokensIn: 3, TokensOut: uint32(len(tokens))})
	t.Sign(k)
	return t
}

func question() client.Request {
	return client.Request{Model: modelType, Input: task.Input{Input: "what is new"}, MaxTokens: 24, RepeatPenaltyMilli: 1100}
}

func deaf(server.Token) error { return nil }

// told notes which servers accepted.
type told []client.Started

func (s *told) started(x client.Started) { *s = append(*s, x) }
