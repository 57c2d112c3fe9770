package txjson

import (
	"bytes"
	"encoding/hex"
	"io"
	"strings"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
	"funai/ledger/rpc"
	"funai/ledger/wallet/txbytes"
)

// Tx is a transaction, decoded.
type Tx struct {
	TxID     string      `json:"txid"`
	Hash     string      `json:"hash"` // with witness
	Version  uint32      `json:"version"`
	Size     int         `json:"size"`   // bytes
	VSize    int64       `json:"vsize"`  // virtual bytes
	Weight   int64       `json:"weight"` // weight units
	LockTime uint32      `json:"locktime"`
	Vin      []In        `json:"vin"`
	Vout     []Out       `json:"vout"`
	Fee      *rpc.Amount `json:"fee,omitempty"`
	Hex      string      `json:"hex,omitempty"`
}

// In is an input. Of a coinbase's, Coinbase stands for all that says what is spent.
type In struct {
	Coinbase  string     `json:"coinbase,omitempty"`
	TxID      string     `json:"txid,omitempty"`
	Vout      *uint32    `json:"vout,omitempty"`
	ScriptSig *ScriptSig `json:"scriptSig,omitempty"`
	Witness   []string   `json:"txinwitness,omitempty"`
	Prevout   *Prevout   `json:"prevout,omitempty"`
	Sequence  uint32     `json:"sequence"`
}

// ScriptSig is an input script.
type ScriptSig struct {
	Asm string `json:"asm"`
	Hex string `json:"hex"`
}

// Prevout is the output that an input spends. Generated and Height are nil where they are not known.
type Prevout struct {
	Generated *bool      `json:"generated,omitempty"` // by a coinbase
	Height    *int32     `json:"height,omitempty"`    // of the block that made it
	Value     rpc.Amount `json:"value"`
	Script    Script     `json:"scriptPubKey"`
}

// Out is an output.
type Out struct {
	Value  rpc.Amount `json:"value"`
	N      int        `json:"n"`
	Script Script     `json:"scriptPubKey"`
}

// New decodes a transaction.
func New(p *consensus.Params, tx *wire.MsgTx) *Tx {
	t := btcutil.NewTx(tx)
	weight := blockchain.GetTransactionWeight(t)
	j := &Tx{TxID: tx.TxHash().String(), Hash: tx.WitnessHash().String(), Version: uint32(tx.Version), Size: tx.SerializeSize(),
		VSize: VSize(weight), Weight: weight, LockTime: tx.LockTime, Vin: make([]In, len(tx.TxIn)), Vout: make([]Out, len(tx.TxOut))}
	coinbase := blockchain.IsCoinBaseTx(tx)
	for i, in := range tx.TxIn {
		j.Vin[i] = newIn(in, coinbase)
	}
	for i, out := range tx.TxOut {
		j.Vout[i] = Out{rpc.Amount(out.Value), i, NewScript(p, out.PkScript)}
	}
	return j
}

func newIn(in *wire.TxIn, coinbase bool) In {
	j := In{Sequence: in.Sequence}
	if coinbase {
		j.Coinbase = hex.EncodeToString(in.SignatureScript)
	} else {
		j.TxID, j.Vout = in.PreviousOutPoint.Hash.String(), &in.PreviousOutPoint.Index
		j.ScriptSig = &ScriptSig{Asm(in.SignatureScript, true), hex.EncodeToString(in.SignatureScript)}
	}
	for _, w := range in.Witness {
		j.Witness = append(j.Witness, hex.EncodeToString(w))
	}
	return j
}

// VSize is the virtual bytes of a weight (BIP-141).
func VSize(weight int64) int64 {
	return (weight + blockchain.WitnessScaleFactor - 1) / blockchain.WitnessScaleFactor
}

// Hex is a transaction as it goes over the wire, in hexadecimal.
func Hex(tx *wire.MsgTx) string {
	var b strings.Builder
	_ = tx.Serialize(hex.NewEncoder(&b)) // a Builder takes everything
	return b.String()
}

// maxTx bounds the bytes of a transaction that is decoded: none in a block is longer.
const maxTx = blockchain.MaxBlockWeight

// Parse reads a transaction in hexadecimal; what is none is an *rpc.Error with CodeDeserialization.
func Parse(s string) (*wire.MsgTx, error) {
	bad := rpc.Errorf(rpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	if len(s) > 2*maxTx {
		return nil, bad
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return nil, bad
	}
	if _, ok := txbytes.Whole(raw, true); ok {
		if tx, ok := parse(raw, (*wire.MsgTx).Deserialize); ok {
			return tx, nil
		}
	}
	// One without inputs looks like one with witnesses to come.
	if _, ok := txbytes.Whole(raw, false); ok {
		if tx, ok := parse(raw, (*wire.MsgTx).DeserializeNoWitness); ok {
			return tx, nil
		}
	}
	return nil, bad
}

func parse(raw []byte, deserialize func(*wire.MsgTx, io.Reader) error) (*wire.MsgTx, bool) {
	var tx wire.MsgTx
	r := bytes.NewReader(raw)
	err := deserialize(&tx, r)
	return &tx, err == nil && r.Len() == 0
}
