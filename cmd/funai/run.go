package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"funai/amount"
	"funai/inference/funding"
	"funai/judge"
	"funai/key"
	"funai/model"
	"funai/model/catalogue"
	"funai/model/encoder"
	"funai/model/engine"
	"funai/node"
	"funai/node/devnet"
)

// netDir is the folder, in up's data directory, where the network's nodes live: --fresh empties it and nothing else.
const netDir = "net"

// loaded is an open model and the type by which transactions name it.
type loaded struct {
	model.Engine
	kind  node.ModelType
	extra bool // not of the network's own list
}

// load opens a model, telling of downloads. A model that the network has no type for gets one made of its hash.
func load(ctx context.Context, n node.Network, spec string, log *slog.Logger, emit func(event)) (*loaded, error) {
	e, err := engine.Open(ctx, spec, engine.Options{Logger: log, Progress: func(asset string, done, total int64) {
		emit(event{Event: eventDownload, Asset: asset, Done: done, Total: total})
	}})
	if err != nil {
		return nil, err
	}
	info := e.Info()
	if m, ok := n.Model(info.Name); ok {
		return &loaded{Engine: e, kind: m}, nil
	}
	usual := node.Dev().Models[0]
	return &loaded{Engine: e, extra: true, kind: node.ModelType{Type: binary.BigEndian.Uint32(info.Hash[:]) | 1<<31, Name: info.Name,
		RepeatPenalty: 1000, MaxTokens: usual.MaxTokens, GasPrice: usual.GasPrice}}, nil
}

// runDevnet runs a whole network in this process until ctx is done, then stops it cleanly and returns nil. It calls emit
// for downloads, for each stage of the bootstrap, and once with "ready".
func runDevnet(ctx context.Context, o upOptions, emit func(event)) (err error) {
	network := node.Dev()
	m, err := load(ctx, network, o.Model, o.Logger, emit)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	opts := devnet.Options{Dir: filepath.Join(o.Dir, netDir), HTTP: o.HTTP, Engines: map[uint32]model.Engine{m.kind.Type: m.Engine},
		Key: o.Key, Cookie: o.Cookie, Inference: o.Inference, Dishonest: o.Dishonest, Fresh: o.Fresh, Logger: o.Logger,
		Stage: func(s string, h int32) { emit(event{Event: eventStage, Stage: s, Height: uint64(max(h, 0))}) }}
	if m.extra {
		opts.Models = append(opts.Models, m.kind)
	}
	// One of the ways to cheat is to run a smaller model; it is small enough to fetch for that.
	if small := "stories15m"; o.Dishonest > 1 && m.kind.Name != small {
		other, err := load(ctx, network, small, o.Logger, emit)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, other.Close()) }()
		opts.Other = other.Engine
	}
	n, err := devnet.Start(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	emit(event{Event: eventReady, HTTP: n.Addr(), Model: m.kind.Name, Dir: o.Dir})
	return n.Wait(ctx)
}

// What a single node keeps where it should, in base units: enough to take part on a development network. On others a
// person decides what to stake.
const (
	devStake   = amount.FAI / 5
	devBond    = amount.FAI / 5
	devBalance = amount.FAI / 5
	devBid     = 20_000
)

// seated puts together what a seat judges a model with: its own copy, the policy that o names or else the network's, and the
// encoder if the policy names it.
func seated(ctx context.Context, m *loaded, o nodeOptions) (j node.Judged, closing func() error, err error) {
	j = node.Judged{Engine: m.Engine, Policy: judge.DefaultPolicy(m.kind.Name)}
	closing = func() error { return nil }
	if o.Policy != "" {
		if j.Policy, err = judge.LoadPolicy(o.Policy); err != nil {
			return j, nil, err
		}
		if j.Policy.Model != m.kind.Name {
			return j, nil, fmt.Errorf("%s is a policy for %s, the node judges %s", o.Policy, j.Policy.Model, m.kind.Name)
		}
	}
	if j.Policy.Quality.Encoder == encoder.Name {
		e, err := openEncoder(ctx, o.Logger, func(event) {})
		if err != nil {
			return j, nil, err
		}
		j.Encoder, closing = e, e.Close
	}
	return j, closing, nil
}

// runNode runs one node until ctx is done, as runDevnet does a network.
func runNode(ctx context.Context, o nodeOptions, emit func(event)) (err error) {
	network, err := node.ByName(o.Network)
	if err != nil {
		return err
	}
	k, err := key.LoadOrCreate(o.Key)
	if err != nil {
		return err
	}
	cfg := node.Config{Network: network, Dir: filepath.Join(o.Dir, "node"), Key: k, Cookie: o.Cookie, Logger: o.Logger, LedgerListen: o.LedgerListen,
		LedgerPeers: o.LedgerPeers, Listen: o.Listen, Peers: o.Peers, Mine: o.Mine, Verify: o.Verify, Parallel: 4, Gateway: o.Gateway}
	name := ""
	opened := map[string]*loaded{} // by the words that named them
	if o.Serve != "" || o.Verify {
		// A verification node judges with its own copy.
		word := cmp.Or(o.Serve, o.Judge, catalogue.Default)
		m, err := load(ctx, network, word, o.Logger, emit)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		name, opened[word] = m.kind.Name, m
		if m.extra {
			cfg.Network.Models = append(cfg.Network.Models, m.kind)
		}
		if o.Verify {
			judged := m
			if o.Judge != "" && o.Serve != "" && o.Judge != o.Serve {
				if judged, err = load(ctx, network, o.Judge, o.Logger, emit); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, judged.Close()) }()
				opened[o.Judge] = judged
			}
			seat, closing, err := seated(ctx, judged, o)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closing()) }()
			cfg.Judges = map[uint32]node.Judged{judged.kind.Type: seat}
			cfg.Wants.Stake = devStake
		}
		if o.Serve != "" {
			cfg.Serve = map[uint32]model.Engine{m.kind.Type: m.Engine}
			cfg.Wants.Bond, cfg.Bid = devBond, devBid
		}
	}
	if o.HTTP != "" {
		cfg.Wants.Balance = devBalance
	}
	served, closing, err := openLocals(ctx, network, o, opened, emit)
	defer func() { err = errors.Join(err, closing()) }()
	if err != nil {
		return err
	}
	cfg.Gateway.Local = served
	if o.Network != "dev" {
		cfg.Wants, cfg.Bid = funding.Wants{}, 0
	}
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	ready := event{Event: eventReady, Dir: o.Dir, Model: name, Ledger: n.LedgerAddr(), Listen: n.Addrs()}
	if o.HTTP != "" {
		h, err := n.Serve(o.HTTP)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, h.Close()) }()
		ready.HTTP = h.Addr()
	}
	emit(ready)
	select {
	case <-ctx.Done():
		return nil
	case <-n.Done():
		return errors.New("the node stopped by itself")
	}
}
