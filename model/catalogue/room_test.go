package catalogue

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestHashesComeFromTheListOfFilesWhereHeadersLackThem(t *testing.T) {
	w := newWorld(t)
	w.lists = true
	w.files["/o/r/resolve/main/sub/model.gguf"] = w.bytes
	f := w.fetcher(t.TempDir())
	for _, name := range []string{"hf:o/r:model.gguf", "hf:o/r:sub/model.gguf"} {
		path, err := f.Ensure(t.Context(), name, nil)
		w.want(path, err)
	}
	w.files["/o/r/resolve/main/small.bin"] = []byte("GGUF")
	if _, err := f.Ensure(t.Context(), "hf:o/r:small.bin", nil); !errors.Is(err, ErrChecksum) {
		t.Fatal(err)
	}
	stored, err := f.Stored()
	if err != nil || len(stored) != 2 || stored[0].Name != "hf:o/r:model.gguf" || stored[0].Size != int64(len(w.bytes)) {
		t.Fatalf("%+v, %v", stored, err)
	}
	if n, err := f.Remove(t.Context(), "hf:o/r:model.gguf"); n < int64(len(w.bytes)) || err != nil {
		t.Fatal(n, err)
	}
	if stored, err := f.Stored(); err != nil || len(stored) != 1 {
		t.Fatalf("%+v, %v", stored, err)
	}
}

func TestGatedModelsWantAToken(t *testing.T) {
	w := newWorld(t)
	w.token = "secret"
	f := w.fetcher(t.TempDir())
	if _, err := f.Ensure(t.Context(), "hf:o/r:model.gguf", nil); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "HF_TOKEN") {
		t.Fatal(err)
	}
	f.token = "secret"
	path, err := f.Ensure(t.Context(), "hf:o/r:model.gguf", nil)
	w.want(path, err)
}

func TestCacheKeepsToItsLimit(t *testing.T) {
	w := newWorld(t)
	f := w.fetcher(t.TempDir())
	f.limit = 500_000
	path, err := f.Ensure(t.Context(), "hf:o/r:model.gguf", nil)
	w.want(path, err)
	w.files["/o/r/resolve/main/other.gguf"] = w.bytes
	if _, err := f.Ensure(t.Context(), "hf:o/r:other.gguf", nil); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "500000") {
		t.Fatal(err)
	}
	if got := w.requests("/o/r/resolve/main/other.gguf"); len(got) > 0 {
		t.Fatal("it was fetched all the same")
	}
	if _, err := f.Remove(t.Context(), "hf:o/r:model.gguf"); err != nil {
		t.Fatal(err)
	}
	path, err = f.Ensure(t.Context(), "hf:o/r:other.gguf", nil)
	w.want(path, err)
}

// TestDiskThatFillsMeanwhileIsNamed writes to a device that is always full.
func TestDiskThatFillsMeanwhileIsNamed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	w := newWorld(t)
	f := w.fetcher(t.TempDir())
	ref, _ := hubRef("hf:o/r:model.gguf")
	path, _ := f.hubPath(ref)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink("/dev/full", path+".partial")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Ensure(t.Context(), "hf:o/r:model.gguf", nil); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	if got := w.requests("/o/r/resolve/main/model.gguf"); len(got) != 1 {
		t.Fatalf("asked %d times for what there is no room for", len(got))
	}
	if err := os.Remove(path + ".partial"); err != nil { // room was made
		t.Fatal(err)
	}
	got, err := f.Ensure(t.Context(), "hf:o/r:model.gguf", nil)
	w.want(got, err)
}

func TestQuantisedModelsAreMadeHere(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the weights of stories15m")
	}
	f, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stories15m-q8_0", "stories15m-q4_0"} {
		path, err := f.Ensure(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		d, err := f.Show(t.Context(), name)
		if err != nil || d.Path != path || d.Hash != d.Model.Hash || d.Header.Types[strings.ToUpper(strings.TrimPrefix(name, "stories15m-"))] == 0 {
			t.Fatalf("%+v, %v", d, err)
		}
	}
}
