package codec

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// sample has every kind of field that records and messages have.
type sample struct {
	_     struct{} `cbor:",toarray"`
	N     uint64
	Small uint8
	Sign  int32
	Float float64
	Hash  [4]byte
	Raw   []byte
	Text  string
	List  []inner
	Sub   inner
	Yes   bool
}

type inner struct {
	_    struct{} `cbor:",toarray"`
	Name string
	Hash [2]byte
}

func samples() *rapid.Generator[sample] {
	in := rapid.Custom(func(t *rapid.T) inner {
		return inner{Name: rapid.String().Draw(t, "name"), Hash: [2]byte{rapid.Byte().Draw(t, "h")}}
	})
	return rapid.Custom(func(t *rapid.T) sample {
		return sample{N: rapid.Uint64().Draw(t, "n"), Small: rapid.Uint8().Draw(t, "small"), Sign: rapid.Int32().Draw(t, "sign"),
			Float: rapid.Float64().Draw(t, "float"), Hash: [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "hash")),
			Raw: rapid.SliceOf(rapid.Byte()).Draw(t, "raw"), Text: rapid.String().Draw(t, "text"),
			List: rapid.SliceOfN(in, 0, 5).Draw(t, "list"), Sub: in.Draw(t, "sub"), Yes: rapid.Bool().Draw(t, "yes")}
	})
}

func TestWhatIsEncodedIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := samples().Draw(t, "value")
		raw := Encode(want)
		var got sample
		if err := Decode(raw, len(raw), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v read back as %+v", want, got)
		}
		if !bytes.Equal(Encode(got), raw) {
			t.Fatal("two encodings of one value")
		}
	})
}

func TestNoSliceAndAnEmptyOneAreOneValue(t *testing.T) {
	if !bytes.Equal(Encode(sample{}), Encode(sample{Raw: []byte{}, List: []inner{}})) {
		t.Error("they differ")
	}
}

func TestOnlyTheOneEncodingIsTaken(t *testing.T) {
	type two struct {
		_ struct{} `cbor:",toarray"`
		N uint64
		B []byte
	}
	type float struct {
		_ struct{} `cbor:",toarray"`
		F float64
	}
	type text struct {
		_ struct{} `cbor:",toarray"`
		S string
	}
	type named struct{ A, B uint64 }
	for _, c := range []struct {
		name string
		raw  string
		into any
		good bool
	}{
		{"shortest", "\x82\x01\x41\x05", new(two), true},
		{"number in two bytes", "\x82\x18\x01\x41\x05", new(two), false},
		{"number in nine bytes", "\x82\x1b\x00\x00\x00\x00\x00\x00\x00\x01\x41\x05", new(two), false},
		{"length in two bytes", "\x82\x01\x58\x01\x05", new(two), false},
		{"array of indefinite length", "\x9f\x01\x41\x05\xff", new(two), false},
		{"bytes of indefinite length", "\x82\x01\x5f\x41\x05\xff", new(two), false},
		{"nothing for no bytes", "\x82\x01\xf6", new(two), false},
		{"an array for bytes", "\x82\x01\x81\x05", new(two), false},
		{"text for bytes", "\x82\x01\x61\x05", new(two), false},
		{"tagged", "\xc1\x82\x01\x41\x05", new(two), false},
		{"tagged number", "\x82\xc2\x41\x01\x41\x05", new(two), false},
		{"too few fields", "\x81\x01", new(two), false},
		{"too many fields", "\x83\x01\x41\x05\x00", new(two), false},
		{"more behind", "\x82\x01\x41\x05\x00", new(two), false},
		{"cut short", "\x82\x01\x41", new(two), false},
		{"nothing", "", new(two), false},
		{"nil", "\xf6", new(two), false},
		{"negative", "\x82\x20\x41\x05", new(two), false},
		{"half", "\x81\xf9\x3c\x00", new(float), true},
		{"half as double", "\x81\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00", new(float), false},
		{"no number", "\x81\xf9\x7e\x00", new(float), true},
		{"another no number", "\x81\xf9\x7e\x01", new(float), false},
		{"integer for a float", "\x81\x01", new(float), false},
		{"UTF-8", "\x81\x62\xc3\xa4", new(text), true},
		{"not UTF-8", "\x81\x61\xff", new(text), false},
		{"names in order", "\xa2\x61A\x01\x61B\x02", new(named), true},
		{"names out of order", "\xa2\x61B\x02\x61A\x01", new(named), false},
		{"name twice", "\xa3\x61A\x01\x61A\x01\x61B\x02", new(named), false},
		{"name unknown", "\xa3\x61A\x01\x61B\x02\x61C\x03", new(named), false},
		{"name in another case", "\xa2\x61a\x01\x61B\x02", new(named), false},
	} {
		err := Decode([]byte(c.raw), 100, c.into)
		if (err == nil) != c.good || err != nil && !errors.Is(err, ErrDecode) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSizesAndDepthsAreBounded(t *testing.T) {
	raw := Encode([]byte("12345"))
	var b []byte
	if err := Decode(raw, len(raw)-1, &b); !errors.Is(err, ErrSize) {
		t.Errorf("one byte too many: %v", err)
	}
	if err := Decode(raw, len(raw), &b); err != nil {
		t.Error(err)
	}
	var v any
	for _, c := range []struct {
		name string
		raw  string
		good bool
	}{
		{"as deep as may be", strings.Repeat("\x81", maxNesting) + "\x01", true},
		{"deeper", strings.Repeat("\x81", maxNesting+1) + "\x01", false},
		{"very deep", strings.Repeat("\x81", 1<<16) + "\x01", false},
		{"an array that claims 2^32 items", "\x9a\xff\xff\xff\xff", false},
		{"an array that claims 2^63 items", "\x9b\x80\x00\x00\x00\x00\x00\x00\x00", false},
		{"bytes that claim to be 2^63", "\x5b\x80\x00\x00\x00\x00\x00\x00\x00", false},
		{"one item more than may be", "\x9a\x00\x01\x00\x01" + strings.Repeat("\x00", maxElements+1), false},
	} {
		if err := Decode([]byte(c.raw), 1<<20, &v); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestWhatCanNotBeEncodedIsABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a channel was encoded")
		}
	}()
	Encode(make(chan int))
}

func TestNotANumberHasOneEncoding(t *testing.T) {
	if !bytes.Equal(Encode(math.NaN()), Encode(math.Float64frombits(math.Float64bits(math.NaN())^1))) {
		t.Error("it has two")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(sample{}))
	f.Add(Encode(sample{N: 1 << 40, Float: 1.5, Raw: []byte{1}, Text: "ä", List: []inner{{Name: "x"}}}))
	f.Add([]byte("\x9b\x80\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v sample
		if err := Decode(raw, 1<<12, &v); err != nil {
			if !errors.Is(err, ErrDecode) && !errors.Is(err, ErrSize) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if len(raw) > 1<<12 || !bytes.Equal(Encode(v), raw) {
			t.Fatal("a second encoding was taken")
		}
	})
}
