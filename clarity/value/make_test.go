package value

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/types"
)

func parse(t testing.TB, s string) Value {
	t.Helper()
	return must(ParseLiteral(s))(t)
}

// TestSizesOfValues has what the reference implementation charges for looking values up.
func TestSizesOfValues(t *testing.T) {
	for s, want := range map[string]uint32{
		"true": 1, "1": 16, "u1": 16, "none": 2, "(some none)": 3, "(ok 1)": 17, "(err (list 1 2))": 39,
		"(list)": 6, "(list 1)": 22, "(list 1 2)": 38, `(list "a" "bbb")`: 24, `(list {a: "x"} {a: "yyy"})`: 49, `{a: "x"}`: 16,
		"{a: (list 1)}": 34, `"abc"`: 7, "0x01": 5, `u"abc"`: 16, "(list (some 1) none)": 41, "(list (ok 1) (err u1))": 42,
		"(list none none)": 11, "(list (list) (list 1))": 55, "'ST000000000000000000002AMW42H": 148,
		"'ST000000000000000000002AMW42H.a": 148, "(list ST000000000000000000002AMW42H ST000000000000000000002AMW42H.a)": 302,
	} {
		if v := parse(t, s); v.Size() != want || TypeOf(v).Size() != want {
			t.Errorf("%s: %d, its type %d, want %d", s, v.Size(), TypeOf(v).Size(), want)
		}
	}
	c := OfCallable(Callable{Trait: types.TraitID{Contract: "c", Name: "t"}})
	if l := must(List([]Value{c, c}))(t); c.Size() != 276 || l.Size() != 558 {
		t.Errorf("a callable is of %d bytes, a list of two of %d", c.Size(), l.Size())
	}
	if c := OfCallable(Callable{}); c.Size() != 148 {
		t.Errorf("a callable that is known of no trait is of %d bytes", c.Size())
	}
}

// TestTypesThatValuesCarry has sizes that the reference implementation charges for values from storage (var-get), for what
// becomes of them in a list or as the answer of another contract, and for arguments of functions.
func TestTypesThatValuesCarry(t *testing.T) {
	list10 := types.MustList(types.Int, 10)
	strs := types.MustTuple(types.Field{Name: "a", Type: types.MustASCII(100)}, types.Field{Name: "b", Type: types.MustList(types.MustASCII(20), 10)})
	rec := types.MustTuple(types.Field{Name: "a", Type: list10})
	recs := types.MustList(rec, 5)
	stored := func(typ *types.Type, s string) Value {
		return must(DecodeTyped(must(Encode(parse(t, s)))(t), typ, true))(t)
	}
	l, s := stored(list10, "(list 1 2)"), stored(strs, `{a: "abc", b: (list "x" "yy")}`)
	field := func(v Value, name string) Value {
		f, ok := v.Field(name)
		if !ok {
			t.Fatalf("%v has no field %s", v, name)
		}
		return f
	}
	tight := must(ListTight([]Value{l}))(t)
	loose := must(List([]Value{l}))(t)
	cast := Cast(rec, parse(t, "{a: (list 1 2)}"))
	nested := Cast(types.MustTuple(types.Field{Name: "a", Type: types.MustList(types.MustTuple(types.Field{Name: "b", Type: types.MustASCII(30)}), 5)}), parse(t, `{a: (list {b: "x"})}`))
	for name, c := range map[string]struct {
		v    Value
		want uint32
	}{
		"a stored list":                    {l, 166},
		"a stored tuple":                   {s, 381},
		"its string":                       {field(s, "a"), 7},
		"its list":                         {field(s, "b"), 250},
		"a stored optional":                {stored(types.MustOptional(list10), "(some (list 1))"), 167},
		"a list of a stored list":          {tight, 177},
		"its element":                      {tight.Elems()[0], 38},
		"its element before epoch 2.4":     {loose.Elems()[0], 166},
		"the answer of another contract":   {Tighten(loose), 49},
		"a tuple of it":                    {must(Tuple(Field{"x", l}))(t), 178},
		"some of it":                       {Tighten(Some(l)), 39},
		"a tuple as an element":            {Tighten(s), 56},
		"ok of it":                         {Tighten(Ok(s)), 57},
		"a list as an argument":            {Cast(list10, parse(t, "(list 1 2)")), 38},
		"a tuple as an argument":           {cast, 178},
		"its list as it is":                {field(cast, "a"), 38},
		"some tuple as an argument":        {Cast(types.MustOptional(rec), parse(t, "(some {a: (list 1)})")), 179},
		"ok tuple as an argument":          {Cast(types.MustResponse(rec, types.Int), parse(t, "(ok {a: (list 1)})")), 179},
		"tuples as an argument":            {Cast(recs, parse(t, "(list {a: (list 1)})")), 192},
		"stored tuples as an argument":     {Cast(recs, stored(types.MustList(rec, 5), "(list {a: (list 1)})")), 904},
		"one of them":                      {Cast(recs, parse(t, "(list {a: (list 1)})")).Elems()[0], 178},
		"an empty list as an argument":     {Cast(recs, parse(t, "(list)")), 14},
		"lists as an argument":             {Cast(types.MustList(list10, 5), parse(t, "(list (list 1))")), 177},
		"one list of them":                 {Cast(types.MustList(list10, 5), parse(t, "(list (list 1))")).Elems()[0], 22},
		"optionals as an argument":         {Cast(types.MustList(types.MustOptional(list10), 5), parse(t, "(list none none)")), 346},
		"strings as an argument":           {Cast(types.MustList(types.MustASCII(30), 5), parse(t, `(list "a")`)), 44},
		"a tuple of tuples as an argument": {nested, 257},
		"the list within":                  {field(nested, "a"), 58},
		"the tuple within it":              {field(nested, "a").Elems()[0], 45},
	} {
		if c.v.Size() != c.want {
			t.Errorf("%s: %d bytes of %v, want %d", name, c.v.Size(), TypeOf(c.v), c.want)
		}
	}
}

