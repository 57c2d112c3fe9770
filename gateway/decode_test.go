package gateway

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"funai/amount"
)

func TestDecodeReadsWhatClientsSend(t *testing.T) {
	milli := func(n uint32) *uint32 { return &n }
	seed := int64(-3)
	plain := Request{Model: "m", Messages: []Message{{Role: "user", Content: "hi"}}}
	half := 0.5
	parallel := false
	with := func(f func(*chat)) chat { c := chat{Request: plain, n: 1}; f(&c); return c }
	cases := map[string]struct {
		extra string
		want  chat
	}{
		"least":                {``, with(func(*chat) {})},
		"lengths":              {`,"max_tokens":5`, with(func(c *chat) { c.MaxTokens = 5 })},
		"newer length wins":    {`,"max_tokens":5,"max_completion_tokens":6`, with(func(c *chat) { c.MaxTokens = 6 })},
		"temperature":          {`,"temperature":0.7`, with(func(c *chat) { c.TemperatureMilli = milli(700) })},
		"greedy needs no mass": {`,"temperature":0,"top_p":0.9`, with(func(c *chat) { c.TemperatureMilli = milli(0) })},
		"repetition":           {`,"repetition_penalty":1.1`, with(func(c *chat) { c.RepeatPenaltyMilli = milli(1100) })},
		"seed":                 {`,"seed":-3`, with(func(c *chat) { c.Seed = &seed })},
		"one stop":             {`,"stop":"\n"`, with(func(c *chat) { c.stop, c.Stop = []string{"\n"}, []string{"\n"} })},
		"stops":                {`,"stop":["a","b"]`, with(func(c *chat) { c.stop, c.Stop = []string{"a", "b"}, []string{"a", "b"} })},
		"usage in stream":      {`,"stream":true,"stream_options":{"include_usage":true}`, with(func(c *chat) { c.stream, c.includeUsage = true, true })},
		"logprobs":             {`,"logprobs":true,"top_logprobs":20`, with(func(c *chat) { c.Logprobs, c.Top = true, 20 })},
		"the network's own":    {`,"trust":"judge","max_fee":100`, with(func(c *chat) { c.Trust, c.MaxFee = TrustJudge, 100 })},
		"several answers":      {`,"n":3`, with(func(c *chat) { c.n = 3 })},
		"sampling": {`,"top_p":0.5,"frequency_penalty":0.5,"presence_penalty":-2,"logit_bias":{"7":-100}`, with(func(c *chat) {
			c.Sampling = Sampling{TopP: &half, FrequencyPenalty: 0.5, PresencePenalty: -2, Bias: map[string]float64{"7": -100}}
		})},
		"tools": {`,"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"tool_choice":"required","parallel_tool_calls":false`, with(func(c *chat) {
			c.Tools = Tools{Functions: []Function{{Name: "f", Description: "d", Parameters: json.RawMessage(`{"type":"object"}`)}}, Choice: "required", Parallel: &parallel}
		})},
		"one tool": {`,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}`, with(func(c *chat) {
			c.Tools = Tools{Functions: []Function{{Name: "f"}}, Choice: "function", Name: "f"}
		})},
		"JSON": {`,"response_format":{"type":"json_object"}`, with(func(c *chat) { c.Format = &ResponseFormat{Type: "json_object"} })},
		"schema": {`,"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{}}}`, with(func(c *chat) {
			c.Format = &ResponseFormat{Type: "json_schema", Name: "s", Schema: json.RawMessage(`{}`)}
		})},
		"provider": {`,"provider":{"order":["a"],"only":["a","b"],"ignore":["c"],"sort":"latency","allow_fallbacks":false,"max_price":{"prompt":1,"completion":2},"min_quality":0.5}`, with(func(c *chat) {
			c.Route = Route{Order: []string{"a"}, Only: []string{"a", "b"}, Ignore: []string{"c"}, Sort: SortLatency, NoOther: true, MaxIn: 1, MaxOut: 2, MinJudged: 0.5}
		})},
		"harmless": {`,"user":"u","metadata":{"a":"b"},"store":true,"n":1,"tools":[],"response_format":{"type":"text"},"top_p":1,` +
			`"frequency_penalty":0,"parallel_tool_calls":true,"reasoning_effort":"low","something_new":[1]`, with(func(*chat) {})},
		"nulls": {`,"stop":null,"tools":null,"temperature":null,"max_tokens":null,"stream":null,"stream_options":null,"seed":null,` +
			`"response_format":null,"audio":null,"logit_bias":null,"max_fee":null,"n":null,"logprobs":null,"top_logprobs":null`, with(func(*chat) {})},
	}
	for name, c := range cases {
		got, bad := decodeChat([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}]` + c.extra + `}`))
		if bad != nil {
			t.Errorf("%s: %v", name, bad)
		} else if !reflect.DeepEqual(*got, c.want) {
			t.Errorf("%s: read %+v, not %+v", name, *got, c.want)
		}
	}
}

func TestDecodeReadsMessages(t *testing.T) {
	got, bad := decodeChat([]byte(`{"model":"m","messages":[{"role":"developer","content":"s"},
		{"role":"user","name":"bob","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
		{"role":"assistant","content":"","tool_calls":[]}]}`))
	want := []Message{{Role: "system", Content: "s"}, {Role: "user", Content: "ab"}, {Role: "assistant"}}
	if bad != nil || !reflect.DeepEqual(got.Messages, want) {
		t.Errorf("%+v, %v", got, bad)
	}
}

func TestDecodeRefusesAndNamesTheField(t *testing.T) {
	cases := []struct{ extra, param, code string }{
		{`"messages":[]`, "messages", "invalid_value"},
		{`"messages":[{"role":"king","content":"x"}]`, "messages[0].role", "invalid_value"},
		{`"messages":[{"role":"user"}]`, "messages[0].content", "invalid_value"},
		{`"messages":[{"role":"user","content":[]}]`, "messages[0].content", "invalid_value"},
		{`"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]`, "messages[0].content", "unsupported_parameter"},
		{`"model":""`, "model", "invalid_value"},
		{`"model":"` + strings.Repeat("x", 257) + `"`, "model", "invalid_value"},
		{`"model":7`, "model", "invalid_value"},
		{`"temperature":2.1`, "temperature", "invalid_value"},
		{`"temperature":-1`, "temperature", "invalid_value"},
		{`"temperature":1e999`, "temperature", "invalid_value"},
		{`"repetition_penalty":0.5`, "repetition_penalty", "invalid_value"},
		{`"max_tokens":0`, "max_tokens", "invalid_value"},
		{`"max_completion_tokens":-5`, "max_completion_tokens", "invalid_value"},
		{`"max_tokens":2147483648`, "max_tokens", "invalid_value"},
		{`"stop":["a","b","c","d","e"]`, "stop", "invalid_value"},
		{`"stop":""`, "stop", "invalid_value"},
		{`"stop":7`, "", "invalid_value"},
		{`"stream_options":{"include_usage":true}`, "stream_options", "invalid_value"},
		{`"top_logprobs":2`, "top_logprobs", "invalid_value"},
		{`"logprobs":true,"top_logprobs":21`, "top_logprobs", "invalid_value"},
		{`"trust":"swarm"`, "trust", "unsupported_parameter"},
		{`"trust":"blind"`, "trust", "invalid_value"},
		{`"max_fee":0`, "max_fee", "invalid_value"},
		{`"max_fee":1.5`, "max_fee", "invalid_value"},
		{`"max_fee":-1`, "max_fee", "invalid_value"},
		{`"max_fee":2100000000000001`, "max_fee", "invalid_value"},
		{`"messages":[{"role":"tool","content":"x"}]`, "messages[0].tool_call_id", "invalid_value"},
		{`"messages":[{"role":"function","content":"x"}]`, "messages[0].role", "unsupported_parameter"},
		{`"messages":[{"role":"assistant","content":null,"tool_calls":[{}]}]`, "messages[0].tool_calls[0]", "invalid_value"},
		{`"messages":[{"role":"user","content":"x","tool_calls":[{"id":"a","function":{"name":"f"}}]}]`, "messages[0].tool_calls", "invalid_value"},
		{`"top_p":0`, "top_p", "invalid_value"},
		{`"frequency_penalty":3`, "frequency_penalty", "invalid_value"},
		{`"presence_penalty":-2.5`, "presence_penalty", "invalid_value"},
		{`"n":0`, "n", "invalid_value"},
		{`"n":9`, "n", "invalid_value"},
		{`"tools":[{"type":"function"}]`, "tools[0].function.name", "invalid_value"},
		{`"tools":[{"type":"web_search"}]`, "tools[0].type", "unsupported_parameter"},
		{`"tools":[{"type":"function","function":{"name":"f","parameters":7}}]`, "tools[0].function.parameters", "invalid_value"},
		{`"tool_choice":"required"`, "tool_choice", "invalid_value"},
		{`"tool_choice":{"type":"function","function":{"name":"f"}}`, "tool_choice", "invalid_value"},
		{`"response_format":{"type":"json_schema"}`, "response_format.json_schema.schema", "invalid_value"},
		{`"response_format":{"type":"grammar"}`, "response_format", "unsupported_parameter"},
		{`"logit_bias":{"x":1}`, "logit_bias", "invalid_value"},
		{`"logit_bias":{"5":101}`, "logit_bias", "invalid_value"},
		{`"provider":{"sort":"luck"}`, "provider.sort", "invalid_value"},
		{`"provider":{"only":[""]}`, "provider.only", "invalid_value"},
		{`"provider":{"min_quality":2}`, "provider.min_quality", "invalid_value"},
		{`"functions":[{}]`, "functions", "unsupported_parameter"},
		{`"modalities":["text","audio"]`, "modalities", "unsupported_parameter"},
		{`"audio":{}`, "audio", "unsupported_parameter"},
		{`"web_search_options":{}`, "web_search_options", "unsupported_parameter"},
	}
	for _, c := range cases {
		body := `{"model":"m",` + c.extra + `}`
		if !strings.HasPrefix(c.extra, `"messages"`) {
			body = `{"messages":[{"role":"user","content":"hi"}],` + body[1:]
		}
		_, bad := decodeChat([]byte(body)) // the later of two equal names counts
		if bad == nil || bad.status != 400 || bad.param != c.param || bad.code != c.code {
			t.Errorf("%s: %+v", c.extra, bad)
		}
	}
	for _, body := range []string{``, `{`, `null`, `[]`, `"x"`, `{} {}`, "\xff\xfe", strings.Repeat("[", 20000)} {
		if _, bad := decodeChat([]byte(body)); bad == nil || bad.status != 400 {
			t.Errorf("%.20q: %+v", body, bad)
		}
	}
}

