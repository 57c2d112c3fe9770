package clarity_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/session"
	"funai/clarity/types"
	"funai/clarity/value"
)

// field is an unsigned integer of a tuple.
func field(v value.Value, name string) uint64 {
	f, _ := v.Field(name)
	n, _ := f.AsUInt().Uint64()
	return n
}

func u(n uint64) string { return fmt.Sprintf("u%d", n) }

// TestPairNeverLosesToTraders plays random trades and deposits: the product of the reserves does not fall in a trade, its
// root does not fall for a share in anything, the reserves are what the pair has, and nobody gains by going in and out.
func TestPairNeverLosesToTraders(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, session.Options{Epoch: types.Epoch34}, "ft-trait", "token", "gold", "pair")
		for _, who := range []string{"dora", "alice", "bob"} {
			for _, token := range []string{"token", "gold"} {
				w.must("(ok true)", "dora", token+".mint", "u1000000000", "@"+who)
			}
		}
		amount := rapid.Uint64Range(1001, 1_000_000)
		if _, err := w.call("dora", "pair.open", "@.token", "@.gold", u(amount.Draw(r, "x")), u(amount.Draw(r, "y"))); err != nil {
			r.Fatal(err)
		}
		// worth is the product of the reserves over the square of the shares, as a fraction; product is the former alone.
		pool := func() (x, y, shares *big.Int) {
			p := w.read("pair.get-pool")
			n := func(name string) *big.Int { return new(big.Int).SetUint64(field(p, name)) }
			return n("x"), n("y"), n("shares")
		}
		traders := rapid.SampledFrom([]string{"alice", "bob", "dora"})
		small := rapid.OneOf(rapid.Uint64Range(0, 50), rapid.Uint64Range(0, 1_000_000))
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			x0, y0, s0 := pool()
			who, n := traders.Draw(r, "who"), u(small.Draw(r, "n"))
			op := rapid.SampledFrom([]string{"sell-x", "sell-y", "add", "remove", "in and out"}).Draw(r, "op")
			switch op {
			case "sell-x", "sell-y":
				if _, err := w.call(who, "pair."+op, "@.token", "@.gold", n, "u0", "u100000"); err != nil {
					r.Fatal(err)
				}
			case "add":
				if _, err := w.call(who, "pair.add-liquidity", "@.token", "@.gold", n, "u1000000000", "u0", "u100000"); err != nil {
					r.Fatal(err)
				}
			case "remove":
				if _, err := w.call(who, "pair.remove-liquidity", "@.token", "@.gold", n, "u0", "u0", "u100000"); err != nil {
					r.Fatal(err)
				}
			case "in and out":
				a, b := w.tokens("token", "@"+who), w.tokens("gold", "@"+who)
				in, err := w.call(who, "pair.add-liquidity", "@.token", "@.gold", n, "u1000000000", "u0", "u100000")
				if err != nil {
					r.Fatal(err)
				}
				if !in.Committed {
					continue
				}
				if _, err := w.call(who, "pair.remove-liquidity", "@.token", "@.gold", in.Value.Inner().String(), "u0", "u0", "u100000"); err != nil {
					r.Fatal(err)
				}
				if w.tokens("token", "@"+who) > a || w.tokens("gold", "@"+who) > b {
					r.Fatalf("%s put %s in and took more out", who, n)
				}
			}
			x1, y1, s1 := pool()
			before, after := new(big.Int).Mul(x0, y0), new(big.Int).Mul(x1, y1)
			if s0.Cmp(s1) == 0 && after.Cmp(before) < 0 {
				r.Fatalf("%s %s: x * y fell from %v to %v", op, n, before, after)
			}
			// x1 y1 / s1² >= x0 y0 / s0²
			left := after.Mul(after, new(big.Int).Mul(s0, s0))
			right := before.Mul(before, new(big.Int).Mul(s1, s1))
			if left.Cmp(right) < 0 {
				r.Fatalf("%s %s: a share is worth less", op, n)
			}
			if w.tokens("token", "@.pair") != x1.Uint64() || w.tokens("gold", "@.pair") != y1.Uint64() {
				r.Fatalf("%s %s: the pair has %d and %d, and says %v and %v", op, n, w.tokens("token", "@.pair"), w.tokens("gold", "@.pair"), x1, y1)
			}
			w.conserved()
		}
	})
}

