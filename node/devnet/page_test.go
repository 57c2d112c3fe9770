package devnet

import (
	"context"
	"runtime"
	"testing"
	"time"

	"funai/model"
	"funai/web/webtest"
)

// gated is an engine that holds the first tokens of an answer back until each is let through, so that a page is seen to
// show one token after the other however fast or slow the machine is.
type gated struct {
	model.Engine
	tokens chan struct{}
}

// held is how many tokens of each answer are held back: testdata/page.mjs lets as many through.
const held = 8

// Generate implements model.Engine.
func (g gated) Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error) {
	n := 0
	return g.Engine.Generate(ctx, r, func(t model.Token) error {
		if n < held && t.Text != "" {
			n++
			select {
			case <-g.tokens:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return emit(t)
	})
}

// TestPageFollowsAQuestionToItsVerdict looks at the page of a running network in Chromium, at a phone's width and at a
// desk's, through a question, its stream and its verdict, and then through a restart of the whole network.
func TestPageFollowsAQuestionToItsVerdict(t *testing.T) {
	kind, engine := stories(t)
	tokens := make(chan struct{})
	o := options(t, kind, gated{engine, tokens})
	if runtime.GOOS == "linux" {
		o.HTTP = "127.0.0.2:0" // where the stopped network's port is given to nobody else
	}
	var n *Net
	begin := func() {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var err error
		if n, err = Start(ctx, o); err != nil {
			t.Fatal(err)
		}
		o.HTTP = n.Addr()
	}
	end := func() {
		if n == nil {
			return
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		n = nil
	}
	begin()
	t.Cleanup(end)
	webtest.Drive(t, "testdata/page.mjs", "http://"+n.Addr(), map[string]func(){
		"stop": end, "start": begin,
		"token": func() {
			select {
			case tokens <- struct{}{}:
			case <-time.After(time.Minute):
				t.Fatal("no token to let through")
			}
		},
	})
}
