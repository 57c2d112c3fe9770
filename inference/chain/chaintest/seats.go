package chaintest

import (
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/sortition"
	"funai/key"
)

func script(s []byte) []*wire.TxOut { return []*wire.TxOut{wire.NewTxOut(0, s)} }

// firstSeat is the number of the first seat's key.
const firstSeat = 100

// Seated makes a world's chain up to the first block of the first cycle that has a group, of so many seats.
func (w *World) Seated(seats int) {
	w.Helper()
	var ops []Op
	for i := range seats {
		ops = append(ops, w.Stake(Key(w, firstSeat+uint64(i)), amount.FAI))
	}
	w.Elect(w.Producers[0], ops...)
	w.Extend()
	w.TenuresUntil(w.Params.Sortition.CycleLength)
	if got := len(w.Seats(w.Params.Sortition.CycleLength)); got != seats {
		w.Fatalf("%d seats, not %d", got, seats)
	}
}

// Set is who sits at a ledger height.
func (w *World) Set(height uint32) sortition.CycleSet {
	w.Helper()
	set, err := w.Chain.Set(height)
	if err != nil {
		w.Fatal(err)
	}
	return set
}

// Seats are the keys of those who sit at a ledger height, in the seats' order.
func (w *World) Seats(height uint32) []*key.Private {
	w.Helper()
	return w.keys(w.Set(height))
}

// voters are the keys of those who vote on a block in a round; of those who sit at its height, if it can't be told.
func (w *World) voters(b *block.Block, r block.Round) []*key.Private {
	w.Helper()
	set, err := w.Chain.Voters(b.Header.Parent, r)
	if err != nil {
		return w.Seats(r.Height)
	}
	return w.keys(set)
}

func (w *World) keys(set sortition.CycleSet) (ks []*key.Private) {
	for _, s := range set.Seats {
		for _, k := range w.Staked {
			if k.Public().Hash160() == s.Signer {
				ks = append(ks, k)
				break
			}
		}
	}
	return ks
}

// Certify is a block's certificate of a round: by the seats numbered, or by all if none is. Without a group it is none.
func (w *World) Certify(b *block.Block, r block.Round, seats ...int) block.Certificate {
	w.Helper()
	return w.Votes(block.Commit, b, r, seats...)
}

// Votes are seats' votes of a kind for a block in a round, as a certificate.
func (w *World) Votes(kind byte, b *block.Block, r block.Round, seats ...int) block.Certificate {
	w.Helper()
	ks := w.voters(b, r)
	if len(seats) == 0 {
		for i := range ks {
			seats = append(seats, i)
		}
	}
	votes := map[int]block.Vote{}
	for _, i := range seats {
		votes[i] = w.Vote(kind, ks[i], b, r)
	}
	return block.Certify(votes, len(ks))
}

// Vote is a key's vote for a block in a round.
func (w *World) Vote(kind byte, k *key.Private, b *block.Block, r block.Round) block.Vote {
	v := block.Vote{Kind: kind, Height: b.Header.Height, Round: r, Block: b.ID()}
	v.Sign(k, w.Params.ChainID)
	return v
}
