package psbts

import (
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/wallet/coinselect"
)

// Role is whose turn it is with a PSBT (BIP-174).
type Role string

// The roles after the creator's, in their order.
const (
	Updater   Role = "updater"   // adds what inputs spend
	Signer    Role = "signer"    // signs
	Finalizer Role = "finalizer" // makes scripts of signatures
	Extractor Role = "extractor" // takes the transaction
)

var order = []Role{Updater, Signer, Finalizer, Extractor}

// Analysis is what a PSBT pays and what it lacks.
type Analysis struct {
	Inputs   []InputAnalysis
	FeeKnown bool
	Fee      amount.Amount
	VSize    int64 // of the transaction once it is signed; 0: not known
	Next     Role  // the first that an input waits for
}

// InputAnalysis is what one input lacks.
type InputAnalysis struct {
	HasUTXO bool
	Final   bool
	Next    Role
	Missing Missing
}

// Analyze tells what a PSBT pays and whose turn it is.
func Analyze(p *psbt.Packet) Analysis {
	a := Analysis{Next: Extractor}
	a.Fee, a.FeeKnown = Fee(p)
	rank := len(order) - 1
	weight, known := coinselect.BaseWeight(p.UnsignedTx.TxOut), true
	for i := range p.Inputs {
		n, w := analyzeInput(p, i)
		a.Inputs = append(a.Inputs, n)
		for r := range rank {
			if order[r] == n.Next {
				rank = r
			}
		}
		weight, known = weight+w, known && w > 0
	}
	a.Next = order[rank]
	if known {
		a.VSize = coinselect.VSize(weight)
	}
	if tx, err := Extract(p); err == nil {
		a.VSize = VSize(tx)
	}
	return a
}

// analyzeInput also tells what the input will weigh; 0 if that is not known.
func analyzeInput(p *psbt.Packet, i int) (n InputAnalysis, weight int64) {
	in, o := &p.Inputs[i], p.UnsignedTx.TxIn[i].PreviousOutPoint
	out := Spent(in, o)
	n.HasUTXO, n.Final = out != nil, Final(in)
	switch {
	case n.Final:
		n.Next = Extractor
	case out == nil:
		n.Next = Updater
	default:
		var done bool
		n.Missing, done = lacks(in, out.PkScript)
		switch {
		case done:
			n.Next = Finalizer
		case n.Missing.unknown() > 0:
			n.Next = Updater
		default:
			n.Next = Signer
		}
	}
	switch {
	case out == nil:
	case txscript.IsPayToWitnessPubKeyHash(out.PkScript):
		weight = coinselect.WeightP2WPKH
	case txscript.IsPayToTaproot(out.PkScript):
		weight = coinselect.WeightP2TR
	case txscript.IsPayToPubKeyHash(out.PkScript):
		weight = coinselect.WeightP2PKH
	}
	return n, weight
}

// Witness is the finished witness of an input; nil if there is none.
func Witness(in *psbt.PInput) wire.TxWitness {
	if in.FinalScriptWitness == nil {
		return nil
	}
	w, err := readWitness(in.FinalScriptWitness)
	if err != nil {
		return nil // Check refuses such a PSBT
	}
	return w
}
