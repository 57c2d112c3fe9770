package gguf

import (
	"context"
	"errors"
	"fmt"
	"math"

	"funai/model"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// maxTexts bounds one call of Embed.
const maxTexts = 256

// Embed implements model.Engine: the mean of a text's last hidden states, of length 1. Models made for chatting give weak
// embeddings, but they give them.
func (e *Engine) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if len(texts) == 0 || len(texts) > maxTexts {
		return nil, fmt.Errorf("%w: %d texts, between 1 and %d are allowed", model.ErrRequest, len(texts), maxTexts)
	}
	j := &job{out: make(chan event, 1)}
	for i, text := range texts {
		tokens, err := e.plain(text)
		if err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
		j.texts = append(j.texts, tokens)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j.gone = ctx.Done()
	if err := e.submit(ctx, j); err != nil {
		return nil, err
	}
	v, err := e.listen(ctx, j)
	return v.embeds, err
}

// plain tokenises a text without any template.
func (e *Engine) plain(text string) ([]int32, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.shut {
		return nil, model.ErrClosed
	}
	tokens, err := e.tokens(e.vocab.defuse.Replace(text))
	if err != nil {
		return nil, err
	}
	if len(tokens) > e.info.Context {
		return nil, fmt.Errorf("%w: %d tokens, %d fit", model.ErrTooLong, len(tokens), e.info.Context)
	}
	return tokens, nil
}

// embed runs a job in a context of its own, which pools the hidden states; other jobs wait for it, one text at a time being
// short. The context is freed again, since few nodes are asked for embeddings.
func (l *loop) embed(j *job) {
	out, err := l.embedAll(j)
	j.out <- event{end: true, embeds: out, err: err} // has room: it is the only one
}

func (l *loop) embedAll(j *job) ([][]float32, error) {
	longest := 0
	for _, t := range j.texts {
		longest = max(longest, len(t))
	}
	p := llama.ContextDefaultParams()
	p.NCtx, p.NBatch, p.NUbatch, p.NSeqMax = uint32(longest), uint32(longest), uint32(longest), 1
	p.NThreads, p.NThreadsBatch = l.threads, l.threads
	p.Embeddings, p.PoolingType, p.NoPerf = 1, llama.PoolingTypeMean, 1
	ctx, err := llama.InitFromModel(l.e.model, p)
	if err != nil {
		return nil, fmt.Errorf("%w: embedding context: %w", model.ErrUnsupported, err)
	}
	defer llama.Free(ctx)
	memory, err := llama.GetMemory(ctx)
	if err != nil {
		return nil, err
	}
	batch := llama.BatchInit(int32(longest), 0, 1)
	defer llama.BatchFree(batch)
	var out [][]float32
	for _, tokens := range j.texts {
		if left(j) {
			return nil, context.Canceled
		}
		_ = batch.Clear()
		_ = llama.MemoryClear(memory, true)
		for i, t := range tokens {
			_ = batch.Add(llama.Token(t), llama.Pos(i), []llama.SeqId{0}, true)
		}
		if code, err := llama.Decode(ctx, batch); code != 0 || err != nil {
			return nil, errors.Join(fmt.Errorf("%w: code %d", errDecode, code), err)
		}
		v, err := llama.GetEmbeddingsSeq(ctx, 0, llama.ModelNEmbd(l.e.model))
		if err != nil || v == nil {
			return nil, errors.Join(fmt.Errorf("%w: no embedding", errDecode), err)
		}
		out = append(out, unit(v))
	}
	return out, nil
}

func unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(float64(x) / math.Sqrt(sum))
	}
	return out
}
