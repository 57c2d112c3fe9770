package vm

import (
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
)

// idleFrame is a frame for natives that ask of it but the epoch and the meter.
func idleFrame() *frame {
	return &frame{run: &run{meter: new(cost.Meter), epoch: types.LatestEpoch}}
}

// sequences draws lists of lists of numbers, buffers and strings.
func sequences() *rapid.Generator[value.Value] {
	return rapid.Custom(func(t *rapid.T) value.Value {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return value.Buffer(rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "bytes"))
		case 1:
			return value.ASCII(rapid.StringMatching(`[ -~]{0,9}`).Draw(t, "characters"))
		case 2:
			return value.UTF8(rapid.StringN(0, 9, -1).Draw(t, "code points"))
		}
		var elems []value.Value
		for range rapid.IntRange(0, 5).Draw(t, "length") {
			inner, err := value.List([]value.Value{value.UInt64(rapid.Uint64().Draw(t, "number"))})
			if err != nil {
				t.Fatal(err)
			}
			elems = append(elems, inner)
		}
		v, err := value.List(elems)
		if err != nil {
			t.Fatal(err)
		}
		return v
	})
}

func TestPartsOfAJoinedSequenceAreWhatWasJoined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := idleFrame()
		a := sequences().Draw(t, "a")
		b := sequences().Filter(func(b value.Value) bool { return b.Kind() == a.Kind() }).Draw(t, "b")
		whole, err := concat(f, []value.Value{a, b})
		if err != nil {
			t.Fatal(err)
		}
		first, err := f.slice(whole, 0, a.Len())
		if err != nil {
			t.Fatal(err)
		}
		second, err := f.slice(whole, a.Len(), a.Len()+b.Len())
		if err != nil {
			t.Fatal(err)
		}
		if !value.Equal(first, a) || !value.Equal(second, b) {
			t.Fatalf("%v and %v joined and parted are %v and %v", a, b, first, second)
		}
		for i := range whole.Len() {
			at, err := elementAt(f, whole, value.UInt64(uint64(i)))
			if err != nil {
				t.Fatal(err)
			}
			found, err := indexOf(f, whole, at.Inner())
			if err != nil || found.Kind() != value.KindSome || int(found.Inner().AsUInt().Lo) > i {
				t.Fatalf("%v, which is at %d of %v, is found at %v, %v", at, i, whole, found, err)
			}
		}
	})
}

func TestChangedCopiesLeaveTheOriginalAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := idleFrame()
		v := sequences().Filter(func(v value.Value) bool { return v.Len() > 0 }).Draw(t, "v")
		before := v.String()
		if _, err := replaced(v, 0, v.At(v.Len()-1)); err != nil {
			t.Fatal(err)
		}
		if v.Kind() == value.KindList {
			one, err := new(lists).append(f, []value.Value{v, v.Elems()[0]})
			if err != nil {
				t.Fatal(err)
			}
			seen := one.String()
			empty, err := value.List(nil)
			if err != nil {
				t.Fatal(err)
			}
			// Two that grow from the same list do not see each other's element.
			if _, err := new(lists).append(f, []value.Value{v, empty}); err != nil {
				t.Fatal(err)
			}
			if got := one.String(); got != seen {
				t.Fatalf("%s became %s", seen, got)
			}
		}
		if got := v.String(); got != before {
			t.Fatalf("%s became %s", before, got)
		}
	})
}

func TestWhatIsPutIntoAListHasTheLeastType(t *testing.T) {
	wide := types.MustList(types.MustList(types.UInt, 20), 10)
	rapid.Check(t, func(t *rapid.T) {
		v := sequences().Filter(func(v value.Value) bool { return v.Kind() == value.KindList }).Draw(t, "v")
		loose, err := value.ListOf(wide, v.Elems())
		if err != nil {
			t.Fatal(err)
		}
		whole, err := idleFrame().list([]value.Value{loose})
		if err != nil {
			t.Fatal(err)
		}
		if got := value.TypeOf(whole).Elem(); !got.Equal(wide) {
			t.Fatalf("a list of a %v has elements of %v", wide, got)
		}
		if in := whole.Elems()[0]; !value.Equal(in, v) || !value.TypeOf(in).Equal(value.TypeOf(v)) {
			t.Fatalf("%v of %v in a list is %v of %v", loose, wide, in, value.TypeOf(in))
		}
	})
}
