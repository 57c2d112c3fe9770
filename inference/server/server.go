// Package server answers inference transactions: it runs the model, streams the answer to the asker, signs the receipt,
// and keeps the contents for the seats. It may import what the inference layer offers below it, and model. The life of a
// transaction is the FUN AI whitepaper's, sections 3 to 5: the answer comes at once, the check later.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"funai/amount"
	"funai/inference/chain"
	"funai/inference/codec"
	"funai/inference/exchange"
	"funai/inference/execution"
	"funai/inference/market"
	"funai/inference/pool"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/key"
	"funai/model"
	"funai/p2p"
)

// Bounds.
const (
	leastLife    = 10               // ledger blocks until a task's expiry: the answer and its receipt take some
	maxUnsettled = 4                // tasks of one asker begun before they are certified
	readTimeout  = 10 * time.Second // for the request
	writeTimeout = 30 * time.Second // for one frame: a reader slower than that is left
	certifyWait  = 60 * time.Second // for an opening that must be certified first
	gapWait      = 2 * time.Second  // for an asker's earlier transactions, which come by another way
	forgetAfter  = 10 * time.Minute // a task begun here that never came on chain
)

// Network is what the server asks of the network.
type Network interface {
	Handle(protocol string, h p2p.Handler)
}

// Config says what is served.
type Config struct {
	Key      *key.Private
	Chain    *chain.Chain
	Pool     *pool.Pool
	Exchange *exchange.Exchange
	Network  Network
	Models   map[uint32]model.Engine // by model type
	GasPrice amount.Amount           // the least taken, in base units
	Parallel int                     // tasks at once; more are refused as busy
	Logger   *slog.Logger
}

// Server answers tasks.
type Server struct {
	Config
	me    key.Hash160
	slots chan struct{}

	mu    sync.Mutex
	tasks map[tx.ID]*promise // begun here and not known to be settled
}

// promise is a task that this server began.
type promise struct {
	asker   key.Hash160
	reserve amount.Amount
	began   time.Time
}

// New makes a server and begins to answer.
func New(cfg Config) *Server {
	s := &Server{Config: cfg, me: cfg.Key.Public().Hash160(), slots: make(chan struct{}, cfg.Parallel), tasks: map[tx.ID]*promise{}}
	cfg.Network.Handle(Protocol, s.serve)
	return s
}

// Offer is what the server offers now.
func (s *Server) Offer() market.Offer {
	o := market.Offer{Queue: uint32(len(s.slots))}
	for t, e := range s.Models {
		o.Models = append(o.Models, market.Model{Type: t, GasPrice: s.GasPrice, Context: uint32(e.Info().Context)})
	}
	return o
}

// serve answers one stream.
func (s *Server) serve(ctx context.Context, from key.Public, st p2p.Stream) {
	defer st.Reset() // does nothing after Close
	if err := st.SetDeadline(time.Now().Add(readTimeout)); err != nil {
		return
	}
	raw, err := st.ReadMsg(MaxAskBytes)
	if err != nil {
		return
	}
	if err := s.answer(ctx, from, st, raw); err != nil {
		s.Logger.Info("task not answered", "from", from.Hash160(), "err", err)
	}
	_ = st.Close() // what was sent, a refusal too, still arrives
}

// send writes one frame; a reader too slow for it is left.
func send(st p2p.Stream, f Frame) error {
	if err := st.SetDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return st.WriteMsg(codec.Encode(f))
}

// answer checks, accepts, runs and receipts one task.
func (s *Server) answer(ctx context.Context, from key.Public, st p2p.Stream, raw []byte) error {
	j, err := s.check(ctx, from, raw)
	if err != nil {
		return errors.Join(err, send(st, Frame{Kind: FrameRefused, Code: codeOf(err), Reason: err.Error()}))
	}
	if err := s.inOrder(ctx, j); err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		err := fmt.Errorf("%w: %d tasks are running", ErrBusy, cap(s.slots))
		return errors.Join(err, send(st, Frame{Kind: FrameRefused, Code: CodeBusy, Reason: err.Error()}))
	}
	risk, err := s.promise(j)
	if err != nil {
		return errors.Join(err, send(st, Frame{Kind: FrameRefused, Code: codeOf(err), Reason: err.Error()}))
	}
	made := false
	defer func() {
		if !made {
			s.release(j.id)
		}
	}()
	if err := s.Pool.Submit(ctx, j.t); err != nil {
		return errors.Join(err, send(st, Frame{Kind: FrameRefused, Code: codeOf(err), Reason: err.Error()}))
	}
	if err := send(st, Frame{Kind: FrameAccepted}); err != nil {
		return err
	}
	if made, err = s.run(ctx, st, j, risk); err != nil {
		return errors.Join(err, send(st, Frame{Kind: FrameFailed, Code: codeOf(err), Reason: err.Error()}))
	}
	return nil
}

