package walletrpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/consensus"
	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/hdkey"
)

// feeRate is base units per virtual byte, as fee_rate has it, read exactly into base units per 1,000 virtual bytes.
type feeRate amount.Amount

// UnmarshalJSON takes a number or a text with at most 3 decimals.
func (f *feeRate) UnmarshalJSON(b []byte) error {
	var a rpc.NonNegative // counts 1e-8
	if err := a.UnmarshalJSON(b); err != nil {
		return err
	}
	const scale = 1e5
	if a%scale != 0 {
		return rpc.Errorf(rpc.CodeType, "Invalid amount: fee_rate has at most 3 decimals")
	}
	*f = feeRate(a / scale)
	return nil
}

// fees are a transaction's fee as conf_target, estimate_mode and fee_rate (base units per virtual byte) say it, or feeRate
// (coins per 1,000 virtual bytes).
type fees struct {
	Target  *int             `json:"conf_target"`
	Mode    string           `json:"estimate_mode"`
	Rate    *feeRate         `json:"fee_rate"`
	PerKilo *rpc.NonNegative `json:"feeRate"`
}

// maxTarget is the furthest block that fees are estimated for.
const maxTarget = 1008

func (f *fees) read() (rate amount.Amount, target int, conservative bool, err error) {
	switch strings.ToLower(f.Mode) {
	case "", "unset", "economical":
	case "conservative":
		conservative = true
	default:
		return 0, 0, false, rpc.Errorf(rpc.CodeInvalidParameter, `Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"`)
	}
	switch {
	case f.Rate != nil && f.Target != nil:
		return 0, 0, false, rpc.Errorf(rpc.CodeInvalidParameter, "Cannot specify both conf_target and fee_rate. Please provide either a confirmation "+
			"target in blocks for automatic fee estimation, or an explicit fee rate.")
	case f.Rate != nil && f.PerKilo != nil:
		return 0, 0, false, rpc.Errorf(rpc.CodeInvalidParameter, "Cannot specify both fee_rate (sat/vB) and feeRate (BTC/kvB)")
	case f.Rate != nil:
		rate = amount.Amount(*f.Rate)
	case f.PerKilo != nil:
		rate = amount.Amount(*f.PerKilo)
	case f.Target != nil:
		if target = *f.Target; target < 1 || target > maxTarget {
			return 0, 0, false, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid conf_target, must be between 1 and %d", maxTarget)
		}
	}
	if rate == 0 && (f.Rate != nil || f.PerKilo != nil) {
		return 0, 0, false, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid fee_rate 0: it is too low to be relayed")
	}
	return rate, target, conservative, nil
}

func (f *fees) into(o *hd.SpendOptions) (err error) {
	o.Rate, o.Target, o.Conservative, err = f.read()
	return err
}

// ordered is a JSON object whose keys keep their order and may not repeat.
type ordered []member

type member struct {
	name  string
	value json.RawMessage
}

// UnmarshalJSON reads an object, or an array of objects that are put together.
func (o *ordered) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t == json.Delim('[') {
		for d.More() {
			var part ordered
			if err := d.Decode(&part); err != nil {
				return err
			}
			*o = append(*o, part...)
		}
		return nil
	}
	if t != json.Delim('{') {
		return rpc.Errorf(rpc.CodeType, "JSON value is not of expected type object or array")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		m := member{}
		if m.name, _ = name.(string); m.name == "" {
			return rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, an output without a name")
		}
		if err := d.Decode(&m.value); err != nil {
			return err
		}
		*o = append(*o, m)
	}
	return nil
}

