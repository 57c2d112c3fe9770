package mempool

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	// maxOrphans bounds the orphans kept (Bitcoin's -maxorphantx); one chosen by chance makes room for the next.
	maxOrphans = 100
	// maxOrphanSize bounds the bytes of one orphan; a larger one is not kept.
	maxOrphanSize = 100_000
)

// orphans are transactions that spend coins nobody has shown us yet. They go by the hash that covers the witness: one with
// a forged witness must not stand in the way of the good one.
type orphans struct {
	byWtxid map[chainhash.Hash]orphan
	ids     map[chainhash.Hash]int // how many there are of a transaction, with different witnesses
	byCoin  map[wire.OutPoint]map[chainhash.Hash]*btcutil.Tx
}

type orphan struct {
	tx   *btcutil.Tx
	peer string
}

func (o *orphans) init() {
	o.byWtxid, o.ids = map[chainhash.Hash]orphan{}, map[chainhash.Hash]int{}
	o.byCoin = map[wire.OutPoint]map[chainhash.Hash]*btcutil.Tx{}
}

// have says whether a transaction is here, with whatever witness.
func (o *orphans) have(id chainhash.Hash) bool { return o.ids[id] > 0 }

// haveExactly says whether a transaction is here with this witness.
func (o *orphans) haveExactly(tx *btcutil.Tx) bool {
	_, ok := o.byWtxid[*tx.WitnessHash()]
	return ok
}

func (o *orphans) add(tx *btcutil.Tx, peer string) {
	if tx.MsgTx().SerializeSize() > maxOrphanSize {
		return
	}
	for _, old := range o.byWtxid { // the order of a map is chance enough: an attacker cannot choose it
		if len(o.byWtxid) < maxOrphans {
			break
		}
		o.drop(old.tx)
	}
	wtxid := *tx.WitnessHash()
	o.byWtxid[wtxid] = orphan{tx, peer}
	o.ids[*tx.Hash()]++
	for _, in := range tx.MsgTx().TxIn {
		if o.byCoin[in.PreviousOutPoint] == nil {
			o.byCoin[in.PreviousOutPoint] = map[chainhash.Hash]*btcutil.Tx{}
		}
		o.byCoin[in.PreviousOutPoint][wtxid] = tx
	}
}

// drop forgets a transaction with this witness.
func (o *orphans) drop(tx *btcutil.Tx) {
	if !o.haveExactly(tx) {
		return
	}
	id, wtxid := *tx.Hash(), *tx.WitnessHash()
	delete(o.byWtxid, wtxid)
	if o.ids[id]--; o.ids[id] == 0 {
		delete(o.ids, id)
	}
	for _, in := range tx.MsgTx().TxIn {
		if set := o.byCoin[in.PreviousOutPoint]; len(set) > 1 {
			delete(set, wtxid)
		} else {
			delete(o.byCoin, in.PreviousOutPoint)
		}
	}
}

// dropAll forgets a transaction with whatever witness.
func (o *orphans) dropAll(id chainhash.Hash) {
	if !o.have(id) {
		return
	}
	for _, gone := range o.byWtxid {
		if *gone.tx.Hash() == id {
			o.drop(gone.tx)
		}
	}
}

// dropPeer forgets what one peer sent.
func (o *orphans) dropPeer(peer string) {
	for _, gone := range o.byWtxid {
		if gone.peer == peer {
			o.drop(gone.tx)
		}
	}
}

// waiting lists, each once, the orphans that spend outputs of tx.
func (o *orphans) waiting(tx *btcutil.Tx) []*btcutil.Tx {
	found := finds{}
	for i := range tx.MsgTx().TxOut {
		found.add(o.byCoin[wire.OutPoint{Hash: *tx.Hash(), Index: uint32(i)}])
	}
	return found.txs
}

// rivals lists, each once, the orphans that spend a coin that tx spends; once tx is in a block they can never be valid.
func (o *orphans) rivals(tx *btcutil.Tx) []*btcutil.Tx {
	found := finds{}
	for _, in := range tx.MsgTx().TxIn {
		found.add(o.byCoin[in.PreviousOutPoint])
	}
	return found.txs
}

// finds are transactions, each once: one that spends hundreds of outputs of another is not to be judged hundreds of times.
type finds struct {
	txs  []*btcutil.Tx
	seen map[chainhash.Hash]bool
}

func (f *finds) add(set map[chainhash.Hash]*btcutil.Tx) {
	for wtxid, tx := range set {
		if !f.seen[wtxid] {
			if f.seen == nil {
				f.seen = map[chainhash.Hash]bool{}
			}
			f.seen[wtxid] = true
			f.txs = append(f.txs, tx)
		}
	}
}
