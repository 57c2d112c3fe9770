package gguf_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

func stream(t *testing.T, e model.Engine, r model.Request) (model.Result, []model.Token) {
	t.Helper()
	var all []model.Token
	got, err := e.Generate(t.Context(), r, func(k model.Token) error { all = append(all, k); return nil })
	if err != nil {
		t.Fatal(err)
	}
	joined := ""
	for _, k := range all {
		joined += k.Text
	}
	if joined != got.Text || len(all) != len(got.Tokens) {
		t.Fatalf("streamed %q in %d tokens, result %q in %d", joined, len(all), got.Text, len(got.Tokens))
	}
	return got, all
}

func TestControlsShapeTheAnswer(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	r := ask("Once upon a time, there was a dragon", 40)
	greedy, _ := stream(t, e, r)
	text := func(c model.Controls) string {
		r.Controls = &c
		got, _ := stream(t, e, r)
		return got.Text
	}
	if got := text(model.Controls{}); got != greedy.Text {
		t.Errorf("no controls: %q, greedy %q", got, greedy.Text)
	}
	if got := text(model.Controls{Temperature: 1, TopK: 1}); got != greedy.Text {
		t.Errorf("top-k 1: %q, greedy %q", got, greedy.Text)
	}
	if got := text(model.Controls{Temperature: 1, TopP: 1e-9}); got != greedy.Text {
		t.Errorf("top-p 0: %q, greedy %q", got, greedy.Text)
	}
	if got := text(model.Controls{Temperature: 1, MinP: 1}); got != greedy.Text {
		t.Errorf("min-p 1: %q, greedy %q", got, greedy.Text)
	}
	warm := model.Controls{Temperature: 1.2, TopK: 50, TopP: 0.95, MinP: 0.02, Seed: 7}
	first := text(warm)
	if text(warm) != first {
		t.Error("one seed, two answers")
	}
	warm.Seed++
	if text(warm) == first || first == greedy.Text {
		t.Error("chance doesn't show")
	}
	banned := map[int32]float64{}
	for _, id := range greedy.Tokens {
		banned[id] = -100
	}
	r.Controls = &model.Controls{LogitBias: banned}
	got, _ := stream(t, e, r)
	for _, id := range got.Tokens {
		if banned[id] != 0 {
			t.Errorf("banned token %d came", id)
		}
	}
	for name, c := range map[string]model.Controls{"temperature": {Temperature: 9}, "top-p": {TopP: 1.1}, "penalty": {PresencePenalty: 3}, "window": {PenaltyWindow: 1e6}, "bias": {LogitBias: map[int32]float64{1: 101}}} {
		r.Controls = &c
		if _, err := e.Generate(t.Context(), r, quiet); !errors.Is(err, model.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.Controls = &model.Controls{}
	if _, err := e.Score(t.Context(), r, []int32{5}); !errors.Is(err, model.ErrUnsupported) {
		t.Error(err)
	}
}

func TestPenaltiesKeepFromRepeating(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	r := ask("the the the the the the the the", 60)
	distinct := func(c *model.Controls) int {
		r.Controls = c
		got, _ := stream(t, e, r)
		slices.Sort(got.Tokens)
		return len(slices.Compact(got.Tokens)) * 100 / len(got.Tokens)
	}
	plain := distinct(nil)
	for name, c := range map[string]model.Controls{"repeat": {RepeatPenalty: 1.5}, "frequency": {FrequencyPenalty: 2}, "presence": {PresencePenalty: 2}} {
		if got := distinct(&c); got <= plain {
			t.Errorf("%s: %d%% distinct tokens, without %d%%", name, got, plain)
		}
	}
}

func TestStopStringsEndAnAnswerAndStayOut(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	r := ask("Once upon a time, there was a dragon", 120)
	whole, _ := stream(t, e, r)
	for _, stop := range []string{". ", " w", "ed", "\n"} { // inside tokens, across them
		at := strings.Index(whole.Text, stop)
		r.Stop = []string{"never said", stop}
		got, _ := stream(t, e, r)
		switch {
		case at < 0 && got.Text != whole.Text:
			t.Errorf("%q: %q", stop, got.Text)
		case at >= 0 && (got.Text != whole.Text[:at] || got.Finish != model.FinishStop || len(got.Tokens) >= len(whole.Tokens)):
			t.Errorf("%q: %q of %q, %s", stop, got.Text, whole.Text, got.Finish)
		}
	}
	for _, stops := range [][]string{{""}, {strings.Repeat("x", 300)}, make([]string, 17)} {
		r.Stop = stops
		if _, err := e.Generate(t.Context(), r, quiet); !errors.Is(err, model.ErrRequest) {
			t.Error(err)
		}
	}
}

func TestSchemasAreKept(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	var wg sync.WaitGroup
	for i, schema := range []string{
		`{"type":"object","properties":{"name":{"type":"string","maxLength":12},"age":{"type":"integer","minimum":1,"maximum":9},"pets":{"type":"array","items":{"enum":["cat","dog"]},"maxItems":2}},"required":["name","age"]}`,
		`{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":3}`,
		`{"anyOf":[{"const":"yes \"indeed\""},{"type":"null"}]}`,
		`{"$ref":"#/$defs/day","$defs":{"day":{"type":"string","format":"date"}}}`,
		`{"type":"object","properties":{"é ü":{"type":"string","maxLength":5}},"required":["é ü"]}`,
	} {
		for k, temperature := range []float64{0, 1.5} {
			wg.Go(func() {
				r := ask("Once upon a time", 160)
				r.Schema, r.Controls = json.RawMessage(schema), &model.Controls{Temperature: temperature, Seed: uint64(k)}
				got, err := e.Generate(t.Context(), r, quiet)
				var x any
				if err != nil || got.Finish != model.FinishStop || json.Unmarshal([]byte(got.Text), &x) != nil {
					t.Errorf("schema %d: %q, %s, %v", i, got.Text, got.Finish, err)
				}
				if o, ok := x.(map[string]any); ok && i == 0 && (o["name"] == nil || o["age"].(float64) < 1 || o["age"].(float64) > 9) {
					t.Errorf("%q", got.Text)
				}
			})
		}
	}
	wg.Wait()
}

func TestGrammarsAreKeptOrRefused(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	r := ask("Once upon a time", 40)
	r.Grammar = `root ::= "The " ("red" | "blue") " " [a-z]{3,5} "."`
	for seed := range uint64(3) {
		r.Controls = &model.Controls{Temperature: 1, Seed: seed}
		if got, _ := stream(t, e, r); got.Finish != model.FinishStop || !strings.HasPrefix(got.Text, "The ") || !strings.HasSuffix(got.Text, ".") {
			t.Errorf("%q, %s", got.Text, got.Finish)
		}
	}
	for name, g := range map[string]string{"no root": `x ::= "a"`, "unread": `root ::= "a`, "unknown rule": `root ::= x`, "left recursion": `root ::= root "a" | "b"`,
		"deep": "root ::= " + strings.Repeat("(", 5000) + `"a"` + strings.Repeat(")", 5000), "repeats": `root ::= ((("a"?){900}){900}){900}`, "large": "root ::= " + strings.Repeat(" ", 1<<17)} {
		r.Grammar = g
		if _, err := e.Generate(t.Context(), r, quiet); !errors.Is(err, model.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.Grammar, r.Schema = `root ::= "a"`, json.RawMessage(`{}`)
	if _, err := e.Generate(t.Context(), r, quiet); !errors.Is(err, model.ErrRequest) {
		t.Error(err)
	}
}

func TestToolsThatMustBeCalledAre(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{})
	r := ask("Once upon a time", 120)
	r.Tools = []model.Tool{
		{Name: "paint", Description: "paints", Parameters: json.RawMessage(`{"type":"object","properties":{"colour":{"enum":["red","blue"]}},"required":["colour"]}`)},
		{Name: "wait"},
	}
	for _, choice := range []string{model.ToolRequired, "wait", "paint"} {
		r.ToolChoice = choice
		got, _ := stream(t, e, r)
		if got.Finish != model.FinishTools || len(got.ToolCalls) != 1 || got.Text != "" || choice != model.ToolRequired && got.ToolCalls[0].Name != choice || !json.Valid([]byte(got.ToolCalls[0].Arguments)) {
			t.Errorf("%s: %+v", choice, got)
		}
	}
	r.ToolChoice = ""
	if got, _ := stream(t, e, r); got.ToolCalls != nil || got.Text == "" {
		t.Errorf("%+v", got)
	}
	for _, bad := range []model.Request{{Tools: r.Tools, ToolChoice: "fly"}, {ToolChoice: model.ToolRequired}, {Tools: []model.Tool{{Name: "a b"}}}, {Tools: []model.Tool{{Name: "a", Parameters: json.RawMessage("[]")}}}} {
		bad.Messages, bad.MaxTokens = r.Messages, 3
		if _, err := e.Generate(t.Context(), bad, quiet); !errors.Is(err, model.ErrRequest) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	// What was called and what it returned can be said, too.
	r.Tools, r.Messages = nil, append(r.Messages, model.Message{Role: "assistant", ToolCalls: []model.ToolCall{{ID: "1", Name: "wait", Arguments: "{}"}}}, model.Message{Role: "tool", ToolCallID: "1", Content: "waited"})
	if got, _ := stream(t, e, r); got.PromptTokens < 20 {
		t.Errorf("%+v", got)
	}
}

// TestPrefixesAreSharedAmongRunningRequests copies a long beginning from a request that still runs, and finds the same logits.
func TestPrefixesAreSharedAmongRunningRequests(t *testing.T) {
	e := modeltest.Open(t, stories, gguf.Options{Cache: 1024})
	story := "Once upon a time, there was a little girl named Lily. She loved to play with her toys in the park with her friends. One day"
	alone := map[string]model.Result{}
	ends := []string{", she", " it rained", " a dog came", ", Tom"}
	for _, end := range ends {
		fresh := modeltest.Open(t, stories, gguf.Options{})
		got, err := fresh.Generate(t.Context(), ask(story+end, 12), quiet)
		if err != nil || got.CachedTokens != 0 {
			t.Fatal(got, err)
		}
		alone[end] = got
	}
	hold, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(held) })
		if _, err := e.Generate(t.Context(), ask(story, 100), func(model.Token) error { once(); <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	for _, end := range ends {
		r := ask(story+end, 12)
		got, err := e.Generate(t.Context(), r, quiet)
		if err != nil || got.CachedTokens < 20 {
			t.Errorf("%q: %d of %d tokens were cached; %v", end, got.CachedTokens, got.PromptTokens, err)
		}
		score, err := e.Score(t.Context(), r, alone[end].Tokens)
		if err != nil || greatest(score) > 0.05 {
			t.Errorf("%q: a fresh engine's answer has margin %v; %v", end, greatest(score), err)
		}
	}
	close(hold)
	wg.Wait()
}

func TestModelsThatDoNotFitAreNamed(t *testing.T) {
	path, libraries := modeltest.Files(t, stories)
	for _, most := range []int64{1 << 20, 31_200_000} { // less than the weights, less than weights and cache
		_, err := gguf.Open(t.Context(), gguf.Options{Path: path, LibDir: libraries, Memory: most})
		if !errors.Is(err, model.ErrMemory) || !strings.Contains(err.Error(), fmt.Sprint(most)) {
			t.Error(err)
		}
	}
}

func TestQuantisedModelsRun(t *testing.T) {
	for _, name := range []string{"stories15m-q8_0", "stories15m-q4_0"} {
		e := modeltest.Open(t, name, gguf.Options{})
		if got, err := e.Generate(t.Context(), ask("Once upon a time, there was a dragon", 10), quiet); err != nil || got.Text == "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
