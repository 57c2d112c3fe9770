package mempool

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// errRecord says that bytes are no record of a pool, or a damaged one.
var errRecord = errors.New("not a record of a mempool")

// The record of a pool, all numbers little-endian:
//
//	magic with the version (8), network (4),
//	number of transactions (4), each: unix time it entered (8), flags (1), length (4), transaction with its witness,
//	number of priorities (4), each: txid (32), delta in base units (8),
//	SHA-256 of what came before (32).
//
// Parents come before their children.
const (
	recordMagic = "funaimp\x01"

	flagLocal = 1 // unbroadcast

	maxRecordTxs = 1 << 20
	// maxRecordTx is the most bytes that MaxWeight lets a transaction have on the wire.
	maxRecordTx = MaxWeight
	// maxRecord bounds a file.
	maxRecord = 2 << 30
)

// saved is a transaction of a record.
type saved struct {
	tx    *wire.MsgTx
	added time.Time
	local bool
}

// writeRecord writes a pool's entries, parents first, and priorities.
func writeRecord(w io.Writer, network uint32, txs []saved, deltas map[chainhash.Hash]int64) error {
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	head := binary.LittleEndian.AppendUint32([]byte(recordMagic), network)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(txs)))
	if _, err := out.Write(head); err != nil {
		return err
	}
	var raw bytes.Buffer
	for _, s := range txs {
		raw.Reset()
		if err := s.tx.Serialize(&raw); err != nil {
			return err
		}
		flags := byte(0)
		if s.local {
			flags = flagLocal
		}
		b := append(binary.LittleEndian.AppendUint64(nil, uint64(s.added.Unix())), flags)
		b = append(binary.LittleEndian.AppendUint32(b, uint32(raw.Len())), raw.Bytes()...)
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(deltas)))
	for h, d := range deltas {
		b = binary.LittleEndian.AppendUint64(append(b, h[:]...), uint64(d))
	}
	if _, err := out.Write(b); err != nil {
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

// checkRecord reads a record of so many bytes to its end and says whether its checksum holds.
func checkRecord(r io.Reader, size int64) error {
	if size < int64(len(recordMagic)+4+4+4+sha256.Size) || size > maxRecord {
		return fmt.Errorf("%w: %d bytes", errRecord, size)
	}
	h := sha256.New()
	if _, err := io.CopyN(h, r, size-sha256.Size); err != nil {
		return fmt.Errorf("%w: %v", errRecord, err)
	}
	var want [sha256.Size]byte
	if _, err := io.ReadFull(r, want[:]); err != nil {
		return fmt.Errorf("%w: %v", errRecord, err)
	}
	if got := h.Sum(nil); !bytes.Equal(got, want[:]) {
		return fmt.Errorf("%w: checksum is %x, want %x", errRecord, got, want)
	}
	return nil
}

// recordReader reads a record part by part. Every bound is checked before memory is taken.
type recordReader struct {
	r   io.Reader
	err error
}

func (r *recordReader) bytes(n int) []byte {
	b := make([]byte, n)
	if r.err == nil {
		_, r.err = io.ReadFull(r.r, b)
	}
	return b
}

func (r *recordReader) count(most int, what string) int {
	n := binary.LittleEndian.Uint32(r.bytes(4))
	if r.err == nil && int64(n) > int64(most) {
		r.err = fmt.Errorf("%d %s, more than %d", n, what, most)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// readRecord hands the parts of a record to tx and delta. It stops at their error.
func readRecord(in io.Reader, network uint32, tx func(saved) error, delta func(chainhash.Hash, int64)) error {
	r := &recordReader{r: in}
	if magic := r.bytes(len(recordMagic)); r.err == nil && string(magic) != recordMagic {
		return fmt.Errorf("%w of this version: begins %x, want %x", errRecord, magic, recordMagic)
	}
	if n := binary.LittleEndian.Uint32(r.bytes(4)); r.err == nil && n != network {
		return fmt.Errorf("%w of this network: %08x, want %08x", errRecord, n, network)
	}
	for range r.count(maxRecordTxs, "transactions") {
		s := r.tx()
		if r.err != nil {
			break
		}
		if err := tx(s); err != nil {
			return err
		}
	}
	for range r.count(maxDeltas, "priorities") {
		h := chainhash.Hash(r.bytes(chainhash.HashSize))
		d := int64(binary.LittleEndian.Uint64(r.bytes(8)))
		if r.err != nil {
			break
		}
		delta(h, d)
	}
	if r.err != nil {
		return fmt.Errorf("%w: %v", errRecord, r.err)
	}
	return nil
}

func (r *recordReader) tx() saved {
	at := binary.LittleEndian.Uint64(r.bytes(8))
	flags := r.bytes(1)[0]
	raw := bytes.NewReader(r.bytes(r.count(maxRecordTx, "bytes of a transaction")))
	if r.err != nil {
		return saved{}
	}
	s := saved{tx: &wire.MsgTx{}, added: time.Unix(int64(at), 0), local: flags&flagLocal != 0}
	if r.err = s.tx.Deserialize(raw); r.err == nil && raw.Len() > 0 {
		r.err = fmt.Errorf("%d bytes behind a transaction", raw.Len())
	}
	return s
}
