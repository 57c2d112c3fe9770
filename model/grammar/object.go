package grammar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// array is the body for an array: the items of prefixItems, then those of items.
func (w *writer) array(n node, depth int) (string, error) {
	if n.PrefixItems != nil {
		if n.MinItems != nil || n.MaxItems != nil {
			return "", fmt.Errorf("prefixItems with bounds of their number")
		}
		var parts []string
		for _, s := range n.PrefixItems {
			name, err := w.sub(s, depth)
			if err != nil {
				return "", err
			}
			parts = append(parts, name)
		}
		return `"[" ws ` + strings.Join(parts, ` ws "," ws `) + ` ws "]"`, nil
	}
	item := "value"
	if n.Items != nil {
		var err error
		if item, err = w.sub(n.Items, depth); err != nil {
			return "", err
		}
	}
	low, high := 0, -1
	if n.MinItems != nil {
		low = *n.MinItems
	}
	if n.MaxItems != nil {
		high = *n.MaxItems
	}
	if high == 0 && low == 0 {
		return `"[" ws "]"`, nil
	}
	first := max(low-1, 0)
	var last *int
	if n.MaxItems != nil {
		h := high - 1
		last = &h
	}
	count, err := repeat(&first, last)
	if err != nil || low < 0 {
		return "", fmt.Errorf("from %d to %d items", low, high)
	}
	body := fmt.Sprintf(`%s (ws "," ws %s)%s`, item, item, count)
	if low == 0 {
		return `"[" ws (` + body + `)? ws "]"`, nil
	}
	return `"[" ws ` + body + ` ws "]"`, nil
}

// property is one of an object, in the schema's order.
type property struct {
	pair     string // rule for `"name": value`
	required bool
}

// object is the body for an object. Which comma stands where depends on which optional properties came before; a rule for
// "the rest, after something" and one for "the rest, at the start" say that without listing every choice.
func (w *writer) object(n node, depth int) (string, error) {
	names, schemas, err := members(n.Properties)
	if err != nil {
		return "", err
	}
	for _, r := range n.Required {
		if !slices.Contains(names, r) {
			names, schemas = append(names, r), append(schemas, json.RawMessage("true"))
		}
	}
	var all []property
	for i, name := range names {
		value, err := w.sub(schemas[i], depth)
		if err != nil {
			return "", fmt.Errorf("%.100q: %w", name, err)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return "", err
		}
		pair, err := w.add(quoted(string(key)) + ` ws ":" ws ` + value)
		if err != nil {
			return "", err
		}
		all = append(all, property{pair, slices.Contains(n.Required, name)})
	}
	more := ""
	if a := string(bytes.TrimSpace(n.Additional)); a != "false" && (a != "" || n.Properties == nil && len(all) == 0) {
		if len(names) > 0 {
			return "", fmt.Errorf("additionalProperties beside properties: a name could come twice")
		}
		value := "value"
		if a != "" {
			if value, err = w.sub(n.Additional, depth); err != nil {
				return "", err
			}
		}
		more = `(string ws ":" ws ` + value + ` (ws "," ws string ws ":" ws ` + value + `)*)?`
	}
	if len(all) == 0 {
		return `"{" ws ` + more + ` ws "}"`, nil
	}
	begun, fresh := `""`, `""` // what may follow: after a property, and while there is none
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		with := `ws "," ws ` + p.pair + " " + begun
		without := p.pair + " " + begun
		if !p.required {
			with, without = with+" | "+begun, without+" | "+fresh
		}
		if fresh, err = w.add(without); err != nil {
			return "", err
		}
		if begun, err = w.add(with); err != nil {
			return "", err
		}
	}
	return `"{" ws ` + fresh + ` ws "}"`, nil
}

// members reads an object's keys and values in their order.
func members(object json.RawMessage) (names []string, values []json.RawMessage, err error) {
	if object == nil {
		return nil, nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("properties are no object: %w", err)
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		name, _ := t.(string) // the decoder lets nothing else be a key
		if slices.Contains(names, name) {
			return nil, nil, fmt.Errorf("property %.100q twice", name)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, nil, err
		}
		names, values = append(names, name), append(values, v)
	}
	return names, values, nil
}
