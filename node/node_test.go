package node

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/inference/api"
	"funai/inference/chain/chaintest"
	"funai/inference/tx"
	"funai/key"
	"funai/p2p"
	"funai/p2p/p2ptest"
)

// config is a node's with nothing to do, on a network in memory.
func config(t *testing.T) Config {
	hosts := p2ptest.New(1)
	t.Cleanup(func() {
		if err := hosts.Close(); err != nil {
			t.Error(err)
		}
	})
	k := chaintest.Key(t, 1)
	return Config{Network: Dev(), Dir: t.TempDir(), Key: k, Cookie: filepath.Join(t.TempDir(), "cookie"),
		Surroundings: Surroundings{FS: vfs.NewMem(), NewHost: func(context.Context, p2p.Config) (Host, error) { return hosts.Host(k), nil }}}
}

// settled waits until no more goroutines run than did.
func settled(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestAFailedStartLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"folder in a file":        func(c *Config) { c.Dir = filepath.Join(file, "node") },
		"ledger's port is taken":  func(c *Config) { c.LedgerListen = taken.Addr().String() },
		"no such address":         func(c *Config) { c.LedgerListen = "256.0.0.1:1" },
		"host's port is taken":    func(c *Config) { c.NewHost = nil; c.Listen = []string{"/ip4/127.0.0.1/tcp/" + port} },
		"host's peer is nonsense": func(c *Config) { c.NewHost = nil; c.Peers = []string{"nonsense"} },
		"contents are a file": func(c *Config) {
			if err := os.WriteFile(filepath.Join(c.Dir, "contents"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			good := config(t)
			bad := good
			before := runtime.NumGoroutine()
			spoil(&bad)
			n, err := Start(t.Context(), bad)
			if err == nil {
				t.Fatal("started", n.Close())
			}
			settled(t, before)
			if name == "contents are a file" {
				return
			}
			// Nothing is locked: what starts next has the same databases.
			if n, err = Start(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			if err := n.Close(); err != nil {
				t.Error(err)
			}
			settled(t, before)
		})
	}
}

func TestANodeCanBeClosedTwice(t *testing.T) {
	cfg := config(t)
	cfg.Mine, cfg.MineInterval = true, func() time.Duration { return time.Hour }
	cfg.Verify, cfg.Bid = true, 1000
	cfg.Wants.Stake = amount.FAI
	before := runtime.NumGoroutine()
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.Done():
		t.Error("stopped by itself")
	default:
	}
	for range 2 {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	<-n.Done()
	settled(t, before)
}

func TestANodeOutlivesTheContextThatItStartedIn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n, err := Start(ctx, config(t))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	h, err := n.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, h, "/healthz"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	for _, err := range []error{h.Close(), n.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
}

func get(t *testing.T, h *HTTP, path string) (int, string) {
	t.Helper()
	r, err := http.Get("http://" + h.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// open starts a node and serves it.
func open(t *testing.T, cfg Config) (*Node, *HTTP) {
	t.Helper()
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := n.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, h
}

func TestPaymentsThatCannotBeAreRefused(t *testing.T) {
	cfg := config(t)
	n, h := open(t, cfg)
	cookie, err := os.ReadFile(cfg.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	other := chaintest.Key(t, 2).Public().Hash160()
	onLedger := other.LedgerAddress(n.cfg.Network.Ledger.Bech32HRPSegwit)
	onInference := other.InferenceAddress(tx.AddressVersion(n.cfg.Network.Inference.Version))
	send := func(token string, order any) int {
		t.Helper()
		b, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, "http://"+h.Addr()+"/api/wallet/send", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	token := strings.TrimSpace(string(cookie))
	for _, layer := range []string{"ledger", "inference"} {
		to, wrong := onLedger, onInference
		if layer == "inference" {
			to, wrong = wrong, to
		}
		for name, c := range map[string]struct {
			to     string
			amount uint64
			want   int
		}{
			"no funds":          {to, uint64(amount.FAI), http.StatusPaymentRequired},
			"nothing":           {to, 0, http.StatusBadRequest},
			"all there is":      {to, uint64(amount.Max), http.StatusPaymentRequired},
			"more than that":    {to, uint64(amount.Max) + 1, http.StatusBadRequest},
			"the other layer's": {wrong, 1, http.StatusBadRequest},
			"no address":        {"nonsense", 1, http.StatusBadRequest},
			"a mistyped one":    {to[:len(to)-1] + "q", 1, http.StatusBadRequest},
			"another network's": {key.Hash160{}.LedgerAddress("bc"), 1, http.StatusBadRequest},
			"empty":             {"", 1, http.StatusBadRequest},
		} {
			if got := send(token, map[string]any{"layer": layer, "to": c.to, "amount": c.amount}); got != c.want {
				t.Errorf("%s, %s: %d, not %d", layer, name, got, c.want)
			}
		}
		if got := send("guessed", map[string]any{"layer": layer, "to": to, "amount": 1}); got != http.StatusUnauthorized {
			t.Errorf("%s without the token: %d", layer, got)
		}
	}
	if got := send(token, map[string]any{"layer": "both", "to": onLedger, "amount": 1}); got != http.StatusBadRequest {
		t.Errorf("no such layer: %d", got)
	}
}

func TestMinedCoinsArePaid(t *testing.T) {
	cfg := config(t)
	cfg.Mine, cfg.MineInterval = true, func() time.Duration { return 0 }
	n, _ := open(t, cfg)
	for n.LedgerBalance().Confirmed == 0 {
		moved := n.LedgerChanged()
		if n.LedgerBalance().Confirmed > 0 {
			break
		}
		select {
		case <-moved:
		case <-time.After(30 * time.Second):
			t.Fatalf("nothing mined at height %d", n.LedgerHeight())
		}
	}
	to := chaintest.Key(t, 2).Public().Hash160().LedgerAddress(n.cfg.Network.Ledger.Bech32HRPSegwit)
	sent, err := (&source{n}).Send(t.Context(), api.Send{Layer: api.LayerLedger, To: to, Amount: 1000})
	if err != nil || sent.TxID == "" {
		t.Errorf("%+v, %v", sent, err)
	}
}

func TestFiguresAreExposed(t *testing.T) {
	_, h := open(t, config(t))
	status, body := get(t, h, "/metrics")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	for _, name := range []string{"funai_ledger_height", "funai_inference_height", "funai_ledger_mempool_transactions", "funai_inference_pool_transactions",
		"funai_peers", "funai_contents_bytes", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(body, "\n"+name+" ") {
			t.Errorf("no %s", name)
		}
	}
	for _, path := range []string{"/api/status", "/api/ledger/blocks", "/api/elections", "/api/inference/blocks", "/api/receipts", "/api/balances", "/api/supply", "/v1/models", "/"} {
		if status, body := get(t, h, path); status != http.StatusOK {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
}

func TestAFailedServeLeavesTheNodeRunning(t *testing.T) {
	n, h := open(t, config(t))
	if _, err := n.Serve(h.Addr()); err == nil {
		t.Error("two on one port")
	}
	n.cfg.Cookie = filepath.Join(t.TempDir(), "no", "such", "folder")
	if _, err := n.Serve("127.0.0.1:0"); err == nil {
		t.Error("no place for the cookie")
	}
	if status, body := get(t, h, "/healthz"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}
