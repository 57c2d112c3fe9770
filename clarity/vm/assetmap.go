package vm

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"funai/clarity/value"
)

// Asset names a token: the contract that defines it and its name there. The zero Asset is the chain's own coin.
type Asset struct {
	Contract value.Principal
	Name     string
}

// IsCoin says whether the asset is the chain's own coin.
func (a Asset) IsCoin() bool { return a == Asset{} }

// String returns "contract::name", or "STX" for the coin.
func (a Asset) String() string {
	if a.IsCoin() {
		return "STX"
	}
	return a.Contract.String() + "::" + a.Name
}

// holding is one owner's of one asset.
type holding struct {
	owner value.Principal
	asset Asset
}

// Movement is what left one owner's hands of one asset, by being sent or burned. What came back does not count against it.
type Movement struct {
	Owner  value.Principal
	Asset  Asset
	Amount value.Uint128 // of coins and fungible tokens
	IDs    []value.Value // of non-fungible tokens, in the order in which they left
}

// AssetMap is what left whose hands in a transaction. The zero AssetMap is nothing.
type AssetMap struct {
	levels []level
}

// level is one nested context that can be undone by itself.
type level struct {
	amounts map[holding]value.Uint128
	ids     map[holding][]value.Value
}

// begin opens a level.
func (m *AssetMap) begin() { m.levels = append(m.levels, level{}) }

// rollback forgets the innermost level.
func (m *AssetMap) rollback() {
	n := len(m.levels) - 1
	m.levels[n] = level{}
	m.levels = m.levels[:n]
}

// commit adds the innermost level to the one around it, if there is one.
func (m *AssetMap) commit() error {
	n := len(m.levels) - 1
	if n == 0 {
		return nil
	}
	inner := m.levels[n]
	m.rollback()
	outer := m.top()
	if outer.amounts == nil && outer.ids == nil {
		*outer = inner
		return nil
	}
	for h, n := range inner.amounts { // each once, so that their order does not show
		if !outer.add(h, n) {
			return fault(ArithmeticOverflow, "the sum of what one owner sent of one asset")
		}
	}
	for h, ids := range inner.ids {
		for _, id := range ids {
			m.part(h.owner, h.asset, id)
		}
	}
	return nil
}

// top is the innermost level.
func (m *AssetMap) top() *level { return &m.levels[len(m.levels)-1] }

// spend notes that an amount left an owner's hands.
func (m *AssetMap) spend(owner value.Principal, a Asset, amount value.Uint128) error {
	l, h := m.top(), holding{owner, a}
	if !l.add(h, amount) {
		return fault(ArithmeticOverflow, "%v sent %v and %v of %v", owner, l.amounts[h], amount, a)
	}
	return nil
}

// add adds to an amount, unless it would overflow.
func (l *level) add(h holding, n value.Uint128) bool {
	if l.amounts == nil {
		l.amounts = make(map[holding]value.Uint128)
	}
	sum, ok := l.amounts[h].Add(n)
	if ok {
		l.amounts[h] = sum
	}
	return ok
}

// part notes that a non-fungible token left an owner's hands.
func (m *AssetMap) part(owner value.Principal, a Asset, id value.Value) {
	l := m.top()
	if l.ids == nil {
		l.ids = make(map[holding][]value.Value)
	}
	h := holding{owner, a}
	l.ids[h] = append(l.ids[h], id)
}

// Amount is how much of a coin or fungible token left an owner's hands.
func (m *AssetMap) Amount(owner value.Principal, a Asset) (n value.Uint128) {
	if len(m.levels) > 0 {
		n = m.levels[0].amounts[holding{owner, a}]
	}
	return n
}

// IDs are the non-fungible tokens that left an owner's hands, in that order. They must not be modified.
func (m *AssetMap) IDs(owner value.Principal, a Asset) []value.Value {
	if len(m.levels) == 0 {
		return nil
	}
	return m.levels[0].ids[holding{owner, a}]
}

// Movements are all that left anybody's hands, in the order of owners, then of assets.
func (m *AssetMap) Movements() []Movement {
	if len(m.levels) == 0 {
		return nil
	}
	return m.levels[0].movements()
}

func (l *level) movements() []Movement {
	out := make([]Movement, 0, len(l.amounts)+len(l.ids))
	for h, n := range l.amounts {
		out = append(out, Movement{Owner: h.owner, Asset: h.asset, Amount: n})
	}
	for h, ids := range l.ids {
		out = append(out, Movement{Owner: h.owner, Asset: h.asset, IDs: ids})
	}
	slices.SortFunc(out, func(a, b Movement) int {
		return cmp.Or(comparePrincipals(a.Owner, b.Owner), comparePrincipals(a.Asset.Contract, b.Asset.Contract), strings.Compare(a.Asset.Name, b.Asset.Name))
	})
	return out
}

func comparePrincipals(a, b value.Principal) int {
	return cmp.Or(cmp.Compare(a.Version, b.Version), bytes.Compare(a.Hash[:], b.Hash[:]), strings.Compare(a.Contract, b.Contract))
}

// NewAssetMap returns an asset map of movements; the error is an ArithmeticOverflow if an owner's amounts do not add up.
func NewAssetMap(ms ...Movement) (*AssetMap, error) {
	m := new(AssetMap)
	m.begin()
	for _, mv := range ms {
		if !mv.Amount.IsZero() {
			if err := m.spend(mv.Owner, mv.Asset, mv.Amount); err != nil {
				return nil, err
			}
		}
		for _, id := range mv.IDs {
			m.part(mv.Owner, mv.Asset, id)
		}
	}
	return m, nil
}