func TestContractAsArgumentIsOfTheParametersTrait(t *testing.T) {
	trait := types.Trait(types.TraitID{Contract: "c", Name: "t"})
	other := types.Trait(types.TraitID{Contract: "c", Name: "u"})
	p := must(ParsePrincipal("ST000000000000000000002AMW42H.a"))(t)
	v := Cast(types.MustOptional(trait), Some(OfPrincipal(p))).Inner()
	if c, ok := v.AsCallable(); !ok || c.Principal != p || c.Trait != trait.Trait() {
		t.Errorf("it is %v", v)
	}
	if c, ok := Cast(other, v).AsCallable(); !ok || c.Trait != other.Trait() {
		t.Errorf("for another trait it is of %v", c.Trait)
	}
	if v.AsPrincipal() != p || !TypeOf(v).Equal(trait) {
		t.Errorf("it is %v of %v", v, TypeOf(v))
	}
}

func TestTightenAndCastKeepTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := values.Draw(t, "value")
		tight := Tighten(x.v)
		if !Equal(tight, x.v) || !TypeOf(x.v).Admits(TypeOf(tight)) || tight.Size() > x.v.Size() {
			t.Fatalf("%v of %v is tightened to %v of %v", x.v, TypeOf(x.v), tight, TypeOf(tight))
		}
		if again, changed := tighten(nil, tight); changed {
			t.Fatalf("%v of %v is tightened again to %v", tight, TypeOf(tight), TypeOf(again))
		}
		cast := Cast(x.t, tight)
		if !Equal(cast, x.v) || !x.t.Admits(TypeOf(cast)) {
			t.Fatalf("%v of %v is cast to %v of %v", x.v, x.t, cast, TypeOf(cast))
		}
	})
}

