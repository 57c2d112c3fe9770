package mempool

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
)

// TestResult is what becomes, or would become, of one transaction.
type TestResult struct {
	Txid, Wtxid chainhash.Hash
	Allowed     bool
	VSize       int64         // virtual bytes; 0 where the transaction is refused before they are known
	Fee         amount.Amount // base units, without a priority delta
	Err         error         // why not allowed
}

// ErrTopology says that transactions are no package: too many, not parents first, twice the same, spending the same coin,
// or, where a child with its parents is asked for, none.
var ErrTopology = errors.New("not a package of transactions")

// Test says of transactions whether they would be taken in, and takes none in (Bitcoin Core's testmempoolaccept). Later
// ones may spend outputs of earlier ones. Where there are several, none may replace what is in the pool.
func (p *Pool) Test(txs []*wire.MsgTx) []TestResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*btcutil.Tx, len(txs))
	for i, tx := range txs {
		all[i] = newTx(tx)
	}
	if err := checkTopology(all); err != nil {
		return results(all, err)
	}
	var rs []TestResult
	err := p.settled(func() error {
		rs = results(all, nil)
		j := p.newJudge(rules{noReplacement: len(txs) > 1})
		for i, tx := range all {
			c, err := j.try(tx)
			rs[i].note(c, err)
			if err == nil {
				j.pass(c)
			}
		}
		return nil
	})
	if err != nil {
		return results(all, err)
	}
	return rs
}

func results(txs []*btcutil.Tx, err error) []TestResult {
	rs := make([]TestResult, len(txs))
	for i, tx := range txs {
		rs[i] = TestResult{Txid: *tx.Hash(), Wtxid: *tx.WitnessHash(), Err: err}
	}
	return rs
}

// note fills in a judge's answer.
func (r *TestResult) note(c *candidate, err error) {
	r.Allowed, r.Err = err == nil, err
	if c != nil && c.e != nil {
		r.VSize, r.Fee = c.e.VSize, c.e.Fee
	}
}

// checkTopology is Bitcoin Core's IsWellFormedPackage.
func checkTopology(txs []*btcutil.Tx) error {
	if len(txs) == 0 || len(txs) > MaxPackage {
		return fmt.Errorf("%w: %d, not 1 to %d", ErrTopology, len(txs), MaxPackage)
	}
	later, spent := map[chainhash.Hash]bool{}, map[wire.OutPoint]bool{}
	for _, tx := range txs {
		if later[*tx.Hash()] {
			return fmt.Errorf("%w: %v is there twice", ErrTopology, tx.Hash())
		}
		later[*tx.Hash()] = true
	}
	for _, tx := range txs {
		for _, in := range tx.MsgTx().TxIn {
			switch {
			case later[in.PreviousOutPoint.Hash]:
				return fmt.Errorf("%w: %v comes before %v, of which it spends an output", ErrTopology, tx.Hash(), in.PreviousOutPoint.Hash)
			case spent[in.PreviousOutPoint]:
				return fmt.Errorf("%w: %v is spent twice", ErrTopology, in.PreviousOutPoint)
			}
		}
		for _, in := range tx.MsgTx().TxIn { // an input twice in one transaction is the judge's to refuse
			spent[in.PreviousOutPoint] = true
		}
		delete(later, *tx.Hash())
	}
	return nil
}

// checkChild is Bitcoin Core's IsChildWithParents.
func checkChild(txs []*btcutil.Tx) error {
	child := txs[len(txs)-1]
	parents := map[chainhash.Hash]bool{}
	for _, in := range child.MsgTx().TxIn {
		parents[in.PreviousOutPoint.Hash] = true
	}
	for _, tx := range txs[:len(txs)-1] {
		if !parents[*tx.Hash()] {
			return fmt.Errorf("%w: the last, %v, spends no output of %v", ErrTopology, child.Hash(), tx.Hash())
		}
	}
	return nil
}

