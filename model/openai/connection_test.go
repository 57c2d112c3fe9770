package openai

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// drops is a body that has a byte every four minutes, and after some of them nothing more.
type drops struct {
	ctx  context.Context
	left int
}

func (d *drops) Read(p []byte) (int, error) {
	wait := time.After(4 * time.Minute)
	if d.left--; d.left < 0 {
		wait = nil
	}
	select {
	case <-wait:
		return copy(p, "."), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func (d *drops) Close() error { return nil }

func TestSilenceEndsARequest(t *testing.T) {
	for name, answer := range map[string]struct {
		next func(*http.Request) (*http.Response, error)
		want time.Duration
	}{
		"before the answer": {func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, 5 * time.Minute},
		"in the middle of it": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{Body: &drops{r.Context(), 3}}, nil
		}, 17 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := silence(5*time.Minute)(r, answer.next)
				if err == nil {
					_, err = io.ReadAll(res.Body)
					defer res.Body.Close()
				}
				if took := time.Since(begun); !errors.Is(err, ErrServer) || took != answer.want {
					t.Errorf("%v after %v, want it after %v", err, took, answer.want)
				}
			})
		})
	}
}

func TestWhoLeavesIsntSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := silence(time.Minute)(r, func(r *http.Request) (*http.Response, error) {
			return &http.Response{Body: &drops{r.Context(), 0}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		cancel()
		if _, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestASlowReaderIsntSilence has a reader who does something else for an hour after each byte.
func TestASlowReaderIsntSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := silence(5*time.Minute)(r, func(r *http.Request) (*http.Response, error) {
			return &http.Response{Body: &drops{r.Context(), 3}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		for range 3 {
			time.Sleep(time.Hour)
			if n, err := res.Body.Read(make([]byte, 1)); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
	})
}
