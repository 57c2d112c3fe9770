package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"funai/gateway/local"
	"funai/model/catalogue"
	"funai/model/encoder"
	"funai/node"
)

// openLocals opens the models of the gateway. closing closes what was opened for it, also after an error.
func openLocals(ctx context.Context, n node.Network, o nodeOptions, opened map[string]*loaded, emit func(event)) (all []local.Served, closing func() error, err error) {
	var own []func() error
	closing = func() (err error) {
		for _, f := range own {
			err = errors.Join(err, f())
		}
		return err
	}
	for _, l := range o.Local {
		s, f, err := openLocal(ctx, n, l, opened, o.Logger, emit)
		if err != nil {
			return nil, closing, err
		}
		all, own = append(all, s), append(own, f)
	}
	return all, closing, nil
}

// openLocal opens a model for the gateway, or takes one that is open already for another role.
func openLocal(ctx context.Context, n node.Network, l localFile, opened map[string]*loaded, log *slog.Logger, emit func(event)) (s local.Served, closing func() error, err error) {
	s = local.Served{ID: l.ID, MaxTokens: l.MaxTokens, PriceIn: l.PriceIn, PriceOut: l.PriceOut}
	if l.Model == encoder.Name {
		e, err := openEncoder(ctx, log, emit)
		if err != nil {
			return s, nil, fmt.Errorf("local model %s: %w", l.Model, err)
		}
		s.ID, s.Encoder = cmp.Or(s.ID, encoder.Name), e
		return s, e.Close, nil
	}
	closing = func() error { return nil }
	m := opened[l.Model]
	if m == nil {
		if m, err = load(ctx, n, l.Model, log, emit); err != nil {
			return s, nil, fmt.Errorf("local model %s: %w", l.Model, err)
		}
		opened[l.Model], closing = m, m.Close
	}
	s.ID, s.Chatter, s.Encoder = cmp.Or(s.ID, m.kind.Name), m.Engine, m.Engine
	return s, closing, nil
}

// openEncoder opens the catalogue's encoder, telling of downloads.
func openEncoder(ctx context.Context, log *slog.Logger, emit func(event)) (*encoder.Encoder, error) {
	f, err := catalogue.New(catalogue.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	dir, err := f.Encoder(ctx, func(asset string, done, total int64) {
		emit(event{Event: eventDownload, Asset: asset, Done: done, Total: total})
	})
	if err != nil {
		return nil, err
	}
	return encoder.Open(ctx, dir)
}
