package gateway_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"funai/gateway"
	"funai/gateway/gatewaytest"
	"funai/gateway/route"
	"funai/gateway/upstream"
	"funai/internal/npm"
)

const everything = gateway.CanChat | gateway.CanTools | gateway.CanSchema | gateway.CanTopP | gateway.CanPenalties | gateway.CanBias |
	gateway.CanRepeat | gateway.CanLogprobs

// served is a model with prices.
func served() []upstream.Served {
	return []upstream.Served{
		{ID: "tiny", Context: 2048, PriceIn: 1, PriceOut: 2, Can: everything},
		{ID: "plain", Context: 2048, Can: gateway.CanChat},
		{ID: "vectors", Context: 512, PriceIn: 1, Can: gateway.CanEmbed},
	}
}

// behind starts an engine and a gateway before it.
func behind(t testing.TB, e *gatewaytest.Engine, change ...func(*gateway.Config)) (*gateway.Gateway, string) {
	t.Helper()
	return before(t, []*gatewaytest.Engine{e}, route.Config{}, change...)
}

// before starts a gateway before several engines, named a, b, c.
func before(t testing.TB, engines []*gatewaytest.Engine, rc route.Config, change ...func(*gateway.Config)) (*gateway.Gateway, string) {
	t.Helper()
	for i, e := range engines {
		srv := httptest.NewServer(e)
		t.Cleanup(srv.Close)
		u, err := upstream.New(upstream.Config{Name: string(rune('a' + i)), BaseURL: srv.URL + "/v1", Models: served(), Idle: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(u.Close)
		if err := u.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.Forget()
		rc.Sources = append(rc.Sources, u)
	}
	c := gateway.Config{Backend: route.New(rc)}
	for _, f := range change {
		f(&c)
	}
	g, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return g, srv.URL
}

// until waits for a condition, which must come.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain waited for: " + what)
		}
	}
}

func sdk(url string, opts ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{option.WithBaseURL(url + "/v1/"), option.WithAPIKey("unused"), option.WithMaxRetries(0)}, opts...)...)
}

func weather() []openai.ChatCompletionToolUnionParam {
	return []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "get_weather",
		Parameters: openai.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]string{"type": "string"}}}})}
}

func hello(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello")}}
}

func TestOfficialGoClientConforms(t *testing.T) {
	e := &gatewaytest.Engine{}
	_, url := behind(t, e)
	c := sdk(url)
	t.Run("tools, asked, called and answered", func(t *testing.T) {
		p := hello("tiny")
		p.Tools = weather()
		got, err := c.Chat.Completions.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		m := got.Choices[0].Message
		if got.Choices[0].FinishReason != "tool_calls" || len(m.ToolCalls) != 1 || m.ToolCalls[0].Function.Arguments != `{"city":"Paris"}` || m.ToolCalls[0].ID != "call_1" {
			t.Fatalf("%s", got.RawJSON())
		}
		p.Messages = append(p.Messages, m.ToParam(), openai.ToolMessage("sunny", "call_1"))
		st := c.Chat.Completions.NewStreaming(t.Context(), p)
		var acc openai.ChatCompletionAccumulator
		for st.Next() {
			acc.AddChunk(st.Current())
		}
		if st.Err() != nil || acc.Choices[0].Message.Content != "It is sunny" {
			t.Errorf("%+v, %v", acc.Choices, st.Err())
		}
	})
	t.Run("streamed tools", func(t *testing.T) {
		p := hello("tiny")
		p.Tools = weather()
		st := c.Chat.Completions.NewStreaming(t.Context(), p)
		var acc openai.ChatCompletionAccumulator
		for st.Next() {
			acc.AddChunk(st.Current())
		}
		if st.Err() != nil || len(acc.Choices) != 1 || acc.Choices[0].Message.ToolCalls[0].Function.Arguments != `{"city":"Paris"}` || acc.Choices[0].FinishReason != "tool_calls" {
			t.Errorf("%+v, %v", acc.Choices, st.Err())
		}
	})
	t.Run("schema", func(t *testing.T) {
		p := hello("tiny")
		p.ResponseFormat.OfJSONSchema = &openai.ResponseFormatJSONSchemaParam{JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "a", Schema: map[string]any{"type": "object"}}}
		if got, err := c.Chat.Completions.New(t.Context(), p); err != nil || got.Choices[0].Message.Content != `{"answer":42}` {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("several answers", func(t *testing.T) {
		p := hello("tiny")
		p.N, p.Logprobs = openai.Int(3), openai.Bool(true)
		got, err := c.Chat.Completions.New(t.Context(), p)
		if err != nil || len(got.Choices) != 3 || got.Usage.CompletionTokens != 15 || got.Choices[2].Index != 2 || len(got.Choices[2].Logprobs.Content) != 5 {
			t.Fatalf("%+v, %v", got, err)
		}
		st := c.Chat.Completions.NewStreaming(t.Context(), p)
		var acc openai.ChatCompletionAccumulator
		for st.Next() {
			acc.AddChunk(st.Current())
		}
		if st.Err() != nil || len(acc.Choices) != 3 || acc.Choices[1].Message.Content != "word0 word1 word2 word3 word4 " {
			t.Errorf("%+v, %v", acc.Choices, st.Err())
		}
	})
	t.Run("completions", func(t *testing.T) {
		p := openai.CompletionNewParams{Model: "tiny", Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{"one ", "two "}}, Echo: openai.Bool(true)}
		got, err := c.Completions.New(t.Context(), p)
		if err != nil || len(got.Choices) != 2 || got.Choices[1].Text != "two word0 word1 word2 word3 word4 " || got.Usage.CompletionTokens != 10 {
			t.Fatalf("%+v, %v", got, err)
		}
		st := c.Completions.NewStreaming(t.Context(), p)
		text := map[int64]string{}
		for st.Next() {
			for _, ch := range st.Current().Choices {
				text[ch.Index] += ch.Text
			}
		}
		if st.Err() != nil || text[0] != "one word0 word1 word2 word3 word4 " {
			t.Errorf("%v, %v", text, st.Err())
		}
	})
	t.Run("responses", func(t *testing.T) { goResponses(t, c) })
	t.Run("embeddings", func(t *testing.T) {
		got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "vectors", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "bcd"}}})
		if err != nil || len(got.Data) != 2 || got.Data[1].Embedding[0] != 3 || got.Usage.PromptTokens != 6 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("what a model can't do is refused", func(t *testing.T) {
		p := hello("plain")
		p.Tools = weather()
		refused(t, c, p, 400, "unsupported_parameter", "tools")
		p = hello("plain")
		p.TopP = openai.Float(0.5)
		refused(t, c, p, 400, "unsupported_parameter", "top_p")
		refused(t, c, hello("vectors"), 400, "unsupported_parameter", "chat")
		refused(t, c, hello("nothing"), 404, "model_not_found", "model")
	})
	t.Run("cancel", func(t *testing.T) {
		slow := &gatewaytest.Engine{Words: 1000, Pace: 10 * time.Millisecond}
		_, url := behind(t, slow)
		ctx, cancel := context.WithCancel(t.Context())
		c := sdk(url)
		st := c.Chat.Completions.NewStreaming(ctx, hello("tiny"))
		if !st.Next() {
			t.Fatal(st.Err())
		}
		cancel()
		until(t, "the engine to be left alone", func() bool { return slow.UnderWay() == 0 })
	})
}

