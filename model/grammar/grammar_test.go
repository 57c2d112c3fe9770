package grammar

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"funai/model"
)

func TestSchemasBecomeGrammars(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"boolean"}`:                                  "top ::= boolean\n",
		`{"enum":["a\"b",1,null]}`:                            `top ::= "\"a\\\"b\"" | "1" | "null"` + "\n",
		`{"type":["string","null"]}`:                          "top ::= string | null\n",
		`{"type":"string","minLength":2,"maxLength":3}`:       `top ::= "\"" char{2,3} "\""` + "\n",
		`{"type":"integer","minimum":-1,"maximum":1}`:         `top ::= "-1" | "0" | "1"` + "\n",
		`{"type":"array","items":{"const":1},"minItems":2}`:   `top ::= "[" ws r1 (ws "," ws r1){1,} ws "]"` + "\n",
		`{"type":"array","maxItems":0}`:                       `top ::= "[" ws "]"` + "\n",
		`{"type":"array","maxItems":1}`:                       `top ::= "[" ws (value (ws "," ws value){0,0})? ws "]"` + "\n",
		`{"type":"object","additionalProperties":false}`:      `top ::= "{" ws  ws "}"` + "\n",
		`{"properties":{"a":{}},"required":["a"]}`:            `r2 ::= "\"a\"" ws ":" ws r1` + "\n",
		`{"allOf":[{"$ref":"#/$defs/x"}],"$defs":{"x":true}}`: "top ::= d1\n",
		`{"$ref":"#/definitions/n","definitions":{"n":{"anyOf":[{"type":"null"},{"type":"array","items":{"$ref":"#/definitions/n"}}]}}}`: "top ::= d1\n",
		`true`: "top ::= value\n", `{}`: "top ::= value\n",
	} {
		got, err := FromSchema(json.RawMessage(schema))
		if err != nil || !strings.Contains(got, want) || !strings.Contains(got, "root ::= top\n") {
			t.Errorf("%s:\n%s, want %s; %v", schema, strings.TrimSuffix(got, shared), want, err)
		}
		complete(t, got)
	}
}

var (
	defined  = regexp.MustCompile(`(?m)^([a-z0-9]+) ::=`)
	terminal = regexp.MustCompile(`"(\\.|[^"\\])*"|\[(\\.|[^\]\\])*\]|\{[0-9,]*\}`)
	used     = regexp.MustCompile(`[a-z][a-z0-9]*`)
)

// complete checks that every rule that is used is there once.
func complete(t *testing.T, grammar string) {
	t.Helper()
	rules := map[string]bool{}
	for _, m := range defined.FindAllStringSubmatch(grammar, -1) {
		if rules[m[1]] {
			t.Errorf("rule %s twice in\n%s", m[1], grammar)
		}
		rules[m[1]] = true
	}
	for _, line := range strings.Split(strings.TrimSpace(grammar), "\n") {
		_, body, _ := strings.Cut(line, "::=")
		for _, name := range used.FindAllString(terminal.ReplaceAllString(body, " "), -1) {
			if !rules[name] {
				t.Errorf("no rule %s, which is used in %s", name, line)
			}
		}
	}
}

func TestSchemasThatCanNotBeKeptAreRefused(t *testing.T) {
	deep := strings.Repeat(`{"type":"array","items":`, 100) + "{}" + strings.Repeat("}", 100)
	for schema, word := range map[string]string{
		`{"type":"string","pattern":"a+"}`: "pattern", `{"not":{}}`: "not", `{"type":"string","format":"email"}`: "email", `{"type":"integer","minimum":5}`: "minimum",
		`{"type":"thing"}`: "thing", `{"$ref":"#/x"}`: "#/x", `{"$ref":"other.json"}`: "other.json", `{"enum":[]}`: "0 alternatives", `false`: "nothing fits", `[]`: "", `{`: "", ``: "",
		`{"type":"string","maxLength":100000}`: "1000", `{"type":"array","minItems":3,"maxItems":2}`: "items", deep: "deep", `{"a":"` + strings.Repeat("x", 1<<17) + `"}`: "bytes",
		`{"properties":{"a":{}},"additionalProperties":{"type":"string"}}`: "twice", `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`: "itself",
		`{"properties":{"a":{},"a":{}}}`: "twice", `{"allOf":[{},{}]}`: "allOf",
	} {
		if got, err := FromSchema(json.RawMessage(schema)); !errors.Is(err, ErrSchema) || !errors.Is(err, model.ErrRequest) || !strings.Contains(err.Error(), word) {
			t.Errorf("%.100s: %.200q, %v", schema, got, err)
		}
	}
}

func TestGrammarsAreBounded(t *testing.T) {
	for grammar, right := range map[string]bool{
		`root ::= "a"`: true, `root ::= "(((((((((((((((((((((((((((((((((((((((" [)(]`: true, "root ::= \"{9999}\" # {9999}\n": true, `root ::= [a-z]{3,}`: true, `root ::= ("\"" "("){1000}`: true,
		"": false, "a\x00": false, strings.Repeat("(", 33): false, `root ::= "a"{1001}`: false, `root ::= "a"{2,5000}`: false, `root ::= (("a"{1000}){1000}){2}`: false,
	} {
		if err := Check(grammar); (err == nil) != right || err != nil && !errors.Is(err, model.ErrRequest) {
			t.Errorf("%q: %v", grammar, err)
		}
	}
}

func FuzzFromSchema(f *testing.F) {
	for _, s := range []string{`{"type":"object","properties":{"a":{"type":"integer"},"b":{"enum":[1,"x"]}},"required":["b"]}`, `{"anyOf":[{"type":"null"},{"$ref":"#"}]}`, `{"prefixItems":[{},true]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if g, err := FromSchema(json.RawMessage(s)); err == nil {
			complete(t, g)
		} else if !errors.Is(err, ErrSchema) {
			t.Fatal(err)
		}
	})
}

func FuzzCheck(f *testing.F) {
	f.Add(`root ::= "a" | (b){2,3}`)
	f.Fuzz(func(t *testing.T, s string) {
		if err := Check(s); err != nil && !errors.Is(err, model.ErrRequest) {
			t.Fatal(err)
		}
	})
}
