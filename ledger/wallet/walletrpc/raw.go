package walletrpc

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hd"
)

func (m *methods) rawMethods() rpc.Methods {
	return rpc.Methods{
		"fundrawtransaction": m.method([]string{"hexstring", "options", "iswitness"}, "fundrawtransaction \"hexstring\" ( options iswitness )\n\nAdd coins "+
			"and change to a transaction until it pays for its outputs and the fee.", fundRaw),
		"signrawtransactionwithwallet": m.method([]string{"hexstring", "prevtxs", "sighashtype"}, "signrawtransactionwithwallet \"hexstring\" ( "+
			"[{\"txid\":\"hex\",\"vout\":n,\"scriptPubKey\":\"hex\",\"amount\":n},...] \"sighashtype\" )\n\nSign the inputs of a transaction that are the "+
			"wallet's.", signRaw),
	}
}

// funded is the answer of fundrawtransaction and walletcreatefundedpsbt.
type funded struct {
	PSBT      string     `json:"psbt,omitempty"`
	Hex       string     `json:"hex,omitempty"`
	Fee       rpc.Amount `json:"fee"`
	ChangePos int        `json:"changepos"` // -1: no change
}

// cannotFund words failures of the methods that only fund: there too little money is an error of the wallet.
func cannotFund(err error) error {
	for _, e := range []error{hd.ErrFunds, hd.ErrInputs, hd.ErrOutput, hd.ErrMaxFee, hd.ErrFeeRate} {
		if errors.Is(err, e) {
			return rpc.Errorf(rpc.CodeWalletError, "%v", err)
		}
	}
	return err
}

func fundRaw(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	text, err := rpc.Need[string](a, 0, "hexstring")
	if err != nil {
		return nil, err
	}
	tx, err := txjson.Parse(text)
	if err != nil {
		return nil, err
	}
	var p options
	if err := rpc.Options(a, 1, &p); err != nil {
		return nil, err
	}
	if len(tx.TxOut) == 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "TX must have at least one output")
	}
	var outs []hd.Output
	for _, out := range tx.TxOut {
		if out.Value < 0 {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Transaction amount out of range")
		}
		outs = append(outs, hd.Output{Script: out.PkScript, Value: amount.Amount(out.Value)})
	}
	o, err := p.read(w, outs)
	if err != nil {
		return nil, err
	}
	for _, in := range tx.TxIn {
		o.Inputs = append(o.Inputs, hd.Input{Out: in.PreviousOutPoint, Sequence: &in.Sequence})
	}
	if o.LockTime == nil {
		o.LockTime = &tx.LockTime
	}
	d, err := w.Fund(ctx, outs, o)
	if err != nil {
		return nil, cannotFund(err)
	}
	d.Tx.Version = tx.Version
	return funded{Hex: txjson.Hex(d.Tx), Fee: rpc.Amount(d.Fee), ChangePos: d.ChangePos}, nil
}

// prevTx is an output that an input spends, as a caller knows it.
type prevTx struct {
	outpoint
	Script string           `json:"scriptPubKey"`
	Amount *rpc.NonNegative `json:"amount"`
}

func prevOuts(list []prevTx) (map[wire.OutPoint]*wire.TxOut, error) {
	known := map[wire.OutPoint]*wire.TxOut{}
	for _, p := range list {
		o, err := p.read()
		if err != nil {
			return nil, err
		}
		script, err := rpc.ParseHex("scriptPubKey", p.Script)
		if err != nil {
			return nil, err
		}
		if p.Amount == nil {
			return nil, rpc.Errorf(rpc.CodeType, "Missing amount for %v", o)
		}
		known[o] = wire.NewTxOut(int64(*p.Amount), script)
	}
	return known, nil
}

type inputError struct {
	TxID     string   `json:"txid"`
	Vout     uint32   `json:"vout"`
	Witness  []string `json:"witness"`
	Script   string   `json:"scriptSig"`
	Sequence uint32   `json:"sequence"`
	Error    string   `json:"error"`
}

type signed struct {
	Hex      string       `json:"hex"`
	Complete bool         `json:"complete"`
	Errors   []inputError `json:"errors,omitempty"`
}

func signRaw(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	text, err := rpc.Need[string](a, 0, "hexstring")
	if err != nil {
		return nil, err
	}
	tx, err := txjson.Parse(text)
	if err != nil {
		return nil, err
	}
	list, err := rpc.Arg[[]prevTx](a, 1, nil)
	if err != nil {
		return nil, err
	}
	known, err := prevOuts(list)
	if err != nil {
		return nil, err
	}
	name, err := rpc.Arg(a, 2, "")
	if err != nil {
		return nil, err
	}
	how, err := sigHash(name)
	if err != nil {
		return nil, err
	}
	if err := w.Sync(ctx); err != nil {
		return nil, err
	}
	bad, err := w.SignTx(tx, known, how)
	if err != nil {
		return nil, err
	}
	j := signed{Hex: txjson.Hex(tx), Complete: len(bad) == 0}
	for _, b := range bad {
		in := tx.TxIn[b.Input]
		e := inputError{TxID: in.PreviousOutPoint.Hash.String(), Vout: in.PreviousOutPoint.Index, Witness: []string{},
			Script: hex.EncodeToString(in.SignatureScript), Sequence: in.Sequence, Error: b.Err.Error()}
		for _, item := range in.Witness {
			e.Witness = append(e.Witness, hex.EncodeToString(item))
		}
		j.Errors = append(j.Errors, e)
	}
	return j, nil
}
