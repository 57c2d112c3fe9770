package mempool_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/miner"
)

// model is what a pool must hold, found the slow way: a list of transactions, parents first, judged one by one against
// the chain.
type model struct {
	*rapid.T
	tb    testing.TB
	c     *chain.Chain
	p     *mempool.Pool
	k     *key.Private
	coins []coin        // all that ever paid us, spent or not, in a block or not
	held  []*wire.MsgTx // what the pool must hold
	salt  uint64
}

type coin struct {
	at    wire.OutPoint
	value int64
}

func TestPoolAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{T: rt, tb: t, c: chaintest.New(t), k: chaintest.Key(t, 1)}
		for range 4 {
			m.made(chaintest.Mine(t, m.c, m.script()).Transactions[0])
		}
		chaintest.MineN(t, m.c, []byte{txscript.OP_TRUE}, int(m.c.Params().CoinbaseMaturity))
		m.p = mempool.New(m.c, mempool.Config{})
		defer m.p.Close()
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"send", "send", "send", "send", "send", "send", "prioritise", "mine", "reorg", "invalidate"}).Draw(rt, "step") {
			case "send":
				m.send()
			case "prioritise":
				if len(m.held) > 0 {
					m.p.Prioritise(rapid.SampledFrom(m.held).Draw(rt, "tx").TxHash(), rapid.Int64Range(-2000, 2000).Draw(rt, "delta"))
				}
			case "mine":
				m.mine(m.c.Tip(), m.some(m.held))
			case "reorg":
				m.reorg()
			case "invalidate":
				m.invalidate()
			}
			m.check()
		}
	})
}

func (m *model) script() []byte { return chaintest.Script(m.k) }

func (m *model) made(tx *wire.MsgTx) {
	for i, out := range tx.TxOut {
		if string(out.PkScript) == string(m.script()) {
			m.coins = append(m.coins, coin{wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)}, out.Value})
		}
	}
}

// some draws a part of a list of transactions that has the ancestors of all it holds.
func (m *model) some(txs []*wire.MsgTx) (part []*wire.MsgTx) {
	left := map[chainhash.Hash]bool{}
	for _, tx := range txs {
		out := m.chance("leave out", 3)
		for _, in := range tx.TxIn {
			out = out || left[in.PreviousOutPoint.Hash]
		}
		if left[tx.TxHash()] = out; !out {
			part = append(part, tx)
		}
	}
	return part
}

func (m *model) chance(what string, of int) bool { return rapid.IntRange(1, of).Draw(m.T, what) == 1 }

// draw makes a transaction of some coins, whether or not they can be spent.
func (m *model) draw() *wire.MsgTx {
	recent := m.coins[max(0, len(m.coins)-12):]
	from := rapid.SliceOfNDistinct(rapid.SampledFrom(recent), 1, 2, func(c coin) wire.OutPoint { return c.at }).Draw(m.T, "coins")
	tx, prev, sum := wire.NewMsgTx(2), txscript.NewMultiPrevOutFetcher(nil), int64(0)
	for _, c := range from {
		tx.AddTxIn(wire.NewTxIn(&c.at, nil, nil))
		prev.AddPrevOut(c.at, wire.NewTxOut(c.value, m.script()))
		sum += c.value
	}
	fee := rapid.Int64Range(50, 3000).Draw(m.T, "fee")
	n := rapid.Int64Range(1, 3).Draw(m.T, "outputs")
	for range n {
		tx.AddTxOut(wire.NewTxOut((sum-fee)/n, m.script()))
	}
	for i, c := range from {
		w, err := txscript.WitnessSignature(tx, txscript.NewTxSigHashes(tx, prev), i, c.value, m.script(), txscript.SigHashAll, m.k.Secp256k1(), true)
		if err != nil {
			m.Fatal(err)
		}
		tx.TxIn[i].Witness = w
	}
	return tx
}

// value is of a coin that the held transactions make or the chain has, mature in the next block.
func (m *model) value(held []*wire.MsgTx, o wire.OutPoint) (int64, bool) {
	for _, tx := range held {
		if tx.TxHash() == o.Hash {
			return tx.TxOut[o.Index].Value, true
		}
	}
	c, err := m.c.Coin(o)
	if err != nil {
		m.Fatal(err)
	}
	if c == nil || c.Coinbase && m.c.Tip().Height+1-c.Height < int32(m.c.Params().CoinbaseMaturity) {
		return 0, false
	}
	return c.Out.Value, true
}

