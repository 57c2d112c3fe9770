package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// client is OpenAI's own, pointed at us.
func client(t *testing.T, b Backend) openai.Client {
	return openai.NewClient(option.WithBaseURL(serve(t, Config{Backend: b}).URL+"/v1/"), option.WithAPIKey("unused"), option.WithMaxRetries(0))
}

func params(opts ...func(*openai.ChatCompletionNewParams)) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{Model: "tiny", Messages: []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage("be brief"), openai.UserMessage("hello <b>&"), openai.AssistantMessage("yes?"), openai.UserMessage("go on"),
	}}
	for _, o := range opts {
		o(&p)
	}
	return p
}

func TestOpenAIClientGetsAWholeAnswer(t *testing.T) {
	c := client(t, says("Hel", "lo ", "<wörld>"))
	var raw *http.Response
	got, err := c.Chat.Completions.New(t.Context(), params(func(p *openai.ChatCompletionNewParams) {
		p.Logprobs, p.TopLogprobs = openai.Bool(true), openai.Int(2)
	}), option.WithResponseInto(&raw))
	if err != nil {
		t.Fatal(err)
	}
	ch := got.Choices[0]
	if ch.Message.Content != "Hello <wörld>" || ch.FinishReason != "stop" || ch.Message.Role != "assistant" {
		t.Errorf("choice %+v", ch)
	}
	if got.Usage.PromptTokens != 7 || got.Usage.CompletionTokens != 3 || got.Usage.TotalTokens != 10 {
		t.Errorf("usage %+v", got.Usage)
	}
	if n := len(ch.Logprobs.Content); n != 3 || len(ch.Logprobs.Content[0].TopLogprobs) != 2 || ch.Logprobs.Content[2].Token != "<wörld>" {
		t.Errorf("logprobs %+v", ch.Logprobs)
	}
	for name, want := range map[string]string{headerReceipt: receipt, headerServer: "ST1SERVER", headerFee: "21"} {
		if v := raw.Header.Get(name); v != want {
			t.Errorf("%s is %q, not %q", name, v, want)
		}
	}
	if extra := got.JSON.ExtraFields["funai"].Raw(); !strings.Contains(extra, `"fee":21`) {
		t.Errorf("funai field is %s", extra)
	}
	if got.ID != "chatcmpl-"+receipt {
		t.Errorf("id %q", got.ID)
	}
}

func TestOpenAIClientStreams(t *testing.T) {
	for _, usage := range []bool{false, true} {
		t.Run(fmt.Sprintf("usage=%v", usage), func(t *testing.T) {
			c := client(t, says("Hel", "lo ", "<wörld>\n\"q\""))
			st := c.Chat.Completions.NewStreaming(t.Context(), params(func(p *openai.ChatCompletionNewParams) {
				if usage {
					p.StreamOptions.IncludeUsage = openai.Bool(true)
				}
			}))
			var acc openai.ChatCompletionAccumulator
			var extra string
			for st.Next() {
				if !acc.AddChunk(st.Current()) {
					t.Fatalf("chunk does not fit: %s", st.Current().RawJSON())
				}
				if f, ok := st.Current().JSON.ExtraFields["funai"]; ok {
					extra = f.Raw()
				}
			}
			if err := st.Err(); err != nil {
				t.Fatal(err)
			}
			if got := acc.Choices[0]; got.Message.Content != "Hello <wörld>\n\"q\"" || got.FinishReason != "stop" {
				t.Errorf("choice %+v", got)
			}
			if want := `"receipt":"aa11","server":"ST1SERVER","fee":21`; !strings.Contains(extra, want) {
				t.Errorf("last chunk says %s, not %s", extra, want)
			}
			if got := acc.Usage.TotalTokens; usage != (got == 10) {
				t.Errorf("usage %d tokens", got)
			}
		})
	}
}

