package gguf_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

const stories = "stories15m"

func ask(content string, tokens int) model.Request {
	return model.Request{Messages: []model.Message{{Role: "user", Content: content}}, MaxTokens: tokens}
}

func quiet(model.Token) error { return nil }

func TestAnswerStreamsWholeAndStops(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	r := ask("Once upon a time, there was a dragon", 200)
	r.Top = 3
	var all []model.Token
	got, err := e.Generate(t.Context(), r, func(k model.Token) error { all = append(all, k); return nil })
	if err != nil {
		t.Fatal(err)
	}
	joined, ids := "", []int32{}
	for i, k := range all {
		joined, ids = joined+k.Text, append(ids, k.ID)
		if len(k.Top) != 3 || k.Top[0].ID != k.ID || k.Top[0].Logprob != k.Logprob.Logprob || k.Top[1].Logprob > k.Top[0].Logprob || k.Logprob.Logprob > 0 {
			t.Fatalf("token %d: %+v", i, k)
		}
	}
	n, err := e.CountPrompt(t.Context(), r)
	if joined != got.Text || !slices.Equal(ids, got.Tokens) || got.PromptTokens != n || err != nil || !strings.Contains(joined, "dragon") {
		t.Fatalf("%q of %d tokens, %+v, %v", joined, n, got, err)
	}
	if end := all[len(all)-1]; got.Finish != model.FinishStop || end.Text != "" || len(all) >= 200 {
		t.Fatalf("%s after %d tokens, with %+v", got.Finish, len(all), end)
	}
	r.MaxTokens = 7
	if got, err = e.Generate(t.Context(), r, quiet); err != nil || got.Finish != model.FinishLength || !slices.Equal(got.Tokens, ids[:7]) {
		t.Fatalf("%+v, want the first 7 of %v; %v", got, ids, err)
	}
}

// samplings are what the next tests try.
func samplings() (out []model.Sampling) {
	for i, s := range []model.Sampling{{}, {RepeatPenaltyMilli: 1100}, {TemperatureMilli: 300}, {TemperatureMilli: 800, RepeatPenaltyMilli: 1100}, {TemperatureMilli: 1500}} {
		s.Seed[0] = byte(i)
		out = append(out, s)
	}
	return out
}

// TestScoreAgreesWithGenerate scores answers made among others, while others are made: an honest answer has margins of rounding
// only; one to another prompt, of another seed or altered doesn't.
func TestScoreAgreesWithGenerate(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, s := range samplings() {
		for k := range 3 {
			wg.Go(func() {
				r := ask([]string{"A cat", "Once upon a time, there was a boy named Tim who had", "The sun"}[k], 60+20*k)
				r.Sampling = s
				got, err := e.Generate(t.Context(), r, quiet)
				if err != nil {
					t.Error(err)
					return
				}
				mine, err := e.Score(t.Context(), r, got.Tokens)
				if err != nil {
					t.Error(err)
					return
				}
				if m := greatest(mine); m > 0.05 || mine.Text != got.Text || mine.PromptTokens != got.PromptTokens || len(mine.Tokens) != len(got.Tokens) {
					t.Errorf("sampling %d, prompt %d: margin %v, %q for %q", i, k, m, mine.Text, got.Text)
				}
				if end := mine.Tokens[len(got.Tokens)-1].End; end != (got.Finish == model.FinishStop) {
					t.Errorf("end is %v, finish %s", end, got.Finish)
				}
				other := r
				other.Messages = []model.Message{{Role: "user", Content: "A red car went"}}
				altered := slices.Clone(got.Tokens)
				altered[len(altered)/2]++
				seeded := r
				seeded.Sampling.Seed[5]++
				for name, c := range map[string]struct {
					r      model.Request
					tokens []int32
				}{"other prompt": {other, got.Tokens}, "altered": {r, altered}, "other seed": {seeded, got.Tokens}} {
					if name == "other seed" && s.TemperatureMilli == 0 {
						continue
					}
					score, err := e.Score(t.Context(), c.r, c.tokens)
					if err != nil || greatest(score) < 0.5 {
						t.Errorf("%s, sampling %d, prompt %d: margin %v, %v", name, i, k, greatest(score), err)
					}
				}
			})
		}
	}
}

