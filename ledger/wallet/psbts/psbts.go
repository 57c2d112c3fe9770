// Package psbts reads, checks, combines, finalizes and explains partially signed transactions (BIP-174, BIP-371) that come
// from others. btcd's psbt package, on which it stands, trusts what it reads in places; here every reference is checked
// before it is followed. It is pure, and imports amount, coinselect and txbytes and nothing else of the project.
package psbts

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/wallet/txbytes"
)

// ErrPSBT says that bytes are no PSBT or that one contradicts itself; ErrCombine that PSBTs are of different transactions;
// ErrIncomplete that one cannot be extracted yet.
var (
	ErrPSBT       = errors.New("bad PSBT")
	ErrCombine    = errors.New("PSBTs of different transactions")
	ErrIncomplete = errors.New("PSBT is not complete")
)

// MaxSize bounds a PSBT in bytes: a standard transaction with all that its inputs spend, and room.
const MaxSize = 8 << 20

const magic = "psbt\xff"

// Parse reads a PSBT, in base64 or binary, as one stands in a file or in a request.
func Parse(b []byte) (*psbt.Packet, error) {
	if len(b) > MaxSize*4/3+4 {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrPSBT, len(b), MaxSize)
	}
	if !bytes.HasPrefix(b, []byte(magic)) {
		text := strings.Join(strings.Fields(string(b)), "")
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%w: neither binary nor base64", ErrPSBT)
		}
		b = raw
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrPSBT, len(b), MaxSize)
	}
	if err := fits(b); err != nil {
		return nil, err
	}
	r := bytes.NewReader(b)
	p, err := psbt.NewFromRawBytes(r, false)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPSBT, err)
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("%w: %d bytes after its end", ErrPSBT, r.Len())
	}
	return p, Check(p)
}

// maxUnsigned bounds the transaction in bytes: none in a block is longer without its witnesses.
const maxUnsigned = blockchain.MaxBlockWeight / blockchain.WitnessScaleFactor

// fits holds the counts and lengths in a PSBT against its bytes before btcd makes room for what they claim.
func fits(b []byte) error {
	broken := fmt.Errorf("%w: it breaks off, or claims more than it holds", ErrPSBT)
	if !bytes.HasPrefix(b, []byte(magic)) {
		return fmt.Errorf("%w: it does not begin as one", ErrPSBT)
	}
	inputs := 0
	rest, ok := eachPair(b[len(magic):], func(key, value []byte) bool {
		if !bytes.Equal(key, []byte{byte(psbt.UnsignedTxType)}) {
			return true
		}
		n, ok := txbytes.Whole(value, false)
		inputs = n
		return ok && len(value) <= maxUnsigned
	})
	for i := 0; i < inputs && ok; i++ {
		rest, ok = eachPair(rest, func(key, value []byte) bool {
			if !bytes.Equal(key, []byte{byte(psbt.NonWitnessUtxoType)}) {
				return true
			}
			_, ok := txbytes.Whole(value, true)
			return ok
		})
	}
	if !ok {
		return broken
	}
	return nil
}

// eachPair walks over a map of a PSBT and returns what follows it.
func eachPair(b []byte, is func(key, value []byte) bool) (rest []byte, ok bool) {
	for {
		key, rest, ok := cut(b)
		if !ok || len(key) == 0 {
			return rest, ok
		}
		value, rest, ok := cut(rest)
		if !ok || !is(key, value) {
			return nil, false
		}
		b = rest
	}
}

// cut takes bytes with their length before them off the front.
func cut(b []byte) (text, rest []byte, ok bool) {
	n, rest, ok := txbytes.Number(b)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

// Encode writes a PSBT's bytes.
func Encode(p *psbt.Packet) ([]byte, error) {
	var b bytes.Buffer
	if err := p.Serialize(&b); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPSBT, err)
	}
	return b.Bytes(), nil
}

// Base64 writes a PSBT as text.
func Base64(p *psbt.Packet) (string, error) {
	b, err := Encode(p)
	return base64.StdEncoding.EncodeToString(b), err
}

