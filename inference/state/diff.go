package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxDiffBytes bounds an encoded difference.
const MaxDiffBytes = 256 << 20

// Entry is one key of a difference; a nil value says that the key is gone.
type Entry struct{ Key, Value []byte }

// Diff is what a block changes, the trie included, in ascending order of keys, each once.
type Diff []Entry

// Diff returns what the layer changes of its base. It shares the layer's values.
func (l *Layer) Diff() Diff {
	d := make(Diff, 0, len(l.values))
	for k, v := range l.values {
		d = append(d, Entry{[]byte(k), v})
	}
	slices.SortFunc(d, func(a, b Entry) int { return bytes.Compare(a.Key, b.Key) })
	return d
}

// Undo returns the difference that takes d back, the trie included. The reader is what d is a difference from.
func (d Diff) Undo(r Reader) (Diff, error) {
	undo := make(Diff, len(d))
	for i, e := range d {
		before, err := r.Get(e.Key)
		if err != nil {
			return nil, err
		}
		undo[i] = Entry{e.Key, before}
	}
	return undo, nil
}

// gone stands in place of a value's length when the key is gone.
const gone = 1<<32 - 1

// Encode writes the number of entries, then for each the key's length, the value's length, key and value. Numbers are 4
// bytes, big-endian.
func (d Diff) Encode() []byte {
	size := 4
	for _, e := range d {
		size += 8 + len(e.Key) + len(e.Value)
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(len(d)))
	for _, e := range d {
		n := uint32(len(e.Value))
		if e.Value == nil {
			n = gone
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(e.Key)))
		b = binary.BigEndian.AppendUint32(b, n)
		b = append(b, e.Key...)
		b = append(b, e.Value...)
	}
	return b
}

// DecodeDiff reads exactly what Encode writes; anything else is ErrCorrupt. The difference shares b.
func DecodeDiff(b []byte) (Diff, error) {
	if len(b) < 4 || len(b) > MaxDiffBytes {
		return nil, fmt.Errorf("%w: difference of %d bytes, not 4 to %d", ErrCorrupt, len(b), MaxDiffBytes)
	}
	n, b := binary.BigEndian.Uint32(b), b[4:]
	if uint64(n)*8 > uint64(len(b)) {
		return nil, fmt.Errorf("%w: %d entries in %d bytes", ErrCorrupt, n, len(b))
	}
	d := make(Diff, n)
	for i := range d {
		if len(b) < 8 {
			return nil, fmt.Errorf("%w: difference ends at entry %d of %d", ErrCorrupt, i, n)
		}
		keyLen, valueLen := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		b = b[8:]
		deleted := valueLen == gone
		if deleted {
			valueLen = 0
		}
		if uint64(keyLen)+uint64(valueLen) > uint64(len(b)) {
			return nil, fmt.Errorf("%w: entry %d has %d+%d bytes of %d", ErrCorrupt, i, keyLen, valueLen, len(b))
		}
		d[i].Key = b[:keyLen:keyLen]
		b = b[keyLen:]
		if !deleted {
			d[i].Value = b[:valueLen:valueLen]
		}
		b = b[valueLen:]
		if i > 0 && bytes.Compare(d[i-1].Key, d[i].Key) >= 0 {
			return nil, fmt.Errorf("%w: key %x follows %x", ErrCorrupt, d[i].Key, d[i-1].Key)
		}
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("%w: %d bytes follow the difference", ErrCorrupt, len(b))
	}
	return d, nil
}
