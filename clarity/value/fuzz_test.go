package value

import (
	"bytes"
	"encoding/hex"
	"testing"

	"funai/clarity/types"
)

// seeds are encodings of all kinds of value.
var seeds = []string{
	"{ a: 1, b: u2 }", "(list 1 2)", "(list (some u1) none)", "(ok true)", "(err false)", "0x00ff", `"abc"`, `u"\u{1f600}"`,
	"'ST000000000000000000002AMW42H", "'ST000000000000000000002AMW42H.a", "(list { a: (list 1) } { a: (list) })",
}

func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add(must(Encode(parse(f, s)))(f))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Encode(v)
		if err != nil || len(again) != len(b) || v.EncodedLen() != len(b) {
			t.Fatalf("%x is %v, encoded %x: %v", b, v, again, err)
		}
		back, err := Decode(again)
		if err != nil || !Equal(back, v) || !TypeOf(back).Equal(TypeOf(v)) {
			t.Fatalf("%v comes back as %v: %v", v, back, err)
		}
	})
}

func FuzzDecodeTyped(f *testing.F) {
	for i, s := range seeds {
		f.Add(must(Encode(parse(f, s)))(f), must(Encode(parse(f, seeds[(i+i%2)%len(seeds)])))(f), i%2 == 0)
	}
	// The type is that of the second value.
	f.Fuzz(func(t *testing.T, b, of []byte, sanitize bool) {
		model, err := Decode(of)
		if err != nil {
			return
		}
		typ := TypeOf(model)
		v, err := DecodeTyped(b, typ, sanitize)
		if err != nil {
			return
		}
		if !Admits(typ, v) || Check(v) != nil {
			t.Fatalf("%x was read as %v, which is no %v", b, v, typ)
		}
		again, err := Encode(v)
		if err != nil || len(again) > len(b) {
			t.Fatalf("%x is %v, encoded %x: %v", b, v, again, err)
		}
		if back, err := DecodeTyped(again, typ, false); err != nil || !Equal(back, v) {
			t.Fatalf("%v comes back as %v: %v", v, back, err)
		}
	})
}

func FuzzParseLiteral(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Add("(tuple (a 1))")
	f.Add("{ a-b?: -1, }")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseLiteral(s)
		if err != nil {
			return
		}
		back, err := ParseLiteral(v.String())
		if err != nil || !Equal(back, v) || !TypeOf(back).Equal(TypeOf(v)) {
			t.Fatalf("%q is %v, which comes back as %v: %v", s, v, back, err)
		}
		b, err := Encode(v)
		if err != nil {
			t.Fatalf("%v is not encoded: %v", v, err)
		}
		if back, err := Decode(b); err != nil || !Equal(back, v) {
			t.Fatalf("%s comes back as %v: %v", hex.EncodeToString(b), back, err)
		}
	})
}

func FuzzParsePrincipal(f *testing.F) {
	f.Add("ST000000000000000000002AMW42H")
	f.Add("SP000000000000000000002Q6VF78.pox-4")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePrincipal(s)
		if err != nil {
			return
		}
		if back, err := ParsePrincipal(p.String()); err != nil || back != p {
			t.Fatalf("%q is %v, which comes back as %v: %v", s, p, back, err)
		}
		v := OfPrincipal(p)
		b, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeTyped(b, types.Principal, true); err != nil || !Equal(back, v) {
			t.Fatalf("%x comes back as %v: %v", b, back, err)
		}
		if again, _ := AppendEncode(nil, v); !bytes.Equal(again, b) {
			t.Fatalf("%v is encoded as %x and %x", p, b, again)
		}
	})
}
