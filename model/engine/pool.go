package engine

import (
	"context"
	"strings"

	"funai/model"
	"funai/model/catalogue"
	"funai/model/gguf"
	"funai/model/pool"
)

// NewPool returns a pool of engines, opened by their words with the same options, whose models take so many bytes of memory
// together. Servers elsewhere take none.
func NewPool(bytes int64, o Options) (*pool.Pool, error) {
	if o.Fetcher == nil {
		var err error
		if o.Fetcher, err = catalogue.New(catalogue.Options{Logger: o.Logger}); err != nil {
			return nil, err
		}
	}
	return pool.New(pool.Options{Bytes: bytes, Logger: o.Logger,
		Size: func(ctx context.Context, spec string) (int64, error) {
			if strings.HasPrefix(spec, "openai:") {
				return 0, nil
			}
			path, err := o.Fetcher.Ensure(ctx, spec, o.Progress)
			if err != nil {
				return 0, err
			}
			return gguf.Footprint(path)
		},
		Open: func(ctx context.Context, spec string) (model.Engine, error) { return Open(ctx, spec, o) },
	})
}