// AcceptPackage takes in a transaction, the last, with parents of it (Bitcoin Core's submitpackage). Each that pays
// enough enters by itself; parents that do not, enter together with the child if all of these pay enough as a whole and
// replace nothing, and if each pays at least MinFeeRate or is of version 3 (BIP-431). What is in the pool already counts
// as taken in. The error, which wraps ErrTopology, is of transactions that are no such package; what is refused tells so
// in its result, and does not keep out its parents that could enter.
func (p *Pool) AcceptPackage(msgs []*wire.MsgTx) ([]TestResult, error) {
	txs := make([]*btcutil.Tx, len(msgs))
	for i, tx := range msgs {
		txs[i] = newTx(tx)
	}
	if err := checkTopology(txs); err != nil {
		return nil, err
	}
	if err := checkChild(txs); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.signal()
	rs := results(txs, nil)
	var poor []*btcutil.Tx // with the child
	var at []int
	for i, tx := range txs {
		if e := p.entries[*tx.Hash()]; e != nil {
			rs[i].Allowed, rs[i].VSize, rs[i].Fee, rs[i].Wtxid = true, e.VSize, e.Fee, *e.Tx.WitnessHash()
			continue
		}
		c, err := p.judge(tx)
		rs[i].note(c, err)
		switch last := i == len(txs)-1; {
		case err == nil:
			c.e.local = true
			p.enter(c)
		case paysTooLittle(err) && !last, len(poor) > 0 && last:
			poor, at = append(poor, tx), append(at, i)
		}
	}
	if len(poor) > 1 && poor[len(poor)-1] == txs[len(txs)-1] {
		_, together := p.enterTogether(poor, true)
		for k, r := range together {
			rs[at[k]] = r
		}
	}
	p.adopt()
	p.trim()
	for i := range rs {
		if rs[i].Allowed && p.entries[rs[i].Txid] == nil {
			rs[i].Allowed, rs[i].Err = false, refuse(ErrFull, "mempool full", "%v pays %d for %d virtual bytes", rs[i].Txid, rs[i].Fee, rs[i].VSize)
		}
	}
	return rs, nil
}

// enterTogether takes in some parents and their child if they pay enough as a whole. The lock is held.
func (p *Pool) enterTogether(txs []*btcutil.Tx, local bool) (entered bool, rs []TestResult) {
	var passed []*candidate
	err := p.settled(func() error {
		rs, passed = results(txs, nil), nil
		// Scripts, by far the dearest to check, come last: a peer's children that pay for nothing are to cost little.
		j := p.newJudge(rules{anyFee: true, noReplacement: true, scriptsLater: true})
		for i, tx := range txs {
			c, err := j.try(tx)
			if err == nil && tx.MsgTx().Version != restricted {
				if need := feeAt(MinFeeRate, c.e.VSize); c.e.modified() < need {
					err = refuse(ErrFee, "min relay fee not met", "%v pays %d base units, less than %d", tx.Hash(), c.e.modified(), need)
				}
			}
			rs[i].note(c, err)
			if err != nil {
				return err
			}
			j.pass(c)
			passed = append(passed, c)
		}
		var all sums
		for _, c := range passed {
			all.add(c.e.alone())
		}
		j.rules.anyFee = false
		if err := j.checkFee(all.vsize, all.fees, *txs[len(txs)-1].Hash()); err != nil {
			return err
		}
		for i, c := range passed {
			if err := p.checkScripts(c.e.Tx, c.view); err != nil {
				rs[i].note(c, err)
				return err
			}
		}
		return nil
	})
	if err != nil {
		for i := range rs {
			if rs[i].Allowed || rs[i].Err == nil {
				rs[i].Allowed, rs[i].Err = false, err
			}
		}
		return false, rs
	}
	for _, c := range passed {
		c.e.local = local
		p.enter(c)
	}
	return true, rs
}
