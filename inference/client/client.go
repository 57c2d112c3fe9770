// Package client asks: it turns a question into a signed inference transaction, finds a server, streams the answer and
// checks the receipt. It may import what the inference layer offers below it. Section 3 of the FUN AI whitepaper says
// what a transaction holds.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"funai/amount"
	"funai/inference/chain"
	"funai/inference/codec"
	"funai/inference/exchange"
	"funai/inference/execution"
	"funai/inference/market"
	"funai/inference/pool"
	"funai/inference/server"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/key"
	"funai/p2p"
)

var (
	// ErrNobody says that no server offers the model at the price, or that all of them refused.
	ErrNobody = errors.New("nobody serves the model")
	// ErrReceipt says that a server's receipt does not fit what it streamed.
	ErrReceipt = errors.New("receipt does not fit the answer")
	// ErrBroken says that a server stopped in the middle of an answer. Without a receipt it is never paid.
	ErrBroken = errors.New("server stopped answering")
)

// Bounds and intervals.
const (
	acceptTimeout = 15 * time.Second
	tokenTimeout  = 2 * time.Minute // between two frames: a long prompt on a busy machine takes a while
	coolDown      = 5 * time.Second // a server that refused or failed is asked last for so long
	promptMargin  = 64              // tokens that a chat template may add
)

// Network is what asking needs of the network.
type Network interface {
	Open(ctx context.Context, to key.Public, protocol string) (p2p.Stream, error)
}

// Config says who asks.
type Config struct {
	Key      *key.Private
	Chain    *chain.Chain
	Pool     *pool.Pool
	Board    *market.Board
	Exchange *exchange.Exchange
	Network  Network
	Logger   *slog.Logger
}

// Client asks on behalf of one key. It is safe for concurrent use.
type Client struct {
	Config
	me key.Hash160

	nonces chan struct{} // full from the choice of a nonce to a server's acceptance, so that no nonce is skipped

	mu     sync.Mutex
	next   int // round robin among equals
	cool   map[key.Public]time.Time
	own    *lru.Cache[tx.ID, *watched]
	proven chan struct{} // closed at the next proof that a server lied
}

// New makes a client.
func New(cfg Config) *Client {
	c := &Client{Config: cfg, me: cfg.Key.Public().Hash160(), nonces: make(chan struct{}, 1), cool: map[key.Public]time.Time{}, proven: make(chan struct{})}
	c.own, _ = lru.New[tx.ID, *watched](maxWatched) // fails only for a size that is not positive
	return c
}

// lockNonces waits for its turn to choose a nonce.
func (c *Client) lockNonces(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.nonces <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) unlockNonces() { <-c.nonces }

// Request is one question.
type Request struct {
	Model              uint32
	Input              task.Input
	MaxTokens          uint32
	TemperatureMilli   uint32
	RepeatPenaltyMilli uint32
	Top                uint32        // alternatives to report for each token
	MaxFee             amount.Amount // 0 is no limit but the balance
	Server             key.Hash160   // zero is any
}

// Answer is a finished answer.
type Answer struct {
	Task     tx.ID
	Server   key.Public
	Text     string
	Tokens   []int32
	In, Out  uint32
	Fee      amount.Amount // if the verdict is valid
	Finish   string
	Receipt  tx.ID
	GasPrice amount.Amount
}

// Started tells that a server accepted the task, before its first token.
type Started struct {
	Task   tx.ID
	Server key.Public
}