// outputs reads what is to be paid: amounts by address, and "data" with hexadecimal for an output that carries bytes.
func outputs(net *consensus.Params, o ordered) (outs []hd.Output, err error) {
	seen := map[string]bool{}
	for _, m := range o {
		if m.name == "data" {
			out, err := dataOutput(m.value)
			if err != nil {
				return nil, err
			}
			outs = append(outs, out)
			continue
		}
		script, err := address(net, m.name)
		if err != nil {
			return nil, err
		}
		if seen[string(script)] {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, duplicated address: %s", m.name)
		}
		seen[string(script)] = true
		var value rpc.NonNegative
		if err := json.Unmarshal(m.value, &value); err != nil {
			return nil, typeError(err)
		}
		outs = append(outs, hd.Output{Script: script, Value: amount.Amount(value)})
	}
	return outs, nil
}

func typeError(err error) error {
	var e *rpc.Error
	if errors.As(err, &e) {
		return e
	}
	return rpc.Errorf(rpc.CodeType, "%v", err)
}

func dataOutput(raw json.RawMessage) (hd.Output, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return hd.Output{}, typeError(err)
	}
	data, err := hex.DecodeString(text)
	if err != nil {
		return hd.Output{}, rpc.Errorf(rpc.CodeInvalidParameter, "Data must be hexadecimal string (not '%.80s')", text)
	}
	script, err := txscript.NewScriptBuilder().AddOp(txscript.OP_RETURN).AddData(data).Script()
	if err != nil {
		return hd.Output{}, rpc.Errorf(rpc.CodeInvalidParameter, "Data: %v", err)
	}
	return hd.Output{Script: script}, nil
}

// address reads an address, as Bitcoin Core words a bad one.
func address(net *consensus.Params, s string) ([]byte, error) {
	script, err := hdkey.ParseAddress(s, net)
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Invalid address: %s", strings.TrimPrefix(err.Error(), hdkey.ErrAddress.Error()+": "))
	}
	return script, nil
}

// outpoint is an output as requests name it.
type outpoint struct {
	TxID     string  `json:"txid"`
	Vout     *int64  `json:"vout"`
	Sequence *uint32 `json:"sequence"`
}

func (o outpoint) read() (at wire.OutPoint, err error) {
	if at.Hash, err = rpc.ParseHash("txid", o.TxID); err != nil {
		return at, err
	}
	if o.Vout == nil {
		return at, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, missing vout key")
	}
	if *o.Vout < 0 || *o.Vout > 1<<32-1 {
		return at, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, vout cannot be negative or exceed 32 bits")
	}
	at.Index = uint32(*o.Vout)
	return at, nil
}

func inputs(os []outpoint) (ins []hd.Input, err error) {
	for _, o := range os {
		at, err := o.read()
		if err != nil {
			return nil, err
		}
		ins = append(ins, hd.Input{Out: at, Sequence: o.Sequence})
	}
	return ins, nil
}

// addressType reads a kind of address by Bitcoin Core's name.
func addressType(name string) (hdkey.Type, error) {
	i := slices.IndexFunc(hdkey.Types, func(t hdkey.Type) bool { return t.String() == name })
	switch {
	case i >= 0:
		return hdkey.Types[i], nil
	case name == "legacy" || name == "p2sh-segwit":
		return 0, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Error: this wallet has no %s addresses, only bech32 and bech32m", name)
	default:
		return 0, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Unknown address type '%s'", name)
	}
}

// sigHash reads a way to sign; nil for the default.
func sigHash(name string) (*txscript.SigHashType, error) {
	types := map[string]txscript.SigHashType{
		"ALL": txscript.SigHashAll, "NONE": txscript.SigHashNone, "SINGLE": txscript.SigHashSingle,
		"ALL|ANYONECANPAY": txscript.SigHashAll | txscript.SigHashAnyOneCanPay, "NONE|ANYONECANPAY": txscript.SigHashNone | txscript.SigHashAnyOneCanPay,
		"SINGLE|ANYONECANPAY": txscript.SigHashSingle | txscript.SigHashAnyOneCanPay,
	}
	if name == "" || name == "DEFAULT" {
		return nil, nil
	}
	t, ok := types[name]
	if !ok {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "'%.40s' is not a valid sighash parameter.", name)
	}
	return &t, nil
}
