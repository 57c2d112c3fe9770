package vm_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/store"
	"funai/clarity/value"
	"funai/clarity/vm"
)

func TestLockedCoinsComeFreeAtTheirHeight(t *testing.T) {
	s, p := store.NewMemory(), value.Principal{Hash: [20]byte{1}}
	early := vm.NewCoins(s, 10)
	if err := errors.Join(early.Mint(p, value.U64(100)), early.Lock(p, value.U64(60), 20)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		height uint64
		want   vm.Balance
	}{
		{10, vm.Balance{Unlocked: value.U64(40), Locked: value.U64(60), UnlockHeight: 20}},
		{19, vm.Balance{Unlocked: value.U64(40), Locked: value.U64(60), UnlockHeight: 20}},
		{20, vm.Balance{Unlocked: value.U64(100)}},
		{99, vm.Balance{Unlocked: value.U64(100)}},
	} {
		if got, err := vm.NewCoins(s, c.height).Balance(p); err != nil || got != c.want {
			t.Errorf("at height %d: %+v %v, not %+v", c.height, got, err, c.want)
		}
	}
	if err := early.Burn(p, value.U64(41)); !errors.Is(err, vm.ErrFunds) {
		t.Errorf("burned locked coins: %v", err)
	}
	if err := early.Lock(p, value.U64(1), 30); !errors.Is(err, vm.ErrFunds) {
		t.Errorf("locked twice: %v", err)
	}
	if err := vm.NewCoins(s, 20).Transfer(p, value.Principal{}, value.U64(100)); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestCoinsRefuseMoreThanThereAre(t *testing.T) {
	s, p, q := store.NewMemory(), value.Principal{Hash: [20]byte{1}}, value.Principal{Hash: [20]byte{1}, Contract: "a"}
	c, all := vm.NewCoins(s, 0), value.Uint128{Hi: 1<<64 - 1, Lo: 1<<64 - 1}
	if err := c.Mint(p, all); err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		err, want error
	}{
		{c.Mint(q, value.U64(1)), vm.ErrTooMany},
		{c.Transfer(q, p, value.U64(1)), vm.ErrFunds},
		{c.Burn(q, value.U64(1)), vm.ErrFunds},
		{c.Lock(q, value.U64(1), 9), vm.ErrFunds},
	} {
		if !errors.Is(e.err, e.want) {
			t.Errorf("%v, not %v", e.err, e.want)
		}
	}
	if err := c.Transfer(p, q, all); err != nil {
		t.Fatal(err)
	}
	if err := c.Burn(q, all); err != nil || s.Len() != 0 {
		t.Fatalf("%v; %d keys stay of coins that are gone", err, s.Len())
	}
}

func TestCoinsAddUpToTheirSupply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, all := store.NewMemory(), []value.Principal{{}, {Version: 1}, {Hash: [20]byte{1}}, {Contract: "a"}, {Contract: "ab"}}
		height := uint64(0)
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			c := vm.NewCoins(s, height)
			who, to := rapid.SampledFrom(all).Draw(t, "who"), rapid.SampledFrom(all).Draw(t, "to")
			n := value.U64(rapid.Uint64Range(0, 20).Draw(t, "amount"))
			mark := s.Mark()
			var err error
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				err = c.Mint(who, n)
			case 1:
				err = c.Transfer(who, to, n)
			case 2:
				err = c.Burn(who, n)
			case 3:
				err = c.Lock(who, n, height+rapid.Uint64Range(0, 3).Draw(t, "blocks"))
			case 4:
				height++
			}
			if err != nil || rapid.IntRange(0, 5).Draw(t, "undo") == 0 {
				s.Rollback(mark)
			}
			supply, err := c.Supply()
			if err != nil {
				t.Fatal(err)
			}
			var sum value.Uint128
			for _, p := range all {
				b, err := c.Balance(p)
				if err != nil {
					t.Fatal(err)
				}
				sum, _ = sum.Add(b.Unlocked)
				sum, _ = sum.Add(b.Locked)
			}
			if sum != supply {
				t.Fatalf("%v coins, and a supply of %v", sum, supply)
			}
		}
	})
}
