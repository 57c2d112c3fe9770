package value

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/types"
)

func TestEncodingReadsBackAsTheSameValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := values.Draw(t, "value")
		b, err := Encode(x.v)
		if err != nil || len(b) != x.v.EncodedLen() {
			t.Fatalf("%v is encoded in %d bytes, EncodedLen says %d: %v", x.v, len(b), x.v.EncodedLen(), err)
		}
		v, err := Decode(b)
		if err != nil || !Equal(v, x.v) {
			t.Fatalf("%v reads as %v: %v", x.v, v, err)
		}
		if !isOf(TypeOf(Tighten(x.v)), v) {
			t.Fatalf("%v has the type %v, the least is %v", v, TypeOf(v), TypeOf(Tighten(x.v)))
		}
		if again, err := Encode(v); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x is encoded again as %x: %v", b, again, err)
		}
		if more, err := AppendEncode([]byte("before"), x.v); err != nil || string(more) != "before"+string(b) {
			t.Fatalf("appended: %q: %v", more, err)
		}
	})
}

func TestTypedDecodingGivesTheTypeThatIsAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := values.Draw(t, "value")
		b, err := Encode(x.v)
		if err != nil {
			t.Fatal(err)
		}
		v, err := DecodeTyped(b, x.t, rapid.Bool().Draw(t, "sanitize"))
		if err != nil || !Equal(v, x.v) || !TypeOf(v).Equal(TypeOf(x.v)) {
			t.Fatalf("%v of %v reads as %v of %v: %v", x.v, TypeOf(x.v), v, TypeOf(v), err)
		}
		other := someTypes(3).Draw(t, "other")
		if v, err := DecodeTyped(b, other, true); err == nil && !Admits(other, v) {
			t.Fatalf("%v was read as a %v", v, other)
		} else if err != nil && Admits(other, x.v) {
			t.Fatalf("%v is a %v, but: %v", x.v, other, err)
		}
	})
}

func TestEncodingCutShortOrLongerIsAnError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := Encode(values.Draw(t, "value").v)
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if v, err := Decode(b[:cut]); !errors.Is(err, ErrShort) {
			t.Fatalf("%x reads as %v: %v", b[:cut], v, err)
		}
		if v, err := Decode(append(b, 0)); !errors.Is(err, ErrTrailing) {
			t.Fatalf("%x00 reads as %v: %v", b, v, err)
		}
		if v, n, err := DecodePrefix(append(b, 0)); err != nil || n != len(b) {
			t.Fatalf("%x00 begins with %v of %d bytes: %v", b, v, n, err)
		}
		if v, n, err := DecodePrefix(b[:cut]); !errors.Is(err, ErrShort) {
			t.Fatalf("%x begins with %v of %d bytes: %v", b[:cut], v, n, err)
		}
	})
}

// unhex reads encodings as tests write them: spaces are left out, and name:x stands for a name after its length.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	var out strings.Builder
	for _, w := range strings.Fields(s) {
		if name, ok := strings.CutPrefix(w, "name:"); ok {
			w = hex.EncodeToString(append([]byte{byte(len(name))}, name...))
		}
		out.WriteString(w)
	}
	return must(hex.DecodeString(out.String()))(t)
}

const (
	one  = " 00 00000000000000000000000000000001 "
	uOne = " 01 00000000000000000000000000000001 "
	hash = " 1111111111111111111111111111111111111111 "
)

