package interop

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// TestRefusesLikeBitcoind: blocks and transactions that break one rule each are refused by a node of ours and by bitcoind
// in the same words, which miners and wallets go by.
func TestRefusesLikeBitcoind(t *testing.T) {
	t.Parallel()
	b := startBitcoind(t)
	p := newProcess(t, "bitcoin-regtest", "--connect", b.p2p).start()
	var coins []coin
	for _, block := range mineMany(t, b.client, p2wpkh(1), 8) {
		coins = append(coins, coinbase(block))
	}
	young := coinbase(mineMany(t, b.client, p2wpkh(1), 100)[99])
	until(t, "our node to have bitcoind's chain", func() bool { return p.tip() == b.tip() })
	refuseBlocks(t, p, b, coins, young)
	refuseTxs(t, p, b, coins, young)
	if p.tip() != b.tip() {
		t.Errorf("tips %s and %s", p.tip(), b.tip())
	}
}

// refuseBlocks hands both a valid block with one thing spoilt.
func refuseBlocks(t *testing.T, p *process, b *bitcoind, coins []coin, young coin) {
	good := pay(t, p2wpkh(2), coins[:1], []lock{payment(1)})
	unsigned := pay(t, p2wpkh(2), coins[:1], []lock{payment(1)})
	unsigned.TxIn[0].Witness = wire.TxWitness{make([]byte, 71), public(1)}
	greedy := good.Copy()
	greedy.TxOut[0].Value = coins[0].out.Value + 1
	late := pay(t, p2wpkh(2), coins[:1], []lock{{"", nil, 0, 10_000, payment(1).unlock}})
	waiting := pay(t, p2wpkh(2), coins[:1], []lock{{"", nil, 200, 0, payment(1).unlock}})
	for _, c := range []struct {
		name  string
		spoil func(*wire.MsgBlock)
		raw   bool // leave the commitments to transactions and witnesses as they are
	}{
		{"merkle root", func(b *wire.MsgBlock) { b.Header.MerkleRoot[0]++ }, true},
		{"parent", func(b *wire.MsgBlock) { b.Header.PrevBlock[0]++ }, true},
		{"bits", func(b *wire.MsgBlock) { b.Header.Bits = 0x1f7fffff }, false},
		{"too early", func(b *wire.MsgBlock) { b.Header.Timestamp = time.Unix(1296688603, 0) }, false},
		{"too late", func(b *wire.MsgBlock) { b.Header.Timestamp = b.Header.Timestamp.Add(3 * time.Hour) }, false},
		{"version", func(b *wire.MsgBlock) { b.Header.Version = 1 }, false},
		{"no coinbase", func(b *wire.MsgBlock) { b.Transactions = []*wire.MsgTx{good} }, false},
		{"two coinbases", func(b *wire.MsgBlock) {
			second := b.Transactions[0].Copy()
			second.TxOut[0].PkScript = p2wpkh(5)
			b.Transactions = append(b.Transactions, second)
		}, false},
		{"coinbase's value", func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value++ }, false},
		{"coinbase's height", func(b *wire.MsgBlock) { b.Transactions[0].TxIn[0].SignatureScript[1]++ }, false},
		{"coinbase's script is long", func(b *wire.MsgBlock) {
			in := b.Transactions[0].TxIn[0]
			in.SignatureScript = append(in.SignatureScript, make([]byte, 100)...)
		}, false},
		{"witness commitment", func(b *wire.MsgBlock) { b.Transactions[0].TxOut[1].PkScript[10]++ }, true},
		{"witness nonce", func(b *wire.MsgBlock) { b.Transactions[0].TxIn[0].Witness = wire.TxWitness{{1}} }, true},
		{"witness without commitment", func(b *wire.MsgBlock) {
			b.Transactions[0].TxOut = b.Transactions[0].TxOut[:1]
			b.Transactions = append(b.Transactions, good)
		}, true},
		{"signature", func(b *wire.MsgBlock) { b.Transactions = append(b.Transactions, unsigned) }, false},
		{"outputs exceed inputs", func(b *wire.MsgBlock) { b.Transactions = append(b.Transactions, greedy) }, false},
		{"spent twice", func(b *wire.MsgBlock) {
			b.Transactions = append(b.Transactions, good, pay(t, p2wpkh(3), coins[:1], []lock{payment(1)}))
		}, false},
		{"a copy at the end", func(b *wire.MsgBlock) { // the merkle root's weakness, CVE-2012-2459
			child := pay(t, p2wpkh(1), []coin{{wire.OutPoint{Hash: good.TxHash()}, good.TxOut[0]}}, []lock{payment(2)})
			b.Transactions = append(b.Transactions, good, child, child)
		}, false},
		{"immature", func(b *wire.MsgBlock) {
			b.Transactions = append(b.Transactions, pay(t, p2wpkh(2), []coin{young}, []lock{payment(1)}))
		}, false},
		{"lock time", func(b *wire.MsgBlock) { b.Transactions = append(b.Transactions, late) }, false},
		{"relative lock time", func(b *wire.MsgBlock) { b.Transactions = append(b.Transactions, waiting) }, false},
		{"unknown input", func(b *wire.MsgBlock) {
			b.Transactions = append(b.Transactions, pay(t, p2wpkh(2), []coin{{wire.OutPoint{Hash: chainhash.Hash{1}}, coins[0].out}}, []lock{payment(1)}))
		}, false},
		{"order", func(b *wire.MsgBlock) {
			child := pay(t, p2wpkh(1), []coin{{wire.OutPoint{Hash: good.TxHash()}, good.TxOut[0]}}, []lock{payment(2)})
			b.Transactions = append(b.Transactions, child, good)
		}, false},
		{"signature operations", func(b *wire.MsgBlock) {
			b.Transactions[0].AddTxOut(wire.NewTxOut(0, repeat(txscript.OP_CHECKSIG, 9900)))
			b.Transactions[0].AddTxOut(wire.NewTxOut(0, repeat(txscript.OP_CHECKSIG, 9900)))
			b.Transactions[0].AddTxOut(wire.NewTxOut(0, repeat(txscript.OP_CHECKSIG, 9900)))
		}, false},
		{"weight", func(b *wire.MsgBlock) {
			b.Transactions[0].AddTxOut(wire.NewTxOut(0, repeat(txscript.OP_NOP, 1_000_000)))
		}, false},
		{"negative output", func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value = -1 }, false},
		{"too much money", func(b *wire.MsgBlock) { b.Transactions[0].TxOut[0].Value = 21_000_000_0000_0000 + 1 }, false},
	} {
		block := must(solveTemplate(context.Background(), b.client, p2wpkh(4), 0))(t)
		c.spoil(block)
		if !c.raw {
			commit(block)
		}
		solve(block)
		both(t, p, b, c.name, "submitblock", must(hexOfBlock(block))(t))
	}
	block := must(solveTemplate(context.Background(), b.client, p2wpkh(4), 0))(t)
	for consensus.Solved(&block.Header) {
		block.Header.Nonce++
	}
	both(t, p, b, "proof of work", "submitblock", must(hexOfBlock(block))(t))
}

