package hd

import (
	"context"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/mempool"
	"funai/ledger/wallet/coinselect"
	"funai/ledger/wallet/hdkey"
)

// ErrBump says that a transaction cannot be replaced, and why.
var ErrBump = errors.New("transaction cannot be replaced")

const (
	// incrementalRate is what a replacement pays beyond what it replaces, per 1,000 virtual bytes of its own (BIP-125, rule
	// 4; Bitcoin Core's incrementalrelayfee).
	incrementalRate = mempool.MinFeeRate
	// walletIncrement is how much the wallet raises a fee rate by itself (Bitcoin Core's WALLET_INCREMENTAL_RELAY_FEE).
	walletIncrement amount.Amount = 5000
)

// BumpOptions is what may be chosen about a replacement.
type BumpOptions struct {
	Rate         amount.Amount // per 1,000 virtual bytes; 0: the estimate, and at least some more than before
	Target       int           // blocks; 0: DefaultTarget
	Conservative bool
	Outputs      []Output // nil: those of the transaction, change excepted
	ChangeIndex  *int     // which of its outputs is change; nil: the first that pays the change chain
	Final        bool     // the replacement cannot be replaced again
}

// Bumped is a replacement.
type Bumped struct {
	Draft  *Draft // signed, if it was sent
	OldFee amount.Amount
}

// Bump replaces an unconfirmed transaction of the wallet's with one that pays more (BIP-125), taking the difference from the
// change and, if that is not enough, from more confirmed coins. Errors wrap ErrBump, ErrUnknown and those of Send.
func (w *Wallet) Bump(ctx context.Context, hash chainhash.Hash, o BumpOptions) (*Bumped, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	if w.private == nil {
		return nil, ErrLocked
	}
	b, err := w.replacement(hash, o)
	if err != nil {
		return nil, err
	}
	if bad := w.signTx(b.Draft.Tx, b.Draft.Prev, nil); len(bad) > 0 {
		return nil, fmt.Errorf("sign input %d: %w", bad[0].Input, bad[0].Err)
	}
	old := w.book.txs[hash]
	return b, w.publish(b.Draft.Tx, Note{old.comment, old.to}, old)
}

// Replacement is what Bump would send, without signatures.
func (w *Wallet) Replacement(ctx context.Context, hash chainhash.Hash, o BumpOptions) (*Bumped, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	return w.replacement(hash, o)
}

func (w *Wallet) replacement(hash chainhash.Hash, o BumpOptions) (*Bumped, error) {
	r := w.book.txs[hash]
	if r == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknown, hash)
	}
	oldFee, err := w.replaceable(r)
	if err != nil {
		return nil, err
	}
	vsize := w.signedVSize(r)
	rate, err := w.bumpRate(oldFee, vsize, o)
	if err != nil {
		return nil, err
	}
	s := SpendOptions{Rate: rate, MinConf: 1, Final: o.Final, replace: r, minFee: oldFee + coinselect.FeeFor(vsize, incrementalRate)}
	for _, in := range r.tx.TxIn {
		s.Inputs = append(s.Inputs, Input{Out: in.PreviousOutPoint})
	}
	outs, err := w.bumpOutputs(r, o, &s)
	if err != nil {
		return nil, err
	}
	d, err := w.draft(outs, &s)
	if err != nil {
		return nil, err
	}
	// More inputs make it larger, and then it owes more.
	for owed := oldFee + coinselect.FeeFor(d.VSize, incrementalRate); d.Fee < owed; owed = oldFee + coinselect.FeeFor(d.VSize, incrementalRate) {
		s.minFee = owed
		if d, err = w.draft(outs, &s); err != nil {
			return nil, err
		}
	}
	return &Bumped{d, oldFee}, nil
}

// replaceable returns the fee of a transaction that may be replaced.
func (w *Wallet) replaceable(r *record) (fee amount.Amount, err error) {
	debit, all := w.book.debit(r)
	for _, out := range r.tx.TxOut {
		fee += amount.Amount(out.Value)
	}
	switch {
	case r.confirmed() || r.conflict != chain.Index{}:
		return 0, fmt.Errorf("%w: it has been mined, or a block spends the same", ErrBump)
	case r.replacedBy != chainhash.Hash{}:
		return 0, fmt.Errorf("%w: it was replaced by %v already", ErrBump, r.replacedBy)
	case !signals(r.tx):
		return 0, fmt.Errorf("%w: it does not signal that it can be (BIP-125)", ErrBump)
	case len(w.book.descendants(r)) > 0:
		return 0, fmt.Errorf("%w: other transactions of the wallet spend its outputs", ErrBump)
	case !all:
		return 0, fmt.Errorf("%w: not all of its inputs are the wallet's", ErrBump)
	case w.book.dead(r):
		return 0, fmt.Errorf("%w: it was abandoned", ErrBump)
	}
	return debit - fee, nil
}

// signedVSize is the most that a transaction of the wallet's takes once it is signed.
func (w *Wallet) signedVSize(r *record) int64 {
	weight := coinselect.BaseWeight(r.tx.TxOut) + int64(wire.VarIntSerializeSize(uint64(len(r.tx.TxIn)))-1)*4
	for _, in := range r.tx.TxIn {
		p, _ := w.book.path(w.book.owned(in.PreviousOutPoint).PkScript)
		weight += candidate(0, spendable{path: p}).Weight
	}
	return coinselect.VSize(weight)
}

func (w *Wallet) bumpRate(oldFee amount.Amount, vsize int64, o BumpOptions) (amount.Amount, error) {
	oldRate := oldFee * 1000 / amount.Amount(vsize)
	if o.Rate > 0 {
		if least := oldRate + incrementalRate; o.Rate < least {
			return 0, fmt.Errorf("%w: %v FAI per 1,000 virtual bytes, the replacement has to pay %v", ErrFeeRate, o.Rate, least)
		}
		return w.rate(&SpendOptions{Rate: o.Rate})
	}
	rate, err := w.rate(&SpendOptions{Target: o.Target, Conservative: o.Conservative})
	return max(rate, oldRate+max(walletIncrement, incrementalRate)), err
}

// bumpOutputs tells receivers from change.
func (w *Wallet) bumpOutputs(r *record, o BumpOptions, s *SpendOptions) (outs []Output, err error) {
	change := -1
	if o.ChangeIndex != nil {
		if change = *o.ChangeIndex; change < 0 || change >= len(r.tx.TxOut) {
			return nil, fmt.Errorf("%w: there is no output %d", ErrOptions, change)
		}
		if txscript.IsUnspendable(r.tx.TxOut[change].PkScript) {
			return nil, fmt.Errorf("%w: output %d can never be spent, so it is no change", ErrOptions, change)
		}
	}
	for i, out := range r.tx.TxOut {
		if p, mine := w.book.path(out.PkScript); change < 0 && mine && p.Chain == hdkey.Change {
			change = i
		}
		if i != change {
			outs = append(outs, Output{Script: out.PkScript, Value: amount.Amount(out.Value)})
		}
	}
	if o.Outputs != nil {
		outs = o.Outputs
	}
	switch {
	case len(outs) == 0: // all of it is change
		debit, _ := w.book.debit(r)
		s.OnlyInputs, outs = true, []Output{{Script: r.tx.TxOut[change].PkScript, Value: debit, SubtractFee: true}}
	case change >= 0:
		s.Change = r.tx.TxOut[change].PkScript
		if change <= len(outs) {
			s.ChangePos = &change
		}
	}
	return outs, nil
}