// FuzzDecodeChat: whatever comes, either a clear 400 or a request within all bounds.
func FuzzDecodeChat(f *testing.F) {
	f.Add([]byte(question))
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"é"}]}],"stop":["x"],"temperature":1.5,"stream":true}`))
	f.Add([]byte(`{"MODEL":"m","messages":[null],"max_fee":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > maxBody {
			return
		}
		c, bad := decodeChat(body)
		if bad != nil {
			b, err := json.Marshal(bad)
			if bad.status != 400 || bad.message == "" || err != nil || !json.Valid(b) {
				t.Fatalf("bad error %+v: %v", bad, err)
			}
			return
		}
		ok := c.Model != "" && len(c.Messages) > 0 && c.MaxTokens >= 0 && c.MaxFee <= amount.Max && c.Top <= maxTop &&
			len(c.stop) <= maxStops && c.n >= 1 && c.n <= maxChoices && len(c.Tools.Functions) <= maxTools && (c.TemperatureMilli == nil || *c.TemperatureMilli <= 2000)
		for _, m := range c.Messages {
			ok = ok && utf8.ValidString(m.Content) && (m.Role == "user" || m.Role == "system" || m.Role == "assistant" || m.Role == "tool" && m.CallID != "")
		}
		if !ok {
			t.Fatalf("out of bounds: %+v", c)
		}
	})
}
