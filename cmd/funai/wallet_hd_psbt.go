package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"funai/ledger/rpc"
	"funai/ledger/wallet/psbts"
)

func (a *app) hdPSBTCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "psbt", Short: "Make, sign, combine and send partially signed transactions", Args: cobra.NoArgs,
		Long: `Make, sign, combine and send partially signed transactions (BIP-174), which several people or machines complete in
turn. Files hold base64 or binary; base64 is written.`,
		Example: `  funai wallet hd psbt create --out pay.psbt faid1q... 1.5
  funai wallet hd psbt show pay.psbt
  funai wallet hd psbt sign --out signed.psbt pay.psbt
  funai wallet hd psbt send signed.psbt`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.psbtCreateCommand(), a.psbtShowCommand(), a.psbtSignCommand(), a.psbtCombineCommand(), a.psbtSendCommand())
	return cmd
}

// readPSBT reads a file, or standard input for "-", and returns it in base64.
func (a *app) readPSBT(path string) (string, error) {
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 2*psbts.MaxSize))
	if err != nil {
		return "", err
	}
	p, err := psbts.Parse(b)
	if err != nil {
		return "", &hinted{fmt.Errorf("%s: %w", path, err), "give a file with a PSBT, in base64 or binary"}
	}
	return psbts.Base64(p)
}

// hdPSBT is what the commands that write a PSBT have in common.
type hdPSBT struct {
	hdUse
	out string
}

func (p *hdPSBT) flags(cmd *cobra.Command) {
	p.hdUse.flags(cmd, rpcJSON)
	cmd.Flags().StringVar(&p.out, "out", "", "new `file` to write it to (default standard output)")
}

func (p *hdPSBT) write(a *app, text string) error {
	if p.out == "" {
		a.out.Println(text)
		return nil
	}
	if _, err := base64.StdEncoding.DecodeString(text); err != nil {
		return err
	}
	return saveNew(p.out, []byte(text+"\n"))
}

func (a *app) psbtCreateCommand() *cobra.Command {
	var p hdPSBT
	var rate string
	cmd := &cobra.Command{
		Use: "create ADDRESS AMOUNT [ADDRESS AMOUNT]...", Short: "Make a payment without signing it",
		RunE: a.does(func(ctx context.Context, args []string) error {
			if len(args) == 0 || len(args)%2 != 0 {
				return usage("%d arguments are not pairs of ADDRESS and AMOUNT", len(args))
			}
			var outs []map[string]rpc.Amount
			for i := 0; i < len(args); i += 2 {
				v, err := hdAmount(args[i+1])
				if err != nil {
					return err
				}
				outs = append(outs, map[string]rpc.Amount{args[i]: v})
			}
			options := map[string]any{}
			perByte, err := feeRate(rate)
			if err != nil {
				return err
			}
			if perByte != nil {
				options["fee_rate"] = perByte
			}
			type funded struct {
				PSBT string     `json:"psbt"`
				Fee  rpc.Amount `json:"fee"`
			}
			return hdAsk(ctx, a, &p.hdUse, func(f funded) error {
				if err := p.write(a, f.PSBT); err != nil {
					return err
				}
				a.err.Println("fee " + coins(f.Fee) + " FAI")
				return nil
			}, "walletcreatefundedpsbt", []any{}, outs, 0, options)
		}),
	}
	p.flags(cmd)
	feeFlag(cmd, &rate)
	return cmd
}

