package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"funai/amount"
)

const id = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// fake is a Source that remembers what it was asked and answers as told.
type fake struct {
	page   Page
	query  BalanceQuery
	sent   []Send
	err    error
	supply Supply
}

var _ Source = (*fake)(nil)

func (f *fake) Status(context.Context) (Status, error) {
	return Status{Network: "dev", Names: map[string]string{"a": "b"}}, f.err
}
func (f *fake) LedgerBlocks(_ context.Context, p Page) ([]LedgerBlock, error) {
	f.page = p
	return nil, f.err
}
func (f *fake) Elections(_ context.Context, p Page) ([]Election, error) {
	f.page = p
	return []Election{{LedgerHeight: 9, Winner: -1}}, f.err
}
func (f *fake) InferenceBlocks(_ context.Context, p Page) ([]InferenceBlock, error) {
	f.page = p
	return nil, f.err
}
func (f *fake) Receipts(_ context.Context, limit int, before string) ([]Receipt, error) {
	return []Receipt{{ID: before, TokensIn: uint32(limit)}}, f.err
}
func (f *fake) Receipt(_ context.Context, id string) (Receipt, error) {
	return Receipt{ID: id, Verdict: VerdictInvalid, Fee: amount.Max}, f.err
}
func (f *fake) Balances(_ context.Context, q BalanceQuery) ([]Balance, error) {
	f.query = q
	return nil, f.err
}
func (f *fake) Supply(context.Context) (Supply, error) { return f.supply, f.err }
func (f *fake) Send(_ context.Context, s Send) (Sent, error) {
	f.sent = append(f.sent, s)
	return Sent{Layer: s.Layer, TxID: id}, f.err
}

func call(a *API, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func code(w *httptest.ResponseRecorder) string {
	var f Failure
	if json.Unmarshal(w.Body.Bytes(), &f) != nil || f.Error.Message == "" {
		return "no failure: " + w.Body.String()
	}
	return f.Error.Code
}

func TestListsPassOnTheirPages(t *testing.T) {
	f := &fake{}
	a := New(Config{Source: f})
	for _, path := range []string{"/api/ledger/blocks", "/api/elections", "/api/inference/blocks"} {
		f.page = Page{}
		if w := call(a, "GET", path, ""); w.Code != 200 || f.page != (Page{Limit: 20}) || !strings.HasPrefix(w.Body.String(), "[") {
			t.Errorf("%s: %d %s, page %+v", path, w.Code, w.Body, f.page)
		}
		if w := call(a, "GET", path+"?limit=100&before=77", ""); w.Code != 200 || f.page != (Page{100, 77}) {
			t.Errorf("%s: %d, page %+v", path, w.Code, f.page)
		}
		for _, q := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "before=0", "before=-1", "before=x", "before=18446744073709551616"} {
			if w := call(a, "GET", path+"?"+q, ""); w.Code != 400 || code(w) != "bad_request" {
				t.Errorf("%s?%s: %d %s", path, q, w.Code, w.Body)
			}
		}
	}
	if w := call(a, "GET", "/api/receipts?limit=3&before="+id, ""); w.Code != 200 || !strings.Contains(w.Body.String(), id) {
		t.Errorf("receipts: %d %s", w.Code, w.Body)
	}
}

