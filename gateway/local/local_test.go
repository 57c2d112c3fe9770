package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/account"
	"funai/gateway/account/embedded"
	"funai/gateway/local"
	"funai/gateway/route"
	"funai/model"
	"funai/model/catalogue"
	"funai/model/encoder"
	"funai/model/engine"
)

// The engines that all tests share; opened by the first that needs them.
var (
	stories  func() (model.Engine, error)
	sentence func() (*encoder.Encoder, error)
)

func TestMain(m *testing.M) {
	var shut []func() error
	stories = sync.OnceValues(func() (model.Engine, error) {
		e, err := engine.Open(context.Background(), "stories15m", engine.Options{Threads: 1})
		if err == nil {
			shut = append(shut, e.Close)
		}
		return e, err
	})
	sentence = sync.OnceValues(func() (*encoder.Encoder, error) {
		f, err := catalogue.New(catalogue.Options{})
		if err != nil {
			return nil, err
		}
		dir, err := f.Encoder(context.Background(), nil)
		if err != nil {
			return nil, err
		}
		e, err := encoder.Open(context.Background(), dir)
		if err == nil {
			shut = append(shut, e.Close)
		}
		return e, err
	})
	code := m.Run()
	for _, f := range shut {
		if f() != nil {
			code = 1
		}
	}
	os.Exit(code)
}

// served starts a gateway before engines of this process.
func served(t *testing.T, models []local.Served, change ...func(*gateway.Config)) (*local.Source, openai.Client) {
	t.Helper()
	s, err := local.New(models)
	if err != nil {
		t.Fatal(err)
	}
	c := gateway.Config{Backend: route.New(route.Config{Sources: []route.Source{s}})}
	for _, f := range change {
		f(&c)
	}
	g, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return s, openai.NewClient(option.WithBaseURL(srv.URL+"/v1/"), option.WithAPIKey("unused"), option.WithMaxRetries(0))
}

// engines are the real ones, at a price.
func engines(t *testing.T) []local.Served {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the weights of stories15m and of the encoder")
	}
	e, err := stories()
	if err != nil {
		t.Fatal(err)
	}
	enc, err := sentence()
	if err != nil {
		t.Fatal(err)
	}
	return []local.Served{{ID: "stories15m", Chatter: e, Encoder: e, PriceIn: 1, PriceOut: 2}, {ID: encoder.Name, Encoder: enc, PriceIn: 1}}
}

func once() openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "stories15m", Temperature: openai.Float(0), MaxTokens: openai.Int(20),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Once upon a time there was a dog")}}
}

func TestARealEngineAnswersThroughTheGateway(t *testing.T) {
	_, c := served(t, engines(t))
	whole, err := c.Chat.Completions.New(t.Context(), once())
	if err != nil {
		t.Fatal(err)
	}
	text := whole.Choices[0].Message.Content
	if text == "" || whole.Usage.CompletionTokens != 20 || whole.Usage.PromptTokens == 0 || whole.Choices[0].FinishReason != "length" {
		t.Errorf("%s", whole.RawJSON())
	}
	var extra struct {
		Funai struct{ Server, Trust, Verdict string }
	}
	if err := json.Unmarshal([]byte(whole.RawJSON()), &extra); err != nil || extra.Funai.Server != local.Name || extra.Funai.Trust != "none" || extra.Funai.Verdict != "none" {
		t.Errorf("%+v, %v", extra, err)
	}
	p := once()
	p.Logprobs, p.TopLogprobs, p.StreamOptions.IncludeUsage = openai.Bool(true), openai.Int(2), openai.Bool(true)
	st := c.Chat.Completions.NewStreaming(t.Context(), p)
	var acc openai.ChatCompletionAccumulator
	pieces := 0
	for st.Next() {
		for _, ch := range st.Current().Choices {
			pieces += len(ch.Logprobs.Content)
			for _, l := range ch.Logprobs.Content {
				if l.Logprob > 0 || len(l.TopLogprobs) != 2 {
					t.Errorf("%+v", l)
				}
			}
		}
		acc.AddChunk(st.Current())
	}
	if st.Err() != nil || acc.Choices[0].Message.Content != text || acc.Usage.TotalTokens != whole.Usage.TotalTokens || pieces != 20 {
		t.Errorf("streamed %q, whole %q, %d tokens, %v", acc.Choices[0].Message.Content, text, pieces, st.Err())
	}
}

