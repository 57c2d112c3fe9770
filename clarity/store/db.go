package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/clarity/vm"
)

// ErrFormat is a database that this version of the package cannot read.
var ErrFormat = errors.New("unknown format")

// DefaultCacheBytes is how much of the database is kept in memory unless Options say otherwise.
const DefaultCacheBytes = 64 << 20

// memTableBytes is how much of what was last committed is kept in memory before it is sorted into files. Pebble holds at
// most memTables of them.
const (
	memTableBytes = 8 << 20
	memTables     = 2
)

// Keys of the database: one byte for what follows.
const (
	keyFormat = 'F'
	keyState  = 's' // then the key as vm knows it
)

// format is the version of the layout, the value of keyFormat.
const format = "clarity 1"

// Options are how a database is opened. The zero Options are fit for use.
type Options struct {
	FS         vfs.FS // nil is the operating system's
	CacheBytes int64  // of memory for what was read; 0 is DefaultCacheBytes
}

// DB is a vm.Store in a Pebble database. What is written waits in memory until Commit, which a chain calls at the end of a
// block: after a crash the database is as the last Commit left it.
//
// Memory is bounded by the cache, two tables of 8 MiB, and what was written since the last Commit, which the block's cost
// limit bounds. One goroutine may use a DB at a time; any number may use its Snapshots.
type DB struct {
	Overlay
	db     *pebble.DB
	failed error // a Commit that broke the database
}

var _ vm.Store = (*DB)(nil)

// Open opens the database in a directory, or makes one.
func Open(dir string, o Options) (d *DB, err error) {
	defer func() {
		if survive(recover(), &err) {
			err = fmt.Errorf("clarity store %s: %w", dir, err)
		}
	}()
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	cache := pebble.NewCache(o.CacheBytes)
	defer cache.Unref() // the database holds it from here on
	opts := &pebble.Options{
		FS: o.FS, Cache: cache, MemTableSize: memTableBytes, MemTableStopWritesThreshold: memTables, Logger: quiet{},
		// Without it Pebble ends the process when a file is damaged; the read that met the damage is an error as well.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}},
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	p, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("clarity store %s: %w", dir, err)
	}
	if err := checkFormat(p); err != nil {
		return nil, errors.Join(fmt.Errorf("clarity store %s: %w", dir, err), p.Close())
	}
	return &DB{Overlay: *NewOverlay(state{p}), db: p}, nil
}

// checkFormat holds a database to the layout, and marks a new one with it.
func checkFormat(p *pebble.DB) error {
	v, err := get(p, []byte{keyFormat})
	switch {
	case err != nil:
		return err
	case v != nil && string(v) == format:
		return nil
	case v != nil:
		return fmt.Errorf("%w: %q, not %q", ErrFormat, v, format)
	}
	it, err := p.NewIter(nil)
	if err != nil {
		return err
	}
	if it.First() {
		return errors.Join(fmt.Errorf("%w: a database of something else, not %q", ErrFormat, format), it.Close())
	}
	return errors.Join(it.Close(), p.Set([]byte{keyFormat}, []byte(format), pebble.Sync))
}

// Commit writes everything since the last one as one atomic batch, and returns when it is on disk. It voids all marks.
// After an error the database must be closed.
func (d *DB) Commit() (err error) {
	if d.failed != nil {
		return d.failed
	}
	defer func() {
		survive(recover(), &err)
		if err != nil {
			err = fmt.Errorf("clarity store: commit: %w", err)
			d.failed = err
		}
	}()
	b := d.db.NewBatch()
	for k, v := range d.Changes() {
		k = append([]byte{keyState}, k...)
		if v == nil {
			err = b.Delete(k, nil)
		} else {
			err = b.Set(k, v, nil)
		}
		if err != nil {
			return errors.Join(err, b.Close())
		}
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return errors.Join(err, b.Close())
	}
	clear(d.values)
	d.settle()
	return b.Close()
}

// Snapshot reads the database as it is now, whatever is committed later: the base of an Overlay for calls that write
// nothing. Any number of goroutines may use it. It must be closed before the database.
func (d *DB) Snapshot() *Snapshot { return &Snapshot{d.db.NewSnapshot()} }

// Snapshot is a vm.Reader of one moment's state.
type Snapshot struct{ s *pebble.Snapshot }

// Get returns a key's value, or nil if there is none.
func (s *Snapshot) Get(key []byte) ([]byte, error) { return state{s.s}.Get(key) }

// Close lets the database forget the moment.
func (s *Snapshot) Close() error { return s.s.Close() }

// Close closes the database; what was not committed is lost.
func (d *DB) Close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("clarity store: %w", err)
	}
	return nil
}

// state reads what was committed.
type state struct{ r pebble.Reader }

func (s state) Get(key []byte) ([]byte, error) {
	v, err := get(s.r, append([]byte{keyState}, key...))
	if err != nil {
		return nil, fmt.Errorf("clarity store: key %x: %w", key, err)
	}
	return v, nil
}

// get reads one value; nil if there is none.
func get(p pebble.Reader, key []byte) ([]byte, error) {
	v, closer, err := p.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v = append([]byte{}, v...)
	return v, closer.Close()
}

// fatal is an error that Pebble cannot go on from, as when its log of writes cannot be written. Pebble then calls its
// logger's Fatalf, which must not return.
type fatal string

func (f fatal) Error() string { return string(f) }

// survive makes an error of a panic with a fatal; any other goes on.
func survive(panicked any, err *error) bool {
	if panicked == nil {
		return false
	}
	f, ok := panicked.(fatal)
	if !ok {
		panic(panicked)
	}
	*err = f
	return true
}

// quiet silences Pebble, whose messages are for its own developers; errors come back from its calls.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

// Fatalf must not return; see fatal.
func (quiet) Fatalf(format string, args ...any) { panic(fatal(fmt.Sprintf(format, args...))) }
