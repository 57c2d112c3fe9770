package noderpc

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/rpc"
)

// TestInvalidateAndReconsider takes two blocks back and has them again.
func TestInvalidateAndReconsider(t *testing.T) {
	w := newWorld(t, 5, chain.Options{})
	tip := w.c.Tip().Hash.String()
	at, _ := w.c.IndexAt(4)
	ask[any](w, "invalidateblock", at.Hash.String())
	if got := ask[int32](w, "getblockcount"); got != 3 {
		t.Fatalf("height %d", got)
	}
	tips := ask[[]chainTip](w, "getchaintips")
	if len(tips) != 2 || tips[0].Status != "invalid" || tips[0].Hash != tip || tips[0].BranchLen != 2 || tips[1].Status != "active" {
		t.Errorf("%+v", tips)
	}
	if h := ask[header](w, "getblockheader", tip); h.Confirmations != -1 || h.Next != "" {
		t.Errorf("%+v", h)
	}
	ask[any](w, "reconsiderblock", tip)
	if got := ask[string](w, "getbestblockhash"); got != tip {
		t.Errorf("tip %s, want %s", got, tip)
	}
	ask[any](w, "preciousblock", at.Hash.String()) // has less work
	if got := ask[string](w, "getbestblockhash"); got != tip {
		t.Errorf("tip %s, want %s", got, tip)
	}
	if !ask[bool](w, "verifychain", 4, 0) {
		t.Error("the chain is not whole")
	}
}

func TestPruneByHeightAndByTime(t *testing.T) {
	w := newWorld(t, 300, chain.Options{PruneBytes: 1 << 40})
	if got := ask[int32](w, "pruneblockchain", 5); got != 5 {
		t.Errorf("pruned to %d", got)
	}
	info := ask[blockchainInfo](w, "getblockchaininfo")
	if !info.Pruned || info.PruneHeight == nil || *info.PruneHeight != 6 || info.AutomaticPruning == nil || !*info.AutomaticPruning {
		t.Errorf("%+v", info)
	}
	at, _ := w.c.IndexAt(3)
	w.refused(rpc.CodeMisc, "Block not available (pruned data)", "getblock", `["`+at.Hash.String()+`"]`)
	w.refused(rpc.CodeMisc, "Block not available (pruned data)", "getblockstats", `[3]`)
	w.refused(rpc.CodeInvalidParameter, "Negative block height.", "pruneblockchain", `[-1]`)
	w.refused(rpc.CodeInvalidParameter, "Blockchain is shorter than the attempted prune height.", "pruneblockchain", `[301]`)
	w.refused(rpc.CodeInvalidParameter, "Could not find block with at least the specified timestamp.", "pruneblockchain", `[4000000000]`)
	if got := ask[int32](w, "pruneblockchain", 300); got != 12 { // the last 288 stay
		t.Errorf("pruned to %d", got)
	}
}

// do calls a method without a server, so that it may be on a fake clock.
func do(ctx context.Context, t testing.TB, n Node, method, params string) (any, error) {
	t.Helper()
	var a rpc.Args
	if err := json.Unmarshal([]byte(params), &a); err != nil {
		t.Fatal(err)
	}
	return Methods(n)[method].Do(ctx, a)
}

// TestWaitsEndWithWhatTheyWaitFor and with their time.
func TestWaitsEndWithWhatTheyWaitFor(t *testing.T) {
	for _, c := range []struct{ method, params string }{
		{"waitfornewblock", `[]`}, {"waitforblockheight", `[3]`}, {"waitfornewblock", `[60000]`},
	} {
		synctest.Test(t, func(t *testing.T) {
			ch := chaintest.New(t)
			chaintest.MineN(t, ch, chaintest.Script(chaintest.Key(t, 1)), 2)
			begin := time.Now()
			go func() {
				time.Sleep(time.Second)
				chaintest.Mine(t, ch, chaintest.Script(chaintest.Key(t, 1)))
			}()
			got, err := do(t.Context(), t, Node{Chain: ch}, c.method, c.params)
			if err != nil || got.(tipNow).Height != 3 || time.Since(begin) != time.Second {
				t.Errorf("%s %s: %+v, %v after %v", c.method, c.params, got, err, time.Since(begin))
			}
			synctest.Wait()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ch := chaintest.New(t)
		begin := time.Now()
		got, err := do(t.Context(), t, Node{Chain: ch}, "waitforblockheight", `[3,5000]`)
		if err != nil || got.(tipNow).Height != 0 || time.Since(begin) != 5*time.Second {
			t.Errorf("%+v, %v after %v", got, err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := do(ctx, t, Node{Chain: ch}, "waitfornewblock", `[]`); err == nil {
			t.Error("the wait outlived its client")
		}
	})
}
