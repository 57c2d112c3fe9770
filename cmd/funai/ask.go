package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"funai/internal/cli/remote"
)

// maxQuestion is how much is read of a question on stdin, in bytes: the gateway takes no more.
const maxQuestion = 1 << 20

// asking is what ask and chat were told.
type asking struct {
	target
	model       string
	system      string
	maxTokens   int
	temperature float64
	noWait      bool
	json        bool
}

func (k *asking) flags(cmd *cobra.Command, a *app) {
	k.target.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&k.model, "model", "", "`model` to ask (default the first that the node offers)")
	f.StringVar(&k.system, "system", "", "system `prompt`: how to answer")
	f.IntVar(&k.maxTokens, "max-tokens", 0, "`number` of tokens at most (default the node's)")
	f.Float64Var(&k.temperature, "temperature", 0, "`number`: 0 always takes the likeliest word, 2 is wild (default the node's)")
	jsonFlag(cmd, &k.json, "print one JSON event a line")
	_ = cmd.RegisterFlagCompletionFunc("model", a.completeServed(&k.target)) // the flag is there
}

// question puts messages to the node's model as the flags say.
func (k *asking) question(cmd *cobra.Command, messages []remote.Message) (remote.Question, error) {
	q := remote.Question{Model: k.model, MaxTokens: k.maxTokens, Messages: messages}
	if cmd.Flags().Changed("max-tokens") && k.maxTokens < 1 {
		return q, usage("--max-tokens %d: at least 1", k.maxTokens)
	}
	if cmd.Flags().Changed("temperature") {
		if !(k.temperature >= 0 && k.temperature <= 2) { // NaN too
			return q, usage("--temperature %v: not between 0 and 2", k.temperature)
		}
		q.Temperature = &k.temperature
	}
	return q, nil
}

// opening is a conversation's first messages.
func (k *asking) opening() []remote.Message {
	if k.system == "" {
		return nil
	}
	return []remote.Message{{Role: "system", Content: k.system}}
}

func (a *app) askCommand() *cobra.Command {
	k := asking{}
	cmd := &cobra.Command{
		Use:   "ask [flags] QUESTION",
		Short: "Ask a question, print the answer and then its verdict",
		Long: `Ask a question. The answer streams at once; then verification nodes judge it, and the server is paid only if they
find it valid. Without a question, or with "-", it is read from standard input.`,
		Example: `  funai ask "What is the capital of France?"
  funai ask --temperature 0 --max-tokens 50 "Name three colours"
  echo "Is 7 a prime?" | funai ask --json -`,
	}
	cmd.RunE = a.does(func(ctx context.Context, args []string) error {
		q, err := k.question(cmd, nil)
		if err != nil {
			return err
		}
		text, err := a.words(args)
		if err != nil {
			return err
		}
		q.Messages = append(k.opening(), remote.Message{Role: "user", Content: text})
		a.events = k.json
		c, err := a.dial(k.target, false)
		if err != nil {
			return err
		}
		defer c.Close()
		t := newTurn(ctx, a.out, c, k.json)
		answer, err := t.ask(ctx, q)
		if err != nil {
			return a.dropped(err, answer)
		}
		if k.noWait {
			t.later(answer)
			return nil
		}
		err = t.judge(ctx, answer.Receipt)
		if errors.Is(err, errInterrupted) {
			t.later(answer)
		}
		return err
	})
	k.flags(cmd, a)
	cmd.Flags().BoolVar(&k.noWait, "no-wait", false, "don't wait for the verdict")
	return cmd
}

// dropped says what becomes of a question that was given up while it was answered.
func (a *app) dropped(err error, answer turnAnswer) error {
	if errors.Is(err, errInterrupted) && answer.Receipt != "" {
		a.err.Printf("stopped; what was answered may still be charged under receipt %s\n", answer.Receipt)
	}
	return err
}

// words is the question: the arguments, or what stands on standard input.
func (a *app) words(args []string) (string, error) {
	text := strings.Join(args, " ")
	if text == "" && len(args) > 0 {
		return "", usage("the question is empty")
	}
	if text == "" || text == "-" {
		if text == "" && isTerminal(a.in) {
			return "", usage("there is no question, as in: funai ask \"What is the capital of France?\"")
		}
		b, err := io.ReadAll(io.LimitReader(a.in, maxQuestion+1))
		switch {
		case err != nil:
			return "", err
		case len(b) > maxQuestion:
			return "", usage("the question on standard input exceeds %d bytes", maxQuestion)
		}
		text = string(b)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", usage("the question is empty")
	}
	return text, nil
}

func isTerminal(r any) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
