package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"funai/internal/cli"
	ledgernode "funai/ledger/node"
	"funai/ledger/wallet/hdkey"
)

// ledgerEvent is something that a ledger node says with --json: "ready", "tip", "stopping", "stopped" or "error".
type ledgerEvent struct {
	Event   string `json:"event"`
	Network string `json:"network,omitempty"`
	Dir     string `json:"dir,omitempty"`
	Listen  string `json:"listen,omitempty"`  // host:port
	RPC     string `json:"rpc,omitempty"`     // URL
	Cookie  string `json:"cookie,omitempty"`  // file
	Metrics string `json:"metrics,omitempty"` // URL
	Mine    string `json:"mine,omitempty"`    // address
	Height  *int32 `json:"height,omitempty"`
	Hash    string `json:"hash,omitempty"`
	Headers int32  `json:"headers,omitempty"` // height of the best header, while blocks are behind
	Peers   *int   `json:"peers,omitempty"`
	Mempool *int   `json:"mempool,omitempty"` // transactions
}

// ledgerReporter says what a ledger node does.
type ledgerReporter struct {
	out     *cli.Screen
	json    bool
	n       *ledgernode.Node
	network string
}

// say prints an event, as JSON or as the text that a person reads.
func (r *ledgerReporter) say(e ledgerEvent, text string) {
	if r.json {
		_ = r.out.JSON(e) // whoever listened is gone; the node goes on
		return
	}
	r.out.Println(text)
}

func (r *ledgerReporter) ready(cfg ledgernode.Config) {
	tip := r.n.Chain.Tip()
	e := ledgerEvent{Event: eventReady, Network: r.network, Dir: cfg.Dir, Listen: r.n.Addr(), Height: &tip.Height, Hash: tip.Hash.String()}
	if cfg.RPC != nil {
		e.RPC, e.Cookie = "http://"+r.n.RPCAddr(), filepath.Join(cfg.Dir, ledgernode.CookieFile)
	}
	if a := r.n.MetricsAddr(); a != "" {
		e.Metrics = "http://" + a + "/metrics"
	}
	if len(cfg.Mine) > 0 {
		e.Mine = hdkey.Address(cfg.Mine, cfg.Params)
	}
	if r.json {
		_ = r.out.JSON(e) // as in say
		return
	}
	r.out.Printf("%s\n\n", r.out.Paint(cli.Green, "ledger node is ready"))
	r.out.Field("network", r.network)
	r.out.Field("block", fmt.Sprintf("%s  %s", cli.Count(uint64(tip.Height)), r.out.Paint(cli.Dim, e.Hash)))
	for _, f := range [][2]string{{"listens", e.Listen}, {"RPC", e.RPC}, {"cookie", e.Cookie}, {"metrics", e.Metrics}, {"mines to", e.Mine}, {"data", e.Dir}} {
		if f[1] != "" {
			r.out.Field(f[0], f[1])
		}
	}
	r.out.Printf("\n%s\n", r.out.Paint(cli.Dim, "Ctrl-C stops it."))
}

// reportEvery is the least time between two lines about the chain: it may grow by thousands of blocks a second.
const reportEvery = 2 * time.Second

// follow tells of new blocks until ctx ends.
func (r *ledgerReporter) follow(ctx context.Context) {
	said := r.n.Chain.Tip()
	for {
		changed := r.n.Chain.Changed()
		if tip := r.n.Chain.Tip(); tip != said {
			said = tip
			r.tip()
			select {
			case <-time.After(reportEvery):
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (r *ledgerReporter) tip() {
	tip, best := r.n.Chain.Tip(), r.n.Chain.BestHeader()
	peers, pool := len(r.n.Peers.Peers()), r.n.Pool.Info().Count
	e := ledgerEvent{Event: "tip", Height: &tip.Height, Hash: tip.Hash.String(), Peers: &peers, Mempool: &pool}
	text := "block " + cli.Count(uint64(tip.Height))
	if best.Height > tip.Height {
		e.Headers = best.Height
		text += " of " + cli.Count(uint64(best.Height))
	}
	r.say(e, fmt.Sprintf("%-24s %s  %s, %s", text, r.out.Paint(cli.Dim, e.Hash[:16]+"…"), counted(peers, "peer"), counted(pool, "transaction")+" waiting"))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
