package mempool

import (
	"slices"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/consensus"
)

// rules say which of the pool's rules are waived.
type rules struct {
	anyFee        bool // back from a block, or a part of a package that pays as a whole
	noReplacement bool // within a package
	scriptsLater  bool // the caller runs them once all else is found good
}

// judge decides on transactions as of one block, and changes nothing. Later ones may spend the outputs of earlier ones.
// The pool's lock is held as long as it is used.
type judge struct {
	p      *Pool
	rules  rules
	now    time.Time
	height int32 // of the block they could be in
	median time.Time

	passed map[chainhash.Hash]*Entry // and not in the pool
	spent  map[wire.OutPoint]*Entry  // by those
	added  map[*Entry]sums           // what those add to the descendants of their ancestors
}

func (p *Pool) newJudge(r rules) *judge {
	return &judge{p: p, rules: r, now: time.Now(), height: p.at.Height + 1, median: p.c.MedianTime(),
		passed: map[chainhash.Hash]*Entry{}, spent: map[wire.OutPoint]*Entry{}, added: map[*Entry]sums{}}
}

// candidate is a transaction that may enter, and what enters and goes with it.
type candidate struct {
	e         *Entry
	ancestors family
	conflicts []*Entry // spend what it spends
	evicted   family   // those with their descendants
	missing   []chainhash.Hash
	view      *blockchain.UtxoViewpoint // the coins it spends
}

// pass notes a transaction as one whose outputs those that follow may spend.
func (j *judge) pass(c *candidate) {
	j.passed[c.e.hash()] = c.e
	for _, in := range c.e.Tx.MsgTx().TxIn {
		j.spent[in.PreviousOutPoint] = c.e
	}
	own := c.e.alone()
	c.e.down = own
	for a := range c.ancestors {
		s := j.added[a]
		s.add(own)
		j.added[a] = s
	}
}

func (j *judge) find(hash chainhash.Hash) *Entry {
	if e := j.passed[hash]; e != nil {
		return e
	}
	return j.p.entries[hash]
}

// try checks one transaction. The candidate comes with an error too when there is one to speak of: its missing parents
// with ErrMissing, its size and fee with those of a fee.
func (j *judge) try(tx *btcutil.Tx) (*candidate, error) {
	if err := j.p.checkForm(tx); err != nil {
		return nil, err
	}
	if !blockchain.IsFinalizedTransaction(tx, j.height, j.median) {
		return nil, refuse(ErrLocked, "non-final", "%v has lock time %d, the next block height %d, its median time %d",
			tx.Hash(), tx.MsgTx().LockTime, j.height, j.median.Unix())
	}
	if err := j.checkNew(tx); err != nil {
		return nil, err
	}
	c := &candidate{}
	view, err := j.view(tx, c)
	if err != nil {
		return c, err
	}
	if err := j.measure(tx, view, c); err != nil {
		return c, err
	}
	if err := j.conflicts(c); err != nil {
		return c, err
	}
	for _, check := range []func(*candidate) error{j.checkRestricted, j.checkLimits, j.checkReplacement} {
		if err := check(c); err != nil {
			return c, err
		}
	}
	if c.view = view; j.rules.scriptsLater {
		return c, nil
	}
	return c, j.p.checkScripts(tx, view)
}

// checkNew refuses what is here.
func (j *judge) checkNew(tx *btcutil.Tx) error {
	old := j.find(*tx.Hash())
	switch {
	case old == nil:
		return nil
	case *old.Tx.WitnessHash() == *tx.WitnessHash():
		return refuse(ErrKnown, "txn-already-in-mempool", "%v", tx.Hash())
	}
	return refuse(ErrKnown, "txn-same-nonwitness-data-in-mempool", "%v with another witness", tx.Hash())
}

// view collects the coins that a transaction spends, of the chain and of the pool.
func (j *judge) view(tx *btcutil.Tx, c *candidate) (*blockchain.UtxoViewpoint, error) {
	view, seen := blockchain.NewUtxoViewpoint(), map[chainhash.Hash]bool{}
	for _, in := range tx.MsgTx().TxIn {
		o := in.PreviousOutPoint
		coin, err := j.coin(o)
		if err != nil {
			return nil, err
		}
		if coin != nil {
			view.Entries()[o] = coin
		} else if !seen[o.Hash] {
			seen[o.Hash], c.missing = true, append(c.missing, o.Hash)
		}
	}
	if len(c.missing) == 0 {
		return view, nil
	}
	for i := range tx.MsgTx().TxOut {
		mined, err := j.p.c.Coin(wire.OutPoint{Hash: *tx.Hash(), Index: uint32(i)})
		if err != nil {
			return nil, err
		}
		if mined != nil {
			c.missing = nil
			return nil, refuse(ErrKnown, "txn-already-known", "%v is in a block", tx.Hash())
		}
	}
	return nil, refuse(ErrMissing, "bad-txns-inputs-missingorspent", "%v spends an output of %v", tx.Hash(), c.missing[0])
}

