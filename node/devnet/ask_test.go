package devnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"funai/inference/api"
	"funai/inference/chain"
)

// start runs a network with the small model for one test.
func start(t *testing.T, change func(*Options)) *Net {
	t.Helper()
	kind, engine := stories(t)
	o := options(t, kind, engine)
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	n, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// get reads one answer of the API.
func get[T any](t *testing.T, n *Net, path string) (v T) {
	t.Helper()
	r, err := http.Get("http://" + n.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s", path, r.Status, b)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v in %s", path, err, b)
	}
	return v
}

// verdict waits for a receipt to be settled.
func verdict(t *testing.T, n *Net, id string) api.Receipt {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		moved := n.gateway().Changed()
		r := get[api.Receipt](t, n, "/api/receipts/"+id)
		if r.Verdict != api.VerdictPending {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("no verdict: %+v", r)
		}
		select {
		case <-moved:
		case <-time.After(time.Second):
		}
	}
}

// ask asks through the official client and returns the text and the receipt.
func ask(t *testing.T, n *Net, question string) (text, receipt string) {
	t.Helper()
	c := openai.NewClient(option.WithBaseURL("http://"+n.Addr()+"/v1"), option.WithAPIKey("none"), option.WithMaxRetries(0))
	s := c.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{Model: "stories15m", MaxTokens: openai.Int(24),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(question)}})
	var acc openai.ChatCompletionAccumulator
	for s.Next() {
		c := s.Current()
		acc.AddChunk(c)
		var extra struct {
			Funai struct{ Receipt string }
		}
		if err := json.Unmarshal([]byte(c.RawJSON()), &extra); err == nil && extra.Funai.Receipt != "" {
			receipt = extra.Funai.Receipt
		}
	}
	if err := s.Err(); err != nil {
		var e *openai.Error
		if errors.As(err, &e) {
			t.Fatal(err, e.RawJSON())
		}
		t.Fatal(err)
	}
	if len(acc.Choices) == 0 {
		t.Fatal("no answer")
	}
	return acc.Choices[0].Message.Content, receipt
}

func TestQuestionIsAnsweredJudgedAndPaid(t *testing.T) {
	n := start(t, nil)
	stop := audit(t, n)
	began := time.Now()
	text, id := ask(t, n, "Once upon a time there was a little dog")
	answered := time.Since(began)
	if text == "" || id == "" {
		t.Fatalf("answer %q with receipt %q", text, id)
	}
	r := verdict(t, n, id)
	t.Logf("answered in %v, judged in %v: %q", answered, time.Since(began), text)
	if r.Verdict != api.VerdictValid {
		t.Fatalf("verdict %+v", r)
	}
	roles := map[string]int{}
	for _, p := range r.Payouts {
		roles[p.Role]++
	}
	if roles[api.PayServer] != 1 || roles[api.PayProducer] != 1 || roles[api.PaySeat] == 0 || roles[api.PayBurn] != 1 {
		t.Errorf("payouts %+v", r.Payouts)
	}
	if blocks := stop(); blocks == 0 {
		t.Error("no block was audited")
	}
	supply := get[api.SupplyAnswer](t, n, "/api/supply")
	if !supply.Balanced {
		t.Errorf("supply %+v", supply)
	}
}

// audit adds up all coins of both layers at every block until the returned function is called, which says at how many.
func audit(t *testing.T, n *Net) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		count, last := 0, chain.Index{}
		defer func() { done <- count }()
		c := n.gateway().Chain()
		for {
			moved := c.Changed()
			if tip := c.Tip(); tip != last {
				if err := c.Audit(); err != nil {
					t.Error(err)
				}
				count, last = count+1, tip
			}
			select {
			case <-ctx.Done():
				return
			case <-moved:
			}
		}
	}()
	return func() int { cancel(); return <-done }
}

func TestDishonestServersAreFoundOut(t *testing.T) {
	n := start(t, func(o *Options) { o.Inference, o.Dishonest = 3, 2 })
	stop := audit(t, n)
	names := get[api.Status](t, n, "/api/status").Names
	judged := map[string]int{}
	// On a machine too busy to judge in time the seats abstain: then nobody is blamed and the next question counts.
	for i := 0; len(judged) < 3 || judged["server-1"] < 2; i++ {
		if i == 20 {
			t.Fatalf("after %d questions only %v were judged", i, judged)
		}
		text, id := ask(t, n, fmt.Sprintf("Once upon a time, %d little birds sat in a tree and", i+3))
		r := verdict(t, n, id)
		name := names[r.Server]
		t.Logf("%s: %q: %s", name, text, r.Verdict)
		want := api.VerdictInvalid
		if name == "server-1" {
			want = api.VerdictValid
		}
		switch r.Verdict {
		case api.VerdictNone:
			continue
		case want:
			judged[name]++
		default:
			t.Errorf("%s answered %q: %s, not %s: %+v", name, text, r.Verdict, want, r)
		}
		if r.Verdict == api.VerdictInvalid {
			refund, fine := false, false
			for _, p := range r.Payouts {
				refund = refund || p.Role == api.PayRefund && p.Amount == r.Escrow
				fine = fine || p.Role == api.PayFine && p.Who == r.Server && p.Amount > 0
			}
			if !refund || !fine {
				t.Errorf("refund %v and fine %v in %+v", refund, fine, r.Payouts)
			}
		}
	}
	stop()
}
