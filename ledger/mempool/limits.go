package mempool

import (
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
)

const (
	// MaxPackage bounds how many unconfirmed ancestors a transaction may have, and how many descendants each of them,
	// the transaction itself counted (Bitcoin Core's -limitancestorcount and -limitdescendantcount).
	MaxPackage = 25
	// MaxPackageVSize bounds the virtual bytes of such a package (-limitancestorsize and -limitdescendantsize).
	MaxPackageVSize = 101_000
)

// checkLimits refuses a transaction that would make a chain of unconfirmed transactions too long or too large, seen from
// itself or from any of its ancestors. Entries that it replaces count no more, those judged before it in the same
// package do. The lock is held, here and in the rest of this file.
func (j *judge) checkLimits(c *candidate) error {
	own := c.e.alone()
	all := own
	for a := range c.ancestors {
		all.add(a.alone())
	}
	if err := fits(c.e, "its ancestors", all); err != nil {
		return err
	}
	freed := map[*Entry]sums{}
	for x := range c.evicted {
		for a := range ancestors(x) {
			s := freed[a]
			s.add(x.alone())
			freed[a] = s
		}
	}
	for a := range c.ancestors {
		all := a.down
		all.add(j.added[a])
		all.sub(freed[a])
		all.add(own)
		if err := fits(c.e, fmt.Sprintf("the descendants of its ancestor %v", a.hash()), all); err != nil {
			return err
		}
	}
	return nil
}

func fits(e *Entry, what string, s sums) error {
	switch {
	case s.count > MaxPackage:
		return refuse(ErrPackage, "too-long-mempool-chain", "%v makes %s %d transactions, more than %d", e.hash(), what, s.count, MaxPackage)
	case s.vsize > MaxPackageVSize:
		return refuse(ErrPackage, "too-long-mempool-chain", "%v makes %s %d virtual bytes, more than %d", e.hash(), what, s.vsize, MaxPackageVSize)
	}
	return nil
}

// Version 3 transactions (BIP-431, "topologically restricted until confirmation") have at most one unconfirmed parent
// or child, which is of their version too, and are small, so that nobody can make replacing them dear.
const (
	restricted          = 3
	maxRestrictedVSize  = 10_000
	maxRestrictedChild  = 1_000
	maxRestrictedFamily = 2
)

// checkRestricted holds a transaction to BIP-431. Where its parent has another child already, that one is taken for a
// conflict, to be replaced if the fees allow it.
func (j *judge) checkRestricted(c *candidate) error {
	version := c.e.Tx.MsgTx().Version
	broken := func(format string, a ...any) error {
		return refuse(ErrPackage, "TRUC-violation", "%v %s", c.e.hash(), fmt.Sprintf(format, a...))
	}
	for _, parent := range c.e.parents {
		if is := parent.Tx.MsgTx().Version == restricted; is != (version == restricted) {
			return broken("of version %d spends an output of the unconfirmed %v of version %d", version, parent.hash(), parent.Tx.MsgTx().Version)
		}
	}
	if version != restricted {
		return nil
	}
	if c.e.VSize > maxRestrictedVSize {
		return broken("of version 3 has %d virtual bytes, more than %d", c.e.VSize, maxRestrictedVSize)
	}
	if len(c.e.parents) == 0 {
		return nil
	}
	if n := len(c.ancestors) + 1; n > maxRestrictedFamily {
		return broken("of version 3 has %d unconfirmed ancestors, more than %d", n-1, maxRestrictedFamily-1)
	}
	if c.e.VSize > maxRestrictedChild {
		return broken("of version 3 has an unconfirmed parent and %d virtual bytes, more than %d", c.e.VSize, maxRestrictedChild)
	}
	parent := c.e.parents[0]
	if j.added[parent].count > 0 {
		return broken("is the second child of %v, of version 3, in one package", parent.hash())
	}
	for _, sibling := range parent.children {
		if _, goes := c.evicted[sibling]; goes {
			continue
		}
		if len(parent.children) > 1 || len(sibling.children) > 0 || j.rules.noReplacement {
			return broken("is a second child of %v, of version 3, which has %v", parent.hash(), sibling.hash())
		}
		c.conflicts = append(c.conflicts, sibling)
		c.evicted[sibling] = struct{}{}
	}
	return nil
}

// Limits of BIP-125 and of Bitcoin Core since its version 28, which replaces whether or not a transaction signals.
const (
	maxReplaced = 100
	// IncrementalFeeRate is what a replacement pays for its own relay over what it replaces, and the step by which a
	// full pool asks for more, in base units per 1,000 virtual bytes (-incrementalrelayfee).
	IncrementalFeeRate = MinFeeRate
)

// checkReplacement holds a transaction that spends what others spend to BIP-125's rules: it pays a higher rate than each
// that it conflicts with, and more than all that go together by enough for its own relay; it spends no unconfirmed coin
// that they did not; not too many go. BIP-125's signal is not asked for: a miner gains by taking what pays more.
func (j *judge) checkReplacement(c *candidate) error {
	if len(c.conflicts) == 0 {
		return nil
	}
	first := c.conflicts[0].hash()
	if j.rules.noReplacement {
		return refuse(ErrSpent, "bip125-replacement-disallowed", "%v conflicts with %v", c.e.hash(), first)
	}
	allowed := map[chainhash.Hash]bool{}
	for _, old := range c.conflicts {
		if _, own := c.ancestors[old]; own {
			return refuse(ErrInvalid, "bad-txns-spends-conflicting-tx", "%v spends an output of %v, with which it conflicts", c.e.hash(), old.hash())
		}
		if compare(c.e.modified(), c.e.VSize, old.modified(), old.VSize) <= 0 {
			return refuse(ErrFee, "insufficient fee", "%v pays %d for %d virtual bytes, no higher a rate than %v with %d for %d",
				c.e.hash(), c.e.modified(), c.e.VSize, old.hash(), old.modified(), old.VSize)
		}
		for _, in := range old.Tx.MsgTx().TxIn {
			allowed[in.PreviousOutPoint.Hash] = true
		}
	}
	if n := len(c.evicted); n > maxReplaced {
		return refuse(ErrSpent, "too many potential replacements", "%v replaces %d transactions, more than %d", c.e.hash(), n, maxReplaced)
	}
	for _, parent := range c.e.parents {
		if !allowed[parent.hash()] {
			return refuse(ErrSpent, "replacement-adds-unconfirmed", "%v spends an output of the unconfirmed %v, which %v did not",
				c.e.hash(), parent.hash(), first)
		}
	}
	var lost int64
	for x := range c.evicted {
		lost += x.modified()
	}
	if need := lost + feeAt(IncrementalFeeRate, c.e.VSize); c.e.modified() < need {
		return refuse(ErrFee, "insufficient fee", "%v pays %d, less than the %d of what it replaces and its own relay", c.e.hash(), c.e.modified(), need)
	}
	return nil
}
