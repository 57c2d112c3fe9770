// Package verifier is a seat's work besides voting on blocks: it fetches the contents behind receipts and says that it
// holds them, judges what was packed, seals its verdicts, and opens them. It may import what the inference layer offers
// below it. Rules: FUN AI whitepaper, sections 4 and 5; votes are sealed so that no seat copies another's.
package verifier

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"funai/inference/chain"
	"funai/inference/codec"
	"funai/inference/exchange"
	"funai/inference/execution"
	"funai/inference/pool"
	"funai/inference/state"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/key"
)

// Bounds and intervals.
const (
	maxFetches  = 8                      // contents fetched at once
	maxPending  = 4096                   // receipts and packs in hand
	heldBatch   = 100 * time.Millisecond // words on receipts are batched for so long
	retryFetch  = 2 * time.Second
	fetchTries  = 5
	resendAfter = 6 * time.Second // a vote that no block packed is sent again
)

// Ruling is a verdict on one result and the hash of its evidence.
type Ruling struct {
	Verdict  byte // execution.Valid, Invalid or Abstain
	Evidence [32]byte
	Reason   string
}

// Judge says whether an output is what the task's model owes to its input. It abstains if it can't tell, and returns soon
// after its context is done.
type Judge interface {
	Judge(ctx context.Context, c *task.Checked) Ruling
}

// Ballots keep the votes that were sealed and not yet opened: a seat that forgot its salt could not open.
type Ballots interface {
	Load() (map[[32]byte][]byte, error)
	Save(pack [32]byte, ballot []byte) error
	Delete(pack [32]byte) error
}

// Config says who judges.
type Config struct {
	Key      *key.Private
	Chain    *chain.Chain
	Pool     *pool.Pool
	Exchange *exchange.Exchange
	Judge    Judge
	Ballots  Ballots
	Random   io.Reader // of salts; nil is crypto/rand
	Logger   *slog.Logger
	// Report is told of every ruling, for pages and metrics. It may be nil.
	Report func(id tx.ID, r Ruling)
}

// Verifier judges for one seat.
type Verifier struct {
	Config
	me key.Hash160

	wg       sync.WaitGroup
	fetched  chan fetched
	ruled    chan ruled
	kept     map[[32]byte][]byte // ballots on disk, by pack
	receipts map[tx.ID]*want     // by receipt
	packs    map[[32]byte]*pack  // packed and unsettled
	ready    []tx.ID             // receipts whose contents are here, not said yet
	seq      uint64
	at       chain.Index
}

// want is a receipt whose contents are to be fetched.
type want struct {
	task   tx.ID
	from   key.Public
	tries  int
	after  time.Time
	flying bool
	done   bool
	said   time.Time // when this seat's word was last sent, if done
	times  int       // that it was sent
}

// pack is a block's results in the making of a vote.
type pack struct {
	id      [32]byte
	results []execution.Packed
	ledger  uint32
	judging context.CancelFunc
	ballot  *ballot
	sealed  time.Time
	opened  time.Time
	sent    int // votes so far
}

// ballot is a vote as it is kept.
type ballot struct {
	_        struct{} `cbor:",toarray"`
	Pack     [32]byte
	Salt     [32]byte
	Verdicts []byte
	Evidence [32]byte
}

type fetched struct {
	receipt tx.ID
	err     error
}

// ruled is the end of judging a pack.
type ruled struct {
	of *pack
	ballot
}

// New makes a verifier.
func New(cfg Config) *Verifier {
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return &Verifier{Config: cfg, me: cfg.Key.Public().Hash160(), fetched: make(chan fetched, maxFetches), ruled: make(chan ruled, 16),
		receipts: map[tx.ID]*want{}, packs: map[[32]byte]*pack{}}
}