// TestListTakesNoFieldsThatItsFirstElementLacks has lists of the reference implementation, in epoch 2.5 and 2.3.
func TestListTakesNoFieldsThatItsFirstElementLacks(t *testing.T) {
	for wide, narrow := range map[string]string{
		"(list { a: 1 } { a: 1, b: 2 })":                   "(list { a: 1 } { a: 1 })",
		"(list (some { a: 1 }) (some { a: 1, b: 2 }))":     "(list (some { a: 1 }) (some { a: 1 }))",
		"(list (list { a: 1 }) (list { a: 1, b: 2 }))":     "(list (list { a: 1 }) (list { a: 1 }))",
		"(list (err { a: 1 }) (err { a: (list), b: 2 }))":  "",
		"(list { a: (list) } { a: (list none), b: none })": "(list { a: (list) } { a: (list none) })",
	} {
		before, err := ParseLiteral(wide)
		if narrow == "" {
			if !errors.Is(err, types.ErrNoSupertype) {
				t.Errorf("%s: %v, %v", wide, before, err)
			}
			continue
		}
		if err != nil || before.String() != wide {
			t.Errorf("%s is %v: %v", wide, before, err)
		}
		since := must(ListTight(slices.Clone(before.Elems())))(t)
		if since.String() != narrow || !TypeOf(since).Equal(TypeOf(before)) {
			t.Errorf("%s is tightened to %v of %v", wide, since, TypeOf(since))
		}
		last := before.Elems()[1]
		if got := TightenTo(TypeOf(before).Elem(), last); !Equal(got, since.Elems()[1]) || !TypeOf(got).Equal(TypeOf(since.Elems()[1])) {
			t.Errorf("%v is tightened to %v", last, got)
		}
	}
}

func TestTypeOfAndItsShortcutsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := values.Draw(t, "value"), values.Draw(t, "another")
		typ := TypeOf(x.v)
		if !x.t.Admits(typ) || !isOf(typ, x.v) || Check(x.v) != nil {
			t.Fatalf("%v is a %v, drawn as %v", x.v, typ, x.t)
		}
		if typ.Size() != x.v.Size() || Some(x.v).Size() != 1+x.v.Size() {
			t.Fatalf("%v is of %d bytes, its type %v of %d", x.v, x.v.Size(), typ, typ.Size())
		}
		if Admits(y.t, x.v) != y.t.Admits(typ) || isOf(TypeOf(y.v), x.v) != TypeOf(y.v).Equal(typ) {
			t.Fatalf("%v, of %v: is it a %v?", x.v, typ, y.t)
		}
		if same := x.v.String() == y.v.String(); same != Equal(x.v, y.v) || !Equal(x.v, x.v) {
			t.Fatalf("%v and %v are equal: %v", x.v, y.v, !same)
		}
	})
}

func TestListsHoldToTheirType(t *testing.T) {
	three := types.MustList(types.MustASCII(2), 3)
	if v, err := ListOf(three, []Value{ASCII("a"), ASCII("bb")}); err != nil || TypeOf(v) != three {
		t.Errorf("%v: %v", v, err)
	}
	for name, c := range map[string]struct {
		t     *types.Type
		elems []Value
		want  error
	}{
		"too many":  {three, make([]Value, 4), ErrTooMany},
		"too long":  {three, []Value{ASCII("ccc")}, ErrNotAdmitted},
		"no string": {three, []Value{Int64(1)}, ErrNotAdmitted},
		"no list":   {types.Int, nil, ErrNotAdmitted},
	} {
		if v, err := ListOf(c.t, c.elems); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	for name, elems := range map[string][]Value{
		"no supertype": {Int64(1), UInt64(1)},
		"too big":      {Buffer(make([]byte, 1<<19)), Buffer(make([]byte, 1<<19))},
		"one too big":  {Some(Buffer(make([]byte, 1<<20)))},
	} {
		if v, err := List(elems); err == nil {
			t.Errorf("%s: a list of %v", name, TypeOf(v))
		}
	}
}

func TestTuplesHoldToTheirRules(t *testing.T) {
	for name, fields := range map[string][]Field{
		"none": nil, "twice": {{"a", None}, {"a", None}}, "no name": {{"", None}}, "bad name": {{"a.b", None}},
		"too big": {{"a", Buffer(make([]byte, 1<<20))}},
	} {
		if v, err := Tuple(fields...); err == nil {
			t.Errorf("%s: %v", name, v)
		}
	}
	v := must(Tuple(Field{"b", Int64(2)}, Field{"a", Int64(1)}))(t)
	if b, ok := v.Field("b"); !ok || !Equal(b, Int64(2)) || v.String() != "{ a: 1, b: 2 }" {
		t.Errorf("%v: %v", v, b)
	}
	if _, ok := v.Field("c"); ok {
		t.Error("a field that is not there")
	}
}

func TestShapeMakesWhatTupleMakes(t *testing.T) {
	s := must(NewShape("b", "a"))(t)
	for _, vs := range [][]Value{{Int64(1), ASCII("x")}, {Int64(2), ASCII("y")}, {None, Ok(ASCII("z"))}, {None, Err(None)}, {Some(Int64(1)), True}, {UTF8("é"), Buffer(nil)}} {
		got, want := must(s.Tuple(vs))(t), must(Tuple(Field{s.Names()[0], vs[0]}, Field{s.Names()[1], vs[1]}))(t)
		if !Equal(got, want) || !TypeOf(got).Equal(TypeOf(want)) {
			t.Errorf("%v of %v, want %v of %v", got, TypeOf(got), want, TypeOf(want))
		}
	}
	if _, err := s.Tuple([]Value{None}); !errors.Is(err, ErrNotAdmitted) {
		t.Errorf("a value too few: %v", err)
	}
	if _, err := s.Tuple([]Value{Buffer(make([]byte, 1<<20)), None}); !errors.Is(err, types.ErrTooBig) {
		t.Errorf("too big: %v", err)
	}
	for _, names := range [][]string{nil, {"a", "a"}, {"1"}} {
		if _, err := NewShape(names...); err == nil {
			t.Errorf("a shape of %q", strings.Join(names, " "))
		}
	}
	vs := []Value{Int64(1), ASCII("x")}
	must(s.Tuple(vs))(t)
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Tuple(vs) }); n > 1 {
		t.Errorf("a tuple of the same type takes %v allocations", n)
	}
}

