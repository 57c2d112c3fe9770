package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/model"
	"funai/model/modeltest"
	"funai/model/pool"
)

// keepBusy uses a model for a second, again and again, from two sides, so that it is in use at all times, until stop is closed.
func keepBusy(t *testing.T, p *pool.Pool, name string, stop chan struct{}, wg *sync.WaitGroup) {
	for i := range 2 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / 2)
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, back, err := p.Acquire(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Second)
				back()
			}
		})
	}
}

// TestLargeModelsGetTheirTurn asks for a model that needs the room of two that are always in use.
func TestLargeModelsGetTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{sizes: map[string]int64{"a": 40, "b": 40, "large": 90, "tiny": 5}, delay: time.Second}
		p := w.pool(t, 100)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		keepBusy(t, p, "a", stop, &wg)
		keepBusy(t, p, "b", stop, &wg)
		use(t, p, "tiny")
		time.Sleep(10 * time.Second)
		for range 3 {
			began := time.Now()
			_, back, err := p.Acquire(t.Context(), "large")
			if err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited > 4*time.Second { // those who use a and b, two loads behind one another, and its own
				t.Errorf("waited %v", waited)
			}
			if got := names(p); got[0] != "large" || slices.Contains(got, "a") || slices.Contains(got, "b") {
				t.Error(got)
			}
			time.Sleep(time.Minute)
			back()
			time.Sleep(5 * time.Second)
			if got := names(p); !slices.Contains(got, "a") || !slices.Contains(got, "b") { // theirs, too
				t.Error(got)
			}
		}
		close(stop)
		wg.Wait()
	})
}

// TestRoomIsGivenInOrder has requests come one by one while all room is taken.
func TestRoomIsGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{sizes: map[string]int64{"a": 60, "b": 60, "c": 30, "d": 60, "e": 10, "f": 10}, delay: time.Second}
		p := w.pool(t, 100)
		_, back, err := p.Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		use(t, p, "e")
		var wg sync.WaitGroup
		var mu sync.Mutex
		var order []string
		began := time.Now()
		for _, name := range []string{"b", "c", "a", "d", "f", "b"} { // a is loaded, but b needs its room
			wg.Go(func() {
				_, back, err := p.Acquire(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, fmt.Sprint(name, " ", time.Since(began)))
				mu.Unlock()
				time.Sleep(time.Minute)
				back()
			})
			synctest.Wait()
		}
		use(t, p, "e") // nobody needs its room, so it doesn't wait
		if waited := time.Since(began); waited != 0 {
			t.Fatal(waited)
		}
		back()
		wg.Wait()
		// The second b is served with the first, and c beside them. f, the smallest, passes nobody.
		slices.Sort(order)
		if got := fmt.Sprint(order); got != "[a 1m2s b 1s b 1s c 1s d 2m3s f 2m3s]" {
			t.Fatal(got)
		}
	})
}

func TestWhoLeavesIsInNobodysWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{sizes: map[string]int64{"a": 40, "b": 90, "c": 40}, delay: time.Hour}
		p := w.pool(t, 100)
		_, back, err := p.Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		defer back()
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error)
		go func() { _, _, err := p.Acquire(ctx, "b"); got <- err }()
		synctest.Wait()
		var wg sync.WaitGroup
		wg.Go(func() { use(t, p, "a") }) // waits behind b
		wg.Go(func() { use(t, p, "c") })
		synctest.Wait()
		began := time.Now()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) || !errors.Is(err, model.ErrBusy) {
			t.Fatal(err)
		}
		wg.Wait()
		if took := time.Since(began); took != time.Hour { // c was loaded, nothing else
			t.Fatal(took)
		}
	})
}

