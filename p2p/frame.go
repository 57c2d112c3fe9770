package p2p

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// firstRead is how much of a long frame is read before more memory is taken, so that a peer which announces much and
// sends nothing holds little.
const firstRead = 64 << 10

// readFrame reads a 4-byte big-endian length and as many bytes, if they are at most limit.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n > int64(limit) {
		return nil, fmt.Errorf("%w: frame of %d bytes exceeds %d", ErrTooLarge, n, limit)
	}
	b := make([]byte, min(n, firstRead))
	for at := 0; ; {
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if at = len(b); int64(at) == n {
			return b, nil
		}
		b = append(b, make([]byte, min(n-int64(at), int64(at)))...) //nolint:makezero // doubles, as the bytes come
	}
}

// writeFrame writes what readFrame reads.
func writeFrame(w io.Writer, b []byte) error {
	if len(b) > MaxFrame {
		return fmt.Errorf("%w: frame of %d bytes exceeds %d", ErrTooLarge, len(b), MaxFrame)
	}
	if len(b) <= firstRead { // in one packet
		_, err := w.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...))
		return err
	}
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}
