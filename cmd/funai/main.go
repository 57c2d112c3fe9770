// Command funai is the whole of the network in one binary: it runs nodes and talks to a running one over HTTP. Each file
// is one command; what a command does is done elsewhere, by package node or by the node it talks to.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"funai/internal/cli"
)

// Exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // as shells have it: 128 and SIGINT
)

func main() {
	a := newApp(os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	a.devnet, a.node = runDevnet, runNode
	os.Exit(a.run(os.Args[1:]))
}

// app is one run of the binary.
type app struct {
	in       io.Reader
	out, err *cli.Screen
	getenv   func(string) string
	devnet   func(context.Context, upOptions, func(event)) error
	node     func(context.Context, nodeOptions, func(event)) error
	began    bool // the command line was understood
	events   bool // output is one JSON event a line, so an error is one too
}

func newApp(in io.Reader, out, err io.Writer, getenv func(string) string) *app {
	return &app{in: in, out: cli.NewScreen(out, getenv), err: cli.NewScreen(err, getenv), getenv: getenv}
}

// run does what the arguments say and returns the exit code.
func (a *app) run(args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	called, err := root.ExecuteContextC(context.Background())
	return a.report(called, err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "funai",
		Short: "Ask an open model, have the answer judged, pay only if it is right",
		Long: `Ask an open model, have the answer judged, pay only if it is right.

  funai up                        a whole network on this machine
  funai ask "your question"       an answer, then its verdict
  funai status --watch            what the network does`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(a.askCommand(), a.chatCommand(), a.statusCommand(), a.walletCommand(), a.modelCommand(), a.upCommand(),
		a.nodeCommand(), a.ledgerCommand(), a.clarityCommand(), a.keyCommand(), a.judgeCommand(), a.versionCommand())
	return root
}

// sameSignal is how long after the first a signal is still taken for the same: timeout, go run and others hand on what
// the whole process group got already.
const sameSignal = 300 * time.Millisecond

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("stopped")

// does makes a command's body: its context ends with the first SIGINT or SIGTERM; the second ends the process.
func (a *app) does(f func(context.Context, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.began = true
		ctx, stop := interruptible(cmd.Context())
		defer stop()
		return f(ctx, args)
	}
}

// interruptible returns a context that the first signal ends with errInterrupted. stop gives signals their usual meaning
// back.
func interruptible(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var first time.Time
		for {
			select {
			case <-signals:
			case <-quit:
				return
			}
			switch {
			case first.IsZero():
				first = time.Now()
				cancel(errInterrupted)
			case time.Since(first) > sameSignal:
				os.Exit(exitInterrupted)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(quit)
		<-done
		cancel(nil)
	}
}
