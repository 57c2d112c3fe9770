package types

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func tuple(fields ...any) *Type {
	var out []Field
	for i := 0; i < len(fields); i += 2 {
		out = append(out, Field{fields[i].(string), fields[i+1].(*Type)})
	}
	return MustTuple(out...)
}

// TestSizes has what the reference implementation charges for parameters of these types.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		t    *Type
		size uint32
		text string
	}{
		{Int, 16, "int"}, {UInt, 16, "uint"}, {Bool, 1, "bool"}, {Principal, 148, "principal"}, {None, 1, "UnknownType"},
		{MustBuffer(10), 14, "(buff 10)"}, {MustASCII(165), 169, "(string-ascii 165)"}, {MustUTF8(153), 616, "(string-utf8 153)"},
		{MustOptional(Bool), 2, "(optional bool)"}, {MustResponse(Bool, Int), 17, "(response bool int)"},
		{MustList(Bool, 1), 7, "(list 1 bool)"}, {MustList(MustBuffer(1), 0), 10, "(list 0 (buff 1))"},
		{MustList(MustList(Int, 0), 0), 11, "(list 0 (list 0 int))"},
		{MustList(MustOptional(Int), 0), 7, "(list 0 (optional int))"}, {MustList(MustResponse(Int, Int), 0), 8, "(list 0 (response int int))"},
		{tuple("a", Bool), 8, "(tuple (a bool))"}, {tuple("ab", Bool), 10, "(tuple (ab bool))"},
		{tuple("b", Bool, "a", Bool), 16, "(tuple (a bool) (b bool))"}, {tuple("a", MustList(Bool, 2)), 20, "(tuple (a (list 2 bool)))"},
		{tuple("a", tuple("a", Int)), 33, "(tuple (a (tuple (a int))))"}, {MustList(tuple("a", tuple("a", Int)), 0), 12, "(list 0 (tuple (a (tuple (a int)))))"},
		{tuple("abc0", MustOptional(MustBuffer(96))), 119, "(tuple (abc0 (optional (buff 96))))"},
		{tuple("a0", Bool, "ab1", tuple("abc0", MustASCII(110))), 162, "(tuple (a0 bool) (ab1 (tuple (abc0 (string-ascii 110)))))"},
		{Trait(TraitID{"ST000000000000000000002AMW42H.a", "t"}), 276, "<ST000000000000000000002AMW42H.a.t>"},
		{ContractLiteral("ST000000000000000000002AMW42H.a"), 148, "(principal ST000000000000000000002AMW42H.a)"},
	} {
		if c.t.Size() != c.size || c.t.String() != c.text {
			t.Errorf("%v is of %d bytes, want %s of %d", c.t, c.t.Size(), c.text, c.size)
		}
	}
}

// nest wraps int n times.
func nest(t *testing.T, n int, wrap func(*Type) (*Type, error)) error {
	t.Helper()
	typ := Int
	for i := range n {
		next, err := wrap(typ)
		if err != nil {
			if i < n-1 {
				t.Errorf("the bound is met at %d of %d: %v", i+1, n, err)
			}
			return err
		}
		typ = next
	}
	return nil
}

