package gguf

import (
	"slices"
	"strings"
	"testing"

	"funai/model"
	"funai/model/template"

	"pgregory.net/rapid"
)

func TestStoppersFindWhatTheWholeTextHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 0, 4, -1)).Draw(t, "pieces")
		stops := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 1, 5, -1), 1, 3).Draw(t, "stops")
		whole := strings.Join(pieces, "")
		s := stopper{stops: stops}
		got, stopped := "", false
		fed := ""
		for _, p := range pieces {
			var sure string
			fed += p
			sure, stopped = s.add(p)
			if got += sure; stopped {
				break
			}
		}
		if !stopped {
			got += s.end()
		}
		// Stepwise, a stop that ends first counts even if a longer one began before it.
		found := false
		for _, stop := range stops {
			found = found || strings.Contains(fed, stop)
		}
		if stopped != found || !stopped && got != whole || !strings.HasPrefix(whole, got) {
			t.Fatalf("%q of %q, stopped %v", got, whole, stopped)
		}
		for _, stop := range stops {
			if strings.Contains(got, stop) {
				t.Fatalf("%q has the stop %q", got, stop)
			}
		}
	})
}

func TestCallsAreFound(t *testing.T) {
	tools := []model.Tool{{Name: "f"}, {Name: "g"}}
	for answer, want := range map[string]struct {
		text  string
		calls []model.ToolCall
	}{
		`<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>`: {"", []model.ToolCall{{ID: "call_0", Name: "f", Arguments: `{"a": 1}`}}},
		"Let me see.\n<tool_call>\n{\"name\": \"f\"}\n</tool_call>\n<tool_call>{\"name\":\"g\",\"arguments\":\"{\\\"b\\\":2}\"}": {"Let me see.", []model.ToolCall{
			{ID: "call_0", Name: "f", Arguments: "{}"}, {ID: "call_1", Name: "g", Arguments: `{"b":2}`}}},
		`[TOOL_CALLS] [{"name": "g", "arguments": {}}]`: {"", []model.ToolCall{{ID: "call_0", Name: "g", Arguments: "{}"}}},
		`{"name": "f", "parameters": {"x": "y"}}`:       {"", []model.ToolCall{{ID: "call_0", Name: "f", Arguments: `{"x": "y"}`}}},
		`{"name": "unknown", "parameters": {}}`:         {`{"name": "unknown", "parameters": {}}`, nil},
		`<tool_call>nonsense</tool_call> and text`:      {`<tool_call>nonsense</tool_call> and text`, nil},
		"plain": {"plain", nil}, "": {"", nil}, "{": {"{", nil}, "[1]": {"[1]", nil},
	} {
		if text, calls := findCalls(answer, tools); text != want.text || !slices.Equal(calls, want.calls) {
			t.Errorf("%q: %q, %+v", answer, text, calls)
		}
		for _, cut := range []int{1, 3, 1000} { // streamed in pieces
			f, shown := newCallFilter(true), ""
			for rest := answer; rest != ""; {
				n := min(cut, len(rest))
				shown, rest = shown+f.add(rest[:n]), rest[n:]
			}
			calls, text, tail := f.end(tools)
			if shown+tail != text || !slices.Equal(calls, want.calls) || strings.TrimSpace(text) != want.text {
				t.Errorf("%q by %d: %q, %q and %q; %+v", answer, cut, shown, tail, text, calls)
			}
		}
	}
}

func FuzzFindCalls(f *testing.F) {
	f.Add(`<tool_call>{"name":"f","arguments":{}}</tool_call>`)
	f.Add(`[TOOL_CALLS][{"name":"f"}]`)
	f.Fuzz(func(t *testing.T, s string) {
		_, calls := findCalls(s, []model.Tool{{Name: "f"}})
		if len(calls) > 2*maxCalls {
			t.Fatal(len(calls))
		}
		for _, c := range calls {
			if c.Name != "f" {
				t.Fatal(c)
			}
		}
	})
}

func TestSystemsAreSaidByTheUserWhereThereAreNone(t *testing.T) {
	got := merged([]model.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "a"}, {Role: "assistant", Content: "b"}, {Role: "system", Content: "t"}}, false)
	if len(got) != 3 || got[0].Content != "s\n\na" || got[0].Role != "user" || got[2].Role != "user" {
		t.Fatalf("%+v", got)
	}
}

// hermes is a template of the kind that Hermes and Qwen have: it shows tools, calls and what they return.
const hermes = `{%- if tools %}{{- '<|im_start|>system\n' }}{%- for t in tools %}{{- t | tojson }}{{- '\n' }}{%- endfor %}{{- '<|im_end|>\n' }}{%- endif %}
{%- for m in messages %}
    {%- if m.role == 'tool' %}{{- '<|im_start|>user\n<tool_response>\n' + m.content + '\n</tool_response><|im_end|>\n' }}
    {%- elif m.tool_calls %}{{- '<|im_start|>assistant' }}{%- for c in m.tool_calls %}{{- '\n<tool_call>\n{"name": "' + c.function.name + '", "arguments": ' }}{{- c.function.arguments | tojson }}{{- '}\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\n' }}
    {%- else %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}`

func TestTemplatesThatKnowToolsAreGivenThem(t *testing.T) {
	jinja, err := template.New(hermes, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer jinja.Close()
	x := &chatTemplate{jinja: jinja, defuse: strings.NewReplacer("<|im_end|>", "<\u200b|im_end|>")}
	if err := x.try(t.Context()); err != nil || !x.systems || !x.tools {
		t.Fatalf("%+v, %v", x, err)
	}
	ms := []model.Message{
		{Role: "user", Content: "Oslo?<|im_end|>"},
		{Role: "assistant", ToolCalls: []model.ToolCall{{ID: "1", Name: "weather", Arguments: `{"city": "Oslo"}`}}},
		{Role: "tool", ToolCallID: "1", Content: "4"},
	}
	got, err := x.render(t.Context(), ms, []model.Tool{{Name: "weather", Description: "It's weather", Parameters: []byte(`{"type":"object","properties":{"city":{"type":"string"}}}`)}})
	want := "<|im_start|>system\n{\"type\": \"function\", \"function\": {\"name\": \"weather\", \"description\": \"It's weather\", \"parameters\": {\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}}}\n<|im_end|>\n" +
		"<|im_start|>user\nOslo?<\u200b|im_end|><|im_end|>\n<|im_start|>assistant\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call><|im_end|>\n" +
		"<|im_start|>user\n<tool_response>\n4\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
	if got != want || err != nil {
		t.Fatalf("%s, want\n%s; %v", got, want, err)
	}
}
