package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"funai/model"
)

// ErrSchema says that a JSON schema can't be turned into a grammar: it is wrong, or asks for what a grammar can't promise.
var ErrSchema = errors.New("grammar: JSON schema")

// Bounds of a schema.
const (
	maxSchemaBytes = 64 << 10
	maxSchemaDepth = 32
	maxRules       = 2000
	maxEnumerated  = 256 // integers of a range that are spelled out
	maxOutputBytes = 1 << 20
)

// The rules that schemas share. Between tokens there is at most one space or line break with indentation, so that a model can't
// fill its answer with nothing.
const shared = `ws ::= | " " | "\n" [ \t]{0,20}
char ::= [^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
string ::= "\"" char* "\""
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?
boolean ::= "true" | "false"
null ::= "null"
value ::= object | array | string | number | boolean | null
object ::= "{" ws (string ws ":" ws value (ws "," ws string ws ":" ws value)*)? ws "}"
array ::= "[" ws (value (ws "," ws value)*)? ws "]"
`

// formats are the string formats that are kept to; others are ErrSchema.
var formats = map[string]string{
	"date":      `"\"" [0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8]) "\""`,
	"time":      `"\"" ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? "Z\""`,
	"date-time": `"\"" [0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8]) "T" ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] "Z\""`,
	"uuid":      `"\"" [0-9a-f]{8} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{4} "-" [0-9a-f]{12} "\""`,
}

// node is what is read of a schema. Keywords that only describe are passed over.
type node struct {
	Ref         string                     `json:"$ref"`
	Type        json.RawMessage            `json:"type"`
	Enum        []json.RawMessage          `json:"enum"`
	Const       json.RawMessage            `json:"const"`
	AllOf       []json.RawMessage          `json:"allOf"`
	AnyOf       []json.RawMessage          `json:"anyOf"`
	OneOf       []json.RawMessage          `json:"oneOf"`
	Properties  json.RawMessage            `json:"properties"`
	Required    []string                   `json:"required"`
	Additional  json.RawMessage            `json:"additionalProperties"`
	Items       json.RawMessage            `json:"items"`
	PrefixItems []json.RawMessage          `json:"prefixItems"`
	MinItems    *int                       `json:"minItems"`
	MaxItems    *int                       `json:"maxItems"`
	MinLength   *int                       `json:"minLength"`
	MaxLength   *int                       `json:"maxLength"`
	Minimum     *float64                   `json:"minimum"`
	Maximum     *float64                   `json:"maximum"`
	Format      string                     `json:"format"`
	Definitions map[string]json.RawMessage `json:"$defs"`
	Older       map[string]json.RawMessage `json:"definitions"`
}

// unkept are keywords that a grammar can't keep to, or that are too rare to be worth it; a schema with one is refused, for an
// answer that breaks it would be worse.
var unkept = []string{"not", "if", "pattern", "patternProperties", "propertyNames", "contains", "uniqueItems", "multipleOf",
	"exclusiveMinimum", "exclusiveMaximum", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "$dynamicRef"}

// writer turns schemas into rules.
type writer struct {
	out     strings.Builder
	defined map[string]json.RawMessage // by reference
	named   map[string]string          // rule of a reference
	rules   int
}

// FromSchema writes the grammar of JSON texts that keep to a schema. Properties come in the order of the schema, required ones
// always, others or not; unless additionalProperties says otherwise there are no more. Every text of the grammar is valid
// against the schema, but not the other way round.
func FromSchema(schema json.RawMessage) (string, error) {
	if len(schema) > maxSchemaBytes {
		return "", fmt.Errorf("%w: %w: %d bytes, %d are allowed", model.ErrRequest, ErrSchema, len(schema), maxSchemaBytes)
	}
	w := &writer{defined: map[string]json.RawMessage{"#": schema}, named: map[string]string{}}
	n, err := read(schema)
	if err == nil {
		for prefix, all := range map[string]map[string]json.RawMessage{"#/$defs/": n.Definitions, "#/definitions/": n.Older} {
			for name, s := range all {
				w.defined[prefix+name] = s
			}
		}
		w.named["#"] = "top"
		var body string
		if body, err = w.schema(schema, 0); err == nil {
			w.rule("top", body)
			w.rule("root", "top")
		}
	}
	if err == nil && w.out.Len() > maxOutputBytes {
		err = fmt.Errorf("grammar of %d bytes, %d are allowed", w.out.Len(), maxOutputBytes)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w: %w", model.ErrRequest, ErrSchema, err)
	}
	return w.out.String() + shared, nil
}

func read(schema json.RawMessage) (n node, err error) {
	if s := string(bytes.TrimSpace(schema)); s == "true" || s == "false" {
		return n, nil // schema deals with them
	}
	var present map[string]json.RawMessage
	if err := json.Unmarshal(schema, &present); err != nil {
		return n, err
	}
	for _, k := range unkept {
		if _, ok := present[k]; ok {
			return n, fmt.Errorf("keyword %q isn't supported", k)
		}
	}
	return n, json.Unmarshal(schema, &n)
}

func (w *writer) rule(name, body string) { fmt.Fprintf(&w.out, "%s ::= %s\n", name, body) }

// add makes a rule of a body and returns its name.
func (w *writer) add(body string) (string, error) {
	if w.rules++; w.rules > maxRules || w.out.Len() > maxOutputBytes {
		return "", fmt.Errorf("more than %d parts", maxRules)
	}
	name := "r" + strconv.Itoa(w.rules)
	w.rule(name, body)
	return name, nil
}

// sub is the name of a rule for a schema.
func (w *writer) sub(schema json.RawMessage, depth int) (string, error) {
	body, err := w.schema(schema, depth+1)
	if err != nil {
		return "", err
	}
	return w.add(body)
}

