package encoder

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"funai/model"
	"funai/model/catalogue"
)

func open(t testing.TB) *Encoder {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the weights of " + Name)
	}
	f, err := catalogue.New(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := f.Encoder(t.Context(), nil)
	if err != nil {
		t.Fatalf("this test needs the weights of %s, and they can't be fetched (go test -short leaves it out): %v", Name, err)
	}
	e, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestTextsThatMeanAlikeAreNear(t *testing.T) {
	e := open(t)
	vs, err := e.Embed(t.Context(), []string{"What colour is the sky?", "The sky is blue on a clear day.", "Paris is the capital of France.",
		strings.Repeat("!", MaxTextBytes), "\x00\xff odd bytes \u202e", "日本語の文章"})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vs {
		if n := dot(v, v); math.Abs(n-1) > 1e-3 {
			t.Errorf("vector %d has the square %v", i, n)
		}
	}
	if near, far := dot(vs[0], vs[1]), dot(vs[0], vs[2]); near < 0.5 || far > 0.3 {
		t.Errorf("the fitting answer is at %v, the other one at %v", near, far)
	}
}

func TestBoundsOfACall(t *testing.T) {
	e := open(t)
	if _, err := e.Embed(t.Context(), []string{"a", ""}); !errors.Is(err, model.ErrRequest) {
		t.Errorf("empty text: %v", err)
	}
	if _, err := e.Embed(t.Context(), []string{strings.Repeat("a", MaxTextBytes+1)}); !errors.Is(err, model.ErrTooLong) {
		t.Errorf("long text: %v", err)
	}
	if _, err := e.Embed(t.Context(), make([]string, MaxTexts+1)); !errors.Is(err, model.ErrTooLong) {
		t.Errorf("many texts: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Embed(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("caller who is gone: %v", err)
	}
}

func TestManyCallersShareOneEncoderAndAreRefusedBeyondItsQueue(t *testing.T) {
	e := open(t)
	e.turn <- struct{}{} // somebody runs
	var wg sync.WaitGroup
	var mu sync.Mutex
	busy, served := 0, 0
	for range waiting + 1 + 3 {
		wg.Go(func() {
			_, err := e.Embed(t.Context(), []string{"a"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				served++
			case errors.Is(err, model.ErrBusy):
				if busy++; busy == 3 {
					<-e.turn // those that wait go on
				}
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if served != waiting+1 || busy != 3 {
		t.Errorf("%d were served and %d refused", served, busy)
	}
}

func TestClosedEncoderSaysSo(t *testing.T) {
	e := open(t)
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Embed(t.Context(), []string{"a"}); !errors.Is(err, model.ErrClosed) {
		t.Error(err)
	}
}

// BenchmarkPair prints what it costs to encode a question and an answer of two lengths.
func BenchmarkPair(b *testing.B) {
	e := open(b)
	question := "Why should people drink enough water, and how much is enough for a day?"
	for name, answer := range map[string]string{
		"short": "Water keeps the body cool.",
		"long":  strings.Repeat("Water keeps the body cool and carries food. ", 12)[:480],
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := e.Embed(b.Context(), []string{question, answer}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
