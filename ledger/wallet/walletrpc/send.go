package walletrpc

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"

	"funai/amount"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/psbts"
)

func (m *methods) sendMethods() rpc.Methods {
	return rpc.Methods{
		"sendtoaddress": m.method([]string{"address", "amount", "comment", "comment_to", "subtractfeefromamount", "replaceable", "conf_target",
			"estimate_mode", "avoid_reuse", "fee_rate", "verbose"}, "sendtoaddress \"address\" amount ( \"comment\" \"comment_to\" subtractfeefromamount "+
			"replaceable conf_target \"estimate_mode\" avoid_reuse fee_rate verbose )\n\nPay an address. fee_rate is in base units per virtual byte.",
			sendToAddress),
		"sendmany": m.method([]string{"dummy", "amounts", "minconf", "comment", "subtractfeefrom", "replaceable", "conf_target", "estimate_mode",
			"fee_rate", "verbose"}, "sendmany ( \"\" ) {\"address\":amount,...} ( minconf \"comment\" [\"address\",...] replaceable conf_target "+
			"\"estimate_mode\" fee_rate verbose )\n\nPay several addresses in one transaction.", sendMany),
		"send": m.method([]string{"outputs", "conf_target", "estimate_mode", "fee_rate", "options", "version"}, "send [{\"address\":amount,...},"+
			"{\"data\":\"hex\"},...] ( conf_target \"estimate_mode\" fee_rate options version )\n\nPay outputs, or make a PSBT that does.", send),
		"sendall": m.method([]string{"recipients", "conf_target", "estimate_mode", "fee_rate", "options"}, "sendall [\"address\",{\"address\":amount},...] "+
			"( conf_target \"estimate_mode\" fee_rate options )\n\nSpend all coins. Addresses without an amount share what is left.", sendAll),
	}
}

// feeArgs are conf_target, estimate_mode and fee_rate at their positions.
func feeArgs(a rpc.Args, target, mode, rate int) (f fees, err error) {
	if a.Has(target) {
		n, err := rpc.Arg(a, target, 0)
		if err != nil {
			return f, err
		}
		f.Target = &n
	}
	if f.Mode, err = rpc.Arg(a, mode, ""); err != nil {
		return f, err
	}
	if a.Has(rate) {
		r, err := rpc.Arg(a, rate, feeRate(0))
		if err != nil {
			return f, err
		}
		f.Rate = &r
	}
	return f, nil
}

// sent is what the methods that send answer if they are to be verbose.
type sent struct {
	TxID   string `json:"txid"`
	Reason string `json:"fee_reason"`
}

func pay(ctx context.Context, w *hd.Wallet, outs []hd.Output, o hd.SpendOptions, note hd.Note, verbose bool) (any, error) {
	tx, _, err := w.Send(ctx, outs, o, note)
	if err != nil {
		if errors.Is(err, hd.ErrFeeRate) {
			return nil, rpc.Errorf(rpc.CodeInsufficientFunds, "%v", err)
		}
		return nil, err
	}
	if !verbose {
		return tx.TxHash().String(), nil
	}
	reason := "Fallback fee"
	if o.Rate > 0 {
		reason = "Fee rate set by caller"
	}
	return sent{tx.TxHash().String(), reason}, nil
}

// flags reads bools by position.
func flags(a rpc.Args, at map[int]*bool) (err error) {
	for i, to := range at {
		if *to, err = rpc.Arg(a, i, *to); err != nil {
			return err
		}
	}
	return nil
}

func sendToAddress(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	to, err := rpc.Need[string](a, 0, "address")
	if err != nil {
		return nil, err
	}
	value, err := rpc.Need[rpc.NonNegative](a, 1, "amount")
	if err != nil {
		return nil, err
	}
	script, err := address(w.Net(), to)
	if err != nil {
		return nil, err
	}
	if value == 0 {
		return nil, rpc.Errorf(rpc.CodeType, "Invalid amount for send")
	}
	var note hd.Note
	if note.Comment, err = rpc.Arg(a, 2, ""); err != nil {
		return nil, err
	}
	if note.To, err = rpc.Arg(a, 3, ""); err != nil {
		return nil, err
	}
	subtract, replaceable, verbose := false, true, false
	if err := flags(a, map[int]*bool{4: &subtract, 5: &replaceable, 10: &verbose}); err != nil {
		return nil, err
	}
	f, err := feeArgs(a, 6, 7, 9)
	if err != nil {
		return nil, err
	}
	o := hd.SpendOptions{Final: !replaceable}
	if err := f.into(&o); err != nil {
		return nil, err
	}
	return pay(ctx, w, []hd.Output{{Script: script, Value: amount.Amount(value), SubtractFee: subtract}}, o, note, verbose)
}

