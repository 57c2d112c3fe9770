package judge

import (
	"flag"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
)

var calibrateLibs = flag.String("calibrate.libs", "", "`folder` of llama.cpp's libraries, such as those for another processor only")

// engine opens a model of the catalogue, which is fetched the first time.
func engine(t testing.TB, name string) model.Engine {
	t.Helper()
	if *calibrateLibs == "" {
		return modeltest.Open(t, name, gguf.Options{})
	}
	path, _ := modeltest.Files(t, name)
	e, err := gguf.Open(t.Context(), gguf.Options{Path: path, LibDir: *calibrateLibs, Name: name})
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

// other opens the model whose answers are passed off as those of the named one: stories15m and TinyLlama have the same
// vocabulary. It returns nil if the named one is stories15m.
func other(t testing.TB, name string) model.Engine {
	t.Helper()
	if name == "stories15m" {
		return nil
	}
	return engine(t, "stories15m")
}
