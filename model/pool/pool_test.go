package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
	"funai/model/pool"
)

// world opens toys, and knows which are open.
type world struct {
	mu     sync.Mutex
	sizes  map[string]int64
	open   map[string]int
	opened []string
	fail   error
	delay  time.Duration
}

type toy struct {
	*modeltest.Toy
	close func()
}

func (t toy) Close() error { t.close(); return t.Toy.Close() }

func (w *world) pool(t *testing.T, bytes int64) *pool.Pool {
	t.Helper()
	w.open = map[string]int{}
	p, err := pool.New(pool.Options{Bytes: bytes, Count: 3,
		Size: func(_ context.Context, name string) (int64, error) {
			if n, ok := w.sizes[name]; ok {
				return n, nil
			}
			return 0, errors.New("unknown")
		},
		Open: func(ctx context.Context, name string) (model.Engine, error) {
			if w.delay > 0 {
				time.Sleep(w.delay)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.fail != nil {
				return nil, w.fail
			}
			w.open[name]++
			w.opened = append(w.opened, name)
			total := int64(0)
			for n, k := range w.open {
				total += w.sizes[n] * int64(k)
			}
			if total > bytes || w.open[name] > 1 {
				t.Errorf("%d bytes are loaded, %d allowed; %v", total, bytes, w.open)
			}
			return toy{&modeltest.Toy{Name: name}, func() { w.mu.Lock(); w.open[name]--; w.mu.Unlock() }}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func use(t *testing.T, p *pool.Pool, name string) {
	t.Helper()
	e, back, err := p.Acquire(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer back()
	if e.Info().Name != name {
		t.Fatal(e.Info().Name)
	}
}

func names(p *pool.Pool) (out []string) {
	for _, l := range p.Loaded() {
		out = append(out, l.Name)
	}
	return out
}

func TestLongestUnusedGoesFirst(t *testing.T) {
	w := &world{sizes: map[string]int64{"a": 40, "b": 40, "c": 40, "d": 1, "huge": 101}}
	p := w.pool(t, 100)
	use(t, p, "a")
	use(t, p, "b")
	use(t, p, "a")
	use(t, p, "c")
	if got := names(p); !slices.Equal(got, []string{"c", "a"}) {
		t.Fatal(got)
	}
	use(t, p, "d")
	use(t, p, "b") // takes the room of a, and d's place isn't needed
	if got := names(p); !slices.Equal(got, []string{"b", "d", "c"}) {
		t.Fatal(got)
	}
	if _, _, err := p.Acquire(t.Context(), "huge"); !errors.Is(err, model.ErrMemory) {
		t.Fatal(err)
	}
	if _, _, err := p.Acquire(t.Context(), "none"); err == nil {
		t.Fatal("no size, no error")
	}
	if got := fmt.Sprint(w.opened); got != "[a b c d b]" {
		t.Fatal(got)
	}
}

func TestModelsInUseStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{sizes: map[string]int64{"a": 60, "b": 60}, delay: time.Second}
		p := w.pool(t, 100)
		_, back, err := p.Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, _, err := p.Acquire(ctx, "b"); !errors.Is(err, model.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		got := make(chan error)
		go func() {
			_, back, err := p.Acquire(t.Context(), "b")
			if err == nil {
				back()
			}
			got <- err
		}()
		synctest.Wait()
		back()
		back() // once is enough
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	})
}

func TestManyUseFewModels(t *testing.T) {
	w := &world{sizes: map[string]int64{"a": 40, "b": 40, "c": 40, "d": 90}}
	p := w.pool(t, 100)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() { use(t, p, []string{"a", "b", "c", "d"}[i*7%4]) })
	}
	wg.Wait()
}

func TestFailuresLeaveNoRoomTaken(t *testing.T) {
	w := &world{sizes: map[string]int64{"a": 90, "b": 90}, fail: errors.New("corrupt")}
	p := w.pool(t, 100)
	for range 3 {
		if _, _, err := p.Acquire(t.Context(), "a"); !errors.Is(err, w.fail) {
			t.Fatal(err)
		}
	}
	w.fail = nil
	use(t, p, "b")
	p.Close()
	if _, _, err := p.Acquire(t.Context(), "b"); !errors.Is(err, model.ErrClosed) {
		t.Fatal(err)
	}
	if w.open["b"] != 0 {
		t.Fatal("still open")
	}
	for _, o := range []pool.Options{{}, {Bytes: 5}} {
		if _, err := pool.New(o); !errors.Is(err, model.ErrRequest) {
			t.Fatal(err)
		}
	}
}

// threeInTwo is a pool of three quantisations with room for two, and their names.
func threeInTwo(t *testing.T) (*pool.Pool, []string) {
	t.Helper()
	names := []string{"stories15m", "stories15m-q8_0", "stories15m-q4_0"}
	paths, libraries := map[string]string{}, ""
	for _, name := range names {
		paths[name], libraries = modeltest.Files(t, name)
	}
	p, err := pool.New(pool.Options{Bytes: 80 << 20,
		Size: func(_ context.Context, name string) (int64, error) { return gguf.Footprint(paths[name]) },
		Open: func(ctx context.Context, name string) (model.Engine, error) {
			return gguf.Open(ctx, gguf.Options{Path: paths[name], LibDir: libraries, Name: name})
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p, names
}

// TestRealModelsTakeTurns loads three quantisations into room for two, again and again.
func TestRealModelsTakeTurns(t *testing.T) {
	p, names := threeInTwo(t)
	var wg sync.WaitGroup
	for i := range 9 {
		for _, name := range names {
			wg.Go(func() {
				e, back, err := p.Acquire(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				defer back()
				r := model.Request{Messages: []model.Message{{Role: "user", Content: fmt.Sprintf("Number %d", i)}}, MaxTokens: 2}
				if got, err := e.Generate(t.Context(), r, func(model.Token) error { return nil }); err != nil || len(got.Tokens) == 0 {
					t.Error(got, err)
				}
			})
		}
	}
	wg.Wait()
}
