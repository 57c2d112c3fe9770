package execution

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"funai/amount"
	"funai/inference/codec"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// Audit reads the whole state and says whether it is consistent: the coins add up to the totals, every reserve and count
// in an account has its tasks, no bond is less than what is reserved of it, and everything that must fall due is listed.
func Audit(s *state.Store) error {
	a := audit{accounts: map[key.Hash160]Account{}, tasks: map[tx.ID]Task{}, packs: map[[32]byte]Pack{}, votes: map[[32]byte]votes{}, listed: map[string]map[[32]byte]bool{},
		lists: map[string]due[struct{}]{}, pages: map[string]uint32{}}
	var err error
	if a.want, err = TotalsOf(s); err != nil {
		return err
	}
	if err := a.want.Check(); err != nil {
		return err
	}
	if err := s.Each(nil, a.read); err != nil {
		return err
	}
	a.got.Bridged, a.got.Issued, a.got.Burned = a.want.Bridged, a.want.Issued, a.want.Burned // only ever counted
	if a.got != a.want {
		return fmt.Errorf("%w: accounts and tasks make %+v, totals say %+v", ErrSupply, a.got, a.want)
	}
	return errors.Join(a.checkTasks(), a.checkLists(), a.checkStakers())
}

// audit is what was read so far.
type audit struct {
	want, got Totals
	accounts  map[key.Hash160]Account
	tasks     map[tx.ID]Task
	packs     map[[32]byte]Pack
	votes     map[[32]byte]votes
	stakers   []Staker
	done      uint32
	listed    map[string]map[[32]byte]bool // ids by the key of their list
	lists     map[string]due[struct{}]
	pages     map[string]uint32 // how many pages kept apart were read of each list
}

// read takes in one record.
func (a *audit) read(k, v []byte) error {
	switch k[0] {
	case 'a':
		var x Account
		if err := codec.DecodeOwn(v, maxRecord, &x); err != nil {
			return err
		}
		if x.Reserved > x.Bond {
			return fmt.Errorf("%w: account %x has %v reserved of a bond of %v", ErrSupply, k[1:], x.Reserved, x.Bond)
		}
		a.accounts[key.Hash160(k[1:])] = x
		return errors.Join(add(&a.got.Held, x.Balance), add(&a.got.Staked, x.Stake), add(&a.got.Bonded, x.Bond))
	case 't':
		var x Task
		if err := codec.DecodeOwn(v, maxRecord, &x); err != nil {
			return err
		}
		a.tasks[tx.ID(k[1:])] = x
		return add(&a.got.Escrow, x.Escrow)
	case 'p':
		var x Pack
		err := codec.DecodeOwn(v, maxRecord, &x)
		a.packs[[32]byte(k[1:])] = x
		return err
	case 'v':
		var x votes
		err := codec.DecodeOwn(v, maxRecord, &x)
		a.votes[[32]byte(k[1:])] = x
		return err
	case 'r':
		var x Reward
		if err := codec.DecodeOwn(v, maxRecord, &x); err != nil {
			return err
		}
		return add(&a.got.Immature, x.Base)
	case 's':
		return codec.DecodeOwn(v, maxRecord, &a.stakers)
	case 'h':
		return codec.DecodeOwn(v, maxRecord, &a.done)
	case 'e', 'd':
		return readList(a, k, v, func(list string, id [32]byte) error {
			if a.listed[list] == nil {
				a.listed[list] = map[[32]byte]bool{}
			}
			a.listed[list][id] = true
			return nil
		})
	case 'u':
		return readList(a, k, v, func(_ string, u Unlocking) error { return add(&a.got.Unlocking, u.Amount) })
	}
	return nil
}

// listKey is how long the key of a list is; that of a page kept apart goes on.
const listKey = 1 + 4