func TestARealEngineIsShapedAsAsked(t *testing.T) {
	_, c := served(t, engines(t))
	ask := func(change func(*openai.ChatCompletionNewParams)) (string, *openai.ChatCompletion) {
		t.Helper()
		p := once()
		change(&p)
		got, err := c.Chat.Completions.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return got.Choices[0].Message.Content, got
	}
	plain, _ := ask(func(*openai.ChatCompletionNewParams) {})
	hot := func(seed int64, top float64) string {
		s, _ := ask(func(p *openai.ChatCompletionNewParams) {
			p.Temperature, p.Seed, p.TopP = openai.Float(1.5), openai.Int(seed), openai.Float(top)
		})
		return s
	}
	if a := hot(1, 0.999); a != hot(1, 0.999) || a == hot(2, 0.999) || a == plain {
		t.Error("the seed doesn't fix the answer, or nothing else does")
	}
	if got := hot(1, 0.00001); got != plain {
		t.Errorf("with top_p of nearly nothing %q, greedy %q", got, plain)
	}
	for name, change := range map[string]func(*openai.ChatCompletionNewParams){
		"frequency_penalty": func(p *openai.ChatCompletionNewParams) { p.FrequencyPenalty = openai.Float(2) },
		"logit_bias":        func(p *openai.ChatCompletionNewParams) { p.LogitBias = map[string]int64{"1000": 100} },
	} {
		if got, _ := ask(change); got == plain {
			t.Errorf("%s changes nothing", name)
		}
	}
	object, _ := ask(func(p *openai.ChatCompletionNewParams) {
		p.MaxTokens = openai.Int(60)
		p.ResponseFormat.OfJSONSchema = &openai.ResponseFormatJSONSchemaParam{JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "a",
			Schema: map[string]any{"type": "object", "properties": map[string]any{"happy": map[string]string{"type": "boolean"}}, "required": []string{"happy"}, "additionalProperties": false}}}
	})
	var is struct{ Happy *bool }
	if err := json.Unmarshal([]byte(object), &is); err != nil || is.Happy == nil {
		t.Errorf("%q is not of the schema: %v", object, err)
	}
	_, called := ask(func(p *openai.ChatCompletionNewParams) {
		p.MaxTokens = openai.Int(100)
		p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "feed",
			Parameters: openai.FunctionParameters{"type": "object", "properties": map[string]any{"dog": map[string]string{"type": "boolean"}}, "required": []string{"dog"}, "additionalProperties": false}})}
		p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "feed"})
	})
	var fed struct{ Dog *bool }
	if k := called.Choices[0].Message.ToolCalls; called.Choices[0].FinishReason != "tool_calls" || len(k) != 1 || k[0].Function.Name != "feed" ||
		json.Unmarshal([]byte(k[0].Function.Arguments), &fed) != nil || fed.Dog == nil {
		t.Errorf("%s", called.RawJSON())
	}
	p := once()
	p.ResponseFormat.OfJSONSchema = &openai.ResponseFormatJSONSchemaParam{JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "a",
		Schema: map[string]any{"type": "string", "pattern": "^a"}}}
	var e *openai.Error
	if _, err := c.Chat.Completions.New(t.Context(), p); !errors.As(err, &e) || e.StatusCode != 400 {
		t.Errorf("a schema that nobody can keep to: %v", err)
	}
	p = once()
	p.MaxTokens, p.Stop = openai.Int(20), openai.ChatCompletionNewParamsStopUnion{OfString: openai.String(plain[len(plain)/2 : len(plain)/2+3])}
	if got, err := c.Chat.Completions.New(t.Context(), p); err != nil || got.Choices[0].FinishReason != "stop" || got.Usage.CompletionTokens >= 20 || got.Usage.PromptTokens == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRealEnginesEmbedThroughTheGateway(t *testing.T) {
	models := engines(t)
	_, c := served(t, models)
	input := []string{"The dog sleeps.", "A puppy is asleep.", "Interest rates rose by a quarter point."}
	for range 21 { // more than an engine takes at once
		input = append(input, "one", "two", "three")
	}
	for _, m := range models {
		got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: m.ID, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: input}})
		if err != nil || len(got.Data) != len(input) || got.Usage.PromptTokens == 0 {
			t.Fatalf("%s: %d vectors, %v", m.ID, len(got.Data), err)
		}
		near, far := cosine(got.Data[0].Embedding, got.Data[1].Embedding), cosine(got.Data[0].Embedding, got.Data[2].Embedding)
		if m.ID == encoder.Name && near < far+0.3 || near < far {
			t.Errorf("%s: %v of the like, %v of the unlike", m.ID, near, far)
		}
	}
	var e *openai.Error
	_, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: encoder.Name, Dimensions: openai.Int(8), Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("x")}})
	if !errors.As(err, &e) || e.StatusCode != 400 || e.Param != "dimensions" {
		t.Errorf("dimensions: %v", err)
	}
	p := once()
	p.Model = encoder.Name
	if _, err := c.Chat.Completions.New(t.Context(), p); !errors.As(err, &e) || e.StatusCode != 400 || e.Code != "unsupported_parameter" {
		t.Errorf("a chat with an encoder: %v", err)
	}
}

func cosine(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return ab / math.Sqrt(aa*bb)
}