func greatest(s model.Score) (m float64) {
	for _, t := range s.Tokens {
		m = max(m, t.Margin)
	}
	return m
}

func TestCancelledRequestsMakeRoom(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Queue: 4})
	for range 30 { // more than there are sequences and places in the queue
		ctx, cancel := context.WithCancel(t.Context())
		_, err := e.Generate(ctx, ask("Once upon a time", 240), func(model.Token) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	stop := errors.New("stop")
	if _, err := e.Generate(t.Context(), ask("One day", 240), func(model.Token) error { return stop }); err != stop {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Score(ctx, ask("x", 0), []int32{1}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := e.Generate(t.Context(), ask("One day", 5), quiet); err != nil {
		t.Fatal(err)
	}
}

func TestQueueIsBounded(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Queue: 2})
	var wg sync.WaitGroup
	var mu sync.Mutex
	done, busy := 0, 0
	for range 60 {
		wg.Go(func() {
			got, err := e.Generate(t.Context(), ask("Once upon a time there was", 100), quiet)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, model.ErrBusy):
				busy++
			case err != nil || len(got.Tokens) == 0:
				t.Error(got, err)
			default:
				done++
			}
		})
	}
	wg.Wait()
	if done < 3 || busy == 0 {
		t.Fatalf("%d done, %d refused", done, busy)
	}
}

// TestCacheSmallerThanItsRequests makes requests wait for cells of the cache, and prompts that begin alike share them.
func TestCacheSmallerThanItsRequests(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Context: 128, Cache: 128})
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			r := ask(fmt.Sprintf("Once upon a time, there was a little girl who had %d dogs", i%5), 60+i)
			got, err := e.Generate(t.Context(), r, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			score, err := e.Score(t.Context(), r, got.Tokens)
			if err != nil || greatest(score) > 0.05 {
				t.Error(greatest(score), err)
			}
		})
	}
	wg.Wait()
}

