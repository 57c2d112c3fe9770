package vm

import (
	"funai/clarity/types"
	"funai/clarity/value"
)

// contextKeywords are the names that cost nothing to read: who calls, and literals.
var contextKeywords = map[string]keyword{
	"true":             {since: types.Clarity1, read: constantly(value.True)},
	"false":            {since: types.Clarity1, read: constantly(value.False)},
	"none":             {since: types.Clarity1, read: constantly(value.None)},
	"tx-sender":        {since: types.Clarity1, read: func(f *frame) (value.Value, error) { return f.senderValue, nil }},
	"contract-caller":  {since: types.Clarity1, read: func(f *frame) (value.Value, error) { return f.callerValue, nil }},
	"tx-sponsor?":      {since: types.Clarity2, read: sponsor},
	"current-contract": {since: types.Clarity4, read: func(f *frame) (value.Value, error) { return f.contract.self, nil }},
}

func sponsor(f *frame) (value.Value, error) {
	if f.tx.Sponsor == nil {
		return value.None, nil
	}
	return value.Some(value.OfPrincipal(*f.tx.Sponsor)), nil
}
