package differ

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

const (
	// tipHeight is one block before the first halving of the regression test network, so that the cases' blocks are the
	// first with half the subsidy.
	tipHeight = 149
	// baseSeed decides the coins of the base.
	baseSeed  = 0xba5e
	startTime = 1_700_000_000 // Unix seconds, near that of the first blocks
	spacing   = 600           // seconds
	jitter    = 1200          // less than would break the median time
	// Coins prepared in each block that can spend a coinbase, with any lock and with a relative one.
	anyLocks, timedLocks = 6, 6
)

// base is the chain that all cases build upon, always the same.
type base struct {
	params *consensus.Params
	blocks []*wire.MsgBlock // from height 1
	now    time.Time        // both nodes' clock
	funds  []coin           // coinbases that anybody can spend now
	young  []coin           // and not yet
	coins  []coin           // prepared with locks of all kinds, on many heights
	timed  []coin           // with relative locks
}

// newBase makes the base chain, which is the same at every call.
var newBase = sync.OnceValue(func() *base {
	b := &base{params: consensus.BitcoinRegtest()}
	g := newGen(b, baseSeed, 0)
	var coinbases []coin
	for height := int32(1); height <= tipHeight; height++ {
		var txs []*wire.MsgTx
		var made, timed []coin
		if from := int(height) - int(b.params.CoinbaseMaturity); from > 0 && height < tipHeight {
			var locks []*lock
			for range anyLocks {
				locks = append(locks, g.locked())
			}
			for range timedLocks {
				locks = append(locks, g.relative())
			}
			var tx *wire.MsgTx
			tx, made = g.fund(coinbases[from-1], height, locks...)
			made, timed = made[:anyLocks], made[anyLocks:]
			txs = append(txs, tx)
		}
		at := time.Unix(startTime+spacing*int64(height)+g.Int64N(jitter), 0)
		blk := b.block(at, txs...)
		for !consensus.Solved(&blk.Header) {
			blk.Header.Nonce++
		}
		b.blocks = append(b.blocks, blk)
		b.coins, b.timed = append(b.coins, made...), append(b.timed, timed...)
		cb := blk.Transactions[0]
		coinbases = append(coinbases, coin{wire.OutPoint{Hash: cb.TxHash()}, cb.TxOut[0], height, anyone()})
	}
	mature := tipHeight + 1 - int(b.params.CoinbaseMaturity) // the youngest coinbase that the next block may spend
	b.funds, b.young = coinbases[mature-2:mature], coinbases[mature:]
	b.stopClock()
	return b
})

// stopClock sets the clock to a time a little after the tip's.
func (b *base) stopClock() {
	const after = 3000 // seconds
	b.now = time.Unix(b.tip().Timestamp.Unix()+after, 0)
}

// anyone is the lock that anybody opens.
func anyone() *lock {
	return &lock{pk: []byte{txscript.OP_1}, script: []byte{txscript.OP_1}, sequence: wire.MaxTxInSequenceNum}
}

func (b *base) tip() *wire.BlockHeader {
	if len(b.blocks) == 0 {
		return &b.params.GenesisBlock.Header
	}
	return &b.blocks[len(b.blocks)-1].Header
}

// next is the height of the block after the tip.
func (b *base) next() int32 { return int32(len(b.blocks)) + 1 }

// median is the median time past of a block of the base, in Unix seconds.
func (b *base) median(height int32) int64 {
	times := []int64{}
	for h := max(height-10, 0); h <= height; h++ {
		at := b.params.GenesisBlock.Header.Timestamp
		if h > 0 {
			at = b.blocks[h-1].Header.Timestamp
		}
		times = append(times, at.Unix())
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// coinbase is one that pays the subsidy to anyone.
func (b *base) coinbase() *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{
		PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex}, SignatureScript: script(int64(b.next()), int64(0)),
		Sequence: wire.MaxTxInSequenceNum,
	})
	tx.AddTxOut(wire.NewTxOut(b.params.Subsidy(b.next()), []byte{txscript.OP_1}))
	return tx
}

// block is one on top of the tip, without proof of work.
func (b *base) block(at time.Time, txs ...*wire.MsgTx) *wire.MsgBlock {
	blk := b.uncommitted(at, txs...)
	consensus.CommitWitnesses(blk)
	root(blk)
	return blk
}

// uncommitted is a block whose witness commitment and merkle root are still to be made.
func (b *base) uncommitted(at time.Time, txs ...*wire.MsgTx) *wire.MsgBlock {
	return &wire.MsgBlock{
		Header:       wire.BlockHeader{Version: 0x20000000, PrevBlock: b.tip().BlockHash(), Timestamp: at, Bits: b.params.PowLimitBits},
		Transactions: append([]*wire.MsgTx{b.coinbase()}, txs...),
	}
}

// root sets the merkle root.
func root(blk *wire.MsgBlock) {
	blk.Header.MerkleRoot = blockchain.CalcMerkleRoot(btcutil.NewBlock(blk).Transactions(), false)
}

// fund spends a coin of anyone's, to one output for each lock, in a block at height.
func (g *gen) fund(from coin, height int32, locks ...*lock) (*wire.MsgTx, []coin) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&from.at, nil, nil))
	for i, l := range locks {
		tx.AddTxOut(wire.NewTxOut((from.out.Value-fee)/int64(len(locks))-int64(i), l.pk))
	}
	hash := tx.TxHash()
	var coins []coin
	for i, l := range locks {
		coins = append(coins, coin{wire.OutPoint{Hash: hash, Index: uint32(i)}, tx.TxOut[i], height, l})
	}
	return tx, coins
}

// fresh makes coins in the case's own block.
func (g *gen) fresh(locks ...*lock) (*wire.MsgTx, []coin) {
	return g.fund(g.funds[0], g.next(), locks...)
}

// blockOf is the case's block of these transactions, serialized.
func (g *gen) blockOf(txs ...*wire.MsgTx) []byte { return serialize(g.block(g.now, txs...)) }

func serialize(blk *wire.MsgBlock) []byte {
	var w bytes.Buffer
	if err := blk.Serialize(&w); err != nil {
		panic(err) // a buffer takes everything
	}
	return w.Bytes()
}

// openBase is our chain with the base's blocks.
func openBase(t testing.TB, b *base) *chain.Chain {
	t.Helper()
	c := chaintest.Open(t, b.params, chain.Options{FS: vfs.NewMem(), NoSync: true, Now: func() time.Time { return b.now }})
	for i, blk := range b.blocks {
		if o, err := c.ProcessBlock(t.Context(), blk); err != nil || !o.MainChain {
			t.Fatalf("base block %d: %+v, %v", i+1, o, err)
		}
	}
	return c
}

// feed hands the base's blocks to bitcoind.
func feed(t testing.TB, d *bitcoind, b *base) {
	t.Helper()
	for i, blk := range b.blocks {
		if reason, err := d.submit(t.Context(), serialize(blk)); err != nil || reason != "" {
			t.Fatalf("base block %d: %q, %v", i+1, reason, err)
		}
	}
	var tip string
	if err := d.call(t.Context(), &tip, "getbestblockhash"); err != nil || tip != b.tip().BlockHash().String() {
		t.Fatalf("bitcoind's tip %s, ours %v, %v", tip, b.tip().BlockHash(), err)
	}
}
