package noderpc

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/psbts"
)

func (n *node) createMethods() rpc.Methods {
	params := []string{"inputs", "outputs", "locktime", "replaceable"}
	const usage = " [{\"txid\":\"hex\",\"vout\":n,\"sequence\":n},...] [{\"address\":amount},{\"data\":\"hex\"},...] ( locktime replaceable )\n\n"
	return rpc.Methods{
		"createrawtransaction": {Params: params, Help: "createrawtransaction" + usage + "A transaction without signatures, in hexadecimal.",
			Do: func(_ context.Context, a rpc.Args) (any, error) {
				tx, err := n.create(a)
				if err != nil {
					return nil, err
				}
				return txjson.Hex(tx), nil
			}},
		"createpsbt": {Params: params, Help: "createpsbt" + usage + "The PSBT of a transaction (BIP-174).",
			Do: func(_ context.Context, a rpc.Args) (any, error) {
				tx, err := n.create(a)
				if err != nil {
					return nil, err
				}
				return newPSBT(tx)
			}},
		"converttopsbt": {Params: []string{"hexstring", "permitsigdata", "iswitness"},
			Help: "converttopsbt \"hexstring\" ( permitsigdata )\n\nThe PSBT of a transaction; its signatures are left out, if that is permitted.", Do: n.convertToPSBT},
	}
}

func newPSBT(tx *wire.MsgTx) (string, error) {
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		return "", rpc.Errorf(rpc.CodeDeserialization, "%v", err)
	}
	return psbts.Base64(p)
}

func (n *node) convertToPSBT(_ context.Context, a rpc.Args) (any, error) {
	tx, err := needTx(a)
	if err != nil {
		return nil, rpcDecode(err)
	}
	permit, err := rpc.Arg(a, 1, false)
	if err != nil {
		return nil, err
	}
	for _, in := range tx.TxIn {
		if (len(in.SignatureScript) > 0 || len(in.Witness) > 0) && !permit {
			return nil, rpc.Errorf(rpc.CodeDeserialization, "Inputs must not have scriptSigs and scriptWitnesses")
		}
		in.SignatureScript, in.Witness = nil, nil
	}
	return newPSBT(tx)
}

// newInput is an input to be made.
type newInput struct {
	outPoint
	Sequence *int64 `json:"sequence"`
}

// create makes a transaction of the parameters inputs, outputs, locktime and replaceable.
func (n *node) create(a rpc.Args) (*wire.MsgTx, error) {
	inputs, err := rpc.Need[[]newInput](a, 0, "inputs")
	if err != nil {
		return nil, err
	}
	lock, err := rpc.Arg(a, 2, int64(0))
	if err != nil {
		return nil, err
	}
	if lock < 0 || lock > int64(wire.MaxTxInSequenceNum) {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, locktime out of range")
	}
	replaceable, err := rpc.Arg(a, 3, true)
	if err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(2)
	tx.LockTime = uint32(lock)
	for _, in := range inputs {
		if err := addInput(tx, in, replaceable); err != nil {
			return nil, err
		}
	}
	if err := n.addOutputs(tx, a); err != nil {
		return nil, err
	}
	signals := slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return in.Sequence <= maxReplaceable })
	if a.Has(3) && replaceable && len(tx.TxIn) > 0 && !signals {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter combination: Sequence number(s) contradict replaceable option")
	}
	return tx, nil
}

// maxReplaceable is the highest sequence number that says a transaction may be replaced (BIP-125).
const maxReplaceable = 0xffff_fffd

func addInput(tx *wire.MsgTx, in newInput, replaceable bool) error {
	at, err := in.parse()
	if err != nil {
		return err
	}
	sequence := int64(wire.MaxTxInSequenceNum)
	switch {
	case replaceable:
		sequence = maxReplaceable
	case tx.LockTime > 0:
		sequence--
	}
	if in.Sequence != nil {
		if sequence = *in.Sequence; sequence < 0 || sequence > int64(wire.MaxTxInSequenceNum) {
			return rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, sequence number is out of range")
		}
	}
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: at, Sequence: uint32(sequence)})
	return nil
}

// addOutputs adds the outputs in parameter 1: objects of one name and value each, or one object of many.
func (n *node) addOutputs(tx *wire.MsgTx, a rpc.Args) error {
	raw, err := rpc.Need[json.RawMessage](a, 1, "outputs")
	if err != nil {
		return err
	}
	objects, err := rpc.Arg(a, 1, []json.RawMessage(nil))
	list := err == nil
	if !list {
		objects = []json.RawMessage{raw}
	}
	seen := map[string]bool{}
	for _, o := range objects {
		pairs, err := orderedPairs(o)
		if err != nil {
			return err
		}
		if list && len(pairs) != 1 {
			return rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, key-value pair must contain exactly one key")
		}
		for _, p := range pairs {
			out, err := n.newOutput(p, seen)
			if err != nil {
				return err
			}
			tx.AddTxOut(out)
		}
	}
	return nil
}

// pair is a name and value of a JSON object.
type pair struct {
	name  string
	value json.RawMessage
}

// orderedPairs reads an object in its order, twice the same name included.
func orderedPairs(raw json.RawMessage) (pairs []pair, err error) {
	bad := rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, key-value pair not an object as expected")
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, bad
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, bad
		}
		p := pair{name: name.(string)} // the names of an object are strings
		if err := d.Decode(&p.value); err != nil {
			return nil, bad
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// newOutput is what one pair asks for: an amount for an address, or data.
func (n *node) newOutput(p pair, seen map[string]bool) (*wire.TxOut, error) {
	if p.name == "data" {
		if seen[p.name] {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, duplicate key: data")
		}
		seen[p.name] = true
		s, err := rpc.Decode[string](p.value)
		if err != nil {
			return nil, err
		}
		data, err := rpc.ParseHex("Data", s)
		if err != nil {
			return nil, err
		}
		script, err := dataScript(data)
		return wire.NewTxOut(0, script), err
	}
	script, err := hdkey.ParseAddress(p.name, n.p)
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Invalid Bitcoin address: %s", shorten(p.name))
	}
	if seen[string(script)] {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, duplicated address: %s", p.name)
	}
	seen[string(script)] = true
	sum, err := rpc.Decode[rpc.NonNegative](p.value)
	return wire.NewTxOut(int64(sum), script), err
}

// dataScript is an output that nobody can spend, with data in it.
func dataScript(data []byte) ([]byte, error) {
	if len(data) > txscript.MaxScriptSize {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Data of %d bytes is longer than %d", len(data), txscript.MaxScriptSize)
	}
	script := []byte{txscript.OP_RETURN}
	switch n := len(data); {
	case n < txscript.OP_PUSHDATA1:
		script = append(script, byte(n))
	case n <= math.MaxUint8:
		script = append(script, txscript.OP_PUSHDATA1, byte(n))
	default:
		script = append(script, txscript.OP_PUSHDATA2, byte(n), byte(n>>8))
	}
	return append(script, data...), nil
}
