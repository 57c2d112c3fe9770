package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"funai/internal/cli"
)

// ledgerStatus is what `funai ledger status` shows; with --json it is printed as it is.
type ledgerStatus struct {
	Chain struct {
		Chain    string  `json:"chain"`
		Blocks   int64   `json:"blocks"`
		Headers  int64   `json:"headers"`
		Best     string  `json:"bestblockhash"`
		Time     int64   `json:"time"`
		Initial  bool    `json:"initialblockdownload"`
		Size     int64   `json:"size_on_disk"`
		Pruned   bool    `json:"pruned"`
		Progress float64 `json:"verificationprogress"`
	} `json:"chain"`
	Network struct {
		Connections int    `json:"connections"`
		In          int    `json:"connections_in"`
		Out         int    `json:"connections_out"`
		SubVersion  string `json:"subversion"`
	} `json:"network"`
	Mempool struct {
		Size  int64 `json:"size"`
		Bytes int64 `json:"bytes"`
	} `json:"mempool"`
	Mining struct {
		Difficulty float64 `json:"difficulty"`
		HashPS     float64 `json:"networkhashps"`
	} `json:"mining"`
	Uptime int64 `json:"uptime"` // seconds
}

func (a *app) ledgerStatusCommand() *cobra.Command {
	var t ledgerTarget
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show what a ledger node does", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			c, err := a.ledgerClient(t)
			if err != nil {
				return err
			}
			var s ledgerStatus
			for _, part := range []struct {
				method string
				to     any
			}{{"getblockchaininfo", &s.Chain}, {"getnetworkinfo", &s.Network}, {"getmempoolinfo", &s.Mempool}, {"getmininginfo", &s.Mining}, {"uptime", &s.Uptime}} {
				if err := c.Call(ctx, part.method, part.to); err != nil {
					return ledgerError(err)
				}
			}
			if asJSON {
				return a.out.JSON(s)
			}
			s.show(a.out)
			return nil
		}),
	}
	t.flags(cmd)
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}

func (s *ledgerStatus) show(out *cli.Screen) {
	out.Field("network", s.Chain.Chain)
	block := cli.Count(uint64(s.Chain.Blocks))
	if s.Chain.Headers > s.Chain.Blocks {
		block += fmt.Sprintf(" of %s (%.1f %%)", cli.Count(uint64(s.Chain.Headers)), 100*s.Chain.Progress)
	}
	age := time.Since(time.Unix(s.Chain.Time, 0)).Round(time.Second)
	out.Field("block", fmt.Sprintf("%s, %v old\n%s", block, age, out.Paint(cli.Dim, s.Chain.Best)))
	out.Field("peers", fmt.Sprintf("%d in, %d out", s.Network.In, s.Network.Out))
	out.Field("waiting", fmt.Sprintf("%s of %s virtual bytes", counted(int(s.Mempool.Size), "transaction"), cli.Count(uint64(s.Mempool.Bytes))))
	out.Field("work", fmt.Sprintf("difficulty %.8g, %.4g hashes a second", s.Mining.Difficulty, s.Mining.HashPS))
	disk := fmt.Sprintf("%.1f MB", float64(s.Chain.Size)/1e6)
	if s.Chain.Pruned {
		disk += ", old blocks deleted"
	}
	out.Field("on disk", disk)
	out.Field("up", (time.Duration(s.Uptime) * time.Second).String())
}
