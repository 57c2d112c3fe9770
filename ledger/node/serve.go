package ledgernode

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"funai/ledger/peer"
	"funai/ledger/rpc"
	"funai/ledger/rpc/noderpc"
	"funai/ledger/wallet/walletrpc"
)

// methods are all that clients of RPC may call.
func (n *Node) methods() rpc.Methods {
	all := noderpc.Methods(noderpc.Node{Chain: n.Chain, Pool: n.Pool, Peers: n.Peers, PoolFile: n.path(poolFile),
		UserAgent: peer.UserAgent})
	maps.Copy(all, walletrpc.Methods(n.Wallet))
	return all
}

// openRPC serves JSON-RPC, with a cookie file in the node's folder.
func (n *Node) openRPC() error {
	c := n.cfg.RPC
	if c == nil {
		return nil
	}
	cfg := rpc.Config{Methods: n.methods(), User: c.User, Password: c.Password, Auth: c.Auth, CookieFile: n.path(CookieFile),
		Stop: func() { n.fail(nil) }, LogPath: c.LogPath, Logger: n.part("rpc")}
	if n.cfg.Metrics != nil {
		cfg.Metrics = n.cfg.Metrics
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("RPC: %w", err)
	}
	s, err := rpc.New(cfg)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	n.rpcAddr = l.Addr()
	n.closer(s.Close)
	n.goes(func() error { return s.Serve(l) })
	if a, ok := n.rpcAddr.(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		n.part("rpc").Warn("RPC listens beyond this machine, and passwords go there in the clear", "addr", a.String())
	}
	return nil
}

const headerTimeout = 10 * time.Second

// openMetrics serves the metrics for Prometheus to read.
func (n *Node) openMetrics() error {
	if n.cfg.Metrics == nil || n.cfg.MetricsListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", n.cfg.MetricsListen)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	log := n.part("metrics")
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.cfg.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: headerTimeout}))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: 2 * headerTimeout,
		IdleTimeout: time.Minute, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	n.metrics = l.Addr()
	n.closer(s.Close)
	n.goes(func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("metrics: %w", err)
		}
		return nil
	})
	return nil
}
