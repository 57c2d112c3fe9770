package content

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func open(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Store, task byte, b []byte) {
	t.Helper()
	if err := s.Put(t.Context(), [32]byte{task}, Hash(b), b); err != nil {
		t.Fatal(err)
	}
}

// grep lists the files under dir that hold b, in their bytes or their name.
func grep(t testing.TB, dir string, b []byte) (found []string) {
	t.Helper()
	name := hex.EncodeToString(func() []byte { h := Hash(b); return h[:] }())
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		got, err := os.ReadFile(path)
		if bytes.Contains(got, b) || bytes.Contains([]byte(path), []byte(name)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestContentGoesWithItsLastTask(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	secret, shared := []byte("what one person asked"), []byte("what two people asked")
	put(t, s, 1, secret)
	put(t, s, 1, shared)
	put(t, s, 2, shared)
	if len(grep(t, dir, secret)) == 0 {
		t.Fatal("the search finds nothing")
	}
	if err := s.DeleteTask([32]byte{1}); err != nil {
		t.Fatal(err)
	}
	if found := grep(t, dir, secret); len(found) > 0 {
		t.Fatalf("still in %v", found)
	}
	if _, err := s.Get(Hash(secret)); !errors.Is(err, ErrNotFound) {
		t.Fatalf("deleted content: %v", err)
	}
	if b, err := s.Get(Hash(shared)); err != nil || !bytes.Equal(b, shared) {
		t.Fatalf("content of another task: %q, %v", b, err)
	}
	if err := s.DeleteTask([32]byte{2}); err != nil {
		t.Fatal(err)
	}
	if n, c := s.Size(); len(grep(t, dir, shared)) > 0 || n != 0 || c != 0 || len(s.Tasks()) != 0 {
		t.Fatalf("left: %v, %d bytes, %d contents", grep(t, dir, shared), n, c)
	}
	if err := s.DeleteTask([32]byte{2}); err != nil {
		t.Fatalf("deleting twice: %v", err)
	}
}

func TestDeleteTakesContentFromAllTasks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	put(t, s, 1, []byte("a"))
	put(t, s, 2, []byte("a"))
	put(t, s, 2, []byte("b"))
	if err := s.Delete(Hash([]byte("a"))); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	if s.Has(Hash([]byte("a"))) || !s.Has(Hash([]byte("b"))) || !slices.Equal(s.Tasks(), [][32]byte{{2}}) {
		t.Fatalf("left: %v", s.Tasks())
	}
}

func TestBounds(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxBytes: 10, MaxItems: 3})
	if err := s.Put(t.Context(), [32]byte{}, [32]byte{}, make([]byte, MaxContent+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("long content: %v", err)
	}
	if err := s.Put(t.Context(), [32]byte{}, [32]byte{1}, []byte("x")); !errors.Is(err, ErrHash) {
		t.Errorf("other hash: %v", err)
	}
	put(t, s, 1, []byte("123456"))
	if err := s.Put(t.Context(), [32]byte{1}, Hash([]byte("12345")), []byte("12345")); !errors.Is(err, ErrFull) {
		t.Errorf("too many bytes: %v", err)
	}
	put(t, s, 2, []byte("123456")) // takes no bytes
	put(t, s, 3, []byte("1234"))
	if err := s.Put(t.Context(), [32]byte{4}, Hash(nil), nil); !errors.Is(err, ErrFull) {
		t.Errorf("too many items: %v", err)
	}
	if err := s.DeleteTask([32]byte{1}); err != nil {
		t.Fatal(err)
	}
	put(t, s, 4, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, [32]byte{5}, Hash(nil), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(Hash(nil)); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestOpenClearsAwayWhatWasHalfDone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	put(t, s, 1, []byte("whole"))
	put(t, s, 1, []byte("no need"))
	put(t, s, 1, []byte("no content"))
	for _, f := range []string{s.taskFile(pair{[32]byte{1}, Hash([]byte("no need"))}), s.dataFile(Hash([]byte("no content")))} {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, dataDir, newFile+"1"), []byte("half a con"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	for _, gone := range []string{"no need", "no content", "half a con"} {
		if found := grep(t, dir, []byte(gone)); len(found) > 0 {
			t.Errorf("%q: still in %v", gone, found)
		}
	}
	if b, err := s.Get(Hash([]byte("whole"))); err != nil || string(b) != "whole" {
		t.Errorf("whole content: %q, %v", b, err)
	}
	if n, c := s.Size(); n != 5 || c != 1 || len(s.Hashes([32]byte{1})) != 1 {
		t.Errorf("%d bytes, %d contents", n, c)
	}
}

func TestContentChangedOnDiskIsNotServed(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	put(t, s, 1, []byte("true"))
	if err := os.WriteFile(s.dataFile(Hash([]byte("true"))), []byte("false"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(Hash([]byte("true"))); !errors.Is(err, ErrHash) {
		t.Fatalf("%v, not ErrHash", err)
	}
	put(t, s, 1, []byte("true")) // it can be fetched anew
	if _, err := s.Get(Hash([]byte("true"))); err != nil {
		t.Fatal(err)
	}
}

// The store does what a map of maps would, across restarts.
func TestStoreIsAMapOfTasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "content")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s, err := Open(dir, Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		model := make(map[[32]byte]map[string]bool)
		small := rapid.ByteRange(0, 4)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				task, b := [32]byte{small.Draw(t, "task")}, bytes.Repeat([]byte("x"), int(small.Draw(t, "content")))
				if err := s.Put(context.Background(), task, Hash(b), b); err != nil {
					t.Fatal(err)
				}
				if model[task] == nil {
					model[task] = make(map[string]bool)
				}
				model[task][string(b)] = true
			},
			"delete task": func(t *rapid.T) {
				task := [32]byte{small.Draw(t, "task")}
				if err := s.DeleteTask(task); err != nil {
					t.Fatal(err)
				}
				delete(model, task)
			},
			"delete": func(t *rapid.T) {
				b := bytes.Repeat([]byte("x"), int(small.Draw(t, "content")))
				if err := s.Delete(Hash(b)); err != nil {
					t.Fatal(err)
				}
				for task := range model {
					if delete(model[task], string(b)); len(model[task]) == 0 {
						delete(model, task)
					}
				}
			},
			"restart": func(t *rapid.T) {
				if s, err = Open(dir, Options{NoSync: true}); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				held, total := make(map[string]bool), int64(0)
				for task, contents := range model {
					if len(s.Hashes(task)) != len(contents) {
						t.Fatalf("task %d needs %d contents, not %d", task[0], len(s.Hashes(task)), len(contents))
					}
					maps.Copy(held, contents)
				}
				for b := range held {
					total += int64(len(b))
					if got, err := s.Get(Hash([]byte(b))); err != nil || string(got) != b {
						t.Fatalf("%q: %q, %v", b, got, err)
					}
				}
				if n, c := s.Size(); n != total || c != len(held) || len(s.Tasks()) != len(model) {
					t.Fatalf("%d bytes in %d contents, not %d in %d", n, c, total, len(held))
				}
			},
		})
	})
}