// Check holds a PSBT against itself: what an input is said to spend must be in the transaction that it names.
func Check(p *psbt.Packet) error {
	if err := psbt.VerifyInputOutputLen(p, false, false); err != nil {
		return fmt.Errorf("%w: %v", ErrPSBT, err)
	}
	seen := map[wire.OutPoint]bool{}
	for i := range p.Inputs {
		o := p.UnsignedTx.TxIn[i].PreviousOutPoint
		if seen[o] {
			return fmt.Errorf("%w: input %d spends %v a second time", ErrPSBT, i, o)
		}
		seen[o] = true
		if err := checkInput(&p.Inputs[i], o); err != nil {
			return fmt.Errorf("%w: input %d %v", ErrPSBT, i, err)
		}
	}
	var sum amount.Amount
	for i, out := range p.UnsignedTx.TxOut {
		if sum += amount.Amount(out.Value); out.Value < 0 || amount.Amount(out.Value) > amount.Max || sum > amount.Max {
			return fmt.Errorf("%w: output %d makes a sum out of range", ErrPSBT, i)
		}
	}
	return nil
}

func checkInput(in *psbt.PInput, o wire.OutPoint) error {
	if prev := in.NonWitnessUtxo; prev != nil {
		if got := prev.TxHash(); got != o.Hash {
			return fmt.Errorf("spends %v, but holds transaction %v", o.Hash, got)
		}
		if int64(o.Index) >= int64(len(prev.TxOut)) {
			return fmt.Errorf("spends output %d of %d", o.Index, len(prev.TxOut))
		}
		if in.WitnessUtxo != nil && !psbt.TxOutsEqual(in.WitnessUtxo, prev.TxOut[o.Index]) {
			return errors.New("says two things about what it spends")
		}
	}
	if out := Spent(in, o); out != nil && (out.Value < 0 || amount.Amount(out.Value) > amount.Max) {
		return fmt.Errorf("spends %d base units, out of range", out.Value)
	}
	if in.FinalScriptWitness != nil {
		if _, err := readWitness(in.FinalScriptWitness); err != nil {
			return err
		}
	}
	return nil
}

// Spent is the output that an input says it spends; nil if it says nothing. A whole transaction is trusted before a mere
// output, whose value nothing proves.
func Spent(in *psbt.PInput, o wire.OutPoint) *wire.TxOut {
	if in.NonWitnessUtxo != nil {
		return in.NonWitnessUtxo.TxOut[o.Index]
	}
	return in.WitnessUtxo
}

// readWitness reads a finished witness. btcd's Extract would make room for as many items as the first bytes claim.
func readWitness(b []byte) (wire.TxWitness, error) {
	r := bytes.NewReader(b)
	n, err := wire.ReadVarInt(r, 0)
	if err != nil || n > uint64(len(b)) {
		return nil, fmt.Errorf("has a witness of %d items in %d bytes", n, len(b))
	}
	w := make(wire.TxWitness, 0, n)
	for range n {
		item, err := wire.ReadVarBytes(r, 0, uint32(len(b)), "witness")
		if err != nil {
			return nil, errors.New("has a witness that breaks off")
		}
		w = append(w, item)
	}
	if r.Len() > 0 {
		return nil, errors.New("has bytes after its witness")
	}
	return w, nil
}

func writeWitness(items ...[]byte) []byte {
	var b bytes.Buffer
	_ = psbt.WriteTxWitness(&b, items) // a buffer takes all
	return b.Bytes()
}

// Final says whether an input is signed and finished.
func Final(in *psbt.PInput) bool { return in.FinalScriptSig != nil || in.FinalScriptWitness != nil }

