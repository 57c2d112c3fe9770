package chain

import (
	"encoding/binary"

	"funai/amount"
	"funai/inference/codec"
	"funai/inference/execution"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// TaskInfo is all that the chain knows of an inference transaction, kept for people after the state has forgotten it.
type TaskInfo struct {
	_       struct{} `cbor:",toarray"`
	ID      tx.ID
	Asker   key.Hash160
	Server  key.Hash160
	Model   uint32
	Escrow  amount.Amount
	Expiry  uint32
	Order   uint32 // among what its block did
	Opened  Place
	Packed  Place
	Settled Place // also when it expired
	Pack    [32]byte
	Receipt tx.ID
	Output  [32]byte
	In, Out uint32
	Gas     uint64
	Fee     amount.Amount
	Verdict byte // execution.Valid, Invalid, NoMajority; 0 while pending
	Expired bool
	Votes   []execution.SeatVote
	Payouts []execution.Payout
}

// Place says where on both layers something happened; a zero height means that it has not.
type Place struct {
	_      struct{} `cbor:",toarray"`
	Height uint64
	Ledger uint32
	Time   uint64 // of the block, milliseconds since 1970
}

const maxTaskInfo = 1 << 20

func taskInfoKey(id tx.ID) []byte { return append([]byte{'t'}, id[:]...) }

// recentKey orders tasks by when they were opened, the latest first.
func recentKey(height uint64, i int) []byte {
	k := binary.BigEndian.AppendUint64([]byte{'r'}, ^height)
	return binary.BigEndian.AppendUint32(k, ^uint32(i))
}

// indexEvents brings the index up to date with a block's events.
func indexEvents(x *state.Layer, n *node, events []execution.Event) error {
	here := Place{Height: n.Height, Ledger: n.Tenure.Height, Time: n.Time}
	for i, e := range events {
		switch e.Kind {
		case execution.EventOpened:
			x.Put(recentKey(n.Height, i), e.Task[:])
			x.Put(taskInfoKey(e.Task), codec.Encode(TaskInfo{ID: e.Task, Asker: e.From, Server: e.Server, Model: e.Model,
				Escrow: e.Amount, Expiry: e.Expiry, Order: uint32(i), Opened: here}))
			continue
		case execution.EventPacked, execution.EventSettled, execution.EventExpired:
		default:
			continue
		}
		var t TaskInfo
		raw, err := x.Get(taskInfoKey(e.Task))
		if err != nil {
			return err
		}
		if raw != nil {
			if err := codec.Decode(raw, maxTaskInfo, &t); err != nil {
				return err
			}
		}
		t.ID = e.Task
		switch e.Kind {
		case execution.EventPacked:
			t.Packed, t.Pack, t.Server = here, e.Pack, e.Server
			t.Receipt, t.Output, t.In, t.Out, t.Gas, t.Fee = e.Receipt, e.Output, e.In, e.Out, e.Gas, e.Fee
		case execution.EventSettled:
			t.Settled, t.Verdict, t.Fee, t.Votes, t.Payouts = here, e.Verdict, e.Fee, e.Votes, e.Payouts
		case execution.EventExpired:
			t.Settled, t.Expired, t.Fee, t.Payouts = here, true, 0, e.Payouts
		}
		x.Put(taskInfoKey(e.Task), codec.Encode(t))
	}
	return nil
}
