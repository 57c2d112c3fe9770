package vm

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/value"
)

// An asset map must be what is left of its levels: here each level is a list, and a level that is undone is cut off.
func TestAssetMapForgetsWhatIsUndone(t *testing.T) {
	owners := []value.Principal{{}, {Version: 1}, {Contract: "a"}}
	assets := []Asset{{}, {Contract: owners[2], Name: "t"}, {Contract: owners[2], Name: "u"}}
	type entry struct {
		owner value.Principal
		asset Asset
		n     uint64
		nft   bool
	}
	rapid.Check(t, func(t *rapid.T) {
		m := new(AssetMap)
		m.begin()
		var journal []entry
		var marks []int
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			e := entry{rapid.SampledFrom(owners).Draw(t, "owner"), rapid.SampledFrom(assets).Draw(t, "asset"), rapid.Uint64Range(1, 9).Draw(t, "n"), false}
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				m.begin()
				marks = append(marks, len(journal))
			case 1:
				if n := len(marks); n > 0 {
					m.rollback()
					journal, marks = journal[:marks[n-1]], marks[:n-1]
				}
			case 2:
				if n := len(marks); n > 0 {
					if err := m.commit(); err != nil {
						t.Fatal(err)
					}
					marks = marks[:n-1]
				}
			case 3:
				e.nft = true
				e.asset.Name += "-nft"
				m.part(e.owner, e.asset, value.UInt64(e.n))
				journal = append(journal, e)
			default:
				if err := m.spend(e.owner, e.asset, value.U64(e.n)); err != nil {
					t.Fatal(err)
				}
				journal = append(journal, e)
			}
		}
		for range marks {
			if err := m.commit(); err != nil {
				t.Fatal(err)
			}
		}
		want := make(map[holding]string)
		sums := make(map[holding]uint64)
		for _, e := range journal {
			h := holding{e.owner, e.asset}
			if e.nft {
				want[h] += fmt.Sprintf("u%d ", e.n)
			} else {
				sums[h] += e.n
				want[h] = fmt.Sprint(sums[h])
			}
		}
		for _, mv := range m.Movements() {
			h, got := holding{mv.Owner, mv.Asset}, ""
			for _, id := range m.IDs(mv.Owner, mv.Asset) {
				got += id.String() + " "
			}
			if mv.IDs == nil {
				got = m.Amount(mv.Owner, mv.Asset).String()
			}
			if got != want[h] {
				t.Fatalf("%v: %s, not %s", h, got, want[h])
			}
			delete(want, h)
		}
		if len(want) > 0 {
			t.Fatalf("missing: %v", want)
		}
	})
}

func TestAssetMapOverflowsAsTheReferenceDoes(t *testing.T) {
	most := value.Uint128{Hi: 1<<64 - 1, Lo: 1<<64 - 1}
	var owner value.Principal
	m := new(AssetMap)
	m.begin()
	if err := m.spend(owner, Asset{}, most); err != nil {
		t.Fatal(err)
	}
	m.begin() // a level of its own has room, until it is added
	if err := m.spend(owner, Asset{}, most); err != nil {
		t.Fatal(err)
	}
	var f *RuntimeError
	if err := m.spend(owner, Asset{}, value.U64(1)); !errors.As(err, &f) || f.Fault != ArithmeticOverflow {
		t.Errorf("within a level: %v", err)
	}
	if err := m.commit(); !errors.As(err, &f) || f.Fault != ArithmeticOverflow {
		t.Errorf("adding a level: %v", err)
	}
}

func TestAllowancesNameTheFirstExceeded(t *testing.T) {
	pair := value.Principal{Contract: "pair"}
	coins := func(n uint64) allowance { return allowance{kind: allowCoins, amount: value.U64(n)} }
	tokens := func(name string, n uint64) allowance {
		return allowance{kind: allowTokens, asset: Asset{pair, name}, amount: value.U64(n)}
	}
	cats := func(name string, ids ...uint64) allowance {
		a := allowance{kind: allowIDs, asset: Asset{pair, name}}
		for _, id := range ids {
			a.ids = append(a.ids, value.UInt64(id))
		}
		return a
	}
	moved := func(name string, n uint64) Movement { return Movement{Asset: Asset{pair, name}, Amount: value.U64(n)} }
	sent := Movement{Amount: value.U64(5)}
	cat := Movement{Asset: Asset{pair, "cat"}, IDs: []value.Value{value.UInt64(3)}}
	for _, c := range []struct {
		name    string
		moved   []Movement
		allowed []allowance
		want    int // -1 is allowed
	}{
		{"nothing", nil, nil, -1},
		{"coins that no allowance is about", []Movement{sent}, []allowance{tokens("t", 9)}, notAllowed},
		{"all", []Movement{sent, cat}, []allowance{{kind: allowAll}}, -1},
		{"just enough", []Movement{sent}, []allowance{coins(5)}, -1},
		{"each counts", []Movement{sent}, []allowance{coins(9), coins(4)}, 1},
		{"the first that is exceeded", []Movement{sent, moved("t", 9)}, []allowance{coins(5), tokens("t", 8), coins(1)}, 1},
		{"not allowed comes last", []Movement{moved("u", 1), sent}, []allowance{tokens("t", 8), coins(1)}, 1},
		{"any token", []Movement{moved("t", 2)}, []allowance{tokens("t", 3), tokens(anyToken, 1)}, 1},
		{"each token against any", []Movement{moved("t", 2), moved("u", 2)}, []allowance{tokens(anyToken, 2)}, -1},
		{"a fungible allowance for a cat", []Movement{cat}, []allowance{tokens("cat", 3)}, notAllowed},
		{"cats count together", []Movement{cat}, []allowance{cats("cat", 1), cats("cat", 3)}, -1},
		{"together they are the first", []Movement{cat}, []allowance{coins(1), cats("cat", 1), cats("cat", 2)}, 1},
		{"any cat is another allowance", []Movement{cat}, []allowance{cats("cat", 3), cats(anyToken, 1)}, 1},
		{"stacking is about no asset", []Movement{sent}, []allowance{{kind: allowStacking}}, notAllowed},
		{"somebody else's", []Movement{{Owner: pair, Amount: value.U64(9)}}, []allowance{coins(1)}, -1},
	} {
		m, err := NewAssetMap(c.moved...)
		if err != nil {
			t.Fatal(err)
		}
		i, exceeded := m.exceeded(value.Principal{}, c.allowed)
		if exceeded != (c.want >= 0) || exceeded && int(i) != c.want {
			t.Errorf("%s: %d %v, not %d", c.name, i, exceeded, c.want)
		}
	}
}