func sendMany(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	if dummy, err := rpc.Arg(a, 0, ""); err != nil || dummy != "" {
		return nil, errors.Join(err, rpc.Errorf(rpc.CodeInvalidParameter, `Dummy value must be set to ""`))
	}
	amounts, err := rpc.Need[ordered](a, 1, "amounts")
	if err != nil {
		return nil, err
	}
	outs, err := outputs(w.Net(), amounts)
	if err != nil {
		return nil, err
	}
	comment, err := rpc.Arg(a, 3, "")
	if err != nil {
		return nil, err
	}
	from, err := rpc.Arg[[]string](a, 4, nil)
	if err != nil {
		return nil, err
	}
	if err := subtractFrom(w, outs, from); err != nil {
		return nil, err
	}
	replaceable, verbose := true, false
	if err := flags(a, map[int]*bool{5: &replaceable, 9: &verbose}); err != nil {
		return nil, err
	}
	f, err := feeArgs(a, 6, 7, 8)
	if err != nil {
		return nil, err
	}
	o := hd.SpendOptions{Final: !replaceable}
	if err := f.into(&o); err != nil {
		return nil, err
	}
	return pay(ctx, w, outs, o, hd.Note{Comment: comment}, verbose)
}

// subtractFrom has the receivers at addresses pay the fee.
func subtractFrom(w *hd.Wallet, outs []hd.Output, addresses []string) error {
	for _, s := range addresses {
		script, err := address(w.Net(), s)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(outs, func(o hd.Output) bool { return string(o.Script) == string(script) })
		if i < 0 {
			return rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter 'subtract fee from output', destination %s not found in tx outputs", s)
		}
		if outs[i].SubtractFee {
			return rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter 'subtract fee from output', position %d is specified twice", i)
		}
		outs[i].SubtractFee = true
	}
	return nil
}

// options are those of send, sendall, fundrawtransaction and walletcreatefundedpsbt.
type options struct {
	fees
	AddInputs      *bool       `json:"add_inputs"`
	Unsafe         bool        `json:"include_unsafe"`
	MinConf        int32       `json:"minconf"`
	MaxConf        int32       `json:"maxconf"`
	AddToWallet    *bool       `json:"add_to_wallet"`
	ChangeAddress  string      `json:"change_address"`
	ChangeAddress2 string      `json:"changeAddress"`
	ChangePos      *int        `json:"change_position"`
	ChangePos2     *int        `json:"changePosition"`
	ChangeType     string      `json:"change_type"`
	Inputs         *[]outpoint `json:"inputs"`
	LockTime       *uint32     `json:"locktime"`
	Lock           bool        `json:"lock_unspents"`
	Lock2          bool        `json:"lockUnspents"`
	PSBT           bool        `json:"psbt"`
	Subtract       []any       `json:"subtract_fee_from_outputs"`
	Subtract2      []any       `json:"subtractFeeFromOutputs"`
	Replaceable    *bool       `json:"replaceable"`
	SendMax        bool        `json:"send_max"`
}

// read turns options into what package hd takes, and marks the outputs that pay the fee.
func (p *options) read(w *hd.Wallet, outs []hd.Output) (o hd.SpendOptions, err error) {
	if err := p.into(&o); err != nil {
		return o, err
	}
	if p.MinConf < 0 || p.MaxConf < 0 {
		return o, rpc.Errorf(rpc.CodeInvalidParameter, "Negative minconf or maxconf")
	}
	o.Unsafe, o.MinConf, o.MaxConf, o.LockTime, o.Lock = p.Unsafe, p.MinConf, p.MaxConf, p.LockTime, p.Lock || p.Lock2
	o.Final = p.Replaceable != nil && !*p.Replaceable
	if err := p.readChange(w, &o); err != nil {
		return o, err
	}
	if p.Inputs != nil {
		if o.Inputs, err = inputs(*p.Inputs); err != nil {
			return o, err
		}
		o.OnlyInputs = len(o.Inputs) > 0
	}
	if p.AddInputs != nil {
		o.OnlyInputs = !*p.AddInputs
	}
	return o, markSubtract(w, outs, append(p.Subtract, p.Subtract2...))
}

func (p *options) readChange(w *hd.Wallet, o *hd.SpendOptions) (err error) {
	if a := p.ChangeAddress + p.ChangeAddress2; a != "" {
		if p.ChangeType != "" {
			return rpc.Errorf(rpc.CodeInvalidParameter, "Cannot specify both change address and address type options")
		}
		if o.Change, err = address(w.Net(), a); err != nil {
			return rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Change address must be a valid address")
		}
	}
	if p.ChangeType != "" {
		t, err := addressType(p.ChangeType)
		if err != nil {
			return err
		}
		o.ChangeType = &t
	}
	if o.ChangePos = p.ChangePos; p.ChangePos2 != nil {
		o.ChangePos = p.ChangePos2
	}
	if o.ChangePos != nil && *o.ChangePos == -1 {
		o.ChangePos = nil // random
	}
	return nil
}

