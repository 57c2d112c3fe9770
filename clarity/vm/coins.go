package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// accountSize is what the reference implementation holds in memory for an account's coins: amount, lock and its height.
const accountSize = 40

// coin is a native on the chain's own coin, which is charged first of all.
func coin(charge cost.Function, count int, apply func(f *frame, a []value.Value) (value.Value, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		if n := len(args(call)); n != count {
			return nil, bug("%s of %d arguments", call.List[0].Name, n)
		}
		codes, _, err := c.lent(args(call))
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
			v, err := apply(f, a)
			f.pop(len(codes))
			return v, err
		}, nil
	}
}

var (
	coinBalance = coin(cost.STXBalance, 1, func(f *frame, a []value.Value) (value.Value, error) {
		b, err := f.bank.Balance(a[0].AsPrincipal())
		return value.UInt(b.Unlocked), err
	})
	coinAccount = coin(cost.STXAccount, 1, func(f *frame, a []value.Value) (value.Value, error) {
		b, err := f.bank.Balance(a[0].AsPrincipal())
		if err != nil {
			return value.None, err
		}
		return value.TupleOf(accountType, []value.Value{value.UInt(b.Locked), value.UInt64(b.UnlockHeight), value.UInt(b.Unlocked)}), nil
	})
)

// accountType is what stx-account answers.
var accountType = types.MustTuple(
	types.Field{Name: "locked", Type: types.UInt},
	types.Field{Name: "unlock-height", Type: types.UInt},
	types.Field{Name: "unlocked", Type: types.UInt},
)

// coinTransfer is stx-transfer?, and with a fourth argument stx-transfer-memo?.
func coinTransfer(f *frame, a []value.Value) (value.Value, error) {
	if err := f.writes(); err != nil {
		return value.None, err
	}
	n, from, to := a[0].AsUInt(), a[1].AsPrincipal(), a[2].AsPrincipal()
	switch {
	case n.IsZero():
		return errCode(3), nil
	case from == to:
		return errCode(2), nil
	case from != f.sender:
		return errCode(4), nil
	}
	if err := f.hold(2 * (principalSize + accountSize)); err != nil {
		return value.None, err
	}
	b, err := f.bank.Balance(from)
	if err != nil {
		return value.None, err
	}
	if b.Unlocked.Less(n) {
		return errCode(1), nil
	}
	if err := f.bank.Transfer(from, to, n); err != nil {
		return value.None, err
	}
	if err := f.assets.spend(from, Asset{}, n); err != nil {
		return value.None, err
	}
	e := Event{Kind: EventSTXTransfer, Sender: from, Recipient: to, Amount: n}
	if len(a) == 4 {
		e.Memo = a[3].Octets()
	}
	f.emit(e)
	return done, nil
}

func coinBurn(f *frame, a []value.Value) (value.Value, error) {
	if err := f.writes(); err != nil {
		return value.None, err
	}
	n, from := a[0].AsUInt(), a[1].AsPrincipal()
	switch {
	case n.IsZero():
		return errCode(3), nil
	case from != f.sender:
		return errCode(4), nil
	}
	if err := f.hold(principalSize + accountSize); err != nil {
		return value.None, err
	}
	b, err := f.bank.Balance(from)
	if err != nil {
		return value.None, err
	}
	if b.Unlocked.Less(n) {
		return errCode(1), nil
	}
	if err := f.bank.Burn(from, n); err != nil {
		return value.None, err
	}
	f.emit(Event{Kind: EventSTXBurn, Sender: from, Amount: n})
	return done, f.assets.spend(from, Asset{}, n)
}
