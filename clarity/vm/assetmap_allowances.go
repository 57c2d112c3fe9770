package vm

import (
	"slices"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// allowanceBuiltins hold what leaves an owner's hands to a list of allowances (SIP-033, SIP-040).
var allowanceBuiltins = map[string]builtin{
	"as-contract?":     {since: types.Clarity4, compile: asContract},
	"restrict-assets?": {since: types.Clarity4, compile: restrictAssets},
}

// notAllowed is the code of the error if something left that no allowance is about. Else it is the index of the first
// allowance that was exceeded.
const notAllowed = 128

// anyToken stands for all tokens of a contract.
const anyToken = "*"

// allowance is one that has been evaluated.
type allowance struct {
	asset  Asset // its Name may be anyToken
	amount value.Uint128
	ids    []value.Value
	kind   allowanceKind
}

type allowanceKind uint8

const (
	allowCoins allowanceKind = iota
	allowTokens
	allowIDs
	allowAll
	allowStacking // of no effect here: nothing that a contract runs locks coins
	allowPooling  // nor this
)

// What the reference implementation holds in memory for an allowance, in bytes, besides the names and the identifiers.
const (
	amountMemory = 16
	assetMemory  = 69 // a token's contract and name, but for their letters
	idsMemory    = 12
)

// memory is what an allowance is held for while the body runs.
func (a allowance) memory() uint64 {
	asset := uint64(assetMemory + len(a.asset.Contract.Contract) + len(a.asset.Name))
	switch a.kind {
	case allowCoins, allowStacking:
		return amountMemory
	case allowTokens:
		return asset + amountMemory
	case allowIDs:
		for _, id := range a.ids {
			asset += uint64(id.Size())
		}
		return asset + idsMemory
	default:
		return 0
	}
}

// allowanceCode evaluates an allowance.
type allowanceCode func(f *frame) (allowance, error)

// allowances compiles the list of allowances of a call.
func (c *compiler) allowances(list *syntax.Expr) ([]allowanceCode, error) {
	out := make([]allowanceCode, len(list.List))
	for i, e := range list.List {
		var err error
		if out[i], err = c.allowance(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *compiler) allowance(e *syntax.Expr) (allowanceCode, error) {
	if e.Kind != syntax.List || len(e.List) == 0 {
		return nil, bug("an allowance that is no call")
	}
	name := e.List[0].Name
	kind, count, ok := allowanceForm(name)
	compile := c.expr
	if kind == allowCoins {
		compile = c.look
	}
	codes := make([]code, len(args(e)))
	for i, a := range args(e) {
		var err error
		if codes[i], err = compile(a); err != nil {
			return nil, err
		}
	}
	if !ok || len(codes) != count {
		return nil, bug("%s of %d arguments is no allowance", name, len(codes))
	}
	return func(f *frame) (allowance, error) {
		a, vs := allowance{kind: kind}, make([]value.Value, len(codes))
		for i, x := range codes {
			var err error
			if vs[i], err = x(f); err != nil {
				return a, err
			}
		}
		if kind == allowTokens || kind == allowIDs {
			if p := vs[0].AsPrincipal(); !p.IsContract() {
				return a, fault(Unchecked, "ExpectedContractPrincipalValue: %v has no tokens of its own", p)
			}
		}
		switch kind {
		case allowAll, allowStacking, allowPooling:
		case allowCoins:
			a.amount = vs[0].AsUInt()
		case allowTokens:
			a.asset, a.amount = Asset{vs[0].AsPrincipal(), string(vs[1].Octets())}, vs[2].AsUInt()
		case allowIDs:
			a.asset, a.ids = Asset{vs[0].AsPrincipal(), string(vs[1].Octets())}, vs[2].Elems()
		}
		return a, nil
	}, nil
}

func allowanceForm(name string) (kind allowanceKind, count int, ok bool) {
	switch name {
	case "with-stx":
		return allowCoins, 1, true
	case "with-ft":
		return allowTokens, 3, true
	case "with-nft":
		return allowIDs, 3, true
	case "with-stacking", "with-staking":
		return allowStacking, 1, true
	case "with-pox":
		return allowPooling, 0, true
	case "with-all-assets-unsafe":
		return allowAll, 0, true
	}
	return 0, 0, false
}

// asContract is as-contract?: (as-contract? (allowance …) body …).
func asContract(c *compiler, call *syntax.Expr) (code, error) {
	if len(args(call)) < 2 {
		return nil, bug("as-contract? of %d arguments", len(args(call)))
	}
	lead := c.takeLead()
	allowed, err := c.allowances(call.List[1])
	if err != nil {
		return nil, err
	}
	body, err := c.exprs(call.List[2:])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		if err := f.charge(cost.AsContractSafe, uint64(len(allowed))); err != nil {
			return value.None, err
		}
		list, held, err := f.allowances(allowed)
		if err != nil {
			return value.None, err
		}
		v, err := f.asSelf(func(f *frame) (value.Value, error) { return f.restrict(f.contract.id, list, body) })
		f.meter.Release(held)
		return v, err
	}, nil
}

// restrictAssets is restrict-assets?: (restrict-assets? owner (allowance …) body …).
func restrictAssets(c *compiler, call *syntax.Expr) (code, error) {
	if len(args(call)) < 3 {
		return nil, bug("restrict-assets? of %d arguments", len(args(call)))
	}
	lead := c.takeLead()
	owner, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	allowed, err := c.allowances(call.List[2])
	if err != nil {
		return nil, err
	}
	body, err := c.exprs(call.List[3:])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		if err := f.charge(cost.RestrictAssets, uint64(len(allowed))); err != nil {
			return value.None, err
		}
		who, err := owner(f)
		if err != nil {
			return value.None, err
		}
		list, held, err := f.allowances(allowed)
		if err != nil {
			return value.None, err
		}
		v, err := f.restrict(who.AsPrincipal(), list, body)
		f.meter.Release(held)
		return v, err
	}, nil
}

// allowances evaluates a list of allowances. They are held in memory from then on, for the caller to release.
func (f *frame) allowances(codes []allowanceCode) (list []allowance, held uint64, err error) {
	list = make([]allowance, len(codes))
	for i, x := range codes {
		if list[i], err = x(f); err != nil {
			return nil, 0, err
		}
		size := list[i].memory()
		if err := f.meter.Hold(size); err != nil {
			return nil, 0, limit(err)
		}
		held += size
	}
	return list, held, nil
}

// restrict runs a body and undoes it, answering (err u…), if more left an owner's hands than is allowed, even if the body
// leaves the function early. What is allowed stays, also on leaving early with an err.
func (f *frame) restrict(owner value.Principal, list []allowance, body []code) (v value.Value, err error) {
	p := f.begin()
	for _, x := range body {
		if v, err = x(f); err != nil {
			break
		}
	}
	if _, leaves := asEarly(err); err != nil && !leaves {
		return f.finish(p, v, err)
	}
	if i, exceeded := f.assets.exceeded(owner, list); exceeded {
		return f.finish(p, errCode(i), nil)
	}
	if _, ferr := f.finish(p, value.True, nil); ferr != nil {
		return value.None, ferr
	}
	if err != nil {
		return value.None, err
	}
	return value.Ok(v), nil
}

// exceeded finds the allowance that was exceeded first among those listed, or notAllowed if none is about what left.
func (m *AssetMap) exceeded(owner value.Principal, list []allowance) (index uint64, ok bool) {
	if slices.ContainsFunc(list, func(a allowance) bool { return a.kind == allowAll }) {
		return 0, false
	}
	first := -1
	for _, mv := range m.top().movements() {
		if mv.Owner != owner {
			continue
		}
		i := mv.exceeds(list)
		if i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return uint64(max(first, 0)), first >= 0
}

// exceeds returns the index of the first allowance that a movement exceeds, notAllowed if none is about it, -1 if it is
// allowed.
func (mv Movement) exceeds(list []allowance) int {
	kind := allowTokens
	switch {
	case mv.Asset.IsCoin():
		kind = allowCoins
	case mv.IDs != nil:
		kind = allowIDs
	}
	first := -1
	about := false
	for i, a := range list {
		if a.kind != kind || a.asset.Contract != mv.Asset.Contract || a.asset.Name != mv.Asset.Name && a.asset.Name != anyToken {
			continue
		}
		again := kind == allowIDs && slices.ContainsFunc(list[:i], a.same)
		about = true
		if again || first >= 0 {
			continue // allowances of the same non-fungible token count together, as the first of them
		}
		if kind != allowIDs && a.amount.Less(mv.Amount) || kind == allowIDs && !a.covers(list[i+1:], mv.IDs) {
			first = i
		}
	}
	if !about {
		return notAllowed
	}
	return first
}

// same says whether two allowances are of the same kind about the same assets.
func (a allowance) same(b allowance) bool { return a.kind == b.kind && a.asset == b.asset }

// covers says whether all identifiers are allowed by a and those of the rest that are the same.
func (a allowance) covers(rest []allowance, ids []value.Value) bool {
	allowed := a.ids
	for _, b := range rest {
		if a.same(b) {
			allowed = append(slices.Clip(allowed), b.ids...)
		}
	}
	if len(allowed)*len(ids) > fewPairs {
		return coversMany(allowed, ids)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(allowed, func(v value.Value) bool { return value.Equal(v, id) }) {
			return false
		}
	}
	return true
}

// fewPairs is how many identifiers are compared one by one, rather than by their encodings.
const fewPairs = 1024

// coversMany is covers where there are many identifiers: a transaction may move thousands, and allow thousands.
func coversMany(allowed, ids []value.Value) bool {
	at := make(map[string][]value.Value, len(allowed)) // by encoding, which equal values share
	for _, v := range allowed {
		b, err := value.Encode(v)
		if err != nil {
			continue // no identifier of a token is like that
		}
		at[string(b)] = append(at[string(b)], v)
	}
	for _, id := range ids {
		b, err := value.Encode(id)
		if err != nil || !slices.ContainsFunc(at[string(b)], func(v value.Value) bool { return value.Equal(v, id) }) {
			return false
		}
	}
	return true
}