// job is a request that was checked.
type job struct {
	id      tx.ID
	t       *tx.Tx
	open    *tx.Open
	raw     []byte
	input   task.Input
	request model.Request
	engine  model.Engine
	prompt  int
}

// check reads a request and says whether this server could answer it.
func (s *Server) check(ctx context.Context, from key.Public, raw []byte) (*job, error) {
	var a Ask
	if err := codec.Decode(raw, MaxAskBytes, &a); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	c, err := task.Contents{Open: a.Open, Input: a.Input}.Check()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	if c.OpenTx.Signer != from.Hash160() {
		return nil, fmt.Errorf("%w: opened by %v, sent by %v", ErrBadRequest, c.OpenTx.Signer, from.Hash160())
	}
	engine, ok := s.Models[c.Open.Model]
	if !ok {
		return nil, fmt.Errorf("%w: type %d", ErrModel, c.Open.Model)
	}
	if c.Open.Server != s.me && !(c.Open.Server.IsZero() && s.elected()) {
		return nil, fmt.Errorf("%w: for %v, this is %v", ErrBadRequest, c.Open.Server, s.me)
	}
	if now := uint32(max(s.Chain.Followed().Height, 0)); c.Open.Expiry < now+leastLife {
		return nil, fmt.Errorf("%w: expires at ledger block %d, now is %d: no time for a receipt", ErrBadRequest, c.Open.Expiry, now)
	}
	if c.Open.GasPrice < s.GasPrice {
		return nil, fmt.Errorf("%w: %v, at least %v", ErrPrice, c.Open.GasPrice, s.GasPrice)
	}
	info := engine.Info()
	if c.Open.TemperatureMilli > 0 && !info.Samples {
		return nil, fmt.Errorf("%w: this engine's sampling can't be checked, only greedy answers are given", ErrBadRequest)
	}
	j := &job{id: c.Task, t: c.OpenTx, open: c.Open, raw: a.Open, input: a.Input, request: a.Input.Request(c.Task, c.Open), engine: engine}
	j.request.Top, j.request.Client = int(min(a.Top, 20)), j.t.Signer.String()
	if j.prompt, err = engine.CountPrompt(ctx, j.request); err != nil {
		return nil, err
	}
	if j.prompt+1 > info.Context || execution.Gas(uint32(j.prompt), c.Open.MaxTokens) > c.Open.GasLimit {
		return nil, fmt.Errorf("%w: %d tokens of prompt, context %d, gas limit %d", ErrTooLong, j.prompt, info.Context, c.Open.GasLimit)
	}
	if most := min(j.request.MaxTokens, info.Context-j.prompt); most > task.MaxTokens {
		return nil, fmt.Errorf("%w: an answer of up to %d tokens, a receipt is for at most %d", ErrTooLong, most, task.MaxTokens)
	}
	return j, nil
}

// inOrder waits a little for the asker's earlier transactions: asked of other servers, they come by gossip, while this one
// came straight.
func (s *Server) inOrder(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(ctx, gapWait)
	defer cancel()
	for {
		came, packed := s.Pool.Changed(), s.Chain.Changed()
		next, err := s.Pool.NextNonce(j.t.Signer)
		if err != nil || j.t.Nonce <= next {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // promise says what is wrong
		case <-came:
		case <-packed:
		}
	}
}

// elected says whether this node is the elected producer.
func (s *Server) elected() bool {
	t, _, err := s.Chain.Latest()
	return err == nil && t != nil && t.Registration.Actor == s.me
}

