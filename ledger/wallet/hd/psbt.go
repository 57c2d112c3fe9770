package hd

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/psbts"
)

// ErrSigHash says that a PSBT wants an input signed in another way than was agreed to, such as one that lets others change
// the outputs.
var ErrSigHash = errors.New("PSBT wants another kind of signature")

// ErrLie says that a PSBT tells another value or script of a coin of the wallet's than the coin has, or tells the value of
// one in a way that proves nothing.
var ErrLie = errors.New("PSBT does not tell the truth about a coin of the wallet")

// PSBTOptions is what is done to a PSBT.
type PSBTOptions struct {
	Sign     bool
	SigHash  *txscript.SigHashType // how to sign; nil: everything, and nothing that is agreed on beforehand
	Derivs   bool                  // add the paths of the wallet's keys
	Finalize bool                  // finish inputs that are signed
}

// PSBT makes one of a draft, with all that the wallet knows.
func (w *Wallet) PSBT(d *Draft, derivs bool) (*psbt.Packet, error) {
	p, err := psbt.NewFromUnsignedTx(d.Tx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return p, w.updatePSBT(p, derivs)
}

// ProcessPSBT adds to a PSBT, in place, what the wallet knows of its inputs and outputs, and signs the wallet's inputs if it
// is asked to. It says whether all inputs are final. Nothing of others is signed, and nothing for a value that is not proven.
// Errors wrap ErrLocked, ErrLie and ErrSigHash.
func (w *Wallet) ProcessPSBT(ctx context.Context, p *psbt.Packet, o PSBTOptions) (complete bool, err error) {
	if err := w.enter(ctx); err != nil {
		return false, err
	}
	defer w.mu.Unlock()
	if o.Sign && w.private == nil {
		return false, ErrLocked
	}
	if err := w.updatePSBT(p, o.Derivs); err != nil {
		return false, err
	}
	if o.Sign {
		if err := w.signPSBT(p, o.SigHash); err != nil {
			return false, err
		}
	}
	if o.Finalize {
		return psbts.Finalize(p), nil
	}
	complete = true
	for i := range p.Inputs {
		complete = complete && psbts.Final(&p.Inputs[i])
	}
	return complete, nil
}

// updatePSBT adds what the wallet knows.
func (w *Wallet) updatePSBT(p *psbt.Packet, derivs bool) error {
	for i := range p.Inputs {
		o := p.UnsignedTx.TxIn[i].PreviousOutPoint
		if err := w.updateInput(&p.Inputs[i], o, derivs); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	for i, out := range p.UnsignedTx.TxOut {
		path, ok := w.book.path(out.PkScript)
		if !ok || !derivs {
			continue
		}
		k, err := w.keys.Key(path)
		if err != nil {
			return err
		}
		to := &p.Outputs[i]
		w.addDerivation(k, &to.Bip32Derivation, &to.TaprootBip32Derivation, &to.TaprootInternalKey)
	}
	return nil
}

func (w *Wallet) updateInput(in *psbt.PInput, o wire.OutPoint, derivs bool) error {
	out := w.book.owned(o)
	if out != nil {
		if said := psbts.Spent(in, o); said != nil && !psbt.TxOutsEqual(said, out) {
			return fmt.Errorf("%w: %v is worth %d base units, not %d", ErrLie, o, out.Value, said.Value)
		}
		in.WitnessUtxo = out
		if txscript.IsPayToWitnessPubKeyHash(out.PkScript) { // whose signature covers no other input's value
			in.NonWitnessUtxo = w.book.txs[o.Hash].tx
		}
	} else if out = psbts.Spent(in, o); out == nil {
		return nil
	}
	path, ok := w.book.path(out.PkScript)
	if !ok || !derivs || psbts.Final(in) {
		return nil
	}
	k, err := w.keys.Key(path)
	if err != nil {
		return err
	}
	w.addDerivation(k, &in.Bip32Derivation, &in.TaprootBip32Derivation, &in.TaprootInternalKey)
	return nil
}

func (w *Wallet) addDerivation(k hdkey.Key, v0 *[]*psbt.Bip32Derivation, v1 *[]*psbt.TaprootBip32Derivation, internal *[]byte) {
	path := k.Indices(hdkey.CoinType(w.net))
	if k.Type == hdkey.P2TR {
		x := schnorr.SerializePubKey(k.PubKey)
		*internal = x
		for _, d := range *v1 {
			if bytes.Equal(d.XOnlyPubKey, x) {
				return
			}
		}
		*v1 = append(*v1, &psbt.TaprootBip32Derivation{XOnlyPubKey: x, MasterKeyFingerprint: w.keys.Fingerprint, Bip32Path: path})
		return
	}
	pub := k.PubKey.SerializeCompressed()
	for _, d := range *v0 {
		if bytes.Equal(d.PubKey, pub) {
			return
		}
	}
	*v0 = append(*v0, &psbt.Bip32Derivation{PubKey: pub, MasterKeyFingerprint: w.keys.Fingerprint, Bip32Path: path})
}

func (w *Wallet) signPSBT(p *psbt.Packet, sighash *txscript.SigHashType) error {
	s := newSigning(p.UnsignedTx, psbts.Outputs(p))
	for i := range p.Inputs {
		o := p.UnsignedTx.TxIn[i].PreviousOutPoint
		out := psbts.Spent(&p.Inputs[i], o)
		if out == nil || psbts.Final(&p.Inputs[i]) || !w.book.mine(out) {
			continue
		}
		if err := w.signPSBTInput(s, p, i, out, sighash); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	return nil
}

func (w *Wallet) signPSBTInput(s *signing, p *psbt.Packet, i int, out *wire.TxOut, sighash *txscript.SigHashType) error {
	in := &p.Inputs[i]
	return w.withKey(out.PkScript, func(k signer) error {
		// A signature of segregated witness version 0 covers the value of its own input alone, so two signing sessions
		// that are each told a lie about the other input could be put together to one great fee.
		if k.Type == hdkey.P2WPKH && in.NonWitnessUtxo == nil {
			return fmt.Errorf("%w: the transaction that made it is not given", ErrLie)
		}
		how, err := agree(k.Type, in.SighashType, sighash)
		if err != nil {
			return err
		}
		if k.Type == hdkey.P2TR && !s.whole {
			return nil // it takes what the other inputs spend; somebody else will add that
		}
		witness, err := s.sign(i, k, how)
		if err != nil {
			return err
		}
		if k.Type == hdkey.P2TR {
			in.TaprootKeySpendSig = witness[0]
			return nil
		}
		for _, sig := range in.PartialSigs {
			if bytes.Equal(sig.PubKey, witness[1]) {
				sig.Signature = witness[0]
				return nil
			}
		}
		in.PartialSigs = append(in.PartialSigs, &psbt.PartialSig{PubKey: witness[1], Signature: witness[0]})
		return nil
	})
}

// agree is how to sign an input: as the PSBT says if that is everything or what the caller said, which must not differ.
func agree(t hdkey.Type, said txscript.SigHashType, asked *txscript.SigHashType) (txscript.SigHashType, error) {
	usual := sighashFor(t)
	switch {
	case asked != nil && said != 0 && said != *asked:
		return 0, fmt.Errorf("%w: %#x, not %#x as asked for", ErrSigHash, said, *asked)
	case asked != nil && *asked == txscript.SigHashDefault:
		return usual, nil
	case asked != nil:
		return *asked, nil
	case said == 0:
		return usual, nil
	case said == txscript.SigHashAll:
		return said, nil
	default:
		return 0, fmt.Errorf("%w: %#x, which leaves parts of the transaction to others", ErrSigHash, said)
	}
}