// Run works until the context ends, and waits for what it started.
func (v *Verifier) Run(ctx context.Context) error {
	defer v.wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var err error
	v.kept, err = v.Ballots.Load()
	if err != nil {
		return fmt.Errorf("ballots: %w", err)
	}
	tick := time.NewTicker(heldBatch)
	defer tick.Stop()
	for {
		chainMoved, poolMoved := v.Chain.Changed(), v.Pool.Changed()
		if err := v.follow(ctx); err != nil {
			return err
		}
		v.look()
		v.fetch(ctx)
		if err := v.vote(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-chainMoved:
		case <-poolMoved:
		case f := <-v.fetched:
			v.arrived(f)
		case r := <-v.ruled:
			if err := v.seal(ctx, r.of, r.ballot); err != nil {
				return err
			}
		case <-tick.C:
			v.say(ctx)
		}
	}
}

// follow keeps the list of packs that this seat must vote on.
func (v *Verifier) follow(ctx context.Context) error {
	for {
		reverted, applied, err := v.Chain.UpdatesSince(v.at, 64)
		if err != nil {
			return err
		}
		if len(reverted)+len(applied) == 0 {
			return nil
		}
		for _, u := range reverted {
			v.at = chain.Index{Height: u.Height - 1, ID: u.Parent}
			for _, e := range u.Events {
				if e.Kind == execution.EventPacked {
					v.drop(e.Pack)
				}
			}
		}
		for _, u := range applied {
			v.at = u.Index
			if err := v.take(ctx, u); err != nil {
				return err
			}
		}
	}
}

// take notes what a block packed and settled.
func (v *Verifier) take(ctx context.Context, u chain.Update) error {
	for _, e := range u.Events {
		switch e.Kind {
		case execution.EventPacked:
			delete(v.receipts, e.Receipt)
			if p := v.packs[e.Pack]; p != nil {
				continue
			}
			mine, results, err := v.mine(e.Pack)
			if err != nil {
				return err
			}
			if !mine || len(v.packs) >= maxPending {
				continue
			}
			p := &pack{id: e.Pack, ledger: u.Tenure.Height, results: results}
			v.packs[e.Pack] = p
			if raw := v.kept[e.Pack]; raw != nil {
				var b ballot
				if err := codec.Decode(raw, maxBallotBytes, &b); err != nil {
					return fmt.Errorf("ballot of pack %x: %w", e.Pack, err)
				}
				p.ballot = &b
				continue
			}
			v.judge(ctx, p)
		case execution.EventSettled:
			if p := v.packs[e.Pack]; p != nil {
				if _, open, err := v.pack(e.Pack); err != nil {
					return err
				} else if !open {
					v.drop(e.Pack)
					if err := v.Ballots.Delete(e.Pack); err != nil {
						return err
					}
					delete(v.kept, e.Pack)
				}
			}
		}
	}
	return nil
}

const maxBallotBytes = 4 << 10

func (v *Verifier) drop(id [32]byte) {
	if p := v.packs[id]; p != nil {
		if p.judging != nil {
			p.judging()
		}
		delete(v.packs, id)
	}
}

// pack reads a pack from the state as it is now.
func (v *Verifier) pack(id [32]byte) (p execution.Pack, open bool, err error) {
	err = v.Chain.Read(func(r state.Reader) error {
		p, open, err = execution.PackOf(r, id)
		return err
	})
	return p, open, err
}

// mine says whether this seat votes on a pack that is still open, and on which results.
func (v *Verifier) mine(id [32]byte) (bool, []execution.Packed, error) {
	p, open, err := v.pack(id)
	if err != nil || !open {
		return false, nil, err
	}
	for _, b := range p.Ballots {
		if b.Seat.Signer == v.me {
			return true, p.Results, nil
		}
	}
	return false, nil, nil
}

