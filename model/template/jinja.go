package template

import (
	"errors"
	"slices"

	"github.com/ardanlabs/jinja"
)

// program is a template that was read.
type program struct {
	start
	template *jinja.Template
}

// jsonFilter stands for tojson: the library's own writes JSON another way than Python, but looks a filter that it doesn't know up
// among the values.
const jsonFilter = "python_json"

// compile reads a template as transformers does.
func compile(s start) (*program, error) {
	p := &program{start: s}
	err := rescued(func() (err error) {
		p.template, err = jinja.Compile(prepare(s.Source))
		return err
	})
	return p, err
}

// render runs the template on a line of input.
func (p *program) render(line []byte) (text string, err error) {
	input, err := readJSON(line)
	if err != nil {
		return "", err
	}
	if !input.IsDict() {
		return "", errors.New("input is no object")
	}
	values := map[string]jinja.Value{
		"bos_token": jinja.NewString(p.Begin), "eos_token": jinja.NewString(p.End), "add_generation_prompt": jinja.NewBool(true),
		"strftime_now": jinja.Undefined(), // a clock would make two nodes' prompts differ
		"dict":         jinja.NewCallable("dict", makeDict),
		jsonFilter:     jinja.NewCallable(jsonFilter, toJSON),
	}
	for k, v := range input.AsDict().Data {
		values[k] = v
	}
	err = rescued(func() (err error) {
		text, err = p.template.RenderValues(values)
		return err
	})
	if len(text) > maxOutput {
		return "", errLarge
	}
	return text, err
}

// makeDict is dict(a=1, b=2) with keys in an order that is always the same; the library's has none.
func makeDict(_ []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
	out := jinja.NewDict()
	keys := make([]string, 0, len(named))
	for k := range named {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		out.AsDict().Set(k, named[k])
	}
	return out, nil
}
