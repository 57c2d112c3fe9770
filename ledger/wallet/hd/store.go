package hd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
)

// ErrStore says that the wallet's database holds bytes that this package did not write. It can be deleted: all that is in
// it but notes and transactions nobody has mined is read again from the chain.
var ErrStore = errors.New("corrupt wallet database")

// The database's keys.
var (
	keyOwner = []byte("o")     // which wallet on which network, and the format's version
	keyAt    = []byte("a")     // the block up to which the wallet has read the chain: height, hash
	prefixTx = []byte("t")     // and the transaction's hash: a record
	prefixNo = []byte("l")     // and hash and number of an output: a coin that is not to be spent
	afterTx  = []byte{'t' + 1} // the end of the records
	afterNo  = []byte{'l' + 1} // and of the locked coins
	storeFmt = byte(1)         // version
	outLen   = 32 + 4          // bytes of an output's name
	indexLen = 4 + 32          // bytes of a block's name
	maxNote  = 1 << 10         // bytes of a note
	recHead  = 8 + 2*indexLen + 4 + 8 + 8 + 1 + 32 + 32
)

// store keeps the book on disk. Every change is one atomic batch.
type store struct{ db *pebble.DB }

func openStore(dir string, fs vfs.FS, log *slog.Logger) (*store, error) {
	db, err := pebble.Open(dir, &pebble.Options{FS: fs, MemTableSize: 1 << 20, Logger: quiet{log}})
	if err != nil {
		return nil, fmt.Errorf("wallet database: %w", err)
	}
	return &store{db}, nil
}

func (s *store) close() error { return s.db.Close() }

// changes are written at once, or not at all.
type changes struct {
	records  []*record
	remove   []*record
	at       *chain.Index
	lock     []wire.OutPoint
	unlock   []wire.OutPoint
	mustLast bool // survive loss of power: what the chain could not give again
}

func (s *store) write(c changes) error {
	b := s.db.NewBatch()
	defer b.Close()
	var err error
	set := func(k, v []byte) { err = errors.Join(err, b.Set(k, v, nil)) }
	for _, r := range c.records {
		set(append(prefixTx[:1:1], r.hash[:]...), encodeRecord(r))
	}
	for _, r := range c.remove {
		err = errors.Join(err, b.Delete(append(prefixTx[:1:1], r.hash[:]...), nil))
	}
	if c.at != nil {
		set(keyAt, appendIndex(nil, *c.at))
	}
	for _, o := range c.lock {
		set(append(prefixNo[:1:1], appendOut(nil, o)...), nil)
	}
	for _, o := range c.unlock {
		err = errors.Join(err, b.Delete(append(prefixNo[:1:1], appendOut(nil, o)...), nil))
	}
	if err != nil {
		return err
	}
	how := pebble.NoSync
	if c.mustLast {
		how = pebble.Sync
	}
	return b.Commit(how)
}

// own makes the database that of a wallet on a network. If it is another's, or one of another format, it is emptied.
func (s *store) own(owner []byte) error {
	owner = append([]byte{storeFmt}, owner...)
	v, done, err := s.db.Get(keyOwner)
	if err == nil {
		same := bytes.Equal(v, owner)
		if err := done.Close(); err != nil || same {
			return err
		}
	} else if !errors.Is(err, pebble.ErrNotFound) {
		return err
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := errors.Join(b.DeleteRange([]byte{0}, []byte{0xff}, nil), b.Set(keyOwner, owner, nil)); err != nil {
		return err
	}
	return b.Commit(pebble.Sync)
}

// load reads everything: the records in no order, the locked coins, and the block read last; zero if none was.
func (s *store) load(record func(*record)) (at chain.Index, locked map[wire.OutPoint]bool, err error) {
	v, done, err := s.db.Get(keyAt)
	switch {
	case err == nil:
		at, err = decodeIndex(v)
		if err = errors.Join(err, done.Close()); err != nil {
			return at, nil, err
		}
	case !errors.Is(err, pebble.ErrNotFound):
		return at, nil, err
	}
	locked = map[wire.OutPoint]bool{}
	err = s.each(prefixNo, afterNo, func(k, _ []byte) error {
		if len(k) != outLen {
			return fmt.Errorf("%w: an output's name of %d bytes", ErrStore, len(k))
		}
		locked[wire.OutPoint{Hash: chainhash.Hash(k[:32]), Index: binary.BigEndian.Uint32(k[32:])}] = true
		return nil
	})
	if err != nil {
		return at, nil, err
	}
	return at, locked, s.each(prefixTx, afterTx, func(k, v []byte) error {
		r, err := decodeRecord(v)
		if err == nil && !bytes.Equal(r.hash[:], k) {
			err = fmt.Errorf("%w: transaction %v is stored as %x", ErrStore, r.hash, k)
		}
		if err == nil {
			record(r)
		}
		return err
	})
}

func (s *store) each(from, to []byte, f func(k, v []byte) error) (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if err := f(it.Key()[1:], it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

func appendIndex(b []byte, i chain.Index) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(i.Height)), i.Hash[:]...)
}

