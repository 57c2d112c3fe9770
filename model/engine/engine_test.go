package engine_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"funai/model"
	"funai/model/catalogue"
	"funai/model/engine"
)

func TestOpenByName(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the weights of stories15m")
	}
	e, err := engine.Open(t.Context(), "stories15m", engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	m, _ := catalogue.Lookup("stories15m")
	if i := e.Info(); i.Name != m.Name || i.Hash != m.Hash || i.Context != m.Context {
		t.Fatalf("%+v", i)
	}
	f, err := catalogue.New(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path, ok := f.Cached(t.Context(), "stories15m")
	if !ok {
		t.Fatal("opened but not cached")
	}
	second, err := engine.Open(t.Context(), path, engine.Options{Name: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if i := second.Info(); i.Name != "mine" || i.Hash != m.Hash {
		t.Fatalf("%+v", i)
	}
	r := model.Request{Messages: []model.Message{{Role: "user", Content: "The dog"}}, MaxTokens: 20}
	got, err := e.Generate(t.Context(), r, func(model.Token) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if s, err := second.Score(t.Context(), r, got.Tokens); err != nil || s.Text != got.Text || s.Tokens[0].Rank != 0 {
		t.Fatal(s, err)
	}
}

func TestOpenServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}`)
	}))
	defer s.Close()
	e, err := engine.Open(t.Context(), "openai:"+s.URL+"/v1#some/model", engine.Options{Context: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if i := e.Info(); i.Name != "some/model" || i.Context != 100 || i.Scores {
		t.Fatalf("%+v", i)
	}
}

func TestOpenNothing(t *testing.T) {
	f, err := catalogue.New(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	specs := []string{"openai:", "openai:http://x", "openai:#m"}
	if !testing.Short() {
		specs = append(specs, "", "no-such-model", "/no/such/file.gguf")
	}
	for _, spec := range specs {
		if _, err := engine.Open(t.Context(), spec, engine.Options{Fetcher: f}); !errors.Is(err, engine.ErrSpec) {
			t.Errorf("%q: %v", spec, err)
		}
	}
}
