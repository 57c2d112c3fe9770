package hd

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/wallet/hdkey"
)

// ErrPrevOut says that what an input spends is not known, so that it cannot be signed.
var ErrPrevOut = errors.New("the output that an input spends is not known")

// signer is the key of one address.
type signer struct {
	hdkey.Path
	key *btcec.PrivateKey
}

// signing is a transaction with all that its signatures cover.
type signing struct {
	tx     *wire.MsgTx
	prev   *txscript.MultiPrevOutFetcher
	hashes *txscript.TxSigHashes
	whole  bool // every output spent is known
}

func newSigning(tx *wire.MsgTx, known map[wire.OutPoint]*wire.TxOut) *signing {
	s := &signing{tx: tx, prev: txscript.NewMultiPrevOutFetcher(nil), whole: true}
	for _, in := range tx.TxIn {
		out := known[in.PreviousOutPoint]
		if out == nil {
			s.whole, out = false, &wire.TxOut{} // the hasher wants one for each input
		}
		s.prev.AddPrevOut(in.PreviousOutPoint, out)
	}
	s.hashes = txscript.NewTxSigHashes(tx, s.prev)
	return s
}

// verify runs an input's script.
func (s *signing) verify(i int) error {
	out := s.prev.FetchPrevOutput(s.tx.TxIn[i].PreviousOutPoint)
	e, err := txscript.NewEngine(out.PkScript, s.tx, i, txscript.StandardVerifyFlags, nil, s.hashes, out.Value, s.prev)
	if err != nil {
		return err
	}
	return e.Execute()
}

// sighashFor is how an input of a kind is signed when nothing else is asked for: everything, in the shortest form.
func sighashFor(t hdkey.Type) txscript.SigHashType {
	if t == hdkey.P2TR {
		return txscript.SigHashDefault
	}
	return txscript.SigHashAll
}

// sign makes the witness of an input that pays a key. A taproot signature covers every output spent (BIP-341), so each must
// be known.
func (s *signing) sign(i int, k signer, sighash txscript.SigHashType) (wire.TxWitness, error) {
	out := s.prev.FetchPrevOutput(s.tx.TxIn[i].PreviousOutPoint)
	if k.Type == hdkey.P2WPKH {
		return txscript.WitnessSignature(s.tx, s.hashes, i, out.Value, out.PkScript, sighash, k.key, true)
	}
	if !s.whole {
		return nil, fmt.Errorf("%w: a taproot signature covers them all", ErrPrevOut)
	}
	return txscript.TaprootWitnessSignature(s.tx, s.hashes, i, out.Value, out.PkScript, sighash, k.key)
}

// InputError is an input that is not signed completely.
type InputError struct {
	Input int
	Err   error
}

// SignTx signs those inputs of a transaction that spend coins of the wallet, in place. others are outputs, not the wallet's,
// that other inputs spend: what is known of them is used, and for the wallet's own coins what the wallet itself knows.
// sighash nil stands for "all". Inputs that are not complete afterwards, for whatever reason, are told of. Errors wrap
// ErrLocked.
func (w *Wallet) SignTx(tx *wire.MsgTx, others map[wire.OutPoint]*wire.TxOut, sighash *txscript.SigHashType) ([]InputError, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.private == nil {
		return nil, ErrLocked
	}
	return w.signTx(tx, others, sighash), nil
}

func (w *Wallet) signTx(tx *wire.MsgTx, others map[wire.OutPoint]*wire.TxOut, sighash *txscript.SigHashType) (bad []InputError) {
	known := map[wire.OutPoint]*wire.TxOut{}
	for _, in := range tx.TxIn {
		o := in.PreviousOutPoint
		if out := w.book.owned(o); out != nil {
			known[o] = out
		} else if out := others[o]; out != nil {
			known[o] = out
		}
	}
	s := newSigning(tx, known)
	for i, in := range tx.TxIn {
		if err := w.signInput(s, i, known[in.PreviousOutPoint], sighash); err != nil {
			bad = append(bad, InputError{i, err})
		}
	}
	return bad
}

func (w *Wallet) signInput(s *signing, i int, out *wire.TxOut, sighash *txscript.SigHashType) error {
	if out == nil {
		return fmt.Errorf("%w: input %d spends %v", ErrPrevOut, i, s.tx.TxIn[i].PreviousOutPoint)
	}
	err := w.withKey(out.PkScript, func(k signer) error {
		how := sighashFor(k.Type)
		if sighash != nil {
			how = *sighash
		}
		witness, err := s.sign(i, k, how)
		if err == nil {
			s.tx.TxIn[i].Witness, s.tx.TxIn[i].SignatureScript = witness, nil
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrNotMine) {
		return err
	}
	return s.verify(i) // also what others have signed
}
