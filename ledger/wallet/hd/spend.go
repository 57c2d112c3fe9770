package hd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/mempool"
	"funai/ledger/wallet/coinselect"
	"funai/ledger/wallet/hdkey"
)

const (
	// DefaultFeeRate is paid, per 1,000 virtual bytes, when nobody says otherwise and there is no estimate.
	DefaultFeeRate amount.Amount = 2 * mempool.MinFeeRate
	// DefaultTarget is the number of blocks within which a transaction shall be mined (Bitcoin Core's txconfirmtarget).
	DefaultTarget = 6
	// MaxFee is the most that one transaction may pay (Bitcoin Core's maxtxfee), a guard against slips.
	MaxFee = amount.FAI / 10
	// longTermRate is what spending a coin will cost at some other time (Bitcoin Core's consolidatefeerate), per 1,000
	// virtual bytes.
	longTermRate amount.Amount = 10_000
	// attempts bounds how often a transaction is built anew because the chain or the pool moved under it.
	attempts = 4
	// sequence lets a transaction be replaced (BIP-125), finalSequence not; both let its lock time count.
	sequence      = wire.MaxTxInSequenceNum - 2
	finalSequence = wire.MaxTxInSequenceNum - 1
)

// Why a transaction is not made. ErrFunds and ErrInputs are coinselect's; the first is a *coinselect.FundsError.
var (
	ErrFunds   = coinselect.ErrFunds
	ErrInputs  = coinselect.ErrInputs
	ErrOutput  = errors.New("bad output")
	ErrFeeRate = errors.New("fee rate is too low")
	ErrMaxFee  = errors.New("fee is too high")
	ErrOptions = errors.New("spending options contradict one another")
)

// Output is a payment.
type Output struct {
	Script []byte
	Value  amount.Amount
	// SubtractFee has this receiver pay the fee, in equal parts with others that do; the first of them pays what does not
	// divide.
	SubtractFee bool
}

// SpendOptions is what may be chosen about a transaction. The zero value pays an estimated fee from any coins that nobody
// else can undo, with change to the wallet.
type SpendOptions struct {
	Rate         amount.Amount // per 1,000 virtual bytes; 0: the pool's estimate for Target
	Target       int           // blocks; 0: DefaultTarget
	Conservative bool          // the estimate shall outlast a drop of fees

	Inputs     []Input // spent in any case
	OnlyInputs bool    // nothing else is
	All        bool    // everything is; outputs with value 0 share what the others and the fee leave
	Unsafe     bool    // also coins from others in the mempool
	MinConf    int32   // only coins with as many confirmations
	MaxConf    int32   // and no more; 0: no bound

	Change     []byte      // script of the change; nil: a new address
	ChangeType *hdkey.Type // nil: that of a receiver
	ChangePos  *int        // nil: random
	Final      bool        // cannot be replaced (BIP-125)
	LockTime   *uint32     // nil: the current height, against miners who would reorganize for the fee
	Lock       bool        // the coins chosen

	minFee  amount.Amount // total
	replace *record       // its inputs are free
}

// Input is a coin to spend in any case.
type Input struct {
	Out      wire.OutPoint
	Sequence *uint32 // nil: as the options say
}

// Draft is a transaction without signatures.
type Draft struct {
	Tx        *wire.MsgTx
	Fee       amount.Amount
	ChangePos int // -1: none
	Prev      map[wire.OutPoint]*wire.TxOut
	VSize     int64 // once signed, at most
}

// Fund makes a transaction that pays outputs. Errors wrap ErrFunds, ErrInputs, ErrOutput, ErrFeeRate, ErrMaxFee, ErrNoCoin,
// ErrOptions and ErrScanning.
func (w *Wallet) Fund(ctx context.Context, outs []Output, o SpendOptions) (*Draft, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	d, err := w.draft(outs, &o)
	if err != nil {
		return nil, err
	}
	if o.Lock {
		for at := range d.Prev {
			w.locked[at] = false
		}
	}
	// The transaction may be signed and sent without the wallet being told: its change address is spent.
	if d.ChangePos >= 0 {
		if p, ok := w.book.path(d.Tx.TxOut[d.ChangePos].PkScript); ok && w.use(p) {
			return d, w.commit(false)
		}
	}
	return d, nil
}

// Note is what a person remembers of a payment.
type Note struct{ Comment, To string }

