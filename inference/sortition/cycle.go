package sortition

import (
	"funai/amount"
	"funai/key"
)

// Seat is one verification node's place in a cycle: one vote.
type Seat struct {
	Address key.Hash160 // whose stake it is, and who is paid by commits and rewards
	Signer  key.Hash160 // whose signatures count as the seat's
	Stake   amount.Amount
}

// CycleSet is who verifies in a reward cycle, and who may not stand for election in it. A set without seats is the
// bootstrap: commits burn what they pay.
type CycleSet struct {
	Cycle  uint32
	Seats  []Seat
	Banned []key.Hash160
}

// Majority is the number of seats that decides an inference result: more than half.
func (c CycleSet) Majority() int { return len(c.Seats)/2 + 1 }

// Quorum is the number of seats that certifies a block: more than two thirds.
func (c CycleSet) Quorum() int { return 2*len(c.Seats)/3 + 1 }

// Bootstrap says whether there are no seats.
func (c CycleSet) Bootstrap() bool { return len(c.Seats) == 0 }

// IsBanned says whether a key may not stand for election in this cycle.
func (c CycleSet) IsBanned(h key.Hash160) bool {
	for _, b := range c.Banned {
		if b == h {
			return true
		}
	}
	return false
}
