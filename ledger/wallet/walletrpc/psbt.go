package walletrpc

import (
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/psbt/v2"

	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/psbts"
)

func (m *methods) psbtMethods() rpc.Methods {
	return rpc.Methods{
		"walletcreatefundedpsbt": m.method([]string{"inputs", "outputs", "locktime", "options", "bip32derivs", "version"}, "walletcreatefundedpsbt ( "+
			"[{\"txid\":\"hex\",\"vout\":n},...] ) [{\"address\":amount},...] ( locktime options bip32derivs )\n\nThe PSBT of a payment, with coins of "+
			"the wallet.", createFundedPSBT),
		"walletprocesspsbt": m.method([]string{"psbt", "sign", "sighashtype", "bip32derivs", "finalize"}, "walletprocesspsbt \"psbt\" ( sign "+
			"\"sighashtype\" bip32derivs finalize )\n\nAdd what the wallet knows to a PSBT, and sign the wallet's inputs.", processPSBT),
		"decodepsbt": {Category: categoryPSBT, Params: []string{"psbt"}, Help: "decodepsbt \"psbt\"\n\nShow a PSBT.", Do: m.decodePSBT},
		"analyzepsbt": {Category: categoryPSBT, Params: []string{"psbt"}, Help: "analyzepsbt \"psbt\"\n\nWhat a PSBT pays, and who has to do what next.",
			Do: analyzePSBT},
		"combinepsbt": {Category: categoryPSBT, Params: []string{"txs"}, Help: "combinepsbt [\"psbt\",...]\n\nPut together what several signers have added " +
			"to one PSBT.", Do: combinePSBT},
		"finalizepsbt": {Category: categoryPSBT, Params: []string{"psbt", "extract"}, Help: "finalizepsbt \"psbt\" ( extract )\n\nFinish the inputs that are " +
			"signed, and give the transaction if all are.", Do: finalizePSBT},
	}
}

// parsePSBT reads a PSBT in base64.
func parsePSBT(s string) (*psbt.Packet, error) {
	p, err := psbts.Parse([]byte(s))
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeDeserialization, "TX decode failed %v", err)
	}
	return p, nil
}

func psbtArg(a rpc.Args) (*psbt.Packet, error) {
	s, err := rpc.Need[string](a, 0, "psbt")
	if err != nil {
		return nil, err
	}
	return parsePSBT(s)
}

func createFundedPSBT(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	given, err := rpc.Arg[[]outpoint](a, 0, nil)
	if err != nil {
		return nil, err
	}
	list, err := rpc.Need[ordered](a, 1, "outputs")
	if err != nil {
		return nil, err
	}
	outs, err := outputs(w.Net(), list)
	if err != nil {
		return nil, err
	}
	var p options
	if err := rpc.Options(a, 3, &p); err != nil {
		return nil, err
	}
	p.Inputs = &given
	o, err := p.read(w, outs)
	if err != nil {
		return nil, err
	}
	if a.Has(2) {
		locktime, err := rpc.Arg(a, 2, uint32(0))
		if err != nil {
			return nil, err
		}
		if locktime > 0 {
			o.LockTime = &locktime
		}
	}
	derivs, err := rpc.Arg(a, 4, true)
	if err != nil {
		return nil, err
	}
	d, err := w.Fund(ctx, outs, o)
	if err != nil {
		return nil, cannotFund(err)
	}
	packet, err := w.PSBT(d, derivs)
	if err != nil {
		return nil, err
	}
	text, err := psbts.Base64(packet)
	return funded{PSBT: text, Fee: rpc.Amount(d.Fee), ChangePos: d.ChangePos}, err
}

type processed struct {
	PSBT     string `json:"psbt"`
	Complete bool   `json:"complete"`
	Hex      string `json:"hex,omitempty"`
}

