package store_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"funai/clarity/store"
)

const (
	crashDir  = "CLARITY_STORE_CRASH_DIR"
	crashKeys = 500
)

var kills = flag.Int("kills", 5, "how often TestKilledProcessLeavesWholeBlocks kills a process")

// block writes a number under every key.
func block(d *store.DB, n uint64) error {
	for i := range crashKeys {
		d.Put(fmt.Appendf(nil, "key %d", i), binary.BigEndian.AppendUint64(nil, n))
	}
	return d.Commit()
}

// whole returns the number that stands under every key.
func whole(t *testing.T, d *store.DB) (n uint64) {
	t.Helper()
	for i := range crashKeys {
		v, err := d.Get(fmt.Appendf(nil, "key %d", i))
		if err != nil {
			t.Fatal(err)
		}
		at := uint64(0)
		if v != nil {
			at = binary.BigEndian.Uint64(v)
		}
		if i > 0 && at != n {
			t.Fatalf("key %d is of block %d, those before it of %d", i, at, n)
		}
		n = at
	}
	return n
}

// TestKilledProcessLeavesWholeBlocks runs this test binary as a process that commits blocks, kills it in the midst, and
// opens what it left: the last block that it said was committed, or the one after it, and all of it.
func TestKilledProcessLeavesWholeBlocks(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		d, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for n := whole(t, d) + 1; n < 1_000_000; n++ { // should nobody kill it
			if err := block(d, n); err != nil {
				t.Fatal(err)
			}
			_, _ = os.Stdout.WriteString("block " + strconv.FormatUint(n, 10) + "\n") // one write, so that a kill does not tear it
		}
		return
	}
	dir, rng := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	for round := range *kills {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said, seen, until := uint64(0), 0, 1+rng.IntN(30)
		for s := bufio.NewScanner(out); s.Scan(); {
			number, ok := strings.CutPrefix(s.Text(), "block ")
			if !ok {
				continue
			}
			if said, err = strconv.ParseUint(number, 10, 64); err != nil {
				t.Fatal(err)
			}
			if seen++; seen == until { // it goes on meanwhile, so the kill falls anywhere in the next block
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("round %d: the process was not killed: %v", round, err)
		}
		d := open(t, dir)
		if n := whole(t, d); n != said && n != said+1 {
			t.Fatalf("round %d: block %d came back, %d was committed", round, n, said)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A power cut loses what was not synced; the file system is a simulated one that loses a random part of it.
func TestPowerCutLosesNoCommittedBlock(t *testing.T) {
	fs, rng := vfs.NewCrashableMem(), rand.New(rand.NewPCG(3, 4))
	d, err := store.Open("db", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 20; n++ {
		if err := block(d, n); err != nil {
			t.Fatal(err)
		}
		d.Put([]byte("key 0"), []byte("torn"))
		left := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		back, err := store.Open("db", store.Options{FS: left})
		if err != nil {
			t.Fatal(err)
		}
		if got := whole(t, back); got != n {
			t.Fatalf("block %d came back, not %d", got, n)
		}
		if err := back.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// A disk that fails while a block is committed must be an error, not the end of the process.
func TestDiskThatFailsIsAnError(t *testing.T) {
	broken := errors.New("disk is broken")
	fails := false
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fails && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return broken
		}
		return nil
	})
	d, err := store.Open("db", store.Options{FS: errorfs.Wrap(vfs.NewMem(), inject)})
	if err != nil {
		t.Fatal(err)
	}
	if err := block(d, 1); err != nil {
		t.Fatal(err)
	}
	fails = true
	first := block(d, 2)
	if first == nil {
		t.Fatal("a block was committed to a broken disk")
	}
	t.Log(first)
	fails = false
	if err := block(d, 3); err == nil {
		t.Fatal("the store goes on after a commit that failed")
	}
}
