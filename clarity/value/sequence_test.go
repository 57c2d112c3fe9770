package value

import (
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/types"
)

func TestListsThatGrowFromOneAnotherKeepTheirElements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists := []Value{ListOfUnchecked(types.MustList(types.Int, 0), nil)}
		want := [][]int64{nil}
		for i := range int64(rapid.IntRange(1, 100).Draw(t, "appends")) {
			from := rapid.IntRange(0, len(lists)-1).Draw(t, "from")
			if rapid.Bool().Draw(t, "newest") {
				from = len(lists) - 1
			}
			elems := append(slices.Clip(want[from]), i)
			typ, err := types.List(types.Int, uint32(len(elems)))
			if err != nil {
				t.Fatal(err)
			}
			lists, want = append(lists, Append(typ, lists[from], Int64(i))), append(want, elems)
		}
		for i, l := range lists {
			if l.Len() != len(want[i]) || cap(l.Elems()) != l.Len() {
				t.Fatalf("list %d has %d elements with room for %d, want %d", i, l.Len(), cap(l.Elems()), len(want[i]))
			}
			for j, e := range l.Elems() {
				if !Equal(e, Int64(want[i][j])) {
					t.Fatalf("list %d: %v, want %v", i, l, want[i])
				}
			}
		}
	})
}

func TestGoroutinesMayAppendToOneList(t *testing.T) {
	base := ListOfUnchecked(types.MustList(types.Int, 0), nil)
	for i := range int64(10) {
		base = Append(types.MustList(types.Int, uint32(i)+1), base, Int64(i))
	}
	const goroutines = 8
	var (
		group sync.WaitGroup
		grown [goroutines]Value
	)
	for g := range grown {
		group.Go(func() {
			v := base
			for i := range int64(100) {
				v = Append(types.MustList(types.Int, uint32(10+i+1)), v, Int64(int64(g)*1000+i))
			}
			grown[g] = v
		})
	}
	group.Wait()
	for g, v := range grown {
		for i, e := range v.Elems() {
			want := Int64(int64(i))
			if i >= 10 {
				want = Int64(int64(g)*1000 + int64(i) - 10)
			}
			if !Equal(e, want) {
				t.Fatalf("list %d has %v at %d, want %v", g, e, i, want)
			}
		}
	}
}

func TestSmallValuesAreThoseOfAnySize(t *testing.T) {
	for n := range 200 {
		b := make([]byte, n)
		vs := make([]Value, n)
		fields := make([]types.Field, n)
		for i := range n {
			b[i], vs[i] = byte(i), Int64(int64(i))
			fields[i] = types.Field{Name: string([]byte{'a', 'a' + byte(i/26), 'a' + byte(i%26)}), Type: types.Int}
		}
		if got, want := BufferCopy(b), Buffer(b); !Equal(got, want) || cap(got.Octets()) != n {
			t.Errorf("%d bytes: %v with room for %d", n, got, cap(got.Octets()))
		}
		joined := Concat([]Value{Buffer(b[:n/2]), Buffer(b[n/2:])}, n)
		if !Equal(joined, Buffer(b)) {
			t.Errorf("%d bytes in two parts: %v", n, joined)
		}
		l := types.MustList(types.Int, uint32(n))
		if got, want := ListCopy(l, vs), ListOfUnchecked(l, vs); !Equal(got, want) || cap(got.Elems()) != n {
			t.Errorf("%d elements: %v", n, got)
		}
		if n == 0 {
			continue
		}
		tt := types.MustTuple(fields...)
		if got, want := TupleCopy(tt, vs), TupleOf(tt, vs); !Equal(got, want) || cap(got.Values()) != n {
			t.Errorf("%d fields: %v", n, got)
		}
	}
}

func TestElementsOfSequences(t *testing.T) {
	for _, v := range []Value{
		Buffer([]byte{0, 127, 128, 255}), ASCII("a~ \x7f"), UTF8("aé\u007f\u0080\U0001F600"),
	} {
		var parts []Value
		for i := range v.Len() {
			e := v.At(i)
			if e.Kind() != v.Kind() || e.Len() != 1 {
				t.Errorf("element %d of %v is %v", i, v, e)
			}
			parts = append(parts, e)
		}
		if whole := Concat(parts, v.Len()); !Equal(whole, v) {
			t.Errorf("the elements of %v make %v", v, whole)
		}
	}
}
