package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// TestOursFollowsBitcoind: bitcoind's wallet and miner make a chain with coins of every kind that its descriptors know, and
// with ours; our node takes it over the network, and has the same coins.
func TestOursFollowsBitcoind(t *testing.T) {
	t.Parallel()
	b := startBitcoind(t)
	w := openWallet(b)
	w.receiveAndSpend()
	spendEveryLock(t, b)

	n := startNode(t, b.p2p) // a long chain at once
	agree(n, b)
	b.mine(3, w.address) // and new blocks as they come
	agree(n, b)
}

// spendEveryLock gives bitcoind coins and spends of ours for its blocks.
func spendEveryLock(t *testing.T, b *bitcoind) {
	ours := addressOf(t, p2wpkh(1))
	hash := b.mine(1, ours)[0]
	var block wire.MsgBlock
	if err := block.Deserialize(hexReader(ask[string](t, b.client, "getblock", hash, 0))); err != nil {
		t.Fatal(err)
	}
	b.mine(100, ours)
	ls := locks(t, int64(b.height()), b.medianTime())
	tx, coins := fund(t, coinbase(&block), ls)
	b.include(ours, encodeTx(t, tx))
	for i, l := range ls {
		if reason := b.accepts(pay(t, p2wpkh(1), coins[i:i+1], ls[i:i+1])); (reason == "non-BIP68-final") != (l.sequence == waitBlocks) {
			t.Errorf("bitcoind says %q of an early spend of %s", reason, l.name)
		}
	}
	b.mine(waitBlocks, ours)
	for _, tx := range spends(t, coins, ls) {
		b.include(ours, encodeTx(t, tx))
	}
}

// spends are one transaction for each second coin, and one for all the others.
func spends(t *testing.T, coins []coin, ls []lock) (txs []*wire.MsgTx) {
	var (
		left      []coin
		leftLocks []lock
	)
	for i, l := range ls {
		// A transaction has one lock time, a height or a time.
		if i%2 == 0 || l.lockTime >= txscript.LockTimeThreshold {
			txs = append(txs, pay(t, p2wpkh(2), coins[i:i+1], ls[i:i+1]))
		} else {
			left, leftLocks = append(left, coins[i]), append(leftLocks, l)
		}
	}
	return append(txs, pay(t, p2wpkh(2), left, leftLocks))
}

// TestBitcoindFollowsOurs: our miner makes blocks of our pool's transactions, with spends of every lock; bitcoind takes
// them over the network, and has the same coins.
func TestBitcoindFollowsOurs(t *testing.T) {
	t.Parallel()
	b := startBitcoind(t)
	n := startNode(t)
	from := coinbase(n.mine(1, p2wpkh(1))[0])
	n.mine(100, p2wpkh(1))
	ls := locks(t, int64(n.c.Tip().Height), n.c.MedianTime().Unix()-1)
	tx, coins := fund(t, from, ls)
	n.send(tx)
	n.mine(waitBlocks, p2wpkh(1))
	for _, tx := range spends(t, coins, ls) {
		n.send(tx)
	}
	last := n.mine(1, p2wpkh(1))[0]
	if want := 1 + len(spends(t, coins, ls)); len(last.Transactions) != want {
		t.Errorf("our block holds %d transactions, not the pool's %d", len(last.Transactions), want)
	}
	b.connect(n.addr)
	agree(n, b)
	n.mine(3, p2wpkh(1))
	agree(n, b)
}

// wallet is a wallet of bitcoind.
type wallet struct {
	*bitcoind
	address string // one of its own
}

func openWallet(b *bitcoind) *wallet {
	b.Helper()
	ask[any](b, b.client, "createwallet", "w")
	return &wallet{b, ask[string](b, b.client, "getnewaddress")}
}

// receiveAndSpend pays one coin to every kind of descriptor, lets the locks of time pass, and spends each of the coins.
func (w *wallet) receiveAndSpend() {
	w.Helper()
	w.mine(120, w.address)
	start := time.Now().Unix()
	kinds := w.descriptors(int64(w.height())+5, start+200)
	outs := []any{map[string]any{"data": "66756e6169"}}
	for _, k := range kinds {
		outs = append(outs, map[string]any{k.address: 0.5})
	}
	sent := ask[struct {
		ID string `json:"txid"`
	}](w, w.client, "send", outs, nil, nil, 10)
	w.mine(6, w.address)
	// Blocks half an hour on, for the locks by time. Our nodes take up to two hours.
	ask[any](w, w.client, "setmocktime", start+1800)
	w.mine(12, w.address)
	tx := ask[struct {
		Out []struct {
			N      int `json:"n"`
			Script struct {
				Address string `json:"address"`
			} `json:"scriptPubKey"`
		} `json:"vout"`
	}](w, w.client, "getrawtransaction", sent.ID, 1)
	at := map[string]int{}
	for _, o := range tx.Out {
		at[o.Script.Address] = o.N
	}
	for _, k := range kinds {
		n, ok := at[k.address]
		if !ok {
			w.Fatalf("the output of %s is not there", k.descriptor)
		}
		w.spend(k, sent.ID, n)
	}
	if left := len(w.pool()); left != len(kinds) {
		w.Errorf("%d of %d spends are in bitcoind's pool", left, len(kinds))
	}
	w.mine(1, w.address)
	ask[any](w, w.client, "setmocktime", 0)
}

