package main

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"funai/clarity/cost"
	"funai/clarity/session"
	"funai/clarity/syntax"
	values "funai/clarity/value"
)

// evaluation is what an expression came to, as programs read it.
type evaluation struct {
	Value string    `json:"value"` // as it is printed
	Hex   string    `json:"hex"`   // its consensus encoding
	Cost  cost.Cost `json:"cost"`
}

func (a *app) clarityEvalCommand() *cobra.Command {
	var rules clarityRules
	asJSON := false
	cmd := &cobra.Command{
		Use: "eval EXPRESSION", Short: "Evaluate an expression", Args: cobra.ExactArgs(1),
		Long: `Evaluate an expression, or definitions and an expression, on an empty chain in memory. "-" reads it from standard input.`,
		Example: `  funai clarity eval '(fold + (list u1 u2 u3) u0)'
  echo '(sha256 0x00)' | funai clarity eval -`,
		RunE: a.does(func(_ context.Context, args []string) error {
			_, epoch, err := rules.parse()
			if err != nil {
				return err
			}
			text := args[0]
			if text == "-" {
				src, err := a.readSource(text)
				if err != nil {
					return err
				}
				text = src.text
			}
			s := session.New(session.Options{Epoch: epoch, Ledger: true})
			result, err := s.Eval(text, s.Sender())
			if f, ok := syntax.FindingOf("", err); ok {
				return errors.New(strings.TrimSuffix(f.Print(text, nil), "\n"))
			} else if err != nil {
				return err
			}
			if !result.Valued {
				return nil
			}
			if !asJSON {
				a.out.Println(result.Value)
				return nil
			}
			b, err := values.Encode(result.Value)
			if err != nil {
				return err
			}
			return a.out.JSON(evaluation{result.Value.String(), hex.EncodeToString(b), result.Cost})
		}),
	}
	rules.epochFlag(cmd)
	jsonFlag(cmd, &asJSON, "print one JSON object with the value, its bytes and its cost")
	return cmd
}

func (a *app) claritySessionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "session FILE", Short: "Deploy and call contracts as a JSON file says", Args: cobra.ExactArgs(1),
		Long: `Deploy and call contracts as a JSON file says, or standard input for "-", and print results, events and costs as JSON:

  {"epoch": "3.4", "contracts": [{"name": "counter", "source": "(define-public (up) (ok u1))", "clarityVersion": 5}],
   "calls": [{"fn": "public", "contract": "counter", "method": "up", "args": []}]}`,
		RunE: a.does(func(_ context.Context, args []string) error {
			if args[0] == "-" {
				return session.Run(a.in, a.out)
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			return session.Run(f, a.out)
		}),
	}
}
