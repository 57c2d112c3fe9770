package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"funai/internal/cli"
)

func (a *app) hdBackupCommand() *cobra.Command {
	var u hdUse
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Copy the wallet file, on the node's machine", Args: cobra.ExactArgs(1),
		Long: `Copy the wallet file to a new file, or into a folder, on the node's machine, while the node runs. The copy is encrypted
like the wallet. Besides the words, which restore all coins, it has the labels.`,
		RunE: a.does(func(ctx context.Context, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return hdAsk(ctx, a, &u, func(any) error {
				a.out.Field("backup", path)
				return nil
			}, "backupwallet", path)
		}),
	}
	u.flags(cmd, rpcJSON)
	return cmd
}

func (a *app) hdRescanCommand() *cobra.Command {
	var u hdUse
	from := 0
	cmd := &cobra.Command{
		Use: "rescan", Short: "Read the chain again for the wallet's coins", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			type scanned struct {
				Start int32 `json:"start_height"`
				Stop  int32 `json:"stop_height"`
			}
			err := hdAsk(ctx, a, &u, func(s scanned) error {
				a.out.Printf("read blocks %s to %s\n", cli.Count(uint64(s.Start)), cli.Count(uint64(s.Stop)))
				return nil
			}, "rescanblockchain", from)
			if errors.Is(err, context.Canceled) {
				return errInterrupted
			}
			return err
		}),
	}
	u.flags(cmd, rpcJSON)
	cmd.Flags().IntVar(&from, "from", 0, "`height` to begin at")
	return cmd
}

func (a *app) hdPassphraseCommand() *cobra.Command {
	var u hdUse
	var old, next passphrase
	cmd := &cobra.Command{
		Use: "passphrase", Short: "Change the wallet's passphrase, or give it one", Args: cobra.NoArgs,
		Long: `Change the wallet's passphrase, or give one to a wallet without. Copies of the file made before keep the old one.`,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			c, err := a.ledgerClient(u.ledgerTarget)
			if err != nil {
				return err
			}
			var info struct {
				Until *int64 `json:"unlocked_until"`
			}
			if err := c.Call(ctx, "getwalletinfo", &info); err != nil {
				return hdError(err)
			}
			method, params := "encryptwallet", []any{}
			if info.Until != nil {
				pass, err := a.askPassphrase(ctx, &old, "Passphrase of the wallet: ")
				if err != nil {
					return err
				}
				method, params = "walletpassphrasechange", append(params, pass)
			}
			env := a.getenv // the environment has the old one
			a.getenv = func(name string) string {
				if name == passphraseEnv {
					return ""
				}
				return env(name)
			}
			pass, err := a.newPassphrase(ctx, &next)
			if err != nil {
				return err
			}
			return hdCall(ctx, a, c, u.json, func(any) error {
				a.out.Println("changed")
				return nil
			}, method, append(params, pass)...)
		}),
	}
	u.flags(cmd, rpcJSON)
	old.flags(cmd)
	cmd.Flags().StringVar(&next.file, "new-passphrase-file", "", "`file` with the new passphrase (default it is asked for)")
	return cmd
}

func (a *app) hdInfoCommand() *cobra.Command {
	var u hdUse
	cmd := &cobra.Command{
		Use: "info", Short: "Show the wallet's state", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			type info struct {
				Txs         int    `json:"txcount"`
				Until       *int64 `json:"unlocked_until"`
				Birth       int64  `json:"birthtime"`
				Fingerprint string `json:"hdmasterfingerprint"`
				Scanning    any    `json:"scanning"`
				Last        struct {
					Height uint64 `json:"height"`
				} `json:"lastprocessedblock"`
			}
			return hdAsk(ctx, a, &u, func(i info) error {
				a.out.Field("wallet", i.Fingerprint)
				a.out.Field("passphrase", lockState(i.Until))
				a.out.Field("history", cli.Plural(i.Txs, "transaction"))
				if i.Birth > 0 {
					a.out.Field("birthday", time.Unix(i.Birth, 0).UTC().Format(time.DateOnly))
				}
				at := "read up to block " + cli.Count(i.Last.Height)
				if i.Scanning != false {
					at += ", reading on"
				}
				a.out.Field("chain", at)
				return nil
			}, "getwalletinfo")
		}),
	}
	u.flags(cmd, rpcJSON)
	return cmd
}

func lockState(until *int64) string {
	switch {
	case until == nil:
		return "none: whoever can read the file has the coins"
	case *until == 0:
		return "set, the wallet is locked"
	default:
		return "set, unlocked until " + time.Unix(*until, 0).Format(time.TimeOnly)
	}
}