func (a *app) psbtShowCommand() *cobra.Command {
	var u hdUse
	cmd := &cobra.Command{
		Use: "show FILE", Short: "Show what a PSBT pays and what it lacks", Args: cobra.ExactArgs(1),
		RunE: a.does(func(ctx context.Context, args []string) error {
			text, err := a.readPSBT(args[0])
			if err != nil {
				return err
			}
			c, err := a.ledgerClient(u.ledgerTarget)
			if err != nil {
				return err
			}
			type decoded struct {
				Tx struct {
					TxID string `json:"txid"`
					Vin  []any  `json:"vin"`
					Vout []struct {
						Value  rpc.Amount `json:"value"`
						Script struct {
							Address string `json:"address"`
							Type    string `json:"type"`
						} `json:"scriptPubKey"`
					} `json:"vout"`
				} `json:"tx"`
				Fee *rpc.Amount `json:"fee"`
			}
			var next struct {
				Next string `json:"next"`
			}
			if err := c.Call(ctx, "analyzepsbt", &next, text); err != nil {
				return hdError(err)
			}
			return hdCall(ctx, a, c, u.json, func(d decoded) error {
				a.out.Field("txid", d.Tx.TxID)
				a.out.Field("spends", fmt.Sprintf("%d coins", len(d.Tx.Vin)))
				for _, o := range d.Tx.Vout {
					to := o.Script.Address
					if to == "" {
						to = o.Script.Type
					}
					a.out.Field("pays", coins(o.Value)+" FAI to "+to)
				}
				if d.Fee != nil {
					a.out.Field("fee", coins(*d.Fee)+" FAI")
				}
				a.out.Field("next", map[string]string{"updater": "it has to be said what the inputs spend", "signer": "somebody has to sign",
					"finalizer": "it is signed: send it", "extractor": "it is signed: send it"}[next.Next])
				return nil
			}, "decodepsbt", text)
		}),
	}
	u.flags(cmd, rpcJSON)
	return cmd
}

func (a *app) psbtSignCommand() *cobra.Command {
	var p hdPSBT
	var pass passphrase
	cmd := &cobra.Command{
		Use: "sign FILE", Short: "Sign the wallet's inputs of a PSBT", Args: cobra.ExactArgs(1),
		Long: `Sign the wallet's inputs of a PSBT, made here or by others. Look at it with show first: what it pays is what you agree to.
Only the wallet's own coins are signed for, at their true values, and only for the whole transaction.`,
		RunE: a.does(func(ctx context.Context, args []string) error {
			text, err := a.readPSBT(args[0])
			if err != nil {
				return err
			}
			c, err := a.ledgerClient(p.ledgerTarget)
			if err != nil {
				return err
			}
			type processed struct {
				PSBT     string `json:"psbt"`
				Complete bool   `json:"complete"`
			}
			return a.unlocked(ctx, c, &pass, func() error {
				return hdCall(ctx, a, c, p.json, func(d processed) error {
					if err := p.write(a, d.PSBT); err != nil {
						return err
					}
					if d.Complete {
						a.err.Println("complete: `funai wallet hd psbt send` sends it")
					} else {
						a.err.Println("signed, but others have to sign too")
					}
					return nil
				}, "walletprocesspsbt", text)
			})
		}),
	}
	p.flags(cmd)
	pass.flags(cmd)
	return cmd
}

func (a *app) psbtCombineCommand() *cobra.Command {
	var p hdPSBT
	cmd := &cobra.Command{
		Use: "combine FILE FILE...", Short: "Put together what several signers added", Args: cobra.MinimumNArgs(2),
		RunE: a.does(func(ctx context.Context, args []string) error {
			var texts []string
			for _, path := range args {
				text, err := a.readPSBT(path)
				if err != nil {
					return err
				}
				texts = append(texts, text)
			}
			return hdAsk(ctx, a, &p.hdUse, func(text string) error { return p.write(a, text) }, "combinepsbt", texts)
		}),
	}
	p.flags(cmd)
	return cmd
}

func (a *app) psbtSendCommand() *cobra.Command {
	var u hdUse
	cmd := &cobra.Command{
		Use: "send FILE", Short: "Send the transaction of a PSBT that all have signed", Args: cobra.ExactArgs(1),
		RunE: a.does(func(ctx context.Context, args []string) error {
			text, err := a.readPSBT(args[0])
			if err != nil {
				return err
			}
			c, err := a.ledgerClient(u.ledgerTarget)
			if err != nil {
				return err
			}
			var f struct {
				Hex      string `json:"hex"`
				Complete bool   `json:"complete"`
			}
			if err := c.Call(ctx, "finalizepsbt", &f, text); err != nil {
				return hdError(err)
			}
			if !f.Complete {
				return &hinted{errors.New("not all inputs are signed"), "`funai wallet hd psbt sign` signs the wallet's; combine adds what others signed"}
			}
			return hdCall(ctx, a, c, u.json, func(txid string) error {
				a.out.Field("txid", strings.TrimSpace(txid))
				return nil
			}, "sendrawtransaction", f.Hex)
		}),
	}
	u.flags(cmd, rpcJSON)
	return cmd
}
