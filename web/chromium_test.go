package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"funai/gateway"
	"funai/inference/api"
	"funai/web/internal/demo"
	"funai/web/webtest"
)

// TestPageShowsWhatGoesWrong follows the page as a person would through what an honest network hardly shows: an answer
// falsely given, one that fails, one that can't be paid for, a model that is gone, and a connection that breaks.
// What a running network shows is in node/devnet.
func TestPageShowsWhatGoesWrong(t *testing.T) {
	var a *api.API
	n := demo.New(1, 100*time.Millisecond, time.Now(), func(e api.Event) { a.Publish(e) })
	a = api.New(api.Config{Source: n})
	h, err := gateway.New(gateway.Config{Backend: n, API: a, Web: Handler(n, nil)})
	if err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			panic(http.ErrAbortHandler) // as if nobody were there
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	ctx, stop := context.WithCancel(t.Context())
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		n.Run(ctx)
	}()
	t.Cleanup(func() { // before the server, which waits for the event streams
		stop()
		<-moved
		a.Close()
	})
	webtest.Drive(t, "testdata/make-believe.mjs", srv.URL, map[string]func(){
		"withdraw": func() { n.Withdrawn.Store(true) },
		"offer":    func() { n.Withdrawn.Store(false) },
		"cut":      func() { broken.Store(true); srv.CloseClientConnections() },
		"mend":     func() { broken.Store(false) },
	})
}