// TestVotesNeverExceedTokens plays random deposits, withdrawals, transfers and votes on two proposals: no more votes than
// tokens deposited, and the DAO has all the tokens that it says are deposited, at any moment.
func TestVotesNeverExceedTokens(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, session.Options{Epoch: types.Epoch34}, "ft-trait", "token", "proposal-trait", "dao", "grant")
		w.deploy("grant-2", sourceOf(r, "grant"))
		members := []string{"alice", "bob", "carol"}
		for _, m := range members {
			w.must("(ok true)", "dora", "token.mint", "u2000", "@"+m)
		}
		w.must("(ok u1000)", "alice", "dao.deposit", "u1000")
		w.must("(ok u1)", "alice", "dao.propose", "@.grant", "u500")
		w.must("(ok u2)", "alice", "dao.propose", "@.grant-2", "u500")
		who, n := rapid.SampledFrom(members), rapid.Uint64Range(0, 2500)
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			m := who.Draw(r, "who")
			var err error
			switch rapid.SampledFrom([]string{"deposit", "withdraw", "vote", "send", "wait"}).Draw(r, "op") {
			case "deposit":
				_, err = w.call(m, "dao.deposit", u(n.Draw(r, "n")))
			case "withdraw":
				_, err = w.call(m, "dao.withdraw", u(n.Draw(r, "n")))
			case "vote":
				_, err = w.call(m, "dao.vote", rapid.SampledFrom([]string{"u1", "u2"}).Draw(r, "id"), rapid.SampledFrom([]string{"true", "false"}).Draw(r, "for"))
			case "send":
				_, err = w.call(m, "token.transfer", u(n.Draw(r, "n")), "@"+m, "@"+who.Draw(r, "to"), "none")
			case "wait":
				w.s.Mine(rapid.IntRange(1, 80).Draw(r, "blocks"))
			}
			if err != nil {
				r.Fatal(err)
			}
			var deposited uint64
			for _, m := range members {
				deposited += field(w.read("dao.get-deposit", "@"+m), "amount")
			}
			if held := w.tokens("token", "@.dao"); held != deposited {
				r.Fatalf("the DAO has %d tokens, and %d are deposited", held, deposited)
			}
			for _, id := range []string{"u1", "u2"} {
				p := w.read("dao.get-proposal", id).Inner()
				votes := field(p, "in-favour") + field(p, "against")
				if open := w.s.BurnHeight() < field(p, "ends"); votes > 6000 || open && votes > deposited {
					r.Fatalf("%d votes, %d tokens, %d deposited", votes, 6000, deposited)
				}
			}
			w.conserved()
		}
	})
}

// TestVaultPaysOnlyWhatOwnersApproved plays random approvals: nothing leaves but by as many owners' approvals as it takes,
// and the count of approvals is that of the owners who have given theirs.
func TestVaultPaysOnlyWhatOwnersApproved(t *testing.T) {
	owners := []string{"alice", "bob", "carol"}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, session.Options{Epoch: types.Epoch34}, "ft-trait", "vault")
		w.must("(ok true)", "erin", "vault.fund", "u10000")
		needed := rapid.Uint64Range(1, 3).Draw(r, "needed")
		w.must("(ok true)", "dora", "vault.set-up", "(list @alice @bob @carol)", u(needed))
		w.must("(ok u1)", "alice", "vault.propose", "u100", "@dave", "none")
		approved, paid := []string{"alice"}, false
		for range rapid.IntRange(1, 15).Draw(r, "steps") {
			who := rapid.SampledFrom([]string{"alice", "bob", "carol", "dave"}).Draw(r, "who")
			isOwner, has := slices.Contains(owners, who), slices.Contains(approved, who)
			op := rapid.SampledFrom([]string{"approve", "revoke", "execute"}).Draw(r, "op")
			res, err := w.call(who, "vault."+op, "u1")
			if err != nil {
				r.Fatal(err)
			}
			var want bool
			switch op {
			case "approve":
				want = isOwner && !paid && !has
			case "revoke":
				want = isOwner && !paid && has
			case "execute":
				want = isOwner && !paid && uint64(len(approved)) >= needed
			}
			if res.Committed != want {
				r.Fatalf("%s of %s with approvals of %v: %v", op, who, approved, res.Value)
			}
			switch {
			case !want:
			case op == "approve":
				approved = append(approved, who)
			case op == "revoke":
				approved = slices.DeleteFunc(approved, func(o string) bool { return o == who })
			case op == "execute":
				paid = true
			}
			if n := field(w.read("vault.get-proposal", "u1").Inner(), "approvals"); n != uint64(len(approved)) {
				r.Fatalf("%d approvals, and %v have approved", n, approved)
			}
			if has := w.coins(w.contract("vault")); has != 10_000 && !paid || has != 9_900 && paid {
				r.Fatalf("the vault has %d; paid: %v", has, paid)
			}
			w.conserved()
		}
	})
}

