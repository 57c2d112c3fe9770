package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/gatewaytest"
	"funai/gateway/upstream"
	"funai/model/encoder"
)

// TestANodeAnswersWithItsOwnModelsAndServers: a real node, alone, serves a chat and embeddings from its own process, and asks a
// server of its owner's that comes up as it runs.
func TestANodeAnswersWithItsOwnModelsAndServers(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the weights of stories15m and of the encoder")
	}
	engine := httptest.NewServer(&gatewaytest.Engine{})
	defer engine.Close()
	dir := t.TempDir()
	o := nodeOptions{Dir: dir, Network: "dev", HTTP: "127.0.0.1:0", Key: filepath.Join(dir, "key"), Cookie: filepath.Join(dir, "cookie"), Logger: slog.New(slog.DiscardHandler),
		Local: []localFile{{Model: "stories15m", PriceOut: 2}, {Model: "stories15m", ID: "again"}, {Model: encoder.Name}}}
	o.Gateway.Upstreams = []upstream.Config{{Name: "vllm", BaseURL: engine.URL + "/v1", Models: []upstream.Served{{ID: "theirs"}}}}
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- runNode(ctx, o, func(e event) {
			if e.Event == eventReady {
				ready <- e.HTTP
			}
		})
	}()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	var at string
	select {
	case at = <-ready:
	case err := <-done:
		done <- err
		t.Fatal("the node ended")
	}
	c := openai.NewClient(option.WithBaseURL("http://"+at+"/v1/"), option.WithAPIKey("any"), option.WithMaxRetries(0))
	ask := func(model string) (*openai.ChatCompletion, error) {
		return c.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{Model: model, MaxTokens: openai.Int(8), Temperature: openai.Float(0),
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Once upon a time")}})
	}
	first, err := ask("stories15m")
	if err != nil || first.Choices[0].Message.Content == "" || !strings.Contains(first.RawJSON(), `"fee":16`) {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := ask("again"); err != nil || again.Choices[0].Message.Content != first.Choices[0].Message.Content {
		t.Errorf("%+v, %v", again, err)
	}
	v, err := c.Embeddings.New(ctx, openai.EmbeddingNewParams{Model: encoder.Name, Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("a dog")}})
	if err != nil || len(v.Data[0].Embedding) != encoder.Dimensions {
		t.Errorf("%+v, %v", v, err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) { // asked until the probe has found it: only an answer tells
		got, err := ask("theirs")
		if err == nil && strings.HasPrefix(got.Choices[0].Message.Content, "word0") {
			break
		}
		var e *openai.Error
		if !errors.As(err, &e) || e.StatusCode != 503 || time.Now().After(end) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
}

func TestGatewayFilesSayWhichModelsToOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.json")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := &app{getenv: func(string) string { return "" }}
	write(`{"local":[{"model":"stories15m","id":"tales","max_tokens":9,"price_in":1,"price_out":2}],"upstreams":[{"name":"a","url":"http://h/v1","models":[{"id":"m"},{"id":"n","can":["chat"]}]}]}`)
	g, models, err := a.readGateway(path)
	if want := (localFile{"stories15m", "tales", 9, amount.Amount(1), amount.Amount(2)}); err != nil || len(models) != 1 || models[0] != want {
		t.Errorf("%+v, %v", models, err)
	}
	if m := g.Upstreams[0].Models; m[0].Can != 0 || m[1].Can != gateway.CanChat {
		t.Errorf("%+v", m)
	}
	write(`{"local":[{"name":"stories15m"}]}`)
	if _, _, err := a.readGateway(path); err == nil {
		t.Error("a setting that there is none of is taken")
	}
	for _, name := range []string{"a", "local"} { // each is to be known by its name
		write(`{"upstreams":[{"name":"a","url":"http://h/v1","models":[{"id":"m"}]},{"name":"` + name + `","url":"http://i/v1","models":[{"id":"m"}]}]}`)
		if _, _, err := a.readGateway(path); err == nil {
			t.Errorf("a second server called %s is taken", name)
		}
	}
	for _, o := range []nodeOptions{{HTTP: "x", Local: []localFile{{}}}, {HTTP: "x", Local: []localFile{{Model: "openai:http://h/v1#m"}}}, {Local: []localFile{{Model: "stories15m"}}}} {
		if o.checkLocal() == nil {
			t.Errorf("%+v is taken", o.Local)
		}
	}
}