const childDir = "FUNAI_CONTENT_TEST_DIR"

// TestChild is the process that TestKilledProcessLosesNothingKept kills.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("not a child")
	}
	s := open(t, dir, Options{NoSync: true})
	for i := 0; ; i++ {
		b := fmt.Appendf(nil, "content %d", i)
		put(t, s, byte(i), b)
		fmt.Printf("kept %s\n", b)
		if i%3 == 2 {
			if err := s.Delete(Hash(fmt.Appendf(nil, "content %d", i-1))); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("gone content %d\n", i-1)
		}
	}
}

func TestKilledProcessLosesNothingKept(t *testing.T) {
	dir := t.TempDir()
	for round := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		held, gone := make(map[string]bool), make(map[string]bool)
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if b, ok := bytes.CutPrefix(lines.Bytes(), []byte("kept ")); ok {
				held[string(b)] = true
			} else if b, ok := bytes.CutPrefix(lines.Bytes(), []byte("gone ")); ok {
				delete(held, string(b))
				gone[string(b)] = true
			}
			if n == 50+17*round {
				if err := cmd.Process.Kill(); err != nil { // SIGKILL
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		s := open(t, dir, Options{})
		if len(held) < 20 || len(gone) < 5 {
			t.Fatalf("the child kept %d and deleted %d", len(held), len(gone))
		}
		for b := range held {
			// The last deletion may have been done and not said.
			if got, err := s.Get(Hash([]byte(b))); err != nil && !lastTwo(b, held) || err == nil && string(got) != b {
				t.Errorf("%q: %q, %v", b, got, err)
			}
		}
		for b := range gone {
			if s.Has(Hash([]byte(b))) {
				t.Errorf("%q came back", b)
			}
		}
		for _, task := range s.Tasks() {
			if err := s.DeleteTask(task); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// lastTwo says whether b is among the last two contents that were kept.
func lastTwo(b string, held map[string]bool) bool {
	var n, last int
	_, _ = fmt.Sscanf(b, "content %d", &n)
	for h := range held {
		var i int
		_, _ = fmt.Sscanf(h, "content %d", &i)
		last = max(last, i)
	}
	return n >= last-1
}

func FuzzOpenAnyFileNames(f *testing.F) {
	f.Add("new-1", "a.b")
	f.Add("00", "00.")
	f.Add(hex.EncodeToString(make([]byte, 32)), hex.EncodeToString(make([]byte, 32))+"."+hex.EncodeToString(make([]byte, 32)))
	f.Fuzz(func(t *testing.T, data, task string) {
		dir := t.TempDir()
		for _, p := range []string{filepath.Join(dir, dataDir, filepath.Base(data)), filepath.Join(dir, taskDir, filepath.Base(task))} {
			if name := filepath.Base(p); name == dataDir || name == taskDir || filepath.Dir(p) == filepath.Dir(dir) {
				continue // "." and ".."
			}
			_ = os.MkdirAll(filepath.Dir(p), 0o700)
			_ = os.WriteFile(p, []byte("x"), 0o600) // names that no file can have are not tried
		}
		s, err := Open(dir, Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range s.Tasks() {
			for _, hash := range s.Hashes(task) {
				if b, err := s.Get(hash); err == nil && Hash(b) != hash {
					t.Fatal("a content of another hash was served")
				}
			}
		}
	})
}

func BenchmarkPut(b *testing.B) {
	for _, noSync := range []bool{false, true} {
		b.Run(fmt.Sprintf("nosync=%v", noSync), func(b *testing.B) {
			s := open(b, b.TempDir(), Options{NoSync: noSync})
			for i := 0; b.Loop(); i++ {
				put(b, s, byte(i), fmt.Appendf(nil, "%01000d", i))
			}
		})
	}
}
