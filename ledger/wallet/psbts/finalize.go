package psbts

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
)

// Finalize finishes every input that has the signatures it takes, and says whether all are finished. An input counts as
// finished only if its script runs.
func Finalize(p *psbt.Packet) (complete bool) {
	complete = true
	v := newVerifier(p)
	for i := range p.Inputs {
		if finalizeInput(v, p, i) != nil {
			complete = false
		}
	}
	return complete
}

func finalizeInput(v *verifier, p *psbt.Packet, i int) error {
	if Final(&p.Inputs[i]) {
		return v.verify(i, &p.Inputs[i])
	}
	in := p.Inputs[i]
	out := Spent(&in, p.UnsignedTx.TxIn[i].PreviousOutPoint)
	if out == nil {
		return fmt.Errorf("%w: input %d does not say what it spends", ErrIncomplete, i)
	}
	done := psbt.PInput{NonWitnessUtxo: in.NonWitnessUtxo, WitnessUtxo: in.WitnessUtxo, Unknowns: in.Unknowns}
	switch {
	case txscript.IsPayToWitnessPubKeyHash(out.PkScript):
		j := slices.IndexFunc(in.PartialSigs, func(s *psbt.PartialSig) bool {
			return bytes.Equal(address.Hash160(s.PubKey), out.PkScript[2:])
		})
		if j < 0 {
			return fmt.Errorf("%w: input %d has no signature of its key", ErrIncomplete, i)
		}
		done.FinalScriptWitness = writeWitness(in.PartialSigs[j].Signature, in.PartialSigs[j].PubKey)
	case txscript.IsPayToTaproot(out.PkScript) && in.TaprootKeySpendSig != nil:
		done.FinalScriptWitness = writeWitness(in.TaprootKeySpendSig)
	default:
		if in.WitnessUtxo == nil && (txscript.IsWitnessProgram(out.PkScript) || txscript.IsWitnessProgram(in.RedeemScript)) {
			p.Inputs[i].WitnessUtxo = out // without it btcd takes the input for one outside segregated witness
		}
		ok, err := psbt.MaybeFinalize(p, i)
		if err != nil || !ok {
			p.Inputs[i] = in
			return fmt.Errorf("%w: input %d: %v", ErrIncomplete, i, err)
		}
		done.FinalScriptSig, done.FinalScriptWitness = p.Inputs[i].FinalScriptSig, p.Inputs[i].FinalScriptWitness
	}
	p.Inputs[i] = done
	if err := v.verify(i, &p.Inputs[i]); err != nil {
		p.Inputs[i] = in
		return fmt.Errorf("%w: input %d: %v", ErrIncomplete, i, err)
	}
	return nil
}

// Combine puts together what several signers of one transaction have added. The PSBTs are not changed.
func Combine(ps ...*psbt.Packet) (*psbt.Packet, error) {
	if len(ps) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrPSBT)
	}
	b, err := Encode(ps[0])
	if err != nil {
		return nil, err
	}
	all, err := Parse(b)
	if err != nil {
		return nil, err
	}
	for _, p := range ps[1:] {
		if x, y := all.UnsignedTx.TxHash(), p.UnsignedTx.TxHash(); x != y {
			return nil, fmt.Errorf("%w: %v and %v", ErrCombine, x, y)
		}
		for i := range all.Inputs {
			mergeInput(&all.Inputs[i], &p.Inputs[i])
		}
		for i := range all.Outputs {
			mergeOutput(&all.Outputs[i], &p.Outputs[i])
		}
		all.XPubs = merge(all.XPubs, p.XPubs, func(x psbt.XPub) string { return string(x.ExtendedKey) })
		all.Unknowns = merge(all.Unknowns, p.Unknowns, unknownKey)
	}
	return all, Check(all)
}

func mergeInput(to, from *psbt.PInput) {
	to.NonWitnessUtxo = cmp.Or(to.NonWitnessUtxo, from.NonWitnessUtxo)
	to.WitnessUtxo = cmp.Or(to.WitnessUtxo, from.WitnessUtxo)
	to.SighashType = cmp.Or(to.SighashType, from.SighashType)
	for _, f := range []struct{ to, from *[]byte }{
		{&to.RedeemScript, &from.RedeemScript}, {&to.WitnessScript, &from.WitnessScript}, {&to.FinalScriptSig, &from.FinalScriptSig},
		{&to.FinalScriptWitness, &from.FinalScriptWitness}, {&to.TaprootKeySpendSig, &from.TaprootKeySpendSig},
		{&to.TaprootInternalKey, &from.TaprootInternalKey}, {&to.TaprootMerkleRoot, &from.TaprootMerkleRoot},
	} {
		if *f.to == nil {
			*f.to = *f.from
		}
	}
	to.PartialSigs = merge(to.PartialSigs, from.PartialSigs, func(s *psbt.PartialSig) string { return string(s.PubKey) })
	to.Bip32Derivation = merge(to.Bip32Derivation, from.Bip32Derivation, derivationKey)
	to.TaprootScriptSpendSig = merge(to.TaprootScriptSpendSig, from.TaprootScriptSpendSig, func(s *psbt.TaprootScriptSpendSig) string {
		return string(s.XOnlyPubKey) + string(s.LeafHash)
	})
	to.TaprootLeafScript = merge(to.TaprootLeafScript, from.TaprootLeafScript, func(s *psbt.TaprootTapLeafScript) string { return string(s.ControlBlock) })
	to.TaprootBip32Derivation = merge(to.TaprootBip32Derivation, from.TaprootBip32Derivation, taprootKey)
	to.Unknowns = merge(to.Unknowns, from.Unknowns, unknownKey)
}

func mergeOutput(to, from *psbt.POutput) {
	for _, f := range []struct{ to, from *[]byte }{
		{&to.RedeemScript, &from.RedeemScript}, {&to.WitnessScript, &from.WitnessScript},
		{&to.TaprootInternalKey, &from.TaprootInternalKey}, {&to.TaprootTapTree, &from.TaprootTapTree},
	} {
		if *f.to == nil {
			*f.to = *f.from
		}
	}
	to.Bip32Derivation = merge(to.Bip32Derivation, from.Bip32Derivation, derivationKey)
	to.TaprootBip32Derivation = merge(to.TaprootBip32Derivation, from.TaprootBip32Derivation, taprootKey)
	to.Unknowns = merge(to.Unknowns, from.Unknowns, unknownKey)
}

func derivationKey(d *psbt.Bip32Derivation) string     { return string(d.PubKey) }
func taprootKey(d *psbt.TaprootBip32Derivation) string { return string(d.XOnlyPubKey) }
func unknownKey(u *psbt.Unknown) string                { return string(u.Key) }

// merge appends what has a key that is not there yet.
func merge[T any](to, from []T, key func(T) string) []T {
	seen := map[string]bool{}
	for _, x := range to {
		seen[key(x)] = true
	}
	for _, x := range from {
		if !seen[key(x)] {
			seen[key(x)], to = true, append(to, x)
		}
	}
	return to
}
