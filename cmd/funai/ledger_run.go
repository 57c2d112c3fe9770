package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"funai/internal/atomicfile"
	"funai/internal/cli"
	"funai/ledger/consensus"
	ledgernode "funai/ledger/node"
	"funai/ledger/wallet/hdkey"
)

// ledgerLog is the log of a ledger node, in its data directory.
const ledgerLog = "ledger.log"

// noRPC is what --rpc takes for none.
const noRPC = "none"

// ledgerRun is what `funai ledger run` was told.
type ledgerRun struct {
	network, dir, listen      string
	connect, add              []string
	seed, external            []string
	rpc, rpcUser, rpcPassword string
	rpcAuth                   []string
	txindex                   bool
	pruneMiB                  int64
	assumeValid, mine         string
	metrics                   string
	cacheMiB                  int
	json, verbose             bool
}

func (a *app) ledgerRunCommand() *cobra.Command {
	var o ledgerRun
	cmd := &cobra.Command{
		Use: "run", Short: "Run a node of the ledger", Args: cobra.NoArgs,
		Long: `Run a node of the ledger, which checks and keeps the chain, relays blocks and transactions, and serves
Bitcoin's JSON-RPC. Its data directory, cookie file and log are its own; Ctrl-C, SIGTERM and the RPC "stop" end it cleanly.

Networks, with the ports that nodes listen on and that RPC is served on:
` + ledgerPorts(),
		Example: `  funai ledger run --network main --listen 0.0.0.0:27333
  funai ledger run --network test --connect 192.0.2.1 --prune 1000
  funai ledger run --network dev --mine faid1q...`,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			a.events = o.json
			cfg, err := o.config(a)
			if err != nil {
				return err
			}
			return a.runLedger(ctx, o, cfg)
		}),
	}
	ledgerNetworkFlag(cmd, &o.network)
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "data `directory` (default the network's name in $FUNAI_DIR or ~/.funai)")
	f.StringSliceVar(&o.connect, "connect", nil, "`address` of a node to connect to, and to no others; may be repeated")
	f.StringSliceVar(&o.add, "add-peer", nil, "`address` of a node to stay connected to, besides others; may be repeated")
	f.StringSliceVar(&o.seed, "seed", nil, "`host` under whose name nodes are found, or HOST:PORT of one that knows others; may be repeated")
	f.StringSliceVar(&o.external, "external", nil, "`address` (IP[:PORT]) at which others reach this node; may be repeated")
	f.StringVar(&o.listen, "listen", "", "`address` to take connections on (default none)")
	f.StringVar(&o.rpc, "rpc", "", "`address` to serve RPC on, or none (default 127.0.0.1 and the network's port)")
	f.StringVar(&o.rpcUser, "rpc-user", "", "`user` of RPC, besides the cookie file's")
	f.StringVar(&o.rpcPassword, "rpc-password", "", "the user's `password` (default $FUNAI_RPC_PASSWORD)")
	f.StringSliceVar(&o.rpcAuth, "rpc-auth", nil, "`USER:SALT$HASH` of a user of RPC, as Bitcoin Core's rpcauth.py makes it; may be repeated")
	f.BoolVar(&o.txindex, "txindex", false, "keep an index of all transactions, for getrawtransaction")
	f.Int64Var(&o.pruneMiB, "prune", 0, "delete old blocks to keep within so many `MiB` (default keep all)")
	f.IntVar(&o.cacheMiB, "cache", 0, "`MiB` of memory for coins (default 32)")
	f.StringVar(&o.assumeValid, "assumevalid", "", "`hash` of a block up to which signatures are taken to be good; 0 has all checked (default the network's)")
	f.StringVar(&o.mine, "mine", "", "`address` to mine to, with one processor core")
	f.StringVar(&o.metrics, "metrics", "", "`address` to serve metrics for Prometheus on (default none)")
	f.BoolVar(&o.verbose, "verbose", false, "show the log on stderr too")
	jsonFlag(cmd, &o.json, "print one JSON event a line")
	return cmd
}

