package vm

import (
	"fmt"

	"funai/clarity/cost"
	"funai/clarity/value"
)

// A few natives cost the same however much they have to look at, in the reference implementation and so here: slice? of a list,
// string-to-int? and string-to-uint?. Whoever has paid once to read a long sequence could have them look at all of it again and
// again for next to nothing. So what they look at is counted, and a run may make them look at so much for each unit of runtime
// that it has spent, and at a little more: one that reads what it gives them never comes near.
const (
	toilFree    = 1 << 20
	toilPerUnit = 2 // units of runtime that pay for looking at one character; reading a variable costs two for a byte
	toilPerPart = 8 // characters that one value within a list counts for
)

// toil counts n characters, or what counts for as many, that are looked at without their number being charged.
func (r *run) toil(n int) error {
	r.toiled += uint64(n)
	if r.toiled <= toilFree || r.toiled-toilFree <= r.meter.Used.Runtime/toilPerUnit {
		return nil
	}
	return limit(fmt.Errorf("%w: slice? and string-to-int? looked at what counts for %d characters, for a runtime of %d", cost.ErrLimit, r.toiled, r.meter.Used.Runtime))
}

// parts is how many values are in a value, itself among them.
func parts(v value.Value) int {
	n := 1
	switch v.Kind() {
	case value.KindSome, value.KindOk, value.KindErr:
		n += parts(v.Inner())
	case value.KindList:
		for _, e := range v.Elems() {
			n += parts(e)
		}
	case value.KindTuple:
		for _, e := range v.Values() {
			n += parts(e)
		}
	default:
	}
	return n
}
