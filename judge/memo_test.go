package judge

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"funai/model"
)

// slow is an engine whose scores wait for release; a nil release doesn't wait.
type slow struct {
	model.Engine
	calls   atomic.Int32
	release chan error
	lag     chan struct{} // if not nil, a score that is stopped waits for it before it ends
	stopped atomic.Int32  // scores that ended because their context did
	closed  atomic.Bool
}

func (s *slow) Score(ctx context.Context, _ model.Request, tokens []int32) (model.Score, error) {
	s.calls.Add(1)
	if s.release != nil {
		select {
		case err := <-s.release:
			if err != nil {
				return model.Score{}, err
			}
		case <-ctx.Done():
			s.stopped.Add(1)
			if s.lag != nil {
				<-s.lag
			}
			return model.Score{}, ctx.Err()
		}
	}
	return model.Score{Tokens: make([]model.TokenScore, len(tokens))}, nil
}

func (s *slow) Close() error {
	s.closed.Store(true)
	return nil
}

func question(q string) model.Request {
	return model.Request{Messages: []model.Message{{Role: "user", Content: q}}, MaxTokens: 9}
}

func TestMemoComputesEqualScoresOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slow{release: make(chan error)}
		m := NewMemo(e, 4)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				s, err := m.Score(t.Context(), question("a"), []int32{1, 2})
				if err != nil || len(s.Tokens) != 2 {
					t.Errorf("%+v, %v", s, err)
				}
				s.Tokens[0].Rank = 7 // what a caller does to its score is its own affair
			})
		}
		synctest.Wait()
		e.release <- nil
		wg.Wait()
		s, err := m.Score(t.Context(), question("a"), []int32{1, 2})
		if err != nil || s.Tokens[0].Rank != 0 {
			t.Errorf("remembered %+v, %v", s, err)
		}
		if n := e.calls.Load(); n != 1 {
			t.Errorf("computed %d times", n)
		}
		if err := m.Close(); err != nil || !e.closed.Load() {
			t.Errorf("close: %v", err)
		}
	})
}

func TestMemoTellsDifferentScoresApart(t *testing.T) {
	e := &slow{}
	m := NewMemo(e, 100)
	score := func(r model.Request, tokens ...int32) {
		t.Helper()
		if _, err := m.Score(t.Context(), r, tokens); err != nil {
			t.Error(err)
		}
	}
	want := int32(0)
	for _, change := range []func(r *model.Request){
		func(*model.Request) {},
		func(r *model.Request) { r.Messages[0].Role = "system" },
		func(r *model.Request) { r.Messages[0].Role, r.Messages[0].Content = "use", "ra" },
		func(r *model.Request) { r.Messages = append(r.Messages, model.Message{}) },
		func(r *model.Request) { r.MaxTokens++ },
		func(r *model.Request) { r.Top++ },
		func(r *model.Request) { r.Sampling.TemperatureMilli++ },
		func(r *model.Request) { r.Sampling.RepeatPenaltyMilli++ },
		func(r *model.Request) { r.Sampling.Seed[31]++ },
		func(r *model.Request) { r.Messages[0].Content = "\xff" },
		func(r *model.Request) { r.Messages[0].Content = "\ufffd" }, // what JSON makes of the one before
		func(r *model.Request) { r.Messages[0].ToolCallID = "x" },
		func(r *model.Request) { r.Messages[0].ToolCalls = []model.ToolCall{{Name: "x"}} },
		func(r *model.Request) { r.Tools = []model.Tool{{Name: "x"}} },
		func(r *model.Request) { r.ToolChoice = model.ToolNone },
		func(r *model.Request) { r.Controls = &model.Controls{} },
		func(r *model.Request) {
			r.Controls = &model.Controls{LogitBias: map[int32]float64{1: math.NaN(), 2: 1}}
		},
		func(r *model.Request) { r.Stop = []string{"x"} },
		func(r *model.Request) { r.Grammar = "x" },
		func(r *model.Request) { r.Schema = []byte("{}") },
	} {
		r := question("a")
		change(&r)
		score(r, 1, 2)
		score(r, 1, 2)
		if want++; e.calls.Load() != want {
			t.Errorf("%+v: computed %d times, want %d", r, e.calls.Load(), want)
		}
	}
	score(question("a"), 1)
	score(question("a"), 2, 1)
	score(question("a"))
	if want += 3; e.calls.Load() != want {
		t.Errorf("computed %d times, want %d", e.calls.Load(), want)
	}
}

func TestMemoForgetsBeyondItsBound(t *testing.T) {
	e := &slow{}
	m := NewMemo(e, 2)
	for _, q := range []string{"a", "b", "c", "a"} {
		if _, err := m.Score(t.Context(), question(q), []int32{1}); err != nil {
			t.Fatal(err)
		}
	}
	if n := e.calls.Load(); n != 4 || m.cache.Len() != 2 {
		t.Errorf("computed %d times, remembers %d", n, m.cache.Len())
	}
}

func TestMemoForgetsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slow{release: make(chan error, 1)}
		m := NewMemo(e, 4)
		e.release <- model.ErrBusy
		if _, err := m.Score(t.Context(), question("a"), []int32{1}); !errors.Is(err, model.ErrBusy) {
			t.Fatal(err)
		}
		e.release <- nil
		if _, err := m.Score(t.Context(), question("a"), []int32{1}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMemoOutlivesItsFirstCaller: the caller who began the work leaves, and the one who waits with it gets the score.
func TestMemoOutlivesItsFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slow{release: make(chan error)}
		m := NewMemo(e, 4)
		first, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := m.Score(first, question("a"), []int32{1}); !errors.Is(err, context.Canceled) {
				t.Errorf("first caller: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := m.Score(t.Context(), question("a"), []int32{1}); err != nil {
				t.Errorf("second caller: %v", err)
			}
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		e.release <- nil
		wg.Wait()
		if n := e.calls.Load(); n != 1 {
			t.Errorf("computed %d times", n)
		}
	})
}

// TestMemoStopsWhenNobodyWaits has the next caller come while the stopped work is still ending: it must not be handed that.
func TestMemoStopsWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slow{release: make(chan error), lag: make(chan struct{})}
		m := NewMemo(e, 4)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := m.Score(ctx, question("a"), []int32{1}); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		wg.Go(func() {
			if _, err := m.Score(t.Context(), question("a"), []int32{1}); err != nil {
				t.Errorf("next caller: %v", err)
			}
		})
		synctest.Wait()
		if e.stopped.Load() != 1 {
			t.Errorf("%d scores were stopped", e.stopped.Load())
		}
		e.release <- nil
		close(e.lag)
		wg.Wait()
		if _, err := m.Score(ctx, question("a"), []int32{1}); !errors.Is(err, context.Canceled) {
			t.Errorf("caller who is gone: %v", err)
		}
	})
}

func TestMemoCloseStopsAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &slow{release: make(chan error)}
		m := NewMemo(e, 4)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := m.Score(t.Context(), question("a"), []int32{1}); !errors.Is(err, model.ErrClosed) {
				t.Errorf("caller at the close: %v", err)
			}
		})
		synctest.Wait()
		if err := m.Close(); err != nil || e.stopped.Load() != 1 || !e.closed.Load() {
			t.Errorf("close: %v, stopped %d", err, e.stopped.Load())
		}
		wg.Wait()
		if _, err := m.Score(t.Context(), question("a"), []int32{1}); !errors.Is(err, model.ErrClosed) {
			t.Errorf("caller after the close: %v", err)
		}
	})
}
