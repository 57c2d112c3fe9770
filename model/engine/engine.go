// Package engine opens a model by one word: a catalogue name, a GGUF file, hf:owner/repo:file, or openai:URL#model. It imports
// the engines and the catalogue.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"funai/model"
	"funai/model/catalogue"
	"funai/model/gguf"
	"funai/model/openai"
)

// ErrSpec says that a word names no engine.
var ErrSpec = errors.New("engine: can't tell which model is meant")

// Options are what engines can be told; the zero value is right for most.
type Options struct {
	Name     string             // what the model is called from now on; default: as its source calls it
	Threads  int                // gguf: default all physical cores but one
	Context  int                // tokens; gguf: default as trained, at most 4096; openai: default 8192
	Queue    int                // requests waiting (gguf) or running (openai); default 64
	APIKey   string             // openai
	Hash     [32]byte           // openai: identity of the weights that the server is trusted to run
	Fetcher  *catalogue.Fetcher // default: the user's cache
	Progress catalogue.Progress // of what is fetched
	Logger   *slog.Logger
}

// Open opens the engine that spec names, fetching what it needs.
func Open(ctx context.Context, spec string, o Options) (model.Engine, error) {
	if rest, ok := strings.CutPrefix(spec, "openai:"); ok {
		url, name, ok := strings.Cut(rest, "#")
		if !ok || url == "" || name == "" {
			return nil, fmt.Errorf("%w: %q is not openai:URL#model", ErrSpec, spec)
		}
		return openai.Open(ctx, openai.Options{URL: url, Model: name, Name: o.Name, APIKey: o.APIKey, Hash: o.Hash, Context: o.Context, Concurrency: o.Queue, Logger: o.Logger})
	}
	f := o.Fetcher
	if f == nil {
		var err error
		if f, err = catalogue.New(catalogue.Options{Logger: o.Logger}); err != nil {
			return nil, err
		}
	}
	libraries, err := f.EngineLibraries(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	path, err := f.Ensure(ctx, spec, o.Progress)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	hash, err := catalogue.Identity(ctx, path)
	if err != nil {
		return nil, err
	}
	if m, err := catalogue.Lookup(spec); err == nil && o.Name == "" {
		o.Name = m.Name
	}
	return gguf.Open(ctx, gguf.Options{Path: path, LibDir: libraries, Name: o.Name, Hash: hash, Threads: o.Threads, Context: o.Context, Queue: o.Queue, Logger: o.Logger})
}
