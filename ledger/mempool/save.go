package mempool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/ledger/mempool/fees"
)

// saveEvery is the time between two savings of a running pool, so that a crash loses little.
const saveEvery = 10 * time.Minute

// damaged is what the name of a file ends in that was put aside.
const damaged = ".damaged"

// errClosing ends the reading of a file when the pool closes.
var errClosing = errors.New("pool is closing")

// load reads the pool's file.
func (p *Pool) load() {
	kept, lost, err := p.loadFile()
	switch {
	case errors.Is(err, errClosing), p.closing():
		return // not loaded, and so not saved over
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, errRecord):
		p.putAside(p.cfg.File, err)
	case err != nil:
		p.log.Error("mempool file cannot be read", "file", p.cfg.File, "err", err)
	default:
		p.log.Info("mempool loaded", "file", p.cfg.File, "transactions", kept, "refused", lost)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loaded = true
	p.signal()
}

// putAside renames a file that is damaged, so that it is neither read nor written over.
func (p *Pool) putAside(file string, why error) {
	p.log.Error("file is damaged, beginning without it", "file", file, "kept as", file+damaged, "err", why)
	if err := os.Rename(file, file+damaged); err != nil {
		p.log.Error("cannot put the file aside", "file", file, "err", err)
	}
}

// loadFile offers the file's transactions to the pool.
func (p *Pool) loadFile() (kept, lost int, err error) {
	f, err := os.Open(p.cfg.File)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	if err := checkRecord(bufio.NewReader(f), info.Size()); err != nil {
		return 0, 0, err
	}
	// Priorities come last in the file and count from the first transaction on, so it is read twice.
	deltas := map[chainhash.Hash]int64{}
	if err := p.scan(f, func(saved) error { return nil }, func(h chainhash.Hash, d int64) { deltas[h] = clamp(d) }); err != nil {
		return 0, 0, err
	}
	p.mu.Lock()
	for h, d := range deltas {
		p.deltas[h] = clamp(p.deltas[h] + d)
		if e := p.entries[h]; e != nil {
			p.setDelta(e, p.deltas[h])
		}
	}
	p.mu.Unlock()
	err = p.scan(f, func(s saved) error {
		if p.closing() {
			return errClosing
		}
		if p.readmit(s) {
			kept++
		} else {
			lost++
		}
		return nil
	}, func(chainhash.Hash, int64) {})
	return kept, lost, err
}

func (p *Pool) scan(f io.ReadSeeker, tx func(saved) error, delta func(chainhash.Hash, int64)) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return readRecord(bufio.NewReader(f), uint32(p.c.Params().Net), tx, delta)
}

// readmit takes a transaction of the file in if it is still good.
func (p *Pool) readmit(s saved) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(s.added) > Expiry {
		return false
	}
	c, err := p.judge(newTx(s.tx))
	if err != nil {
		return errors.Is(err, ErrKnown)
	}
	if s.added.Before(now) {
		c.e.Added = s.added
	}
	c.e.local = s.local
	p.enter(c)
	p.est.Remove(c.e.hash()) // how long it had waited before is not known
	p.trim()
	p.signal()
	return p.alive(c.e)
}

// Save writes the pool's file now (Bitcoin Core's savemempool): ErrLoading while it is still being read. Without a file
// it does nothing.
func (p *Pool) Save() error {
	if p.cfg.File == "" {
		return nil
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	p.mu.Lock()
	if !p.loaded {
		p.mu.Unlock()
		return ErrLoading
	}
	es := p.since(0)
	seq := p.seq
	txs := make([]saved, len(es))
	for i, e := range es {
		txs[i] = saved{e.Tx.MsgTx(), e.Added, e.local}
	}
	deltas := maps.Clone(p.deltas)
	p.mu.Unlock()
	if err := replaceFile(p.cfg.File, func(w io.Writer) error { return writeRecord(w, uint32(p.c.Params().Net), txs, deltas) }); err != nil {
		return err
	}
	p.mu.Lock()
	p.savedSeq = seq
	p.mu.Unlock()
	return nil
}

// replaceFile puts what write writes in a file's place, or leaves the old one.
func replaceFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // the next one takes what a crash leaves
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("save %s: %w", name, err), os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriter(f)
	if err := errors.Join(write(w), w.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// loadFees reads what fee estimates rest on.
func (p *Pool) loadFees() {
	p.est = fees.New()
	if p.cfg.FeesFile == "" {
		return
	}
	raw, err := readBounded(p.cfg.FeesFile, int64(fees.RecordSize()))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		p.log.Error("fee estimates cannot be read", "file", p.cfg.FeesFile, "err", err)
		return
	}
	est, err := fees.Unmarshal(raw, uint32(p.c.Params().Net))
	switch {
	case err != nil:
		p.putAside(p.cfg.FeesFile, err)
	case est.Best() > p.at.Height:
		p.log.Warn("fee estimates are of another chain, beginning without them", "file", p.cfg.FeesFile, "height", est.Best(), "tip", p.at.Height)
	default:
		p.est = est
	}
}

// readBounded reads a file, at most one byte more than limit, which its reader then refuses.
func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// saveFees writes what fee estimates rest on.
func (p *Pool) saveFees() error {
	if p.cfg.FeesFile == "" {
		return nil
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	p.mu.Lock()
	raw := p.est.Marshal(uint32(p.c.Params().Net))
	p.mu.Unlock()
	return replaceFile(p.cfg.FeesFile, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// saveNowAndThen saves until the pool closes.
func (p *Pool) saveNowAndThen() {
	t := time.NewTicker(saveEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if !p.unsaved() {
				continue
			}
			if err := p.saveAll(); err != nil {
				p.log.Error("mempool cannot be saved", "err", err)
			}
		case <-p.quit:
			return
		}
	}
}

// unsaved says whether anything happened since the pool was saved last.
func (p *Pool) unsaved() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loaded && p.seq != p.savedSeq
}

// saveAll writes both files.
func (p *Pool) saveAll() error {
	err := p.Save()
	if errors.Is(err, ErrLoading) {
		err = nil // the file that is being read stays
	}
	return errors.Join(err, p.saveFees())
}