// TestFromConsensusBuffVectors has what from-consensus-buff? of the reference implementation makes of these, in epoch 2.5 and,
// where it is another, 2.3.
func TestFromConsensusBuffVectors(t *testing.T) {
	ab := types.MustTuple(types.Field{Name: "a", Type: types.Int}, types.Field{Name: "b", Type: types.UInt})
	inner := types.MustTuple(types.Field{Name: "b", Type: types.Int})
	lists := types.MustList(inner, 2)
	for name, c := range map[string]struct {
		t           *types.Type
		hex         string
		want        string // or "" for none
		onlySanitze bool
	}{
		"tuple":                         {t: ab, hex: "0c 00000002 name:a" + one + "name:b" + uOne, want: "{ a: 1, b: u1 }"},
		"fields in another order":       {t: ab, hex: "0c 00000002 name:b" + uOne + "name:a" + one, want: "{ a: 1, b: u1 }"},
		"a field too many":              {t: ab, hex: "0c 00000003 name:a" + one + "name:b" + uOne + "name:c" + one, want: "{ a: 1, b: u1 }", onlySanitze: true},
		"a field twice":                 {t: ab, hex: "0c 00000003 name:a" + one + "name:a" + one + "name:b" + uOne},
		"an unknown field for one":      {t: ab, hex: "0c 00000003 name:a" + one + "name:c" + one + "name:c" + uOne},
		"an unknown field twice":        {t: ab, hex: "0c 00000004 name:a" + one + "name:b" + uOne + "name:c" + one + "name:c" + one, want: "{ a: 1, b: u1 }", onlySanitze: true},
		"an unknown field is no value":  {t: ab, hex: "0c 00000003 name:a" + one + "name:b" + uOne + "name:c 0b 00000002" + one + uOne},
		"an unknown field has nothing":  {t: ab, hex: "0c 00000003 name:a" + one + "name:b" + uOne + "name:c 0c 00000000"},
		"an unknown field has no name":  {t: ab, hex: "0c 00000003 name:a" + one + "name:b" + uOne + "name:1c" + one},
		"no fields":                     {t: inner, hex: "0c 00000000"},
		"nested fields too many":        {t: lists, hex: "0b 00000002 0c 00000002 name:b" + one + "name:c" + one + "0c 00000002 name:b" + one + "name:d" + one, want: "(list { b: 1 } { b: 1 })", onlySanitze: true},
		"form feed":                     {t: types.MustASCII(5), hex: "0d 00000001 0c", want: `"\u{c}"`},
		"vertical tab":                  {t: types.MustASCII(5), hex: "0d 00000001 0b"},
		"nul":                           {t: types.MustASCII(5), hex: "0d 00000001 00"},
		"tab":                           {t: types.MustASCII(5), hex: "0d 00000001 09", want: `"\t"`},
		"carriage return":               {t: types.MustASCII(5), hex: "0d 00000001 0d", want: `"\r"`},
		"delete":                        {t: types.MustASCII(5), hex: "0d 00000001 7f"},
		"eighth bit":                    {t: types.MustASCII(5), hex: "0d 00000001 80"},
		"empty string":                  {t: types.MustASCII(5), hex: "0d 00000000", want: `""`},
		"nul in utf8":                   {t: types.MustUTF8(5), hex: "0e 00000001 00", want: `u"\u{0}"`},
		"half a character":              {t: types.MustUTF8(5), hex: "0e 00000001 80"},
		"half a pair":                   {t: types.MustUTF8(5), hex: "0e 00000003 eda080"},
		"overlong":                      {t: types.MustUTF8(5), hex: "0e 00000002 c080"},
		"four bytes are one code point": {t: types.MustUTF8(1), hex: "0e 00000004 f09f9880", want: `u"\u{1f600}"`},
		"two code points":               {t: types.MustUTF8(1), hex: "0e 00000002 6161"},
		"principal":                     {t: types.Principal, hex: "05 1a" + hash, want: "'ST8H248H248H248H248H248H248H248H26RCPJ4T"},
		"version 31":                    {t: types.Principal, hex: "05 1f" + hash, want: "'SZ8H248H248H248H248H248H248H248H27JX53TS"},
		"version 32":                    {t: types.Principal, hex: "05 20" + hash},
		"contract":                      {t: types.Principal, hex: "06 1a" + hash + "name:a_-B9", want: "'ST8H248H248H248H248H248H248H248H26RCPJ4T.a_-B9"},
		"transient contract":            {t: types.Principal, hex: "06 1a" + hash + "name:__transient", want: "'ST8H248H248H248H248H248H248H248H26RCPJ4T.__transient"},
		"contract of 41":                {t: types.Principal, hex: "06 1a" + hash + "name:" + strings.Repeat("a", 41), want: "'ST8H248H248H248H248H248H248H248H26RCPJ4T." + strings.Repeat("a", 41)},
		"contract of 129":               {t: types.Principal, hex: "06 1a" + hash + "name:" + strings.Repeat("a", 129)},
		"contract without name":         {t: types.Principal, hex: "06 1a" + hash + "00"},
		"contract of a digit":           {t: types.Principal, hex: "06 1a" + hash + "name:1a"},
		"contract with a sign":          {t: types.Principal, hex: "06 1a" + hash + "name:a?"},
		"empty list":                    {t: types.MustList(types.Int, 3), hex: "0b 00000000", want: "(list)"},
		"list of no elements":           {t: types.MustList(types.Int, 0), hex: "0b 00000000", want: "(list)"},
		"elements of two types":         {t: types.MustList(types.Int, 3), hex: "0b 00000002" + one + uOne},
		"an element too many":           {t: types.MustList(types.Int, 1), hex: "0b 00000002" + one + one},
		"none":                          {t: types.MustOptional(types.Int), hex: "09", want: "none"},
		"some of another":               {t: types.MustOptional(types.Int), hex: "0a" + uOne},
		"err":                           {t: types.MustResponse(types.Int, types.UInt), hex: "08" + uOne, want: "(err u1)"},
		"a buffer for a bool":           {t: types.Bool, hex: "02 00000000"},
		"bytes that follow":             {t: types.Int, hex: one + "00"},
		"bytes that lack":               {t: types.Int, hex: "00 00"},
		"unknown tag":                   {t: types.Int, hex: "0f"},
		"nothing":                       {t: types.Int},
	} {
		for _, sanitize := range []bool{true, false} {
			want := c.want
			if c.onlySanitze && !sanitize {
				want = ""
			}
			v, err := DecodeTyped(unhex(t, c.hex), c.t, sanitize)
			var d *DecodeError
			switch {
			case err != nil && !errors.As(err, &d):
				t.Errorf("%s: the error is a %T", name, err)
			case (err == nil) != (want != "") || err == nil && v.String() != want:
				t.Errorf("%s (sanitize %v): %v, %v; want %q", name, sanitize, v, err, want)
			case err == nil && (!c.t.Admits(TypeOf(v))):
				t.Errorf("%s: the value is a %v", name, TypeOf(v))
			}
		}
	}
}

