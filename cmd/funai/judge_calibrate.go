package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"funai/internal/atomicfile"
	"funai/internal/cli"
	"funai/judge"
	"funai/judge/eval"
	"funai/model"
)

// calibration is how thresholds are set.
type calibration struct {
	slack   float64
	ask     string
	quality bool
}

func (c *calibration) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Float64Var(&c.slack, "slack", 2, "how far from what honest answers reach a threshold lies, as a factor of at least 1")
	f.StringVar(&c.ask, "ask", "", "`how` the second line asks: contrast, nothing (default as the network's policy does)")
	f.BoolVar(&c.quality, "quality", false, "let the encoder's score count")
}

func (c *calibration) check() error {
	switch {
	case !(c.slack >= 1 && c.slack <= 100):
		return usage("--slack %v is not 1 to 100", c.slack)
	case !slices.Contains([]string{"", judge.AskContrast, "nothing"}, c.ask):
		return usage("--ask %q is not contrast or nothing", c.ask)
	}
	return nil
}

// policy calibrates the model's policy on measurements.
func (c *calibration) policy(info model.Info, rows []eval.Measured) (judge.Policy, error) {
	base := judge.DefaultPolicy(info.Name)
	asked := eval.Judges(base, "")
	switch c.ask {
	case judge.AskContrast:
		base.Ask = asked.Ask
	case "nothing":
		base.Ask = judge.Ask{}
	}
	if c.quality {
		for _, r := range rows {
			if r.Evidence.Encoder != "" {
				base.Quality.Encoder = r.Evidence.Encoder
			}
		}
	}
	return eval.Calibrate(base, rows, c.slack)
}

func (a *app) judgeCalibrateCommand() *cobra.Command {
	var j judging
	var c calibration
	save := ""
	asJSON := false
	cmd := &cobra.Command{
		Use: "calibrate MODEL", Short: "Set a model's thresholds by honest answers",
		Long: `Set a model's thresholds by the honest answers in the calibrating half of its set, which is made first if there is none. What is
saved can be given to 'funai node --policy'; every verification node of a network must use the same.`,
		RunE: a.does(func(ctx context.Context, args []string) error {
			if err := errors.Join(j.check(args), c.check()); err != nil {
				return err
			}
			return a.withSet(ctx, &j, args[0], func(e model.Engine, pairs []eval.Pair) error {
				rows, err := a.measure(ctx, &j, e, slices.DeleteFunc(pairs, func(p eval.Pair) bool { return !calibrates(p) }))
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err != nil {
					return err
				}
				p, err := c.policy(e.Info(), rows)
				if err != nil {
					return err
				}
				b, err := json.MarshalIndent(p, "", "  ")
				if err != nil {
					return err
				}
				if save != "" {
					if err := atomicfile.Write(save, append(b, '\n')); err != nil {
						return err
					}
				}
				if asJSON {
					return a.out.JSON(p)
				}
				a.out.Printf("%s\n", b)
				if save != "" {
					a.out.Println(a.out.Paint(cli.Dim, "saved in "+save))
				}
				return nil
			})
		}),
		ValidArgsFunction: catalogueNames,
	}
	j.flags(cmd)
	j.makeFlags(cmd, 16)
	c.flags(cmd)
	noQualityFlag(cmd, &j)
	cmd.Flags().StringVar(&save, "save", "", "`file` to write the policy to")
	jsonFlag(cmd, &asJSON, "print the policy on one line")
	return cmd
}

func noQualityFlag(cmd *cobra.Command, j *judging) {
	cmd.Flags().BoolVar(&j.noQuality, "no-quality", false, "don't ask the encoder, which takes longer than a small model")
}

// calibrates says that a pair sets thresholds. Forged ones never do.
func calibrates(p eval.Pair) bool { return p.Calibration && p.Kind == eval.Honest }
