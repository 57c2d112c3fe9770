package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// assetBuiltins move coins and tokens.
var assetBuiltins = map[string]builtin{
	"ft-mint?":       {since: types.Clarity1, compile: fungible(cost.FTMint, 3, ftMint)},
	"ft-transfer?":   {since: types.Clarity1, compile: fungible(cost.FTTransfer, 4, ftTransfer)},
	"ft-burn?":       {since: types.Clarity1, compile: fungible(cost.FTBurn, 3, ftBurn)},
	"ft-get-balance": {since: types.Clarity1, compile: fungible(cost.FTBalance, 2, ftBalance)},
	"ft-get-supply":  {since: types.Clarity1, compile: fungible(cost.FTGetSupply, 1, ftSupply)},

	"nft-mint?":      {since: types.Clarity1, compile: nonFungible(3, nil, nftMint)},
	"nft-transfer?":  {since: types.Clarity1, compile: nonFungible(4, nil, nftTransfer)},
	"nft-burn?":      {since: types.Clarity1, compile: nonFungible(3, []cost.Function{cost.NFTBurn}, nftBurn)},
	"nft-get-owner?": {since: types.Clarity1, compile: nonFungible(2, nil, nftOwner)},

	"stx-get-balance":    {since: types.Clarity1, compile: coinBalance},
	"stx-transfer?":      {since: types.Clarity1, compile: coin(cost.STXTransfer, 3, coinTransfer)},
	"stx-burn?":          {since: types.Clarity1, compile: coin(cost.STXTransfer, 2, coinBurn)},
	"stx-transfer-memo?": {since: types.Clarity2, compile: coin(cost.STXTransferMemo, 4, coinTransfer)},
	"stx-account":        {since: types.Clarity2, compile: coinAccount},
}

// errCode is (err u…), how natives that move assets refuse.
func errCode(n uint64) value.Value { return value.Err(value.UInt64(n)) }

// done is (ok true).
var done = value.Ok(value.True)

// principalSize is what the reference implementation holds in memory for an owner, and amountSize for a balance.
var (
	principalSize = uint64(types.Principal.Size())
	amountSize    = uint64(types.UInt.Size())
)

// lent compiles arguments that are taken as they lie in variables.
func (c *compiler) lent(es []*syntax.Expr) (codes []code, borrowed []bool, err error) {
	codes, borrowed = make([]code, len(es)), make([]bool, len(es))
	for i, e := range es {
		if codes[i], borrowed[i], err = c.borrow(e); err != nil {
			return nil, nil, err
		}
	}
	return codes, borrowed, nil
}

// token is a fungible token as the natives on it know it.
type token struct {
	asset          Asset
	capped         bool
	cap_, sum, bal []byte // keys in the store; an owner follows the last
}

// fungible is a native on a fungible token, which is charged first of all.
func fungible(charge cost.Function, count int, apply func(f *frame, t *token, a []value.Value) (value.Value, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		name, err := firstName(call, count)
		if err != nil {
			return nil, err
		}
		capped, ok := c.analysis.Fungible[name]
		if !ok {
			return nil, bug("no fungible token %s", name)
		}
		id := c.c.id
		t := &token{Asset{id, name}, capped, storeKey(keyCap, id, name), storeKey(keySupply, id, name), storeKey(keyTokens, id, name)}
		codes, _, err := c.lent(args(call)[1:])
		if err != nil {
			return nil, err
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			if err := f.charge(charge, 0); err != nil {
				return value.None, err
			}
			a := f.push(len(codes))
			for i, x := range codes {
				var err error
				if a[i], err = x(f); err != nil {
					return value.None, err
				}
			}
			v, err := apply(f, t, a)
			f.pop(len(codes))
			return v, err
		}, nil
	}
}

// createFungible sets a token's greatest supply, nil for none, for define-fungible-token once that is evaluated.
func (f *frame) createFungible(name string, most *value.Uint128) error {
	if err := f.charge(cost.CreateFT, 0); err != nil {
		return err
	}
	if err := f.hold(uint64(types.UInt.TypeSize())); err != nil {
		return err
	}
	if most != nil {
		b := most.Bytes()
		f.store.Put(storeKey(keyCap, f.contract.id, name), b[:])
	}
	return nil
}

