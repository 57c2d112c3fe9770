package funding_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/chain/chaintest"
	"funai/inference/funding"
	"funai/inference/partytest"
	"funai/inference/tx"
)

// patience is the package's: ledger blocks until an operation without effect is done again.
const patience = 15

// world is a chain with a party, rich or not, whose wallet sends only what the test mines.
type world struct {
	*partytest.World
	party  *partytest.Party
	wallet *partytest.Wallet
}

func newWorld(t *testing.T, n uint64, wants funding.Wants) *world {
	w := &world{World: partytest.New(t, 0, 1), wallet: &partytest.Wallet{}}
	w.party = w.Party(partytest.Key(t, n))
	w.Go(func(ctx context.Context) error {
		return funding.Run(ctx, funding.Config{Key: w.party.Key, Chain: w.Chain, Pool: w.party.Pool, Wallet: w.wallet, Wants: wants,
			Logger: slog.New(slog.DiscardHandler)})
	})
	return w
}

// took returns what was sent, and its values, since it was last called.
func (w *world) took() (sent [][]*wire.TxOut, values []amount.Amount) {
	time.Sleep(2 * time.Second)
	synctest.Wait()
	sent = w.wallet.Take()
	for _, outs := range sent {
		values = append(values, amount.Amount(outs[0].Value))
	}
	return sent, values
}

// next mines a ledger block with operations of the party, and an inference block of what waits.
func (w *world) next(sent ...[]*wire.TxOut) {
	w.Helper()
	var ops []chaintest.Op
	for _, outs := range sent {
		ops = append(ops, chaintest.Op{By: w.party.Key, Outs: outs})
	}
	w.Elect(w.Producers[0], ops...)
	w.From(w.party.Pool)
}

// quiet lets ledger blocks pass in which nothing may be sent.
func (w *world) quiet(blocks int) {
	w.Helper()
	for range blocks {
		w.next()
		if _, vs := w.took(); len(vs) != 0 {
			w.Errorf("%v sent while an operation is under way or nothing lacks", vs)
		}
	}
}

func TestStakeIsBroughtUpOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const want = amount.FAI / 5
		w := newWorld(t, 5, funding.Wants{Stake: want})
		sent, vs := w.took()
		if len(vs) != 1 || vs[0] != want {
			t.Fatalf("%v", vs)
		}
		w.quiet(5)
		w.next(sent...)
		if a := w.party.Account(); a.Stake != want {
			t.Fatalf("%+v", a)
		}
		w.quiet(patience + 1)
	})
}

func TestAnOperationWithoutEffectIsDoneAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5, funding.Wants{Stake: 1000})
		w.took()
		w.quiet(patience - 1)
		w.next()
		if _, vs := w.took(); len(vs) != 1 || vs[0] != 1000 {
			t.Errorf("%v", vs)
		}
	})
}

func TestOnlyWhatLacksOfABalanceIsBroughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, funding.Wants{Balance: 5 * amount.FAI / 2})
		sent, vs := w.took()
		if len(vs) != 1 || vs[0] != 3*amount.FAI/2 {
			t.Fatalf("%v", vs)
		}
		w.next(sent...)
		w.quiet(int(w.Params.MintDelay))
		if a := w.party.Account(); a.Balance != 5*amount.FAI/2 {
			t.Errorf("%v", a.Balance)
		}
		w.quiet(patience)
	})
}

func TestABalanceIsToppedUpAtHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, funding.Wants{Balance: 2 * amount.FAI})
		w.quiet(3) // it has exactly half
		w.Extend(w.Sign(w.party.Key, 0, &tx.Transfer{To: partytest.Key(t, 9).Public().Hash160(), Amount: 1}))
		if _, vs := w.took(); len(vs) != 1 || vs[0] != amount.FAI+1+w.Params.MinFee {
			t.Errorf("%v", vs)
		}
	})
}

func TestABondIsLockedFromTheBalanceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, funding.Wants{Bond: amount.FAI / 2})
		if _, vs := w.took(); len(vs) != 0 {
			t.Errorf("%v sent for what the balance covers", vs)
		}
		ts, _ := w.party.Pool.Since(0)
		if len(ts) != 1 || ts[0].Payload.(*tx.Lock).Amount != amount.FAI/2 {
			t.Fatalf("%d transactions", len(ts))
		}
		w.quiet(3)
		if a := w.party.Account(); a.Bond != amount.FAI/2 || a.Balance != amount.FAI/2-w.Params.MinFee {
			t.Errorf("%+v", a)
		}
		if w.party.Pool.Len() != 0 {
			t.Error("locked twice")
		}
	})
}

func TestABondThatTheBalanceDoesNotCoverComesUpFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bond, balance = amount.FAI / 2, amount.FAI / 4
		w := newWorld(t, 5, funding.Wants{Bond: bond, Balance: balance})
		sent, vs := w.took()
		if len(vs) != 1 || vs[0] != bond+balance+w.Params.MinFee {
			t.Fatalf("%v", vs)
		}
		w.next(sent...)
		w.quiet(patience)
		if a := w.party.Account(); a.Bond != bond || a.Balance != balance {
			t.Errorf("%+v", a)
		}
	})
}

func TestLackOfLedgerCoinsIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 5, funding.Wants{Stake: 1000, Balance: 1000})
		w.took()
		w.next()
		w.wallet.Fail(errors.New("no coins"))
		for range patience + 2 {
			w.next()
		}
		w.took()
		w.wallet.Fail(nil)
		if _, vs := w.took(); len(vs) != 2 {
			t.Errorf("%v sent once there are coins", vs)
		}
	})
}
