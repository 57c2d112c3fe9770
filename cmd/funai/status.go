package main

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"funai/inference/api"
	"funai/internal/cli"
	"funai/internal/cli/remote"
)

// How much of each list is read, and shown.
const (
	statusElections = 6
	statusBlocks    = 6
	statusReceipts  = 100 // read, to count each server's verdicts
	shownReceipts   = 8
	statusBalances  = 50
	watchEvery      = time.Second
)

// overview is everything that status shows; with --json it is printed as it is.
type overview struct {
	Status    api.Status           `json:"status"`
	Elections []api.Election       `json:"elections"`
	Blocks    []api.InferenceBlock `json:"blocks"`
	Receipts  []api.Receipt        `json:"receipts"`
	Balances  []api.Balance        `json:"balances"`
}

func (a *app) statusCommand() *cobra.Command {
	var t target
	var watch, asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show the network: chains, seats, elections, verdicts, balances", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			c, err := a.dial(t, false)
			if err != nil {
				return err
			}
			defer c.Close()
			if watch {
				a.events = asJSON
				return a.watch(ctx, c, asJSON)
			}
			o, err := look(ctx, c)
			if err != nil {
				return err
			}
			if asJSON {
				return a.out.JSON(o)
			}
			o.show(a.out)
			return nil
		}),
	}
	t.flags(cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "keep showing it, once a second")
	jsonFlag(cmd, &asJSON, "print one JSON object (with --watch: one a line)")
	return cmd
}

// look reads the overview.
func look(ctx context.Context, c *remote.Client) (o overview, err error) {
	if o.Status, err = c.Status(ctx); err != nil {
		return o, err
	}
	if o.Elections, err = c.Elections(ctx, statusElections); err != nil {
		return o, err
	}
	if o.Blocks, err = c.InferenceBlocks(ctx, statusBlocks); err != nil {
		return o, err
	}
	if o.Receipts, err = c.Receipts(ctx, statusReceipts); err != nil {
		return o, err
	}
	o.Balances, err = c.Balances(ctx, api.BalancesKnown, nil, statusBalances)
	return o, err
}

// watch shows the overview again and again: in place on a terminal, below itself elsewhere. A node that goes away is
// waited for, but one that wasn't there is an error.
func (a *app) watch(ctx context.Context, c *remote.Client, asJSON bool) error {
	o, err := look(ctx, c)
	if err != nil {
		return err
	}
	if a.out.Live() && !asJSON {
		restore := a.out.Full()
		defer restore()
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var trouble error
	for {
		switch {
		case asJSON && trouble == nil:
			err = a.out.JSON(o)
		case a.out.Live() && !asJSON:
			a.redraw(o, trouble)
		case !asJSON && trouble == nil:
			o.show(a.out)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // that is how watching ends
		case <-tick.C:
		}
		if next, failed := look(ctx, c); failed == nil {
			o, trouble = next, nil
		} else {
			trouble = failed
		}
	}
}

// redraw fits the overview to the terminal.
func (a *app) redraw(o overview, trouble error) {
	var b bytes.Buffer
	page := a.out.To(&b)
	o.show(page)
	if trouble != nil {
		page.Println(a.out.Paint(cli.Red, cli.Line("no answer: "+trouble.Error(), 200)))
	} else {
		page.Println(a.out.Paint(cli.Dim, "Ctrl-C ends it"))
	}
	a.out.Redraw(strings.TrimRight(b.String(), "\n"))
}
