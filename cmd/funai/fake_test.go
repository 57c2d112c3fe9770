package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rogpeppe/go-internal/testscript"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/account/embedded"
	"funai/inference/api"
	"funai/model"
)

// network is what a node shows of a small scripted network. What is asked decides what becomes of it: a question with
// the word "lie" is answered by the dishonest server and found invalid, and so on; see Ask.
type network struct {
	mu       sync.Mutex
	receipts []api.Receipt // newest first
	looks    map[string]int
}

var (
	_ gateway.Backend = (*network)(nil)
	_ api.Source      = (*network)(nil)
)

const (
	honest    = "STHONESTSERVER0000000000000000000000000A"
	dishonest = "STDISHONESTSERVER00000000000000000000000B"
	asker     = "STASKER000000000000000000000000000000000C"
	askerBase = "faid1asker"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newNetwork() *network { return &network{looks: map[string]int{}} }

func (n *network) handler(token string) (http.Handler, error) {
	keys, err := embedded.Open("keys", embedded.Options{FS: vfs.NewMem()})
	if err != nil {
		return nil, err
	}
	return gateway.New(gateway.Config{Backend: n, API: api.New(api.Config{Source: n, Token: token}), Accounts: keys, Admin: token})
}

func seat(i int) string { return fmt.Sprintf("STSEAT%d0000000000000000000000000000000000", i) }

func (n *network) Models(context.Context) ([]gateway.Model, error) {
	return []gateway.Model{{ID: "tiny", Context: 2048, PriceIn: 10, PriceOut: 30, Servers: 3}, {ID: "org/big", Context: 8192, Servers: 1}}, nil
}

func (n *network) Ask(ctx context.Context, r gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	question := r.Messages[len(r.Messages)-1].Content
	switch {
	case r.Model != "tiny" && r.Model != "org/big":
		return gateway.Answer{}, fmt.Errorf("%w: %q", gateway.ErrNoModel, r.Model)
	case strings.Contains(question, "poor"):
		return gateway.Answer{}, fmt.Errorf("%w: the answer may cost 0.01 FAI, the wallet has 0", gateway.ErrNoFunds)
	case strings.Contains(question, "crowd"):
		return gateway.Answer{}, &gateway.BusyError{RetryAfter: 7 * time.Second}
	case strings.Contains(question, "nobody"):
		return gateway.Answer{}, gateway.ErrNobody
	}
	a := n.open(question)
	started(gateway.Start{Receipt: a.Receipt, Server: a.Server, Escrow: 50_000})
	words := []string{" Paris", " is", " the", " capital", " of", " France", "."}
	switch {
	case strings.Contains(question, "lie"):
		words = []string{"Berlin", "\x1b[2J", "."} // and tries to clear the terminal
	case strings.Contains(question, "system"):
		words = []string{r.Messages[0].Role, ": ", r.Messages[0].Content}
	case strings.Contains(question, "sampling"):
		words = []string{fmt.Sprintf("%d tokens, ", r.MaxTokens)}
		if r.TemperatureMilli != nil {
			words = append(words, fmt.Sprintf("temperature %d", *r.TemperatureMilli))
		}
	case strings.Contains(question, "turns"):
		words = []string{fmt.Sprintf("%d messages", len(r.Messages))}
	}
	for i, w := range words {
		if err := emit(gateway.Delta{Text: w}); err != nil {
			return gateway.Answer{}, err
		}
		switch {
		case i == 1 && strings.Contains(question, "break"):
			return gateway.Answer{}, fmt.Errorf("%w: it hung up", gateway.ErrUpstream)
		case i == 1 && strings.Contains(question, "endless"):
			<-ctx.Done()
			return gateway.Answer{}, ctx.Err()
		}
	}
	return a, nil
}

// open makes the receipt of a question.
func (n *network) open(question string) gateway.Answer {
	n.mu.Lock()
	defer n.mu.Unlock()
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", len(n.receipts), question))
	r := api.Receipt{ID: hex.EncodeToString(sum[:]), Verdict: api.VerdictValid, Model: "tiny", Trust: "judge", Asker: asker, Server: honest,
		Producer: honest, TokensIn: 28, TokensOut: 7, Escrow: 50_000, Fee: 37_000}
	switch {
	case strings.Contains(question, "lie"):
		r.Verdict, r.Server = api.VerdictInvalid, dishonest
	case strings.Contains(question, "torn"):
		r.Verdict = api.VerdictNone
	case strings.Contains(question, "undecided"):
		r.Verdict = api.VerdictPending
	}
	n.receipts = append([]api.Receipt{r}, n.receipts...)
	return gateway.Answer{Receipt: r.ID, Server: r.Server, Finish: model.FinishStop, PromptTokens: 28, CompletionTokens: 7, Fee: r.Fee}
}

// settled fills in what follows from a verdict.
func settled(r api.Receipt) api.Receipt {
	vote := map[api.Verdict]string{api.VerdictValid: api.VoteValid, api.VerdictInvalid: api.VoteInvalid, api.VerdictNone: api.VoteAbstain}[r.Verdict]
	for i := range 5 {
		r.Votes = append(r.Votes, api.Vote{Seat: i, Who: seat(i), Vote: vote})
	}
	r.Votes[4].Vote = api.VoteMissed
	refund := func(a amount.Amount) {
		r.Payouts = append(r.Payouts, api.Payout{Role: api.PayRefund, Who: asker, Amount: a})
	}
	switch r.Verdict {
	case api.VerdictValid:
		r.Payouts = []api.Payout{{Role: api.PayServer, Who: r.Server, Amount: 29_600}, {Role: api.PayProducer, Who: r.Producer, Amount: 3_700}}
		for i := range 4 {
			r.Payouts = append(r.Payouts, api.Payout{Role: api.PaySeat, Who: seat(i), Amount: 462})
		}
		r.Payouts = append(r.Payouts, api.Payout{Role: api.PayBurn, Amount: 1_852})
		refund(13_000)
	case api.VerdictInvalid:
		r.Payouts = []api.Payout{{Role: api.PayFine, Who: r.Server, Amount: 37_000}}
		refund(50_000)
	default:
		refund(48_150)
	}
	return r
}

// Receipt goes through a question's stages, one at each look.
func (n *network) Receipt(_ context.Context, id string) (api.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.receipts {
		if r.ID != id {
			continue
		}
		n.looks[id]++
		if n.looks[id] == 1 {
			break
		}
		if n.looks[id] > 3 && r.Verdict != api.VerdictPending {
			return settled(r), nil
		}
		r.Verdict, r.Votes = api.VerdictPending, make([]api.Vote, 5)
		r.Votes[0].Vote = api.VoteSealed
		return r, nil
	}
	return api.Receipt{}, fmt.Errorf("%w: receipt %s", api.ErrNotFound, id)
}

func (n *network) Receipts(context.Context, int, string) ([]api.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []api.Receipt
	for _, r := range n.receipts {
		all = append(all, settled(r))
	}
	return all, nil
}

func (n *network) Status(context.Context) (api.Status, error) {
	s := api.Status{Network: "dev", Version: "test", Time: began.Add(time.Minute),
		Ledger:    api.LedgerTip{Height: 1234, Time: began.Add(58 * time.Second), BestHeader: 1234, Peers: 4, Mempool: 2},
		Inference: api.InferenceTip{Height: 5678, ID: "aa", Time: began.Add(time.Minute), Producer: honest, Certified: true, Confirmed: 5600},
		Cycle:     api.Cycle{Number: 61, Length: 20, Prepare: 4, Start: 1221},
		Models:    []api.Model{{ID: "tiny", PriceIn: 10, PriceOut: 30, Context: 2048, Servers: 3}},
		Bootstrap: api.Bootstrap{Done: true},
		Own:       api.Own{Ledger: askerBase, Inference: asker},
		Names:     map[string]string{honest: "server-1", dishonest: "server-2"},
	}
	for i := range 5 {
		s.Seats = append(s.Seats, api.Seat{Address: seat(i), Stake: 100 * amount.FAI})
		s.Names[seat(i)] = fmt.Sprintf("seat-%d", i+1)
	}
	return s, nil
}

func (n *network) LedgerBlocks(context.Context, api.Page) ([]api.LedgerBlock, error) { return nil, nil }

func (n *network) Elections(context.Context, api.Page) ([]api.Election, error) {
	both := []api.Candidate{{Address: honest, Odds: 0.75}, {Address: dishonest, Odds: 0.25}}
	return []api.Election{
		{LedgerHeight: 1234, Candidates: both, Winner: 1, Tenure: []api.BlockRef{{Height: 5678}}},
		{LedgerHeight: 1233, Candidates: both, Winner: 0, Tenure: make([]api.BlockRef, 3)},
		{LedgerHeight: 1232, Winner: -1},
	}, nil
}

func (n *network) InferenceBlocks(context.Context, api.Page) ([]api.InferenceBlock, error) {
	return []api.InferenceBlock{
		{Height: 5678, Producer: honest, LedgerHeight: 1234, Kinds: map[string]int{"receipt": 2, "open": 1}, Signers: make([]string, 5), Seats: 5},
		{Height: 5677, Producer: dishonest, LedgerHeight: 1233, Signers: make([]string, 4), Seats: 5},
	}, nil
}

func (n *network) Balances(_ context.Context, q api.BalanceQuery) ([]api.Balance, error) {
	own := api.Balance{Own: true, Ledger: api.LedgerBalance{Address: askerBase, Confirmed: 12 * amount.FAI, Immature: amount.FAI / 2},
		Inference: api.InferenceBalance{Address: asker, Confirmed: 98_765_432, Escrow: 50_000}}
	switch {
	case len(q.Addresses) > 0:
		own.Ledger.Address, own.Own = q.Addresses[0], false
		return []api.Balance{own}, nil
	case q.Of == api.BalancesOwn:
		return []api.Balance{own}, nil
	}
	own.Name = "you"
	return []api.Balance{own, {Name: "seat-1", Roles: []string{"verifier", "miner"}, Inference: api.InferenceBalance{Address: seat(0), Staked: 100 * amount.FAI}}}, nil
}

func (n *network) Supply(context.Context) (api.Supply, error) { return api.Supply{}, nil }

func (n *network) Send(_ context.Context, s api.Send) (api.Sent, error) {
	switch {
	case s.Amount > 12*amount.FAI:
		return api.Sent{}, fmt.Errorf("%w: 12 FAI are free, 0.0001 go to the miner", api.ErrNoFunds)
	case strings.HasSuffix(s.To, "bad"):
		return api.Sent{}, fmt.Errorf("%w: %q is no address of network dev", api.ErrRequest, s.To)
	}
	return api.Sent{Layer: s.Layer, TxID: strings.Repeat("ab", 32)}, nil
}

// startHub serves one small model as Hugging Face does, on this machine.
func startHub(ts *testscript.TestScript, _ bool, _ []string) {
	content := "GGUF" + strings.Repeat("x", 1<<20-4)
	sum := sha256.Sum256([]byte(content))
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/model.gguf") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
		w.Header().Set("X-Linked-Etag", `"`+hex.EncodeToString(sum[:])+`"`)
		http.ServeContent(w, r, "", began, strings.NewReader(content))
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	go srv.Serve(ln)
	ts.Defer(func() { srv.Close() })
	ts.Setenv("HF_ENDPOINT", "http://"+ln.Addr().String())
	ts.Setenv("NO_PROXY", "127.0.0.1")
}