// judge judges a pack's results in the background, one after the other; whatever is not judged when the time for seals
// runs out is an abstention.
func (v *Verifier) judge(ctx context.Context, p *pack) {
	judging, cancel := context.WithCancel(ctx)
	p.judging = cancel
	id, results := p.id, p.results
	v.wg.Go(func() {
		defer cancel()
		b := ballot{Pack: id}
		h := sha256.New()
		for _, result := range results {
			r := Ruling{Verdict: execution.Abstain, Reason: "contents are not here"}
			// Those of the very receipt that was packed: a server may have signed another.
			if c, err := v.Exchange.Find(result.Task, result.Receipt); err == nil {
				r = v.Judge.Judge(judging, c)
			}
			if v.Report != nil {
				v.Report(result.Task, r)
			}
			v.Logger.Info("judged", "task", result.Task, "verdict", r.Verdict, "reason", r.Reason)
			b.Verdicts = append(b.Verdicts, r.Verdict)
			h.Write(r.Evidence[:])
		}
		h.Sum(b.Evidence[:0])
		select {
		case v.ruled <- ruled{p, b}:
		case <-ctx.Done():
		}
	})
}

// seal keeps a vote and sends its seal.
func (v *Verifier) seal(ctx context.Context, p *pack, b ballot) error {
	if v.packs[b.Pack] != p || p.ballot != nil {
		return nil // a reorganization took the pack away and stopped its judging, even if it brought it again since
	}
	if _, err := io.ReadFull(v.Random, b.Salt[:]); err != nil {
		return err
	}
	raw := codec.Encode(b)
	if err := v.Ballots.Save(b.Pack, raw); err != nil {
		return fmt.Errorf("ballots: %w", err)
	}
	v.kept[b.Pack] = raw // a reorganization may bring the pack again, and the seal with it
	p.ballot = &b
	return v.vote(ctx)
}

// vote sends what is due: the seal of a vote that the chain has not seen, the opening of one whose seals are over.
func (v *Verifier) vote(ctx context.Context) error {
	now := uint32(max(v.Chain.Followed().Height, 0))
	params := v.Chain.Params()
	for id, p := range v.packs {
		if p.ballot == nil {
			if now+1 > p.ledger+params.SealWindow && p.judging != nil {
				p.judging() // what is not judged by now is an abstention
			}
			continue
		}
		s, open, err := v.pack(id)
		if err != nil {
			return err
		}
		if !open {
			continue // settled; follow will drop it
		}
		for _, b := range s.Ballots {
			switch {
			case b.Seat.Signer != v.me:
			case !b.Sealed && time.Since(p.sealed) > resendAfter:
				p.sealed, p.sent = time.Now(), p.sent+1
				v.send(ctx, p.sent, &tx.Seal{Block: id, Hash: tx.SealHash(p.ballot.Salt, p.ballot.Verdicts, p.ballot.Evidence)})
			case b.Sealed && len(b.Verdicts) == 0 && s.SealsOver(v.Chain.TipInfo().Tenure.Height, params.SealWindow) && time.Since(p.opened) > resendAfter:
				p.opened, p.sent = time.Now(), p.sent+1
				v.send(ctx, p.sent, &tx.Opening{Block: id, Salt: p.ballot.Salt, Verdicts: p.ballot.Verdicts, Evidence: p.ballot.Evidence})
			}
		}
	}
	return nil
}

// send signs and submits a payload of this seat, for the n. time. The network carries the same bytes but once in minutes, so
// what is said again has other modes, which mean nothing but are signed.
func (v *Verifier) send(ctx context.Context, n int, p tx.Payload) {
	t := tx.New(v.Chain.Params().ChainID, p)
	t.AnchorMode = tx.AnchorOnChain + byte(n%3)
	t.PostConditionMode = tx.PostConditionAllow + byte(n/3%2)
	t.Sign(v.Key)
	if err := v.Pool.Submit(ctx, t); err != nil && !errors.Is(err, pool.ErrKnown) && !errors.Is(err, pool.ErrLate) && ctx.Err() == nil {
		v.Logger.Warn("vote not sent", "err", err) // it is sent again
	}
}