func TestOpenAIClientSeesEveryErrorWithItsStatus(t *testing.T) {
	cases := []struct {
		err    error
		status int
		code   string
	}{
		{ErrRequest, 400, "invalid_value"},
		{ErrTooLong, 400, "context_length_exceeded"},
		{ErrNoFunds, 402, "insufficient_funds"},
		{ErrMaxFee, 402, "max_fee_too_low"},
		{ErrNoModel, 404, "model_not_found"},
		{&BusyError{RetryAfter: 1500 * time.Millisecond}, 429, "rate_limit_exceeded"},
		{ErrUpstream, 502, "upstream_error"},
		{errors.New("something else"), 502, "upstream_error"},
		{ErrNobody, 503, "no_server"},
		{ErrSyncing, 503, "syncing"},
	}
	for _, c := range cases {
		for _, stream := range []bool{false, true} {
			cl := client(t, fails(fmt.Errorf("asking: %w", c.err)))
			var err error
			if stream {
				st := cl.Chat.Completions.NewStreaming(t.Context(), params())
				for st.Next() {
				}
				err = st.Err()
			} else {
				_, err = cl.Chat.Completions.New(t.Context(), params())
			}
			var e *openai.Error
			if !errors.As(err, &e) || e.StatusCode != c.status || e.Code != c.code || !strings.Contains(e.Message, c.err.Error()) {
				t.Errorf("%v, stream %v: got %v", c.err, stream, err)
				continue
			}
			if c.status == 429 && e.Response.Header.Get("Retry-After") != "2" {
				t.Errorf("Retry-After is %q, not 1.5 s rounded up", e.Response.Header.Get("Retry-After"))
			}
		}
	}
}

func TestFailureInMidStreamIsAnErrorToTheClient(t *testing.T) {
	c := client(t, fails(fmt.Errorf("%w: connection lost", ErrUpstream), "one ", "two"))
	st := c.Chat.Completions.NewStreaming(t.Context(), params())
	var text string
	for st.Next() {
		if ch := st.Current().Choices; len(ch) > 0 {
			text += ch[0].Delta.Content
		}
	}
	if text != "one two" || st.Err() == nil || !strings.Contains(st.Err().Error(), "connection lost") {
		t.Errorf("got %q, %v", text, st.Err())
	}
}

func TestClientThatCancelsStopsTheBackend(t *testing.T) {
	for _, stream := range []bool{true, false} {
		ended := make(chan error, 1)
		begun := make(chan struct{})
		b := says()
		b.ask = func(ctx context.Context, _ Request, started func(Start), emit func(Delta) error) (Answer, error) {
			started(Start{Receipt: receipt})
			if err := emit(Delta{Text: "a"}); err != nil {
				t.Errorf("emit: %v", err)
			}
			close(begun)
			<-ctx.Done()
			ended <- ctx.Err()
			return Answer{}, ctx.Err()
		}
		c := client(t, b)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-begun; cancel() }()
		if stream {
			st := c.Chat.Completions.NewStreaming(ctx, params())
			for st.Next() {
			}
		} else if _, err := c.Chat.Completions.New(ctx, params()); err == nil {
			t.Error("cancelled request has an answer")
		}
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("backend's context ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("backend was not told")
		}
	}
}

func TestOpenAIClientListsModels(t *testing.T) {
	c := client(t, says())
	list, err := c.Models.List(t.Context())
	if err != nil || len(list.Data) != 2 || list.Data[0].ID != "tiny" || list.Data[0].OwnedBy != "funai" {
		t.Fatalf("%+v, %v", list, err)
	}
	if m, err := c.Models.Get(t.Context(), "org/big"); err != nil || m.ID != "org/big" {
		t.Errorf("model with a slash: %+v, %v", m, err)
	}
	var e *openai.Error
	if _, err := c.Models.Get(t.Context(), "nope"); !errors.As(err, &e) || e.StatusCode != 404 || e.Code != "model_not_found" {
		t.Errorf("unknown model: %v", err)
	}
}