func (m *model) fee(held []*wire.MsgTx, tx *wire.MsgTx) (fee int64, ok bool) {
	for _, in := range tx.TxIn {
		v, ok := m.value(held, in.PreviousOutPoint)
		if !ok {
			return 0, false
		}
		fee += v
	}
	for _, out := range tx.TxOut {
		fee -= out.Value
	}
	return fee, true
}

// ranked is the fee with the priority.
func (m *model) ranked(tx *wire.MsgTx) int64 {
	fee, ok := m.fee(m.held, tx)
	if !ok {
		m.Fatalf("held %v has no inputs", tx.TxHash())
	}
	return fee + m.p.Deltas()[tx.TxHash()]
}

func size(tx *wire.MsgTx) int64 { return (blockchain.GetTransactionWeight(btcutil.NewTx(tx)) + 3) / 4 }

func spends(tx *wire.MsgTx, f func(wire.OutPoint) bool) bool {
	return slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return f(in.PreviousOutPoint) })
}

// without is the list without some transactions and all that depend on them.
func without(held []*wire.MsgTx, gone func(*wire.MsgTx) bool) (left, went []*wire.MsgTx) {
	out := map[chainhash.Hash]bool{}
	for _, tx := range held {
		if gone(tx) || spends(tx, func(o wire.OutPoint) bool { return out[o.Hash] }) {
			out[tx.TxHash()] = true
			went = append(went, tx)
		} else {
			left = append(left, tx)
		}
	}
	return left, went
}

// send offers a transaction and judges it too.
func (m *model) send() {
	tx := m.draw()
	left, want := m.judge(tx)
	_, err := m.p.Accept(tx)
	if (err == nil) != (want == "") {
		m.Fatalf("pool says %v of %v, model %q", err, tx.TxHash(), want)
	}
	if err == nil {
		m.held = slices.Concat(left, []*wire.MsgTx{tx})
		m.made(tx)
	}
}

// judge says why the pool must refuse, "" if it must not, and what stays beside the transaction.
func (m *model) judge(tx *wire.MsgTx) (left []*wire.MsgTx, why string) {
	for _, h := range m.held {
		if h.TxHash() == tx.TxHash() {
			return nil, "known"
		}
	}
	fee, ok := m.fee(m.held, tx)
	if !ok {
		return nil, "missing"
	}
	if fee < size(tx) {
		return nil, "fee"
	}
	direct := func(old *wire.MsgTx) bool {
		return spends(old, func(o wire.OutPoint) bool { return spends(tx, func(p wire.OutPoint) bool { return o == p }) })
	}
	left, gone := without(m.held, direct)
	var lost int64
	before := map[chainhash.Hash]bool{}
	for _, old := range gone {
		lost += m.ranked(old)
		if direct(old) {
			if fee*size(old) <= m.ranked(old)*size(tx) {
				return nil, "rate"
			}
			for _, in := range old.TxIn {
				before[in.PreviousOutPoint.Hash] = true
			}
		}
		if spends(tx, func(o wire.OutPoint) bool { return o.Hash == old.TxHash() }) {
			return nil, "spends what it replaces"
		}
	}
	for _, old := range left {
		if spends(tx, func(o wire.OutPoint) bool { return o.Hash == old.TxHash() }) && len(gone) > 0 && !before[old.TxHash()] {
			return nil, "adds unconfirmed"
		}
	}
	if len(gone) > 0 && fee < lost+size(tx) {
		return nil, "replacement fee"
	}
	return left, ""
}

// mine makes a block of some transactions after a parent, and says what it is if that makes it the tip.
func (m *model) mine(parent chain.Index, txs []*wire.MsgTx) chain.Index {
	m.salt++
	b := chaintest.BlockOn(m.tb, m.c, parent, m.script(), m.salt, txs...)
	if _, err := m.c.ProcessBlock(m.tb.Context(), b); err != nil {
		m.Fatal(err)
	}
	at := chain.Index{Height: parent.Height + 1, Hash: b.BlockHash()}
	if m.c.Tip() == at {
		m.applied(b)
		m.made(b.Transactions[0])
	}
	return at
}

