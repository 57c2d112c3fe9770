package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"funai/gateway"
	"funai/inference/api"
)

// TestMain makes the binary, with fakes in place of package node, a command that scripts can run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"funai": func() {
		a := newApp(os.Stdin, os.Stdout, os.Stderr, os.Getenv)
		a.devnet = func(ctx context.Context, o upOptions, emit func(event)) error {
			return fakeNode(ctx, o.Dir, o.HTTP, o.Model, o.Cookie, emit)
		}
		a.node = func(ctx context.Context, o nodeOptions, emit func(event)) error {
			o.Logger.Info("fake node", "key", o.Key, "peers", o.Peers, "ledger", o.LedgerPeers, "mine", o.Mine, "verify", o.Verify, "serve", o.Serve)
			return fakeNode(ctx, o.Dir, o.HTTP, o.Serve, o.Cookie, emit)
		}
		os.Exit(a.run(os.Args[1:]))
	}})
}

// fakeNode downloads nothing, goes through the stages and serves the scripted network.
func fakeNode(ctx context.Context, dir, address, model, cookie string, emit func(event)) error {
	if model == "broken" {
		return errors.New("the model doesn't load")
	}
	for done := int64(0); done <= 1000; done += 10 {
		emit(event{Event: eventDownload, Asset: "tinyllama part1", Done: done * 1e5, Total: 1e8})
	}
	emit(event{Event: eventStage, Stage: "mining the first coins", Height: 1})
	emit(event{Event: eventStage, Stage: "mining the first coins", Height: 12, Detail: "18 FAI"})
	emit(event{Event: eventStage, Stage: "staking", Height: 14, Detail: "5 of 5 seats"})
	if model == "stuck" { // and waits for nothing when it is told to stop
		if err := os.WriteFile(filepath.Join(dir, "started"), nil, 0o600); err != nil {
			return err
		}
		<-ctx.Done()
		time.Sleep(sameSignal) // a second signal before that would be taken for the first
		if err := os.WriteFile(filepath.Join(dir, "stopping"), nil, 0o600); err != nil {
			return err
		}
		time.Sleep(time.Minute) // far longer than a script waits: only the second signal ends it in time
		return nil
	}
	if model == "brief" {
		emit(event{Event: eventReady, HTTP: address, Model: model, Detail: "it ends by itself"})
		return nil
	}
	if address == "" {
		emit(event{Event: eventReady})
		<-ctx.Done()
		return nil
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	token, err := api.Cookie(cookie)
	if err != nil {
		return err
	}
	h, err := newNetwork().handler(token)
	if err != nil {
		return err
	}
	emit(event{Event: eventLog, Detail: "a node joined"})
	emit(event{Event: eventReady, HTTP: ln.Addr().String(), Model: "tiny"})
	return gateway.Serve(ctx, ln, h, nil)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			for name, value := range map[string]string{
				"FUNAI_DIR": "funai", "FUNAI_CACHE": "cache", "HOME": "home", "XDG_CACHE_HOME": "home",
			} {
				e.Setenv(name, filepath.Join(e.WorkDir, value))
			}
			e.Setenv("FUNAI_URL", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"network": startNetwork,
			"hub":     startHub,
			"await":   await,
			"capture": capture,
		},
	})
}

// startNetwork runs the scripted network in this process, as `funai up` would have left it: network [stop].
func startNetwork(ts *testscript.TestScript, _ bool, _ []string) {
	dir := filepath.Join(ts.Getenv("FUNAI_DIR"), "dev")
	ts.Check(os.MkdirAll(dir, 0o700))
	token, err := api.Cookie(filepath.Join(dir, cookieFile))
	ts.Check(err)
	h, err := newNetwork().handler(token)
	ts.Check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- gateway.Serve(ctx, ln, h, nil) }()
	ts.Defer(func() {
		stop()
		ts.Check(<-served)
	})
	url := "http://" + ln.Addr().String()
	ts.Setenv("URL", url)
	ts.Setenv("ADDRESS", ln.Addr().String())
	ts.Check(os.WriteFile(filepath.Join(dir, endpointFile), []byte(url+"\n"), 0o600))
}

// await waits until a file is there: await FILE.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if b, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && (len(args) == 1 || regexp.MustCompile(args[1]).Match(b)) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s does not come", args[0])
		}
	}
}

// capture sets a variable to the first submatch in the last standard output: capture NAME PATTERN.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], m[1])
}