// TestBounds has the greatest types that the reference implementation takes, and those that are one more.
func TestBounds(t *testing.T) {
	list := func(elem *Type, n uint32) func() (*Type, error) {
		return func() (*Type, error) { return List(elem, n) }
	}
	field := func(n uint32) func() (*Type, error) {
		return func() (*Type, error) { return Tuple([]Field{{"a", MustBuffer(n)}}) }
	}
	for name, c := range map[string]struct {
		make func() (*Type, error)
		want error
	}{
		"buffer":          {func() (*Type, error) { return Buffer(1 << 20) }, nil},
		"buffer+1":        {func() (*Type, error) { return Buffer(1<<20 + 1) }, ErrTooBig},
		"ascii":           {func() (*Type, error) { return ASCII(1 << 20) }, nil},
		"ascii+1":         {func() (*Type, error) { return ASCII(1<<20 + 1) }, ErrTooBig},
		"utf8":            {func() (*Type, error) { return UTF8(1 << 18) }, nil},
		"utf8+1":          {func() (*Type, error) { return UTF8(1<<18 + 1) }, ErrTooBig},
		"optional":        {func() (*Type, error) { return Optional(MustBuffer(1<<20 - 5)) }, nil},
		"optional+1":      {func() (*Type, error) { return Optional(MustBuffer(1<<20 - 4)) }, ErrTooBig},
		"response":        {func() (*Type, error) { return Response(Int, MustBuffer(1<<20-5)) }, nil},
		"response+1":      {func() (*Type, error) { return Response(Int, MustBuffer(1<<20-4)) }, ErrTooBig},
		"list":            {list(Int, 65535), nil},
		"list+1":          {list(Int, 65536), ErrTooBig},
		"list of bool":    {list(Bool, 1<<20-6), nil},
		"list of bool+1":  {list(Bool, 1<<20-5), ErrTooBig},
		"list beyond all": {list(MustBuffer(1<<20), 1<<32-1), ErrTooBig},
		"tuple":           {field(1048561), nil},
		"tuple+1":         {field(1048562), ErrTooBig},
		"no fields":       {func() (*Type, error) { return Tuple(nil) }, ErrNoFields},
		"a field twice":   {func() (*Type, error) { return Tuple([]Field{{"a", Int}, {"b", Int}, {"a", UInt}}) }, ErrFieldTwice},
		"a field without": {func() (*Type, error) { return Tuple([]Field{{"a", nil}}) }, ErrNoType},
		"a list without":  {list(nil, 1), ErrNoType},
	} {
		if typ, err := c.make(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, typ, err)
		}
	}
	for name, wrap := range map[string]func(*Type) (*Type, error){
		"optional": Optional,
		"list":     func(t *Type) (*Type, error) { return List(t, 1) },
		"tuple":    func(t *Type) (*Type, error) { return Tuple([]Field{{"a", t}}) },
		"response": func(t *Type) (*Type, error) { return Response(t, Bool) },
	} {
		if err := nest(t, MaxDepth-1, wrap); err != nil {
			t.Errorf("%s at depth %d: %v", name, MaxDepth, err)
		}
		if err := nest(t, MaxDepth, wrap); !errors.Is(err, ErrTooDeep) {
			t.Errorf("%s at depth %d: %v", name, MaxDepth+1, err)
		}
	}
}

// some generates types, of few shapes so that two of them often have to do with each other.
func some(depth int) *rapid.Generator[*Type] {
	return rapid.Custom(func(t *rapid.T) *Type {
		last := 11
		if depth <= 0 {
			last = 5
		}
		n := rapid.Uint32Range(0, 3).Draw(t, "n")
		switch rapid.IntRange(0, last).Draw(t, "kind") {
		case 0:
			return None
		case 1:
			return Int
		case 2:
			return Principal
		case 3:
			return MustBuffer(n)
		case 4:
			return ContractLiteral(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "contract"))
		case 5:
			return Trait(TraitID{"c", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "trait")})
		case 6, 7:
			return MustList(some(depth-1).Draw(t, "elem"), n)
		case 8, 9:
			return MustOptional(some(depth-1).Draw(t, "inside"))
		case 10:
			return MustResponse(some(depth-1).Draw(t, "ok"), some(depth-1).Draw(t, "err"))
		}
		fields := []Field{{"a", some(depth-1).Draw(t, "a")}}
		if rapid.Bool().Draw(t, "two") {
			fields = append(fields, Field{"b", some(depth-1).Draw(t, "b")})
		}
		return MustTuple(fields...)
	})
}

// odd says whether a type has a part of which its values do not decide what it admits: what has no value, and contracts.
func odd(t *Type) bool {
	switch t.kind {
	case KindNone, KindContract, KindTrait:
		return true
	case KindList, KindOptional:
		return t.len == 0 && t.kind == KindList || odd(t.elem)
	case KindResponse:
		return odd(t.elem) || odd(t.err)
	default:
		return slices.ContainsFunc(t.fields, func(f Field) bool { return odd(f.Type) })
	}
}

func TestLeastSupertypeAdmitsBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := some(3).Draw(t, "a"), some(3).Draw(t, "b")
		s, err := LeastSupertype(a, b)
		switch {
		case err != nil && !errors.Is(err, ErrNoSupertype):
			t.Fatal(err)
		case odd(a) || odd(b):
		case err != nil && (a.Admits(b) || b.Admits(a)):
			t.Fatalf("of %v and %v one admits the other, but: %v", a, b, err)
		case err == nil && !s.Admits(a):
			t.Fatalf("%v and %v have %v, which does not admit the first", a, b, s)
		case err == nil && !hasTuple(a) && !s.Admits(b):
			t.Fatalf("%v and %v have %v, which does not admit the second", a, b, s)
		case err == nil && a.Admits(b) && !s.Equal(a), err == nil && b.Admits(a) && !s.Equal(b):
			t.Fatalf("of %v and %v one admits the other, but they have %v", a, b, s)
		}
	})
}

