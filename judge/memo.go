package judge

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/fxamacker/cbor/v2"
	lru "github.com/hashicorp/golang-lru/v2"

	"funai/model"
)

// Memo is a model.Engine that computes equal Scores once: several verification nodes in one process judge the same claims,
// and one node may judge a claim again after a reorg. Callers that come while a score is being computed wait for it; later
// ones get it from a cache of a bounded number of scores. Only whole results are kept. An error goes to those who waited
// for it and is forgotten; a caller that leaves takes nothing from the others, and the last one to leave stops the work.
type Memo struct {
	model.Engine

	cache *lru.Cache[[32]byte, model.Score] // locks itself

	mu      sync.Mutex
	flights map[[32]byte]*flight // no more than there are callers
	closed  bool
	running sync.WaitGroup
}

var _ model.Engine = (*Memo)(nil)

// flight is one computation under way.
type flight struct {
	waiting int // guarded by Memo.mu
	cancel  context.CancelFunc
	done    chan struct{} // closed when score and err are set
	score   model.Score
	err     error
}

// NewMemo puts a memory of the given number of scores, at least 1, before an engine. A score takes about 32 bytes a token.
// The memo owns the engine: Close closes both.
func NewMemo(e model.Engine, scores int) *Memo {
	cache, _ := lru.New[[32]byte, model.Score](max(scores, 1)) // sizes below 1 are its only error
	return &Memo{Engine: e, cache: cache, flights: make(map[[32]byte]*flight)}
}

// Score returns what the engine's Score returns, from memory if it can.
func (m *Memo) Score(ctx context.Context, r model.Request, tokens []int32) (model.Score, error) {
	if err := ctx.Err(); err != nil {
		return model.Score{}, err
	}
	key, err := scoreKey(r, tokens)
	if err != nil {
		return model.Score{}, fmt.Errorf("%w: %w", model.ErrRequest, err)
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return model.Score{}, model.ErrClosed
	}
	if s, ok := m.cache.Get(key); ok {
		m.mu.Unlock()
		return own(s), nil
	}
	f := m.flights[key]
	if f == nil {
		// The work outlives the caller who began it, as long as somebody waits.
		work, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight{cancel: cancel, done: make(chan struct{})}
		m.flights[key] = f
		r.Messages, tokens = slices.Clone(r.Messages), slices.Clone(tokens)
		m.running.Go(func() { m.fly(work, key, f, r, tokens) })
	}
	f.waiting++
	m.mu.Unlock()

	select {
	case <-f.done:
		return own(f.score), f.err
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		m.forget(key, f)
	}
	return model.Score{}, ctx.Err()
}

// fly computes one score and tells everybody.
func (m *Memo) fly(ctx context.Context, key [32]byte, f *flight, r model.Request, tokens []int32) {
	defer f.cancel()
	f.score, f.err = m.Engine.Score(ctx, r, tokens)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case f.err == nil && len(f.score.Tokens) == len(tokens):
		m.cache.Add(key, f.score)
	case f.err != nil && m.closed:
		f.err = model.ErrClosed // not the cancellation that Close stopped it with
	}
	m.forget(key, f)
	close(f.done)
}

// forget lets the next caller begin anew. It is called with the lock held.
func (m *Memo) forget(key [32]byte, f *flight) {
	if m.flights[key] == f {
		delete(m.flights, key)
	}
}

// Close stops all scoring, waits for it, and closes the engine. Score returns model.ErrClosed from then on.
func (m *Memo) Close() error {
	m.mu.Lock()
	m.closed = true
	for _, f := range m.flights {
		f.cancel()
	}
	m.mu.Unlock()
	m.running.Wait()
	return m.Engine.Close()
}

// own returns a score that its receiver may change.
func own(s model.Score) model.Score {
	s.Tokens = slices.Clone(s.Tokens)
	return s
}

// scoreKey hashes everything that is handed to Score, fields that package model may get in future included: CBOR in canonical
// form writes lengths before everything, orders maps and, unlike JSON, leaves texts that are not UTF-8 as they are.
func scoreKey(r model.Request, tokens []int32) ([32]byte, error) {
	b, err := canonical.Marshal([]any{r, tokens})
	return sha256.Sum256(b), err
}

var canonical = func() cbor.EncMode {
	m, _ := cbor.CanonicalEncOptions().EncMode() // its options are fixed, and good
	return m
}()
