package hd

import (
	"cmp"
	"slices"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/wallet/hdkey"
)

// record is a transaction that pays the wallet or spends a coin of its.
type record struct {
	tx   *wire.MsgTx
	hash chainhash.Hash
	seq  uint64 // in the order in which the wallet came to know them

	block     chain.Index // that it is in; zero: unconfirmed
	pos       int32       // in that block
	blockTime int64       // Unix seconds
	seen      int64       // when the wallet came to know it, Unix seconds

	// conflict is the block that spends one of its inputs otherwise; zero: none.
	conflict  chain.Index
	abandoned bool
	pooled    bool // in the mempool as last seen; not stored

	replaces, replacedBy chainhash.Hash
	comment, to          string // the person's notes
}

func (r *record) confirmed() bool { return r.block != chain.Index{} }
func (r *record) coinbase() bool  { return blockchain.IsCoinBaseTx(r.tx) }

// book is the wallet's transactions and what follows from them. It is not safe for concurrent use.
type book struct {
	scripts map[string]hdkey.Path
	txs     map[chainhash.Hash]*record
	// spends are the transactions of the wallet that spend an output, any output, confirmed or not.
	spends map[wire.OutPoint][]*record
	// coins are the wallet's outputs that no confirmed transaction spends.
	coins   map[wire.OutPoint]*record
	nextSeq uint64
}

func newBook() *book {
	return &book{scripts: map[string]hdkey.Path{}, txs: map[chainhash.Hash]*record{}, spends: map[wire.OutPoint][]*record{},
		coins: map[wire.OutPoint]*record{}, nextSeq: 1}
}

// path says whether a script is the wallet's, and which key it pays.
func (b *book) path(script []byte) (hdkey.Path, bool) {
	p, ok := b.scripts[string(script)]
	return p, ok
}

func (b *book) mine(out *wire.TxOut) bool { _, ok := b.scripts[string(out.PkScript)]; return ok }

// concerns says whether a transaction pays the wallet or spends an output of its.
func (b *book) concerns(tx *wire.MsgTx) bool {
	return slices.ContainsFunc(tx.TxOut, b.mine) ||
		slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return b.owned(in.PreviousOutPoint) != nil })
}

// owned is the output that a reference means if it is the wallet's, spent or not; else nil.
func (b *book) owned(o wire.OutPoint) *wire.TxOut {
	r := b.txs[o.Hash]
	if r == nil || int64(o.Index) >= int64(len(r.tx.TxOut)) || !b.mine(r.tx.TxOut[o.Index]) {
		return nil
	}
	return r.tx.TxOut[o.Index]
}

// add enters a transaction, or returns what is known of it.
func (b *book) add(tx *wire.MsgTx, hash chainhash.Hash, seen int64) *record {
	if r := b.txs[hash]; r != nil {
		return r
	}
	r := &record{tx: tx, hash: hash, seq: b.nextSeq, seen: seen}
	b.insert(r)
	return r
}

// insert enters a record that is not there.
func (b *book) insert(r *record) {
	b.nextSeq = max(b.nextSeq, r.seq+1)
	b.txs[r.hash] = r
	if !r.coinbase() {
		for _, in := range r.tx.TxIn {
			b.spends[in.PreviousOutPoint] = append(b.spends[in.PreviousOutPoint], r)
		}
	}
	b.refresh(r)
}

// remove forgets a record.
func (b *book) remove(r *record) {
	delete(b.txs, r.hash)
	for _, in := range r.tx.TxIn {
		o := in.PreviousOutPoint
		b.spends[o] = slices.DeleteFunc(b.spends[o], func(s *record) bool { return s == r })
		if len(b.spends[o]) == 0 {
			delete(b.spends, o)
		}
	}
	b.refresh(r)
}

// refresh works out anew which of the outputs that a record makes or spends are coins, after it was confirmed or not.
func (b *book) refresh(r *record) {
	for i := range r.tx.TxOut {
		b.refreshCoin(wire.OutPoint{Hash: r.hash, Index: uint32(i)})
	}
	for _, in := range r.tx.TxIn {
		b.refreshCoin(in.PreviousOutPoint)
	}
}

func (b *book) refreshCoin(o wire.OutPoint) {
	if b.owned(o) == nil || slices.ContainsFunc(b.spends[o], (*record).confirmed) {
		delete(b.coins, o)
		return
	}
	b.coins[o] = b.txs[o.Hash]
}

// dead says whether a transaction can never confirm as things stand: it was given up, a block spends its inputs
// otherwise, a block that mined it as a coinbase is gone, or it spends what is dead.
func (b *book) dead(r *record) bool { return b.deadWith(r, map[chainhash.Hash]bool{}) }

