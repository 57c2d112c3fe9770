package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"funai/amount"
	"funai/gateway/account"
	"funai/gateway/account/accounttest"
)

// A test's program, run again with this in its environment, spends until it is killed.
const childVariable = "FUNAI_ACCOUNT_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := spend(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func spend(dir string) error {
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	ctx := context.Background()
	keys, err := s.List(ctx, "", 1)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		h, err := s.Reserve(ctx, keys[0].ID, account.Want{Most: 5})
		if err != nil {
			return err
		}
		u, err := s.Settle(ctx, h, account.Usage{Fee: 1})
		if err != nil {
			return err
		}
		fmt.Println(u.Number) // only what is said counts as done
	}
}

func open(t testing.TB, c *accounttest.Clock) account.Store {
	t.Helper()
	s, err := Open(t.TempDir(), Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestPebbleKeepsAccounts(t *testing.T) { accounttest.Run(t, open) }

func TestWhatWasSettledSurvivesKill9(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := accounttest.Make(t, s, accounttest.NewClock(), account.Limits{Budget: 1_000_000})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var done uint64
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+dir)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 20 && lines.Scan(); n++ {
			if _, err := fmt.Sscan(lines.Text(), &done); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it said before it died
			var n uint64
			if _, err := fmt.Sscan(lines.Text(), &n); err == nil {
				done = max(done, n)
			}
		}
		_ = cmd.Wait() // it was killed
		if said.Len() > 0 {
			t.Fatal(said.String())
		}
		if s, err = Open(dir, Options{}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), k.ID)
		if err != nil || got.Uses < done || uint64(got.Spent) != got.Uses || done == 0 {
			t.Fatalf("%d were said to be settled, the key says %d for %d: %v", done, got.Uses, got.Spent, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnotherFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	db, err := pebble.Open(dir, &pebble.Options{Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte{spaceFormat}, []byte("something else"), pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("opened: %v", err)
	}
}

// BenchmarkQuestion is what a question with an API key costs: a hold and its settlement, both on the disk.
func BenchmarkQuestion(b *testing.B) {
	s := open(b, accounttest.NewClock())
	k, _ := accounttest.Make(b, s, accounttest.NewClock(), account.Limits{Budget: 1 << 50})
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			h, err := s.Reserve(b.Context(), k.ID, account.Want{Most: 5})
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := s.Settle(b.Context(), h, account.Usage{Fee: 1}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// TestAFullDiskIsAnErrorAndLosesNothing: what was held or charged before stays so, and a store opened on a disk with room goes on.
func TestAFullDiskIsAnErrorAndLosesNothing(t *testing.T) {
	var full atomic.Bool
	mem := vfs.NewMem()
	disk := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return syscall.ENOSPC
		}
		return nil
	}))
	clock := accounttest.NewClock()
	s, err := Open("keys", Options{Now: clock.Now, FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := accounttest.Make(t, s, clock, account.Limits{Budget: 1000})
	h, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 5})
	if err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	for range 3 {
		if _, err := s.Settle(t.Context(), h, account.Usage{Fee: 1}); !errors.Is(err, ErrDisk) {
			t.Errorf("settled on a full disk: %v", err)
		}
		if _, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 5}); !errors.Is(err, ErrDisk) {
			t.Errorf("held on a full disk: %v", err)
		}
	}
	if got, err := s.Get(t.Context(), k.ID); err != nil || got.ID != k.ID {
		t.Errorf("nothing can be read: %+v, %v", got, err)
	}
	full.Store(false)
	if _, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 5}); !errors.Is(err, ErrDisk) {
		t.Errorf("it goes on, not knowing what is on the disk: %v", err)
	}
	_ = s.Close() // whatever it says, it lets go
	if s, err = Open("keys", Options{Now: clock.Now, FS: mem}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Get(t.Context(), k.ID); err != nil || got.Held != 5 || got.Holds != 1 || got.Spent != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.Settle(t.Context(), h, account.Usage{Fee: 1}); err != nil {
		t.Error(err)
	}
}

// TestADiskThatIsFullAtTheWrongMomentIsAnError: Pebble would end the process where it can't begin a log, and wait without end where
// it can't write a table.
func TestADiskThatIsFullAtTheWrongMomentIsAnError(t *testing.T) {
	for _, kind := range []string{".log", ".sst"} {
		var full, reserve atomic.Bool
		mem := vfs.NewMem()
		disk := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			switch {
			case op.Kind == errorfs.OpRemove && strings.HasSuffix(op.Path, "ballast"):
				reserve.Store(true)
			case full.Load() && !reserve.Load() && strings.HasSuffix(op.Path, kind) && (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite):
				return syscall.ENOSPC
			}
			return nil
		}))
		clock := accounttest.NewClock()
		s, err := Open("keys", Options{Now: clock.Now, FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		k, _ := accounttest.Make(t, s, clock, account.Limits{Budget: 1 << 50})
		full.Store(true)
		charged := account.Usage{Fee: 1, Model: strings.Repeat("m", memTable/16)}
		settled := 0
		for err == nil && settled < 256 {
			var h account.Hold
			if h, err = s.Reserve(t.Context(), k.ID, account.Want{Most: 5}); err != nil {
				break
			}
			if _, err = s.Settle(t.Context(), h, charged); err == nil {
				settled++
			}
		}
		if !errors.Is(err, ErrDisk) {
			t.Errorf("%s: %d settled, %v", kind, settled, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if s, err = Open("keys", Options{Now: clock.Now, FS: mem}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), k.ID); err != nil || got.Spent != amount.Amount(settled) {
			t.Errorf("%s: %d settled, %+v, %v", kind, settled, got, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
