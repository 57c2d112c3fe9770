package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/gateway"
	"funai/inference/client"
	"funai/inference/execution"
	"funai/inference/pool"
	"funai/inference/server"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/model"
)

func TestErrorsOfAskingHaveAMeaningForHTTP(t *testing.T) {
	nobody := func(refusals ...error) error {
		return fmt.Errorf("%w: type 1: %w", client.ErrNobody, errors.Join(refusals...))
	}
	broken := func(err error) error { return fmt.Errorf("%w: %w", client.ErrBroken, err) }
	other := errors.New("disk is full")
	for _, c := range []struct{ err, want error }{
		{server.ErrTooLong, gateway.ErrTooLong},
		{task.ErrTooLarge, gateway.ErrTooLong},
		{execution.ErrFunds, gateway.ErrNoFunds},
		{server.ErrFunds, gateway.ErrNoFunds},
		{client.ErrBroken, gateway.ErrUpstream},
		{broken(server.ErrInternal), gateway.ErrUpstream},
		{broken(server.ErrBusy), gateway.ErrUpstream},
		{client.ErrReceipt, gateway.ErrUpstream},
		{server.ErrBadRequest, gateway.ErrRequest},
		{task.ErrContent, gateway.ErrRequest},
		{pool.ErrFull, gateway.ErrBusy},
		{client.ErrNobody, gateway.ErrNobody},
		{nobody(server.ErrModel, server.ErrBond), gateway.ErrNobody},
		{nobody(server.ErrModel, server.ErrBusy), gateway.ErrBusy},
		{nobody(server.ErrPrice, server.ErrPrice), gateway.ErrMaxFee},
		{nobody(pool.ErrReplaces), gateway.ErrBusy},
		{context.Canceled, context.Canceled},
		{other, other},
	} {
		got := gatewayError(fmt.Errorf("asking: %w", c.err))
		if !errors.Is(got, c.want) || !errors.Is(got, c.err) {
			t.Errorf("%v became %v, not %v", c.err, got, c.want)
		}
	}
}

func TestWhatNoTaskCanHoldIsTheAskersFault(t *testing.T) {
	b := backend{&Node{cfg: Config{Network: Dev()}}}
	user := func(s string) model.Message { return model.Message{Role: "user", Content: s} }
	for name, c := range map[string]struct {
		model string
		ms    []model.Message
		want  error
	}{
		"no such model":    {"nonsense", []model.Message{user("so")}, gateway.ErrNoModel},
		"no messages":      {"stories15m", nil, gateway.ErrRequest},
		"only a system's":  {"stories15m", []model.Message{{Role: "system", Content: "be brief"}}, gateway.ErrRequest},
		"the model's last": {"stories15m", []model.Message{user("so"), {Role: "assistant", Content: "yes"}}, gateway.ErrRequest},
		"an unknown role":  {"stories15m", []model.Message{{Role: "tool", Content: "7"}, user("so")}, gateway.ErrRequest},
		"too long":         {"stories15m", []model.Message{user(strings.Repeat("x", task.MaxInputBytes+1))}, gateway.ErrTooLong},
		"too many":         {"stories15m", append(make([]model.Message, 0, 2000), many(1100)...), gateway.ErrTooLong},
		"not UTF-8":        {"stories15m", []model.Message{user("\xff")}, gateway.ErrRequest},
	} {
		_, err := b.Ask(t.Context(), gateway.Request{Model: c.model, Messages: turns(c.ms)}, func(gateway.Start) {}, func(gateway.Delta) error { return nil })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func turns(ms []model.Message) (out []gateway.Message) {
	for _, m := range ms {
		out = append(out, gateway.Message{Role: m.Role, Content: m.Content})
	}
	return out
}

func many(n int) (ms []model.Message) {
	for range n {
		ms = append(ms, model.Message{Role: "user", Content: "so"})
	}
	return ms
}

func TestASplitChatIsAskedAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ms []model.Message
		if rapid.Bool().Draw(t, "system") {
			ms = append(ms, model.Message{Role: "system", Content: rapid.StringN(1, 20, 80).Draw(t, "prompt")})
		}
		for range rapid.IntRange(0, 5).Draw(t, "turns") {
			role := rapid.SampledFrom([]string{"user", "assistant"}).Draw(t, "role")
			ms = append(ms, model.Message{Role: role, Content: rapid.String().Draw(t, "turn")})
		}
		ms = append(ms, model.Message{Role: "user", Content: rapid.String().Draw(t, "question")})
		in, err := split(ms)
		if err != nil {
			t.Fatal(err)
		}
		var o tx.Open
		in.Bind(&o)
		if got := in.Request(tx.ID{}, &o).Messages; fmt.Sprintf("%q", got) != fmt.Sprintf("%q", ms) {
			t.Fatalf("%q became %q", ms, got)
		}
		if err := in.Fits(&o); err != nil {
			t.Fatal(err)
		}
	})
}