func decodeIndex(b []byte) (chain.Index, error) {
	if len(b) != indexLen {
		return chain.Index{}, fmt.Errorf("%w: a block's name of %d bytes", ErrStore, len(b))
	}
	return chain.Index{Height: int32(binary.BigEndian.Uint32(b)), Hash: chainhash.Hash(b[4:])}, nil
}

func appendOut(b []byte, o wire.OutPoint) []byte {
	return binary.BigEndian.AppendUint32(append(b, o.Hash[:]...), o.Index)
}

// A record is: order (8), block and conflicting block (36 each), position (4), block time and time seen (8 each), a byte
// that is 1 if it was abandoned, the transactions that it replaces and is replaced by (32 each), two notes with their
// lengths (2 each), and the transaction.
func encodeRecord(r *record) []byte {
	b := binary.BigEndian.AppendUint64(nil, r.seq)
	b = appendIndex(appendIndex(b, r.block), r.conflict)
	b = binary.BigEndian.AppendUint32(b, uint32(r.pos))
	b = binary.BigEndian.AppendUint64(b, uint64(r.blockTime))
	b = binary.BigEndian.AppendUint64(b, uint64(r.seen))
	if r.abandoned {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = append(append(b, r.replaces[:]...), r.replacedBy[:]...)
	for _, note := range []string{r.comment, r.to} {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(note))), note...)
	}
	w := bytes.NewBuffer(b)
	_ = r.tx.Serialize(w) // a buffer takes all
	return w.Bytes()
}

func decodeRecord(b []byte) (*record, error) {
	if len(b) < recHead+4 {
		return nil, fmt.Errorf("%w: a record of %d bytes, less than %d", ErrStore, len(b), recHead+4)
	}
	r := &record{seq: binary.BigEndian.Uint64(b)}
	b = b[8:]
	for _, i := range []*chain.Index{&r.block, &r.conflict} {
		*i, _ = decodeIndex(b[:indexLen]) // as long as it must be
		b = b[indexLen:]
	}
	r.pos, b = int32(binary.BigEndian.Uint32(b)), b[4:]
	r.blockTime, r.seen, b = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])), b[16:]
	r.abandoned, b = b[0] == 1, b[1:]
	r.replaces, r.replacedBy, b = chainhash.Hash(b[:32]), chainhash.Hash(b[32:64]), b[64:]
	for _, note := range []*string{&r.comment, &r.to} {
		if len(b) < 2 {
			return nil, fmt.Errorf("%w: a record breaks off", ErrStore)
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > maxNote || n > len(b) {
			return nil, fmt.Errorf("%w: a note of %d bytes, more than %d or what is there", ErrStore, n, maxNote)
		}
		*note, b = string(b[:n]), b[n:]
	}
	rest := bytes.NewReader(b)
	r.tx = wire.NewMsgTx(0)
	if err := r.tx.Deserialize(rest); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrStore, err)
	}
	if n, _ := io.Copy(io.Discard, rest); n > 0 || len(r.tx.TxIn) == 0 {
		return nil, fmt.Errorf("%w: a transaction of %d inputs with %d bytes after it", ErrStore, len(r.tx.TxIn), n)
	}
	r.hash = r.tx.TxHash()
	return r, nil
}

// quiet passes Pebble's errors on to the wallet's log.
type quiet struct{ log *slog.Logger }

func (quiet) Infof(string, ...any)                {}
func (q quiet) Errorf(format string, args ...any) { q.log.Error(fmt.Sprintf(format, args...)) }
func (q quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
