package tx

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Bounds on what one transaction of a verification node may list.
const (
	MaxHeld     = 256
	MaxVerdicts = 1024
)

// Verdicts, one byte each.
const (
	VerdictValid   byte = 1
	VerdictInvalid byte = 2
	VerdictAbstain byte = 3
)

// Held is a seat's word that it holds input and output of receipts, which are named by their transactions' ids.
type Held struct{ Receipts []ID }

// Type is TypeHeld.
func (*Held) Type() byte { return TypeHeld }

func (p *Held) check() error {
	if n := len(p.Receipts); n < 1 || n > MaxHeld {
		return fmt.Errorf("%w: %d receipts held, not 1 to %d", ErrMalformed, n, MaxHeld)
	}
	return nil
}

func (p *Held) append(b []byte, _ byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Receipts)))
	for _, id := range p.Receipts {
		b = append(b, id[:]...)
	}
	return b
}

func (p *Held) read(r *reader, _ byte) {
	n := r.uint32()
	if n > MaxHeld {
		r.fail(fmt.Errorf("%w: %d receipts held, not 1 to %d", ErrMalformed, n, MaxHeld))
		return
	}
	p.Receipts = make([]ID, n)
	for i := range p.Receipts {
		r.fill(p.Receipts[i][:])
	}
}

// Seal binds a seat to its verdicts on the tasks packed in a block without showing them, so that nobody can copy them.
type Seal struct {
	Block [32]byte // inference block id
	Hash  [32]byte // SealHash of what the Opening will show
}

// Type is TypeSeal.
func (*Seal) Type() byte { return TypeSeal }

func (*Seal) check() error { return nil }

func (p *Seal) append(b []byte, _ byte) []byte { return append(append(b, p.Block[:]...), p.Hash[:]...) }

func (p *Seal) read(r *reader, _ byte) {
	r.fill(p.Block[:])
	r.fill(p.Hash[:])
}

// Opening shows what a seat sealed: a verdict for each task packed in the block, in the block's order.
type Opening struct {
	Block    [32]byte
	Salt     [32]byte
	Verdicts []byte
	Evidence [32]byte
}

// SealHash is sha256("funai/seal" ‖ salt ‖ number of verdicts as 4 bytes, big-endian ‖ verdicts ‖ evidence).
func SealHash(salt [32]byte, verdicts []byte, evidence [32]byte) [32]byte {
	b := append([]byte("funai/seal"), salt[:]...)
	b = appendBytes(b, verdicts)
	return sha256.Sum256(append(b, evidence[:]...))
}

// Type is TypeOpening.
func (*Opening) Type() byte { return TypeOpening }

func (p *Opening) check() error {
	if n := len(p.Verdicts); n < 1 || n > MaxVerdicts {
		return fmt.Errorf("%w: %d verdicts, not 1 to %d", ErrMalformed, n, MaxVerdicts)
	}
	for i, v := range p.Verdicts {
		if v < VerdictValid || v > VerdictAbstain {
			return fmt.Errorf("%w: verdict %d is %d, not 1, 2 or 3", ErrMalformed, i, v)
		}
	}
	return nil
}

func (p *Opening) append(b []byte, _ byte) []byte {
	b = append(b, p.Block[:]...)
	b = append(b, p.Salt[:]...)
	b = appendBytes(b, p.Verdicts)
	return append(b, p.Evidence[:]...)
}

func (p *Opening) read(r *reader, _ byte) {
	r.fill(p.Block[:])
	r.fill(p.Salt[:])
	p.Verdicts = r.bytes(MaxVerdicts, "verdicts")
	r.fill(p.Evidence[:])
}
