package main

import (
	"context"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"funai/model/catalogue"
)

// upOptions is what `funai up` was told.
type upOptions struct {
	Dir       string // data directory; exists
	HTTP      string // host:port of the gateway
	Model     string // name of the catalogue, path, or hf:owner/repo:file
	Inference int    // inference nodes, the dishonest ones among them
	Dishonest int    // of those, how many give answers of their own making
	Fresh     bool   // forget the chains of an earlier run, but not the person's key
	Key       string // path of the person's key file, made if there is none
	Cookie    string // path of the wallet token's file (api.Cookie)
	Logger    *slog.Logger
}

func (a *app) upCommand() *cobra.Command {
	var s serving
	o := upOptions{}
	cmd := &cobra.Command{
		Use: "up", Short: "Run a whole network on this machine", Args: cobra.NoArgs,
		Long: `Run a whole network on this machine: miners, five verification nodes, inference nodes with a real
model, an OpenAI-compatible gateway and a page. The first run downloads the model.`,
		Example: `  funai up
  funai up --dishonest 1        one inference node cheats, and is found out`,
		RunE: a.does(func(ctx context.Context, _ []string) (err error) {
			switch {
			case o.Inference < 1:
				return usage("--inference %d: a network needs at least 1 inference node", o.Inference)
			case o.Dishonest < 0 || o.Dishonest > o.Inference:
				return usage("--dishonest %d: not between 0 and the %d of --inference", o.Dishonest, o.Inference)
			case o.Model == "":
				return usage("--model is empty; `funai model ls` lists the catalogue")
			}
			if err := checkListen("--http", o.HTTP); err != nil {
				return err
			}
			if s.dir, err = a.dataDir(s.dir, "dev"); err != nil {
				return err
			}
			o.Dir, o.Key, o.Cookie = s.dir, inDir(s.dir, keyFile), inDir(s.dir, cookieFile)
			return a.serve(ctx, s, func(ctx context.Context, log *slog.Logger, emit func(event)) error {
				o.Logger = log
				return a.devnet(ctx, o, emit)
			})
		}),
	}
	s.flags(cmd, "dev")
	f := cmd.Flags()
	f.StringVar(&o.HTTP, "http", defaultHTTP, "`address` of the gateway and the page; port 0 takes a free one")
	f.StringVar(&o.Model, "model", catalogue.Default, "`model` to serve: a name of the catalogue, hf:owner/repo:file, or a path")
	f.IntVar(&o.Inference, "inference", 3, "`number` of inference nodes")
	f.IntVar(&o.Dishonest, "dishonest", 0, "`number` of them that answer wrongly")
	f.BoolVar(&o.Fresh, "fresh", false, "begin with new chains")
	completeModels(cmd, "model")
	return cmd
}

// checkListen reads an address to listen on.
func checkListen(flag, address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return usage("%s %q is no host:port, such as %s", flag, address, defaultHTTP)
	}
	return nil
}