// TestAGoneClientPaysARealEngineForWhatItMade, and leaves nothing behind.
func TestAGoneClientPaysARealEngineForWhatItMade(t *testing.T) {
	store, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	k, err := account.NewKey("test", account.Limits{Budget: amount.FAI}, time.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	secret, hash := account.NewSecret()
	if err := store.Create(t.Context(), k, hash); err != nil {
		t.Fatal(err)
	}
	s, c := served(t, engines(t), func(c *gateway.Config) { c.Accounts, c.RequireKey = store, true })
	p := once()
	p.MaxTokens, p.LogitBias = openai.Int(200), map[string]int64{"2": -100} // it never ends of itself
	ctx, cancel := context.WithCancel(t.Context())
	st := c.Chat.Completions.NewStreaming(ctx, p, option.WithAPIKey(secret))
	for range 3 {
		if !st.Next() {
			t.Fatal(st.Err())
		}
	}
	cancel()
	st.Close()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		k, err := store.Get(t.Context(), k.ID)
		if err == nil && k.Holds == 0 && k.Held == 0 && k.Spent > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", k, err)
		}
	}
	if list, err := s.Offers(t.Context()); err != nil || list[0].Queue != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	u, err := store.Usage(t.Context(), k.ID, 0, 1)
	if err != nil || u[0].Prompt == 0 || u[0].Completion == 0 || u[0].Fee != amount.Amount(u[0].Prompt+2*u[0].Completion) {
		t.Errorf("%+v, %v", u, err)
	}
}

// broken is an engine that fails as told.
type broken struct{ err error }

func (broken) Info() model.Info { return model.Info{Context: 100} }
func (b broken) Generate(context.Context, model.Request, func(model.Token) error) (model.Result, error) {
	return model.Result{}, b.err
}
func (b broken) CountPrompt(context.Context, model.Request) (int, error) { return 0, b.err }
func (b broken) Embed(context.Context, []string) ([][]float32, error)    { return nil, b.err }

func TestErrorsOfEnginesHaveTheirMeaning(t *testing.T) {
	for _, c := range []struct {
		is   error
		want int
	}{{model.ErrBusy, 429}, {model.ErrTooLong, 400}, {model.ErrRequest, 400}, {model.ErrUnsupported, 400}, {model.ErrClosed, 502}, {errors.New("burnt"), 502}} {
		e := broken{c.is}
		_, client := served(t, []local.Served{{ID: "stories15m", Chatter: e, Encoder: e}})
		var got *openai.Error
		if _, err := client.Chat.Completions.New(t.Context(), once()); !errors.As(err, &got) || got.StatusCode != c.want || c.want == 429 && got.Response.Header.Get("Retry-After") == "" {
			t.Errorf("%v: %v", c.is, err)
		}
		if _, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "stories15m", Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("x")}}); !errors.As(err, &got) || got.StatusCode != c.want {
			t.Errorf("%v: embedding: %v", c.is, err)
		}
	}
	for _, m := range [][]local.Served{{{ID: "a"}}, {{Encoder: broken{}}}, {{ID: "a", Encoder: broken{}}, {ID: "a", Encoder: broken{}}}} {
		if _, err := local.New(m); !errors.Is(err, local.ErrConfig) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// TestMoreClientsThanAnEngineTakesAreTurnedAway, and those that it takes are answered whole.
func TestMoreClientsThanAnEngineTakesAreTurnedAway(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the weights of stories15m")
	}
	e, err := engine.Open(t.Context(), "stories15m", engine.Options{Threads: 1, Queue: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	s, c := served(t, []local.Served{{ID: "stories15m", Chatter: e}})
	const clients = 48
	var answered, busy atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			got, err := c.Chat.Completions.New(t.Context(), once())
			var e *openai.Error
			switch {
			case err == nil && got.Usage.CompletionTokens == 20:
				answered.Add(1)
			case errors.As(err, &e) && e.StatusCode == 429 && e.Response.Header.Get("Retry-After") != "":
				busy.Add(1)
			default:
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	all.Wait()
	t.Logf("%d answered, %d turned away", answered.Load(), busy.Load())
	if answered.Load() == 0 || answered.Load()+busy.Load() != clients {
		t.Errorf("%d answered and %d turned away of %d", answered.Load(), busy.Load(), clients)
	}
	if list, err := s.Offers(t.Context()); err != nil || list[0].Queue != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := c.Chat.Completions.New(t.Context(), once()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// full is an engine whose queue doesn't move.
type full struct{ broken }

func (full) Generate(ctx context.Context, _ model.Request, _ func(model.Token) error) (model.Result, error) {
	<-ctx.Done()
	return model.Result{}, context.Cause(ctx)
}
func (full) CountPrompt(context.Context, model.Request) (int, error) { return 50, nil }

// TestWhoLeavesTheQueuePaysNothing: nobody read the prompt.
func TestWhoLeavesTheQueuePaysNothing(t *testing.T) {
	s, err := local.New([]local.Served{{ID: "m", Chatter: full{}, PriceIn: 1, PriceOut: 1}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	a, err := s.Ask(ctx, local.Name, gateway.Request{Model: "m", Messages: []gateway.Message{{Role: "user", Content: "hi"}}}, nil, nil)
	if !errors.Is(err, context.Canceled) || a.Fee != 0 {
		t.Errorf("%+v, %v", a, err)
	}
}
