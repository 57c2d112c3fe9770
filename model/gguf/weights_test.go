package gguf_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/gguf/header"
	"funai/model/modeltest"
)

func TestCorruptWeightsAreNamed(t *testing.T) {
	path, libraries := modeltest.Files(t, "stories15m-q4_0")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := header.Open(path)
	if err != nil || h.Architecture() != "llama" || h.Number("context_length") != 256 || h.Types["Q4_0"] == 0 {
		t.Fatalf("%+v, %v", h, err)
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"cut in the tensors": func(b []byte) []byte { return b[:len(b)-1000] },
		"cut in the header":  func(b []byte) []byte { return b[:5000] },
		"header overwritten": func(b []byte) []byte { copy(b[40:], "garbage garbage garbage"); return b },
		"empty":              func([]byte) []byte { return nil },
	} {
		bad := filepath.Join(t.TempDir(), "bad.gguf")
		if err := os.WriteFile(bad, spoil(append([]byte(nil), whole...)), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := gguf.Open(t.Context(), gguf.Options{Path: bad, LibDir: libraries})
		if !errors.Is(err, gguf.ErrLoad) || !errors.Is(err, header.ErrFormat) && !errors.Is(err, header.ErrCut) || errors.Is(err, model.ErrMemory) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