// Send makes a transaction, signs it, keeps it, and gives it to the pool, which relays it. Errors are those of Fund,
// ErrLocked, or mempool's; after one nothing is spent.
func (w *Wallet) Send(ctx context.Context, outs []Output, o SpendOptions, note Note) (*wire.MsgTx, amount.Amount, error) {
	var err error
	for range attempts {
		var d *Draft
		if d, err = w.sendOnce(ctx, outs, o, note); err == nil {
			return d.Tx, d.Fee, nil
		}
		if !errors.Is(err, mempool.ErrMissing) && !errors.Is(err, mempool.ErrSpent) && !errors.Is(err, mempool.ErrImmature) {
			break // not a coin that moved meanwhile
		}
	}
	return nil, 0, err
}

func (w *Wallet) sendOnce(ctx context.Context, outs []Output, o SpendOptions, note Note) (*Draft, error) {
	if err := w.enter(ctx); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	if w.private == nil {
		return nil, ErrLocked
	}
	d, err := w.draft(outs, &o)
	if err != nil {
		return nil, err
	}
	if bad := w.signTx(d.Tx, d.Prev, nil); len(bad) > 0 {
		return nil, fmt.Errorf("sign input %d: %w", bad[0].Input, bad[0].Err)
	}
	return d, w.publish(d.Tx, note, nil)
}

// publish keeps a transaction of the wallet's and gives it to the pool. It is on the disk before anybody else sees it: a
// payment that was made must not be forgotten and made again. If that fails, or the pool refuses it, it is forgotten: who
// has been told of an error may pay anew. Once the pool has it, nothing is an error any more, for the same reason.
func (w *Wallet) publish(tx *wire.MsgTx, note Note, replaces *record) error {
	if len(note.Comment) > maxNote || len(note.To) > maxNote {
		return fmt.Errorf("%w: notes of %d and %d bytes, more than %d", ErrLabel, len(note.Comment), len(note.To), maxNote)
	}
	hash := tx.TxHash()
	old := w.book.txs[hash]
	r := w.book.add(tx, hash, w.cfg.Now().Unix())
	if old == nil {
		r.comment, r.to = note.Comment, note.To
	}
	if replaces != nil {
		r.replaces = replaces.hash
	}
	w.touch(r)
	w.useOutputs(tx)
	err := w.commit(true)
	if err == nil {
		_, err = w.cfg.Pool.Accept(tx)
	}
	if err != nil && !errors.Is(err, mempool.ErrKnown) {
		if old == nil {
			w.book.remove(r)
			delete(w.dirty, hash)
			err = errors.Join(err, w.db.write(changes{remove: []*record{r}, mustLast: true}))
		}
		return err
	}
	if replaces != nil {
		replaces.replacedBy, replaces.pooled = hash, false
		w.touch(replaces)
	}
	if !w.look() {
		r.pooled = true // the pool stands at another block for now, and has taken it
	}
	if err := w.commit(true); err != nil {
		w.log.Error("wallet cannot be saved", "err", err) // it tries again with the next change
	}
	return nil
}

// rate is the fee rate to pay.
func (w *Wallet) rate(o *SpendOptions) (amount.Amount, error) {
	floor := max(w.cfg.Pool.Info().MinFeeRate, mempool.MinFeeRate)
	if o.Rate > 0 {
		if o.Rate < floor {
			return 0, fmt.Errorf("%w: %v FAI per 1,000 virtual bytes, the mempool asks for %v", ErrFeeRate, o.Rate, floor)
		}
		return o.Rate, nil
	}
	if e, ok := w.cfg.Pool.(Estimator); ok {
		target := o.Target
		if target <= 0 {
			target = DefaultTarget
		}
		if rate, _, err := e.EstimateFee(target, o.Conservative); err == nil {
			return max(rate, floor), nil
		}
	}
	return max(DefaultFeeRate, floor), nil
}

// lockTime is the height of the tip, or now and then somewhat less, so that transactions that are sent late for privacy's
// sake do not stand out (Bitcoin Core's DiscourageFeeSniping). A chain that is not up to date would give it away: then 0.
func (w *Wallet) lockTime() (uint32, error) {
	const current, back = 8 * time.Hour, 100
	h, _, ok := w.cfg.Chain.Header(w.at.Hash)
	if !ok || w.cfg.Now().Sub(h.Timestamp) > current {
		return 0, nil
	}
	height := w.at.Height
	if ten, err := w.random(10); err != nil || ten > 0 {
		return uint32(height), err
	}
	n, err := w.random(back)
	return uint32(max(0, height-int32(n))), err
}

// random is a number from 0 below n.
func (w *Wallet) random(n int) (int, error) {
	i, err := rand.Int(w.cfg.Rand, big.NewInt(int64(n)))
	if err != nil {
		return 0, fmt.Errorf("randomness: %w", err)
	}
	return int(i.Int64()), nil
}
