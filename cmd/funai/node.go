package main

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"funai/model/catalogue"
	"funai/model/encoder"
	"funai/node"
)

// nodeOptions is what `funai node` was told.
type nodeOptions struct {
	Dir          string   // data directory; exists
	Network      string   // "dev", "test" or "main"
	LedgerListen string   // host:port of layer 1; empty: takes no connections
	LedgerPeers  []string // host:port
	Listen       []string // multiaddrs of layer 2
	Peers        []string // multiaddrs with /p2p/ID
	Mine         bool     // ledger blocks
	Verify       bool     // stand as a verification node
	Serve        string   // model to serve; empty: none
	Judge        string   // model to judge with, if Verify; empty: the one served, or the catalogue's default
	Policy       string   // file of the policy to judge by; empty: the network's
	HTTP         string   // host:port of the gateway; empty: none
	Key          string   // path of the key file, made if there is none
	Cookie       string   // path of the wallet token's file (api.Cookie)
	Gateway      node.Gateway
	Local        []localFile // models that the gateway serves from this process, besides the network's
	Logger       *slog.Logger
}

func (a *app) nodeCommand() *cobra.Command {
	var s serving
	o := nodeOptions{}
	gatewayFile, local := "", []string(nil)
	cmd := &cobra.Command{
		Use: "node", Short: "Run one node", Args: cobra.NoArgs,
		Long: `Run one node. Without --mine, --verify or --serve it follows both chains, and with --http it asks for you.`,
		Example: `  funai node --ledger-peer 192.0.2.1:28444 --peer /ip4/192.0.2.1/tcp/28445/p2p/16Uiu2HAm... --http 127.0.0.1:8324
  funai node --mine --ledger-listen :28444 --listen /ip4/0.0.0.0/tcp/28445
  funai node --serve tinyllama-1.1b-chat --peer ...`,
		RunE: a.does(func(ctx context.Context, _ []string) (err error) {
			if err := o.check(); err != nil {
				return err
			}
			if o.Gateway, o.Local, err = a.readGateway(gatewayFile); err != nil {
				return usage("--gateway: %v", err)
			}
			for _, m := range local {
				o.Local = append(o.Local, localFile{Model: m})
			}
			if err := o.checkLocal(); err != nil {
				return err
			}
			if s.dir, err = a.dataDir(s.dir, o.Network); err != nil {
				return err
			}
			o.Dir, o.Cookie = s.dir, inDir(s.dir, cookieFile)
			if o.Key, err = filepath.Abs(cmp.Or(o.Key, inDir(s.dir, keyFile))); err != nil {
				return err
			}
			return a.serve(ctx, s, func(ctx context.Context, log *slog.Logger, emit func(event)) error {
				o.Logger = log
				return a.node(ctx, o, emit)
			})
		}),
	}
	s.flags(cmd, "the network's name")
	f := cmd.Flags()
	networkFlag(cmd, &o.Network)
	f.StringVar(&o.LedgerListen, "ledger-listen", "", "`address` to take ledger connections on")
	f.StringSliceVar(&o.LedgerPeers, "ledger-peer", nil, "`address` of a ledger node to connect to; may be repeated")
	f.StringSliceVar(&o.Listen, "listen", nil, "`multiaddr` to take inference-layer connections on; may be repeated")
	f.StringSliceVar(&o.Peers, "peer", nil, "`multiaddr` of an inference-layer node, with /p2p/ID; may be repeated")
	f.BoolVar(&o.Mine, "mine", false, "mine ledger blocks")
	f.BoolVar(&o.Verify, "verify", false, "stand as a verification node")
	f.StringVar(&o.Serve, "serve", "", "`model` to serve")
	f.StringVar(&o.Judge, "judge", "", "`model` to judge with, for --verify (default the one served, or "+catalogue.Default+")")
	f.StringVar(&o.Policy, "policy", "", "`file` of thresholds to judge by, as 'funai judge calibrate' saves them, for --verify (default the network's)")
	f.StringVar(&o.HTTP, "http", "", "`address` of the gateway, the API and the page (default none)")
	f.StringVar(&gatewayFile, "gateway", "", "JSON `file` on how the gateway serves others: API keys, servers of your own")
	f.StringArrayVar(&local, "local", nil, "`model` that the gateway answers with from this process, unjudged, or "+encoder.Name+" for embeddings; may be repeated")
	f.StringVar(&o.Key, "key", "", "key `file` (default \"key\" in the data directory, made if there is none)")
	completeModels(cmd, "serve")
	completeModels(cmd, "judge")
	completeModels(cmd, "local")
	return cmd
}

// check refuses what can't be meant, before anything is opened.
func (o *nodeOptions) check() error {
	if !slices.Contains(networks(), o.Network) {
		return usage("--network %q is not %s", o.Network, strings.Join(networks(), ", "))
	}
	if o.LedgerListen != "" {
		if err := checkListen("--ledger-listen", o.LedgerListen); err != nil {
			return err
		}
	}
	for _, p := range o.LedgerPeers {
		if err := checkListen("--ledger-peer", p); err != nil {
			return err
		}
	}
	for _, p := range o.Listen {
		if !strings.HasPrefix(p, "/") {
			return usage("--listen %q is no multiaddr, such as /ip4/0.0.0.0/tcp/28445", p)
		}
	}
	for _, p := range o.Peers {
		if !strings.HasPrefix(p, "/") || !strings.Contains(p, "/p2p/") {
			return usage("--peer %q is no multiaddr with a peer's id, such as /ip4/192.0.2.1/tcp/28445/p2p/16Uiu2HAm...", p)
		}
	}
	if o.HTTP != "" {
		return checkListen("--http", o.HTTP)
	}
	return nil
}

// checkLocal refuses local models that can't be meant.
func (o *nodeOptions) checkLocal() error {
	for _, m := range o.Local {
		switch {
		case m.Model == "":
			return usage("--gateway: a local model has no \"model\"")
		case strings.HasPrefix(m.Model, "openai:"):
			return usage("--local %q is a server: name it among the \"upstreams\" of --gateway", m.Model)
		case o.HTTP == "":
			return usage("--local %q needs --http, the address to serve it on", m.Model)
		}
	}
	return nil
}

func networkFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "network", "dev", "`network`: dev, test or main")
	_ = cmd.RegisterFlagCompletionFunc("network", cobra.FixedCompletions(networks(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

func inDir(dir, name string) string { return filepath.Join(dir, name) }
