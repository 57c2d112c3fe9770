package nodetest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// disk is what a member keeps through its crashes.
type disk struct {
	mem *vfs.MemFS // both chains
	dir string     // journals, ballots and contents
	err error      // of making this disk from another

	mu   sync.Mutex
	left int // writes until the fuse blows; 0 while there is none
	blow func()
}

func newDisk(dir string) *disk { return &disk{mem: vfs.NewCrashableMem(), dir: dir} }

// fs is the file system for the chains. It counts writes.
func (d *disk) fs() vfs.FS {
	return errorfs.Wrap(d.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			d.count()
		}
		return nil
	}))
}

func (d *disk) count() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left > 0 {
		if d.left--; d.left == 0 {
			d.blow()
		}
	}
}

// arm waits for a number of writes, or a second, and returns what is left of the disk when the power is cut then. off cuts
// the member's words off, first, so that it has said nothing that its disk does not know.
func (d *disk) arm(writes int, r *rand.Rand, off func()) *disk {
	cut := make(chan *disk, 1)
	d.mu.Lock()
	d.left, d.blow = writes, func() {
		off()
		after := &disk{mem: d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})}
		after.dir, after.err = copyDir(d.dir)
		cut <- after
	}
	d.mu.Unlock()
	select {
	case after := <-cut:
		return after
	case <-time.After(time.Second):
	}
	d.mu.Lock()
	if d.left > 0 {
		d.left = 0
		d.blow()
	}
	d.mu.Unlock()
	return <-cut
}

// copyDir copies the files of a folder that may be written to meanwhile, to a new folder beside it.
func copyDir(dir string) (string, error) {
	to, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-")
	if err != nil {
		return "", err
	}
	return to, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
}
