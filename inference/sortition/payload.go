package sortition

import (
	"bytes"
	"fmt"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
)

// An operation's first output is OP_RETURN and one push: magic, operation, payload. The longest, a commit, is exactly
// the 80 bytes that ledger nodes relay (Bitcoin Core's MAX_OP_RETURN_RELAY before version 30, less opcodes).
const (
	magic = "FA"

	opRegister = 'R'
	opCommit   = 'C'
	opStake    = 'S'
	opMint     = 'M'

	headerLen   = len(magic) + 1
	registerLen = 20 + 32 + 20
	commitLen   = 32 + 32 + 4 + 2 + 4 + 2 + 1
	addressLen  = 20 // of both 'S' and 'M'

	opReturn    = 0x6a
	opPushData1 = 0x4c // a push of up to 75 bytes is its length; longer ones begin with this
)

// Dust is the smallest payment to a P2WPKH output that Bitcoin's nodes relay, in base units: three times what spending
// it would cost at one base unit a byte (Bitcoin Core, GetDustThreshold).
const Dust amount.Amount = 294

// script writes the first output's script of an operation.
func script(op byte, payload []byte) []byte {
	n := headerLen + len(payload)
	s := []byte{opReturn}
	if n >= opPushData1 {
		s = append(s, opPushData1)
	}
	s = append(s, byte(n))
	s = append(s, magic...)
	return append(append(s, op), payload...)
}

// unscript reads what script writes. A script has one form only: anything else, other forms of the same push included,
// is no operation.
func unscript(s []byte) (op byte, payload []byte, ok bool) {
	if len(s) < 2 || s[0] != opReturn {
		return 0, nil, false
	}
	n, rest := s[1], s[2:]
	if n == opPushData1 {
		if len(rest) == 0 || rest[0] < opPushData1 {
			return 0, nil, false
		}
		n, rest = rest[0], rest[1:]
	} else if n > opPushData1 {
		return 0, nil, false
	}
	if len(rest) != int(n) || len(rest) < headerLen || !bytes.HasPrefix(rest, []byte(magic)) {
		return 0, nil, false
	}
	return rest[len(magic)], rest[headerLen:], true
}

func (d RegisterData) payload() []byte {
	return append(append(append([]byte{}, d.ConsensusHash[:]...), d.VRF[:]...), d.Signer[:]...)
}

func parseRegister(b []byte) (d RegisterData, ok bool) {
	if len(b) != registerLen {
		return d, false
	}
	r := reader{b: b}
	r.fill(d.ConsensusHash[:])
	r.fill(d.VRF[:])
	r.fill(d.Signer[:])
	return d, true
}

func (d CommitData) append(b []byte) []byte {
	b = append(append(b, d.Block[:]...), d.Seed[:]...)
	b = put16(put32(b, d.RegHeight), d.RegIndex)
	b = put16(put32(b, d.ParentHeight), d.ParentIndex)
	return append(b, d.Intended)
}

func (d *CommitData) read(r *reader) {
	r.fill(d.Block[:])
	r.fill(d.Seed[:])
	d.RegHeight, d.RegIndex = r.u32(), r.u16()
	d.ParentHeight, d.ParentIndex = r.u32(), r.u16()
	d.Intended = r.u8()
	r.require(d.Intended < IntendedModulus)
}

func parseCommit(b []byte) (d CommitData, ok bool) {
	r := reader{b: b}
	d.read(&r)
	return d, r.done()
}

// RegisterScript is the script of a registration's first output, whose value is zero.
func RegisterScript(d RegisterData) []byte { return script(opRegister, d.payload()) }

// CommitOutputs are a commit's outputs, which must come first in its transaction and in this order: the operation, then
// to each seat of the cycle its equal share of total, rounded down. In the bootstrap total burns in the operation's
// output. The error wraps ErrIntended, ErrAmount or ErrDust.
func CommitOutputs(c CommitData, set CycleSet, total amount.Amount) ([]*wire.TxOut, error) {
	if c.Intended >= IntendedModulus {
		return nil, fmt.Errorf("%w: %d is not below %d", ErrIntended, c.Intended, IntendedModulus)
	}
	s := script(opCommit, c.append(nil))
	if set.Bootstrap() {
		return burn(s, total)
	}
	if err := payable(total); err != nil {
		return nil, err
	}
	share := total / amount.Amount(len(set.Seats))
	if share < Dust {
		return nil, fmt.Errorf("%w: %v to each of %d verification nodes, at least %v needed",
			ErrDust, share, len(set.Seats), Dust)
	}
	outs := []*wire.TxOut{wire.NewTxOut(0, s)}
	for _, seat := range set.Seats {
		outs = append(outs, wire.NewTxOut(int64(share), seat.Address.LedgerScript()))
	}
	return outs, nil
}

// StakeOutputs are the outputs of a stake on the ledger: value is burned below and becomes stake of the key that spends
// the transaction's first input, and signer is whose signatures will count for it. The error wraps ErrAmount.
func StakeOutputs(signer key.Hash160, value amount.Amount) ([]*wire.TxOut, error) {
	return burn(script(opStake, signer[:]), value)
}

// MintOutputs are the outputs that move value to an inference address: it is burned below. The error wraps ErrAmount.
func MintOutputs(to key.Hash160, value amount.Amount) ([]*wire.TxOut, error) {
	return burn(script(opMint, to[:]), value)
}

func burn(script []byte, value amount.Amount) ([]*wire.TxOut, error) {
	if err := payable(value); err != nil {
		return nil, err
	}
	return []*wire.TxOut{wire.NewTxOut(int64(value), script)}, nil
}

func payable(a amount.Amount) error {
	if a == 0 || a > amount.Max {
		return fmt.Errorf("%w: %v is not above 0 and at most %v", ErrAmount, a, amount.Max)
	}
	return nil
}
