package walletrpc

import (
	"context"
	"errors"

	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/psbts"
)

func (m *methods) bumpMethods() rpc.Methods {
	params := []string{"txid", "options"}
	const opts = "\n\nOptions: conf_target, estimate_mode, fee_rate (base units per virtual byte), replaceable, outputs, original_change_index."
	return rpc.Methods{
		"bumpfee": m.method(params, "bumpfee \"txid\" ( options )\n\nReplace an unconfirmed transaction of the wallet with one that pays more (BIP-125)."+opts,
			bumpFee),
		"psbtbumpfee": m.method(params, "psbtbumpfee \"txid\" ( options )\n\nThe PSBT of a transaction that replaces an unconfirmed one of the wallet."+opts,
			psbtBumpFee),
	}
}

type bumpJSON struct {
	TxID     string     `json:"txid,omitempty"`
	PSBT     string     `json:"psbt,omitempty"`
	OldFee   rpc.Amount `json:"origfee"`
	Fee      rpc.Amount `json:"fee"`
	Problems []string   `json:"errors"`
}

type bumpOptions struct {
	fees
	Replaceable *bool    `json:"replaceable"`
	Outputs     *ordered `json:"outputs"`
	ChangeIndex *int     `json:"original_change_index"`
}

func (p *bumpOptions) read(w *hd.Wallet) (o hd.BumpOptions, err error) {
	if o.Rate, o.Target, o.Conservative, err = p.fees.read(); err != nil {
		return o, err
	}
	o.Final = p.Replaceable != nil && !*p.Replaceable
	o.ChangeIndex = p.ChangeIndex
	if p.Outputs != nil {
		if p.ChangeIndex != nil {
			return o, rpc.Errorf(rpc.CodeInvalidParameter, "The options 'outputs' and 'original_change_index' are incompatible. You can only either "+
				"specify a new set of outputs, or designate a change output to be recycled.")
		}
		if o.Outputs, err = outputs(w.Net(), *p.Outputs); err != nil {
			return o, err
		}
		if len(o.Outputs) == 0 {
			return o, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter, output argument cannot be an empty array")
		}
	}
	return o, nil
}

// bumper reads the parameters for one of hd's two methods.
func bumper(ctx context.Context, w *hd.Wallet, a rpc.Args, sign bool) (*hd.Bumped, error) {
	hash, err := rpc.Hash(a, 0, "txid")
	if err != nil {
		return nil, err
	}
	var p bumpOptions
	if err := rpc.Options(a, 1, &p); err != nil {
		return nil, err
	}
	o, err := p.read(w)
	if err != nil {
		return nil, err
	}
	f := w.Replacement
	if sign {
		f = w.Bump
	}
	b, err := f(ctx, hash, o)
	if errors.Is(err, hd.ErrFunds) || errors.Is(err, hd.ErrOutput) {
		return nil, rpc.Errorf(rpc.CodeWalletError, "Unable to create transaction. %v", err)
	}
	return b, err
}

func bumpFee(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	b, err := bumper(ctx, w, a, true)
	if err != nil {
		return nil, err
	}
	return bumpJSON{TxID: b.Draft.Tx.TxHash().String(), OldFee: rpc.Amount(b.OldFee), Fee: rpc.Amount(b.Draft.Fee), Problems: []string{}}, nil
}

func psbtBumpFee(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	b, err := bumper(ctx, w, a, false)
	if err != nil {
		return nil, err
	}
	p, err := w.PSBT(b.Draft, true)
	if err != nil {
		return nil, err
	}
	text, err := psbts.Base64(p)
	return bumpJSON{PSBT: text, OldFee: rpc.Amount(b.OldFee), Fee: rpc.Amount(b.Draft.Fee), Problems: []string{}}, err
}
