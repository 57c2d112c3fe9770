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
	j := &job{}
	for i, text := range texts {
		tokens, err := e.plain(text)
		if err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
		j.texts = append(j.texts, tokens)
	}
	ctx, leave, err := e.submit(ctx, j)
	if err != nil {
		return nil, err
	}
	defer leave()
	v, err := e.result(ctx, j)
	if err != nil {
		return nil, err
	}
	return v.embeds, nil
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

// embedding is a job whose texts are embedded one by one, between the steps of the others. Its context pools the hidden states;
// it is freed with the job, since few nodes are asked for embeddings.
type embedding struct {
	job    *job
	ctx    llama.Context
	memory llama.Memory
	batch  llama.Batch
	out    [][]float32
	err    error
}

func (l *loop) newEmbedding(j *job) *embedding {
	e := &embedding{job: j}
	longest := 0
	for _, t := range j.texts {
		longest = max(longest, len(t))
	}
	p := llama.ContextDefaultParams()
	p.NCtx, p.NBatch, p.NUbatch, p.NSeqMax = uint32(longest), uint32(longest), uint32(longest), 1
	p.NThreads, p.NThreadsBatch = l.threads, l.threads
	p.Embeddings, p.PoolingType, p.NoPerf = 1, llama.PoolingTypeMean, 1
	if e.ctx, e.err = llama.InitFromModel(l.e.model, p); e.err != nil {
		e.err = fmt.Errorf("%w: embedding context: %w", model.ErrUnsupported, e.err)
		return e
	}
	e.batch = llama.BatchInit(int32(longest), 0, 1)
	e.memory, e.err = llama.GetMemory(e.ctx)
	return e
}

// embedNext embeds one more text, if there is one.
func (l *loop) embedNext() {
	e := l.texts
	if e == nil {
		return
	}
	if !left(e.job) {
		if e.err == nil {
			e.err = e.next(l)
		}
		if e.err == nil && len(e.out) < len(e.job.texts) {
			return
		}
		e.job.out.put(event{end: &ending{embeds: e.out, err: e.err}})
	}
	e.free()
	l.texts = nil
	l.e.queue.done(e.job)
}

func (e *embedding) next(l *loop) error {
	_, _ = e.batch.Clear(), llama.MemoryClear(e.memory, true)
	for i, t := range e.job.texts[len(e.out)] {
		_ = e.batch.Add(llama.Token(t), llama.Pos(i), []llama.SeqId{0}, true)
	}
	if code, err := llama.Decode(e.ctx, e.batch); code != 0 || err != nil {
		return errors.Join(fmt.Errorf("%w: code %d", errDecode, code), err)
	}
	v, err := llama.GetEmbeddingsSeq(e.ctx, 0, llama.ModelNEmbd(l.e.model))
	if err != nil || v == nil {
		return errors.Join(fmt.Errorf("%w: no embedding", errDecode), err)
	}
	e.out = append(e.out, unit(v))
	return nil
}

func (e *embedding) free() {
	if e != nil && e.ctx != 0 {
		_ = llama.BatchFree(e.batch)
		_ = llama.Free(e.ctx)
	}
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
