// Command claritydiff plays random programs here and on the reference implementation and shows where they differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

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
	flag.StringVar(&o.Golden, "golden", "", "file of the golden corpus to write a choice of these programs to")
	rewrite := flag.String("rewrite", "", "only ask the reference anew about the golden corpus in this folder")
	flag.BoolVar(&o.Kept, "kept", false, "only programs to which the reference's answers are kept")
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *rewrite != "" {
		return diff.Rewrite(ctx, *rewrite)
	}
	return diff.Run(ctx, o)
}