func refused(t *testing.T, c openai.Client, p openai.ChatCompletionNewParams, status int, code, param string) {
	t.Helper()
	_, err := c.Chat.Completions.New(t.Context(), p)
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != status || e.Code != code || e.Param != param {
		t.Errorf("got %v, not %d %s at %s", err, status, code, param)
	}
}

func goResponses(t *testing.T, c openai.Client) {
	p := responses.ResponseNewParams{Model: "tiny", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello")}, Instructions: openai.String("be brief")}
	got, err := c.Responses.New(t.Context(), p)
	if err != nil || got.OutputText() != "word0 word1 word2 word3 word4 " || got.Status != "completed" || got.Usage.TotalTokens != 12 {
		t.Fatalf("%+v, %v", got, err)
	}
	p.Tools = []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{Name: "get_weather", Parameters: map[string]any{"type": "object"}}}}
	st := c.Responses.NewStreaming(t.Context(), p)
	var kinds []string
	var last responses.Response
	for n := int64(0); st.Next(); n++ {
		ev := st.Current()
		if ev.SequenceNumber != n {
			t.Errorf("event %d has number %d", n, ev.SequenceNumber)
		}
		kinds = append(kinds, strings.TrimPrefix(ev.Type, "response."))
		last = ev.Response
	}
	want := "created in_progress output_item.added function_call_arguments.delta function_call_arguments.delta function_call_arguments.done output_item.done completed"
	if st.Err() != nil || strings.Join(kinds, " ") != want {
		t.Fatalf("%v, %v", kinds, st.Err())
	}
	call := last.Output[0].AsFunctionCall()
	if call.Name != "get_weather" || call.Arguments != `{"city":"Paris"}` {
		t.Errorf("%s", last.RawJSON())
	}
	var e *openai.Error
	if _, err := c.Responses.Get(t.Context(), got.ID, responses.ResponseGetParams{}); !errors.As(err, &e) || e.StatusCode != 404 {
		t.Errorf("a response is stored: %v", err)
	}
}

func TestOfficialJavaScriptClientConforms(t *testing.T) {
	dir := t.TempDir()
	err := npm.Dir(t.Context(), os.DirFS(filepath.Join("testdata", "openai")), dir)
	if errors.Is(err, npm.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	e := &gatewaytest.Engine{}
	slow := &gatewaytest.Engine{Words: 1000, Pace: 10 * time.Millisecond}
	_, url := behind(t, e)
	_, slowly := behind(t, slow)
	cmd := exec.CommandContext(t.Context(), "node", "conformance.mjs", url+"/v1", slowly+"/v1")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	until(t, "the engine to be left alone", func() bool { return slow.UnderWay() == 0 })
}