func ftMint(f *frame, t *token, a []value.Value) (value.Value, error) {
	if err := f.writes(); err != nil {
		return value.None, err
	}
	n, to := a[0].AsUInt(), a[1].AsPrincipal()
	if n.IsZero() {
		return errCode(1), nil
	}
	supply, err := f.amount(t.sum)
	if err != nil {
		return value.None, err
	}
	sum, ok := supply.Add(n)
	if !ok {
		return value.None, fault(ArithmeticOverflow, "the supply of %v is %v, and %v more", t.asset, supply, n)
	}
	if t.capped {
		most, err := f.amount(t.cap_)
		if err != nil {
			return value.None, err
		}
		if most.Less(sum) {
			return value.None, fault(SupplyOverflow, "the supply of %v would be %v of at most %v", t.asset, sum, most)
		}
	}
	key := ownerKey(t.bal, to)
	before, err := f.amount(key)
	if err != nil {
		return value.None, err
	}
	after, _ := before.Add(n) // no balance exceeds the supply
	if err := f.hold(principalSize + amountSize); err != nil {
		return value.None, err
	}
	f.putAmount(t.sum, sum)
	f.putAmount(key, after)
	f.emit(Event{Kind: EventFTMint, Contract: t.asset.Contract, Asset: t.asset.Name, Recipient: to, Amount: n})
	return done, nil
}

func ftTransfer(f *frame, t *token, a []value.Value) (value.Value, error) {
	if err := f.writes(); err != nil {
		return value.None, err
	}
	n, from, to := a[0].AsUInt(), a[1].AsPrincipal(), a[2].AsPrincipal()
	switch {
	case n.IsZero():
		return errCode(3), nil
	case from == to:
		return errCode(2), nil
	}
	fromKey, toKey := ownerKey(t.bal, from), ownerKey(t.bal, to)
	had, err := f.amount(fromKey)
	if err != nil {
		return value.None, err
	}
	left, ok := had.Sub(n)
	if !ok {
		return errCode(1), nil
	}
	before, err := f.amount(toKey)
	if err != nil {
		return value.None, err
	}
	after, _ := before.Add(n) // no balance exceeds the supply
	if err := f.hold(2 * (principalSize + amountSize)); err != nil {
		return value.None, err
	}
	f.putAmount(fromKey, left)
	f.putAmount(toKey, after)
	if err := f.assets.spend(from, t.asset, n); err != nil {
		return value.None, err
	}
	f.emit(Event{Kind: EventFTTransfer, Contract: t.asset.Contract, Asset: t.asset.Name, Sender: from, Recipient: to, Amount: n})
	return done, nil
}

func ftBurn(f *frame, t *token, a []value.Value) (value.Value, error) {
	if err := f.writes(); err != nil {
		return value.None, err
	}
	n, from := a[0].AsUInt(), a[1].AsPrincipal()
	if n.IsZero() {
		return errCode(1), nil
	}
	key := ownerKey(t.bal, from)
	had, err := f.amount(key)
	if err != nil {
		return value.None, err
	}
	left, ok := had.Sub(n)
	if !ok {
		return errCode(1), nil
	}
	supply, err := f.amount(t.sum)
	if err != nil {
		return value.None, err
	}
	sum, ok := supply.Sub(n)
	if !ok {
		return value.None, fault(SupplyUnderflow, "the supply of %v is %v, less than %v", t.asset, supply, n)
	}
	if err := f.hold(principalSize + amountSize); err != nil {
		return value.None, err
	}
	f.putAmount(t.sum, sum)
	f.putAmount(key, left)
	f.emit(Event{Kind: EventFTBurn, Contract: t.asset.Contract, Asset: t.asset.Name, Sender: from, Amount: n})
	return done, f.assets.spend(from, t.asset, n)
}

func ftBalance(f *frame, t *token, a []value.Value) (value.Value, error) {
	n, err := f.amount(ownerKey(t.bal, a[0].AsPrincipal()))
	return value.UInt(n), err
}

func ftSupply(f *frame, t *token, _ []value.Value) (value.Value, error) {
	n, err := f.amount(t.sum)
	return value.UInt(n), err
}

// hold notes memory held to the end of the run.
func (f *frame) hold(n uint64) error {
	f.kept += n
	return limit(f.meter.Hold(n))
}

// emit notes what the world outside may follow.
func (f *frame) emit(e Event) { f.events = append(f.events, e) }