// spend has the wallet sign a transaction of one coin, and sends it.
func (w *wallet) spend(k kind, id string, n int) {
	w.Helper()
	in := map[string]any{"txid": id, "vout": n, "sequence": k.sequence}
	raw := ask[string](w, w.client, "createrawtransaction", []any{in}, []any{map[string]any{w.address: 0.499}}, k.lockTime)
	signed := ask[struct {
		Hex      string `json:"hex"`
		Complete bool   `json:"complete"`
		Errors   any    `json:"errors"`
	}](w, w.client, "signrawtransactionwithwallet", raw)
	if !signed.Complete {
		w.Fatalf("bitcoind cannot sign for %s: %v", k.descriptor, signed.Errors)
	}
	if err := w.call(w.Context(), nil, "sendrawtransaction", signed.Hex); err != nil {
		w.Fatalf("spend of %s: %v", k.descriptor, err)
	}
}

// kind is a kind of output that bitcoind's wallet can receive and spend.
type kind struct {
	descriptor         string
	address            string
	sequence, lockTime uint32
}

// descriptors imports one descriptor of every kind into the wallet.
func (w *wallet) descriptors(height, clock int64) (kinds []kind) {
	w.Helper()
	// A point without a known private key (BIP341), so that only scripts can spend.
	const nobody = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"
	k1, k2, k3 := wif(w, 11), wif(w, 12), wif(w, 13)
	const byTime = 1<<22 | 2 // BIP68: two units of 512 s
	for _, k := range []kind{
		{descriptor: fmt.Sprintf("pkh(%s)", k1)},
		{descriptor: fmt.Sprintf("sh(multi(2,%s,%s,%s))", k1, k2, k3)},
		{descriptor: fmt.Sprintf("sh(wpkh(%s))", k1)},
		{descriptor: fmt.Sprintf("sh(wsh(multi(1,%s,%s)))", k1, k2)},
		{descriptor: fmt.Sprintf("wpkh(%s)", k1)},
		{descriptor: fmt.Sprintf("wsh(multi(2,%s,%s))", k1, k2)},
		{descriptor: fmt.Sprintf("wsh(and_v(v:pk(%s),after(%d)))", k1, height), lockTime: uint32(height)},
		{descriptor: fmt.Sprintf("wsh(and_v(v:pk(%s),after(%d)))", k1, clock), lockTime: uint32(clock)},
		{descriptor: fmt.Sprintf("wsh(and_v(v:pk(%s),older(4)))", k1), sequence: 4},
		{descriptor: fmt.Sprintf("wsh(and_v(v:pk(%s),older(%d)))", k1, byTime), sequence: byTime},
		{descriptor: fmt.Sprintf("tr(%s)", k1)},
		{descriptor: fmt.Sprintf("tr(%s,{pk(%s),pk(%s)})", nobody, k1, k2)},
		{descriptor: fmt.Sprintf("tr(%s,multi_a(2,%s,%s,%s))", nobody, k1, k2, k3)},
		{descriptor: fmt.Sprintf("tr(%s,and_v(v:pk(%s),older(4)))", nobody, k2), sequence: 4},
		{descriptor: fmt.Sprintf("tr(%s,and_v(v:pk(%s),after(%d)))", nobody, k2, height), lockTime: uint32(height)},
	} {
		full := w.describe(k.descriptor)
		for _, r := range ask[[]struct {
			Success bool `json:"success"`
			Error   any  `json:"error"`
		}](w, w.client, "importdescriptors", []any{map[string]any{"desc": full, "timestamp": "now"}}) {
			if !r.Success {
				w.Fatalf("import %s: %v", k.descriptor, r.Error)
			}
		}
		k.address = ask[[]string](w, w.client, "deriveaddresses", full)[0]
		if k.sequence == 0 {
			k.sequence = final - 1 // so that a lock time counts
		}
		kinds = append(kinds, k)
	}
	return kinds
}
