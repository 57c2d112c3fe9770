package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ballastSize is room for a log and the tables of all that is in memory, which is what Pebble still writes once s.failed is set.
const ballastSize = 4 * memTable

// ballast makes a file that nobody reads, whose room is there when the disk is full: without it Pebble ends the process where it
// can't begin a log, and waits without end where it can't write a table.
func ballast(disk vfs.FS, dir string) (path string, err error) {
	path = disk.PathJoin(dir, "ballast")
	info, err := disk.Stat(path)
	if err == nil && info.Size() == ballastSize {
		return path, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := disk.MkdirAll(dir, 0o755); err != nil {
		return path, err
	}
	f, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return path, err
	}
	noise := make([]byte, ballastSize) // zeros might take no room
	rand.Read(noise)                   // never fails (Go 1.24)
	_, err = f.Write(noise)
	if err := errors.Join(err, f.Close()); err != nil {
		return path, errors.Join(fmt.Errorf("a reserve of %d bytes: %w", ballastSize, err), disk.Remove(path))
	}
	return path, nil
}
