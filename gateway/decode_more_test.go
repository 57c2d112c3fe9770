package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"funai/amount"
)

// within says whether a decoded request is within all bounds.
func within(c *chat) bool {
	n := len(c.requests())
	return c.Model != "" && n >= 1 && n <= maxChoices && c.MaxTokens >= 0 && c.MaxFee <= amount.Max && c.Top <= maxTop && len(c.stop) <= maxStops
}

func clear400(t *testing.T, bad *apiError) {
	t.Helper()
	b, err := json.Marshal(bad)
	if bad.status != 400 || bad.message == "" || err != nil || !json.Valid(b) {
		t.Fatalf("bad error %+v: %v", bad, err)
	}
}

func TestOtherEndpointsRefuseAndNameTheField(t *testing.T) {
	completion := func(b []byte) *apiError { _, bad := decodeCompletion(b); return bad }
	reply := func(b []byte) *apiError { _, bad := decodeReply(b); return bad }
	embed := func(b []byte) *apiError { _, _, bad := decodeEmbed(b); return bad }
	for _, c := range []struct {
		decode            func([]byte) *apiError
		body, param, code string
	}{
		{completion, `{"model":"m"}`, "prompt", "invalid_value"},
		{completion, `{"model":"m","prompt":[1,2]}`, "", "invalid_value"},
		{completion, `{"model":"m","prompt":["a","b","c"],"n":4}`, "prompt", "invalid_value"},
		{completion, `{"model":"m","prompt":"a","suffix":"b"}`, "suffix", "unsupported_parameter"},
		{completion, `{"model":"m","prompt":"a","best_of":3}`, "best_of", "unsupported_parameter"},
		{completion, `{"model":"m","prompt":"a","logprobs":1,"echo":true}`, "echo", "unsupported_parameter"},
		{completion, `{"model":"m","prompt":"a","logprobs":21}`, "top_logprobs", "invalid_value"},
		{completion, `{"prompt":"a"}`, "model", "invalid_value"},
		{reply, `{"model":"m"}`, "messages", "invalid_value"},
		{reply, `{"model":"m","input":7}`, "", "invalid_value"},
		{reply, `{"model":"m","input":"a","previous_response_id":"x"}`, "previous_response_id", "unsupported_parameter"},
		{reply, `{"model":"m","input":"a","conversation":"x"}`, "conversation", "unsupported_parameter"},
		{reply, `{"model":"m","input":"a","background":true}`, "background", "unsupported_parameter"},
		{reply, `{"model":"m","input":[{"type":"image"}]}`, "input[0].type", "unsupported_parameter"},
		{reply, `{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":7}]}`, "input[0].output", "invalid_value"},
		{reply, `{"model":"m","input":"a","tools":[{"type":"web_search"}]}`, "tools[0].type", "unsupported_parameter"},
		{embed, `{"model":"m"}`, "input", "invalid_value"},
		{embed, `{"model":"m","input":[1,2]}`, "", "invalid_value"},
		{embed, `{"model":"m","input":["a",""]}`, "input[1]", "invalid_value"},
		{embed, `{"model":"m","input":"a","encoding_format":"hex"}`, "encoding_format", "invalid_value"},
		{embed, `{"model":"m","input":"a","dimensions":0}`, "dimensions", "invalid_value"},
	} {
		if bad := c.decode([]byte(c.body)); bad == nil || bad.param != c.param || bad.code != c.code {
			t.Errorf("%s: %+v", c.body, bad)
		}
	}
}

func TestRepliesKeepTheConversationsOrder(t *testing.T) {
	c, bad := decodeReply([]byte(`{"model":"m","instructions":"s","input":[{"role":"user","content":"q"},{"type":"reasoning"},
		{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]},{"type":"function_call","call_id":"1","name":"f","arguments":"{}"},
		{"type":"function_call","call_id":"2","name":"g","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"r"}]}`))
	if bad != nil {
		t.Fatal(bad)
	}
	var said []string
	for _, m := range c.Messages {
		said = append(said, m.Role+":"+m.Content)
	}
	if got := strings.Join(said, " "); got != "system:s user:q assistant:a tool:r" || len(c.Messages[2].Calls) != 2 || c.Messages[3].CallID != "1" {
		t.Errorf("%s, %+v", got, c.Messages)
	}
}

func FuzzDecodeCompletion(f *testing.F) {
	f.Add([]byte(`{"model":"m","prompt":["a","b"],"n":2,"logprobs":3,"stop":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if c, bad := decodeCompletion(body); bad != nil {
			clear400(t, bad)
		} else if !within(c) {
			t.Fatalf("out of bounds: %+v", c)
		}
	})
}

func FuzzDecodeReply(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"text":{"format":{"type":"json_schema","name":"n","schema":{}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, bad := decodeReply(body)
		if bad != nil {
			clear400(t, bad)
			return
		}
		r := newReply(&response{chat: c})
		if _, err := json.Marshal(r.ended(Answer{Finish: "stop"})); err != nil || !within(c) || len(c.Messages) == 0 {
			t.Fatalf("%+v: %v", c, err)
		}
	})
}

func FuzzDecodeEmbed(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":["a"],"dimensions":3,"encoding_format":"base64"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, _, bad := decodeEmbed(body); bad != nil {
			clear400(t, bad)
		} else if r.Model == "" || len(r.Input) == 0 || len(r.Input) > maxTexts || r.Dimensions > maxDimensions {
			t.Fatalf("out of bounds: %+v", r)
		}
	})
}

func FuzzDecodeKeyOrder(f *testing.F) {
	f.Add([]byte(`{"name":"a","limits":{"budget":1},"expires":"2030-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if o, err := decodeKeyOrder(body); err == nil && !json.Valid(body) {
			t.Fatalf("%+v of what is no JSON", o)
		}
	})
}