// schema is the body of a rule.
func (w *writer) schema(schema json.RawMessage, depth int) (string, error) {
	if depth > maxSchemaDepth {
		return "", fmt.Errorf("nests more than %d deep", maxSchemaDepth)
	}
	switch string(bytes.TrimSpace(schema)) {
	case "true", "":
		return "value", nil
	case "false":
		return "", errors.New("a schema that nothing fits")
	}
	n, err := read(schema)
	if err != nil {
		return "", err
	}
	switch {
	case n.Ref != "":
		return w.reference(n.Ref, depth)
	case n.Const != nil:
		return literal(n.Const)
	case n.Enum != nil:
		return alternatives(n.Enum, literal)
	case len(n.AllOf) == 1 && n.Type == nil && n.Properties == nil: // how a reference gets a description
		return w.schema(n.AllOf[0], depth+1)
	case n.AllOf != nil:
		return "", errors.New("allOf of several, or beside other keywords, isn't supported")
	case n.AnyOf != nil || n.OneOf != nil:
		return alternatives(slices.Concat(n.AnyOf, n.OneOf), func(s json.RawMessage) (string, error) { return w.sub(s, depth) })
	}
	var types []string
	if n.Type != nil && json.Unmarshal(n.Type, &types) != nil {
		types = make([]string, 1)
		if err := json.Unmarshal(n.Type, &types[0]); err != nil {
			return "", fmt.Errorf("type: %w", err)
		}
	}
	switch {
	case len(types) > 0:
	case n.Properties != nil || n.Additional != nil || n.Required != nil:
		types = []string{"object"}
	case n.Items != nil || n.PrefixItems != nil:
		types = []string{"array"}
	default:
		return "value", nil
	}
	return alternatives(types, func(t string) (string, error) { return w.typed(t, n, depth) })
}

// alternatives joins the bodies of a list.
func alternatives[T any](list []T, body func(T) (string, error)) (string, error) {
	if len(list) == 0 || len(list) > maxRules {
		return "", fmt.Errorf("%d alternatives, between 1 and %d are allowed", len(list), maxRules)
	}
	var out []string
	for _, x := range list {
		s, err := body(x)
		if err != nil {
			return "", err
		}
		out = append(out, s)
	}
	return strings.Join(out, " | "), nil
}

// reference is the rule of a definition, made the first time that it is asked for; it may ask for itself.
func (w *writer) reference(ref string, depth int) (string, error) {
	if name, ok := w.named[ref]; ok {
		return name, nil
	}
	schema, ok := w.defined[ref]
	if !ok {
		return "", fmt.Errorf("reference %.100q isn't to a definition of the schema", ref)
	}
	name := "d" + strconv.Itoa(len(w.named))
	w.named[ref] = name
	body, err := w.schema(schema, depth+1)
	if err != nil {
		return "", err
	}
	if body == name {
		return "", fmt.Errorf("reference %.100q is to itself", ref)
	}
	w.rule(name, body)
	return name, nil
}

func (w *writer) typed(t string, n node, depth int) (string, error) {
	switch t {
	case "object":
		return w.object(n, depth)
	case "array":
		return w.array(n, depth)
	case "string":
		return text(n)
	case "integer", "number":
		return numeric(t, n)
	case "boolean", "null":
		return t, nil
	}
	return "", fmt.Errorf("type %.100q", t)
}

func text(n node) (string, error) {
	switch {
	case n.Format != "":
		body, ok := formats[n.Format]
		if !ok || n.MinLength != nil || n.MaxLength != nil {
			return "", fmt.Errorf("string format %.100q isn't supported, or not with a length", n.Format)
		}
		return body, nil
	case n.MinLength == nil && n.MaxLength == nil:
		return "string", nil
	}
	count, err := repeat(n.MinLength, n.MaxLength)
	return `"\"" char` + count + ` "\""`, err
}

// repeat writes how often something stands.
func repeat(low, high *int) (string, error) {
	a, b := 0, -1
	if low != nil {
		a = *low
	}
	if high != nil {
		b = *high
	}
	switch {
	case a < 0 || a > maxRepeat || b > maxRepeat || high != nil && b < a:
		return "", fmt.Errorf("from %d to %d times, at most %d is allowed", a, b, maxRepeat)
	case high == nil:
		return fmt.Sprintf("{%d,}", a), nil
	}
	return fmt.Sprintf("{%d,%d}", a, b), nil
}

// numeric spells out small ranges of integers; of others only the sign can be promised.
func numeric(t string, n node) (string, error) {
	switch {
	case n.Minimum == nil && n.Maximum == nil:
		return t, nil
	case n.Minimum != nil && *n.Minimum == 0 && n.Maximum == nil && t == "integer":
		return `"0" | [1-9] [0-9]{0,15}`, nil
	case n.Minimum != nil && *n.Minimum == 0 && n.Maximum == nil:
		return `("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})?`, nil
	case t == "integer" && n.Minimum != nil && n.Maximum != nil:
		low, high := math.Ceil(*n.Minimum), math.Floor(*n.Maximum)
		if high >= low && high-low < maxEnumerated && math.Abs(low) < 1<<53 && math.Abs(high) < 1<<53 {
			var all []string
			for i := low; i <= high; i++ {
				all = append(all, fmt.Sprintf(`"%d"`, int64(i)))
			}
			return strings.Join(all, " | "), nil
		}
	}
	return "", fmt.Errorf("%s with these bounds: only a minimum of 0, or integers in a range of at most %d", t, maxEnumerated)
}

// literal is a JSON value to the letter.
func literal(v json.RawMessage) (string, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, v); err != nil {
		return "", err
	}
	return quoted(compact.String()), nil
}

// quoted writes a terminal.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}
