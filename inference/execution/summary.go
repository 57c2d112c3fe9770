package execution

import (
	"cmp"
	"slices"

	"funai/amount"
	"funai/inference/codec"
	"funai/inference/state"
	"funai/key"
)

// Locked sums up what is a key's but not in its hands: the escrow of its unsettled tasks, and the most that its tenures'
// pending rewards can bring. It reads all tasks and rewards, so it is for pages.
func Locked(s *state.Store, h key.Hash160) (escrow, immature amount.Amount, err error) {
	err = s.Each([]byte{'t'}, func(_, v []byte) error {
		var t Task
		if err := codec.DecodeOwn(v, maxRecord, &t); err != nil || t.Asker != h {
			return err
		}
		return add(&escrow, t.Escrow)
	})
	if err != nil {
		return 0, 0, err
	}
	err = s.Each([]byte{'r'}, func(_, v []byte) error {
		var r Reward
		if err := codec.DecodeOwn(v, maxRecord, &r); err != nil || r.Producer != h {
			return err
		}
		return add(&immature, r.Base)
	})
	return escrow, immature, err
}

// Richest lists the keys with the most FAI, balance, stake and bond together, the greatest first. It reads all accounts, so
// it is for pages.
func Richest(s *state.Store, limit int) ([]key.Hash160, error) {
	type holder struct {
		who key.Hash160
		sum amount.Amount
	}
	var all []holder
	err := s.Each([]byte{'a'}, func(k, v []byte) error {
		var a Account
		if err := codec.DecodeOwn(v, maxRecord, &a); err != nil {
			return err
		}
		sum, err := amount.Sum(a.Balance, a.Stake, a.Bond)
		if err != nil || len(k) != 1+len(key.Hash160{}) {
			return err
		}
		all = append(all, holder{key.Hash160(k[1:]), sum})
		// Twice the limit at a time is kept, so that a large state does not fill the memory.
		if len(all) >= 2*limit+2 {
			all = greatest(all, limit, func(a, b holder) int { return cmp.Compare(b.sum, a.sum) })
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all = greatest(all, limit, func(a, b holder) int { return cmp.Compare(b.sum, a.sum) })
	out := make([]key.Hash160, len(all))
	for i, h := range all {
		out[i] = h.who
	}
	return out, nil
}

func greatest[T any](all []T, limit int, order func(a, b T) int) []T {
	slices.SortStableFunc(all, order)
	return all[:min(len(all), limit)]
}