func (b *book) deadWith(r *record, known map[chainhash.Hash]bool) bool {
	if r.confirmed() {
		return false
	}
	if d, ok := known[r.hash]; ok {
		return d
	}
	dead := r.abandoned || r.conflict != chain.Index{} || r.coinbase()
	known[r.hash] = dead
	for i := 0; !dead && i < len(r.tx.TxIn); i++ {
		parent := b.txs[r.tx.TxIn[i].PreviousOutPoint.Hash]
		dead = parent != nil && b.deadWith(parent, known)
	}
	known[r.hash] = dead
	return dead
}

// displaced says whether an unconfirmed transaction has lost its place in the mempool to one that spends the same.
func (b *book) displaced(r *record) bool {
	if r.pooled || r.confirmed() {
		return false
	}
	return slices.ContainsFunc(r.tx.TxIn, func(in *wire.TxIn) bool {
		return slices.ContainsFunc(b.spends[in.PreviousOutPoint], func(s *record) bool { return s != r && s.pooled })
	})
}

// replaced says whether the wallet has made a replacement of a transaction that may still confirm.
func (b *book) replaced(r *record) bool {
	by := b.txs[r.replacedBy]
	return by != nil && !b.dead(by)
}

// spent says whether a transaction that may still confirm spends an output.
func (b *book) spent(o wire.OutPoint) bool {
	return slices.ContainsFunc(b.spends[o], func(r *record) bool {
		return r.confirmed() || !b.dead(r) && !b.displaced(r)
	})
}

// trusted says whether nobody else can undo a transaction: it is confirmed, or it is in the mempool and all that it spends
// is the wallet's and comes from trusted transactions.
func (b *book) trusted(r *record) bool { return b.trustedWith(r, map[chainhash.Hash]bool{}) }

func (b *book) trustedWith(r *record, known map[chainhash.Hash]bool) bool {
	if r.confirmed() {
		return true
	}
	if t, ok := known[r.hash]; ok {
		return t
	}
	known[r.hash] = r.pooled
	for i := 0; known[r.hash] && i < len(r.tx.TxIn); i++ {
		o := r.tx.TxIn[i].PreviousOutPoint
		known[r.hash] = b.owned(o) != nil && b.trustedWith(b.txs[o.Hash], known)
	}
	return known[r.hash]
}

// debit is what a transaction takes from the wallet, and whether all its inputs do.
func (b *book) debit(r *record) (sum amount.Amount, all bool) {
	all = true
	for _, in := range r.tx.TxIn {
		out := b.owned(in.PreviousOutPoint)
		if out == nil {
			all = false
			continue
		}
		sum += amount.Amount(out.Value)
	}
	return sum, all
}

// credit is what a transaction pays the wallet.
func (b *book) credit(r *record) (sum amount.Amount) {
	for _, out := range r.tx.TxOut {
		if b.mine(out) {
			sum += amount.Amount(out.Value)
		}
	}
	return sum
}

// unconfirmedAncestors counts the transactions of the wallet in the mempool that must be mined with or before one.
func (b *book) unconfirmedAncestors(r *record) int {
	seen := map[chainhash.Hash]bool{}
	for queue := []*record{r}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == nil || queue[0].confirmed() || seen[queue[0].hash] {
			continue
		}
		seen[queue[0].hash] = true
		for _, in := range queue[0].tx.TxIn {
			queue = append(queue, b.txs[in.PreviousOutPoint.Hash])
		}
	}
	return len(seen)
}

// descendants are the transactions of the wallet that spend an output of one, and those that spend theirs.
func (b *book) descendants(r *record) (ds []*record) {
	seen := map[chainhash.Hash]bool{r.hash: true}
	for queue := []*record{r}; len(queue) > 0; queue = queue[1:] {
		for i := range queue[0].tx.TxOut {
			for _, s := range b.spends[wire.OutPoint{Hash: queue[0].hash, Index: uint32(i)}] {
				if !seen[s.hash] {
					seen[s.hash] = true
					ds, queue = append(ds, s), append(queue, s)
				}
			}
		}
	}
	return ds
}

// conflicts are the other transactions of the wallet that spend an input of one.
func (b *book) conflicts(r *record) (cs []chainhash.Hash) {
	if r.coinbase() {
		return nil
	}
	for _, in := range r.tx.TxIn {
		for _, s := range b.spends[in.PreviousOutPoint] {
			if s != r && !slices.Contains(cs, s.hash) {
				cs = append(cs, s.hash)
			}
		}
	}
	return cs
}

// ordered lists the records by when the wallet came to know them.
func (b *book) ordered() []*record {
	rs := make([]*record, 0, len(b.txs))
	for _, r := range b.txs {
		rs = append(rs, r)
	}
	slices.SortFunc(rs, func(x, y *record) int { return cmp.Compare(x.seq, y.seq) })
	return rs
}