// Extract is the transaction of a PSBT whose inputs are all final.
func Extract(p *psbt.Packet) (*wire.MsgTx, error) {
	tx := p.UnsignedTx.Copy()
	for i := range p.Inputs {
		in := &p.Inputs[i]
		if !Final(in) {
			return nil, fmt.Errorf("%w: input %d is not final", ErrIncomplete, i)
		}
		if err := put(tx.TxIn[i], in); err != nil {
			return nil, fmt.Errorf("%w: input %d %v", ErrPSBT, i, err)
		}
	}
	return tx, nil
}

func put(to *wire.TxIn, in *psbt.PInput) (err error) {
	to.SignatureScript = in.FinalScriptSig
	if in.FinalScriptWitness != nil {
		to.Witness, err = readWitness(in.FinalScriptWitness)
	}
	return err
}

// VSize is the virtual size of a complete transaction (BIP-141).
func VSize(tx *wire.MsgTx) int64 {
	weight := int64(tx.SerializeSizeStripped()*(blockchain.WitnessScaleFactor-1) + tx.SerializeSize())
	return (weight + blockchain.WitnessScaleFactor - 1) / blockchain.WitnessScaleFactor
}

// Outputs are what the inputs say they spend, as far as they do.
func Outputs(p *psbt.Packet) map[wire.OutPoint]*wire.TxOut {
	outs := map[wire.OutPoint]*wire.TxOut{}
	for i := range p.Inputs {
		o := p.UnsignedTx.TxIn[i].PreviousOutPoint
		if out := Spent(&p.Inputs[i], o); out != nil {
			outs[o] = out
		}
	}
	return outs
}

// Fee is what the transaction pays, if all inputs say what they spend; false if one does not or the outputs are worth more.
func Fee(p *psbt.Packet) (amount.Amount, bool) {
	var in, out amount.Amount
	spent := Outputs(p)
	for _, i := range p.UnsignedTx.TxIn {
		o := spent[i.PreviousOutPoint]
		if o == nil {
			return 0, false
		}
		in += amount.Amount(o.Value)
	}
	for _, o := range p.UnsignedTx.TxOut {
		out += amount.Amount(o.Value)
	}
	return in - out, in >= out && in <= amount.Max
}

// verifier runs the scripts of finished inputs. What signatures cover is worked out once for all of them.
type verifier struct {
	tx     *wire.MsgTx
	spent  map[wire.OutPoint]*wire.TxOut
	prev   *txscript.MultiPrevOutFetcher
	hashes *txscript.TxSigHashes
}

func newVerifier(p *psbt.Packet) *verifier {
	v := &verifier{tx: p.UnsignedTx.Copy(), spent: Outputs(p), prev: txscript.NewMultiPrevOutFetcher(nil)}
	for _, in := range v.tx.TxIn {
		out := v.spent[in.PreviousOutPoint]
		if out == nil {
			out = &wire.TxOut{}
		}
		v.prev.AddPrevOut(in.PreviousOutPoint, out)
	}
	v.hashes = txscript.NewTxSigHashes(v.tx, v.prev)
	return v
}

// verify runs the script of a finished input.
func (v *verifier) verify(i int, in *psbt.PInput) error {
	if err := put(v.tx.TxIn[i], in); err != nil {
		return err
	}
	out := v.spent[v.tx.TxIn[i].PreviousOutPoint]
	if out == nil {
		return errors.New("does not say what it spends")
	}
	e, err := txscript.NewEngine(out.PkScript, v.tx, i, txscript.StandardVerifyFlags, nil, v.hashes, out.Value, v.prev)
	if err != nil {
		return err
	}
	return e.Execute()
}

// Proprietary takes the key of a record of an application's own apart (BIP-174's type 0xFC): the application's prefix and
// the kind of record that it means. ok is false for other keys.
func Proprietary(key []byte) (name []byte, subtype uint64, ok bool) {
	if len(key) == 0 || key[0] != psbt.ProprietaryGlobalType {
		return nil, 0, false
	}
	name, rest, ok := cut(key[1:])
	if !ok {
		return nil, 0, false
	}
	subtype, _, ok = txbytes.Number(rest)
	return name, subtype, ok
}