// Ask asks and streams the answer. It fails over to another server until one accepts.
func (c *Client) Ask(ctx context.Context, r Request, started func(Started), emit func(server.Token) error) (*Answer, error) {
	if err := r.Input.Check(); err != nil {
		return nil, err
	}
	var refusals []error
	for _, o := range c.candidates(r) {
		a, err := c.askOne(ctx, r, o, started, emit)
		if err == nil {
			return a, nil
		}
		var refused *refusal
		if !errors.As(err, &refused) {
			c.cooling(o.Server)
			return nil, err
		}
		if c.cooling(o.Server); !refused.another() {
			return nil, refused.err
		}
		refusals = append(refusals, fmt.Errorf("%v: %w", o.Server.Hash160(), refused.err))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(refusals) == 0 {
		return nil, fmt.Errorf("%w: type %d", ErrNobody, r.Model)
	}
	return nil, fmt.Errorf("%w: type %d: %w", ErrNobody, r.Model, errors.Join(refusals...))
}

// refusal is an error before a server accepted; the next one may be asked.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// another says whether another server might answer differently.
func (r *refusal) another() bool {
	for _, mine := range []error{server.ErrBadRequest, server.ErrTooLong, server.ErrFunds, execution.ErrFunds, pool.ErrFull, context.Canceled} {
		if errors.Is(r.err, mine) {
			return false
		}
	}
	return true
}

// candidates lists the servers that offer the model, the best first: those that did not just fail, the cheapest, the
// least busy, and among equals each in its turn.
func (c *Client) candidates(r Request) []market.Offer {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for s, until := range c.cool {
		if now.After(until) {
			delete(c.cool, s)
		}
	}
	var out []market.Offer
	for _, o := range c.Board.Offers() {
		if _, ok := o.Of(r.Model); ok && (r.Server.IsZero() || o.Server.Hash160() == r.Server) {
			out = append(out, o)
		}
	}
	if len(out) == 0 {
		return nil
	}
	c.next++
	turn := c.next % len(out)
	out = append(out[turn:], out[:turn]...)
	rank := func(o market.Offer) (cold bool, price amount.Amount, queue uint32) {
		m, _ := o.Of(r.Model)
		_, cold = c.cool[o.Server]
		return cold, m.GasPrice, o.Queue
	}
	slices.SortStableFunc(out, func(a, b market.Offer) int {
		ca, pa, qa := rank(a)
		cb, pb, qb := rank(b)
		switch {
		case ca != cb:
			if cb {
				return -1
			}
			return 1
		case pa != pb:
			return compare(pa, pb)
		}
		return compare(qa, qb)
	})
	return out
}

func compare[T ~uint32 | ~uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (c *Client) cooling(s key.Public) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cool[s] = time.Now().Add(coolDown)
}

// askOne asks one server. Errors before it accepted are refusals.
func (c *Client) askOne(ctx context.Context, r Request, o market.Offer, started func(Started), emit func(server.Token) error) (*Answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t, st, err := c.begin(ctx, r, o)
	if err != nil {
		return nil, &refusal{err}
	}
	defer st.Reset()
	stop := context.AfterFunc(ctx, st.Reset) // a caller that goes stops the server
	defer stop()
	if started != nil {
		started(Started{Task: t.ID(), Server: o.Server})
	}
	open := t.Payload.(*tx.Open)
	var text []byte
	for {
		f, err := readFrame(st, tokenTimeout)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		switch f.Kind {
		case server.FrameToken:
			if len(text)+len(f.Token.Text) > task.MaxOutputBytes {
				return nil, fmt.Errorf("%w: over %d bytes", ErrReceipt, task.MaxOutputBytes)
			}
			text = append(text, f.Token.Text...)
			if err := emit(f.Token); err != nil {
				return nil, err
			}
		case server.FrameFailed:
			return nil, fmt.Errorf("%w: %w: %s", ErrBroken, f.Code.Err(), f.Reason)
		case server.FrameDone:
			return c.finish(ctx, r, t, open, o, f, string(text))
		default:
			return nil, fmt.Errorf("%w: frame of kind %d", ErrBroken, f.Kind)
		}
	}
}

// begin signs the opening and sends it, up to the server's acceptance.
func (c *Client) begin(ctx context.Context, r Request, o market.Offer) (*tx.Tx, p2p.Stream, error) {
	offer, _ := o.Of(r.Model)
	p := &tx.Open{Model: r.Model, Server: o.Server.Hash160(), GasPrice: offer.GasPrice, MaxTokens: r.MaxTokens,
		TemperatureMilli: r.TemperatureMilli, RepeatPenaltyMilli: r.RepeatPenaltyMilli, Trust: tx.TrustJudge}
	// The asker has no tokenizer: a byte is at least as short as a token, so this covers any prompt; the rest comes back.
	bytes := len(r.Input.System) + len(r.Input.Input)
	for _, turn := range r.Input.Context {
		bytes += len(turn.Content) + promptMargin
	}
	p.GasLimit = execution.Gas(uint32(min(bytes+promptMargin, int(offer.Context))), r.MaxTokens)
	cost, err := p.MaxCost()
	if err != nil {
		return nil, nil, err
	}
	if r.MaxFee > 0 && cost > r.MaxFee {
		return nil, nil, fmt.Errorf("%w: up to %v at this server's price, your limit is %v", server.ErrPrice, cost, r.MaxFee)
	}
	params := c.Chain.Params()
	p.Expiry = c.Chain.TipInfo().Tenure.Height + params.MaxExpiry*3/4
	r.Input.Bind(p)

	if err := c.lockNonces(ctx); err != nil {
		return nil, nil, err
	}
	defer c.unlockNonces()
	t := tx.New(params.ChainID, p)
	if t.Nonce, err = c.Pool.NextNonce(c.me); err != nil {
		return nil, nil, err
	}
	account, err := c.Chain.Account(c.me)
	if err != nil {
		return nil, nil, err
	}
	if need, err := c.Pool.Pending(c.me).Add(cost); err != nil || need > account.Balance {
		return nil, nil, fmt.Errorf("%w: the balance is %v, this may cost %v and waiting transactions %v", execution.ErrFunds, account.Balance, cost, c.Pool.Pending(c.me))
	}
	t.Sign(c.Key)
	c.remember(t.ID(), p.Server) // before anyone can sign for it
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	st, err := c.Network.Open(ctx, o.Server, server.Protocol)
	if err != nil {
		return nil, nil, err
	}
	accepted := false
	defer func() {
		if !accepted {
			st.Reset()
		}
	}()
	if err := errors.Join(st.SetDeadline(time.Now().Add(acceptTimeout)), st.WriteMsg(codec.Encode(server.Ask{Open: t.Encode(), Input: r.Input, Top: r.Top}))); err != nil {
		return nil, nil, err
	}
	f, err := readFrame(st, acceptTimeout)
	if err != nil {
		return nil, nil, err
	}
	if f.Kind != server.FrameAccepted {
		return nil, nil, fmt.Errorf("%w: %s", f.Code.Err(), f.Reason)
	}
	if err := c.Pool.Submit(ctx, t); err != nil {
		return nil, nil, err
	}
	accepted = true
	return t, st, nil
}

// finish checks the receipt against what was streamed, and keeps the contents as the asker's proof.
func (c *Client) finish(ctx context.Context, r Request, t *tx.Tx, open *tx.Open, o market.Offer, f server.Frame, text string) (*Answer, error) {
	contents := task.Contents{Open: t.Encode(), Receipt: f.Receipt, Input: r.Input, Output: task.Output{Text: text, Tokens: f.Tokens}}
	checked, err := contents.Check()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if checked.Server == nil || checked.Server.Signer != o.Server.Hash160() {
		return nil, fmt.Errorf("%w: not signed by %v", ErrReceipt, o.Server.Hash160())
	}
	c.compare(checked.Server)
	rc := checked.Receipt
	gas := execution.Gas(rc.TokensIn, rc.TokensOut)
	if gas > open.GasLimit {
		return nil, fmt.Errorf("%w: %d gas of at most %d", ErrReceipt, gas, open.GasLimit)
	}
	fee, err := open.GasPrice.Mul(gas)
	if err != nil {
		return nil, err
	}
	if err := c.Exchange.Put(ctx, checked.Task, contents); err != nil {
		c.Logger.Warn("answer not kept", "task", checked.Task, "err", err)
	}
	// The server sends its receipt out itself; a second time does no harm and helps where its word is lost.
	if err := c.Pool.Submit(ctx, checked.Server); err != nil {
		c.Logger.Debug("receipt not passed on", "err", err)
	}
	return &Answer{Task: checked.Task, Server: o.Server, Text: text, Tokens: f.Tokens, In: rc.TokensIn, Out: rc.TokensOut,
		Fee: fee, Finish: f.Finish, Receipt: checked.Server.ID(), GasPrice: open.GasPrice}, nil
}

func readFrame(st p2p.Stream, patience time.Duration) (f server.Frame, err error) {
	if err := st.SetDeadline(time.Now().Add(patience)); err != nil {
		return f, err
	}
	raw, err := st.ReadMsg(server.MaxFrameBytes + 5*task.MaxTokens)
	if errors.Is(err, io.EOF) {
		return f, io.ErrUnexpectedEOF
	}
	if err != nil {
		return f, err
	}
	err = codec.Decode(raw, server.MaxFrameBytes+5*task.MaxTokens, &f)
	return f, err
}

// Transfer pays another key on the inference layer.
func (c *Client) Transfer(ctx context.Context, to key.Hash160, v amount.Amount) (tx.ID, error) {
	return c.submit(ctx, &tx.Transfer{To: to, Amount: v})
}

// submit signs a payload with the next nonce and the least fee, and sends it.
func (c *Client) submit(ctx context.Context, p tx.Payload) (tx.ID, error) {
	if err := c.lockNonces(ctx); err != nil {
		return tx.ID{}, err
	}
	defer c.unlockNonces()
	t := tx.New(c.Chain.Params().ChainID, p)
	var err error
	if t.Nonce, err = c.Pool.NextNonce(c.me); err != nil {
		return tx.ID{}, err
	}
	t.Fee = c.Chain.Params().MinFee
	t.Sign(c.Key)
	return t.ID(), c.Pool.Submit(ctx, t)
}
