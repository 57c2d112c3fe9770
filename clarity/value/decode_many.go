package value

import (
	"fmt"

	"funai/clarity/types"
)

func (d *decoder) list(t *types.Type, depth int) (Value, error) {
	if err := expect(t, types.KindList); err != nil {
		return None, err
	}
	n, err := d.length()
	if err != nil {
		return None, err
	}
	var elem *types.Type
	if t != nil {
		if elem = t.Elem(); n > int(t.Len()) {
			return None, fmt.Errorf("%w: %d of at most %d", ErrTooMany, n, t.Len())
		}
	}
	elems := make([]Value, 0, min(n, d.room()))
	for range n {
		v, err := d.value(elem, depth+1)
		if err != nil {
			return None, err
		}
		elems = append(elems, v)
	}
	if t != nil {
		return ListOfUnchecked(t, elems), nil
	}
	return List(elems)
}

// leastBytes is how many bytes a value has at least, by its first.
var leastBytes = [...]int{
	tagInt: 17, tagUInt: 17, tagBuffer: 5, tagTrue: 1, tagFalse: 1, tagStandard: 22, tagContract: 24, tagOk: 2, tagErr: 2, tagNone: 1, tagSome: 2,
	tagList: 5, tagTuple: 5, tagASCII: 5, tagUTF8: 5,
}

// room is how many values can follow, if all are like the next one. A length is a claim until its elements are there: room for
// all of it is not made before.
func (d *decoder) room() int {
	if d.at >= len(d.b) || int(d.b[d.at]) >= len(leastBytes) {
		return 0
	}
	return (len(d.b) - d.at) / leastBytes[d.b[d.at]]
}

func (d *decoder) tuple(t *types.Type, depth int) (Value, error) {
	if err := expect(t, types.KindTuple); err != nil {
		return None, err
	}
	n, err := d.length()
	if err != nil {
		return None, err
	}
	if t != nil {
		return d.typedTuple(t, n, depth)
	}
	fields := make([]Field, 0, min(n, 64, len(d.b)-d.at))
	for range n {
		name, err := d.name(ValidName)
		if err != nil {
			return None, err
		}
		v, err := d.value(nil, depth+1)
		if err != nil {
			return None, err
		}
		fields = append(fields, Field{name, v})
	}
	v, err := tupleLike(d.record, fields)
	if err == nil {
		d.record = v.carried()
	}
	return v, err
}

// typedTuple reads the n fields of a tuple of type t, in any order.
func (d *decoder) typedTuple(t *types.Type, n, depth int) (Value, error) {
	fields := t.Fields()
	if n < len(fields) || n > len(fields) && !d.sanitize {
		return None, &unfit{t, fmt.Sprintf("%d fields", n)}
	}
	values, have := make([]Value, len(fields)), make([]bool, len(fields))
	missing := len(fields)
	for next := range n {
		i, err := d.field(t, next)
		if err != nil {
			return None, err
		}
		if i < 0 {
			if _, err = d.value(nil, depth+1); err != nil {
				return None, err
			}
			continue
		}
		if have[i] {
			return None, fmt.Errorf("%w: %q", types.ErrFieldTwice, fields[i].Name)
		}
		if values[i], err = d.value(fields[i].Type, depth+1); err != nil {
			return None, err
		}
		have[i] = true
		missing--
	}
	if missing > 0 {
		return None, &unfit{t, fmt.Sprintf("%d fields are missing", missing)}
	}
	return TupleOf(t, values), nil
}

// field reads a name and returns its place among the fields of t, or -1 for a field to be left out. It looks at the place
// next first, where encodings of ours have it.
func (d *decoder) field(t *types.Type, next int) (int, error) {
	fields := t.Fields()
	if next < len(fields) && d.at < len(d.b) {
		name := fields[next].Name
		if rest := d.b[d.at+1:]; int(d.b[d.at]) == len(name) && len(rest) >= len(name) && string(rest[:len(name)]) == name {
			d.at += 1 + len(name)
			return next, nil
		}
	}
	name, err := d.name(ValidName)
	if err != nil {
		return 0, err
	}
	i := t.Index(name)
	if i < 0 && !d.sanitize {
		return 0, &unfit{t, "unknown field " + name}
	}
	return i, nil
}