// hasTuple says whether the order of two types counts.
func hasTuple(t *Type) bool { return strings.Contains(t.String(), "(tuple") }

func TestSupertypeOfTuplesHasTheFirstOnesFields(t *testing.T) {
	a, ab := tuple("a", MustASCII(1)), tuple("a", MustASCII(2), "b", Int)
	if s, err := LeastSupertype(a, ab); err != nil || !s.Equal(tuple("a", MustASCII(2))) {
		t.Errorf("%v: %v", s, err)
	}
	if s, err := LeastSupertype(ab, a); !errors.Is(err, ErrNoSupertype) {
		t.Errorf("%v: %v", s, err)
	}
	if s, err := LeastSupertype(a, tuple("c", Int)); !errors.Is(err, ErrNoSupertype) {
		t.Errorf("%v: %v", s, err)
	}
}

func TestTypesAreWhatTheirTextSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := some(2).Draw(t, "a"), some(2).Draw(t, "b")
		if a.Equal(b) != (a.String() == b.String()) || a.Equal(nil) {
			t.Fatalf("%v and %v are equal: %v", a, b, a.Equal(b))
		}
		if a.Size() < 1 || a.TypeSize() < 1 || a.Depth() < 1 {
			t.Fatalf("%v: size %d, type size %d, depth %d", a, a.Size(), a.TypeSize(), a.Depth())
		}
	})
}

func TestAdmits(t *testing.T) {
	literal, trait := ContractLiteral("a"), Trait(TraitID{"c", "t"})
	for _, c := range []struct {
		t, o *Type
		want bool
	}{
		{MustASCII(3), MustASCII(2), true}, {MustASCII(2), MustASCII(3), false}, {MustASCII(3), MustUTF8(2), false},
		{MustList(Int, 3), MustList(Int, 2), true}, {MustList(Int, 3), MustList(UInt, 2), false}, {MustList(Int, 3), MustList(None, 0), true},
		{MustOptional(Int), MustOptional(None), true}, {MustOptional(None), MustOptional(Int), false},
		{MustResponse(Int, UInt), MustResponse(None, UInt), true}, {MustResponse(Int, UInt), MustResponse(Int, None), true}, {MustResponse(Int, UInt), MustResponse(Bool, None), false},
		{tuple("a", MustASCII(2)), tuple("a", MustASCII(1)), true}, {tuple("a", Int), tuple("b", Int), false}, {tuple("a", Int), tuple("a", Int, "b", Int), false},
		{Principal, literal, true}, {literal, Principal, false}, {Principal, trait, false}, {trait, trait, true}, {trait, Trait(TraitID{"c", "u"}), false}, {trait, literal, false},
	} {
		if got := c.t.Admits(c.o); got != c.want {
			t.Errorf("%v admits %v: %v", c.t, c.o, got)
		}
	}
}

// TestContractsJoin has what the reference implementation says that lists of them hold.
func TestContractsJoin(t *testing.T) {
	a, b, trait := ContractLiteral("s.a"), ContractLiteral("s.b", "s.a", "s.b"), Trait(TraitID{"s.c", "t"})
	for _, c := range []struct {
		a, b *Type
		text string // or "" for none
		all  string
		is   bool // a principal
	}{
		{a, a, "(principal s.a)", "s.a", true},
		{a, b, "principal", "s.a s.b", true},
		{b, Principal, "principal", "", true},
		{Principal, a, "principal", "", true},
		{trait, trait, "<s.c.t>", "", false},
		{trait, a, "principal", "s.a s.c.t", false},
		{trait, Trait(TraitID{"s.c", "u"}), "principal", "s.c.t s.c.u", false},
		{trait, Principal, "", "", false},
		{a, Int, "", "", false},
	} {
		s, err := LeastSupertype(c.a, c.b)
		switch {
		case c.text == "":
			if !errors.Is(err, ErrNoSupertype) {
				t.Errorf("%v and %v have %v: %v", c.a, c.b, s, err)
			}
		case err != nil || s.String() != c.text || strings.Join(s.Contracts(), " ") != c.all || Principal.Admits(s) != c.is:
			t.Errorf("%v and %v have %v of %v: %v", c.a, c.b, s, s.Contracts(), err)
		}
	}
	if Int.Contracts() != nil || Int.Trait() != (TraitID{}) {
		t.Error("int has contracts or a trait")
	}
}

