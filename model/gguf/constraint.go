package gguf

import (
	"fmt"
	"math"
	"runtime"

	"funai/model"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// constraint keeps an answer to a grammar, by llama.cpp's own reader of them. It is the loop's.
type constraint struct {
	sampler llama.Sampler
	array   *llama.TokenDataArray
	tokens  []llama.TokenData
	logits  []float32
}

func newConstraint(v *vocabulary, grammar string) (*constraint, error) {
	trouble.reset()
	s := llama.SamplerInitGrammar(v.handle, grammar, "root")
	if s == 0 {
		return nil, fmt.Errorf("%w: grammar: %.300s", model.ErrRequest, trouble.last())
	}
	return &constraint{sampler: s, array: &llama.TokenDataArray{}}, nil
}

func (c *constraint) free() { llama.SamplerFree(c.sampler) }

// choose asks for a token, and once more among those that the grammar allows if it isn't one of them: looking at one token is
// far cheaper than looking at all.
func (c *constraint) choose(logits []float32, ask func([]float32) int32) (int32, error) {
	id := ask(logits)
	if !c.allows(id) {
		if err := c.mask(logits); err != nil {
			return 0, err
		}
		id = ask(c.logits)
	}
	llama.SamplerAccept(c.sampler, llama.Token(id)) // allowed, or llama.cpp would end the process
	return id, nil
}

func (c *constraint) allows(id int32) bool {
	c.tokens = append(c.tokens[:0], llama.TokenData{Id: llama.Token(id), Logit: 1})
	c.apply()
	return !math.IsInf(float64(c.tokens[0].Logit), -1)
}

// mask fills logits with those that are allowed; the others are -Inf.
func (c *constraint) mask(logits []float32) error {
	c.tokens = c.tokens[:0]
	for i := range logits {
		c.tokens = append(c.tokens, llama.TokenData{Id: llama.Token(i)})
	}
	c.apply()
	c.logits = append(c.logits[:0], logits...)
	some := false
	for _, t := range c.tokens {
		if math.IsInf(float64(t.Logit), -1) {
			c.logits[t.Id] = float32(math.Inf(-1))
		} else {
			some = true
		}
	}
	if !some {
		return fmt.Errorf("%w: the grammar allows no token of the model's to go on with", model.ErrRequest)
	}
	return nil
}

func (c *constraint) apply() {
	*c.array = llama.TokenDataArray{Data: &c.tokens[0], Size: uint64(len(c.tokens)), Selected: -1}
	llama.SamplerApply(c.sampler, c.array)
	runtime.KeepAlive(c.tokens)
}
