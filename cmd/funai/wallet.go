package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"funai/amount"
	"funai/inference/api"
	"funai/internal/cli"
	"funai/key"
	"funai/ledger/consensus"
)

func (a *app) walletCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "wallet", Short: "Make a key, show addresses and balances, send FAI", Args: cobra.NoArgs,
		Long: `A node's one key is a person on both layers: it has an address on the ledger and one on the inference layer. new makes it,
address, balance and send use it, by way of the node that runs with it (funai node, funai up).

hd is another wallet, of a ledger node (funai ledger run): many addresses, restored from 12 or 24 words.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.walletNewCommand(), a.walletAddressCommand(), a.walletBalanceCommand(), a.walletSendCommand(), a.walletHDCommand())
	return cmd
}

// addresses is a key on both layers.
type addresses struct {
	Network   string `json:"network"`
	Ledger    string `json:"ledger"`
	Inference string `json:"inference"`
	Key       string `json:"key,omitempty"` // path of the file
}

// addressesOf writes a key's addresses as the network has them.
func addressesOf(k *key.Private, network, path string) addresses {
	h := k.Public().Hash160()
	params, version := ledgerParams(network), byte(key.VersionTest)
	if network == "main" {
		version = key.VersionMain
	}
	return addresses{network, h.LedgerAddress(params.Bech32HRPSegwit), h.InferenceAddress(version), path}
}

// ledgerParams is the ledger of a network.
func ledgerParams(network string) *consensus.Params {
	switch network {
	case "main":
		return consensus.Main()
	case "test":
		return consensus.Test()
	}
	return consensus.Dev()
}

func (a *app) showAddresses(w addresses, asJSON bool) error {
	if asJSON {
		return a.out.JSON(w)
	}
	a.out.Field("ledger", w.Ledger)
	a.out.Field("inference", w.Inference)
	a.out.Field("network", w.Network)
	if w.Key != "" {
		a.out.Field("key", w.Key)
	}
	return nil
}

func checkNetwork(n string) error {
	if !slices.Contains(networks(), n) {
		return usage("--network %q is not %s", n, strings.Join(networks(), ", "))
	}
	return nil
}

func (a *app) walletNewCommand() *cobra.Command {
	var dir, network string
	var words fromWords
	asJSON := false
	cmd := &cobra.Command{
		Use: "new", Short: "Make a key, which up and node then use", Args: cobra.NoArgs,
		Long: `Make a key, which up and node then use. With --from-words it is not a random one but that of the first address of the hd
wallet with these words (m/84'/coin'/0'/0/0), so that the words bring it back too.`,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			if err := checkNetwork(network); err != nil {
				return err
			}
			dir, err := a.dataDir(dir, network)
			if err != nil {
				return err
			}
			path := filepath.Join(dir, keyFile)
			k, err := a.makeKey(ctx, &words, network)
			if err != nil {
				return err
			}
			if err := k.Save(path); errors.Is(err, os.ErrExist) {
				return &hinted{fmt.Errorf("there is a key already: %s", path), "it may hold coins, so it is never overwritten; move it away, or give another --dir"}
			} else if err != nil {
				return fmt.Errorf("saving the key: %w", err)
			}
			if err := a.showAddresses(addressesOf(k, network, path), asJSON); err != nil || asJSON {
				return err
			}
			a.out.Printf("\n%s\n", a.out.Paint(cli.Dim, "Whoever has the key file has the coins. Keep a copy where nobody else can read it."))
			return nil
		}),
	}
	words.flags(cmd)
	keyFlags(cmd, &dir, &network)
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}

func keyFlags(cmd *cobra.Command, dir, network *string) {
	networkFlag(cmd, network)
	cmd.Flags().StringVar(dir, "dir", "", "data `directory` (default the network's, in $FUNAI_DIR or ~/.funai)")
}

func (a *app) walletAddressCommand() *cobra.Command {
	var dir, network string
	asJSON := false
	cmd := &cobra.Command{
		Use: "address", Short: "Show the key's address on each layer", Args: cobra.NoArgs,
		RunE: a.does(func(context.Context, []string) error {
			if err := checkNetwork(network); err != nil {
				return err
			}
			dir, err := a.dataDir(dir, network)
			if err != nil {
				return err
			}
			path := filepath.Join(dir, keyFile)
			k, err := key.Load(path)
			switch {
			case errors.Is(err, os.ErrNotExist):
				return &hinted{fmt.Errorf("there is no key in %s", dir), "`funai wallet new` makes one"}
			case errors.Is(err, key.ErrKey):
				return &hinted{err, "restore it from a copy, or move it away and make a new one with `funai wallet new`"}
			case err != nil:
				return err
			}
			return a.showAddresses(addressesOf(k, network, path), asJSON)
		}),
	}
	keyFlags(cmd, &dir, &network)
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}

func (a *app) walletBalanceCommand() *cobra.Command {
	var t target
	asJSON := false
	cmd := &cobra.Command{
		Use: "balance [ADDRESS...]", Short: "Show what the node's wallet, or any address, holds",
		RunE: a.does(func(ctx context.Context, args []string) error {
			if len(args) > api.MaxLimit {
				return usage("%d addresses, more than %d", len(args), api.MaxLimit)
			}
			c, err := a.dial(t, false)
			if err != nil {
				return err
			}
			defer c.Close()
			list, err := c.Balances(ctx, api.BalancesOwn, args, api.MaxLimit)
			if err != nil {
				return err
			}
			for _, b := range list {
				if asJSON {
					err = a.out.JSON(b)
				} else {
					showBalance(a.out, b)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}),
	}
	t.flags(cmd)
	jsonFlag(cmd, &asJSON, "print one JSON object a line; amounts are base units, 1e-8 FAI")
	return cmd
}

// showBalance prints one key's balance on both layers.
func showBalance(out *cli.Screen, b api.Balance) {
	if b.Name != "" {
		out.Println(out.Paint(cli.Bold, cli.Line(b.Name, 60)))
	}
	t := cli.NewTable("", ".", "", "")
	l, i := b.Ledger, b.Inference
	layer := func(name, address string, confirmed amount.Amount) {
		t.Row(cli.Cell{Text: name, Style: cli.Dim}, cli.Cell{Text: confirmed.String(), Style: cli.Bold}, "FAI", cli.Cell{Text: cli.Line(address, 100), Style: cli.Dim})
	}
	part := func(a amount.Amount, what string) {
		if a > 0 {
			t.Row("", a.String(), "FAI", what)
		}
	}
	layer("ledger", l.Address, l.Confirmed)
	part(l.Unconfirmed, "change on its way")
	part(l.Immature, "mined, maturing")
	layer("inference", i.Address, i.Confirmed)
	part(i.Immature, "rewards, maturing")
	part(i.Escrow, "held back for open questions")
	part(i.Staked, "staked")
	part(i.Bonded, "bonded")
	for _, line := range t.Lines(out) {
		out.Println("  " + line)
	}
}
