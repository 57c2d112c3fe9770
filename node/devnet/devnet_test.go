package devnet

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"funai/model"
	"funai/model/catalogue"
	"funai/model/gguf"
	"funai/node"
)

// stories opens the small model, fetching it first if need be.
func stories(t *testing.T) (uint32, model.Engine) {
	t.Helper()
	f, err := catalogue.New(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	quiet := func(string, int64, int64) {}
	path, err := f.Ensure(t.Context(), "stories15m", quiet)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := f.EngineLibraries(t.Context(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	e, err := gguf.Open(t.Context(), gguf.Options{Path: path, LibDir: lib, Name: "stories15m"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	m, ok := node.Dev().Model("stories15m")
	if !ok {
		t.Fatal("stories15m is not of the dev network")
	}
	return m.Type, e
}

// options are a network's with three inference nodes, in a folder of the test's own.
func options(t *testing.T, kind uint32, engine model.Engine) Options {
	level := slog.LevelError
	if os.Getenv("FUNAI_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	began := time.Now()
	dir := t.TempDir()
	return Options{Dir: filepath.Join(dir, "net"), Key: filepath.Join(dir, "key"), Cookie: filepath.Join(dir, "cookie"), HTTP: "127.0.0.1:0", Engines: map[uint32]model.Engine{kind: engine}, Inference: 3,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		Stage:  func(s string, h int32) { t.Logf("%6.2fs ledger %d: %s", time.Since(began).Seconds(), h, s) }}
}