func TestRequestsThatCanNotBe(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	long := ask(strings.Repeat("once upon a time ", 100), 5)
	for name, c := range map[string]struct {
		r    model.Request
		want error
	}{
		"no messages": {model.Request{MaxTokens: 1}, model.ErrRequest}, "nothing": {ask("", 1), model.ErrRequest}, "no tokens": {ask("x", 0), model.ErrRequest},
		"role": {model.Request{Messages: []model.Message{{Role: "tool", Content: "x"}}, MaxTokens: 1}, model.ErrRequest}, "zero byte": {ask("a\x00b", 1), model.ErrRequest},
		"not UTF-8": {ask("a\xffb", 1), model.ErrRequest}, "long": {long, model.ErrTooLong}, "huge": {ask(strings.Repeat("x", 5<<20), 1), model.ErrTooLong},
	} {
		if _, err := e.Generate(t.Context(), c.r, quiet); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	r := ask("x", 1)
	r.Top = 21
	if _, err := e.Generate(t.Context(), r, quiet); !errors.Is(err, model.ErrRequest) {
		t.Error(err)
	}
	for _, c := range []struct {
		r      model.Request
		tokens []int32
		want   error
	}{
		{ask("x", 1), nil, model.ErrRequest}, {ask("x", 1), []int32{-1}, model.ErrRequest}, {ask("x", 1), []int32{32000}, model.ErrRequest},
		{ask("x", 1), make([]int32, 255), model.ErrTooLong}, {long, []int32{5}, model.ErrTooLong},
	} {
		if _, err := e.Score(t.Context(), c.r, c.tokens); !errors.Is(err, c.want) {
			t.Errorf("%d tokens: %v, want %v", len(c.tokens), err, c.want)
		}
	}
	if _, err := e.Embed(t.Context(), nil); !errors.Is(err, model.ErrRequest) {
		t.Error(err)
	}
	// The whole context can be used, to the last token.
	if got, err := e.Generate(t.Context(), ask("Once", 100_000), quiet); err != nil || got.PromptTokens+len(got.Tokens) > 256 {
		t.Error(got, err)
	}
	n, _ := e.CountPrompt(t.Context(), ask("x", 1))
	if s, err := e.Score(t.Context(), ask("x", 1), make([]int32, 256-n)); err != nil || len(s.Tokens) != 256-n {
		t.Error(err)
	}
}

func TestBytesOfACharacterSpellIt(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	token := func(b byte) int32 { return int32(b) + 3 } // byte tokens of the vocabulary
	for want, bytes := range map[string][]byte{"é": {0xc3, 0xa9}, "\ufffd": {0xc3}, "\ufffdA": {0xc3, 'A'}, "🙂": []byte("🙂")} {
		var tokens []int32
		for _, b := range bytes {
			tokens = append(tokens, token(b))
		}
		if s, err := e.Score(t.Context(), ask("x", 1), tokens); err != nil || s.Text != want {
			t.Errorf("%x is %q, want %q; %v", bytes, s.Text, want, err)
		}
	}
}

func TestCloseEndsEverythingOnce(t *testing.T) {
	path, libraries := modeltest.Files(t, stories)
	e, err := gguf.Open(t.Context(), gguf.Options{Path: path, LibDir: libraries})
	if err != nil {
		t.Fatal(err)
	}
	if i := e.Info(); i.Hash == [32]byte{} || !strings.HasPrefix(i.Name, stories) || !i.Scores || !i.Samples || i.Context != 256 {
		t.Fatalf("%+v", i)
	}
	var wg sync.WaitGroup
	first := make(chan struct{}, 100)
	for range 12 {
		wg.Go(func() {
			_, err := e.Generate(t.Context(), ask("Once upon a time", 250), func(model.Token) error { first <- struct{}{}; <-t.Context().Done(); return nil })
			if err == nil {
				t.Error("an answer from a closed engine")
			}
		})
		wg.Go(func() {
			for {
				if _, err := e.CountPrompt(t.Context(), ask("Once upon a time", 1)); err != nil {
					if !errors.Is(err, model.ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
		break
	}
	<-first
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closing.Wait()
	if _, err := e.Score(t.Context(), ask("x", 1), []int32{1}); !errors.Is(err, model.ErrClosed) {
		t.Fatal(err)
	}
	if _, err := e.Embed(t.Context(), []string{"x"}); !errors.Is(err, model.ErrClosed) {
		t.Fatal(err)
	}
}

func TestLoadFailuresSayWhy(t *testing.T) {
	_, libraries := modeltest.Files(t, stories)
	bad := filepath.Join(t.TempDir(), "bad.gguf")
	if err := os.WriteFile(bad, []byte("GGUF, but not really"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, o := range []gguf.Options{{Path: bad, LibDir: libraries}, {Path: bad + "x", LibDir: libraries}, {Path: bad, LibDir: t.TempDir()}} {
		_, err := gguf.Open(t.Context(), o)
		if !errors.Is(err, gguf.ErrLoad) || len(err.Error()) < 40 {
			t.Error(err)
		}
		t.Log(err)
	}
}

func TestEmbeddingsOfLikeTextsAreNear(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	v, err := e.Embed(t.Context(), []string{"The cat sat on the mat.", "The cat sat on a mat.", "12 + 30 = 42; x := y"})
	if err != nil || len(v) != 3 || len(v[0]) != 288 {
		t.Fatal(len(v), err)
	}
	dot := func(a, b []float32) (s float64) {
		for i := range a {
			s += float64(a[i]) * float64(b[i])
		}
		return s
	}
	if same, near, far := dot(v[0], v[0]), dot(v[0], v[1]), dot(v[0], v[2]); same < 0.999 || near <= far || near < 0.8 {
		t.Fatal(same, near, far)
	}
}

func TestTinyLlamaKnowsParis(t *testing.T) {
	e := modeltest.Open(t, "tinyllama-1.1b-chat", gguf.Options{})
	r := ask("What is the capital of France?", 40)
	r.Sampling.RepeatPenaltyMilli = 1100
	got, err := e.Generate(t.Context(), r, quiet)
	if err != nil || !strings.Contains(got.Text, "Paris") {
		t.Fatalf("%q, %v", got.Text, err)
	}
	score, err := e.Score(t.Context(), r, got.Tokens)
	if err != nil || greatest(score) > 1 || score.Text != got.Text {
		t.Fatalf("margin %v, %q; %v", greatest(score), score.Text, err)
	}
}
