package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/ledger/rpc"
)

func (a *app) ledgerRPCCommand() *cobra.Command {
	var t ledgerTarget
	var named, stdin bool
	var wallet string
	cmd := &cobra.Command{
		Use: "rpc METHOD [ARGUMENT...]", Short: "Call a method of a ledger node's RPC", Args: cobra.MinimumNArgs(1),
		Long: `Call a method of a ledger node's RPC, as bitcoin-cli does, and print what it answers: text as it is, the rest as
JSON. An argument that is a JSON number, true, false, null, array or object is sent as such, any other as text; quotes
make text of it ('"123"'). Flags stand before the method. The method "help" lists all methods.`,
		Example: `  funai ledger rpc help getblock
  funai ledger rpc getblock $(funai ledger rpc getbestblockhash) 2
  funai ledger rpc --named getblockhash height=0`,
		RunE: a.does(func(ctx context.Context, args []string) error {
			if stdin {
				more, err := a.argumentLines()
				if err != nil {
					return err
				}
				args = append(args, more...)
			}
			c, err := a.ledgerClient(t)
			if err != nil {
				return err
			}
			if wallet != "" {
				c = c.Wallet(wallet)
			}
			var result json.RawMessage
			if named {
				params, err := namedArguments(args[0], args[1:])
				if err != nil {
					return err
				}
				err = c.CallNamed(ctx, args[0], &result, params)
				if err != nil {
					return calledWrongly(args[0], err)
				}
				return a.printResult(result)
			}
			var params []any
			for i, s := range args[1:] {
				params = append(params, argument(args[0], i, s))
			}
			if err := c.Call(ctx, args[0], &result, params...); err != nil {
				return calledWrongly(args[0], err)
			}
			return a.printResult(result)
		}),
	}
	cmd.Flags().SetInterspersed(false) // what follows the method is its own
	t.flags(cmd)
	cmd.Flags().BoolVar(&named, "named", false, "take arguments as name=value")
	cmd.Flags().BoolVar(&stdin, "stdin", false, "take further arguments from standard input, one a line: no secret is on a command line")
	cmd.Flags().StringVar(&wallet, "wallet", "", "`name` of the wallet to call")
	return cmd
}

// maxStdin bounds what is read as arguments, in bytes: as much as a request may have.
const maxStdin = 32 << 20

// argumentLines reads arguments from standard input.
func (a *app) argumentLines() ([]string, error) {
	b, err := io.ReadAll(io.LimitReader(a.in, maxStdin+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxStdin {
		return nil, usage("more than %d bytes on standard input", maxStdin)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		lines = append(lines, strings.TrimRight(line, "\r\n"))
	}
	return lines, nil
}

// texts are the arguments that are text even if they look like JSON: words that people choose.
var texts = map[string][]int{
	"createwallet": {0, 3}, "loadwallet": {0}, "encryptwallet": {0}, "walletpassphrase": {0}, "walletpassphrasechange": {0, 1},
	"setlabel": {1}, "getnewaddress": {0}, "getaddressesbylabel": {0}, "getreceivedbylabel": {0}, "sendtoaddress": {2, 3},
	"signmessage": {1}, "signmessagewithprivkey": {1}, "verifymessage": {2}, "help": {0},
}

// argument is what is sent for argument i of a method.
func argument(method string, i int, s string) any {
	for _, at := range texts[method] {
		if at == i {
			return s
		}
	}
	return value(s)
}

// longestNumber is the most digits that a number has: a longer row of them is a hash or a transaction.
const longestNumber = 20

// value is a JSON value, or text where there is none.
func value(s string) any {
	digits := strings.Trim(s, "0123456789") == ""
	if !json.Valid([]byte(s)) || digits && len(s) > longestNumber {
		return s
	}
	return json.RawMessage(s)
}

// namedArguments takes name=value apart; what has no name is put by position.
func namedArguments(method string, args []string) (map[string]any, error) {
	params := map[string]any{}
	var positional []any
	for _, s := range args {
		name, v, ok := strings.Cut(s, "=")
		if !ok {
			positional = append(positional, argument(method, len(positional), s))
			continue
		}
		if _, twice := params[name]; twice {
			return nil, usage("argument %s is there twice", name)
		}
		params[name] = value(v)
	}
	if len(positional) > 0 {
		params["args"] = positional
	}
	return params, nil
}

// calledWrongly words the answer of a method that was called in a way it does not know, which is its help.
func calledWrongly(method string, err error) error {
	var e *rpc.Error
	switch {
	case !errors.As(err, &e):
		return ledgerError(err)
	case e.Code == rpc.CodeMisc && (e.Message == method || strings.HasPrefix(e.Message, method+" ") || strings.HasPrefix(e.Message, method+"\n")):
		help := strings.ReplaceAll(cli.Clean(e.Message), "\n\n", "\n")
		return &hinted{fmt.Errorf("%s does not take these arguments", method), help}
	case e.Code == rpc.CodeMethodNotFound:
		return &hinted{err, "`funai ledger rpc help` lists the methods"}
	}
	return err
}

// printResult prints text as it is and the rest as JSON for people; null is silence.
func (a *app) printResult(raw json.RawMessage) error {
	var s string
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if json.Unmarshal(raw, &s) == nil {
		a.out.Println(s)
		return nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	a.out.Println(b.String())
	return nil
}
