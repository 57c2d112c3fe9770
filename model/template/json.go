package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/ardanlabs/jinja"
)

// maxDepth bounds how deep JSON nests.
const maxDepth = 200

// readJSON decodes JSON with the keys of objects in their order: models were trained on tools and schemas written in the order
// that their authors chose.
func readJSON(b []byte) (jinja.Value, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return readValue(d, 0)
}

func readValue(d *json.Decoder, depth int) (jinja.Value, error) {
	none := jinja.None()
	if depth > maxDepth {
		return none, errors.New("JSON nests too deep")
	}
	token, err := d.Token()
	if err != nil {
		return none, err
	}
	switch x := token.(type) {
	case json.Delim:
		if x == '{' {
			return readObject(d, depth)
		}
		var items []jinja.Value
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return none, err
			}
			items = append(items, v)
		}
		_, err := d.Token()
		return jinja.NewList(items), err
	case string:
		return jinja.NewString(x), nil
	case bool:
		return jinja.NewBool(x), nil
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return jinja.NewInt(i), nil
		}
		f, err := x.Float64()
		return jinja.NewFloat(f), err
	}
	return none, nil
}

func readObject(d *json.Decoder, depth int) (jinja.Value, error) {
	out := jinja.NewDict()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return out, err
		}
		v, err := readValue(d, depth+1)
		if err != nil {
			return out, err
		}
		name, _ := key.(string) // the decoder lets nothing else be a key
		out.AsDict().Set(name, v)
	}
	_, err := d.Token()
	return out, err
}

// toJSON is the filter tojson as transformers has it: Python's json.dumps without escapes beyond ASCII.
func toJSON(arguments []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
	if len(arguments) == 0 {
		return jinja.Undefined(), errors.New("tojson of nothing")
	}
	w := jsonWriter{comma: ", ", colon: ": "}
	if v, ok := named["indent"]; ok && v.IsInt() {
		w.indent, w.comma = int(min(max(v.AsInt(), 0), 16)), ","
	}
	if v, ok := named["separators"]; ok && v.IsList() && len(v.AsList().Items) == 2 {
		w.comma, w.colon = v.AsList().Items[0].String(), v.AsList().Items[1].String()
	}
	err := w.write(arguments[0], "\n", 0)
	return jinja.NewString(w.String()), err
}

// jsonWriter spells values.
type jsonWriter struct {
	strings.Builder
	indent       int // spaces; 0: all on one line
	comma, colon string
}

// write spells a value. Newline is a line break with the indentation of the value's line.
func (w *jsonWriter) write(v jinja.Value, newline string, depth int) error {
	if depth > maxDepth || w.Len() > maxOutput {
		return errLarge
	}
	switch {
	case v.IsDict():
		d := v.AsDict()
		return w.list("{", "}", len(d.Keys), newline, func(i int, inner string) error {
			w.quote(d.Keys[i])
			w.WriteString(w.colon)
			return w.write(d.Data[d.Keys[i]], inner, depth+1)
		})
	case v.IsList():
		items := v.AsList().Items
		return w.list("[", "]", len(items), newline, func(i int, inner string) error { return w.write(items[i], inner, depth+1) })
	case v.IsString():
		w.quote(v.AsString())
	case v.IsBool():
		w.WriteString(strconv.FormatBool(v.AsBool()))
	case v.IsInt():
		w.WriteString(strconv.FormatInt(v.AsInt(), 10))
	case v.IsFloat():
		s := strconv.FormatFloat(v.AsFloat(), 'g', -1, 64)
		if !strings.ContainsAny(s, ".eIN") {
			s += ".0" // as Python tells floats from integers
		}
		w.WriteString(s)
	case v.IsNone():
		w.WriteString("null")
	default:
		return errors.New("tojson of what is no JSON")
	}
	return nil
}

func (w *jsonWriter) list(open, shut string, n int, newline string, each func(i int, inner string) error) error {
	inner := newline + strings.Repeat(" ", w.indent)
	w.WriteString(open)
	for i := range n {
		if i > 0 {
			w.WriteString(w.comma)
		}
		if w.indent > 0 {
			w.WriteString(inner)
		}
		if err := each(i, inner); err != nil {
			return err
		}
	}
	if w.indent > 0 && n > 0 {
		w.WriteString(newline)
	}
	w.WriteString(shut)
	return nil
}

// quote writes a string as JSON does, with no more escapes than needed.
func (w *jsonWriter) quote(s string) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	w.WriteString(strings.TrimSuffix(text.String(), "\n"))
}