// TestLeavingALoadIsImmediate gives up a load that can't be interrupted, and then wants the model again.
func TestLeavingALoadIsImmediate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{sizes: map[string]int64{"a": 60, "b": 60}, delay: time.Hour}
		p := w.pool(t, 100)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := p.Acquire(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Fatal(err, time.Since(began))
		}
		var wg sync.WaitGroup
		wg.Go(func() { use(t, p, "a") })
		synctest.Wait()
		wg.Go(func() { use(t, p, "b") })
		wg.Wait()
		if got := fmt.Sprint(w.opened); got != "[a b]" {
			t.Fatal(got)
		}
		go func() { _, _, err := p.Acquire(t.Context(), "a"); got(t, err, model.ErrClosed) }()
		synctest.Wait()
		p.Close()
	})
}

func got(t *testing.T, err, want error) {
	if err != nil && !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func TestWaitingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := pool.New(pool.Options{Bytes: 10, Waiting: 2,
			Size: func(context.Context, string) (int64, error) { return 10, nil },
			Open: func(_ context.Context, name string) (model.Engine, error) { return &modeltest.Toy{Name: name}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, name := range []string{"b", "c"} {
			wg.Go(func() {
				if _, _, err := p.Acquire(t.Context(), name); !errors.Is(err, model.ErrClosed) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if _, _, err := p.Acquire(t.Context(), "d"); !errors.Is(err, model.ErrBusy) {
			t.Fatal(err)
		}
		p.Close()
		wg.Wait()
	})
}

// TestRefusalsBesideWhoWaits has many refused while others come and leave; the race detector watches.
func TestRefusalsBesideWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := pool.New(pool.Options{Bytes: 10, Waiting: 1,
			Size: func(context.Context, string) (int64, error) { return 10, nil },
			Open: func(_ context.Context, name string) (model.Engine, error) { return &modeltest.Toy{Name: name}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if _, _, err = p.Acquire(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					if _, _, err := p.Acquire(ctx, "b"); !errors.Is(err, model.ErrBusy) {
						t.Error(err)
					}
					cancel()
				}
			})
		}
		wg.Wait()
	})
}

// TestNobodyStarves has many who come, wait, leave and use at random, and none who stays waits for long.
func TestNobodyStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{sizes: map[string]int64{"a": 20, "b": 30, "c": 50, "d": 100, "e": 70}, delay: time.Second}
		p := w.pool(t, 100)
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(i), 7))
				for range 100 {
					name := string("aaaabbbccde"[r.IntN(11)])
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					if r.IntN(3) == 0 {
						time.AfterFunc(time.Duration(r.IntN(8000))*time.Millisecond, cancel)
					}
					_, back, err := p.Acquire(ctx, name)
					switch {
					case err == nil:
						time.Sleep(time.Duration(r.IntN(2000)) * time.Millisecond)
						back()
					case !errors.Is(err, context.Canceled):
						t.Error(err)
					}
					cancel()
				}
			})
		}
		wg.Wait()
	})
}

// TestRealLargeModelGetsItsTurn has two small models answer all the time, whose room a larger one needs.
func TestRealLargeModelGetsItsTurn(t *testing.T) {
	p, _ := threeInTwo(t)
	ask := func(name string) {
		e, back, err := p.Acquire(t.Context(), name)
		if err != nil {
			t.Error(err)
			return
		}
		defer back()
		r := model.Request{Messages: []model.Message{{Role: "user", Content: "Once"}}, MaxTokens: 10}
		if got, err := e.Generate(t.Context(), r, func(model.Token) error { return nil }); err != nil || len(got.Tokens) == 0 {
			t.Error(got, err)
		}
	}
	var wg sync.WaitGroup
	stop, asked := make(chan struct{}), make(chan struct{}, 6)
	for i := range 6 {
		wg.Go(func() {
			ask([]string{"stories15m-q8_0", "stories15m-q4_0"}[i%2])
			asked <- struct{}{}
			for {
				select {
				case <-stop:
					return
				default:
					ask([]string{"stories15m-q8_0", "stories15m-q4_0"}[i%2])
				}
			}
		})
	}
	for range 6 {
		<-asked
	}
	for range 3 {
		ask("stories15m")
	}
	close(stop)
	wg.Wait()
}