func TestReceiptsAreAskedForById(t *testing.T) {
	a := New(Config{Source: &fake{}})
	w := call(a, "GET", "/api/receipts/"+id, "")
	var r Receipt
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || r.ID != id || r.Verdict != VerdictInvalid || r.Fee != amount.Max {
		t.Errorf("%s, %v", w.Body, err)
	}
	for _, bad := range []string{"x", id[:62], strings.ToUpper(id), id + "00", "%00"} {
		if w := call(a, "GET", "/api/receipts/"+bad, ""); w.Code != 400 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
}

func TestErrorsOfTheSourceHaveTheirStatus(t *testing.T) {
	for err, want := range map[error]int{ErrRequest: 400, ErrNoFunds: 402, ErrNotFound: 404, ErrSyncing: 503, errors.New("disk"): 500} {
		a := New(Config{Source: &fake{err: fmt.Errorf("reading: %w", err)}})
		for _, path := range []string{"/api/status", "/api/supply", "/api/balances", "/api/elections", "/api/receipts", "/api/receipts/" + id} {
			if w := call(a, "GET", path, ""); w.Code != want || code(w) == "" {
				t.Errorf("%s with %v: %d %s", path, err, w.Code, w.Body)
			}
		}
	}
	a := New(Config{Source: &fake{}})
	if w := call(a, "GET", "/api/nothing", ""); w.Code != 404 || code(w) != "not_found" {
		t.Errorf("unknown path: %d %s", w.Code, w.Body)
	}
	if w := call(a, "POST", "/api/status", ""); w.Code != 405 || code(w) != "method_not_allowed" {
		t.Errorf("POST to a list: %d %s", w.Code, w.Body)
	}
	if w := call(New(Config{Source: unencodable{&fake{}}}), "GET", "/api/elections", ""); w.Code != 500 || code(w) != "internal" {
		t.Errorf("unencodable: %d %s", w.Code, w.Body)
	}
}

type unencodable struct{ *fake }

func (unencodable) Elections(context.Context, Page) ([]Election, error) {
	return []Election{{Candidates: []Candidate{{Odds: math.NaN()}}}}, nil
}

func TestBalancesOfWhom(t *testing.T) {
	f := &fake{}
	a := New(Config{Source: f})
	if w := call(a, "GET", "/api/balances", ""); w.Code != 200 || f.query.Of != BalancesOwn || w.Body.String() != "[]\n" {
		t.Errorf("%d %s %+v", w.Code, w.Body, f.query)
	}
	if w := call(a, "GET", "/api/balances?of=all&limit=5&address=x&address=y", ""); w.Code != 200 || f.query.Of != BalancesAll || len(f.query.Addresses) != 2 || f.query.Limit != 5 {
		t.Errorf("%d %+v", w.Code, f.query)
	}
	for _, q := range []string{"of=mine", "address=", "address=" + strings.Repeat("x", 129), strings.Repeat("address=x&", 101)} {
		if w := call(a, "GET", "/api/balances?"+q, ""); w.Code != 400 {
			t.Errorf("%.30s: %d", q, w.Code)
		}
	}
}

func TestSupplyIsCheckedNotBelieved(t *testing.T) {
	good := Supply{
		Ledger:    LayerSupply{Issued: 100, Held: 70, Burned: 30, Immature: 5},
		Inference: LayerSupply{Issued: 50, Credited: 30, Held: 75, Burned: 5, Escrow: 10, Staked: 20},
	}
	cases := map[string]struct {
		change func(*Supply)
		want   bool
	}{
		"right":                {func(*Supply) {}, true},
		"coin made":            {func(s *Supply) { s.Ledger.Held++ }, false},
		"coin lost":            {func(s *Supply) { s.Inference.Burned-- }, false},
		"credited twice":       {func(s *Supply) { s.Inference.Credited++; s.Inference.Held++ }, false},
		"parts exceed whole":   {func(s *Supply) { s.Inference.Bonded = 46 }, false},
		"overflow":             {func(s *Supply) { s.Ledger.Held = math.MaxUint64 }, false},
		"over the cap of both": {func(s *Supply) { s.Ledger.Issued, s.Ledger.Held = amount.Max+1, amount.Max-29 }, false},
	}
	for name, c := range cases {
		s := good
		c.change(&s)
		w := call(New(Config{Source: &fake{supply: s}}), "GET", "/api/supply", "")
		var got SupplyAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Balanced != c.want || got.Supply != s {
			t.Errorf("%s: %s, %v", name, w.Body, err)
		}
		if name == "right" && got.Total != 145 {
			t.Errorf("total %d", got.Total)
		}
	}
}

func TestWalletNeedsItsToken(t *testing.T) {
	const order = `{"layer":"ledger","to":"faid1x","amount":5}`
	f := &fake{}
	a := New(Config{Source: f, Token: "secret"})
	js := []string{"Content-Type", "application/json"}
	for _, auth := range []string{"", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Basic secret", "secret"} {
		if w := call(a, "POST", "/api/wallet/send", order, append(js, "Authorization", auth)...); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %d", auth, w.Code)
		}
	}
	ok := []string{"Content-Type", "application/json", "Authorization", "bearer secret"}
	if w := call(New(Config{Source: f}), "POST", "/api/wallet/send", order, "Authorization", "Bearer "); w.Code != 403 {
		t.Errorf("no token set: %d", w.Code)
	}
	if w := call(a, "POST", "/api/wallet/send", order, "Authorization", "Bearer secret", "Content-Type", "text/plain"); w.Code != 415 {
		t.Errorf("content type: %d", w.Code)
	}
	for _, bad := range []string{``, `{`, `[]`, order + `x`, order + `{}`, `{"layer":"moon","to":"x","amount":1}`, `{"layer":"ledger","amount":1}`,
		`{"layer":"ledger","to":"x","amount":0}`, `{"layer":"ledger","to":"x","amount":-1}`, `{"layer":"ledger","to":"x","amount":1.5}`,
		`{"layer":"ledger","to":"x","amount":2100000000000001}`, `{"layer":"ledger","to":"x","amount":1,"fee":7}`} {
		if w := call(a, "POST", "/api/wallet/send", bad, ok...); w.Code != 400 {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	if w := call(a, "POST", "/api/wallet/send", strings.Repeat(" ", maxSend+1), ok...); w.Code != 413 {
		t.Errorf("large: %d", w.Code)
	}
	if len(f.sent) != 0 {
		t.Fatalf("paid without leave: %+v", f.sent)
	}
	if w := call(a, "POST", "/api/wallet/send", order, ok...); w.Code != 200 || len(f.sent) != 1 || f.sent[0] != (Send{"ledger", "faid1x", 5}) {
		t.Errorf("%d %s %+v", w.Code, w.Body, f.sent)
	}
}

func FuzzDecodeSend(f *testing.F) {
	f.Add([]byte(`{"layer":"ledger","to":"faid1x","amount":5}`))
	f.Add([]byte(`{"layer":"inference","to":"ST1","amount":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxSend {
			return
		}
		s, err := decodeSend(b)
		if err != nil && !errors.Is(err, ErrRequest) || err == nil && (s.Amount == 0 || s.Amount > amount.Max || s.To == "") {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}

func TestCookieIsMadeOnceAndKeptPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cookie")
	var wg sync.WaitGroup
	tokens := make([]string, 8)
	for i := range tokens {
		wg.Go(func() {
			var err error
			if tokens[i], err = Cookie(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, tok := range tokens {
		if len(tok) != 64 || tok != tokens[0] {
			t.Errorf("tokens differ: %q", tokens)
		}
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".cookie-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	os.WriteFile(path, []byte("short"), 0o600)
	if _, err := Cookie(path); err == nil {
		t.Error("a broken cookie is taken")
	}
}

// listen opens an event stream and returns its lines once the hub knows of it.
func listen(t *testing.T, url string) *bufio.Scanner {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != 200 {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("%d %s", res.StatusCode, b)
	}
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != "retry: 1000" || !lines.Scan() {
		t.Fatalf("stream begins with %q", lines.Text())
	}
	return lines
}

func TestEventsReachEveryListener(t *testing.T) {
	a := New(Config{Source: &fake{}, Registerer: prometheus.NewRegistry()})
	srv := httptest.NewServer(a)
	defer srv.Close()
	defer a.Close()
	one, two := listen(t, srv.URL), listen(t, srv.URL)
	a.Publish(Event{KindVerdict, Receipt{ID: "line\nbreak", Verdict: VerdictValid}})
	a.Publish(Event{KindBalance, math.NaN()}) // cannot be encoded: left out
	a.Publish(Event{KindLedgerBlock, LedgerBlock{Height: 7}})
	for _, l := range []*bufio.Scanner{one, two} {
		var got []string
		for len(got) < 8 && l.Scan() {
			got = append(got, l.Text())
		}
		if len(got) < 8 || got[0] != "id: 1" || got[1] != "event: verdict" || !strings.HasPrefix(got[2], `data: {"id":"line\nbreak","verdict":"valid"`) ||
			got[4] != "id: 2" || got[5] != "event: ledger_block" || !strings.HasPrefix(got[6], `data: {"height":7`) {
			t.Errorf("got %q", got)
		}
	}
}

func TestIdleStreamHasAHeartbeat(t *testing.T) {
	a := New(Config{Source: &fake{}, Heartbeat: time.Millisecond})
	srv := httptest.NewServer(a)
	defer srv.Close()
	defer a.Close()
	if l := listen(t, srv.URL); !l.Scan() || l.Text() != ": alive" {
		t.Errorf("got %q", l.Text())
	}
}

func TestSlowListenerIsDroppedAndOthersAreNot(t *testing.T) {
	a := New(Config{Source: &fake{}, WriteTimeout: 100 * time.Millisecond})
	slow, ok := a.hub.add()
	if !ok {
		t.Fatal("no room")
	}
	for i := range buffered + 1 {
		a.Publish(Event{KindBalance, i})
	}
	a.Publish(Event{KindBalance, "after"}) // to nobody: must not touch the closed channel
	n := 0
	for range slow.events { // ends because it was closed
		n++
	}
	if n != buffered || len(a.hub.listeners) != 0 {
		t.Errorf("%d events buffered, %d listeners left", n, len(a.hub.listeners))
	}
	a.hub.handlers.Done() // what run does at its end
	a.Close()
}

func TestListenersAreBoundedAndCloseEndsThem(t *testing.T) {
	a := New(Config{Source: &fake{}, MaxClients: 1})
	srv := httptest.NewServer(a)
	defer srv.Close()
	l := listen(t, srv.URL)
	if w := call(a, "GET", "/api/events", ""); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("second listener: %d", w.Code)
	}
	a.Close()
	a.Close()
	if l.Scan() {
		t.Errorf("stream goes on with %q", l.Text())
	}
	if w := call(a, "GET", "/api/events", ""); w.Code != 429 {
		t.Errorf("after Close: %d", w.Code)
	}
}