// commit sets a block's commitments to its transactions and witnesses anew.
func commit(b *wire.MsgBlock) {
	if len(b.Transactions[0].TxOut) > 1 {
		root := blockchain.CalcMerkleRoot(btcutil.NewBlock(b).Transactions(), true)
		sum := chainhash.DoubleHashB(append(root[:], make([]byte, chainhash.HashSize)...))
		copy(b.Transactions[0].TxOut[1].PkScript[6:], sum)
	}
	b.Header.MerkleRoot = blockchain.CalcMerkleRoot(btcutil.NewBlock(b).Transactions(), false)
}

// refuseTxs asks both about transactions that break one rule each.
func refuseTxs(t *testing.T, p *process, b *bitcoind, coins []coin, young coin) {
	one := []lock{payment(1)}
	waiting := pay(t, p2wpkh(2), coins[1:2], one)
	b.send(waiting)
	until(t, "what waits there to wait here", func() bool {
		return p.call(t.Context(), nil, "getmempoolentry", waiting.TxHash().String()) == nil
	})
	with := func(edit func(*wire.MsgTx)) *wire.MsgTx { // signed after the edit
		tx := wire.NewMsgTx(2)
		tx.AddTxOut(wire.NewTxOut(coins[0].out.Value-fee, p2wpkh(2)))
		edit(tx)
		sign(t, tx, coins[:1], one)
		return tx
	}
	spoilt := func(edit func(*wire.MsgTx)) *wire.MsgTx { // signed before it
		tx := pay(t, p2wpkh(2), coins[:1], one)
		edit(tx)
		return tx
	}
	for _, c := range []struct {
		name string
		tx   *wire.MsgTx
	}{
		{"good", pay(t, p2wpkh(2), coins[:1], one)},
		{"waits already", waiting},
		{"coinbase", must(solveTemplate(context.Background(), b.client, p2wpkh(4), 0))(t).Transactions[0]},
		{"signature", spoilt(func(tx *wire.MsgTx) { tx.TxIn[0].Witness[0][10]++ })},
		{"another's key", spoilt(func(tx *wire.MsgTx) { tx.TxIn[0].Witness[1] = public(2) })},
		{"no witness", spoilt(func(tx *wire.MsgTx) { tx.TxIn[0].Witness = nil })},
		{"signature script", spoilt(func(tx *wire.MsgTx) { tx.TxIn[0].SignatureScript = []byte{txscript.OP_1} })},
		{"no outputs", with(func(tx *wire.MsgTx) { tx.TxOut = nil })},
		{"negative output", with(func(tx *wire.MsgTx) { tx.TxOut[0].Value = -1 })},
		{"too large an output", with(func(tx *wire.MsgTx) { tx.TxOut[0].Value = 21_000_000_0000_0000 + 1 })},
		{"too large a sum", with(func(tx *wire.MsgTx) {
			tx.TxOut[0].Value = 21_000_000_0000_0000
			tx.AddTxOut(wire.NewTxOut(1, p2wpkh(2)))
		})},
		{"outputs exceed inputs", with(func(tx *wire.MsgTx) { tx.TxOut[0].Value += fee + 1 })},
		{"input twice", pay(t, p2wpkh(2), []coin{coins[0], coins[0]}, []lock{payment(1), payment(1)})},
		{"unknown input", pay(t, p2wpkh(2), []coin{{wire.OutPoint{Hash: chainhash.Hash{1}}, coins[0].out}}, one)},
		{"immature", pay(t, p2wpkh(2), []coin{young}, one)},
		{"lock time", pay(t, p2wpkh(2), coins[:1], []lock{{"", nil, 0, 10_000, payment(1).unlock}})},
		{"relative lock time", pay(t, p2wpkh(2), coins[:1], []lock{{"", nil, 200, 0, payment(1).unlock}})},
		{"no fee", with(func(tx *wire.MsgTx) { tx.TxOut[0].Value += fee })},
		{"low fee", with(func(tx *wire.MsgTx) { tx.TxOut[0].Value += fee - 20 })},
		{"rival that pays the same", pay(t, p2wpkh(3), coins[1:2], one)},
		{"replacement that pays too little more", func() *wire.MsgTx {
			tx := wire.NewMsgTx(2)
			tx.AddTxOut(wire.NewTxOut(coins[1].out.Value-fee-5, p2wpkh(3)))
			sign(t, tx, coins[1:2], one)
			return tx
		}()},
		{"too small", with(func(tx *wire.MsgTx) {
			tx.TxOut[0].PkScript = []byte{txscript.OP_TRUE}
			tx.TxOut[0].Value -= fee
		})},
	} {
		raw := encodeTx(t, c.tx)
		sameWords(t, c.name, wouldAccept(t, p.client, raw), wouldAccept(t, b.client, raw))
		if c.name != "good" { // a good one would be in the pools from now on
			both(t, p, b, c.name, "sendrawtransaction", raw)
		}
	}
}

