package modeltest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"funai/model"
	"funai/model/sampling"
)

var _ model.Engine = (*Toy)(nil)

// words are what a Toy can say; the token after the last of them ends an answer.
var words = strings.Fields("a able acid aged also area army away baby back ball band bank base bath bear beat been beer bell belt best bird blow " +
	"blue boat body bone book born both bowl bulk burn bush busy cake call calm came camp card care case cash cast cell chat chip city")

// Toy is an engine that runs anywhere at once: its logits are a hash of its name and of every token before, so that another
// name, prompt or token gives other answers, and Score agrees with Generate exactly. It works inside testing/synctest.
type Toy struct {
	Name  string
	Delay time.Duration // for each token generated; scoring takes a tenth of it for each
	Limit int           // tokens of prompt and answer together; 0: 4096

	// Fail, if not nil, is asked before every Generate and Score.
	Fail func() error

	closed atomic.Bool
}

func (t *Toy) limit() int {
	if t.Limit > 0 {
		return t.Limit
	}
	return 4096
}

// Info implements model.Engine.
func (t *Toy) Info() model.Info {
	return model.Info{Name: t.Name, Hash: sha256.Sum256([]byte("toy " + t.Name)), Context: t.limit(), Scores: true, Samples: true}
}

// prompt gives every word of every message a token.
func (t *Toy) prompt(r model.Request) ([]int32, error) {
	if t.closed.Load() {
		return nil, model.ErrClosed
	}
	if len(r.Messages) == 0 {
		return nil, fmt.Errorf("%w: no messages", model.ErrRequest)
	}
	var out []int32
	for _, m := range r.Messages {
		for _, w := range append([]string{m.Role + ":"}, strings.Fields(m.Content)...) {
			h := sha256.Sum256([]byte(w))
			out = append(out, int32(binary.BigEndian.Uint32(h[:])>>1))
		}
	}
	if len(out) >= t.limit() {
		return nil, fmt.Errorf("%w: %d tokens, %d fit", model.ErrTooLong, len(out), t.limit())
	}
	return out, nil
}

// state is what the next logits depend on.
func (t *Toy) state(prompt []int32) [32]byte {
	h := sha256.Sum256([]byte(t.Name))
	for _, k := range prompt {
		h = next(h, k)
	}
	return h
}

func next(h [32]byte, token int32) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint32(h[:], uint32(token)))
}

// logits spread like a language model's; the end grows likelier with every token.
func logits(h [32]byte, position int) []float32 {
	r := rand.New(rand.NewChaCha8(h))
	out := make([]float32, len(words)+1)
	for i := range out {
		out[i] = float32(r.NormFloat64() * 3)
	}
	out[len(words)] = float32(position)/2 - 5
	return out
}

func spell(token int32) string {
	if int(token) >= len(words) {
		return ""
	}
	return " " + words[token]
}

// Generate implements model.Engine.
func (t *Toy) Generate(ctx context.Context, r model.Request, emit func(model.Token) error) (model.Result, error) {
	prompt, err := t.prompt(r)
	if err == nil && r.MaxTokens < 1 {
		err = fmt.Errorf("%w: %d tokens", model.ErrRequest, r.MaxTokens)
	}
	if err == nil && t.Fail != nil {
		err = t.Fail()
	}
	if err != nil {
		return model.Result{}, err
	}
	result := model.Result{PromptTokens: len(prompt), Finish: model.FinishLength}
	rule, h := sampling.New(r.Sampling), t.state(prompt)
	for i := range min(r.MaxTokens, t.limit()-len(prompt)) {
		if err := pause(ctx, t.Delay); err != nil {
			return model.Result{}, err
		}
		l := logits(h, i)
		id := rule.Choose(l, i, append(prompt[:len(prompt):len(prompt)], result.Tokens...))
		sum := sampling.LogSum(l)
		token := model.Token{Logprob: model.Logprob{ID: id, Text: spell(id), Logprob: float64(l[id]) - sum}}
		for _, k := range sampling.Top(l, r.Top) {
			token.Top = append(token.Top, model.Logprob{ID: k, Text: spell(k), Logprob: float64(l[k]) - sum})
		}
		result.Tokens, result.Text, h = append(result.Tokens, id), result.Text+token.Text, next(h, id)
		if err := emit(token); err != nil {
			return model.Result{}, err
		}
		if int(id) == len(words) {
			result.Finish = model.FinishStop
			break
		}
	}
	return result, nil
}

// Score implements model.Engine.
func (t *Toy) Score(ctx context.Context, r model.Request, tokens []int32) (model.Score, error) {
	prompt, err := t.prompt(r)
	if err == nil && t.Fail != nil {
		err = t.Fail()
	}
	if err == nil {
		err = pause(ctx, t.Delay*time.Duration(len(tokens))/10)
	}
	if err != nil {
		return model.Score{}, err
	}
	score := model.Score{PromptTokens: len(prompt)}
	rule, h := sampling.New(r.Sampling), t.state(prompt)
	for i, id := range tokens {
		if id < 0 || int(id) > len(words) {
			return model.Score{}, fmt.Errorf("%w: token %d is %d, the vocabulary has %d", model.ErrRequest, i, id, len(words)+1)
		}
		l := logits(h, i)
		s := model.TokenScore{Logprob: float64(l[id]) - sampling.LogSum(l), End: int(id) == len(words)}
		s.Rank, s.Margin = rule.Place(l, i, append(prompt[:len(prompt):len(prompt)], tokens[:i]...), id)
		score.Tokens, score.Text, h = append(score.Tokens, s), score.Text+spell(id), next(h, id)
	}
	return score, nil
}

// CountPrompt implements model.Engine.
func (t *Toy) CountPrompt(_ context.Context, r model.Request) (int, error) {
	prompt, err := t.prompt(r)
	return len(prompt), err
}

// Embed implements model.Engine: a bag of words.
func (t *Toy) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	var out [][]float32
	for _, text := range texts {
		v, sum := make([]float32, 64), 0.0
		for _, w := range strings.Fields(text) {
			v[sha256.Sum256([]byte(w))[0]%64]++
		}
		for _, x := range v {
			sum += float64(x * x)
		}
		for i := range v {
			v[i] /= float32(math.Sqrt(max(sum, 1)))
		}
		out = append(out, v)
	}
	return out, ctx.Err()
}

// Close implements model.Engine.
func (t *Toy) Close() error {
	t.closed.Store(true)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
