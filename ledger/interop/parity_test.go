package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// question is one call made to both.
type question struct {
	method string
	params []any
}

func (q question) String() string {
	if len(q.params) == 0 {
		return q.method
	}
	return q.method + " " + show(q.params)
}

// allowed is a place where an answer of ours may be other than bitcoind's.
type allowed struct {
	path string // of a difference, with * for any part of a name: method.key.key
	why  string
	one  bool // it may also be in one of the answers only
}

func (a allowed) covers(d difference) bool {
	ok, err := path.Match(strings.ReplaceAll(a.path, ".", "/"), strings.ReplaceAll(d.path, ".", "/"))
	return ok && err == nil && (a.one || !d.one)
}

// answer is what a server says to a question; an error is an object with its code and message.
func (q question) answer(t testing.TB, c *client) any {
	t.Helper()
	var raw json.RawMessage
	err := c.call(context.Background(), &raw, q.method, q.params...)
	var refusal *rpcError
	if errors.As(err, &refusal) {
		message := refusal.Message
		if usage, help, ok := strings.Cut(message, "\n"); ok && strings.HasPrefix(help, "\n") && strings.HasPrefix(usage, q.method) {
			message = "usage" // the help itself is each server's own
		}
		return map[string]any{"error": map[string]any{"code": json.Number(show(refusal.Code)), "message": message}}
	}
	if err != nil {
		t.Fatal(err)
	}
	return must(parse(raw))(t)
}

// compareAnswers asks both servers all questions and reports each place in the answers with a difference that is not
// allowed, with the first question where it shows. Methods that ours does not have are reported once.
func compareAnswers(t *testing.T, ours, theirs *client, qs []question, differences []allowed) {
	used := make([]bool, len(differences))
	first, count := map[string]string{}, map[string]int{}
	for _, q := range qs {
		a, b := q.answer(t, ours), q.answer(t, theirs)
		for _, d := range q.compare(a, b) {
			i := slices.IndexFunc(differences, func(x allowed) bool { return x.covers(d) })
			if i >= 0 {
				used[i] = true
				continue
			}
			if count[d.path]++; count[d.path] == 1 {
				first[d.path] = fmt.Sprintf("%s (asked %s)", d.what, q)
			}
		}
	}
	for _, at := range slices.Sorted(maps.Keys(first)) {
		t.Errorf("%d times: %s %s", count[at], at, first[at])
	}
	for i, d := range differences {
		if !used[i] && d.why != life { // what is measured may happen to be the same
			t.Errorf("the difference allowed at %s (%s) is none any more", d.path, d.why)
		}
	}
}

func (q question) compare(ours, theirs any) []difference {
	if isMissing(ours) {
		return []difference{{path: q.method, what: "is not there"}}
	}
	return compare(q.method, ours, theirs)
}

func isMissing(answer any) bool {
	const methodNotFound = "-32601"
	o, ok := answer.(map[string]any)
	if !ok {
		return false
	}
	e, ok := o["error"].(map[string]any)
	return ok && e["code"] == json.Number(methodNotFound)
}

// richChain makes bitcoind's chain hold coins and spends of all kinds, and returns the height from which it does.
func richChain(t *testing.T, b *bitcoind) (from int32) {
	w := openWallet(b)
	w.receiveAndSpend()
	from = b.height() - 12
	spendEveryLock(t, b)
	return from
}

// fillPool puts a row of transactions into bitcoind's pool, each of which spends the change of the one before, and pays more.
func fillPool(t *testing.T, b *bitcoind) {
	t.Helper()
	options := map[string]any{"change_position": 0}
	for i := range 3 {
		out := map[string]any{ask[string](t, b.client, "getnewaddress"): 10}
		sent := ask[struct {
			ID string `json:"txid"`
		}](t, b.client, "send", []any{out}, nil, nil, 20*(i+1), options)
		options["inputs"], options["add_inputs"] = []any{map[string]any{"txid": sent.ID, "vout": 0}}, false
	}
}

// TestRPCAnswersLikeBitcoind: a node of ours that follows a bitcoind answers what bitcoind does, key by key, over a chain
// with coins and spends of all kinds and a pool with transactions; and bitcoin-cli works with it as with bitcoind.
func TestRPCAnswersLikeBitcoind(t *testing.T) {
	t.Parallel()
	b := startBitcoind(t)
	from := richChain(t, b)
	p := newProcess(t, "bitcoin-regtest", "--connect", b.p2p).start()
	until(t, "our node to have bitcoind's chain", func() bool { return p.tip() == b.tip() })
	fillPool(t, b)
	until(t, "our node to have bitcoind's pool", func() bool { return len(ask[[]string](t, p.client, "getrawmempool")) == len(b.pool()) })
	compareAnswers(t, p.client, b.client, questions(t, b, from), ownWays)
	bitcoinCLI(t, p, b)

	polls := []<-chan string{longPoll(t, p.client), longPoll(t, b.client)}
	b.mine(1, addressOf(t, p2wpkh(1)))
	for i, poll := range polls {
		if parent := <-poll; parent != b.tip() {
			t.Errorf("long poll %d gives a template on %s, not on the new tip %s", i, parent, b.tip())
		}
	}
}
