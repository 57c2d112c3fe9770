package gguf_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
	"funai/model/sampling"

	"github.com/hybridgroup/yzma/pkg/llama"
	"pgregory.net/rapid"
)

// TestSamplersAgreeWithLlamaCpp compares what may be chosen, and how likely, with llama.cpp's own chain.
func TestSamplersAgreeWithLlamaCpp(t *testing.T) {
	modeltest.Open(t, stories, gguf.Options{}) // loads llama.cpp
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 200).Draw(t, "vocabulary")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "logits"), 1))
		logits := make([]float32, n)
		for i := range logits {
			logits[i] = float32(random.NormFloat64() * 3)
		}
		before := rapid.SliceOfN(rapid.Int32Range(0, int32(n-1)), 0, 80).Draw(t, "before")
		c := model.Controls{
			Temperature: rapid.SampledFrom([]float64{0.3, 1, 1.7}).Draw(t, "temperature"), TopK: rapid.SampledFrom([]int{0, 1, 5, 40}).Draw(t, "top-k"),
			TopP: rapid.SampledFrom([]float64{0, 0.5, 0.9}).Draw(t, "top-p"), MinP: rapid.SampledFrom([]float64{0, 0.05, 0.3}).Draw(t, "min-p"),
			RepeatPenalty: rapid.SampledFrom([]float64{0, 1.3}).Draw(t, "repeat"), FrequencyPenalty: rapid.SampledFrom([]float64{0, 0.5}).Draw(t, "frequency"),
			PresencePenalty: rapid.SampledFrom([]float64{0, -0.7}).Draw(t, "presence"), LogitBias: map[int32]float64{1: 2.5, 3: -1},
		}
		ids, probabilities := sampling.NewFull(c).Candidates(logits, before)
		wantIDs, want := theirs(c, logits, before)
		// Sums in another order may move the border by a token whose weight is next to nothing.
		if len(ids) != len(wantIDs) && math.Abs(float64(len(ids)-len(wantIDs))) > 1 {
			t.Fatalf("%d candidates, llama.cpp has %d", len(ids), len(wantIDs))
		}
		for i := range min(len(ids), len(wantIDs)) {
			if ids[i] != wantIDs[i] || len(ids) == len(wantIDs) && math.Abs(probabilities[i]-want[i]) > 1e-4 {
				t.Fatalf("candidate %d is %d with %v, llama.cpp's %d with %v", i, ids[i], probabilities[i], wantIDs[i], want[i])
			}
		}
	})
}

// theirs runs llama.cpp's chain.
func theirs(c model.Controls, logits []float32, before []int32) (ids []int32, probabilities []float64) {
	if c.RepeatPenalty == 0 {
		c.RepeatPenalty = 1
	}
	if c.TopP == 0 {
		c.TopP = 1
	}
	var bias []llama.LogitBias
	for t, b := range c.LogitBias {
		bias = append(bias, llama.LogitBias{Token: llama.Token(t), Bias: float32(b)})
	}
	chain := llama.SamplerChainInit(llama.SamplerChainDefaultParams())
	defer llama.SamplerFree(chain)
	n := int32(len(logits))
	llama.SamplerChainAdd(chain, llama.SamplerInitLogitBias(n, int32(len(bias)), &bias[0]))
	llama.SamplerChainAdd(chain, llama.SamplerInitPenalties(n, 64, float32(c.RepeatPenalty), float32(c.FrequencyPenalty), float32(c.PresencePenalty)))
	llama.SamplerChainAdd(chain, llama.SamplerInitTopK(int32(c.TopK)))
	llama.SamplerChainAdd(chain, llama.SamplerInitTopP(float32(c.TopP), 1))
	llama.SamplerChainAdd(chain, llama.SamplerInitMinP(float32(c.MinP), 1))
	llama.SamplerChainAdd(chain, llama.SamplerInitTempExt(float32(c.Temperature), 0, 1))
	llama.SamplerChainAdd(chain, llama.SamplerInitDist(1))
	for _, t := range before {
		llama.SamplerAccept(chain, llama.Token(t))
	}
	data := make([]llama.TokenData, n)
	for i, l := range logits {
		data[i] = llama.TokenData{Id: llama.Token(i), Logit: l}
	}
	array := &llama.TokenDataArray{Data: &data[0], Size: uint64(n), Selected: -1}
	llama.SamplerApply(chain, array)
	kept := data[:array.Size]
	slices.SortStableFunc(kept, func(a, b llama.TokenData) int {
		switch {
		case a.P > b.P:
			return -1
		case a.P < b.P:
			return 1
		}
		return int(a.Id - b.Id)
	})
	for _, d := range kept {
		ids, probabilities = append(ids, int32(d.Id)), append(probabilities, float64(d.P))
	}
	return ids, probabilities
}
