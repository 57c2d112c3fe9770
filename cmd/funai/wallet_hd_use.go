package main

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"funai/amount"
	"funai/internal/cli"
	"funai/ledger/rpc"
)

// hdUse is what commands that talk to the node's wallet have in common.
type hdUse struct {
	ledgerTarget
	json bool
}

func (u *hdUse) flags(cmd *cobra.Command, json string) {
	u.ledgerTarget.flags(cmd)
	jsonFlag(cmd, &u.json, json)
}

// rpcJSON is what --json does where it prints an answer of the node's RPC.
const rpcJSON = "print what the node's RPC answers; amounts are in FAI"

// ask calls a method and prints the answer as JSON, or shows it.
func hdAsk[T any](ctx context.Context, a *app, u *hdUse, show func(T) error, method string, params ...any) error {
	c, err := a.ledgerClient(u.ledgerTarget)
	if err != nil {
		return err
	}
	return hdCall(ctx, a, c, u.json, show, method, params...)
}

func hdCall[T any](ctx context.Context, a *app, c *rpc.Client, asJSON bool, show func(T) error, method string, params ...any) error {
	var raw json.RawMessage
	if err := c.Call(ctx, method, &raw, params...); err != nil {
		return hdError(err)
	}
	if asJSON {
		return a.out.JSON(raw)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	return show(v)
}

func (a *app) hdAddressCommand() *cobra.Command {
	var u hdUse
	var label string
	taproot := false
	cmd := &cobra.Command{
		Use: "address", Short: "Get a new address to be paid at", Args: cobra.NoArgs,
		Long: `Get a new address to be paid at. Each payment should get its own: then nobody can tell that they go to one person. All
are restored from the words, as long as no more than 20 in a row are never paid (restore --gap looks further).`,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			kind := "bech32"
			if taproot {
				kind = "bech32m"
			}
			return hdAsk(ctx, a, &u, func(address string) error {
				a.out.Println(address)
				return nil
			}, "getnewaddress", label, kind)
		}),
	}
	u.flags(cmd, rpcJSON)
	cmd.Flags().StringVar(&label, "label", "", "`text` to know its payments by")
	cmd.Flags().BoolVar(&taproot, "taproot", false, "a P2TR address (bech32m) in place of a P2WPKH one (bech32)")
	return cmd
}

func (a *app) hdBalanceCommand() *cobra.Command {
	var u hdUse
	cmd := &cobra.Command{
		Use: "balance", Short: "Show what the wallet holds", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			type balances struct {
				Mine struct {
					Trusted   rpc.Amount `json:"trusted"`
					Untrusted rpc.Amount `json:"untrusted_pending"`
					Immature  rpc.Amount `json:"immature"`
				} `json:"mine"`
			}
			return hdAsk(ctx, a, &u, func(b balances) error {
				t := cli.NewTable(".", "", "")
				t.Row(cli.Cell{Text: coins(b.Mine.Trusted), Style: cli.Bold}, "FAI", "to spend")
				if b.Mine.Untrusted > 0 {
					t.Row(coins(b.Mine.Untrusted), "FAI", "on its way, not in a block yet")
				}
				if b.Mine.Immature > 0 {
					t.Row(coins(b.Mine.Immature), "FAI", "mined, maturing")
				}
				for _, line := range t.Lines(a.out) {
					a.out.Println("  " + line)
				}
				return nil
			}, "getbalances")
		}),
	}
	u.flags(cmd, rpcJSON)
	return cmd
}

// coins writes an amount as people do, without trailing zeros.
func coins(v rpc.Amount) string {
	if v < 0 {
		return "-" + amount.Amount(-v).String()
	}
	return amount.Amount(v).String()
}

// hdPayment is an entry of the history.
type hdPayment struct {
	Address       string     `json:"address"`
	Category      string     `json:"category"`
	Amount        rpc.Amount `json:"amount"`
	Label         string     `json:"label"`
	Comment       string     `json:"comment"`
	Confirmations int32      `json:"confirmations"`
	Abandoned     bool       `json:"abandoned"`
	ReplacedBy    string     `json:"replaced_by_txid"`
	TxID          string     `json:"txid"`
	Time          int64      `json:"time"`
}

