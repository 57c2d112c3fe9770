package sortition

import (
	"bytes"
	"math"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
)

// Parse reads a ledger block's operations. An operation is a transaction whose first output carries one and whose first
// input spends a P2WPKH output; who acts is read from that output, never from the witness, since anyone may put a
// stranger's public key into a witness of another kind. Malformed operations do nothing and are left out.
func Parse(b Block) Ops {
	ops := Ops{Hash: b.Hash, Prev: b.Prev, Height: b.Height, Time: b.Time}
	for i, tx := range b.Txs {
		if i >= len(b.Spent) || i > math.MaxUint16 { // no ledger block has room for so many
			break
		}
		ops.add(uint16(i), tx, b.Spent[i])
	}
	return ops
}

func (o *Ops) add(index uint16, tx *wire.MsgTx, spent []*wire.TxOut) {
	if len(tx.TxOut) == 0 || len(spent) == 0 {
		return // of all transactions only the coinbase spends nothing
	}
	op, payload, ok := unscript(tx.TxOut[0].PkScript)
	if !ok {
		return
	}
	actor, ok := key.FromLedgerScript(spent[0].PkScript)
	if !ok {
		return
	}
	switch op {
	case opRegister:
		if d, ok := parseRegister(payload); ok {
			o.Registrations = append(o.Registrations, RegisterOp{index, actor, d})
		}
	case opCommit:
		if d, ok := parseCommit(payload); ok {
			o.Commits = append(o.Commits, CommitOp{index, actor, tx.TxHash(), d, tx.TxOut})
		}
	case opStake:
		if value, ok := burned(tx.TxOut[0]); ok && len(payload) == addressLen {
			o.Stakes = append(o.Stakes, StakeOp{index, actor, tx.TxHash(), key.Hash160(payload), value})
		}
	case opMint:
		if value, ok := burned(tx.TxOut[0]); ok && len(payload) == addressLen {
			o.Mints = append(o.Mints, MintOp{index, actor, tx.TxHash(), key.Hash160(payload), value})
		}
	}
}

// burned is an output's value, if it is one.
func burned(out *wire.TxOut) (amount.Amount, bool) {
	a := amount.Amount(out.Value) // a negative value exceeds Max
	return a, payable(a) == nil
}

// paid is what a commit's outputs pay under a cycle set: equal payments to all seats, in their order, right after the
// operation; in the bootstrap the operation's own value, which burns.
func paid(outs []*wire.TxOut, set CycleSet) (amount.Amount, bool) {
	if len(outs) < 1+len(set.Seats) {
		return 0, false
	}
	if set.Bootstrap() {
		return burned(outs[0])
	}
	share, ok := burned(outs[1])
	if !ok {
		return 0, false
	}
	for i, seat := range set.Seats {
		out := outs[1+i]
		if out.Value != int64(share) || !bytes.Equal(out.PkScript, seat.Address.LedgerScript()) {
			return 0, false
		}
	}
	total, err := share.Mul(uint64(len(set.Seats)))
	return total, err == nil && total <= amount.Max
}