func processPSBT(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	p, err := psbtArg(a)
	if err != nil {
		return nil, err
	}
	o := hd.PSBTOptions{Sign: true, Derivs: true, Finalize: true}
	if err := flags(a, map[int]*bool{1: &o.Sign, 3: &o.Derivs, 4: &o.Finalize}); err != nil {
		return nil, err
	}
	name, err := rpc.Arg(a, 2, "DEFAULT")
	if err != nil {
		return nil, err
	}
	if o.SigHash, err = sigHash(name); err != nil {
		return nil, err
	}
	j := processed{}
	if j.Complete, err = w.ProcessPSBT(ctx, p, o); err != nil {
		return nil, err
	}
	if j.PSBT, err = psbts.Base64(p); err != nil {
		return nil, err
	}
	if j.Complete {
		tx, err := psbts.Extract(p)
		if err != nil {
			return nil, err
		}
		j.Hex = txjson.Hex(tx)
	}
	return j, nil
}

func combinePSBT(_ context.Context, a rpc.Args) (any, error) {
	list, err := rpc.Need[[]string](a, 0, "txs")
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Parameter 'txs' cannot be empty")
	}
	var ps []*psbt.Packet
	for _, s := range list {
		p, err := parsePSBT(s)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	all, err := psbts.Combine(ps...)
	if err != nil {
		return nil, failed(err)
	}
	return psbts.Base64(all)
}

func finalizePSBT(_ context.Context, a rpc.Args) (any, error) {
	p, err := psbtArg(a)
	if err != nil {
		return nil, err
	}
	extract, err := rpc.Arg(a, 1, true)
	if err != nil {
		return nil, err
	}
	var j struct {
		PSBT     string `json:"psbt,omitempty"`
		Hex      string `json:"hex,omitempty"`
		Complete bool   `json:"complete"`
	}
	if j.Complete = psbts.Finalize(p); !j.Complete || !extract {
		j.PSBT, err = psbts.Base64(p)
		return j, err
	}
	tx, err := psbts.Extract(p)
	if err != nil {
		return nil, failed(err)
	}
	j.Hex = txjson.Hex(tx)
	return j, nil
}

type analyzedInput struct {
	HasUTXO bool     `json:"has_utxo"`
	Final   bool     `json:"is_final"`
	Next    string   `json:"next,omitempty"`
	Missing *missing `json:"missing,omitempty"`
}

// missing is what an input lacks, in hexadecimal.
type missing struct {
	PubKeys       []string `json:"pubkeys,omitempty"`
	RedeemScript  string   `json:"redeemscript,omitempty"`
	WitnessScript string   `json:"witnessscript,omitempty"`
	Signatures    []string `json:"signatures,omitempty"`
}

func newMissing(m *psbts.Missing) *missing {
	if m.Empty() {
		return nil
	}
	return &missing{hexes(m.PubKeys), hex.EncodeToString(m.RedeemScript), hex.EncodeToString(m.WitnessScript), hexes(m.Signatures)}
}

func hexes(bs [][]byte) []string {
	list := []string{}
	for _, b := range bs {
		list = append(list, hex.EncodeToString(b))
	}
	return list
}

type analyzed struct {
	Inputs []analyzedInput `json:"inputs"`
	VSize  int64           `json:"estimated_vsize,omitempty"`
	Rate   *rpc.Amount     `json:"estimated_feerate,omitempty"` // coins per 1,000 virtual bytes
	Fee    *rpc.Amount     `json:"fee,omitempty"`
	Next   string          `json:"next"`
}

func analyzePSBT(_ context.Context, a rpc.Args) (any, error) {
	p, err := psbtArg(a)
	if err != nil {
		return nil, err
	}
	n := psbts.Analyze(p)
	j := analyzed{Inputs: []analyzedInput{}, VSize: n.VSize, Next: string(n.Next)}
	for _, in := range n.Inputs {
		next := string(in.Next)
		if in.Final {
			next = ""
		}
		j.Inputs = append(j.Inputs, analyzedInput{in.HasUTXO, in.Final, next, newMissing(&in.Missing)})
	}
	if n.FeeKnown {
		fee := rpc.Amount(n.Fee)
		j.Fee = &fee
		if n.VSize > 0 {
			rate := fee * 1000 / rpc.Amount(n.VSize)
			j.Rate = &rate
		}
	}
	return j, nil
}
