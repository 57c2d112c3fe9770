package mempool

import (
	"time"
	"unsafe"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
)

// Entry is a transaction in the pool. It is read only.
type Entry struct {
	Tx     *btcutil.Tx
	Fee    amount.Amount
	VSize  int64 // virtual bytes (BIP-141), more for one with many signature operations, as Bitcoin Core counts
	Weight int64 // weight units, BIP-141
	Size   int   // bytes on the wire, witness included
	SigOps int64 // cost of signature operations, BIP-141
	Added  time.Time
	Height int32 // of the chain when it entered

	// What follows is guarded by the pool's lock.
	seq               uint64
	delta             int64 // added to the fee wherever transactions are ranked
	parents, children []*Entry
	up, down          sums // of the entry with its ancestors, and with its descendants
	rank              int  // its place in the heap of cheapest entries
	local             bool // unbroadcast: ours, and no peer has asked for it yet
}

// sums are what a family of entries comes to. fees are with the deltas.
type sums struct {
	count       int
	vsize, fees int64
}

func (s *sums) add(o sums) {
	s.count, s.vsize, s.fees = s.count+o.count, s.vsize+o.vsize, s.fees+o.fees
}
func (s *sums) sub(o sums) {
	s.count, s.vsize, s.fees = s.count-o.count, s.vsize-o.vsize, s.fees-o.fees
}

// FeeRate is in base units per 1,000 virtual bytes.
func (e *Entry) FeeRate() amount.Amount { return e.Fee * 1000 / amount.Amount(e.VSize) }

// modified is the fee with the priority delta, which may make it negative.
func (e *Entry) modified() int64 { return int64(e.Fee) + e.delta }

func (e *Entry) alone() sums { return sums{1, e.VSize, e.modified()} }

func (e *Entry) hash() chainhash.Hash { return *e.Tx.Hash() }

// bytesPerSigOp is the size that a unit of signature cost counts for at least, so that nobody gets a block's bound of
// signatures cheaply (Bitcoin Core's -bytespersigop).
const bytesPerSigOp = 20

// vsize is the size by which a transaction pays.
func vsize(weight, sigOps int64) int64 {
	return (max(weight, sigOps*bytesPerSigOp) + blockchain.WitnessScaleFactor - 1) / blockchain.WitnessScaleFactor
}

const (
	wordSize   = int64(unsafe.Sizeof(uintptr(0)))
	sliceSize  = 3 * wordSize
	allocSlack = 8 // a small allocation is rounded up by about that on average
	// indexUsage is what the pool's maps, journal and heap hold for an entry and for each of its inputs. A Go map is
	// between 7/16 and 7/8 full.
	indexUsage = 3*wordSize + 2*(chainhash.HashSize+wordSize)
	spentUsage = 2 * (chainhash.HashSize + 4 + 4 + wordSize)
)

// usage estimates the memory that an entry takes, in bytes.
func usage(e *Entry) int64 {
	tx := e.Tx.MsgTx()
	n := int64(unsafe.Sizeof(*e)) + int64(unsafe.Sizeof(*e.Tx)) + int64(unsafe.Sizeof(*tx)) + 2*chainhash.HashSize + indexUsage
	for _, in := range tx.TxIn {
		n += wordSize + int64(unsafe.Sizeof(*in)) + int64(len(in.SignatureScript)) + spentUsage + wordSize + allocSlack
		for _, w := range in.Witness {
			n += sliceSize + int64(len(w)) + allocSlack
		}
	}
	for _, out := range tx.TxOut {
		n += wordSize + int64(unsafe.Sizeof(*out)) + int64(len(out.PkScript)) + allocSlack
	}
	return n
}

// newEntry measures a transaction.
func newEntry(tx *btcutil.Tx, fee, sigOps int64, now time.Time, height int32) *Entry {
	weight := blockchain.GetTransactionWeight(tx)
	return &Entry{Tx: tx, Fee: amount.Amount(fee), VSize: vsize(weight, sigOps), Weight: weight, Size: tx.MsgTx().SerializeSize(),
		SigOps: sigOps, Added: now, Height: height, rank: -1}
}

// replaceable says whether a transaction asks to be replaceable (BIP-125). The pool replaces any; wallets look at this.
func replaceable(tx *wire.MsgTx) bool {
	for _, in := range tx.TxIn {
		if in.Sequence < wire.MaxTxInSequenceNum-1 {
			return true
		}
	}
	return false
}
