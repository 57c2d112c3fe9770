package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// optionBuiltins make optionals and responses, and take them apart.
var optionBuiltins = map[string]builtin{
	"some": {since: types.Clarity1, compile: strict1(cost.SomeCons, nil, wrap(value.Some))},
	"ok":   {since: types.Clarity1, compile: strict1(cost.OkCons, nil, wrap(value.Ok))},
	"err":  {since: types.Clarity1, compile: strict1(cost.ErrCons, nil, wrap(value.Err))},

	"is-some": {since: types.Clarity1, compile: strict1(cost.IsSome, nil, isKind(value.KindSome))},
	"is-none": {since: types.Clarity1, compile: strict1(cost.IsNone, nil, isKind(value.KindNone))},
	"is-ok":   {since: types.Clarity1, compile: strict1(cost.IsOkay, nil, isKind(value.KindOk))},
	"is-err":  {since: types.Clarity1, compile: strict1(cost.IsErr, nil, isKind(value.KindErr))},

	"default-to": {since: types.Clarity1, compile: strict2(cost.DefaultTo, nil, defaultTo)},

	"try!":             {since: types.Clarity1, compile: strict1(cost.TryRet, nil, try)},
	"unwrap!":          {since: types.Clarity1, compile: unwrapOr(cost.UnwrapRet, value.KindSome, value.KindOk)},
	"unwrap-err!":      {since: types.Clarity1, compile: unwrapOr(cost.UnwrapErrOrRet, value.KindErr, value.KindErr)},
	"unwrap-panic":     {since: types.Clarity1, compile: unwrap(cost.Unwrap, value.KindSome, value.KindOk)},
	"unwrap-err-panic": {since: types.Clarity1, compile: unwrap(cost.UnwrapErr, value.KindErr, value.KindErr)},
}

func wrap(w func(value.Value) value.Value) func(*frame, value.Value) (value.Value, error) {
	return func(_ *frame, v value.Value) (value.Value, error) { return w(v), nil }
}

func isKind(k value.Kind) func(*frame, value.Value) (value.Value, error) {
	return func(_ *frame, v value.Value) (value.Value, error) { return value.Bool(v.Kind() == k), nil }
}

func defaultTo(_ *frame, otherwise, v value.Value) (value.Value, error) {
	if v.Kind() == value.KindSome {
		return v.Inner(), nil
	}
	return otherwise, nil
}

// try leaves the function with a none or an err.
func try(_ *frame, v value.Value) (value.Value, error) {
	switch v.Kind() {
	case value.KindSome, value.KindOk:
		return v.Inner(), nil
	default:
		return value.None, &early{v}
	}
}

// unwrapOr leaves the function with the second argument if the first is of neither kind.
func unwrapOr(charge cost.Function, a, b value.Kind) func(*compiler, *syntax.Expr) (code, error) {
	return strict2(charge, nil, func(_ *frame, v, thrown value.Value) (value.Value, error) {
		if k := v.Kind(); k == a || k == b {
			return v.Inner(), nil
		}
		return value.None, &early{thrown}
	})
}

// unwrap aborts the run if the argument is of neither kind.
func unwrap(charge cost.Function, a, b value.Kind) func(*compiler, *syntax.Expr) (code, error) {
	return strict1(charge, nil, func(_ *frame, v value.Value) (value.Value, error) {
		if k := v.Kind(); k == a || k == b {
			return v.Inner(), nil
		}
		return value.None, fault(UnwrapFailure, "unwrapped %v", v)
	})
}
