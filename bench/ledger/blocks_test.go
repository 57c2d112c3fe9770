package ledger

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

const (
	fee = 1000
	// rest is what each spend leaves behind in an output that nobody spends, so that the set of coins grows as real ones do.
	rest = 600
	// fanOut is the most outputs of one transaction that makes coins.
	fanOut = 5000
)

// mint makes a chain, block after block, of nothing but its seed and what it is told to do.
type mint struct {
	testing.TB
	p      *consensus.Params
	owner  *owner
	rand   *rand.Rand
	kinds  []kind // of the coins made, in turn
	first  time.Time
	parent wire.BlockHeader
	height int32
	salt   uint64
	mined  []coin // outputs of coinbases
	coins  []coin // to spend
	raw    [][]byte
	txs    int // signed transactions in raw
	inputs int // that they spend
}

// longAgo is a time for first blocks that is past, and not before April 2012, when btcd and old nodes of Bitcoin begin
// to know P2SH, without which they know no witnesses.
var longAgo = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// newMint begins a chain whose first block has the given time, and whose coins are of these kinds.
func newMint(t testing.TB, first time.Time, kinds ...kind) *mint {
	p := consensus.BitcoinRegtest()
	return &mint{TB: t, p: p, owner: newOwner(t), rand: rand.New(rand.NewPCG(1, 2)), kinds: kinds, first: first,
		parent: p.GenesisBlock.Header}
}

// fork is a mint that goes on from the same block with other blocks. Its raw begins there.
func (m *mint) fork(salt uint64) *mint {
	f := *m
	f.salt, f.rand = salt, rand.New(rand.NewPCG(1, salt))
	f.coins, f.mined, f.raw, f.txs, f.inputs = slices.Clone(m.coins), slices.Clone(m.mined), nil, 0, 0
	return &f
}

// add makes the next block.
func (m *mint) add(fees int64, txs ...*wire.MsgTx) {
	b := chaintest.Block(m, m.p, m.parent, m.height, m.owner.scripts[p2wpkh], fees, m.salt, txs...)
	if m.height == 0 {
		b.Header.Timestamp = m.first
		chaintest.Solve(b)
	}
	m.parent, m.height = b.Header, m.height+1
	m.mined = append(m.mined, coin{wire.OutPoint{Hash: b.Transactions[0].TxHash()}, b.Transactions[0].TxOut[0].Value, p2wpkh})
	var buf bytes.Buffer
	if err := b.Serialize(&buf); err != nil {
		m.Fatal(err)
	}
	m.raw = append(m.raw, buf.Bytes())
}

// fund makes so many coins to spend, and the blocks without transactions that this takes.
func (m *mint) fund(coins int) {
	need := (coins + fanOut - 1) / fanOut
	for range need + int(m.p.CoinbaseMaturity) {
		m.add(0)
	}
	for i := range need {
		from, n := m.mined[i], min(fanOut, coins-i*fanOut)
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(&from.at, nil, nil))
		var made []coin
		for j := range n {
			k := m.kinds[j%len(m.kinds)]
			made = append(made, coin{value: from.value / int64(n), kind: k})
			tx.AddTxOut(wire.NewTxOut(made[j].value, m.owner.scripts[k]))
		}
		if err := m.owner.sign(tx, []coin{from}); err != nil {
			m.Fatal(err)
		}
		for j := range made {
			made[j].at = wire.OutPoint{Hash: tx.TxHash(), Index: uint32(j)}
		}
		m.add(from.value-from.value/int64(n)*int64(n), tx)
		m.coins = append(m.coins, made...)
	}
}

// spend makes blocks full of signed transactions of up to maxInputs inputs each and one output more. What is spent is
// chosen by chance among all coins of blocks before; forks spend the same coin in other transactions.
func (m *mint) spend(blocks, txs, maxInputs int) {
	for range blocks {
		var made []*wire.MsgTx
		var spent [][]coin
		for range txs {
			var in []coin
			for range 1 + m.rand.IntN(maxInputs) {
				i, last := m.rand.IntN(len(m.coins)), len(m.coins)-1
				in = append(in, m.coins[i])
				m.coins[i], m.coins = m.coins[last], m.coins[:last]
			}
			tx := wire.NewMsgTx(2)
			var value int64
			for _, c := range in {
				tx.AddTxIn(wire.NewTxIn(&c.at, nil, nil))
				value += c.value
			}
			// Each coin spent is replaced by one, so that there are as many in the next block.
			share := (value - fee - rest - int64(m.salt)) / int64(len(in))
			for _, c := range in {
				tx.AddTxOut(wire.NewTxOut(share, m.owner.scripts[c.kind]))
			}
			tx.AddTxOut(wire.NewTxOut(rest+int64(m.salt), m.owner.scripts[in[0].kind]))
			made, spent = append(made, tx), append(spent, in)
			m.inputs += len(in)
		}
		m.sign(made, spent)
		var fees int64
		for i, tx := range made {
			hash := tx.TxHash()
			for _, c := range spent[i] {
				fees += c.value
			}
			for j, out := range tx.TxOut {
				if fees -= out.Value; j < len(spent[i]) {
					m.coins = append(m.coins, coin{wire.OutPoint{Hash: hash, Index: uint32(j)}, out.Value, spent[i][j].kind})
				}
			}
		}
		m.txs += txs
		m.add(fees, made...)
	}
}

// sign signs transactions on all cores.
func (m *mint) sign(txs []*wire.MsgTx, spent [][]coin) {
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for core := range cores {
		wg.Go(func() {
			for i := core; i < len(txs); i += cores {
				if err := m.owner.sign(txs[i], spent[i]); err != nil {
					m.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if m.Failed() {
		m.FailNow()
	}
}

// tip is the hash of the last block.
func (m *mint) tip() chainhash.Hash { return m.parent.BlockHash() }

// headers makes a chain of solved headers, without blocks behind them, one second apart.
func headers(p *consensus.Params, n int) []*wire.BlockHeader {
	hs := make([]*wire.BlockHeader, n)
	last := p.GenesisBlock.Header
	for i := range hs {
		h := &wire.BlockHeader{Version: 0x20000000, PrevBlock: last.BlockHash(), Bits: p.PowLimitBits,
			Timestamp: time.Unix(last.Timestamp.Unix()+1, 0)}
		h.MerkleRoot = chainhash.HashH(h.PrevBlock[:])
		for !consensus.Solved(h) {
			h.Nonce++
		}
		hs[i], last = h, *h
	}
	return hs
}
