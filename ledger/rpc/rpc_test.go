package rpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// methods are what the tests call.
func methods() Methods {
	return Methods{
		"add": {Params: []string{"a", "b|second"}, Help: "add a ( b )\n\nAdds.", Category: "Sums",
			Do: func(_ context.Context, a Args) (any, error) {
				x, err := Need[int64](a, 0, "a")
				if err != nil {
					return nil, err
				}
				y, err := Arg[int64](a, 1, 1)
				return x + y, err
			}},
		"panic": {Help: "panic", Do: func(context.Context, Args) (any, error) { panic("on purpose") }},
		"fail":  {Help: "fail", Do: func(context.Context, Args) (any, error) { return nil, errors.New("did <not> work") }},
		"null":  {Help: "null", Do: func(context.Context, Args) (any, error) { return nil, nil }},
		"sum": {Params: []string{"amount"}, Help: "sum", Do: func(_ context.Context, a Args) (any, error) {
			return Need[Amount](a, 0, "amount")
		}},
		"wallet": {Help: "wallet", Do: func(ctx context.Context, _ Args) (any, error) {
			name, ok := Wallet(ctx)
			return []any{name, ok}, nil
		}},
	}
}

// start serves on a port of its own.
func start(t *testing.T, cfg Config) (s *Server, url string) {
	t.Helper()
	if cfg.Methods == nil {
		cfg.Methods = methods()
	}
	if cfg.User == "" && cfg.CookieFile == "" && cfg.Auth == nil {
		cfg.User, cfg.Password = "user", "password"
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + l.Addr().String()
}

// post sends a body as the user of the tests and returns status and answer.
func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("user", "password")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSuffix(string(b), "\n")
}

