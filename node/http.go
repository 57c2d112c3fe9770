package node

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"funai/gateway"
	"funai/gateway/account"
	"funai/inference/api"
	"funai/web"
)

// HTTP is a node's gateway, API and page on one address.
type HTTP struct {
	addr  net.Addr
	api   *api.API
	keys  account.Store
	letGo func() // of the owner's servers
	stop  context.CancelFunc
	wg    sync.WaitGroup
	err   error
}

// Serve offers the node over HTTP on an address, until Close. hosts are the names it answers to besides localhost and
// addresses.
func (n *Node) Serve(addr string, hosts ...string) (*HTTP, error) {
	cookie, err := api.Cookie(n.cfg.Cookie)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	reg := n.cfg.Metrics
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	if err := errors.Join(reg.Register(collectors.NewGoCollector()), reg.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})), n.register(reg)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	keys, err := n.accounts(context.Background())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	router, letGo, err := n.router()
	if err != nil {
		return nil, errors.Join(err, keys.Close(), l.Close())
	}
	src := &source{n}
	a := api.New(api.Config{Source: src, Token: cookie, Logger: n.log.With("part", "api"), Registerer: reg})
	handler, err := gateway.New(gateway.Config{Backend: router, API: a, Web: web.Handler(src, n.log.With("part", "web")),
		Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), Hosts: append(slices.Clone(n.cfg.Gateway.Hosts), hosts...),
		MaxRequests: n.cfg.Gateway.MaxRequests, Accounts: keys, RequireKey: n.cfg.Gateway.RequireKey, Admin: cookie,
		Logger: n.log.With("part", "gateway"), Registerer: reg})
	if err != nil {
		letGo()
		return nil, errors.Join(err, a.Close(), keys.Close(), l.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &HTTP{addr: l.Addr(), api: a, keys: keys, letGo: letGo, stop: stop}
	h.wg.Go(func() { h.err = gateway.Serve(ctx, l, handler, n.log.With("part", "http")) })
	h.wg.Go(func() { n.publish(ctx, a) })
	return h, nil
}

// Addr is where it listens, as host:port.
func (h *HTTP) Addr() string { return h.addr.String() }

// Close lets answers under way end for a moment, then stops.
func (h *HTTP) Close() error {
	err := h.api.Close()
	h.stop()
	h.wg.Wait()
	h.letGo()
	return errors.Join(err, h.err, h.keys.Close())
}

// register makes the node's own figures visible as metrics.
func (n *Node) register(reg prometheus.Registerer) error {
	gauge := func(name, help string, f func() float64) error {
		return reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "funai", Name: name, Help: help}, f))
	}
	return errors.Join(
		gauge("ledger_height", "Height of the ledger's best chain.", func() float64 { return float64(n.ledger.Tip().Height) }),
		gauge("inference_height", "Height of the inference chain's tip.", func() float64 { return float64(n.chain.Tip().Height) }),
		gauge("ledger_mempool_transactions", "Ledger transactions waiting.", func() float64 { return float64(n.mempool.Info().Count) }),
		gauge("inference_pool_transactions", "Inference-layer transactions waiting.", func() float64 { return float64(n.pool.Len()) }),
		gauge("peers", "Connected nodes of the inference layer.", func() float64 { return float64(len(n.host.Peers())) }),
		gauge("contents_bytes", "Bytes of tasks' contents held.", func() float64 { b, _ := n.contents.Size(); return float64(b) }),
	)
}
