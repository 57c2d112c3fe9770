package ledgernode

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/rpc"
)

// config is a node on the dev network, with RPC.
func config(dir string) Config {
	return Config{Params: consensus.Dev(), Dir: dir, RPC: &RPC{Listen: "127.0.0.1:0"}, Surroundings: Surroundings{NoSync: true}}
}

func open(t *testing.T, cfg Config) *Node {
	t.Helper()
	n, err := Open(cfg)
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

func client(t *testing.T, n *Node) *rpc.Client {
	t.Helper()
	c, err := rpc.DialCookie("http://"+n.RPCAddr(), filepath.Join(n.cfg.Dir, CookieFile))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func call[T any](t *testing.T, n *Node, method string, params ...any) (v T) {
	t.Helper()
	if err := client(t, n).Call(t.Context(), method, &v, params...); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return v
}

// TestNodeKeepsWhatItHasOverARestart the chain, and a transaction that waits.
func TestNodeKeepsWhatItHasOverARestart(t *testing.T) {
	dir := t.TempDir()
	n := open(t, config(dir))
	k := chaintest.Key(t, 1)
	coins := chaintest.MineN(t, n.Chain, chaintest.Script(k), 12)
	value := n.Chain.Params().Subsidy(1)
	tx := chaintest.Spend(t, k, coins[0], value, wire.NewTxOut(value-1000, chaintest.Script(k)))
	if _, err := n.Pool.Accept(tx); err != nil {
		t.Fatal(err)
	}
	tip := n.Chain.Tip()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, CookieFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("cookie file after close: %v", err)
	}
	n = open(t, config(dir))
	if got := n.Chain.Tip(); got != tip {
		t.Errorf("tip %v, want %v", got, tip)
	}
	for !n.Pool.Info().Loaded {
		<-n.Pool.Changed()
	}
	if n.Pool.Get(tx.TxHash()) == nil {
		t.Error("the transaction is gone")
	}
}

// TestFolderHasOneNode also while the other one is of another network.
func TestFolderHasOneNode(t *testing.T) {
	dir := t.TempDir()
	open(t, config(dir))
	other := config(dir)
	other.Params = consensus.Test()
	for _, cfg := range []Config{config(dir), other} {
		if n, err := Open(cfg); !errors.Is(err, ErrInUse) {
			t.Errorf("%v, %v", n, err)
		}
	}
}

// TestFailedOpenLeavesNothingOpen goes on to open the same folder.
func TestFailedOpenLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	listens, serves, measures, prunes, wallet := config(dir), config(dir), config(dir), config(dir), config(dir)
	listens.Listen = taken
	serves.RPC.Listen = taken
	measures.Metrics, measures.MetricsListen = prometheus.NewRegistry(), taken
	prunes.TxIndex, prunes.PruneBytes = true, 1
	for _, cfg := range []Config{listens, serves, measures} {
		if _, err := Open(cfg); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%v", err)
		}
	}
	if _, err := Open(prunes); !errors.Is(err, chain.ErrPruneIndex) {
		t.Errorf("%v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, WalletDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, WalletDir, "keys"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(wallet); err == nil || !strings.HasPrefix(err.Error(), "wallet: ") {
		t.Errorf("damaged wallet: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, WalletDir)); err != nil {
		t.Fatal(err)
	}
	open(t, config(dir))
}

// TestStopEndsTheNode by RPC.
func TestStopEndsTheNode(t *testing.T) {
	n := open(t, config(t.TempDir()))
	if got := call[string](t, n, "stop"); got != "funai stopping" {
		t.Error(got)
	}
	<-n.Done()
	if err := errors.Join(n.Err(), n.Close()); err != nil {
		t.Error(err)
	}
}

// TestNodesFindOneChain: one mines, the other follows over TCP, and has the same coins by RPC.
func TestNodesFindOneChain(t *testing.T) {
	mines := config(t.TempDir())
	mines.Listen, mines.Mine = "127.0.0.1:0", chaintest.Script(chaintest.Key(t, 1))
	mines.Interval = func() time.Duration { return 10 * time.Millisecond }
	a := open(t, mines)
	follows := config(t.TempDir())
	follows.Connect, follows.OnlyConnect = []string{a.Addr()}, true
	b := open(t, follows)
	for b.Chain.Tip().Height < 5 {
		<-b.Chain.Changed()
	}
	if n := call[int](t, b, "getconnectioncount"); n != 1 {
		t.Errorf("%d connections", n)
	}
	at := call[string](t, b, "getblockhash", 5)
	if got := call[string](t, a, "getblockhash", 5); got != at {
		t.Errorf("%s and %s at height 5", got, at)
	}
	if got := call[struct{ Code *int }](t, b, "getnetworkinfo"); got.Code != nil {
		t.Error(got)
	}
}

// TestNodesAreFoundFromASeed and tell the addresses of theirs that they are given.
func TestNodesAreFoundFromASeed(t *testing.T) {
	seed := config(t.TempDir())
	seed.Listen = "127.0.0.1:0"
	seed.External = []string{"203.0.113.7:1234"}
	a := open(t, seed)
	if as := a.Peers.LocalAddrs(); len(as) != 2 || as[0] != seed.External[0] {
		t.Error(as)
	}
	finds := config(t.TempDir())
	finds.Seeds = []string{a.Addr()}
	b := open(t, finds)
	for len(b.Peers.Peers()) == 0 {
		changed := b.Peers.Changed()
		if len(b.Peers.Peers()) > 0 {
			break
		}
		<-changed
	}
}

// TestMetricsCountCalls over HTTP.
func TestMetricsCountCalls(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Metrics, cfg.MetricsListen = prometheus.NewRegistry(), "127.0.0.1:0"
	n := open(t, cfg)
	call[int](t, n, "getblockcount")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.MetricsAddr()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	for _, want := range []string{`funai_ledger_rpc_calls_total{method="getblockcount",outcome="ok"} 1`, "funai_ledger_peers", "funai_ledger_mempool_transactions"} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s is not in the metrics (%v):\n%s", want, err, text)
		}
	}
}

// TestNodeInMemory keeps nothing on disk.
func TestNodeInMemory(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Params: consensus.Dev(), Dir: dir, Surroundings: Surroundings{FS: vfs.NewMem(),
		Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("no network") }}}
	n := open(t, cfg)
	chaintest.MineN(t, n.Chain, chaintest.Script(chaintest.Key(t, 1)), 3)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
	if n.Addr() != "" || n.RPCAddr() != "" || n.MetricsAddr() != "" {
		t.Error("listens without being told to")
	}
}
