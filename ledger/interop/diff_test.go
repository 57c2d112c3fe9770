package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// difference is one place where two JSON answers are not alike.
type difference struct {
	path string // a.b.#.c, where # is any index
	what string
	one  bool // it is in one of the answers only
}

// parse decodes JSON, with numbers as they are written.
func parse(raw json.RawMessage) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

// compare lists where ours is not like theirs: keys that only one has, other types, other values.
func compare(path string, ours, theirs any) []difference {
	switch theirs := theirs.(type) {
	case map[string]any:
		if ours, ok := ours.(map[string]any); ok {
			return compareObjects(path, ours, theirs)
		}
	case []any:
		if ours, ok := ours.([]any); ok {
			return compareArrays(path, ours, theirs)
		}
	case json.Number:
		if ours, ok := ours.(json.Number); ok && equalNumbers(ours, theirs) {
			return nil
		}
	default:
		if ours == theirs { // nil, bool, string
			return nil
		}
	}
	if a, b := kindOf(ours), kindOf(theirs); a != b {
		return []difference{{path: path, what: fmt.Sprintf("is of type %s, bitcoind's %s", a, b)}}
	}
	return []difference{{path: path, what: fmt.Sprintf("is %s, bitcoind's %s", show(ours), show(theirs))}}
}

func compareObjects(path string, ours, theirs map[string]any) (ds []difference) {
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		if v, ok := ours[key]; ok {
			ds = append(ds, compare(path+"."+key, v, theirs[key])...)
		} else {
			ds = append(ds, difference{path + "." + key, "is not there, bitcoind's is " + show(theirs[key]), true})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(ours)) {
		if _, ok := theirs[key]; !ok {
			ds = append(ds, difference{path + "." + key, "is " + show(ours[key]) + ", bitcoind's is not there", true})
		}
	}
	return ds
}

func compareArrays(path string, ours, theirs []any) (ds []difference) {
	if len(ours) != len(theirs) {
		what := fmt.Sprintf("has %d elements, bitcoind's %d: %s and %s", len(ours), len(theirs), show(ours), show(theirs))
		return []difference{{path: path, what: what}}
	}
	if unordered(path) {
		ours, theirs = sorted(ours), sorted(theirs)
	}
	for i := range theirs {
		ds = append(ds, compare(path+".#", ours[i], theirs[i])...)
	}
	return ds
}

// unordered says whether an array's order means nothing.
func unordered(path string) bool {
	for _, set := range []string{"mempool", "listunspent", "listtransactions", "listsinceblock", "listdescriptors", "walletconflicts"} {
		if strings.Contains(path, set) {
			return true
		}
	}
	return false
}

// sorted is a list in the order of its elements' JSON.
func sorted(list []any) []any {
	return slices.SortedFunc(slices.Values(list), func(a, b any) int { return strings.Compare(whole(a), whole(b)) })
}

// equalNumbers compares by value, to the 16 digits that bitcoind prints: 0.5 is 0.50000000.
func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, errX := strconv.ParseFloat(a.String(), 64)
	y, errY := strconv.ParseFloat(b.String(), 64)
	return errX == nil && errY == nil && strconv.FormatFloat(x, 'g', 16, 64) == strconv.FormatFloat(y, 'g', 16, 64)
}

func kindOf(v any) string {
	switch v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case json.Number:
		return "number"
	case string:
		return "string"
	case bool:
		return "bool"
	}
	return "null"
}

// whole is a value as JSON.
func whole(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// show is a value as JSON, shortened.
func show(v any) string {
	const most = 160
	s := whole(v)
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
