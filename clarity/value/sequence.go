package value

import (
	"sync/atomic"

	"funai/clarity/types"
)

// letters are the sequences of one byte, and those of one code point of ASCII.
var letters = func() (l struct {
	buffer [256]Value
	ascii  [128]Value
	utf8   [128]Value
}) {
	for i := range l.buffer {
		l.buffer[i] = Buffer([]byte{byte(i)})
	}
	for i := range l.ascii {
		l.ascii[i], l.utf8[i] = ASCIIBytes([]byte{byte(i)}), UTF8Runes([]rune{rune(i)})
	}
	return l
}()

// At returns the element of a sequence at i: of a buffer a buffer of one byte, of a string a string of one character. The
// index must be below Len.
func (v Value) At(i int) Value {
	switch r := v.ref.(type) {
	case *list:
		return r.elems[i]
	case *octets:
		b := r.b[i]
		if v.kind == KindBuffer {
			return letters.buffer[b]
		}
		if int(b) < len(letters.ascii) {
			return letters.ascii[b]
		}
		return ASCIIBytes(r.b[i : i+1 : i+1])
	case *runes:
		if c := r.r[i]; c >= 0 && int(c) < len(letters.utf8) {
			return letters.utf8[c]
		}
		return UTF8Runes(r.r[i : i+1 : i+1])
	}
	return None
}

// Append returns a list with one element more, of a type that the caller knows to admit it.
//
// Appending again and again takes time linear in the length: a list that was appended to lies in more memory than it needs,
// which the next one uses if it is the first to do so; of all lists that lie there it is then the longest. What of the memory
// is in use is counted where all of them see it, so that appending twice to one list, also from two goroutines, copies it
// once.
func Append(t *types.Type, v, e Value) Value {
	old, ok := v.ref.(*list)
	if !ok {
		return ListCopy(t, []Value{e})
	}
	n := len(old.elems)
	if n < cap(old.elems) && old.taken != nil && old.taken.CompareAndSwap(int64(n), int64(n)+1) {
		elems := old.elems[:n+1]
		elems[n] = e
		return Value{kind: KindList, ref: &list{t, elems, old.taken}}
	}
	fresh := &struct {
		list
		count atomic.Int64
	}{list: list{typ: t, elems: make([]Value, n+1, n+n/4+4)}}
	copy(fresh.elems, old.elems)
	fresh.elems[n] = e
	fresh.taken = &fresh.count
	fresh.count.Store(int64(n) + 1)
	return Value{kind: KindList, ref: &fresh.list}
}

// Concat joins two or more buffers or strings of the first one's kind, of n bytes or code points in all. The result may
// break the bound on values: see Check.
func Concat(vs []Value, n int) Value {
	if vs[0].kind != KindUTF8 {
		o := newOctets(n)
		at := 0
		for _, v := range vs {
			at += copy(o.b[at:], v.Octets())
		}
		return Value{kind: vs[0].kind, ref: o}
	}
	r := make([]rune, 0, n)
	for _, v := range vs {
		r = append(r, v.Runes()...)
	}
	return UTF8Runes(r)
}