// promise reserves this server's bond for a task. It says whether to begin at once, at this server's own risk: the asker's
// visible balance covers it and few of its tasks are unsettled here. Else the opening must be certified first.
func (s *Server) promise(j *job) (risk bool, err error) {
	cost, err := j.open.MaxCost()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	need, err := execution.Reserve(cost, s.Chain.Params().MinFine)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	mine, err := s.Chain.Account(s.me)
	if err != nil {
		return false, err
	}
	asker, err := s.Chain.Account(j.t.Signer)
	if err != nil {
		return false, err
	}
	spoken := s.Pool.Pending(j.t.Signer)
	// A nonce that leaves a gap may never be packed, whatever the balance.
	next, err := s.Pool.NextNonce(j.t.Signer)
	if err != nil {
		return false, err
	}
	if _, waits := s.Pool.Get(j.id); waits {
		spoken -= min(spoken, cost) // it is among what waits
	} else if j.t.Nonce != next {
		return false, fmt.Errorf("%w: nonce %d, the account's next is %d", ErrBadRequest, j.t.Nonce, next)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tasks[j.id] != nil {
		return false, fmt.Errorf("%w: task %v was begun", ErrBadRequest, j.id)
	}
	held, unsettled := mine.Reserved, 0
	for id, p := range s.tasks {
		info, err := s.Chain.Task(id)
		switch {
		case err == nil && info.Settled.Height > 0, err != nil && time.Since(p.began) > forgetAfter:
			delete(s.tasks, id)
			continue
		case err != nil || info.Packed.Height == 0: // not in Reserved yet
			if held, err = held.Add(p.reserve); err != nil {
				return false, err
			}
		}
		if p.asker == j.t.Signer {
			unsettled++
		}
	}
	if total, err := held.Add(need); err != nil || total > mine.Bond {
		return false, fmt.Errorf("%w: %v of %v is reserved, %v more needed", ErrBond, held, mine.Bond, need)
	}
	if total, err := spoken.Add(cost); err != nil || total > asker.Balance {
		return false, fmt.Errorf("%w: %v has %v, waiting transactions take %v, this one %v", ErrFunds, j.t.Signer, asker.Balance, spoken, cost)
	}
	s.tasks[j.id] = &promise{asker: j.t.Signer, reserve: need, began: time.Now()}
	return unsettled < maxUnsettled, nil
}

func (s *Server) release(id tx.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.Chain.Task(id); err != nil {
		delete(s.tasks, id)
	}
}

// run generates the answer, stores it, and signs the receipt. Once accepted the answer is made to its end, whether the asker
// still listens or not: it is owed, and paid for. made says that there is a receipt.
func (s *Server) run(ctx context.Context, st p2p.Stream, j *job, risk bool) (made bool, err error) {
	if !risk {
		if err := s.certified(ctx, j.id); err != nil {
			return false, err
		}
	}
	out := newOutbox(st)
	res, err := j.engine.Generate(ctx, j.request, func(t model.Token) error {
		f := Frame{Kind: FrameToken, Token: Token{ID: t.ID, Text: t.Text, Logprob: t.Logprob.Logprob}}
		for _, a := range t.Top {
			f.Token.Top = append(f.Token.Top, Alternative{ID: a.ID, Text: a.Text, Logprob: a.Logprob})
		}
		out.send(f)
		return nil
	})
	// The receipt first: whoever reads slowly does not keep this server from being paid.
	var done Frame
	if err == nil {
		done, err = s.receipt(ctx, j, res)
	}
	gone := out.close()
	if err != nil {
		return false, err
	}
	if gone == nil {
		gone = send(st, done)
	}
	return true, gone
}

// receipt stores what was answered and puts the signed receipt on its way.
func (s *Server) receipt(ctx context.Context, j *job, res model.Result) (done Frame, err error) {
	out := task.Output{Text: res.Text, Tokens: res.Tokens}
	if err := out.Check(); err != nil {
		return done, err
	}
	r := tx.New(s.Chain.Params().ChainID, &tx.Receipt{Task: j.id, Output: out.TextHash(), Tokens: out.TokenHash(),
		TokensIn: uint32(j.prompt), TokensOut: uint32(len(out.Tokens))})
	r.Sign(s.Key)
	receipt := r.Encode()
	if err := s.Exchange.Put(ctx, j.id, task.Contents{Open: j.raw, Receipt: receipt, Input: j.input, Output: out}); err != nil {
		return done, err
	}
	if err := s.Pool.Submit(ctx, r); err != nil {
		return done, err
	}
	return Frame{Kind: FrameDone, Finish: res.Finish, Receipt: receipt, Tokens: res.Tokens}, nil
}

// certified waits until a task's opening is on chain.
func (s *Server) certified(ctx context.Context, id tx.ID) error {
	ctx, cancel := context.WithTimeout(ctx, certifyWait)
	defer cancel()
	for {
		moved := s.Chain.Changed()
		if _, err := s.Chain.Task(id); err == nil {
			return nil
		} else if !errors.Is(err, chain.ErrUnknown) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: opening %v is not certified: %w", ErrFunds, id, ctx.Err())
		case <-moved:
		}
	}
}