// TestAnswersAreBitcoinCores holds requests of all versions to the answers of doc/JSON-RPC-interface.md and of Bitcoin
// Core's test/functional/interface_rpc.py.
func TestAnswersAreBitcoinCores(t *testing.T) {
	_, url := start(t, Config{MaxBatch: 3})
	for _, c := range []struct {
		name, body string
		status     int
		answer     string
	}{
		{"1.0", `{"method":"add","params":[1,2],"id":"x"}`, 200, `{"result":3,"error":null,"id":"x"}`},
		{"1.0 by name", `{"jsonrpc":"1.0","method":"add","params":{"a":1,"second":5},"id":7}`, 200, `{"result":6,"error":null,"id":7}`},
		{"1.1", `{"version":"1.1","method":"add","params":[1],"id":null}`, 200, `{"result":2,"error":null,"id":null}`},
		{"1.0 without id", `{"method":"add","params":[1]}`, 200, `{"result":2,"error":null,"id":null}`},
		{"2.0", `{"jsonrpc":"2.0","method":"add","params":[1],"id":1}`, 200, `{"jsonrpc":"2.0","result":2,"id":1}`},
		{"2.0 null result", `{"jsonrpc":"2.0","method":"null","id":1}`, 200, `{"jsonrpc":"2.0","result":null,"id":1}`},
		{"2.0 notification", `{"jsonrpc":"2.0","method":"add","params":[1]}`, 204, ``},
		{"2.0 notification that fails", `{"jsonrpc":"2.0","method":"fail"}`, 204, ``},
		{"2.0 with id null", `{"jsonrpc":"2.0","method":"null","id":null}`, 200, `{"jsonrpc":"2.0","result":null,"id":null}`},
		{"positions and names", `{"method":"add","params":{"args":[1],"b":2},"id":1}`, 200, `{"result":3,"error":null,"id":1}`},
		{"name twice", `{"method":"add","params":{"args":[1],"a":2},"id":1}`, 500, `{"result":null,"error":{"code":-8,"message":"Parameter a specified twice both as positional and named argument"},"id":1}`},
		{"aliases twice", `{"method":"add","params":{"a":1,"b":2,"second":3},"id":1}`, 500, `{"result":null,"error":{"code":-8,"message":"Parameter b|second specified multiple times"},"id":1}`},
		{"unknown name", `{"method":"add","params":{"c":1},"id":1}`, 500, `{"result":null,"error":{"code":-8,"message":"Unknown named parameter c"},"id":1}`},
		{"too few", `{"method":"add","params":[],"id":1}`, 500, `{"result":null,"error":{"code":-1,"message":"add a ( b )\n\nAdds."},"id":1}`},
		{"null is absent", `{"method":"add","params":[null],"id":1}`, 500, `{"result":null,"error":{"code":-1,"message":"add a ( b )\n\nAdds."},"id":1}`},
		{"too many", `{"method":"add","params":[1,2,3],"id":1}`, 500, `{"result":null,"error":{"code":-1,"message":"add a ( b )\n\nAdds."},"id":1}`},
		{"wrong type", `{"method":"add","params":["1"],"id":1}`, 500, `{"result":null,"error":{"code":-3,"message":"Wrong type passed:\n{\n    \"Position 1 (a)\": \"JSON value of type string is not of expected type number\"\n}"},"id":1}`},
		{"not an integer", `{"method":"add","params":[1.5],"id":1}`, 500, `{"result":null,"error":{"code":-1,"message":"JSON integer out of range"},"id":1}`},
		{"amount", `{"method":"sum","params":["0.10000001"],"id":1}`, 200, `{"result":0.10000001,"error":null,"id":1}`},
		{"amount too large", `{"method":"sum","params":[21000001],"id":1}`, 500, `{"result":null,"error":{"code":-3,"message":"Amount out of range"},"id":1}`},
		{"unknown method", `{"method":"x","id":1}`, 404, `{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}`},
		{"unknown method, 2.0", `{"jsonrpc":"2.0","method":"x","id":1}`, 200, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}`},
		{"no method", `{"id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"Missing method"},"id":1}`},
		{"method of a wrong type", `{"method":1,"id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"Method must be a string"},"id":1}`},
		{"parameters of a wrong type", `{"method":"null","params":1,"id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"Params must be an array or object"},"id":1}`},
		{"version of a wrong type", `{"jsonrpc":2,"method":"null","id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"jsonrpc field must be a string"},"id":1}`},
		{"unknown version", `{"jsonrpc":"3.0","method":"null","id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"JSON-RPC version not supported"},"id":1}`},
		{"failure", `{"method":"fail","id":1}`, 500, `{"result":null,"error":{"code":-1,"message":"did <not> work"},"id":1}`},
		{"panic", `{"method":"panic","id":1}`, 500, `{"result":null,"error":{"code":-32603,"message":"Internal error"},"id":1}`},
		{"no JSON", `{"method"`, 500, `{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}`},
		{"nothing", ``, 500, `{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}`},
		{"no object", `"x"`, 500, `{"result":null,"error":{"code":-32700,"message":"Top-level object parse error"},"id":null}`},
		{"batch", `[{"method":"add","params":[1],"id":1},{"jsonrpc":"2.0","method":"x","id":2},{"jsonrpc":"2.0","method":"null"}]`, 200,
			`[{"result":2,"error":null,"id":1},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":2}]`},
		{"batch of nothing", `[]`, 200, `[]`},
		{"batch of no requests", `[1]`, 200, `[{"result":null,"error":{"code":-32600,"message":"Invalid Request object"},"id":null}]`},
		{"batch of notifications", `[{"jsonrpc":"2.0","method":"null"}]`, 204, ``},
		{"batch too large", `[1,2,3,4]`, 400, `{"result":null,"error":{"code":-32600,"message":"Batch of 4 requests exceeds the most, 3"},"id":null}`},
	} {
		if status, answer := post(t, url, c.body); status != c.status || answer != c.answer {
			t.Errorf("%s: %d %s\nwant %d %s", c.name, status, answer, c.status, c.answer)
		}
	}
}

func TestPathsNameWallets(t *testing.T) {
	_, url := start(t, Config{})
	const body = `{"jsonrpc":"2.0","method":"wallet","id":1}`
	for path, want := range map[string]string{"/": `["",false]`, "/wallet/": `["",true]`, "/wallet/my%20own": `["my own",true]`} {
		if _, got := post(t, url+path, body); got != `{"jsonrpc":"2.0","result":`+want+`,"id":1}` {
			t.Errorf("%s: %s", path, got)
		}
	}
	if status, _ := post(t, url+"/rest", body); status != http.StatusNotFound {
		t.Errorf("unknown path: %d", status)
	}
	var got []any
	if err := Dial(url, "user", "password").Wallet("w").Call(t.Context(), "wallet", &got); err != nil || got[0] != "w" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestPasswords(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, ".cookie")
	// Made by Bitcoin Core's share/rpcauth/rpcauth.py scheme: HMAC-SHA256 of "secret" under the salt "9f5c".
	c := credential{salt: "9f5c"}
	hash := c.of("secret")
	line := "alice:9f5c$" + hex.EncodeToString(hash[:])
	s, url := start(t, Config{User: "user", Password: "password", Auth: []string{line}, CookieFile: file})
	if _, err := New(Config{CookieFile: file}); !errors.Is(err, ErrCookieInUse) {
		t.Errorf("cookie of a running node: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("cookie file: %v, %v", info, err)
	}
	cookie, err := DialCookie(url, file)
	if err != nil {
		t.Fatal(err)
	}
	for name, cl := range map[string]*Client{"password": Dial(url, "user", "password"), "rpcauth": Dial(url, "alice", "secret"), "cookie": cookie} {
		var up int64
		if err := cl.Call(t.Context(), "uptime", &up); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, cl := range []*Client{Dial(url, "", ""), Dial(url, "user", ""), Dial(url, "user", "secret"), Dial(url, "alice", "password"), Dial(url, "__cookie__", "")} {
		if err := cl.Call(t.Context(), "uptime", nil); !errors.Is(err, ErrPassword) {
			t.Errorf("%s %q was let in: %v", cl.user, cl.password, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("cookie file after close: %v", err)
	}
	if again, err := New(Config{CookieFile: file}); err != nil {
		t.Errorf("after close: %v", err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestServerNeedsASecret(t *testing.T) {
	if _, err := New(Config{}); !errors.Is(err, ErrNoPassword) {
		t.Error(err)
	}
	for _, cfg := range []Config{{User: "u"}, {Password: "p"}, {Auth: []string{"x"}}, {Auth: []string{"u:s$00"}}} {
		if s, err := New(cfg); err == nil {
			t.Errorf("%+v made a server", cfg)
			s.Close()
		}
	}
}

func TestHTTPStatuses(t *testing.T) {
	s, _ := start(t, Config{MaxBody: 100})
	for _, c := range []struct {
		name, method, body, user string
		header                   http.Header
		status                   int
	}{
		{"not POST", http.MethodGet, "", "user", nil, 405},
		{"no password", http.MethodPost, "{}", "", nil, 401},
		{"too long", http.MethodPost, strings.Repeat(" ", 101), "user", nil, 413},
		{"a form of another site", http.MethodPost, "{}", "user", http.Header{"Origin": {"http://evil"}, "Content-Type": {"text/plain"}}, 403},
	} {
		r := httptest.NewRequest(c.method, "/", strings.NewReader(c.body))
		if c.header != nil {
			r.Header = c.header
		}
		if c.user != "" {
			r.SetBasicAuth(c.user, "password")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.status)
		}
	}
}

// TestFullQueueIsRefused holds a server with one worker and a queue of one to Bitcoin Core's status 503, and calls that
// only wait to not being counted.
func TestFullQueueIsRefused(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	ms := methods()
	ms["hold"] = Method{Help: "hold", Do: func(context.Context, Args) (any, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	}}
	ms["idle"] = Method{Help: "idle", Do: func(ctx context.Context, _ Args) (any, error) {
		Idle(ctx, func() {
			entered <- struct{}{}
			<-leave
		})
		return nil, nil
	}}
	s, url := start(t, Config{Methods: ms, Workers: 1, Queue: 1})
	cl := Dial(url, "user", "password")
	results := make(chan error, 3)
	call := func(m string) { go func() { results <- cl.Call(t.Context(), m, nil) }() }
	call("idle")
	<-entered
	call("hold") // the idle one's worker is free
	<-entered
	call("null") // waits
	for s.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := cl.Call(t.Context(), "null", nil); !errors.Is(err, ErrBusy) {
		t.Errorf("third: %v", err)
	}
	close(leave)
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestCloseEndsCallsThatWait(t *testing.T) {
	entered := make(chan struct{})
	ms := Methods{"wait": {Help: "wait", Do: func(ctx context.Context, _ Args) (any, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}}}
	s, url := start(t, Config{Methods: ms})
	result := make(chan error, 1)
	go func() { result <- Dial(url, "user", "password").Call(t.Context(), "wait", nil) }()
	<-entered
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if err := <-result; !errors.As(err, &e) || e.Message != "Shutting down" {
		t.Error(err)
	}
}

func TestControl(t *testing.T) {
	stopped := make(chan struct{})
	_, url := start(t, Config{Stop: func() { close(stopped) }, LogPath: "/log"})
	cl := Dial(url, "user", "password")
	var text string
	if err := cl.Call(t.Context(), "help", &text); err != nil || !strings.Contains(text, "== Control ==\ngetrpcinfo\nhelp ( \"command\" )\nstop\nuptime\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if err := cl.Call(t.Context(), "help", &text, "add"); err != nil || text != "add a ( b )\n\nAdds." {
		t.Errorf("%q, %v", text, err)
	}
	if err := cl.Call(t.Context(), "help", &text, "x"); err != nil || text != "help: unknown command: x" {
		t.Errorf("%q, %v", text, err)
	}
	var info rpcInfo
	if err := cl.Call(t.Context(), "getrpcinfo", &info); err != nil || len(info.Active) != 1 || info.Active[0].Method != "getrpcinfo" || info.LogPath != "/log" {
		t.Errorf("%+v, %v", info, err)
	}
	for range 2 { // the second changes nothing
		if err := cl.Call(t.Context(), "stop", &text); err != nil || text != "funai stopping" {
			t.Errorf("%q, %v", text, err)
		}
	}
	<-stopped
}

func TestAmountsAreExact(t *testing.T) {
	for s, want := range map[string]Amount{
		"0": 0, "1": 1e8, "1.5": 15e7, "0.00000001": 1, `"20999999.99999999"`: 2099999999999999, "1e-8": 1, "1.0e2": 100e8, "-1": -1e8, "-0.00000001": -1,
		`"0.10"`: 1e7, "0.000000010": 1, "0e5": 0, "100000000000e-11": 1e8, "0.0000000000": 0,
	} {
		var a Amount
		if err := json.Unmarshal([]byte(s), &a); err != nil || a != want {
			t.Errorf("%s: %d, %v; want %d", s, a, err, want)
		}
	}
	for _, s := range []string{`""`, `"1."`, `".5"`, `"+1"`, "-21000000.00000001", `"--1"`, "0.000000001", "1e-9", "21000000.00000001", "1e100", "1e999", `"0x1"`, `"1 "`, "true", "[]",
		"{}", `"01"`, `"1e"`, `"-"`, `"1e+-3"`, `"1_0"`, "9223372036854775807", `"` + strings.Repeat("9", 100) + `"`} {
		var a Amount
		var e *Error
		if err := json.Unmarshal([]byte(s), &a); !errors.As(err, &e) || e.Code != CodeType {
			t.Errorf("%s: %d, %v", s, a, err)
		}
	}
	var n NonNegative
	for s, good := range map[string]bool{"0": true, "-0": true, "1.5": true, "-0.00000001": false, `"-1"`: false} {
		if err := json.Unmarshal([]byte(s), &n); err == nil != good {
			t.Errorf("%s: %d, %v", s, n, err)
		}
	}
	for a, want := range map[Amount]string{0: "0.00000000", 1: "0.00000001", -1: "-0.00000001", 15e7: "1.50000000", -250e8: "-250.00000000"} {
		if b, err := json.Marshal(a); err != nil || string(b) != want {
			t.Errorf("%d: %s, %v", a, b, err)
		}
	}
}

// TestPasswordsGoToTheNodeAlone sends a client elsewhere in both ways that there are.
func TestPasswordsGoToTheNodeAlone(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	node := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer node.Close()
	c := Dial(node.URL, "user", "password")
	if err := c.Call(t.Context(), "walletpassphrase", nil, "secret", 1); !errors.Is(err, ErrProtocol) {
		t.Error(err)
	}
	if c.http.Transport.(*http.Transport).Proxy != nil {
		t.Error("the environment may send passwords through a proxy")
	}
}

func TestUnknownOptionsAreRefused(t *testing.T) {
	type common struct {
		Target int `json:"conf_target"`
	}
	type options struct {
		common
		Rate   Amount `json:"fee_rate,omitempty"`
		Inputs []struct {
			Vout int `json:"vout"`
		} `json:"inputs"`
	}
	for s, code := range map[string]int{
		`{"conf_target":6,"fee_rate":1,"inputs":[{"vout":1,"amount":5}]}`: 0, `{}`: 0, `null`: 0, // inputs may be pasted from a list of coins
		`{"feerate":1}`: CodeType, `{"Fee_rate":1}`: CodeType, `{"":1}`: CodeType, `[]`: CodeType, `{"fee_rate":true}`: CodeType,
	} {
		var o options
		err := Options(Args{json.RawMessage(s)}, 0, &o)
		if err == nil && code == 0 {
			continue
		}
		if err == nil || asError(err, &Method{Params: []string{"options"}}).Code != code {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// FuzzBodies feeds the server whatever may come: it always answers with JSON, or with nothing, and never panics.
func FuzzBodies(f *testing.F) {
	for _, s := range []string{`{"method":"add","params":[1,2],"id":1}`, `{"jsonrpc":"2.0","method":"add","params":{"a":1}}`, `[]`, `[{"method":"sum","params":["1e-8"],"id":{}}]`,
		`{"method":"add","params":{"args":[1,2,3],"b":2},"id":[1]}`, `{"id":`, "\xff", `[[[[`, `{"method":"help","params":["\u0000"]}`} {
		f.Add([]byte(s))
	}
	s, err := New(Config{Methods: methods(), User: "u", Password: "p"})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	f.Fuzz(func(t *testing.T, body []byte) {
		reply, status := s.handle(t.Context(), body)
		if reply == nil != (status == http.StatusNoContent) || reply != nil && !json.Valid(reply) {
			t.Fatalf("%d %q", status, reply)
		}
	})
}

// FuzzAmount holds reading an amount to writing it.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"1.5", `"0.00000001"`, "1e-8", "-0", "210000e2", "00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var a, again Amount
		if json.Unmarshal(b, &a) != nil {
			return
		}
		if err := json.Unmarshal([]byte(a.String()), &again); err != nil || a != again {
			t.Fatalf("%s read as %v, which reads as %v, %v", b, a, again, err)
		}
	})
}

// BenchmarkCall is one small call over a connection that stays open.
func BenchmarkCall(b *testing.B) {
	s, err := New(Config{Methods: methods(), User: "user", Password: "password"})
	if err != nil {
		b.Fatal(err)
	}
	h := httptest.NewServer(s)
	defer s.Close()
	defer h.Close()
	cl := Dial(h.URL, "user", "password")
	for b.Loop() {
		var sum int
		if err := cl.Call(b.Context(), "add", &sum, 1, 2); err != nil || sum != 3 {
			b.Fatal(sum, err)
		}
	}
}