// both hands the same to both, and compares the reasons that they give.
func both(t *testing.T, p *process, b *bitcoind, what, method, raw string) {
	t.Helper()
	q := question{method, []any{raw}}
	sameWords(t, method+" of "+what, whole(q.answer(t, p.client)), whole(q.answer(t, b.client)))
}

// wouldAccept is testmempoolaccept's verdict.
func wouldAccept(t *testing.T, c *client, raw string) string {
	t.Helper()
	var v []struct {
		Allowed bool   `json:"allowed"`
		Reason  string `json:"reject-reason"`
	}
	if err := c.call(t.Context(), &v, "testmempoolaccept", []string{raw}); err != nil {
		return err.Error()
	}
	return whole(v)
}

// detail is what follows a reason after a comma: words of each program's log.
var detail = regexp.MustCompile(`, .*?("|$)`)

func sameWords(t *testing.T, what, ours, theirs string) {
	t.Helper()
	a, b := detail.ReplaceAllString(ours, "$1"), detail.ReplaceAllString(theirs, "$1")
	if a != b {
		t.Errorf("%s: ours says %s, bitcoind %s", what, clip(ours), clip(theirs))
	}
}

func repeat(op byte, n int) []byte {
	s := make([]byte, n)
	for i := range s {
		s[i] = op
	}
	return s
}