// TestEscrowHasWhatOpenDealsHold plays random moves in three deals.
func TestEscrowHasWhatOpenDealsHold(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, session.Options{Epoch: types.Epoch34}, "escrow")
		for i := range 3 {
			w.must(fmt.Sprintf("(ok u%d)", i+1), "alice", "escrow.open", "@bob", "@carol", u(100+uint64(i)), "u300")
		}
		for range rapid.IntRange(1, 15).Draw(r, "steps") {
			who := rapid.SampledFrom([]string{"alice", "bob", "carol", "dave"}).Draw(r, "who")
			id := rapid.SampledFrom([]string{"u1", "u2", "u3"}).Draw(r, "id")
			var err error
			switch op := rapid.SampledFrom([]string{"release", "cancel", "reclaim", "dispute", "halve", "resolve", "wait"}).Draw(r, "op"); op {
			case "wait":
				w.s.Mine(rapid.IntRange(1, 600).Draw(r, "blocks"))
			case "resolve":
				_, err = w.call(who, "escrow.resolve", id, u(rapid.Uint64Range(0, 110).Draw(r, "to-seller")))
			default:
				_, err = w.call(who, "escrow."+op, id)
			}
			if err != nil {
				r.Fatal(err)
			}
			var held uint64
			for i := range uint64(3) {
				deal := w.read("escrow.get-deal", u(i+1)).Inner()
				if state, _ := deal.Field("state"); string(state.Octets()) != "closed" {
					held += field(deal, "amount")
				}
			}
			if has := w.coins(w.contract("escrow")); has != held {
				r.Fatalf("the escrow has %d, and the deals hold %d", has, held)
			}
			w.conserved()
		}
	})
}

// TestMarketHasWhatOpenTasksHold plays random moves of everyone in one task.
func TestMarketHasWhatOpenTasksHold(t *testing.T) {
	held := map[string]uint64{"posted": 100, "claimed": 150, "delivered": 150, "contested": 150}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, session.Options{Epoch: types.Epoch34}, "inference-market")
		w.must("(ok u1)", "alice", "inference-market.post", "0x11", `"tiny"`, "u100", "u50", "(list @carol @dave @erin)")
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			who := rapid.SampledFrom([]string{"alice", "bob", "carol", "dave", "erin"}).Draw(r, "who")
			var err error
			switch op := rapid.SampledFrom([]string{"withdraw", "claim", "deliver", "accept", "contest", "judge", "settle", "wait"}).Draw(r, "op"); op {
			case "wait":
				w.s.Mine(rapid.IntRange(1, 25).Draw(r, "blocks"))
			case "deliver":
				_, err = w.call(who, "inference-market.deliver", "u1", "0x22")
			case "judge":
				_, err = w.call(who, "inference-market.judge", "u1", rapid.SampledFrom([]string{"true", "false"}).Draw(r, "good"))
			default:
				_, err = w.call(who, "inference-market."+op, "u1")
			}
			if err != nil {
				r.Fatal(err)
			}
			state, _ := w.read("inference-market.get-task", "u1").Inner().Field("state")
			if has := w.coins(w.contract("inference-market")); has != held[string(state.Octets())] {
				r.Fatalf("%s: the market has %d", state, has)
			}
			if fined := string(state.Octets()) == "fined"; fined != !w.burned.IsZero() {
				r.Fatalf("%s: %v coins are burned", state, w.burned)
			}
			w.conserved()
		}
	})
}
