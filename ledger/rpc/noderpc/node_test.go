package noderpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/peer"
	"funai/ledger/rpc"
)

// world is a real node on the dev network, with a chain of its own and RPC over a real socket.
type world struct {
	testing.TB
	c      *chain.Chain
	pool   *mempool.Pool
	peers  *peer.Server
	k      *key.Private
	coins  []wire.OutPoint // coinbases that pay k
	url    string
	client *rpc.Client
}

// newWorld mines blocks that pay k, of which some are mature.
func newWorld(t testing.TB, blocks int, o chain.Options) *world {
	t.Helper()
	o.FS, o.NoSync = vfs.NewMem(), true
	w := &world{TB: t, c: chaintest.Open(t, consensus.Dev(), o), k: chaintest.Key(t, 1)}
	w.coins = chaintest.MineN(t, w.c, chaintest.Script(w.k), blocks)
	w.pool = mempool.New(w.c, mempool.Config{})
	w.peers = peer.New(peer.Config{Chain: w.c, Pool: w.pool})
	s, err := rpc.New(rpc.Config{User: "user", Password: "password",
		Methods: Methods(Node{Chain: w.c, Pool: w.pool, Peers: w.peers, UserAgent: "/test:1.2.3/"})})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	w.url, w.client = h.URL, rpc.Dial(h.URL, "user", "password")
	t.Cleanup(func() {
		h.Close()
		if err := errors.Join(s.Close(), w.peers.Close(), w.pool.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// subsidy is what each of the coins holds, in base units.
func (w *world) subsidy() int64 { return w.c.Params().Subsidy(1) }

// spend signs a transaction that spends a coinbase and leaves a fee.
func (w *world) spend(coin int, fee int64) *wire.MsgTx {
	return chaintest.Spend(w, w.k, w.coins[coin], w.subsidy(), wire.NewTxOut(w.subsidy()-fee, chaintest.Script(w.k)))
}

// pooled is a transaction of the pool.
func (w *world) pooled(coin int, fee int64) *wire.MsgTx {
	w.Helper()
	tx := w.spend(coin, fee)
	if _, err := w.pool.Accept(tx); err != nil {
		w.Fatal(err)
	}
	return tx
}

// call calls a method whose parameters are a JSON array or object.
func (w *world) call(method, params string) (json.RawMessage, error) {
	w.Helper()
	var result json.RawMessage
	if strings.HasPrefix(params, "{") {
		var named map[string]any
		w.unmarshal(params, &named)
		return result, w.client.CallNamed(w.Context(), method, &result, named)
	}
	var list []json.RawMessage
	if params != "" {
		w.unmarshal(params, &list)
	}
	args := make([]any, len(list))
	for i, raw := range list {
		args[i] = raw
	}
	err := w.client.Call(w.Context(), method, &result, args...)
	return result, err
}

func (w *world) unmarshal(s string, to any) {
	w.Helper()
	if err := json.Unmarshal([]byte(s), to); err != nil {
		w.Fatalf("%s: %v", s, err)
	}
}

// ask is call for what must not be refused, decoded.
func ask[T any](w *world, method string, params ...any) (v T) {
	w.Helper()
	if err := w.client.Call(w.Context(), method, &v, params...); err != nil {
		w.Fatalf("%s %v: %v", method, params, err)
	}
	return v
}

// refused holds a call to the code, and the beginning of the message, of its refusal.
func (w *world) refused(code int, message, method, params string) {
	w.Helper()
	v, err := w.call(method, params)
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != code || !strings.HasPrefix(e.Message, message) {
		w.Errorf("%s %.100s: %.100s, %v; want code %d, %q", method, params, v, err, code, message)
	}
}

// keys are an object's names in order; of an array, those of its first element.
func keys(t testing.TB, raw json.RawMessage) string {
	t.Helper()
	raw = bytes.TrimPrefix(bytes.TrimSpace(raw), []byte("["))
	if !bytes.HasPrefix(raw, []byte("{")) {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token()
	var names []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprint(name))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(names, " ")
}

func TestEveryMethodSaysHowItIsCalled(t *testing.T) {
	w := newWorld(t, 1, chain.Options{})
	for name, m := range Methods(Node{Chain: w.c}) {
		usage, text, ok := strings.Cut(m.Help, "\n\n")
		if !ok || text == "" || strings.Fields(usage)[0] != name || m.Category == "" || m.Do == nil {
			t.Errorf("%s: %q, %q", name, m.Help, m.Category)
		}
		if (len(m.Params) == 0) != (usage == name) && name != "verifychain" && name != "getmemoryinfo" {
			t.Errorf("%s has parameters %v and usage %q", name, m.Params, usage)
		}
	}
}