func TestWhatIsMadeWithoutMemory(t *testing.T) {
	var v Value
	elems := []Value{Int64(1), Int64(2)}
	l := must(List(elems))(t)
	for name, f := range map[string]func(){
		"an integer":                 func() { v = Int64(7) },
		"a boolean":                  func() { v = Bool(v.IsTrue()) },
		"(ok true)":                  func() { v = Ok(True) },
		"(err none)":                 func() { v = Err(None) },
		"a value that is tight":      func() { v = Tighten(l) },
		"an argument that is cast":   func() { v = Cast(TypeOf(l), l) },
		"sizes":                      func() { _ = l.Size() + Some(None).Size() },
		"the type of a short string": func() { _ = TypeOf(elems[0]); _ = types.MustASCII(20) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s takes %v allocations", name, n)
		}
	}
	for _, b := range []bool{true, false} {
		if Ok(Bool(b)).Inner() != Bool(b) || Some(None).Inner() != None {
			t.Errorf("%v is not what it holds", Ok(Bool(b)))
		}
	}
	if v.Kind() > KindCallable {
		t.Error(v)
	}
}

func TestEqualAsksNotForBounds(t *testing.T) {
	l := parse(t, "(list 1 2)")
	wide := must(ListOf(types.MustList(types.Int, 10), l.Elems()))(t)
	p := Principal{Contract: "a"}
	for name, c := range map[string]struct {
		a, b Value
		want bool
	}{
		"lists with other bounds":      {l, wide, true},
		"none and some none":           {None, Some(None), false},
		"ok and err":                   {Ok(None), Err(None), false},
		"ok and some":                  {Ok(None), Some(None), false},
		"int and uint":                 {Int64(1), UInt64(1), false},
		"buffer and ascii":             {Buffer([]byte("a")), ASCII("a"), false},
		"ascii and utf8":               {ASCII("a"), UTF8("a"), false},
		"tuples with other names":      {parse(t, "{a: 1}"), parse(t, "{b: 1}"), false},
		"tuples with more":             {parse(t, "{a: 1}"), parse(t, "{a: 1, b: 1}"), false},
		"a principal and its callable": {OfPrincipal(p), OfCallable(Callable{Principal: p}), false},
		"two empty lists":              {parse(t, "(list)"), must(ListOf(types.MustList(types.Int, 3), nil))(t), true},
	} {
		if Equal(c.a, c.b) != c.want || Equal(c.b, c.a) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}
