package clarity_test

import (
	"testing"

	"funai/clarity/session"
	"funai/clarity/types"
	"funai/clarity/value"
)

// TestMoneyGoesToWhomItIsDue plays deals of alice with bob to each of their ends, and counts what both have gained or lost.
func TestMoneyGoesToWhomItIsDue(t *testing.T) {
	const (
		deal      = "alice escrow.open @bob @carol u101 u100 => (ok u1)\n"
		disputed  = deal + "bob escrow.dispute u1 => (ok true)\n"
		post      = `alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave @erin) => (ok u1)` + "\n"
		claimed   = post + "bob inference-market.claim u1 => (ok true)\n"
		delivered = claimed + "bob inference-market.deliver u1 0x22 => (ok true)\n"
		contested = delivered + "alice inference-market.contest u1 => (ok true)\n"
		good      = "carol inference-market.judge u1 true => (ok true)\n"
		bad       = "erin inference-market.judge u1 false => (ok true)\n"
		settle    = "erin inference-market.settle u1 => (ok true)\n"
	)
	cases := []struct {
		name, contract, steps string
		alice, bob            int64
		burned                uint64
	}{
		{"released", "escrow", deal + "alice escrow.release u1 => (ok true)", -101, 101, 0},
		{"cancelled", "escrow", deal + "bob escrow.cancel u1 => (ok true)", 0, 0, 0},
		{"reclaimed", "escrow", deal + "mine 100\nalice escrow.reclaim u1 => (ok true)", 0, 0, 0},
		{"split", "escrow", disputed + "carol escrow.resolve u1 u30 => (ok true)", -30, 30, 0},
		{"halved", "escrow", disputed + "mine 1008\ndave escrow.halve u1 => (ok true)", -50, 50, 0},
		{"withdrawn", "inference-market", post + "alice inference-market.withdraw u1 => (ok true)", 0, 0, 0},
		{"not delivered", "inference-market", claimed + "mine 10\n" + settle, 50, -50, 0},
		{"accepted", "inference-market", delivered + "alice inference-market.accept u1 => (ok true)", -100, 100, 0},
		{"not contested", "inference-market", delivered + "mine 20\n" + settle, -100, 100, 0},
		{"found good", "inference-market", contested + good + "dave inference-market.judge u1 true => (ok true)", -100, 100, 0},
		{"found bad", "inference-market", contested + bad + "dave inference-market.judge u1 false => (ok true)", 0, -50, 50},
		{"undecided", "inference-market", contested + good + bad + "mine 30\n" + settle, 0, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, session.Options{Epoch: types.Epoch34}, c.contract)
			for _, s := range parseLife(t, c.steps) {
				if s.mine > 0 {
					w.s.Mine(s.mine)
					continue
				}
				w.must(s.want, s.who, s.method, s.args...)
			}
			gained := func(who string) int64 { return int64(w.coins(person(t, who))) - purse }
			if a, b := gained("alice"), gained("bob"); a != c.alice || b != c.bob || w.burned != value.U64(c.burned) {
				t.Fatalf("alice %+d, bob %+d, burned %v; want %+d, %+d, %d", a, b, w.burned, c.alice, c.bob, c.burned)
			}
			if left := w.coins(w.contract(c.contract)); left != 0 {
				t.Fatalf("%d coins are left in the contract", left)
			}
		})
	}
}
