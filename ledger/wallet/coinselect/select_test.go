package coinselect

import (
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"funai/amount"
)

func requests() *rapid.Generator[Request] {
	return rapid.Custom(func(t *rapid.T) Request {
		r := Request{
			Pay:  amount.Amount(rapid.Uint64Range(0, 3_000_000).Draw(t, "pay")),
			Base: BaseWeight([]*wire.TxOut{wire.NewTxOut(0, make([]byte, 22))}),
			Rate: amount.Amount(rapid.Uint64Range(0, 200_000).Draw(t, "rate")), LongTermRate: 10_000,
			ChangeWeight: 31 * scale, ChangeSpend: WeightP2WPKH, MinChange: 294, MaxWeight: 400_000,
			SubtractFee: rapid.Bool().Draw(t, "subtract"),
		}
		for i := range rapid.IntRange(0, 12).Draw(t, "coins") {
			c := Coin{amount.Amount(rapid.Uint64Range(0, 1_000_000).Draw(t, "value")), WeightP2WPKH, i}
			if rapid.Bool().Draw(t, "taproot") {
				c.Weight = WeightP2TR
			}
			if rapid.IntRange(0, 9).Draw(t, "preset") == 0 {
				r.Preset = append(r.Preset, c)
			} else {
				r.Coins = append(r.Coins, c)
			}
		}
		return r
	})
}

// bruteForce is the least waste of a set without change, by looking at all sets; false if there is none.
func bruteForce(s *search) (best int64, found bool) {
	for set := range 1 << len(s.coins) {
		var sum, waste int64
		for i, c := range s.coins {
			if set>>i&1 == 1 {
				sum, waste = sum+c.effective, waste+c.waste
			}
		}
		if sum >= s.target && sum <= s.target+s.changeCost && (!found || waste+sum-s.target < best) {
			best, found = waste+sum-s.target, true
		}
	}
	return best, found
}

func TestBranchAndBoundFindsTheLeastWaste(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := requests().Draw(t, "request")
		s := newSearch(&r)
		if s.target <= 0 {
			return
		}
		slices.SortStableFunc(s.coins, func(a, b candidate) int { return int(b.effective - a.effective) })
		want, possible := bruteForce(s)
		chosen, found := s.branchAndBound()
		if found != possible {
			t.Fatalf("found %v, possible %v", found, possible)
		}
		var sum, waste int64
		for _, c := range chosen {
			sum, waste = sum+c.effective, waste+c.waste
		}
		if found && waste+sum-s.target != want {
			t.Fatalf("waste %d, the best is %d", waste+sum-s.target, want)
		}
	})
}

func TestEveryChoiceAddsUpAndPaysItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := requests().Draw(t, "request")
		res, err := Select(r)
		if err != nil {
			if !errors.Is(err, ErrFunds) {
				t.Fatal(err)
			}
			return
		}
		var sum amount.Amount
		seen := map[int]bool{}
		weight := r.Base
		for _, c := range res.Coins {
			if seen[c.ID] {
				t.Fatal("a coin is spent twice")
			}
			seen[c.ID], sum, weight = true, sum+c.Value, weight+c.Weight
		}
		for _, c := range r.Preset {
			if !seen[c.ID] {
				t.Fatal("a preset coin is not spent")
			}
		}
		if res.Change > 0 {
			weight += r.ChangeWeight
			if res.Change < r.MinChange {
				t.Fatalf("change of %d is dust", res.Change)
			}
		}
		if weight != res.Weight || res.Fee < FeeFor(VSize(weight), r.Rate) {
			t.Fatalf("fee %d for %d weight units, said to be %d", res.Fee, weight, res.Weight)
		}
		paid := r.Pay + res.Change
		if !r.SubtractFee {
			paid += res.Fee
		} else {
			paid += res.Over
		}
		if paid != sum {
			t.Fatalf("%d of %d spent", paid, sum)
		}
	})
}

func TestAnExactCoinLeavesNoChange(t *testing.T) {
	r := Request{Pay: 100_000, Base: BaseWeight([]*wire.TxOut{wire.NewTxOut(0, make([]byte, 22))}), Rate: 1000, LongTermRate: 10_000,
		ChangeWeight: 31 * scale, ChangeSpend: WeightP2WPKH, MinChange: 294, MaxWeight: 400_000}
	exact := r.Pay + FeeFor(VSize(r.Base+WeightP2WPKH), r.Rate)
	r.Coins = []Coin{{5_000_000, WeightP2WPKH, 0}, {exact + 20, WeightP2WPKH, 1}, {90_000, WeightP2WPKH, 2}}
	res, err := Select(r)
	if err != nil || len(res.Coins) != 1 || res.Coins[0].ID != 1 || res.Change != 0 || res.Fee != exact+20-r.Pay {
		t.Fatalf("%+v, %v", res, err)
	}
	r.Coins = r.Coins[:1]
	if res, err = Select(r); err != nil || res.Change == 0 {
		t.Fatalf("%+v, %v", res, err)
	}
}

func TestErrorsNameBothSums(t *testing.T) {
	r := Request{Pay: 100_000, Base: 400, Rate: 1000, MaxWeight: 400_000, Coins: []Coin{{50_000, WeightP2WPKH, 0}}}
	_, err := Select(r)
	var lack *FundsError
	if !errors.As(err, &lack) || !errors.Is(err, ErrFunds) || lack.Have != 50_000-68 || lack.Need != 100_000+101 {
		t.Fatalf("%+v, %v", lack, err)
	}
	for i := range 3000 {
		r.Coins = append(r.Coins, Coin{100, WeightP2WPKH, i})
	}
	r.Pay = 110_000
	if _, err := Select(r); !errors.Is(err, ErrInputs) {
		t.Fatal(err)
	}
}

// Bitcoin Core's limits at its default dustrelayfee.
func TestDustLimits(t *testing.T) {
	for script, want := range map[string]amount.Amount{
		"\x00\x14" + string(make([]byte, 20)):                  294,
		"\x00\x20" + string(make([]byte, 32)):                  330,
		"\x51\x20" + string(make([]byte, 32)):                  330,
		"\x76\xa9\x14" + string(make([]byte, 20)) + "\x88\xac": 546,
		"\xa9\x14" + string(make([]byte, 20)) + "\x87":         540,
		"\x6a\x01\x01": 0,
	} {
		if got := Dust([]byte(script)); got != want {
			t.Errorf("%x: %d, want %d", script, got, want)
		}
	}
}

func BenchmarkSelect1000Coins(b *testing.B) {
	r := Request{Pay: 123_456_789, Base: 400, Rate: 20_000, LongTermRate: 10_000, ChangeWeight: 124, ChangeSpend: WeightP2WPKH, MinChange: 294, MaxWeight: 400_000}
	for i := range 1000 {
		r.Coins = append(r.Coins, Coin{amount.Amount(1_000_000 + i*7919%5_000_000), WeightP2WPKH, i})
	}
	for b.Loop() {
		if _, err := Select(r); err != nil {
			b.Fatal(err)
		}
	}
}
