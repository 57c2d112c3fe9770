package vm_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

const mover = `
(define-fungible-token gold u500)
(define-fungible-token dust)
(define-non-fungible-token cat uint)
(define-public (mint (n uint) (to principal)) (ft-mint? gold n to))
(define-public (dust-mint (n uint) (to principal)) (ft-mint? dust n to))
(define-public (send (n uint) (from principal) (to principal)) (ft-transfer? gold n from to))
(define-public (dust-send (n uint) (from principal) (to principal)) (ft-transfer? dust n from to))
(define-public (burn (n uint) (from principal)) (ft-burn? gold n from))
(define-public (dust-burn (n uint) (from principal)) (ft-burn? dust n from))
(define-public (cat-mint (n uint) (to principal)) (nft-mint? cat n to))
(define-public (cat-send (n uint) (from principal) (to principal)) (nft-transfer? cat n from to))
(define-public (cat-burn (n uint) (from principal)) (nft-burn? cat n from))
(define-public (pay (n uint) (to principal)) (stx-transfer? n tx-sender to))
(define-public (pay-twice (n uint) (to principal)) (begin (try! (pay n to)) (try! (send n tx-sender to)) (pay n to)))
(define-public (destroy (n uint)) (stx-burn? n tx-sender))
(define-public (tried (n uint) (to principal)) (begin (is-ok (pay-twice n to)) (cat-mint n to)))
(define-public (broken (n uint) (to principal)) (begin (try! (pay n to)) (try! (mint n to)) (ok (/ n u0))))
(define-public (self (n uint) (to principal)) (as-contract? ((with-stx u5) (with-ft current-contract "gold" u3))
  (try! (stx-transfer? n tx-sender to)) (try! (send n tx-sender to)) n))
(define-public (held (n uint) (to principal)) (begin
  (is-ok (restrict-assets? tx-sender ((with-stx u9)) (try! (pay-twice n to)) (asserts! (> n u4) (err n)) n))
  (destroy n)))
`

// sums adds up what lies in a store (see data_keys.go): balances and supplies of coins and of each token.
func sums(t *rapid.T, s *store.Memory) map[string]value.Uint128 {
	out := make(map[string]value.Uint128)
	add := func(what string, raw []byte) {
		sum, ok := out[what].Add(value.Uint128FromBytes([16]byte(raw)))
		if !ok {
			t.Fatalf("more of %s than can be", what)
		}
		out[what] = sum
	}
	for k, v := range s.Changes() {
		if v == nil {
			continue
		}
		switch k[0] {
		case 'f', 's':
			contract := 1 + 1 + 20 + 1 + int(k[22])
			name := string(k[1 : contract+1+int(k[contract])])
			add(map[byte]string{'f': "balances ", 's': "supply "}[k[0]]+name, v)
		case 'b':
			add("balances", v[:16])
			add("balances", v[16:32])
		case 'B':
			add("supply", v)
		}
	}
	return out
}

func TestCoinsAndTokensAddUp(t *testing.T) {
	deployed := store.NewMemory()
	m, env := vm.New(vm.Config{}), madeUpChain{testEnv{epoch: types.LatestEpoch}}
	owner := principal(t, deployer)
	id := owner
	id.Contract = "mover"
	people := []value.Principal{owner, {Version: 26, Hash: [20]byte{1}}, {Version: 26, Hash: [20]byte{2}}, id}
	coins := vm.NewCoins(deployed, 0)
	for _, p := range people {
		if err := coins.Mint(p, value.U64(100)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Deploy(env, deployed, vm.Tx{Sender: owner}, id, mover, types.LatestVersion); err != nil {
		t.Fatal(err)
	}
	a, err := m.Analysis(env, deployed, id)
	if err != nil {
		t.Fatal(err)
	}
	functions := []string{"mint", "dust-mint", "send", "dust-send", "burn", "dust-burn", "cat-mint", "cat-send", "cat-burn",
		"pay", "pay-twice", "destroy", "tried", "broken", "self", "held"}
	rapid.Check(t, func(t *rapid.T) {
		s := store.NewMemory()
		for k, v := range deployed.Changes() {
			s.Put(k, v)
		}
		mark, sometime := s.Mark(), sums(t, s)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			name := rapid.SampledFrom(functions).Draw(t, "function")
			var args []value.Value
			for _, p := range a.Functions[name].Args {
				if p.Type.Kind() == types.KindPrincipal {
					args = append(args, value.OfPrincipal(rapid.SampledFrom(people).Draw(t, p.Name)))
				} else if name == "dust-mint" || name == "dust-send" {
					args = append(args, value.UInt(value.Uint128{Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}))
				} else {
					args = append(args, value.UInt64(rapid.Uint64Range(0, 12).Draw(t, p.Name)))
				}
			}
			before := sums(t, s)
			tx := vm.Tx{Sender: rapid.SampledFrom(people[:3]).Draw(t, "sender")}
			res, err := m.Call(env, s, tx, id, name, args)
			after := sums(t, s)
			if err != nil || !res.Committed {
				if fmt.Sprint(after) != fmt.Sprint(before) {
					t.Fatalf("%s %v: %v, and yet %v became %v", name, args, err, before, after)
				}
			} else {
				leftByEvents(t, res)
			}
			for _, what := range slices.Sorted(maps.Keys(after)) {
				n := after[what]
				if rest, ok := strings.CutPrefix(what, "balances"); ok && after["supply"+rest] != n {
					t.Fatalf("%s %v: %v of%q, but the supply is %v", name, args, n, rest, after["supply"+rest])
				} else if rest, ok := strings.CutPrefix(what, "supply"); ok && after["balances"+rest] != n {
					t.Fatalf("%s %v: a supply of %v of%q, but there are %v", name, args, n, rest, after["balances"+rest])
				}
			}
			switch rapid.IntRange(0, 9).Draw(t, "then") {
			case 0:
				mark, sometime = s.Mark(), after
			case 1:
				s.Rollback(mark)
				if got := sums(t, s); fmt.Sprint(got) != fmt.Sprint(sometime) {
					t.Fatalf("rolled back to %v, not %v", got, sometime)
				}
			}
		}
	})
}

// leftByEvents holds the asset map of a result to its events, which are noted elsewhere.
func leftByEvents(t *rapid.T, res *vm.Result) {
	type key struct {
		owner value.Principal
		asset vm.Asset
	}
	amounts, ids := make(map[key]value.Uint128), make(map[key]int)
	for _, e := range res.Events {
		k := key{e.Sender, vm.Asset{Contract: e.Contract, Name: e.Asset}}
		switch e.Kind {
		case vm.EventSTXTransfer, vm.EventSTXBurn, vm.EventFTTransfer, vm.EventFTBurn:
			amounts[k], _ = amounts[k].Add(e.Amount)
		case vm.EventNFTTransfer, vm.EventNFTBurn:
			ids[k]++
		default:
		}
	}
	for _, mv := range res.Assets.Movements() {
		k := key{mv.Owner, mv.Asset}
		if amounts[k] != mv.Amount || ids[k] != len(mv.IDs) || res.Assets.Amount(mv.Owner, mv.Asset) != mv.Amount {
			t.Fatalf("%v of %v: %v, %d by its events, not %v, %v", mv.Owner, mv.Asset, amounts[k], ids[k], mv.Amount, mv.IDs)
		}
		delete(amounts, k)
		delete(ids, k)
	}
	if len(amounts)+len(ids) > 0 {
		t.Fatalf("not in the asset map: %v %v", amounts, ids)
	}
}