// markSubtract has outputs, by number or address, pay the fee.
func markSubtract(w *hd.Wallet, outs []hd.Output, which []any) error {
	for _, x := range which {
		switch x := x.(type) {
		case string:
			if err := subtractFrom(w, outs, []string{x}); err != nil {
				return err
			}
		case float64: // a position, as encoding/json reads it into any
			i := int(x)
			if float64(i) != x || i < 0 || i >= len(outs) {
				return rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, output index out of bounds: %v", x)
			}
			if outs[i].SubtractFee {
				return rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, duplicated position: %d", i)
			}
			outs[i].SubtractFee = true
		default:
			return rpc.Errorf(rpc.CodeType, "JSON value is not of expected type number or string")
		}
	}
	return nil
}

// allOptions are options with fee parameters that may stand outside them too.
func allOptions(a rpc.Args, at, target, mode, rate int) (p options, err error) {
	if err := rpc.Options(a, at, &p); err != nil {
		return p, err
	}
	f, err := feeArgs(a, target, mode, rate)
	if err != nil {
		return p, err
	}
	if f.Target != nil {
		p.Target = f.Target
	}
	if f.Mode != "" {
		p.Mode = f.Mode
	}
	if f.Rate != nil {
		p.Rate = f.Rate
	}
	return p, nil
}

func send(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	list, err := rpc.Need[ordered](a, 0, "outputs")
	if err != nil {
		return nil, err
	}
	outs, err := outputs(w.Net(), list)
	if err != nil {
		return nil, err
	}
	p, err := allOptions(a, 4, 1, 2, 3)
	if err != nil {
		return nil, err
	}
	o, err := p.read(w, outs)
	if err != nil {
		return nil, err
	}
	return finish(ctx, w, outs, o, &p)
}

// finished is the answer of send and sendall.
type finished struct {
	TxID     string `json:"txid,omitempty"`
	Hex      string `json:"hex,omitempty"`
	PSBT     string `json:"psbt,omitempty"`
	Complete bool   `json:"complete"`
}

// finish sends a transaction, or hands it out signed, or as a PSBT.
func finish(ctx context.Context, w *hd.Wallet, outs []hd.Output, o hd.SpendOptions, p *options) (any, error) {
	if !p.PSBT && (p.AddToWallet == nil || *p.AddToWallet) {
		tx, _, err := w.Send(ctx, outs, o, hd.Note{})
		if err != nil {
			return nil, err
		}
		return finished{TxID: tx.TxHash().String(), Complete: true}, nil
	}
	d, err := w.Fund(ctx, outs, o)
	if err != nil {
		return nil, err
	}
	packet, err := w.PSBT(d, true)
	if err != nil {
		return nil, err
	}
	j := finished{}
	locked := w.Info().Locked
	if j.Complete, err = w.ProcessPSBT(ctx, packet, hd.PSBTOptions{Sign: !locked, Derivs: true, Finalize: !locked}); err != nil {
		return nil, err
	}
	if p.PSBT || !j.Complete {
		j.PSBT, err = psbts.Base64(packet)
		return j, err
	}
	tx, err := psbts.Extract(packet)
	if err != nil {
		return nil, err
	}
	j.TxID, j.Hex = tx.TxHash().String(), txjson.Hex(tx)
	return j, nil
}

func sendAll(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	list, err := rpc.Need[[]json.RawMessage](a, 0, "recipients")
	if err != nil {
		return nil, err
	}
	var outs []hd.Output
	for _, raw := range list {
		var to string
		if json.Unmarshal(raw, &to) == nil {
			script, err := address(w.Net(), to)
			if err != nil {
				return nil, err
			}
			outs = append(outs, hd.Output{Script: script})
			continue
		}
		var some ordered
		if err := json.Unmarshal(raw, &some); err != nil {
			return nil, typeError(err)
		}
		fixed, err := outputs(w.Net(), some)
		if err != nil {
			return nil, err
		}
		for i, out := range fixed { // 0 must not pass for a share of what is left
			if out.Value == 0 && !txscript.IsUnspendable(out.Script) {
				return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Specified output amount to %s is below dust threshold.", some[i].name)
			}
		}
		outs = append(outs, fixed...)
	}
	if !slices.ContainsFunc(outs, func(o hd.Output) bool { return o.Value == 0 }) {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Must provide at least one address without a specified amount")
	}
	p, err := allOptions(a, 4, 1, 2, 3)
	if err != nil {
		return nil, err
	}
	o, err := p.read(w, outs)
	if err != nil {
		return nil, err
	}
	o.All = true
	return finish(ctx, w, outs, o, &p)
}