func TestUntypedDecodingNamesTheRule(t *testing.T) {
	deep := strings.Repeat("0a", 31)
	for name, c := range map[string]struct {
		hex  string
		want error
	}{
		"no type for elements":       {"0b 00000002" + one + uOne, types.ErrNoSupertype},
		"no fields":                  {"0c 00000000", types.ErrNoFields},
		"a field twice":              {"0c 00000002 name:a" + one + "name:a" + one, types.ErrFieldTwice},
		"name":                       {"0c 00000001 name:1" + one, ErrName},
		"length that cannot be":      {"0b ffffffff", types.ErrTooBig},
		"length that is not there":   {"0b 000fffff 03", ErrShort},
		"32 deep":                    {deep + one, nil},
		"33 deep":                    {deep + "0a" + one, types.ErrTooDeep},
		"33 deep by the type":        {deep + "09", types.ErrTooDeep},
		"33 deep by a list's type":   {deep + "0b 00000000", types.ErrTooDeep},
		"lists 33 deep":              {strings.Repeat("0b 00000001 ", 32) + one, types.ErrTooDeep},
		"tag":                        {"ff", ErrTag},
		"version":                    {"05 20" + hash, ErrPrincipal},
		"ascii":                      {"0d 00000001 00", ErrCharacters},
		"utf8":                       {"0e 00000001 ff", ErrCharacters},
		"bytes that follow":          {"03 03", ErrTrailing},
		"fields in any order":        {"0c 00000002 name:b" + one + "name:a" + one, nil},
		"a list of other lists' sum": {"0b 00000002 0b 00000000 0b 00000001" + one, nil},
	} {
		if v, err := Decode(unhex(t, c.hex)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, v, err, c.want)
		}
	}
	if _, err := Decode(make([]byte, MaxEncoded+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}

func TestGreatestValuesAreEncoded(t *testing.T) {
	for name, v := range map[string]Value{
		"buffer": Buffer(make([]byte, types.MaxValueSize)),
		"list":   must(List(make65535()))(t),
	} {
		b := must(Encode(v))(t)
		if got, err := Decode(b); err != nil || !Equal(got, v) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, v := range map[string]Value{
		"buffer":      Buffer(make([]byte, types.MaxValueSize+1)),
		"some buffer": Some(Buffer(make([]byte, types.MaxValueSize))),
		"long name":   OfPrincipal(Principal{Contract: strings.Repeat("a", 129)}),
	} {
		if b, err := Encode(v); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s is encoded in %d bytes: %v", name, len(b), err)
		}
	}
}

func make65535() []Value {
	out := make([]Value, 65535)
	for i := range out {
		out[i] = Int64(int64(i))
	}
	return out
}
