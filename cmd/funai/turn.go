package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"funai/amount"
	"funai/inference/api"
	"funai/internal/cli"
	"funai/internal/cli/remote"
)

// The events of a question with --json, in the order they come. Amounts are base units, as in the API.
type (
	startedEvent struct {
		Event   string `json:"event"` // "started"
		Receipt string `json:"receipt"`
		Server  string `json:"server"`
		Model   string `json:"model"`
	}
	tokenEvent struct {
		Event string `json:"event"` // "token"
		Text  string `json:"text"`
	}
	answerEvent struct {
		Event     string        `json:"event"` // "answer"
		Receipt   string        `json:"receipt"`
		Server    string        `json:"server"`
		Model     string        `json:"model"`
		Text      string        `json:"text"`
		Finish    string        `json:"finish"`
		TokensIn  int           `json:"tokens_in"`
		TokensOut int           `json:"tokens_out"`
		Fee       amount.Amount `json:"fee"`
		Trust     string        `json:"trust"`
	}
	verdictEvent struct {
		Event   string        `json:"event"` // "verdict"
		Receipt string        `json:"receipt"`
		Verdict api.Verdict   `json:"verdict"`
		Fee     amount.Amount `json:"fee"`    // for the gas used; paid only if the verdict is valid
		Escrow  amount.Amount `json:"escrow"` // what was held back
		Refund  amount.Amount `json:"refund"` // what came back of it
		Fine    amount.Amount `json:"fine"`   // taken from the server's bond
		Votes   []api.Vote    `json:"votes"`
		Payouts []api.Payout  `json:"payouts"`
	}
)

// turnAnswer is an answer with its text.
type turnAnswer struct {
	remote.Answer
	text string
}

// turn asks questions of one node and shows what comes.
type turn struct {
	out   *cli.Screen
	c     *remote.Client
	json  bool
	brief bool // what an answer costs takes one line
	who   names
}

func newTurn(ctx context.Context, out *cli.Screen, c *remote.Client, json bool) *turn {
	t := &turn{out: out, c: c, json: json}
	if !json {
		if s, err := c.Status(ctx); err == nil { // only to show names for addresses
			t.who = namesOf(s)
		}
	}
	return t
}

// choose fills in the model: the one asked for if the node has it, or its first.
func (t *turn) choose(ctx context.Context, q *remote.Question) error {
	if q.Model != "" {
		return nil // the node says if there is no such model
	}
	list, err := t.c.Models(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return &hinted{errors.New("no model can be asked on this network now"), "`funai status` lists the models that are served; try again when one is"}
	}
	q.Model = list[0].ID
	return nil
}

// ask puts one question, streams its answer and prints what it costs.
func (t *turn) ask(ctx context.Context, q remote.Question) (turnAnswer, error) {
	if err := t.choose(ctx, &q); err != nil {
		return turnAnswer{}, err
	}
	var whole strings.Builder
	shown := false // something but space
	spin := t.out.Spin("asking " + cli.Line(q.Model, 60))
	started := func(s remote.Started) {
		if t.json {
			_ = t.out.JSON(startedEvent{"started", s.Receipt, s.Server, q.Model}) // a closed output ends the process by SIGPIPE
		}
	}
	text := func(s string) {
		spin.Stop()
		whole.WriteString(s)
		if t.json {
			_ = t.out.JSON(tokenEvent{"token", s}) // as above
			return
		}
		if !shown {
			s = strings.TrimLeft(s, " \n") // with which models often begin
			shown = s != ""
		}
		t.out.Printf("%s", cli.Clean(s))
	}
	got, err := t.c.Ask(ctx, q, started, text)
	spin.Stop()
	a := turnAnswer{got, whole.String()}
	if shown {
		t.out.Println()
	}
	if err != nil {
		return a, t.explain(ctx, err, q.Model)
	}
	if t.json {
		return a, t.out.JSON(answerEvent{"answer", a.Receipt, a.Server, q.Model, a.text, a.Finish, a.TokensIn, a.TokensOut, a.Fee, a.Trust})
	}
	if t.brief {
		t.out.Printf("  %s\n", t.out.Paint(cli.Dim, strings.Join([]string{tokens(a.Answer), fai(a.Fee), t.who.short(a.Server), cli.Short(a.Receipt)}, " · ")))
		return a, nil
	}
	t.out.Println()
	t.out.Field("tokens", tokens(a.Answer))
	t.out.Field("fee", fai(a.Fee)+", if it is found valid")
	t.out.Field("server", t.who.full(a.Server))
	t.out.Field("receipt", cli.Line(a.Receipt, 100))
	return a, nil
}

func tokens(a remote.Answer) string {
	text := fmt.Sprintf("%s in, %s out", cli.Count(a.TokensIn), cli.Count(a.TokensOut))
	if a.Finish == "length" {
		text += " (cut at the limit)"
	}
	return text
}

// explain adds the models there are to the refusal of one there isn't.
func (t *turn) explain(ctx context.Context, err error, model string) error {
	if remote.Code(err) != "model_not_found" {
		return err
	}
	todo := "`funai status` lists the models that are served"
	if list, err := t.c.Models(ctx); err == nil && len(list) > 0 {
		var ids []string
		for _, m := range list[:min(len(list), 20)] {
			ids = append(ids, cli.Line(m.ID, 100))
		}
		todo = "this node offers " + strings.Join(ids, ", ")
	}
	return &hinted{fmt.Errorf("no such model: %q", model), todo}
}

// later says where the verdict will be.
func (t *turn) later(a turnAnswer) {
	if !t.json && a.Receipt != "" {
		t.out.Field("verdict", t.out.Paint(cli.Dim, "later at "+t.c.URL()+"/api/receipts/"+cli.Line(a.Receipt, 100)))
	}
}

// judge waits for the verdict and shows it.
func (t *turn) judge(ctx context.Context, receipt string) error {
	if receipt == "" {
		return fmt.Errorf("%w: the answer has no receipt, so there is no verdict to wait for", remote.ErrShape)
	}
	spin := t.out.Spin("waiting for the verdict")
	r, err := t.c.Verdict(ctx, receipt, func(r api.Receipt) { spin.Say(progress(r)) })
	spin.Stop()
	if err != nil {
		return err
	}
	if t.json {
		return t.out.JSON(verdictOf(r))
	}
	if t.brief {
		t.out.Printf("%s\n\n", verdictLine(t.out, r))
		return nil
	}
	t.out.Println()
	showVerdict(t.out, r, t.who)
	return nil
}

func fai(a amount.Amount) string { return a.String() + " FAI" }
