package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"funai/clarity/repl"
	"funai/clarity/session"
	"funai/internal/cli"
)

func (a *app) clarityReplCommand() *cobra.Command {
	var rules clarityRules
	cmd := &cobra.Command{
		Use: "repl [FILE...]", Short: "Try the language line by line",
		Long: `Try the language line by line on a chain in memory. Tab completes, ::help lists the commands, Ctrl-D leaves. Files are
deployed first, each as a contract of its name. What is piped in is read as if it were typed; the exit code then says
whether all of it was evaluated.`,
		ValidArgsFunction: cobra.FixedCompletions([]string{"clar"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(cmd *cobra.Command, files []string) error { // signals are the terminal's, or end the process
			a.began = true
			_, epoch, err := rules.parse()
			if err != nil {
				return err
			}
			return a.converse(cmd.Context(), session.New(session.Options{Epoch: epoch, Ledger: true}), files)
		},
	}
	rules.epochFlag(cmd)
	return cmd
}

// converse runs a REPL where the command was called.
func (a *app) converse(ctx context.Context, s *session.Session, files []string) error {
	c := repl.Config{Session: s, Lines: repl.Plain(a.in), Out: a.out, Paint: paintFinding(a.out), Width: func() int {
		width, _ := a.out.Size()
		return width
	}}
	if f, ok := a.in.(*os.File); ok && isTerminal(f) && a.out.Live() {
		history, err := historyFile()
		if err != nil {
			return err
		}
		if c.History, err = repl.OpenHistory(history); err != nil {
			return err
		}
		c.Lines, c.Person = a.terminal(f, c.History), true
		a.out.Println(a.out.Paint(cli.Dim, fmt.Sprintf("%v in epoch %v; ::help lists the commands, Ctrl-D leaves", s.Epoch().MaxVersion(), s.Epoch())))
	}
	r, err := repl.New(c)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := r.Deploy(contractName(file), file); err != nil {
			return err
		}
	}
	return r.Run(ctx)
}

// historyFile is where lines are kept: in the user's folder of settings.
func historyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the history: %w", err)
	}
	return filepath.Join(dir, "funai", "clarity_history"), nil
}

// terminal is the person's, raw while a line is read.
func (a *app) terminal(f *os.File, h *repl.History) *repl.Terminal {
	t := repl.NewTerminal(readWriter{f, a.out}, h)
	t.Raw = func() (func() error, error) {
		fd := int(f.Fd())
		before, err := term.MakeRaw(fd)
		if err != nil {
			return nil, fmt.Errorf("reading from the terminal: %w", err)
		}
		if w, h, err := term.GetSize(fd); err == nil && w > 0 && h > 0 {
			if err := t.SetSize(w, h); err != nil {
				return nil, errors.Join(err, term.Restore(fd, before))
			}
		}
		return func() error { return term.Restore(fd, before) }, nil
	}
	return t
}