// config is what the node is told; usage errors are found before anything is opened.
func (o *ledgerRun) config(a *app) (cfg ledgernode.Config, err error) {
	p, err := ledgerNetwork(o.network)
	if err != nil {
		return cfg, err
	}
	if err := errors.Join(hostPorts("--connect", o.connect), hostPorts("--add-peer", o.add), hostPorts("--seed", o.seed), ipPorts("--external", o.external)); err != nil {
		return cfg, err
	}
	cfg = ledgernode.Config{Params: p, Listen: o.listen, Connect: append(o.connect, o.add...), OnlyConnect: len(o.connect) > 0,
		Seeds: o.seed, External: o.external,
		TxIndex: o.txindex, PruneBytes: o.pruneMiB << 20, CoinCacheBytes: o.cacheMiB << 20, MetricsListen: o.metrics}
	for flag, addr := range map[string]string{"--listen": o.listen, "--metrics": o.metrics} {
		if addr != "" {
			err = errors.Join(err, checkListen(flag, addr))
		}
	}
	switch {
	case err != nil:
	case o.pruneMiB < 0 || o.pruneMiB > 1<<40:
		err = usage("--prune %d is no number of MiB", o.pruneMiB)
	case o.pruneMiB > 0 && o.txindex:
		err = usage("--prune and --txindex exclude one another: the index needs every block")
	case o.cacheMiB < 0 || o.cacheMiB > 1<<20:
		err = usage("--cache %d is no number of MiB", o.cacheMiB)
	}
	if err != nil {
		return cfg, err
	}
	if err := o.mining(&cfg, p); err != nil {
		return cfg, err
	}
	if err := o.serving(a, &cfg, p); err != nil {
		return cfg, err
	}
	if o.assumeValid != "" {
		cfg.AssumeValid = new(chainhash.Hash)
		if err := chainhash.Decode(cfg.AssumeValid, o.assumeValid); err != nil {
			return cfg, usage("--assumevalid %q is no hash of a block", o.assumeValid)
		}
	}
	if o.metrics != "" {
		cfg.Metrics = prometheus.NewRegistry()
		cfg.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	cfg.Dir, err = a.dataDir(o.dir, p.Name)
	return cfg, err
}

// ipPorts checks addresses to be told to others, which cannot look names up.
func ipPorts(flag string, addrs []string) error {
	i := slices.IndexFunc(addrs, func(s string) bool {
		_, withPort := netip.ParseAddrPort(s)
		_, alone := netip.ParseAddr(s)
		return withPort != nil && alone != nil
	})
	if i >= 0 {
		return usage("%s %q is no IP[:PORT]", flag, addrs[i])
	}
	return nil
}

// trivialInterval is the least time between blocks that a miner makes where making them takes no time.
const trivialInterval = 2 * time.Second

func (o *ledgerRun) mining(cfg *ledgernode.Config, p *consensus.Params) (err error) {
	if o.mine == "" {
		return nil
	}
	if cfg.Mine, err = hdkey.ParseAddress(o.mine, p); err != nil {
		return usage("--mine: %v", err)
	}
	if p.PoWNoRetargeting {
		cfg.Interval = func() time.Duration { return trivialInterval }
	}
	return nil
}

func (o *ledgerRun) serving(a *app, cfg *ledgernode.Config, p *consensus.Params) error {
	if o.rpcPassword == "" && o.rpcUser != "" {
		o.rpcPassword = a.getenv("FUNAI_RPC_PASSWORD")
	}
	if (o.rpcUser == "") != (o.rpcPassword == "") {
		return usage("--rpc-user and --rpc-password go together")
	}
	if o.rpc == noRPC {
		return nil
	}
	if o.rpc == "" {
		o.rpc = "127.0.0.1:" + rpcPort(p)
	}
	cfg.RPC = &ledgernode.RPC{Listen: o.rpc, User: o.rpcUser, Password: o.rpcPassword, Auth: o.rpcAuth}
	return checkListen("--rpc", o.rpc)
}

// runLedger runs a node until ctx ends, a client of RPC stops it, or a part of it fails.
func (a *app) runLedger(ctx context.Context, o ledgerRun, cfg ledgernode.Config) (err error) {
	logPath := filepath.Join(cfg.Dir, ledgerLog)
	log, err := cli.OpenLog(logPath, cli.MaxLog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var to io.Writer = log
	if o.verbose {
		to = io.MultiWriter(log, a.err)
	}
	cfg.Logger = slog.New(slog.NewTextHandler(to, nil))
	if cfg.RPC != nil {
		cfg.RPC.LogPath = logPath
	}
	n, err := ledgernode.Open(cfg)
	if errors.Is(err, ledgernode.ErrInUse) {
		return &hinted{err, "stop that one, or give another directory with --dir"}
	} else if err != nil {
		return &hinted{err, joinLines(hint(err), "the log is "+logPath)}
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	endpoint := filepath.Join(cfg.Dir, ledgerEndpoint)
	if addr := n.RPCAddr(); addr != "" {
		if err := atomicfile.Write(endpoint, []byte(addr+"\n")); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.Remove(endpoint)) }()
	}
	r := &ledgerReporter{out: a.out, json: o.json, n: n, network: cfg.Params.Name}
	r.ready(cfg)
	watch, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.follow(watch)
	}()
	select {
	case <-ctx.Done():
	case <-n.Done():
		err = n.Err()
	}
	stop()
	<-watched
	r.say(ledgerEvent{Event: eventStopping}, "stopping…")
	if closeErr := n.Close(); closeErr != nil || err != nil {
		return &hinted{errors.Join(err, closeErr), "the log is " + logPath}
	}
	r.say(ledgerEvent{Event: eventStopped}, "stopped")
	return nil
}
