package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"funai/model"
)

// scripted is a Backend that answers as a test says.
type scripted struct {
	models []Model
	ask    func(ctx context.Context, r Request, started func(Start), emit func(Delta) error) (Answer, error)
}

var _ Backend = scripted{}

func (s scripted) Models(context.Context) ([]Model, error) { return s.models, nil }

func (s scripted) Ask(ctx context.Context, r Request, started func(Start), emit func(Delta) error) (Answer, error) {
	return s.ask(ctx, r, started, emit)
}

const receipt = "aa11"

// says streams the words and ends as servers do.
func says(words ...string) scripted {
	return scripted{
		models: []Model{{ID: "tiny", Context: 2048, PriceIn: 1, PriceOut: 2, Servers: 3}, {ID: "org/big"}},
		ask: func(ctx context.Context, r Request, started func(Start), emit func(Delta) error) (Answer, error) {
			started(Start{Receipt: receipt, Server: "ST1SERVER", Escrow: 100})
			a := Answer{Receipt: receipt, Server: "ST1SERVER", Finish: model.FinishStop, PromptTokens: 7, Fee: 21}
			for i, w := range words {
				d := Delta{Text: w}
				if r.Logprobs {
					top := make([]model.Logprob, r.Top)
					for j := range top {
						top[j] = model.Logprob{ID: int32(j), Text: w, Logprob: -float64(j)}
					}
					d.Tokens = []model.Token{{Logprob: model.Logprob{ID: int32(i), Text: w, Logprob: -0.5}, Top: top}}
				}
				a.CompletionTokens++
				if err := emit(d); err == ErrStop {
					break
				} else if err != nil {
					return Answer{}, err
				}
			}
			return a, nil
		},
	}
}

// fails streams the words and then fails.
func fails(err error, words ...string) scripted {
	s := says(words...)
	inner := s.ask
	s.ask = func(ctx context.Context, r Request, started func(Start), emit func(Delta) error) (Answer, error) {
		if len(words) > 0 {
			if _, err := inner(ctx, r, started, emit); err != nil {
				return Answer{}, err
			}
		}
		return Answer{}, err
	}
	return s
}

func serve(t testing.TB, c Config) *httptest.Server {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

const question = `{"model":"tiny","messages":[{"role":"user","content":"hi"}]}`

func post(t testing.TB, srv *httptest.Server, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}
