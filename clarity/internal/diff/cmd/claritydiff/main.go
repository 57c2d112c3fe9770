// Command claritydiff plays random programs here and on the reference implementation and shows where they differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"funai/clarity/internal/diff"
	"funai/clarity/types"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "claritydiff:", err)
		os.Exit(1)
	}
}

func run() error {
	var o diff.Options
	flag.Uint64Var(&o.Seed, "seed", 1, "seed of the first program")
	flag.IntVar(&o.Count, "count", 1000, "how many programs")
	flag.IntVar(&o.Workers, "workers", 1, "processes of the reference implementation, at most 2")
	flag.IntVar(&o.Shrink, "shrink", 5, "how many differences to make small")
	epoch := flag.String("epoch", "", "the only epoch; none is all in turn")
	flag.Parse()
	o.Out = os.Stdout
	if *epoch != "" {
		e, err := types.ParseEpoch(*epoch)
		if err != nil {
			return err
		}
		o.Epochs = []types.Epoch{e}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return diff.Run(ctx, o)
}
