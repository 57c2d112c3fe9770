package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"funai/amount"
	"funai/inference/api"
	"funai/internal/cli"
	"funai/internal/cli/remote"
)

func (a *app) walletSendCommand() *cobra.Command {
	var t target
	var layer string
	asJSON := false
	cmd := &cobra.Command{
		Use: "send [--layer ledger|inference] ADDRESS AMOUNT", Short: "Send FAI from the node's wallet",
		Long: `Send FAI from the running node's wallet. AMOUNT is in FAI, such as 1.5. Each address is of one layer; FAI goes to it on
that layer.`,
		Example: "  funai wallet send --layer ledger faid1qw508d6qejxtdg4y5r3zarvary0c5xw7ktqamkl 1.5",
		RunE: a.does(func(ctx context.Context, args []string) error {
			order, err := readOrder(layer, args)
			if err != nil {
				return err
			}
			c, err := a.dial(t, true)
			if err != nil {
				return err
			}
			defer c.Close()
			sent, err := c.Send(ctx, order)
			if err != nil {
				return refusedToPay(err, order)
			}
			if asJSON {
				return a.out.JSON(sent)
			}
			a.out.Field("sent", fai(order.Amount)+" on the "+order.Layer+" layer")
			a.out.Field("to", order.To)
			a.out.Field("txid", cli.Line(sent.TxID, 100))
			return nil
		}),
	}
	t.flags(cmd)
	cmd.Flags().StringVar(&layer, "layer", "", "`layer`: ledger or inference (default the one that the address is of)")
	_ = cmd.RegisterFlagCompletionFunc("layer", cobra.FixedCompletions([]string{api.LayerLedger, api.LayerInference}, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}

// readOrder reads what to pay. Addresses of the inference layer begin with S (SIP-005), the ledger's with fai.
func readOrder(layer string, args []string) (order api.Send, err error) {
	if len(args) != 2 {
		return order, usage("%s, not ADDRESS and AMOUNT", cli.Plural(len(args), "argument"))
	}
	order.Layer, order.To = layer, args[0]
	switch {
	case layer == api.LayerLedger || layer == api.LayerInference:
	case layer != "":
		return order, usage("--layer %q is not %s or %s", layer, api.LayerLedger, api.LayerInference)
	case strings.HasPrefix(strings.ToLower(order.To), "fai"):
		order.Layer = api.LayerLedger
	case strings.HasPrefix(order.To, "S"):
		order.Layer = api.LayerInference
	default:
		return order, usage("%q is no address: a ledger address begins with fai, one of the inference layer with S", order.To)
	}
	order.Amount, err = amount.Parse(args[1])
	if err != nil {
		return order, usage("%q is not an amount of FAI, such as 1.5, with 8 decimals at most and no more than %v", args[1], amount.Max)
	}
	if order.Amount == 0 {
		return order, usage("the amount is 0; the least is 0.00000001 FAI")
	}
	return order, nil
}

// refusedToPay adds what to do.
func refusedToPay(err error, order api.Send) error {
	switch code := remote.Code(err); code {
	case "unauthorized":
		return &hinted{err, "the cookie in the data directory is another node's; give the right one with --dir"}
	case "no_wallet":
		return &hinted{err, "send from the machine that the node runs on"}
	case "no_funds":
		return &hinted{fmt.Errorf("sending %s on the %s layer: %w", fai(order.Amount), order.Layer, err), "`funai wallet balance` shows what there is"}
	default:
		return err
	}
}
