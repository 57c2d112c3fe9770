//go:build unix

package upstream

import (
	"strings"
	"testing"

	"funai/gateway"
	"funai/internal/llamaserver"
	"funai/model/modeltest"
)

// TestARealServerIsOfferedForWhatItShows: llama.cpp's own, where there is one, as FUNAI_LLAMA_SERVER or PATH name it.
func TestARealServerIsOfferedForWhatItShows(t *testing.T) {
	path, _ := modeltest.Files(t, "stories15m")
	const plain = `{% for m in messages %}{{ m.content }}{% endfor %}` // the model has none
	l := llamaserver.Start(t, "-m", path, "-np", "1", "-c", "256", "-t", "1", "--jinja", "--chat-template", plain)
	s := server(t, l.URL, 0)
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Not tools: there is no room for them in 256 tokens. Not embeddings: it wasn't started for them.
	if got, want := can(t, s), all&^(gateway.CanTools|gateway.CanEmbed|gateway.CanDimensions); got != want {
		t.Errorf("%s, not %s", got.Names(), want.Names())
	}
	list, err := s.Offers(t.Context())
	if err != nil || list[0].Model.Context != 256 {
		t.Errorf("%+v, %v", list, err)
	}
	greedy := uint32(0)
	var said strings.Builder
	a, err := s.Ask(t.Context(), "a", gateway.Request{Model: "m", MaxTokens: 8, TemperatureMilli: &greedy, Messages: []gateway.Message{{Role: "user", Content: "Once upon a time"}}},
		func(gateway.Start) {}, func(d gateway.Delta) error { said.WriteString(d.Text); return nil })
	if err != nil || said.Len() == 0 || a.CompletionTokens != 8 || a.PromptTokens == 0 {
		t.Errorf("%q, %+v, %v", said.String(), a, err)
	}
}
