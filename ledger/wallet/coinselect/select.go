package coinselect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"funai/amount"
)

var (
	// ErrFunds says that the coins are worth too little; the error is a *FundsError.
	ErrFunds = errors.New("insufficient funds")
	// ErrInputs says that a payment takes more coins than fit into one transaction.
	ErrInputs = errors.New("too many small coins")
)

// FundsError tells what the coins are worth after the fee for spending them, and what was to be paid, in base units.
type FundsError struct{ Have, Need amount.Amount }

// Error names both sums.
func (e *FundsError) Error() string {
	return fmt.Sprintf("%v: have %v FAI, need %v FAI", ErrFunds, e.Have, e.Need)
}

// Unwrap makes errors.Is(err, ErrFunds) true.
func (e *FundsError) Unwrap() error { return ErrFunds }

// Coin is something to spend.
type Coin struct {
	Value  amount.Amount
	Weight int64 // of the input that spends it
	ID     int   // the caller's
}

// Request is a payment to be funded.
type Request struct {
	Coins  []Coin // to choose from
	Preset []Coin // spent in any case
	Pay    amount.Amount
	// Base is BaseWeight of the outputs to pay.
	Base int64
	// Rate is the fee to pay, LongTermRate what the wallet expects to pay for spending a coin at another time; both per
	// 1,000 virtual bytes.
	Rate, LongTermRate amount.Amount
	// ChangeWeight is what an output of change weighs, ChangeSpend the input that will spend it. MinChange is the least
	// value worth such an output.
	ChangeWeight, ChangeSpend int64
	MinChange                 amount.Amount
	// SubtractFee has the receivers pay the fee: the coins need only be worth Pay.
	SubtractFee bool
	// MaxWeight bounds the transaction.
	MaxWeight int64
}

// Result is what to spend. The coins' sum is Pay + Fee + Change, or Pay + Change where the receivers pay the fee, but that
// what is over without an output of change (Over) goes to the miner then, too, and lessens what is taken off the receivers.
type Result struct {
	Coins  []Coin // the preset ones first
	Fee    amount.Amount
	Change amount.Amount // 0: no output of change
	Over   amount.Amount // with SubtractFee and no change: what the coins are worth beyond Pay
	Weight int64
}

// Select chooses coins. Errors wrap ErrFunds and ErrInputs.
func Select(r Request) (Result, error) {
	s := newSearch(&r)
	if s.target <= 0 {
		return s.result(nil)
	}
	slices.SortStableFunc(s.coins, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.effective, a.effective), cmp.Compare(a.waste, b.waste))
	})
	if chosen, ok := s.branchAndBound(); ok {
		return s.result(chosen)
	}
	return s.largestFirst()
}

// candidate is a coin that is worth more than it costs to spend.
type candidate struct {
	Coin
	effective int64 // value less the fee for its input
	waste     int64 // that fee less the fee at the long-term rate
}

type search struct {
	r     *Request
	coins []candidate
	// target is what the chosen coins must be worth effectively, the preset ones' worth taken off.
	target int64
	// changeCost is what an output of change costs now and when it is spent: a set without change may be that much over.
	changeCost int64
	weight     int64 // of the transaction without chosen coins and change
	have       int64
}

func newSearch(r *Request) *search {
	s := &search{r: r, weight: r.Base}
	for _, c := range r.Preset {
		s.weight += c.Weight
	}
	for _, c := range r.Coins {
		k := candidate{Coin: c, effective: int64(c.Value), waste: int64(feeUp(c.Weight, r.Rate)) - int64(feeUp(c.Weight, r.LongTermRate))}
		if !r.SubtractFee {
			k.effective -= int64(feeUp(c.Weight, r.Rate))
		}
		if k.effective > 0 {
			s.coins, s.have = append(s.coins, k), s.have+k.effective
		}
	}
	// The whole is rounded up to virtual bytes, and many inputs take a longer number.
	s.weight += countWeight(len(r.Preset) + len(s.coins))
	s.target = int64(r.Pay)
	if !r.SubtractFee {
		s.target += int64(feeUp(s.weight+scale-1, r.Rate))
	}
	for _, c := range r.Preset {
		s.target -= int64(c.Value)
	}
	s.changeCost = int64(feeUp(r.ChangeWeight, r.Rate)) + int64(feeUp(r.ChangeSpend, r.LongTermRate))
	return s
}

// tries bounds the sets that branch and bound looks at (Bitcoin Core's TOTAL_TRIES).
const tries = 100_000

