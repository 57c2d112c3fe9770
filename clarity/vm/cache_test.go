package vm

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/value"
)

func TestCacheIsBoundedByWhatItsContractsTake(t *testing.T) {
	c := newCache(3, 100)
	key := func(name string) cacheKey { return cacheKey{id: value.Principal{Contract: name}} }
	held := func() (names []string, bytes uint64) {
		for _, k := range c.recent.Keys() {
			x, _ := c.recent.Peek(k)
			bytes += x.weight
			names = append(names, k.id.Contract)
		}
		return names, bytes
	}
	for i, step := range []struct {
		add    string
		weight uint64
		want   []string // oldest first
	}{
		{"a", 40, []string{"a"}},
		{"b", 40, []string{"a", "b"}},
		{"c", 20, []string{"a", "b", "c"}},
		{"d", 10, []string{"b", "c", "d"}},  // no more than three
		{"e", 50, []string{"c", "d", "e"}},  // not more than 100
		{"f", 101, []string{"c", "d", "e"}}, // more than all may take
		{"d", 90, []string{"d"}},            // in place of what it was
		{"g", 10, []string{"d", "g"}},       // exactly 100
		{"h", 100, []string{"h"}},           // all of it
		{"i", 0, []string{"h", "i"}},        // nothing
		{"h", 1, []string{"i", "h"}},        // less than it was
		{"j", 99, []string{"i", "h", "j"}},  // to the brim
		{"k", 1, []string{"j", "k"}},        // pushes out what is oldest until it fits
	} {
		c.add(key(step.add), &contract{weight: step.weight})
		names, bytes := held()
		if bytes != c.bytes || bytes > c.most {
			t.Fatalf("step %d: %d bytes counted, %d there, of %d", i, c.bytes, bytes, c.most)
		}
		if !slices.Equal(names, step.want) {
			t.Errorf("step %d: %v, want %v", i, names, step.want)
		}
	}
	if _, ok := c.get(key("j")); !ok {
		t.Error("j is gone")
	}
	if _, ok := c.get(key("a")); ok {
		t.Error("a is there")
	}
}

func TestManyIdentifiersAreCoveredAsFewAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Custom(func(t *rapid.T) value.Value {
			switch n := rapid.IntRange(0, 6).Draw(t, "id"); {
			case n < 4:
				return value.UInt64(uint64(n))
			case n == 4:
				return value.OfPrincipal(value.Principal{Contract: "c"})
			default:
				return value.OfCallable(value.Callable{Principal: value.Principal{Contract: "c"}})
			}
		})
		allowed, ids := rapid.SliceOf(id).Draw(t, "allowed"), rapid.SliceOf(id).Draw(t, "ids")
		if few, many := (allowance{ids: allowed}).covers(nil, ids), coversMany(allowed, ids); len(allowed)*len(ids) <= fewPairs && few != many {
			t.Fatalf("%v covers %v: %v and %v", allowed, ids, few, many)
		}
	})
}
