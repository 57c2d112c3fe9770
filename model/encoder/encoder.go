// Package encoder runs the catalogue's sentence encoder, all-MiniLM-L6-v2, on the processor: ONNX through hugot's engine in
// pure Go, so that any machine that runs the binary can turn texts into vectors. It imports the catalogue and nothing else of
// the project. The model: https://www.sbert.net (Reimers, Gurevych, arXiv 1908.10084).
package encoder

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/pipelines"

	"funai/model"
	"funai/model/catalogue"
)

// Name is the catalogue's name of the encoder.
const Name = catalogue.EncoderName

// Dimensions is the length of a vector.
const Dimensions = 384

// Bounds of one call. The model reads 512 word pieces, two of them marks; no text of so many bytes has more.
const (
	MaxTexts     = 64
	MaxTextBytes = 510
)

// waiting is how many calls may wait for the one that runs.
const waiting = 64

// Encoder is the loaded model. Its methods may be called from many goroutines; texts are encoded one after the other.
type Encoder struct {
	session *hugot.Session
	pipe    *pipelines.FeatureExtractionPipeline
	queue   chan struct{} // a slot for each call, running or waiting
	turn    chan struct{} // the one that runs
	once    sync.Once
	err     error // of closing
	closed  chan struct{}
}

// Open loads the encoder from a folder that catalogue.Fetcher.Encoder returned. It takes a tenth of a second and about 150 MB.
func Open(ctx context.Context, dir string) (*Encoder, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// The session outlives the call: Close ends it.
	s, err := hugot.NewGoSession(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	e := &Encoder{session: s, queue: make(chan struct{}, 1+waiting), turn: make(chan struct{}, 1), closed: make(chan struct{})}
	e.pipe, err = hugot.NewPipeline(s, hugot.FeatureExtractionConfig{ModelPath: dir, Name: Name, OnnxFilename: "onnx/model_quantized.onnx",
		Options: []hugot.FeatureExtractionOption{pipelines.WithNormalization()}})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("encoder: %s: %w", dir, err), s.Destroy())
	}
	return e, nil
}

// Name returns Name.
func (e *Encoder) Name() string { return Name }

// Embed returns a vector of length 1 and of Dimensions for each text. Its errors wrap model.ErrTooLong beyond the bounds,
// model.ErrRequest for an empty text, model.ErrBusy if too many wait, and model.ErrClosed. A text that runs is run to its
// end, some tenths of a second, before the context is looked at again.
func (e *Encoder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if len(texts) > MaxTexts {
		return nil, fmt.Errorf("%w: %d texts, %d are allowed", model.ErrTooLong, len(texts), MaxTexts)
	}
	for i, t := range texts {
		switch {
		case t == "":
			return nil, fmt.Errorf("%w: text %d is empty", model.ErrRequest, i)
		case len(t) > MaxTextBytes:
			return nil, fmt.Errorf("%w: text %d has %d bytes, %d are allowed", model.ErrTooLong, i, len(t), MaxTextBytes)
		}
	}
	select {
	case e.queue <- struct{}{}:
		defer func() { <-e.queue }()
	default:
		return nil, model.ErrBusy
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-e.closed:
		return nil, model.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	vectors := make([][]float32, len(texts))
	for i, t := range texts {
		select {
		case <-e.closed:
			return nil, model.ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		// One at a time: in a batch the short ones would be padded to the longest, and cost as much.
		v, err := e.embed(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("encoder: text %d: %w", i, err)
		}
		vectors[i] = v
	}
	return vectors, nil
}

// embed keeps a fault of the library, which computes on untrusted text, from ending the process.
func (e *Encoder) embed(ctx context.Context, text string) (v []float32, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("hugot: %v", r)
		}
	}()
	out, err := e.pipe.RunPipeline(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	if len(out.Embeddings) != 1 || len(out.Embeddings[0]) != Dimensions {
		return nil, fmt.Errorf("hugot: %d vectors for one text", len(out.Embeddings))
	}
	return out.Embeddings[0], nil
}

// Close waits for the text that runs and frees the model. Later calls do nothing.
func (e *Encoder) Close() error {
	e.once.Do(func() {
		close(e.closed)
		e.turn <- struct{}{} // and never gives it back
		e.err = e.session.Destroy()
	})
	return e.err
}
