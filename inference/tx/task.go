package tx

import (
	"encoding/binary"
	"fmt"

	"funai/amount"
	"funai/key"
)

// TrustJudge asks that the verification nodes judge the very answer the asker got. It is the only way to trust an answer
// that the chain settles so far; other values are carried, for the state to refuse.
const TrustJudge byte = 0

// Open asks for an inference and offers gas for it. Contents are named by SHA-256, zero meaning none, and travel between
// the parties only. A node that does not know the model can still check, relay and pack it.
type Open struct {
	Model              uint32
	Server             key.Hash160 // who shall answer; zero is the elected producer
	Expiry             uint32      // ledger height after which no receipt is taken
	GasLimit           uint64
	GasPrice           amount.Amount // base units for each unit of gas
	Input              [32]byte
	Context            [32]byte
	System             [32]byte
	MaxTokens          uint32
	TemperatureMilli   uint32
	RepeatPenaltyMilli uint32
	Trust              byte
	Extra              []byte // fields that this version does not know, kept as they are
}

// openBytes is the length of the fields above but for Model, which stands before the body, and Extra.
const openBytes = 20 + 4 + 8 + 8 + 3*32 + 3*4 + 1

// Type is TypeOpen.
func (*Open) Type() byte { return TypeOpen }

func (p *Open) check() error {
	_, err := p.MaxCost()
	if err != nil {
		return fmt.Errorf("%w: gas: %w", ErrMalformed, err)
	}
	return nil
}

// MaxCost is GasLimit at GasPrice, in base units. A transaction that passes Check never overflows.
func (p *Open) MaxCost() (amount.Amount, error) { return p.GasPrice.Mul(p.GasLimit) }

func (p *Open) append(b []byte, _ byte) []byte {
	b = binary.BigEndian.AppendUint32(b, p.Model)
	b = binary.BigEndian.AppendUint32(b, uint32(openBytes+len(p.Extra)))
	b = append(b, p.Server[:]...)
	b = binary.BigEndian.AppendUint32(b, p.Expiry)
	b = binary.BigEndian.AppendUint64(b, p.GasLimit)
	b = binary.BigEndian.AppendUint64(b, uint64(p.GasPrice))
	b = append(b, p.Input[:]...)
	b = append(b, p.Context[:]...)
	b = append(b, p.System[:]...)
	b = binary.BigEndian.AppendUint32(b, p.MaxTokens)
	b = binary.BigEndian.AppendUint32(b, p.TemperatureMilli)
	b = binary.BigEndian.AppendUint32(b, p.RepeatPenaltyMilli)
	b = append(b, p.Trust)
	return append(b, p.Extra...)
}

func (p *Open) read(r *reader, _ byte) {
	p.Model = r.uint32()
	n := r.uint32()
	if n < openBytes || n > MaxBytes {
		r.fail(fmt.Errorf("%w: body of %d bytes, not %d to %d", ErrMalformed, n, openBytes, MaxBytes))
		return
	}
	r.fill(p.Server[:])
	p.Expiry = r.uint32()
	p.GasLimit = r.uint64()
	p.GasPrice = amount.Amount(r.uint64())
	r.fill(p.Input[:])
	r.fill(p.Context[:])
	r.fill(p.System[:])
	p.MaxTokens = r.uint32()
	p.TemperatureMilli = r.uint32()
	p.RepeatPenaltyMilli = r.uint32()
	p.Trust = r.byte()
	p.Extra = append([]byte(nil), r.take(int(n)-openBytes)...)
}

// Receipt is a server's word on what it answered to a task.
type Receipt struct {
	Task      ID       // of the Open
	Output    [32]byte // SHA-256 of the answer's text
	Tokens    [32]byte // SHA-256 of its token ids, 4 bytes each, little-endian
	TokensIn  uint32
	TokensOut uint32
}

// Type is TypeReceipt.
func (*Receipt) Type() byte { return TypeReceipt }

func (*Receipt) check() error { return nil }

func (p *Receipt) append(b []byte, _ byte) []byte {
	b = append(b, p.Task[:]...)
	b = append(b, p.Output[:]...)
	b = append(b, p.Tokens[:]...)
	b = binary.BigEndian.AppendUint32(b, p.TokensIn)
	return binary.BigEndian.AppendUint32(b, p.TokensOut)
}

func (p *Receipt) read(r *reader, _ byte) {
	r.fill(p.Task[:])
	r.fill(p.Output[:])
	r.fill(p.Tokens[:])
	p.TokensIn = r.uint32()
	p.TokensOut = r.uint32()
}

// MaxReceiptBytes bounds each receipt of a Conflict.
const MaxReceiptBytes = 1 << 10

// Conflict shows that a server signed two receipts for one task that say different things. A and B are encoded receipts.
type Conflict struct{ A, B []byte }

// Type is TypeConflict.
func (*Conflict) Type() byte { return TypeConflict }

func (p *Conflict) check() error {
	if n := max(len(p.A), len(p.B)); n > MaxReceiptBytes {
		return fmt.Errorf("%w: receipt of %d bytes exceeds %d", ErrMalformed, n, MaxReceiptBytes)
	}
	return nil
}

func (p *Conflict) append(b []byte, _ byte) []byte { return appendBytes(appendBytes(b, p.A), p.B) }

func (p *Conflict) read(r *reader, _ byte) {
	p.A = r.bytes(MaxReceiptBytes, "receipt")
	p.B = r.bytes(MaxReceiptBytes, "receipt")
}

// Verify decodes both receipts and says whether they prove what the payload claims: both are signed by one key, for one
// task on one chain, and differ in what they say. The caller compares the chain with its own.
func (p *Conflict) Verify() (a, b *Tx, err error) {
	if a, err = decodeReceipt(p.A); err != nil {
		return nil, nil, err
	}
	if b, err = decodeReceipt(p.B); err != nil {
		return nil, nil, err
	}
	ra, rb := a.Payload.(*Receipt), b.Payload.(*Receipt)
	switch {
	case a.Signer != b.Signer:
		err = fmt.Errorf("%w: conflicting receipts by %v and by %v", ErrMalformed, a.Signer, b.Signer)
	case a.ChainID != b.ChainID || a.Version != b.Version:
		err = fmt.Errorf("%w: conflicting receipts of chains 0x%08x and 0x%08x", ErrMalformed, a.ChainID, b.ChainID)
	case ra.Task != rb.Task:
		err = fmt.Errorf("%w: conflicting receipts of tasks %v and %v", ErrMalformed, ra.Task, rb.Task)
	case *ra == *rb:
		err = fmt.Errorf("%w: receipts of task %v say the same", ErrMalformed, ra.Task)
	}
	if err != nil {
		return nil, nil, err
	}
	return a, b, nil
}

func decodeReceipt(b []byte) (*Tx, error) {
	t, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("conflicting receipt: %w", err)
	}
	if _, ok := t.Payload.(*Receipt); !ok {
		return nil, fmt.Errorf("%w: conflicting receipt has payload 0x%02x, not 0x%02x", ErrMalformed, t.Payload.Type(), TypeReceipt)
	}
	if _, err := t.Verify(); err != nil {
		return nil, fmt.Errorf("conflicting receipt: %w", err)
	}
	return t, nil
}
