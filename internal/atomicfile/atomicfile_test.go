package atomicfile

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestLoadReadsWhatWasSavedLast(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "file")}
	if b, err := f.Load(); b != nil || err != nil {
		t.Fatalf("no file loads as %q, %v", b, err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOf(rapid.Byte()).Draw(rt, "content")
		if err := f.Save(want); err != nil {
			rt.Fatal(err)
		}
		got, err := f.Load()
		if err != nil || !bytes.Equal(got, want) || got == nil {
			rt.Fatalf("saved %q, loaded %q, %v", want, got, err)
		}
	})
	if files, err := os.ReadDir(filepath.Dir(f.Path)); err != nil || len(files) != 1 {
		t.Errorf("writing left %v, %v", files, err)
	}
	if i, err := os.Stat(f.Path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", i.Mode(), err)
	}
}

// Readers beside a writer see whole contents only, because a reader of the old file keeps it while the name moves on.
func TestReadersSeeWholeContents(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "file")}
	contents := [][]byte{bytes.Repeat([]byte{'a'}, 1<<16), bytes.Repeat([]byte{'b'}, 1<<10)}
	if err := f.Save(contents[0]); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			b, err := f.Load()
			if err != nil || !bytes.Equal(b, contents[0]) && !bytes.Equal(b, contents[1]) {
				t.Errorf("read %d bytes, %v", len(b), err)
				return
			}
		}
	})
	for i := range 50 {
		if err := f.Save(contents[i%2]); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

// A crash before the name moves leaves the old content and an unfinished file.
func TestSweepRemovesWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	f := File{Path: filepath.Join(dir, "file")}
	if err := f.Save([]byte("old")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{unfinished + "123", unfinished + "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := f.Load(); err != nil || string(b) != "old" {
		t.Fatalf("after a crash: %q, %v", b, err)
	}
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 || files[0].Name() != "file" {
		t.Errorf("left are %v, %v", files, err)
	}
	if err := Sweep(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there was swept")
	}
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if err := Write(filepath.Join(dir, "none", "file"), []byte("x")); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left are %v, %v", files, err)
	}
	if _, err := (File{Path: taken}).Load(); err == nil {
		t.Error("a folder was loaded")
	}
}
