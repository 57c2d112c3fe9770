package vm

import (
	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
)

// printBuiltins tell the world outside.
var printBuiltins = map[string]builtin{
	"print": {since: types.Clarity1, compile: eager(func(f *frame, a []value.Value) (value.Value, error) {
		v := a[0]
		if err := f.charge(cost.Print, uint64(v.Size())); err != nil {
			return value.None, err
		}
		f.emit(Event{Kind: EventPrint, Contract: f.contract.id, Value: v})
		return v, nil
	})},
}
