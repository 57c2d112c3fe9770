package fees

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrFormat says that bytes are no record of an estimator, or a damaged one.
var ErrFormat = errors.New("not a record of fee estimates")

// The record: magic with the version; the network; height of the last block, first and last height of the span watched;
// then for each bucket its bound, and for each horizon its parameters and tables, all as little-endian float64; SHA-256
// of what came before. Transactions that wait are not in it.
const recordMagic = "funaife\x01"

// Flush counts all transactions that still wait as dropped: after it, at the end of a run, nobody watches them.
func (e *Estimator) Flush() {
	for hash := range e.tracked {
		e.Remove(hash)
	}
}

// Marshal flattens what was learned on one network.
func (e *Estimator) Marshal(network uint32) []byte {
	first, last := e.pastFirst, e.pastLast
	if e.first > 0 && int(e.best-e.first) > int(e.pastLast-e.pastFirst)/2 {
		first, last = e.first, e.best
	}
	b := append([]byte(nil), recordMagic...)
	for _, n := range []uint32{network, uint32(e.best), uint32(first), uint32(last)} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	for _, row := range e.rows() {
		for _, f := range row.values {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		}
	}
	return seal(append(b, make([]byte, sha256.Size)...))
}

// seal puts the checksum at a record's end.
func seal(b []byte) []byte {
	body := b[:len(b)-sha256.Size]
	sum := sha256.Sum256(body)
	copy(b[len(body):], sum[:])
	return b
}

// row is some numbers of a record. Those that are fixed must be the same in every record of this version.
type row struct {
	values []float64
	fixed  bool
}

// rows are all the numbers of a record, in its order.
func (e *Estimator) rows() []row {
	rows := []row{{slices.Clone(e.bounds), true}}
	for _, h := range e.horizons() {
		rows = append(rows, row{[]float64{h.decay, float64(h.scale), float64(h.periods)}, true}, row{h.txs, false}, row{h.rates, false})
		for _, t := range append(slices.Clone(h.confirmed), h.failed...) {
			rows = append(rows, row{t, false})
		}
	}
	return rows
}

// RecordSize is the length of every record of this version, in bytes.
func RecordSize() int {
	n := len(recordMagic) + 4*4 + sha256.Size
	for _, row := range New().rows() {
		n += 8 * len(row.values)
	}
	return n
}

// Unmarshal is the estimator of a record. Errors wrap ErrFormat.
func Unmarshal(b []byte, network uint32) (*Estimator, error) {
	if want := RecordSize(); len(b) != want || !bytes.HasPrefix(b, []byte(recordMagic)) {
		return nil, fmt.Errorf("%w of this version: %d bytes that begin %x, want %d and %x",
			ErrFormat, len(b), b[:min(len(b), len(recordMagic))], want, recordMagic)
	}
	body := b[:len(b)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], b[len(body):]) {
		return nil, fmt.Errorf("%w: checksum is %x, want %x", ErrFormat, sum, b[len(body):])
	}
	body = body[len(recordMagic):]
	var head [4]uint32
	for i := range head {
		head[i], body = binary.LittleEndian.Uint32(body), body[4:]
	}
	e := New()
	e.best, e.pastFirst, e.pastLast = int32(head[1]), int32(head[2]), int32(head[3])
	if head[0] != network {
		return nil, fmt.Errorf("%w of this network: %08x, want %08x", ErrFormat, head[0], network)
	}
	if e.best < 0 || e.pastFirst < 0 || e.pastLast < e.pastFirst || e.best < e.pastLast {
		return nil, fmt.Errorf("%w: heights %d to %d, last %d", ErrFormat, e.pastFirst, e.pastLast, e.best)
	}
	for _, row := range e.rows() {
		want := slices.Clone(row.values)
		for i := range row.values {
			n := math.Float64frombits(binary.LittleEndian.Uint64(body))
			if !(n >= 0) || math.IsInf(n, 0) {
				return nil, fmt.Errorf("%w: %v is not a count", ErrFormat, n)
			}
			row.values[i], body = n, body[8:]
		}
		if row.fixed && !slices.Equal(row.values, want) {
			return nil, fmt.Errorf("%w: made with other parameters, %v", ErrFormat, row.values)
		}
	}
	return e, nil
}