// readList takes in a list or one of its pages.
func readList[T any](a *audit, k, v []byte, f func(list string, item T) error) error {
	list, items := string(k[:listKey]), []T(nil)
	if len(k) > listKey {
		a.pages[list]++
		if err := codec.DecodeOwn(v, maxRecord, &items); err != nil {
			return err
		}
	} else {
		var d due[T]
		if err := codec.DecodeOwn(v, maxRecord, &d); err != nil {
			return err
		}
		a.lists[list], items = due[struct{}]{First: d.First, End: d.End}, d.Items
	}
	if n := len(items); n == 0 || n > duePage {
		return fmt.Errorf("%w: %d entries under %x, not 1 to %d", ErrSupply, n, k, duePage)
	}
	for _, x := range items {
		if err := f(list, x); err != nil {
			return err
		}
	}
	return nil
}

// checkTasks compares accounts and packs with the unsettled tasks.
func (a *audit) checkTasks() error {
	open, reserved, packed := map[key.Hash160]uint32{}, map[key.Hash160]amount.Amount{}, map[[32]byte]int{}
	for id, t := range a.tasks {
		open[t.Asker]++
		sum := reserved[t.Server]
		if err := add(&sum, t.Reserve); err != nil {
			return err
		}
		if reserved[t.Server] = sum; t.Pack == ([32]byte{}) {
			if k := dueTasksKey(t.Expiry + 1); !a.listed[string(k)][id] {
				return fmt.Errorf("%w: task %v is not in the list %x", ErrSupply, id, k)
			}
			continue
		}
		packed[t.Pack]++
		if !slices.ContainsFunc(a.packs[t.Pack].Results, func(r Packed) bool { return r.Task == id && !r.Void }) {
			return fmt.Errorf("%w: task %v is not in its pack %x", ErrSupply, id, t.Pack)
		}
	}
	for h, x := range a.accounts {
		if x.Open != open[h] || x.Reserved != reserved[h] {
			return fmt.Errorf("%w: account %v counts %d tasks and %v reserved, there are %d and %v", ErrSupply, h, x.Open, x.Reserved, open[h], reserved[h])
		}
	}
	for id, p := range a.packs {
		live := 0
		for _, r := range p.Results {
			if !r.Void {
				live++
			}
		}
		if v := a.votes[id]; len(a.votes) != len(a.packs) || v.Results != len(p.Results) || v.Ledger != p.Ledger {
			return fmt.Errorf("%w: pack %x has %d results, %d are voted on; %d packs, %d votes", ErrSupply, id, len(p.Results), v.Results, len(a.packs), len(a.votes))
		}
		if live != packed[id] {
			return fmt.Errorf("%w: pack %x has %d results, %d tasks are in it", ErrSupply, id, live, packed[id])
		}
	}
	return nil
}

// checkLists checks that every pack is listed, and that lists are whole and not overdue.
func (a *audit) checkLists() error {
	due := map[[32]byte]bool{}
	for k, ids := range a.listed {
		for id := range ids {
			due[id] = due[id] || k[0] == 'd'
		}
	}
	for id := range a.packs {
		if !due[id] {
			return fmt.Errorf("%w: no list has pack %x", ErrSupply, id)
		}
	}
	for k, d := range a.lists {
		if n := a.pages[k]; d.End-d.First != n {
			return fmt.Errorf("%w: list %x has pages %d to %d, %d are there", ErrSupply, k, d.First, d.End, n)
		}
		if h := binary.BigEndian.Uint32([]byte(k[1:])); h <= a.done {
			return fmt.Errorf("%w: list %x is there, everything up to %d is done", ErrSupply, k, a.done)
		}
	}
	for k := range a.pages {
		if _, ok := a.lists[k]; !ok {
			return fmt.Errorf("%w: pages of no list %x", ErrSupply, k)
		}
	}
	return nil
}

// checkStakers compares the list of stakers with their accounts.
func (a *audit) checkStakers() error {
	for i, s := range a.stakers {
		if x := a.accounts[s.Address]; x.Stake != s.Stake || x.Signer != s.Signer {
			return fmt.Errorf("%w: staker %v is listed with %v by %v, the account has %v by %v", ErrSupply, s.Address, s.Stake, s.Signer, x.Stake, x.Signer)
		}
		if i > 0 && order(a.stakers[i-1], s) >= 0 {
			return fmt.Errorf("%w: staker %v is listed after %v", ErrSupply, s.Address, a.stakers[i-1].Address)
		}
	}
	return nil
}
