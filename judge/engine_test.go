package judge

import (
	"context"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

// engine opens a model of the catalogue, which is fetched the first time.
func engine(t testing.TB, name string) *gguf.Engine {
	t.Helper()
	return modeltest.Open(t, name, gguf.Options{}).(*gguf.Engine)
}

// serve answers a request as an honest server does.
func serve(ctx context.Context, e model.Engine, r model.Request) (Claim, error) {
	res, err := e.Generate(ctx, r, func(model.Token) error { return nil })
	return Claim{Request: r, Text: res.Text, Tokens: res.Tokens, PromptTokens: res.PromptTokens}, err
}
