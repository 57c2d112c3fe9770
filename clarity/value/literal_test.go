package value

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/types"
)

func TestLiteralReadsWhatStringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values.Draw(t, "value").v
		got, err := ParseLiteral(v.String())
		if err != nil || !Equal(got, v) {
			t.Fatalf("%v reads as %v: %v", v, got, err)
		}
	})
}

func TestLiterals(t *testing.T) {
	for s, want := range map[string]string{
		"1": "", "-1": "", "u1": "", "true": "", "false": "", "none": "", "0x": "", "0x00ff": "", `""`: "", `u""`: "", "(list)": "",
		"0xAbCd":                            "0xabcd",
		" 1\n":                              "1",
		"-0":                                "0",
		"007":                               "7",
		"(list 1 2 3)":                      "",
		"( list  1\n2 )":                    "(list 1 2)",
		"(some (ok (err none)))":            "",
		"{a:u1,b:true}":                     "{ a: u1, b: true }",
		"{ b: 1, a: 2, }":                   "{ a: 2, b: 1 }",
		"(tuple (b 1) (a (tuple (c u1))))":  "{ a: { c: u1 }, b: 1 }",
		`"a\"b\\\n\r\t"`:                    "",
		`"é"`:                               "error",
		`"\0"`:                              "error",
		"\"\f\"":                            `"\u{c}"`,
		`u"é\u{1F600}\u{0}\0"`:              `u"\u{e9}\u{1f600}\u{0}\u{0}"`,
		`u"\u{110000}"`:                     "error",
		`u"\u{d800}"`:                       "error",
		`u"\u{}"`:                           "error",
		`u"\u{1234567}"`:                    "error",
		`u"\u41"`:                           "error",
		`"\x"`:                              "error",
		`"a`:                                "error",
		"u\"\xff\"":                         "error",
		"'ST000000000000000000002AMW42H":    "",
		"ST000000000000000000002AMW42H":     "'ST000000000000000000002AMW42H",
		"ST000000000000000000002AMW42H.a-b": "'ST000000000000000000002AMW42H.a-b",
		"ST000000000000000000002AMW42J":     "error",
		"ST000000000000000000002AMW42H.":    "error",
		"ST000000000000000000002AMW42H.a.b": "error",
		"":                                  "error",
		"u":                                 "error",
		"u-1":                               "error",
		"1 2":                               "error",
		"(1 2)":                             "error",
		"(list 1 u2)":                       "error",
		"(list 1":                           "error",
		"(+ 1 2)":                           "error",
		"{}":                                "error",
		"(tuple)":                           "error",
		"{a: 1, a: 2}":                      "error",
		"{1a: 1}":                           "error",
		"{a: 1 b: 2}":                       "error",
		"(some)":                            "error",
		"(some 1 2)":                        "error",
		"0x0":                               "error",
		"0xzz":                              "error",
		"340282366920938463463374607431768211455":                    "error",
		"u340282366920938463463374607431768211455":                   "",
		"u340282366920938463463374607431768211456":                   "error",
		"-170141183460469231731687303715884105728":                   "",
		"(list (list u1) (list))":                                    "",
		"(list {a: none} {a: (some 1)})":                             "(list { a: none } { a: (some 1) })",
		strings.Repeat("(some ", 31) + "1" + strings.Repeat(")", 31): "",
		strings.Repeat("(some ", 32) + "1" + strings.Repeat(")", 32): "error",
		strings.Repeat("(", 100):                                     "error",
	} {
		v, err := ParseLiteral(s)
		var l *LiteralError
		switch {
		case want == "error":
			if !errors.As(err, &l) || l.Offset < 0 || l.Offset > len(s) {
				t.Errorf("%q: %v, %v", s, v, err)
			}
		case err != nil:
			t.Errorf("%q: %v", s, err)
		case want == "" && v.String() != s || want != "" && v.String() != want:
			t.Errorf("%q reads as %v, want %s", s, v, want)
		}
	}
	if _, err := ParseLiteral(strings.Repeat(" ", MaxLiteral+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, err := ParseLiteral("0x" + strings.Repeat("00", types.MaxValueSize+1)); !errors.Is(err, types.ErrTooBig) {
		t.Errorf("too big: %v", err)
	}
}

func TestPrincipalReadsWhatStringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := principals.Draw(t, "principal")
		got, err := ParsePrincipal(p.String())
		if err != nil || got != p {
			t.Fatalf("%v reads as %v: %v", p, got, err)
		}
		if i := p.Issuer(); i.IsContract() || !strings.HasPrefix(p.String(), i.String()) {
			t.Fatalf("%v belongs to %v", p, i)
		}
	})
	for _, s := range []string{"", ".", ".a", "ST", "'ST000000000000000000002AMW42H", "ST000000000000000000002AMW42H.", "ST000000000000000000002AMW42H.1", "ST000000000000000000002AMW42H." + strings.Repeat("a", 129)} {
		if p, err := ParsePrincipal(s); !errors.Is(err, ErrPrincipal) {
			t.Errorf("%q reads as %v: %v", s, p, err)
		}
	}
}

func TestNames(t *testing.T) {
	for s, want := range map[string][2]bool{ // as a name, as a contract's name
		"a": {true, true}, "A9": {true, true}, "a-b_c": {true, true}, "a?": {true, false}, "a!<>=/*+": {true, false},
		"": {}, "1": {}, "-a": {}, "_a": {}, "é": {}, "aé": {}, "a b": {}, "a.b": {}, "+": {true, false}, "<=": {true, false}, "==": {}, "a\x80": {},
		"__transient": {false, true}, strings.Repeat("a", 128): {true, true}, strings.Repeat("a", 129): {},
	} {
		if got := [2]bool{ValidName(s), ValidContractName(s)}; got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