func (p *hdPayment) state() string {
	switch {
	case p.ReplacedBy != "" && p.Confirmations <= 0:
		return "replaced"
	case p.Abandoned:
		return "abandoned"
	case p.Confirmations < 0:
		return "in conflict with a block"
	case p.Confirmations == 0:
		return "waiting"
	case p.Category == "immature":
		return "maturing"
	}
	return cli.Plural(int(p.Confirmations), "block")
}

func (a *app) hdHistoryCommand() *cobra.Command {
	var u hdUse
	count := 20
	cmd := &cobra.Command{
		Use: "history", Short: "List payments, the latest last", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			if count < 1 {
				return usage("--count %d: at least 1", count)
			}
			return hdAsk(ctx, a, &u, func(list []hdPayment) error {
				if len(list) == 0 {
					a.out.Println("no payments yet")
					return nil
				}
				t := cli.NewTable("when", ".FAI", "what", "who", "state", "txid")
				for _, p := range list {
					who := p.Label
					if who == "" {
						who = p.Comment
					}
					if who == "" {
						who = cli.Short(p.Address)
					}
					t.Row(time.Unix(p.Time, 0).Format("2006-01-02 15:04"), coins(p.Amount), p.Category, cli.Line(who, 30), p.state(),
						cli.Cell{Text: p.TxID, Style: cli.Dim})
				}
				t.Print(a.out)
				return nil
			}, "listtransactions", "*", count)
		}),
	}
	u.flags(cmd, rpcJSON)
	cmd.Flags().IntVar(&count, "count", count, "`number` of payments")
	return cmd
}

// feeRate reads --fee-rate: base units per virtual byte with at most 3 decimals; nil if it was not given.
func feeRate(s string) (any, error) {
	if s == "" {
		return nil, nil
	}
	if f, err := strconv.ParseFloat(s, 64); err != nil || f <= 0 || !json.Valid([]byte(s)) {
		return nil, usage("--fee-rate %q is not a number of base units per virtual byte, such as 2.5", s)
	}
	return json.Number(s), nil
}

func feeFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "fee-rate", "", "`rate` to pay, in base units (1e-8 FAI) per virtual byte (default what gets it into one of the next blocks)")
}

func (a *app) hdSendCommand() *cobra.Command {
	var u hdUse
	var pass passphrase
	var rate, comment string
	subtract := false
	cmd := &cobra.Command{
		Use: "send ADDRESS AMOUNT|all", Short: "Send FAI", Args: cobra.ExactArgs(2),
		Long: `Send FAI to a ledger address. AMOUNT is in FAI, such as 1.5, or all. A wallet that is locked is unlocked for it with its
passphrase.`,
		RunE: a.does(func(ctx context.Context, args []string) error {
			perByte, err := feeRate(rate)
			if err != nil {
				return err
			}
			method, params, err := hdPay(args[0], args[1], comment, subtract, perByte)
			if err != nil {
				return err
			}
			c, err := a.ledgerClient(u.ledgerTarget)
			if err != nil {
				return err
			}
			return a.unlocked(ctx, c, &pass, func() error {
				var raw json.RawMessage
				if err := c.CallNamed(ctx, method, &raw, params); err != nil {
					return hdError(err)
				}
				return a.showSent(ctx, c, raw, u.json)
			})
		}),
	}
	u.flags(cmd, `print one JSON object: "txid"`)
	pass.flags(cmd)
	feeFlag(cmd, &rate)
	f := cmd.Flags()
	f.StringVar(&comment, "comment", "", "`text` to know the payment by; it stays in the wallet")
	f.BoolVar(&subtract, "subtract-fee", false, "take the fee from the amount")
	return cmd
}

