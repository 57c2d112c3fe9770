package noderpc

import (
	"context"
	"errors"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/mempool"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

func (n *node) submitMethods() rpc.Methods {
	return rpc.Methods{
		"sendrawtransaction": {Params: []string{"hexstring", "maxfeerate", "maxburnamount"},
			Help: "sendrawtransaction \"hexstring\" ( maxfeerate maxburnamount )\n\nTake a transaction into the memory pool and tell the network. It is " +
				"refused if it pays more than maxfeerate (0.1; 0: any) coins per 1,000 virtual bytes, or burns more than maxburnamount (0).", Do: n.sendRawTransaction},
		"testmempoolaccept": {Params: []string{"rawtxs", "maxfeerate"},
			Help: "testmempoolaccept [\"rawtx\",...] ( maxfeerate )\n\nWhether transactions, of which later ones may spend earlier ones, would be taken in.", Do: n.testMempoolAccept},
		"submitpackage": {Params: []string{"package", "maxfeerate", "maxburnamount"},
			Help: "submitpackage [\"rawtx\",...] ( maxfeerate maxburnamount )\n\nTake in a transaction, the last, with its parents, which may pay too little by themselves.", Do: n.submitPackage},
	}
}

// usualMaxFeeRate is what transactions handed in may pay, in base units per 1,000 virtual bytes, unless the caller says
// otherwise: a tenth of a coin.
const usualMaxFeeRate = rpc.Amount(amount.FAI / 10)

// maxFeeRate is parameter i, a fee rate that no transaction may exceed; 0 is no bound.
func maxFeeRate(a rpc.Args, i int) (rpc.Amount, error) {
	given, err := rpc.Arg(a, i, rpc.NonNegative(usualMaxFeeRate))
	rate := rpc.Amount(given)
	if err == nil && rate >= rpc.Amount(amount.FAI) {
		err = rpc.Errorf(rpc.CodeInvalidParameter, "Fee rates larger than or equal to 1BTC/kvB are not accepted")
	}
	return rate, err
}

var errMaxFee = rpc.Errorf(rpc.CodeVerify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")

// exceeds says whether a transaction pays more than a rate allows.
func exceeds(fee amount.Amount, vsize int64, rate rpc.Amount) bool {
	return rate > 0 && vsize > 0 && rpc.Amount(fee) > rpc.Amount(int64(rate)*vsize/1000)
}

func (n *node) sendRawTransaction(_ context.Context, a rpc.Args) (any, error) {
	tx, err := needTx(a)
	if err != nil {
		return nil, err
	}
	// Clients of Bitcoin Core before 0.19 say whether high fees are allowed instead.
	rate := usualMaxFeeRate
	if high, old := rpc.Arg(a, 1, false); old != nil || !a.Has(1) {
		if rate, err = maxFeeRate(a, 1); err != nil {
			return nil, err
		}
	} else if high {
		rate = 0
	}
	if err := checkBurn(a, 2, tx); err != nil {
		return nil, err
	}
	hash := tx.TxHash()
	if known, err := n.onChain(tx); err != nil {
		return nil, err
	} else if known {
		return nil, rpc.Errorf(rpc.CodeVerifyAlreadyInUTXO, "Transaction outputs already in utxo set")
	}
	if r := n.Pool.Test([]*wire.MsgTx{tx})[0]; r.Allowed && exceeds(r.Fee, r.VSize, rate) {
		return nil, errMaxFee
	}
	// One that is there already is told of anew, for nobody may have heard of it.
	if _, err := n.Pool.Accept(tx); err != nil && !errors.Is(err, mempool.ErrKnown) {
		return nil, submitError(err)
	}
	return hash.String(), nil
}

// needTx decodes the transaction in the first parameter.
func needTx(a rpc.Args) (*wire.MsgTx, error) {
	s, err := rpc.Need[string](a, 0, "hexstring")
	if err != nil {
		return nil, err
	}
	return txjson.Parse(s)
}

// checkBurn refuses a transaction that makes an output that nobody can spend, of more than parameter i.
func checkBurn(a rpc.Args, i int, tx *wire.MsgTx) error {
	most, err := rpc.Arg(a, i, rpc.NonNegative(0))
	if err != nil {
		return err
	}
	for _, out := range tx.TxOut {
		if out.Value > int64(most) && txscript.IsUnspendable(out.PkScript) {
			return rpc.Errorf(rpc.CodeVerify, "Unspendable output exceeds maximum configured by user (maxburnamount)")
		}
	}
	return nil
}

// onChain says whether an output of a transaction is among the chain's coins, the transaction thus in a block.
func (n *node) onChain(tx *wire.MsgTx) (bool, error) {
	hash := tx.TxHash()
	for i := range tx.TxOut {
		if c, err := n.Chain.Coin(wire.OutPoint{Hash: hash, Index: uint32(i)}); c != nil || err != nil {
			return c != nil, err
		}
	}
	return false, nil
}

// submitError is what the sender of a refused transaction is told: the reason's name, and what broke it.
func submitError(err error) error {
	reason := mempool.Reason(err)
	switch {
	case errors.Is(err, mempool.ErrMissing):
		return rpc.Errorf(rpc.CodeVerify, "bad-txns-inputs-missingorspent")
	case reason == "":
		return rpc.Errorf(rpc.CodeVerify, "%v", err)
	}
	return rpc.Errorf(rpc.CodeVerifyRejected, "%s", details(err))
}

// details is a refusal's reason with what broke it.
func details(err error) string {
	e, ok := errors.AsType[*mempool.Error](err)
	if !ok {
		return err.Error()
	}
	return e.Reason + ", " + e.Text
}

// acceptResult is what would become of one transaction.
type acceptResult struct {
	TxID         string      `json:"txid"`
	WTxID        string      `json:"wtxid"`
	PackageError string      `json:"package-error,omitempty"`
	Allowed      *bool       `json:"allowed,omitempty"`
	VSize        int64       `json:"vsize,omitempty"`
	Fees         *acceptFees `json:"fees,omitempty"`
	Reason       string      `json:"reject-reason,omitempty"`
	Details      string      `json:"reject-details,omitempty"`
}

type acceptFees struct {
	Base      rpc.Amount  `json:"base"`
	Effective *rpc.Amount `json:"effective-feerate,omitempty"`
	Includes  []string    `json:"effective-includes,omitempty"`
}

// newFees are the fees of a transaction that pays for itself.
func newFees(r mempool.TestResult) *acceptFees {
	rate := rpc.Amount(r.Fee) * 1000 / rpc.Amount(max(r.VSize, 1))
	return &acceptFees{rpc.Amount(r.Fee), &rate, []string{r.Wtxid.String()}}
}

// maxPackage bounds the transactions of a package (Bitcoin Core's MAX_PACKAGE_COUNT).
const maxPackage = 25

// needTxs decodes the transactions in the first parameter.
func needTxs(a rpc.Args, name string, least int) ([]*wire.MsgTx, error) {
	hexes, err := rpc.Need[[]string](a, 0, name)
	if err != nil {
		return nil, err
	}
	if len(hexes) < least || len(hexes) > maxPackage {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Array must contain between %d and %d transactions.", least, maxPackage)
	}
	txs := make([]*wire.MsgTx, len(hexes))
	for i, s := range hexes {
		if txs[i], err = txjson.Parse(s); err != nil {
			return nil, rpc.Errorf(rpc.CodeDeserialization, "TX decode failed: %s Make sure the tx has at least one input.", shorten(s))
		}
	}
	return txs, nil
}

// shorten keeps an answer that repeats what was asked short.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func (n *node) testMempoolAccept(_ context.Context, a rpc.Args) (any, error) {
	txs, err := needTxs(a, "rawtxs", 1)
	if err != nil {
		return nil, err
	}
	rate, err := maxFeeRate(a, 1)
	if err != nil {
		return nil, err
	}
	js := make([]acceptResult, len(txs))
	for i, r := range n.Pool.Test(txs) {
		j := acceptResult{TxID: r.Txid.String(), WTxID: r.Wtxid.String()}
		switch allowed := r.Allowed; {
		case allowed && exceeds(r.Fee, r.VSize, rate):
			j.Allowed, j.Reason = new(bool), "max-fee-exceeded"
		case allowed:
			j.Allowed, j.VSize, j.Fees = &allowed, r.VSize, newFees(r)
		case errors.Is(r.Err, mempool.ErrTopology):
			j.PackageError = r.Err.Error()
		case errors.Is(r.Err, mempool.ErrMissing):
			j.Allowed, j.Reason = &allowed, "missing-inputs"
		default:
			j.Allowed, j.Reason, j.Details = &allowed, mempool.Reason(r.Err), details(r.Err)
		}
		js[i] = j
	}
	return js, nil
}

type packageResult struct {
	Message  string                     `json:"package_msg"`
	Results  map[string]packageTxResult `json:"tx-results"` // by hash with witness
	Replaced []string                   `json:"replaced-transactions"`
}

type packageTxResult struct {
	TxID  string      `json:"txid"`
	Other string      `json:"other-wtxid,omitempty"` // of the same transaction with other witnesses, in the pool already
	VSize int64       `json:"vsize,omitempty"`
	Fees  *acceptFees `json:"fees,omitempty"`
	Error string      `json:"error,omitempty"`
}

func (n *node) submitPackage(_ context.Context, a rpc.Args) (any, error) {
	txs, err := needTxs(a, "package", 1)
	if err != nil {
		return nil, err
	}
	rate, err := maxFeeRate(a, 1)
	if err != nil {
		return nil, err
	}
	for _, tx := range txs {
		if err := checkBurn(a, 2, tx); err != nil {
			return nil, err
		}
	}
	for _, r := range n.Pool.Test(txs) {
		if r.Allowed && exceeds(r.Fee, r.VSize, rate) {
			return nil, errMaxFee
		}
	}
	before := map[chainhash.Hash]bool{}
	for _, tx := range txs {
		for _, in := range tx.TxIn {
			if hash, ok := n.Pool.Spender(in.PreviousOutPoint); ok {
				before[hash] = true
			}
		}
	}
	rs, err := n.Pool.AcceptPackage(txs)
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeVerify, "%v", err)
	}
	j := packageResult{Message: "success", Results: map[string]packageTxResult{}, Replaced: []string{}}
	for i, r := range rs {
		t := packageTxResult{TxID: r.Txid.String()}
		wtxid := txs[i].WitnessHash()
		switch {
		case !r.Allowed:
			t.Error, j.Message = details(r.Err), "transaction failed"
		default:
			t.VSize, t.Fees = r.VSize, newFees(r)
			if r.Wtxid != wtxid {
				t = packageTxResult{TxID: t.TxID, Other: r.Wtxid.String()}
			}
		}
		j.Results[wtxid.String()] = t
	}
	for hash := range before {
		if !n.Pool.Have(hash) {
			j.Replaced = append(j.Replaced, hash.String())
		}
	}
	return j, nil
}
