package template

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"funai/model"
)

func open(t testing.TB, source string) *Template {
	t.Helper()
	x, err := New(source, "<s>", "</s>")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

func user(s string) Input { return Input{Messages: []model.Message{{Role: "user", Content: s}}} }

// TestTemplatesRenderAsTransformersDoes holds what Python's jinja2, set up as transformers sets it up, made of the same.
func TestTemplatesRenderAsTransformersDoes(t *testing.T) {
	weather := []model.Tool{{Name: "weather", Description: "It's <b>weather</b>", Parameters: []byte(`{"type": "object", "properties": {"city": {"type": "string"}, "at": {"type":"number","default":1.0}}, "required": ["city"]}`)}}
	called := []model.Message{
		{Role: "user", Content: "Oslo?"},
		{Role: "assistant", ToolCalls: []model.ToolCall{{ID: "c1", Name: "weather", Arguments: `{"city": "Ås & Bø", "n": 1.5, "b": true, "x": null}`}}},
		{Role: "tool", Content: "4", ToolCallID: "c1"},
	}
	for name, c := range map[string]struct {
		source string
		in     Input
		want   string
	}{
		"blocks are trimmed": {"{% for m in messages %}\n  {% if m.role == 'user' %}\nU:{{ m['content'] }}\n  {% endif %}\n{% endfor %}\n{% if add_generation_prompt %}\nA:{% endif %}\n", user("hi"), "U:hi\nA:"},
		"tokens":             {"{{ bos_token }}{{ messages[0].content | trim }}{{ eos_token }}", user("  é \n"), "<s>é</s>"},
		"json keeps order and spelling": {"{% for t in tools %}{{ t | tojson }}{% endfor %}", Input{Messages: called[:1], Tools: weather},
			`{"type": "function", "function": {"name": "weather", "description": "It's <b>weather</b>", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "at": {"type": "number", "default": 1.0}}, "required": ["city"]}}}`},
		"indented": {"{{ tools[0].function.parameters.required | tojson(indent=2) }}{{ [] | tojson(indent=4) }}", Input{Messages: called[:1], Tools: weather}, "[\n  \"city\"\n][]"},
		"calls": {"{% for m in messages %}{% if m.tool_calls %}{% for c in m.tool_calls %}{{ c.function.name }}({{ c.function.arguments | tojson }}){{ c.id }}{% endfor %}{% elif m.role == 'tool' %}={{ m.tool_call_id }}:{{ m.content }}{% endif %}{% endfor %}",
			Input{Messages: called}, `weather({"city": "Ås & Bø", "n": 1.5, "b": true, "x": null})c1=c1:4`},
		"namespace and loop": {"{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ loop.index0 }}{{ '!' if loop.last }}{% endfor %}{{ ns.n }}", Input{Messages: called}, "012!3"},
		"no clock":           {"{% if strftime_now is defined %}clock{% else %}none{% endif %}{{ tools is defined }}", user("x"), "noneFalse"},
		"carriage returns":   {"{{- 'a' }}\r\n{%- if true %}\r\nb{% endif %}", user("x"), "ab"},
		"choices":            {"{{ ('a' if messages else 'b') + ('c' if tools is defined else 'd') }}", user("x"), "ad"},
		"macros":             {"{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(messages[0].content) }}", user("m"), "[m]"},
		"slices and methods": {"{{ messages[0].content.split('|')[-1].strip() }}{% for m in messages[1:] %}{{ m.role }}{% endfor %}", Input{Messages: []model.Message{{Role: "user", Content: "a| b "}, {Role: "assistant", Content: "c"}}}, "bassistant"},
	} {
		if got, err := open(t, c.source).Render(t.Context(), c.in); got != c.want || err != nil {
			t.Errorf("%s: %q, want %q; %v", name, got, c.want, err)
		}
	}
}

func TestTemplatesSayWhatIsWrong(t *testing.T) {
	for source, word := range map[string]string{
		"{{ raise_exception('roles must alternate') }}": "roles must alternate", "{% for": "", "{{ messages | random }}": "random", "{% include '/etc/passwd' %}": "",
	} {
		if got, err := open(t, source).Render(t.Context(), user("x")); !errors.Is(err, ErrTemplate) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q, %v", source, got, err)
		}
	}
	if _, err := New(strings.Repeat("x", maxSource+1), "", ""); !errors.Is(err, ErrBounds) {
		t.Error(err)
	}
}

// TestHostileTemplatesAreEnded runs real ones in real processes. What they answer before and after stays right.
func TestHostileTemplatesAreEnded(t *testing.T) {
	for name, source := range map[string]string{
		"loops":     "{% for i in range(100000000000) %}{% endfor %}",
		"writes":    "{% for i in range(100000000000) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}",
		"recursion": "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
		"doubling":  "{% set x = 'xxxxxxxxxxxxxxxx' %}" + strings.Repeat("{% set x = x ~ x %}", 60),
		"times":     "{{ 'x' * 100000000000 }}",
	} {
		t.Run(name, func(t *testing.T) {
			x := open(t, "{% if messages[0].content == 'go' %}"+source+"{% else %}calm{% endif %}")
			x.limit = 3 * time.Second
			for _, say := range []string{"wait", "go", "wait"} {
				got, err := x.Render(t.Context(), user(say))
				if say == "go" && !errors.Is(err, ErrBounds) && !errors.Is(err, ErrTemplate) || say == "wait" && (got != "calm" || err != nil) {
					t.Errorf("%s: %.40q, %v", say, got, err)
				}
			}
		})
	}
}

func TestRenderingStopsWithItsCaller(t *testing.T) {
	x := open(t, "{% for i in range(100000000000) %}{% endfor %}")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := x.Render(ctx, user("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if _, err := x.Render(ctx, user("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	x.Close()
	if _, err := x.Render(t.Context(), user("x")); !errors.Is(err, model.ErrClosed) {
		t.Fatal(err)
	}
	x.Close()
}

func TestManyRenderAtOnce(t *testing.T) {
	x := open(t, "{{ messages[0].content }}")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if got, err := x.Render(t.Context(), user(fmt.Sprint(i))); got != fmt.Sprint(i) || err != nil {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
}

// FuzzCompile reads templates as they may come, and renders what loops over nothing but messages.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{"{{ x }}", "{% for m in messages %}{{ m.content | upper }}{% endfor %}", "{% if", "{{ [1,2][0] }}", "{# c #}", "{% macro a() %}{% endmacro %}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		_, _ = compile(start{Source: s}) // must return; rendering is what needs a process
	})
}

func FuzzJSONStaysTheSame(f *testing.F) {
	f.Add([]byte(`{"b": [1, 2.5, null, true, {"a": "x"}], "a": ""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := readJSON(b)
		if err != nil {
			return
		}
		once, twice := jsonWriter{comma: ", ", colon: ": "}, jsonWriter{comma: ", ", colon: ": "}
		if once.write(v, "\n", 0) != nil {
			return
		}
		v, err = readJSON([]byte(once.String()))
		if err != nil || twice.write(v, "\n", 0) != nil || once.String() != twice.String() {
			t.Fatalf("%q, then %q; %v", once.String(), twice.String(), err)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	x := open(b, "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n")
	for b.Loop() {
		if _, err := x.Render(b.Context(), user("hello there")); err != nil {
			b.Fatal(err)
		}
	}
}
