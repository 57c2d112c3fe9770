package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/internal/cli/remote"
)

func (a *app) chatCommand() *cobra.Command {
	k := asking{}
	cmd := &cobra.Command{
		Use: "chat", Short: "Talk with a model, each answer judged", Args: cobra.NoArgs,
		Long: `Talk with a model. Verdicts come in while you go on. /new starts over, /quit (or Ctrl-D) leaves, Ctrl-C ends an answer.`,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { // each turn minds signals by itself
		a.began = true
		q, err := k.question(cmd, k.opening())
		if err != nil {
			return err
		}
		a.events = k.json
		c, err := a.dial(k.target, false)
		if err != nil {
			return err
		}
		defer c.Close()
		t := newTurn(cmd.Context(), a.out, c, k.json)
		t.brief = true
		if err := t.choose(cmd.Context(), &q); err != nil {
			return err
		}
		talk := &talk{a: a, turn: t, q: q, wait: !k.noWait}
		return talk.run(cmd.Context())
	}
	k.flags(cmd, a)
	cmd.Flags().BoolVar(&k.noWait, "no-wait", false, "don't show verdicts")
	return cmd
}

// talk is a conversation.
type talk struct {
	a    *app
	turn *turn
	q    remote.Question // with the conversation so far
	wait bool
}

func (k *talk) run(ctx context.Context) (err error) {
	in, live := newLines(k.a), isTerminal(k.a.in) && k.a.out.Live() && !k.turn.json
	if live {
		k.a.out.Printf("%s\n\n", k.a.out.Paint(cli.Dim, "talking to "+cli.Line(k.q.Model, 60)+"; /new starts over, /quit leaves"))
	}
	opening := len(k.q.Messages)
	v := k.newVerdicts(ctx, in, live)
	defer v.stop()
	for {
		v.flush()
		line, err := in.read(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch line = strings.TrimSpace(line); line {
		case "":
			continue
		case "/quit", "/exit":
			return nil
		case "/new":
			k.q.Messages = k.q.Messages[:opening]
			continue
		}
		if err := k.say(ctx, line, v); err != nil {
			if !live {
				return err
			}
			k.a.report(nil, err) // and go on
		}
	}
}

// say puts one question; it and its answer become part of the conversation.
func (k *talk) say(ctx context.Context, line string, v *verdicts) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	q := k.q
	q.Messages = append(slices.Clone(q.Messages), remote.Message{Role: "user", Content: line})
	answer, err := k.turn.ask(ctx, q)
	if err != nil {
		return k.a.dropped(err, answer)
	}
	q.Messages = append(q.Messages, remote.Message{Role: "assistant", Content: answer.text})
	k.q = q
	if !k.wait {
		return nil
	}
	return v.expect(ctx, answer)
}
