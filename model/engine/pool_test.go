package engine_test

import (
	"errors"
	"testing"

	"funai/model"
	"funai/model/engine"
)

func TestPoolOpensByWord(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the weights of stories15m")
	}
	p, err := engine.NewPool(40<<20, engine.Options{}) // room for one of these
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, name := range []string{"stories15m-q8_0", "stories15m-q4_0", "stories15m-q8_0"} {
		e, back, err := p.Acquire(t.Context(), name)
		if err != nil || e.Info().Name != name {
			t.Fatal(name, err)
		}
		back()
	}
	if l := p.Loaded(); len(l) != 1 || l[0].Name != "stories15m-q8_0" || l[0].Users != 0 {
		t.Fatalf("%+v", l)
	}
	if _, _, err := p.Acquire(t.Context(), "stories15m"); !errors.Is(err, model.ErrMemory) {
		t.Fatal(err)
	}
	if _, _, err := p.Acquire(t.Context(), "no-such-model"); err == nil {
		t.Fatal("no such model was opened")
	}
}
