package producer_test

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/chain/chaintest"
	"funai/inference/execution"
	"funai/inference/partytest"
	"funai/inference/producer"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
	"funai/vrf"
)

const bid = 9000

// world is a chain with a candidate whose wallet sends only what the test mines.
type world struct {
	*partytest.World
	key    *key.Private
	wallet *partytest.Wallet
	bid    atomic.Int64
	sent   [][]*wire.TxOut // not mined yet
}

func newWorld(t *testing.T, seats int) *world {
	w := &world{World: partytest.New(t, seats, 2), key: partytest.Key(t, 1), wallet: &partytest.Wallet{}}
	w.bid.Store(bid)
	prover := vrf.NewKey([32]byte{7})
	w.Producers = append(w.Producers, &chaintest.Producer{Key: w.key, Prover: prover}) // whose tenures have blocks, too
	p := producer.New(producer.Config{Key: w.key, Prover: prover, Chain: w.Chain, Wallet: w.wallet,
		Bid: func() amount.Amount { return amount.Amount(w.bid.Load()) }, Logger: slog.New(slog.DiscardHandler)})
	w.Go(p.Run)
	return w
}

// took says how much was sent since it was last called, and keeps it for mine.
func (w *world) took() int {
	synctest.Wait()
	sent := w.wallet.Take()
	w.sent = append(w.sent, sent...)
	return len(sent)
}

// mine mines a ledger block, with what was sent if so said, and an inference block.
func (w *world) mine(sent bool) {
	w.Helper()
	var ops []chaintest.Op
	if sent {
		for _, outs := range w.sent {
			ops = append(ops, chaintest.Op{By: w.key, Outs: outs})
		}
		w.sent = nil
	}
	w.Elect(w.Producers[0], ops...)
	w.Extend()
	synctest.Wait()
}

// last is the last ledger block's election.
func (w *world) last() *sortition.Snapshot {
	w.Helper()
	s, err := w.Chain.Election(uint32(w.Ledger.Tip().Height))
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// registers has the candidate's registration mined.
func (w *world) registers() {
	w.Helper()
	if w.took() != 1 {
		w.Fatal("no registration was sent")
	}
	w.mine(true)
	if rs := w.last().Registrations; len(rs) != 1 || rs[0].Actor != w.key.Public().Hash160() {
		w.Fatalf("registered: %+v", rs)
	}
}

func TestACandidateRegistersOnceAndCommitsOnceABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		w.registers()
		for range 5 {
			if n := w.took(); n != 1 {
				t.Fatalf("%d commits for one election", n)
			}
			w.Extend() // another inference block is no other election
			if n := w.took(); n != 0 {
				t.Fatalf("%d more commits for the same election", n)
			}
			w.mine(true)
			s := w.last()
			if len(s.Registrations) != 0 || len(s.Commits) != 2 {
				t.Fatalf("%+v", s)
			}
			c := s.Commits[len(s.Commits)-1]
			if c.Actor != w.key.Public().Hash160() || c.Amount != bid || c.Late {
				t.Errorf("%+v", c)
			}
		}
	})
}

func TestARegistrationThatDoesNotShowUpIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		if n := w.took(); n != 1 {
			t.Fatalf("%d registrations", n)
		}
		for range 5 {
			w.mine(false)
			if n := w.took(); n != 0 {
				t.Fatalf("%d registrations while one is under way", n)
			}
		}
		w.mine(false)
		if n := w.took(); n != 1 {
			t.Errorf("%d registrations when the first is lost", n)
		}
	})
}

func TestACandidateRegistersAgainAfterAReorganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		before := w.Ledger.Tip()
		w.registers()
		if w.took() != 1 {
			t.Fatal("no commit")
		}
		w.sent = nil
		w.Ledger.Reset(before)
		w.Ledger.Mine()
		w.Ledger.Mine()
		w.Sync()
		if n := w.took(); n != 0 {
			t.Errorf("%d sent while the first registration may be mined again", n)
		}
		for range 6 {
			w.mine(false)
		}
		w.registers()
		if n := w.took(); n != 1 {
			t.Errorf("%d commits", n)
		}
	})
}

func TestACandidateStandsAsideWithoutFundsOrABid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0)
		w.registers()
		w.took()
		w.wallet.Fail(errors.New("no coins"))
		for range 3 {
			w.mine(true)
			if n := w.took(); n != 0 {
				t.Errorf("%d commits without funds", n)
			}
		}
		w.wallet.Fail(nil)
		w.bid.Store(0)
		w.mine(true)
		if n := w.took(); n != 0 {
			t.Errorf("%d commits of nothing", n)
		}
		w.bid.Store(bid)
		w.mine(true)
		if n := w.took(); n != 1 {
			t.Errorf("%d commits with funds again", n)
		}
	})
}

func TestABannedServerStandsAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.registers()
		w.bid.Store(0)
		me := w.key.Public().Hash160()
		w.Extend(w.Sign(w.key, 0, &tx.Lock{Kind: tx.LockBond, Amount: partytest.Bond}))
		for nonce := range uint64(w.Params.BanAfter) {
			w.Vote(partytest.PackOf(w.Pack(w.Answer(partytest.Key(t, 0), w.key, nonce, "nonsense"))), 1, execution.Invalid)
		}
		for w.Ledger.Tip().Height < int32(2*w.Params.Sortition.CycleLength) {
			w.mine(false)
		}
		if !w.Set(uint32(w.Ledger.Tip().Height)).IsBanned(me) {
			t.Fatal("not banned")
		}
		w.bid.Store(bid)
		w.took()
		w.mine(false)
		if n := w.took(); n != 0 {
			t.Errorf("%d commits of a banned key", n)
		}
	})
}
