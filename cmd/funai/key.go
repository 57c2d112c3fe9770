package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/account"
	"funai/internal/cli"
	"funai/internal/cli/remote"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "Give out API keys, each with a budget", Args: cobra.NoArgs,
		Long: `Give out API keys of the running node's gateway. Whoever has one asks at the node's cost, up to the key's budget. The node
keeps only a hash of it: a key that is lost has to be replaced.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.keyNewCommand(), a.keyListCommand(), a.keyRevokeCommand(), a.keyUsageCommand())
	return cmd
}

// keyOrder is what `funai key new` was told.
type keyOrder struct {
	budget, perRequest, perDay string
	expires                    time.Duration
	requests, tokens           int
	models                     []string
}

func (a *app) keyNewCommand() *cobra.Command {
	var t target
	var o keyOrder
	asJSON := false
	cmd := &cobra.Command{
		Use: "new NAME --budget FAI", Short: "Make an API key", Args: cobra.ExactArgs(1),
		Example: "  funai key new bob --budget 5 --per-day 1 --expires 720h --requests 60",
		RunE: a.does(func(ctx context.Context, args []string) error {
			order, err := o.read(args[0], time.Now())
			if err != nil {
				return err
			}
			return a.asAdmin(t, func(c *remote.Client) error {
				k, err := c.NewKey(ctx, order)
				if err != nil {
					return err
				}
				if asJSON {
					return a.out.JSON(k)
				}
				a.out.Field("key", cli.Line(k.Secret, 100))
				a.out.Field("id", cli.Line(k.ID, 40))
				a.out.Field("budget", fai(k.Limits.Budget))
				a.out.Println("  It is shown this once. Its bearer gives it to any OpenAI client as the API key.")
				return nil
			})
		}),
	}
	t.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.budget, "budget", "", "the most that it may ever spend, in `FAI`; required")
	f.StringVar(&o.perRequest, "per-request", "", "the most for one question, in `FAI` (default no limit)")
	f.StringVar(&o.perDay, "per-day", "", "the most for a day (UTC), in `FAI` (default no limit)")
	f.DurationVar(&o.expires, "expires", 0, "`time` from now, such as 720h (default never)")
	f.IntVar(&o.requests, "requests", 0, "`number` of questions a minute (default no limit)")
	f.IntVar(&o.tokens, "tokens", 0, "`number` of tokens a minute (default no limit)")
	f.StringSliceVar(&o.models, "model", nil, "`model` that it may ask; may be repeated (default all)")
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}

// read makes an order of the flags.
func (o *keyOrder) read(name string, now time.Time) (order gateway.KeyOrder, err error) {
	order = gateway.KeyOrder{Name: name, Limits: account.Limits{RequestsPerMinute: o.requests, TokensPerMinute: o.tokens, Models: o.models}}
	if o.budget == "" {
		return order, usage("--budget is missing: how much may the key spend, in FAI?")
	}
	for _, f := range []struct {
		name, text string
		to         *amount.Amount
	}{{"--budget", o.budget, &order.Limits.Budget}, {"--per-request", o.perRequest, &order.Limits.PerRequest}, {"--per-day", o.perDay, &order.Limits.PerDay}} {
		if f.text == "" {
			continue
		}
		if *f.to, err = amount.Parse(f.text); err != nil || *f.to == 0 {
			return order, usage("%s %q is not an amount of FAI above 0, such as 1.5", f.name, f.text)
		}
	}
	switch {
	case o.expires < 0:
		return order, usage("--expires %v is in the past", o.expires)
	case o.expires > 0:
		order.Expires = now.Add(o.expires)
	}
	if err := order.Limits.Check(); err != nil {
		return order, usage("%v", err)
	}
	return order, nil
}

// asAdmin calls the node with its cookie.
func (a *app) asAdmin(t target, f func(*remote.Client) error) error {
	c, err := a.dial(t, true)
	if err != nil {
		return err
	}
	defer c.Close()
	err = f(c)
	if remote.Code(err) == "unauthorized" {
		return &hinted{err, "the cookie in the data directory is another node's; give the right one with --dir"}
	}
	return err
}

func (a *app) keyListCommand() *cobra.Command {
	var t target
	asJSON := false
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the API keys and what they spent", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			return a.asAdmin(t, func(c *remote.Client) error {
				keys, err := c.Keys(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return a.out.JSON(keys)
				}
				if len(keys) == 0 {
					a.out.Println("no API keys yet; `funai key new NAME --budget FAI` makes one")
					return nil
				}
				table := cli.NewTable("id", "name", ".spent", ".budget", "models", "state")
				for _, k := range keys {
					table.Row(cli.Line(k.ID, 40), cli.Line(k.Name, 40), k.Spent.String(), k.Limits.Budget.String(), cli.Line(strings.Join(k.Limits.Models, ", "), 60), keyState(&k, time.Now()))
				}
				table.Print(a.out)
				return nil
			})
		}),
	}
	t.flags(cmd)
	jsonFlag(cmd, &asJSON, "print one JSON array")
	return cmd
}

func keyState(k *account.Key, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case k.Usable(now) != nil:
		return "expired"
	case k.Spent >= k.Limits.Budget:
		return "spent"
	case !k.Expires.IsZero():
		return "until " + k.Expires.Format("2006-01-02 15:04")
	}
	return "good"
}

func (a *app) keyRevokeCommand() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "rm ID", Aliases: []string{"revoke"}, Short: "Revoke an API key", Args: cobra.ExactArgs(1),
		RunE: a.does(func(ctx context.Context, args []string) error {
			return a.asAdmin(t, func(c *remote.Client) error {
				k, err := c.RevokeKey(ctx, args[0])
				if err != nil {
					return err
				}
				a.out.Field("revoked", cli.Line(k.ID, 40))
				a.out.Field("spent", fai(k.Spent))
				return nil
			})
		}),
	}
	t.flags(cmd)
	return cmd
}

// listedUses is how many records `funai key usage` shows.
const listedUses = 100

func (a *app) keyUsageCommand() *cobra.Command {
	var t target
	asJSON := false
	cmd := &cobra.Command{
		Use: "usage ID", Short: "Show an API key's latest questions", Args: cobra.ExactArgs(1),
		RunE: a.does(func(ctx context.Context, args []string) error {
			return a.asAdmin(t, func(c *remote.Client) error {
				uses, err := c.KeyUsage(ctx, args[0], listedUses)
				if err != nil {
					return err
				}
				if asJSON {
					return a.out.JSON(uses)
				}
				table := cli.NewTable("time", "model", ">in", ">out", ".fee", "status")
				for _, u := range uses {
					table.Row(u.Time.Format("2006-01-02 15:04:05"), cli.Line(u.Model, 40), strconv.Itoa(u.Prompt), strconv.Itoa(u.Completion), u.Fee.String(), cli.Line(strings.TrimSpace(strconv.Itoa(u.Status)+" "+u.Error), 60))
				}
				table.Print(a.out)
				return nil
			})
		}),
	}
	t.flags(cmd)
	jsonFlag(cmd, &asJSON, "print one JSON array")
	return cmd
}
