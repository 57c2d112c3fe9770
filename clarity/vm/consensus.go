package vm

import (
	"errors"

	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// consensusBuiltins write values as bytes and read them (SIP-005).
var consensusBuiltins = map[string]builtin{
	"to-consensus-buff?": {since: types.Clarity2, compile: strict1(cost.ToConsensusBuff, func(v value.Value) (uint64, error) {
		return uint64(v.EncodedLen()), nil
	}, toConsensus)},
	"from-consensus-buff?": {since: types.Clarity2, compile: compileFromConsensus},
}

func toConsensus(_ *frame, v value.Value) (value.Value, error) {
	if v.EncodedLen() > types.MaxValueSize {
		return value.None, nil
	}
	if b, err := value.Encode(v); err == nil {
		if out := value.Buffer(b); value.Check(out) == nil {
			return value.Some(out), nil
		}
	}
	return value.None, nil
}

// compileFromConsensus compiles from-consensus-buff?. Reading its type is charged each time.
func compileFromConsensus(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	t := c.typeOf(call)
	if len(args(call)) != 2 || t == nil || t.Kind() != types.KindOptional {
		return nil, bug("from-consensus-buff? without a type")
	}
	t = t.Elem()
	step, err := c.runtime(cost.TypeParseStep, 0)
	if err != nil {
		return nil, err
	}
	lead += step * uint64(steps(call.List[1]))
	x, _, err := c.borrow(call.List[2])
	if err != nil {
		return nil, err
	}
	least := 0
	if c.version >= types.Clarity5 {
		least = 1
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		b := v.Octets()
		if err := f.charge(cost.FromConsensusBuff, uint64(max(len(b), least))); err != nil {
			return value.None, err
		}
		out, err := value.DecodeTyped(b, t, f.epoch >= types.Epoch24)
		switch {
		case err == nil:
			return value.Some(out), nil
		case f.epoch < types.Epoch34 && errors.Is(err, value.ErrPrincipal):
			// Until then a principal of an unknown version was an error where one was expected.
			return value.None, fault(Unchecked, "%v", err)
		default:
			return value.None, nil
		}
	}, nil
}