// applied takes out of the model what is in a block, and what that rules out.
func (m *model) applied(b *wire.MsgBlock) {
	for _, tx := range b.Transactions[1:] {
		m.held = slices.DeleteFunc(m.held, func(h *wire.MsgTx) bool { return h.TxHash() == tx.TxHash() })
		m.held, _ = without(m.held, func(h *wire.MsgTx) bool {
			return spends(h, func(o wire.OutPoint) bool { return spends(tx, func(p wire.OutPoint) bool { return o == p }) })
		})
	}
}

// main lists the best chain from its last blocks on.
func (m *model) main() (ats []chain.Index) {
	for h := int32(0); h <= m.c.Tip().Height; h++ {
		at, _ := m.c.IndexAt(h)
		ats = append(ats, at)
	}
	return ats
}

// undone lists the transactions of an earlier best chain's blocks that are not of this one, oldest first.
func (m *model) undone(old []chain.Index) (txs []*wire.MsgTx) {
	for _, at := range old {
		if now, _ := m.c.IndexAt(at.Height); now == at {
			continue
		}
		b, err := m.c.Block(at.Hash)
		if err != nil {
			m.Fatal(err)
		}
		txs = append(txs, b.Transactions[1:]...)
	}
	return txs
}

// reorg makes a longer branch, in the last block of which is a part of what it undoes.
func (m *model) reorg() {
	old := m.main()
	depth := min(rapid.IntRange(1, 4).Draw(m.T, "depth"), len(old)-2)
	fork := len(old) - 1 - depth
	var txs []*wire.MsgTx
	for _, at := range old[fork+1:] {
		b, err := m.c.Block(at.Hash)
		if err != nil {
			m.Fatal(err)
		}
		txs = append(txs, b.Transactions[1:]...)
	}
	held := m.held
	at, part := old[fork], m.some(txs)
	for range depth {
		at = m.mine(at, nil)
	}
	m.mine(at, part) // no lower than before, so that coinbases are as old
	m.held = held
	m.restore(m.undone(old))
}

// invalidate takes blocks back, with nothing in their place or an earlier branch.
func (m *model) invalidate() {
	old := m.main()
	first := old[max(1, len(old)-rapid.IntRange(1, 3).Draw(m.T, "depth"))]
	if err := m.c.InvalidateBlock(m.tb.Context(), first.Hash); err != nil {
		m.Fatal(err)
	}
	m.restore(m.undone(old))
}

// restore is the model after a reorganization: of what was undone and what was held, all that can be in a block.
func (m *model) restore(undone []*wire.MsgTx) {
	all := slices.Concat(undone, m.held)
	m.held = nil
	for more := true; more; {
		more = false
		all = slices.DeleteFunc(all, func(tx *wire.MsgTx) bool {
			_, ok := m.fee(m.held, tx)
			for _, h := range m.held {
				ok = ok && !spends(h, func(o wire.OutPoint) bool { return spends(tx, func(p wire.OutPoint) bool { return o == p }) })
			}
			if ok {
				m.held, more = append(m.held, tx), true
			}
			return ok
		})
	}
}

// check compares the pool with the model, its books with its transactions, and tries the block that it makes.
func (m *model) check() {
	tmpl, err := miner.NewTemplate(m.c, m.p, m.script(), time.Now())
	if err != nil {
		m.Fatal(err)
	}
	if err := m.p.Check(); err != nil {
		m.Fatal(err)
	}
	if n := len(m.p.Descs()); n != len(m.held) {
		m.Fatalf("pool holds %d, model %d", n, len(m.held))
	}
	for _, tx := range m.held {
		if m.p.Get(tx.TxHash()) == nil {
			m.Fatalf("pool lacks %v", tx.TxHash())
		}
		fee, _ := m.fee(m.held, tx)
		if d, ok := m.p.Entry(tx.TxHash()); !ok || int64(d.Fee) != fee || d.VSize != size(tx) {
			m.Fatalf("%+v, want fee %d and %d virtual bytes", d, fee, size(tx))
		}
	}
	if len(tmpl.Fees) != len(m.held) {
		worth := 0
		for _, tx := range m.held {
			if m.ranked(tx) >= 0 {
				worth++
			}
		}
		if worth == len(m.held) {
			m.Fatalf("template has %d transactions of %d", len(tmpl.Fees), len(m.held))
		}
	}
	if res := m.p.Test([]*wire.MsgTx{m.draw()}); len(res) != 1 || res[0].Allowed != (res[0].Err == nil) || errors.Is(res[0].Err, mempool.ErrScript) {
		m.Fatalf("%+v", res)
	}
}