func TestLooseOptionalIsBeyondTheBoundAlone(t *testing.T) {
	if l, o := LooseOptional(Int), MustOptional(Int); !l.Equal(o) || l.Depth() != o.Depth() {
		t.Errorf("%v of %d bytes", l, l.Size())
	}
	if l := LooseOptional(MustBuffer(MaxValueSize)); l.Size() != MaxValueSize+5 || l.String() != "(optional (buff 1048576))" {
		t.Errorf("%v of %d bytes", l, l.Size())
	}
}

func TestFieldsAreFound(t *testing.T) {
	typ := tuple("b", Int, "a", UInt)
	if f, ok := typ.Field("b"); !ok || f != Int || typ.Index("b") != 1 {
		t.Errorf("b is %v at %d", f, typ.Index("b"))
	}
	if f, ok := typ.Field("c"); ok || typ.Index("c") != -1 {
		t.Errorf("c is %v at %d", f, typ.Index("c"))
	}
}

func TestVersions(t *testing.T) {
	for e, want := range map[Epoch]Version{Epoch21: Clarity2, Epoch25: Clarity2, Epoch30: Clarity3, Epoch32: Clarity3, Epoch33: Clarity4, Epoch34: Clarity5, Epoch40: Clarity6} {
		if e.MaxVersion() != want {
			t.Errorf("epoch %v runs %v, want %v", e, e.MaxVersion(), want)
		}
	}
	for _, e := range Epochs() {
		if got, err := ParseEpoch(e.String()); err != nil || got != e {
			t.Errorf("%v reads as %v: %v", e, got, err)
		}
	}
	for _, s := range []string{"", "2.05", "4.1", "25"} {
		if e, err := ParseEpoch(s); !errors.Is(err, ErrEpoch) {
			t.Errorf("%q reads as %v: %v", s, e, err)
		}
	}
	if Epoch25.String() != "2.5" || Clarity4.String() != "Clarity 4" {
		t.Errorf("%v, %v", Epoch25, Clarity4)
	}
}

func TestUnionsOfContractsMergeWhatIsSortedAndCountAsWork(t *testing.T) {
	u := ContractLiteral("S.a", "S.c")
	for _, c := range []struct {
		a, b *Type
		want []string
	}{
		{u, ContractLiteral("S.b"), []string{"S.a", "S.b", "S.c"}},
		{ContractLiteral("S.d"), u, []string{"S.a", "S.c", "S.d"}},
		{u, ContractLiteral("S.a", "S.b", "S.e"), []string{"S.a", "S.b", "S.c", "S.e"}},
		{Trait(TraitID{Contract: "S.b", Name: "t"}), u, []string{"S.a", "S.b.t", "S.c"}},
	} {
		got, err := LeastSupertype(c.a, c.b)
		if err != nil || !slices.Equal(got.Contracts(), c.want) {
			t.Errorf("%v and %v: %v, %v, want %v", c.a.Contracts(), c.b.Contracts(), got.Contracts(), err, c.want)
		}
		list := MustList(got, 2)
		if list.Work() != uint64(list.TypeSize())+uint64(len(c.want)) || !list.Has(KindContract) || list.Has(KindTrait) {
			t.Errorf("%v: work %d, type size %d", list, list.Work(), list.TypeSize())
		}
	}
	if got := u.Contracts(); !slices.Equal(got, []string{"S.a", "S.c"}) {
		t.Errorf("modified: %v", got)
	}
}

func TestFieldsOfLargeTuplesAreFound(t *testing.T) {
	var fields []Field
	for i := range 100 {
		fields = append(fields, Field{Name: fmt.Sprintf("f%d", i*7%100), Type: Int})
	}
	record := MustTuple(fields...)
	for i, f := range record.Fields() {
		if got := record.Index(f.Name); got != i {
			t.Errorf("%s: %d, want %d", f.Name, got, i)
		}
	}
	for _, name := range []string{"", "f", "f100", "g", "f1x"} {
		if got := record.Index(name); got != -1 {
			t.Errorf("%q: %d", name, got)
		}
	}
}
