// Package modeltest serves tests: real engines on small models, fetched into the user's cache the first time, and a toy engine
// in plain Go for tests of whole networks. It imports model and its subfolders.
package modeltest

import (
	"testing"

	"funai/model"
	"funai/model/catalogue"
	"funai/model/gguf"
)

// Files returns the path of a catalogue model and the folder of engine libraries, fetching both if need be. If that fails the
// test fails, for a test that doesn't run says nothing; go test -short skips it.
func Files(t testing.TB, name string) (path, libraries string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the weights of " + name)
	}
	f, err := catalogue.New(catalogue.Options{})
	if err == nil {
		libraries, err = f.EngineLibraries(t.Context(), nil)
	}
	if err == nil {
		path, err = f.Ensure(t.Context(), name, nil)
	}
	if err != nil {
		t.Fatalf("this test needs the weights of %s and the libraries that run it, and they can't be fetched (go test -short leaves it out): %v", name, err)
	}
	return path, libraries
}

// Open loads a catalogue model, to be closed at the test's end. The zero Options are fine; path, libraries and name are set.
func Open(t testing.TB, name string, o gguf.Options) model.Engine {
	t.Helper()
	o.Path, o.LibDir = Files(t, name)
	o.Name = name
	if m, err := catalogue.Lookup(name); err == nil {
		o.Hash = m.Hash
	}
	e, err := gguf.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