// coin is an output that is unspent on the chain or made in the pool, nil if there is none. Whether another entry spends
// it does not matter here.
func (j *judge) coin(o wire.OutPoint) (*blockchain.UtxoEntry, error) {
	if by := j.spent[o]; by != nil {
		return nil, nil
	}
	if made := j.find(o.Hash); made != nil {
		if outs := made.Tx.MsgTx().TxOut; int64(o.Index) < int64(len(outs)) {
			return blockchain.NewUtxoEntry(outs[o.Index], consensus.UnminedHeight, false), nil
		}
		return nil, nil
	}
	coin, err := j.p.c.Coin(o)
	if coin == nil {
		return nil, err
	}
	return blockchain.NewUtxoEntry(&coin.Out, coin.Height, coin.Coinbase), nil
}

// measure checks a transaction against the coins it spends, and makes its entry.
func (j *judge) measure(tx *btcutil.Tx, view *blockchain.UtxoViewpoint, c *candidate) error {
	fee, err := blockchain.CheckTransactionInputs(tx, j.height, view, j.p.c.Params().Params)
	if err != nil {
		return classify(err)
	}
	if j.p.standard {
		if err := checkInputs(tx, view); err != nil {
			return err
		}
	}
	if err := j.checkSequence(tx, view); err != nil {
		return err
	}
	sigOps, err := blockchain.GetSigOpCost(tx, false, view, true, true)
	if err != nil {
		return classify(err)
	}
	if sigOps > maxSigOpCost {
		return refuse(ErrPolicy, "bad-txns-too-many-sigops", "%v has signature operations of cost %d, more than %d", tx.Hash(), sigOps, maxSigOpCost)
	}
	c.e = newEntry(tx, fee, int64(sigOps), j.now, j.p.at.Height)
	c.e.delta = j.p.deltas[*tx.Hash()]
	c.e.parents = j.p.makers(tx.MsgTx(), j.find)
	c.ancestors = ancestors(c.e)
	return j.checkFee(c.e.VSize, c.e.modified(), c.e.hash())
}

// checkSequence holds a transaction to its relative lock times (BIP-68).
func (j *judge) checkSequence(tx *btcutil.Tx, view *blockchain.UtxoViewpoint) error {
	lock, err := j.p.c.SequenceLock(tx, view)
	if err != nil {
		return classify(err)
	}
	if !blockchain.SequenceLockActive(lock, j.height, j.median) {
		return refuse(ErrLocked, "non-BIP68-final", "%v is locked until height %d, median time %d; the next block has %d, %d",
			tx.Hash(), lock.BlockHeight+1, lock.Seconds+1, j.height, j.median.Unix())
	}
	return nil
}

// checkFee asks for the least fee at which anything is relayed, and for more once the pool has been full.
func (j *judge) checkFee(size, fee int64, hash chainhash.Hash) error {
	if j.rules.anyFee {
		return nil
	}
	if need := feeAt(MinFeeRate, size); fee < need {
		return refuse(ErrFee, "min relay fee not met", "%v pays %d base units, less than %d", hash, fee, need)
	}
	if need := feeAt(j.p.floor.at(j.now, j.p.usage, int64(j.p.cfg.MaxBytes)), size); fee < need {
		return refuse(ErrFull, "mempool min fee not met", "%v pays %d base units, less than %d", hash, fee, need)
	}
	return nil
}

// conflicts finds what a transaction would replace.
func (j *judge) conflicts(c *candidate) error {
	c.evicted = family{}
	for _, in := range c.e.Tx.MsgTx().TxIn {
		old := j.p.spent[in.PreviousOutPoint]
		if old == nil {
			continue
		}
		if _, known := c.evicted[old]; !known && old.down.count > maxReplaced+MaxPackage {
			return refuse(ErrSpent, "too many potential replacements", "%v replaces %v with %d descendants, more than %d in all",
				c.e.hash(), old.hash(), old.down.count-1, maxReplaced)
		}
		if !slices.Contains(c.conflicts, old) {
			c.conflicts = append(c.conflicts, old)
			for d := range walk([]*Entry{old}, down) {
				c.evicted[d] = struct{}{}
			}
		}
		if len(c.evicted) > maxReplaced {
			return refuse(ErrSpent, "too many potential replacements", "%v replaces more than %d transactions", c.e.hash(), maxReplaced)
		}
	}
	return nil
}

// feeAt is the fee of a size at a rate per 1,000 virtual bytes, rounded up; at rates that only priorities come to, the most
// there can be.
func feeAt(rate amount.Amount, size int64) int64 {
	if int64(rate) > (int64(amount.Max)-1)*1000/size {
		return int64(amount.Max)
	}
	return (int64(rate)*size + 999) / 1000
}