// branchAndBound looks for the least wasteful set that needs no change: worth the target, and less than the cost of change
// beyond it. The coins are sorted, the one worth most first. It goes depth first, a coin taken before the same coin left.
func (s *search) branchAndBound() ([]candidate, bool) {
	if s.have < s.target {
		return nil, false
	}
	rest := make([]int64, len(s.coins)+1) // what the coins from here on are worth
	for i := len(s.coins) - 1; i >= 0; i-- {
		rest[i] = rest[i+1] + s.coins[i].effective
	}
	b := branch{search: s, rest: rest, left: tries}
	b.from(0, 0, 0, s.weight)
	if b.best == nil {
		return nil, false
	}
	chosen := make([]candidate, len(b.best))
	for i, n := range b.best {
		chosen[i] = s.coins[n]
	}
	return chosen, true
}

type branch struct {
	*search
	rest      []int64
	left      int
	path      []int
	best      []int
	bestWaste int64
}

// from decides on the coins from i on, when those on the path are worth sum, waste that much, and make the weight.
func (b *branch) from(i int, sum, waste, weight int64) {
	for ; ; i++ {
		if b.left--; b.left < 0 || weight > b.r.MaxWeight || sum > b.target+b.changeCost {
			return
		}
		if b.best != nil && b.r.Rate >= b.r.LongTermRate && waste > b.bestWaste {
			return // every further coin only adds waste
		}
		if sum >= b.target {
			if w := waste + sum - b.target; b.best == nil || w < b.bestWaste {
				b.best, b.bestWaste = slices.Clone(b.path), w
			}
			if b.r.Rate >= b.r.LongTermRate {
				return // while spending is cheap, a coin more can be less waste
			}
		}
		if i == len(b.coins) || sum+b.rest[i] < b.target {
			return
		}
		// A coin like one that was just left leads to the same sets again.
		c := b.coins[i]
		if !b.leftTwin(i) {
			b.path = append(b.path, i)
			b.from(i+1, sum+c.effective, waste+c.waste, weight+c.Weight)
			b.path = b.path[:len(b.path)-1]
		}
	}
}

// leftTwin says whether the coin before is as good as this one and not on the path.
func (b *branch) leftTwin(i int) bool {
	if i == 0 || len(b.path) > 0 && b.path[len(b.path)-1] == i-1 {
		return false
	}
	p, c := b.coins[i-1], b.coins[i]
	return p.effective == c.effective && p.Weight == c.Weight
}

// largestFirst takes the coins worth most until they are enough.
func (s *search) largestFirst() (Result, error) {
	sum, weight := int64(0), s.weight
	for i, c := range s.coins {
		sum, weight = sum+c.effective, weight+c.Weight
		if weight > s.r.MaxWeight {
			return Result{}, fmt.Errorf("%w: %v FAI takes more than the %d coins that %d weight units hold", ErrInputs, s.r.Pay, i, s.r.MaxWeight)
		}
		if sum >= s.target {
			return s.result(s.coins[:i+1])
		}
	}
	return Result{}, s.lacking()
}

func (s *search) lacking() error {
	preset := amount.Amount(0)
	for _, c := range s.r.Preset {
		preset += c.Value
	}
	return &FundsError{Have: amount.Amount(max(s.have, 0)) + preset, Need: amount.Amount(max(s.target, 0)) + preset}
}

// result works out the exact fee of a choice, and the change that is left.
func (s *search) result(chosen []candidate) (Result, error) {
	r := s.r
	res := Result{Coins: slices.Clone(r.Preset), Weight: r.Base}
	for _, c := range chosen {
		res.Coins = append(res.Coins, c.Coin)
	}
	var sum amount.Amount
	for _, c := range res.Coins {
		sum, res.Weight = sum+c.Value, res.Weight+c.Weight
	}
	res.Weight += countWeight(len(res.Coins))
	res.Fee = FeeFor(VSize(res.Weight), r.Rate)
	withChange := res.Weight + r.ChangeWeight
	changeFee := FeeFor(VSize(withChange), r.Rate)
	need, needWithChange := r.Pay, r.Pay
	if !r.SubtractFee {
		need, needWithChange = need+res.Fee, needWithChange+changeFee
	}
	switch {
	case len(res.Coins) == 0 || sum < need:
		return Result{}, s.lacking()
	case r.ChangeWeight > 0 && sum >= needWithChange+max(r.MinChange, 1):
		res.Change, res.Fee, res.Weight = sum-needWithChange, changeFee, withChange
	case r.SubtractFee:
		res.Over = sum - r.Pay
		res.Fee = max(res.Fee, res.Over)
	default:
		res.Fee = sum - r.Pay
	}
	if res.Weight > r.MaxWeight {
		return Result{}, fmt.Errorf("%w: %d weight units, more than %d", ErrInputs, res.Weight, r.MaxWeight)
	}
	return res, nil
}
