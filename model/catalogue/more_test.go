package catalogue

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHubFilesArePinnedOnceFetched(t *testing.T) {
	w := newWorld(t)
	f := w.fetcher(t.TempDir())
	path, err := f.Ensure(t.Context(), "hf:o/r:model.gguf", nil)
	w.want(path, err)
	w.Server.Config.Handler = nil // the hub is not asked again
	again, err := f.Ensure(t.Context(), "hf:o/r:model.gguf", nil)
	if again != path {
		t.Fatal(again)
	}
	w.want(path, err)
	w.Server.Config.Handler = w
	if err := os.WriteFile(path, []byte("GGUF but spoilt"), 0o644); err != nil {
		t.Fatal(err)
	}
	path, err = f.Ensure(t.Context(), "hf:o/r:model.gguf", nil)
	w.want(path, err)

	w.files["/o/r/resolve/main/page.html"] = []byte("<html>")
	if path, err := f.Ensure(t.Context(), "hf:o/r:page.html", nil); !errors.Is(err, ErrNotGGUF) || path != "" {
		t.Fatal(path, err)
	}
	if _, err := f.Ensure(t.Context(), "hf:o/r:missing.gguf", nil); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
	w.status = 500
	if _, err := f.Ensure(t.Context(), "hf:o/r:other.gguf", nil); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestPathsAreModelsToo(t *testing.T) {
	w := newWorld(t)
	f := w.fetcher(t.TempDir())
	good, bad := filepath.Join(t.TempDir(), "x.gguf"), filepath.Join(t.TempDir(), "y.gguf")
	if err := errors.Join(os.WriteFile(good, w.bytes, 0o644), os.WriteFile(bad, []byte("GG"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Ensure(t.Context(), good, nil); got != good || err != nil {
		t.Fatal(got, err)
	}
	if _, err := f.Ensure(t.Context(), bad, nil); !errors.Is(err, ErrNotGGUF) {
		t.Fatal(err)
	}
	for _, name := range []string{"", "nothing", t.TempDir(), "hf:o/r", "hf:o/r:../x"} {
		if _, err := f.Ensure(t.Context(), name, nil); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRemoveLeavesNothing(t *testing.T) {
	w := newWorld(t)
	f := w.fetcher(t.TempDir())
	m, _ := Lookup("stories15m")
	path := f.modelPath(m)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644), os.WriteFile(recordPath(path), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Cached(t.Context(), "stories15m"); ok {
		t.Fatal("a wrong file counts as cached")
	}
	for range 2 {
		if _, err := f.Remove(t.Context(), "stories15m"); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(f.Dir(), "models", "*")); len(left) > 0 {
		t.Fatal(left)
	}
	if _, err := f.Remove(t.Context(), "x"); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
}

func TestMembersOfArchives(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "a.tgz")
	whole := tarball(map[string][]byte{"package/f": []byte("0123456789")})
	if err := os.WriteFile(archive, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := member(archive, "package/f", 3, 4, &b); err != nil || b.String() != "3456" {
		t.Fatal(b.String(), err)
	}
	for _, err := range []error{member(archive, "package/f", 8, 3, &b), member(archive, "package/g", 0, 1, &b)} {
		if !errors.Is(err, ErrChecksum) {
			t.Fatal(err)
		}
	}
	for _, broken := range [][]byte{nil, whole[:20], []byte("not an archive at all")} {
		if err := os.WriteFile(archive, broken, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := member(archive, "package/f", 0, 1, &b); err == nil {
			t.Fatal("read a broken archive")
		}
	}
}

func TestShortNamesOfLibraries(t *testing.T) {
	for name, want := range map[string]string{"libllama.v0.4.0.so": "libllama.so", "libggml.metal.v0.4.0.dylib": "libggml.dylib", "libggml-base.so": "libggml-base.so"} {
		if got := shortName(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestCorruptLibrariesAreFetchedAgain fetches the real package, 11 MB.
func TestCorruptLibrariesAreFetchedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("downloads 11 MB")
	}
	f, err := New(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := f.EngineLibraries(t.Context(), nil)
	if err != nil {
		t.Fatalf("the engine's libraries can't be fetched (go test -short leaves this out): %v", err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, spoil := range []func() error{
		func() error { return os.WriteFile(names[0], []byte("x"), 0o644) },
		func() error { return os.Remove(names[len(names)-1]) },
		func() error { return os.WriteFile(filepath.Join(dir, "libevil.so"), []byte("x"), 0o644) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if got, err := f.EngineLibraries(t.Context(), nil); got != dir || err != nil {
			t.Fatal(got, err)
		}
		if again, _ := filepath.Glob(filepath.Join(dir, "*")); len(again) != len(names) {
			t.Fatal(again)
		}
	}
}

func FuzzHubRef(f *testing.F) {
	for _, s := range []string{"hf:a/b:c.gguf", "hf:a/b:d/c.gguf", "hf:../b:c", "hf:a/b:/etc", "hf:a/b:c/../../d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := hubRef(s)
		if ok && (s != "hf:"+h.owner+"/"+h.repo+":"+h.file || strings.Contains(h.file, "..") || filepath.IsAbs(h.file)) {
			t.Fatalf("%q became %+v", s, h)
		}
	})
}