// hdPay is the call that pays an amount, or everything, to an address.
func hdPay(address, value, comment string, subtract bool, rate any) (method string, params map[string]any, err error) {
	params = map[string]any{}
	if rate != nil {
		params["fee_rate"] = rate
	}
	if value == "all" {
		if comment != "" {
			return "", nil, usage("--comment goes with an amount, not with all")
		}
		params["recipients"] = []string{address}
		return "sendall", params, nil
	}
	v, err := hdAmount(value)
	if err != nil {
		return "", nil, err
	}
	params["address"], params["amount"], params["comment"], params["subtractfeefromamount"] = address, v, comment, subtract
	return "sendtoaddress", params, nil
}

func hdAmount(s string) (rpc.Amount, error) {
	v, err := amount.Parse(s)
	if err != nil {
		return 0, usage("%q is not an amount of FAI, such as 1.5, with 8 decimals at most and no more than %v", s, amount.Max)
	}
	if v == 0 {
		return 0, usage("the amount is 0; the least is 0.00000001 FAI")
	}
	return rpc.Amount(v), nil
}

// showSent tells of a transaction that was sent: raw is its id, or an object with it.
func (a *app) showSent(ctx context.Context, c *rpc.Client, raw json.RawMessage, asJSON bool) error {
	var s struct {
		TxID string `json:"txid"`
	}
	if json.Unmarshal(raw, &s.TxID) != nil {
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
	}
	if asJSON {
		return a.out.JSON(s)
	}
	a.out.Field("txid", s.TxID) // first of all, for it is sent: whatever fails now must not have it paid again
	var t struct {
		Amount rpc.Amount `json:"amount"`
		Fee    rpc.Amount `json:"fee"`
	}
	if err := c.Call(ctx, "gettransaction", &t, s.TxID); err != nil {
		a.err.Println("It is sent; what it paid is not known just now: " + cli.Clean(err.Error()))
		return nil
	}
	if t.Amount < 0 {
		a.out.Field("sent", coins(-t.Amount)+" FAI")
	}
	a.out.Field("fee", coins(-t.Fee)+" FAI")
	return nil
}

func (a *app) hdBumpCommand() *cobra.Command {
	var u hdUse
	var pass passphrase
	var rate string
	cmd := &cobra.Command{
		Use: "bump TXID", Short: "Pay a higher fee for a transaction that waits", Args: cobra.ExactArgs(1),
		Long: `Replace a transaction that is in no block yet with one that pays the same people and more to the miner (BIP-125).`,
		RunE: a.does(func(ctx context.Context, args []string) error {
			options := map[string]any{}
			perByte, err := feeRate(rate)
			if err != nil {
				return err
			}
			if perByte != nil {
				options["fee_rate"] = perByte
			}
			c, err := a.ledgerClient(u.ledgerTarget)
			if err != nil {
				return err
			}
			type bumped struct {
				TxID   string     `json:"txid"`
				OldFee rpc.Amount `json:"origfee"`
				Fee    rpc.Amount `json:"fee"`
			}
			return a.unlocked(ctx, c, &pass, func() error {
				return hdCall(ctx, a, c, u.json, func(b bumped) error {
					a.out.Field("fee", coins(b.Fee)+" FAI, was "+coins(b.OldFee))
					a.out.Field("txid", b.TxID)
					return nil
				}, "bumpfee", args[0], options)
			})
		}),
	}
	u.flags(cmd, rpcJSON)
	pass.flags(cmd)
	feeFlag(cmd, &rate)
	return cmd
}

func (a *app) hdAbandonCommand() *cobra.Command {
	var u hdUse
	cmd := &cobra.Command{
		Use: "abandon TXID", Short: "Give up a transaction that no node takes, to spend its coins otherwise", Args: cobra.ExactArgs(1),
		RunE: a.does(func(ctx context.Context, args []string) error {
			return hdAsk(ctx, a, &u, func(any) error {
				a.out.Println("given up")
				return nil
			}, "abandontransaction", args[0])
		}),
	}
	u.flags(cmd, rpcJSON)
	return cmd
}
