package wallet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/mempool"
)

const (
	// DefaultFeeRate is what Send pays when it is not told, if the pool does not ask for more, in base units per 1,000
	// virtual bytes.
	DefaultFeeRate amount.Amount = 2 * mempool.MinFeeRate
	// maxInputs bounds the coins in one transaction; their weight is two thirds of what is relayed.
	maxInputs = 1000
	// dust is the least change worth an output: three times what spending it costs at MinFeeRate (Bitcoin's dust limit
	// for P2WPKH).
	dust amount.Amount = 294
	// attempts bounds how often Send builds a transaction anew because the chain or the pool moved under it.
	attempts = 4

	maxSignature = 72 // DER, low S, with the hash type
	publicKeyLen = 33
	// inputWeight is that of one P2WPKH input with them: 41 bytes outside the witness, 108 in it (BIP-141).
	inputWeight = 41*blockchain.WitnessScaleFactor + 1 + 1 + maxSignature + 1 + publicKeyLen
)

// Send pays the given outputs, in the given order, from the wallet's coins, adds change to the wallet's own script as the
// last output, and gives the transaction to the pool, which relays it. feeRate is in base units per 1,000 virtual bytes;
// 0 is DefaultFeeRate, or what the pool asks for if that is more. All inputs are P2WPKH outputs of the wallet's key.
// Coins that transactions in the pool spend are not spent again; change of the wallet's own may be, before it is mined,
// as deep as the pool allows. Errors wrap ErrFunds, ErrInputs, ErrOutput, or an Err value of package mempool; a failed
// Send leaves no coin reserved.
func (w *Wallet) Send(ctx context.Context, outs []*wire.TxOut, feeRate amount.Amount) (*wire.MsgTx, error) {
	if err := checkOutputs(outs); err != nil {
		return nil, err
	}
	if feeRate == 0 {
		feeRate = max(DefaultFeeRate, w.pool.Info().MinFeeRate)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	for range attempts {
		if err := w.syncWithPool(ctx); err != nil {
			return nil, err
		}
		var tx *wire.MsgTx
		if tx, err = w.build(outs, feeRate); err != nil {
			return nil, err
		}
		if _, err = w.pool.Accept(tx); err == nil {
			w.look()
			return tx, nil
		}
		if !errors.Is(err, mempool.ErrMissing) && !errors.Is(err, mempool.ErrSpent) && !errors.Is(err, mempool.ErrImmature) {
			break // not a coin that moved meanwhile
		}
	}
	return nil, fmt.Errorf("send: %w", err)
}

// syncWithPool is sync that waits until the pool has followed the chain as far as the wallet.
func (w *Wallet) syncWithPool(ctx context.Context) error {
	for {
		changed := w.pool.Changed()
		if err := w.sync(); err != nil {
			return err
		}
		if w.look() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func checkOutputs(outs []*wire.TxOut) error {
	if len(outs) == 0 {
		return fmt.Errorf("%w: none given", ErrOutput)
	}
	var sum amount.Amount
	for i, out := range outs {
		if sum += amount.Amount(out.Value); out.Value < 0 || amount.Amount(out.Value) > amount.Max || sum > amount.Max {
			return fmt.Errorf("%w: output %d of %d base units makes a sum of %d, out of range", ErrOutput, i, out.Value, sum)
		}
	}
	return nil
}

// build makes and signs a transaction. The lock is held.
func (w *Wallet) build(outs []*wire.TxOut, feeRate amount.Amount) (*wire.MsgTx, error) {
	var target amount.Amount
	for _, out := range outs {
		target += amount.Amount(out.Value)
	}
	bare := feeFor(outs, feeRate)
	chosen, err := choose(w.spendable(), target, bare)
	if err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(2)
	tx.TxOut = slices.Clone(outs)
	var sum amount.Amount
	prev := txscript.NewMultiPrevOutFetcher(nil)
	for _, c := range chosen {
		sum += c.value
		tx.AddTxIn(wire.NewTxIn(&c.at, nil, nil))
		prev.AddPrevOut(c.at, wire.NewTxOut(int64(c.value), w.script))
	}
	change := wire.NewTxOut(0, w.script)
	need := target + feeFor(append(tx.TxOut, change), feeRate)(len(chosen))
	if sum >= need+dust { // less than that is the miner's
		change.Value = int64(sum - need)
		tx.AddTxOut(change)
	}
	hashes := txscript.NewTxSigHashes(tx, prev)
	for i, c := range chosen {
		tx.TxIn[i].Witness, err = txscript.WitnessSignature(tx, hashes, i, int64(c.value), w.script, txscript.SigHashAll, w.k.Secp256k1(), true)
		if err != nil {
			return nil, fmt.Errorf("sign input %d: %w", i, err)
		}
	}
	return tx, nil
}

// spendable lists the coins that may be spent: those on the chain largest first, then own change, that with the shortest
// line of unconfirmed ancestors first.
func (w *Wallet) spendable() []spendable {
	spent, trusted := w.spentByPool(), map[chainhash.Hash]bool{}
	var cs []spendable
	for o, c := range w.coins {
		if !spent[o] && c.height != unknown && w.mature(c) {
			cs = append(cs, spendable{o, c.value, 0})
		}
	}
	for _, u := range w.unconfirmed(spent) {
		if w.trusted(u.at.Hash, trusted) {
			cs = append(cs, u)
		}
	}
	slices.SortFunc(cs, func(a, b spendable) int {
		return cmp.Or(cmp.Compare(a.depth, b.depth), cmp.Compare(b.value, a.value),
			slices.Compare(a.at.Hash[:], b.at.Hash[:]), cmp.Compare(a.at.Index, b.at.Index))
	})
	return cs
}

// choose picks coins worth target and the fee for that many inputs: the smallest single coin on the chain that is
// enough, or else as many as it takes in the order given.
func choose(coins []spendable, target amount.Amount, fee func(inputs int) amount.Amount) ([]spendable, error) {
	need := target + fee(1)
	single := -1
	for i := 0; i < len(coins) && coins[i].depth == 0 && coins[i].value >= need; i++ {
		single = i
	}
	if single >= 0 {
		return coins[single : single+1], nil
	}
	var sum amount.Amount
	for i, c := range coins {
		sum += c.value
		if need = target + fee(i+1); sum < need {
			continue
		}
		switch {
		case i >= maxInputs:
			return nil, fmt.Errorf("%w: %v FAI takes %d coins, more than %d", ErrInputs, target, i+1, maxInputs)
		case c.depth >= mempool.MaxPackage:
			return nil, fmt.Errorf("%w: %v FAI takes change that %d unconfirmed transactions lead to, more than %d can",
				mempool.ErrPackage, target, c.depth, mempool.MaxPackage-1)
		}
		return coins[:i+1], nil
	}
	return nil, &FundsError{Have: sum, Need: need}
}

// feeFor is what a transaction with these outputs and a number of P2WPKH inputs pays, at the longest signatures there
// are.
func feeFor(outs []*wire.TxOut, rate amount.Amount) func(inputs int) amount.Amount {
	one := wire.MsgTx{TxOut: outs, TxIn: []*wire.TxIn{{Witness: wire.TxWitness{make([]byte, maxSignature), make([]byte, publicKeyLen)}}}}
	weight := blockchain.GetTransactionWeight(btcutil.NewTx(&one))
	return func(inputs int) amount.Amount {
		w := weight + int64(inputs-1)*inputWeight
		if inputs > 0xfc {
			w += 2 * blockchain.WitnessScaleFactor // their count takes 3 bytes
		}
		return (amount.Amount((w+3)/blockchain.WitnessScaleFactor)*rate + 999) / 1000
	}
}
