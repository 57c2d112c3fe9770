package main

import (
	"context"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/judge/eval"
	"funai/model"
)

// setMade is a set with --json.
type setMade struct {
	Set         string            `json:"set"`
	Model       string            `json:"model"`
	Pairs       int               `json:"pairs"`
	Calibration int               `json:"calibration"`
	Kinds       map[eval.Kind]int `json:"kinds"`
}

func (a *app) judgeMakeCommand() *cobra.Command {
	var j judging
	asJSON := false
	cmd := &cobra.Command{
		Use: "make MODEL", Short: "Make a labelled set of honest and forged answers, or go on with one",
		Long: `Make a labelled set of honest and forged answers, or go on with one: honest, about something else, swapped, cut short, with
words to the judge in them, another model's, of the same model in fewer bits, and without the system prompt.`,
		RunE: a.does(func(ctx context.Context, args []string) error {
			if err := j.check(args); err != nil {
				return err
			}
			return a.withSet(ctx, &j, args[0], func(e model.Engine, pairs []eval.Pair) error {
				made := setMade{Set: j.set, Model: e.Info().Name, Pairs: len(pairs), Kinds: map[eval.Kind]int{}}
				for _, p := range pairs {
					made.Kinds[p.Kind]++
					if p.Calibration {
						made.Calibration++
					}
				}
				if asJSON {
					return a.out.JSON(made)
				}
				a.out.Printf("%s, %d of them for calibration\n  %s\n", cli.Plural(made.Pairs, "pair"), made.Calibration, a.out.Paint(cli.Dim, j.set))
				for _, k := range eval.Kinds() {
					a.out.Printf("  %-22s %d\n", k, made.Kinds[k])
				}
				return nil
			})
		}),
		ValidArgsFunction: catalogueNames,
	}
	j.flags(cmd)
	j.makeFlags(cmd, usualGroups)
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}
