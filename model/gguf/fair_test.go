package gguf_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

// until waits for a condition that other goroutines bring about.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		if t.Context().Err() != nil {
			t.Fatal("never came")
		}
		runtime.Gosched()
	}
}

func TestOneClientDoesNotMakeAnotherWaitForAll(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Running: 2, Queue: 40})
	var wg sync.WaitGroup
	var done atomic.Int32
	for i := range 30 {
		wg.Go(func() {
			r := ask(fmt.Sprintf("%d dogs went", i), 24)
			r.Client = "many"
			if _, err := e.Generate(t.Context(), r, quiet); err != nil {
				t.Error(err)
			}
			done.Add(1)
		})
	}
	until(t, func() bool { return gguf.Places(e)+int(done.Load()) == 30 })
	r := ask("One cat went", 4)
	r.Client = "one"
	before := done.Load()
	if _, err := e.Generate(t.Context(), r, quiet); err != nil {
		t.Fatal(err)
	}
	// Those two that ran, and what two places have time for during a sixth of an answer.
	if passed := done.Load() - before; passed > 6 {
		t.Errorf("%d of 30 were served first", passed)
	}
	wg.Wait()
}

func TestScoringPassesWaitingAnswers(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Running: 1, Queue: 40})
	r := ask("Once upon a time", 20)
	got, err := e.Generate(t.Context(), r, quiet)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var done atomic.Int32
	for i := range 20 {
		wg.Go(func() {
			if _, err := e.Generate(t.Context(), ask(fmt.Sprintf("%d dogs went", i), 24), quiet); err != nil {
				t.Error(err)
			}
			done.Add(1)
		})
	}
	until(t, func() bool { return gguf.Places(e)+int(done.Load()) == 20 })
	before := done.Load()
	if s, err := e.Score(t.Context(), r, got.Tokens); err != nil || greatest(s) > 0.05 {
		t.Fatal(greatest(s), err)
	}
	if passed := done.Load() - before; passed > 4 {
		t.Errorf("%d of 20 answers were made first", passed)
	}
	wg.Wait()
}

// TestSlowReadersDelayNobody blocks a reader while the only sequence serves others.
func TestSlowReadersDelayNobody(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Running: 1})
	first, read := make(chan struct{}, 1), make(chan struct{})
	whole := make(chan int)
	go func() {
		got, err := e.Generate(t.Context(), ask("Once upon a time", 100), func(model.Token) error {
			select {
			case first <- struct{}{}:
			default:
			}
			<-read
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		whole <- len(got.Tokens)
	}()
	<-first
	for range 3 {
		if _, err := e.Generate(t.Context(), ask("One day", 20), quiet); err != nil {
			t.Fatal(err)
		}
	}
	close(read)
	if n := <-whole; n < 50 {
		t.Fatal(n, "tokens")
	}
}

// TestWhoLeavesGivesUpEverything leaves while waiting, in prefill and while an answer streams.
func TestWhoLeavesGivesUpEverything(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Running: 2, Queue: 40, Cache: 256}) // one long prompt takes all of the cache
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	streams := make(chan struct{}, 1000)
	for i := range 20 {
		wg.Go(func() {
			r := ask(fmt.Sprint(i, strings.Repeat(" once upon a time there was", 1+i%2*20)), 240)
			if _, err := e.Generate(ctx, r, func(model.Token) error { streams <- struct{}{}; return nil }); !errors.Is(err, context.Canceled) && err != nil {
				t.Error(err)
			}
		})
	}
	<-streams
	cancel()
	wg.Wait()
	r := ask(strings.Repeat("once upon a time there was ", 20), 240)
	if _, err := e.Generate(t.Context(), r, quiet); err != nil { // needs all of the cache
		t.Fatal(err)
	}
	until(t, func() bool { return gguf.Places(e) == 0 })
}

func TestFullQueueIsSaidAtOnceAndOthersFindAPlace(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Running: 1, Queue: 9})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { _, _ = e.Generate(ctx, ask(fmt.Sprintf("%d dogs went", i), 240), quiet) })
	}
	until(t, func() bool { return gguf.Places(e) == 8 })
	if _, err := e.Generate(t.Context(), ask("x", 1), quiet); !errors.Is(err, model.ErrBusy) {
		t.Error(err)
	}
	r := ask("One cat", 1)
	r.Client = "another"
	if _, err := e.Generate(t.Context(), r, quiet); err != nil {
		t.Error(err)
	}
	cancel()
	wg.Wait()
}

// TestManyLongPromptsTakeBoundedMemory asks 64 of them at once.
func TestManyLongPromptsTakeBoundedMemory(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Running: 64})
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	var once sync.Once
	for i := range 64 {
		wg.Go(func() {
			r := ask(fmt.Sprint(strings.Repeat("once upon a time there was ", 25), i), 10)
			_, err := e.Generate(t.Context(), r, func(model.Token) error {
				once.Do(func() { runtime.ReadMemStats(&during) })
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if grown := int64(during.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("%d bytes more on the heap", grown)
	}
}
