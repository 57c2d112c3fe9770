package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"funai/internal/atomicfile"
	"funai/internal/cli"
	"funai/judge"
	"funai/judge/eval"
)

func (a *app) judgeEvalCommand() *cobra.Command {
	var j judging
	var c calibration
	policy, roc := "", ""
	network, asJSON := false, false
	cmd := &cobra.Command{
		Use: "eval MODEL", Short: "Show what a policy finds on the half of a set that it wasn't calibrated on",
		Long: `Show what a policy finds on the half of a set that it wasn't calibrated on: shares of answers found invalid with their intervals
of 95% (Wilson), and curves of each judge as a picture. The policy is calibrated on the set's other half, unless one is named.`,
		RunE: a.does(func(ctx context.Context, args []string) (err error) {
			if err := errors.Join(j.check(args), c.check()); err != nil {
				return err
			}
			if policy != "" && network {
				return usage("--policy and --network-policy are two policies; name one")
			}
			if err := j.defaults(args[0]); err != nil {
				return err
			}
			e, err := a.judgeEngine(ctx, args[0], j.libs)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, e.Close()) }()
			pairs, err := eval.ReadSet(j.set, e.Info())
			if err != nil {
				return err
			}
			if len(pairs) == 0 {
				return &hinted{fmt.Errorf("%s holds no pairs", j.set), "funai judge make " + args[0]}
			}
			rows, err := a.measure(ctx, &j, e, slices.DeleteFunc(pairs, func(p eval.Pair) bool { return p.Calibration && !calibrates(p) }))
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				return err
			}
			var p judge.Policy
			switch {
			case policy != "":
				p, err = judge.LoadPolicy(policy)
			case network:
				p = judge.DefaultPolicy(e.Info().Name)
			default:
				p, err = c.policy(e.Info(), rows)
			}
			if err != nil {
				return err
			}
			if p.Model != e.Info().Name {
				return fmt.Errorf("%s is a policy for %s, not for %s", policy, p.Model, e.Info().Name)
			}
			report := eval.Evaluate(p, rows)
			if roc != "" {
				var png bytes.Buffer
				if err := eval.WriteROC(&png, p.Model+", held-out half", eval.Curves(p, rows)); err != nil {
					return err
				}
				if err := atomicfile.Write(roc, png.Bytes()); err != nil {
					return err
				}
			}
			if asJSON {
				return a.out.JSON(report)
			}
			if err := report.Print(a.out); err != nil {
				return err
			}
			if roc != "" {
				a.out.Println(a.out.Paint(cli.Dim, "curves in "+roc))
			}
			return nil
		}),
		ValidArgsFunction: catalogueNames,
	}
	j.flags(cmd)
	c.flags(cmd)
	noQualityFlag(cmd, &j)
	f := cmd.Flags()
	f.StringVar(&policy, "policy", "", "`file` of the policy to show")
	f.BoolVar(&network, "network-policy", false, "show the policy that the network uses")
	f.StringVar(&roc, "roc", "", "`file` to draw the curves into, as PNG")
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}
