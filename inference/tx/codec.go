package tx

import (
	"encoding/binary"
	"fmt"

	"funai/amount"
	"funai/key"
)

// Encode returns the transaction's bytes. What Check refuses, Decode will refuse.
func (t *Tx) Encode() []byte { return t.encode(t.Nonce, t.Fee, t.Signature) }

func (t *Tx) encode(nonce uint64, fee amount.Amount, sig key.Signature) []byte {
	b := make([]byte, 0, 384)
	b = append(b, t.Version)
	b = binary.BigEndian.AppendUint32(b, t.ChainID)
	b = append(b, authStandard, modeP2PKH)
	b = append(b, t.Signer[:]...)
	b = binary.BigEndian.AppendUint64(b, nonce)
	b = binary.BigEndian.AppendUint64(b, uint64(fee))
	b = append(b, keyCompressed)
	b = append(b, sig[:]...)
	b = append(b, t.AnchorMode, t.PostConditionMode)
	b = binary.BigEndian.AppendUint32(b, 0) // post-conditions
	b = append(b, t.Payload.Type())
	return t.Payload.append(b, t.Version)
}

// Decode reads a whole transaction. It takes exactly what Encode writes, and does not verify the signature. The errors are
// ErrMalformed and ErrUnsupported. The transaction keeps no reference to b.
func Decode(b []byte) (*Tx, error) {
	if err := checkSize(len(b)); err != nil {
		return nil, err
	}
	r := reader{b: b}
	t := new(Tx)
	t.Version = r.byte()
	t.ChainID = r.uint32()
	r.want(authStandard, "authorization type")
	r.want(modeP2PKH, "hash mode")
	r.fill(t.Signer[:])
	t.Nonce = r.uint64()
	t.Fee = amount.Amount(r.uint64())
	r.want(keyCompressed, "public key encoding")
	r.fill(t.Signature[:])
	t.AnchorMode = r.byte()
	t.PostConditionMode = r.byte()
	if n := r.uint32(); n != 0 {
		r.fail(fmt.Errorf("%w: %d post-conditions, 0 are taken", ErrUnsupported, n))
	}
	kind := r.byte()
	if t.Payload = newPayload(kind); t.Payload == nil {
		r.fail(fmt.Errorf("%w: payload type 0x%02x", ErrUnsupported, kind))
	} else {
		t.Payload.read(&r, t.Version)
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail(fmt.Errorf("%w: %d bytes follow the payload", ErrMalformed, len(r.b)))
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := t.checkFields(); err != nil {
		return nil, err
	}
	return t, nil
}

// reader takes fields off the front of b. After the first error, which it keeps, every field reads as zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err, r.b = err, nil
	}
}

// take returns the next n bytes, which alias the input.
func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.b) {
		r.fail(fmt.Errorf("%w: ends %d bytes early", ErrMalformed, n-len(r.b)))
	}
	if r.err != nil {
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) fill(dst []byte) { copy(dst, r.take(len(dst))) }

func (r *reader) byte() byte {
	var b [1]byte
	r.fill(b[:])
	return b[0]
}

func (r *reader) uint32() uint32 {
	var b [4]byte
	r.fill(b[:])
	return binary.BigEndian.Uint32(b[:])
}

func (r *reader) uint64() uint64 {
	var b [8]byte
	r.fill(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// bytes reads a 4-byte length of at most max and as many bytes, copied.
func (r *reader) bytes(max int, what string) []byte {
	n := r.uint32()
	if uint64(n) > uint64(max) {
		r.fail(fmt.Errorf("%w: %s of %d bytes exceed %d", ErrMalformed, what, n, max))
		return nil
	}
	return append([]byte(nil), r.take(int(n))...)
}

// want reads a byte for which this network takes one value only.
func (r *reader) want(value byte, what string) {
	if got := r.byte(); r.err == nil && got != value {
		r.fail(fmt.Errorf("%w: %s 0x%02x, only 0x%02x is taken", ErrUnsupported, what, got, value))
	}
}

func appendBytes(b, v []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
}
