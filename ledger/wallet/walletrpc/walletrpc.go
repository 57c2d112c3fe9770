// Package walletrpc is the ledger wallet's JSON-RPC: Bitcoin Core's method names, parameters, answers and error codes (its
// "wallet" category and the methods about PSBTs) over package hd. It may import hd and what hd stands on, and ledger/rpc.
//
// A node opens its wallet, if it has one, and serves these methods beside its own:
//
//	l := hd.NewLoader(hd.Config{Dir: dir, Chain: chain, Pool: pool, Logger: log})
//	if err := l.Load(); err != nil && !errors.Is(err, hd.ErrNone) {
//		return err
//	}
//	defer l.Close() // before pool and chain are closed
//	maps.Copy(all, walletrpc.Methods(l))
//
// One wallet is served, under the empty name. What Bitcoin Core's wallet can do and this one cannot, such as watching
// addresses of others, has no method here.
package walletrpc

import (
	"context"
	"errors"
	"maps"
	"os"

	"funai/ledger/mempool"
	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/psbts"
	"funai/ledger/wallet/vault"
)

// methods answers calls about one wallet.
type methods struct{ l *hd.Loader }

// do is a method that needs the wallet.
type do func(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error)

// Methods are the wallet's calls. Those that need a wallet answer with CodeWalletNotFound while none is loaded.
func Methods(l *hd.Loader) rpc.Methods {
	m := &methods{l}
	all := rpc.Methods{}
	for _, ms := range []rpc.Methods{m.manageMethods(), m.lockMethods(), m.addressMethods(), m.balanceMethods(), m.coinMethods(),
		m.historyMethods(), m.sendMethods(), m.bumpMethods(), m.rawMethods(), m.psbtMethods()} {
		maps.Copy(all, ms)
	}
	return all
}

const (
	category     = "Wallet"
	categoryPSBT = "Rawtransactions"
)

// method makes one of the wallet's methods. help begins with how it is called.
func (m *methods) method(params []string, help string, f do) rpc.Method {
	return rpc.Method{Params: params, Help: help, Category: category, Do: func(ctx context.Context, a rpc.Args) (any, error) {
		if name, _ := rpc.Wallet(ctx); name != "" { // another's money is meant
			return nil, rpc.Errorf(rpc.CodeWalletNotFound, "Requested wallet does not exist or is not loaded: a node has one, whose name is empty")
		}
		w, err := m.l.Wallet()
		if err != nil {
			return nil, failed(err)
		}
		v, err := f(ctx, w, a)
		if err != nil {
			return nil, failed(err)
		}
		return v, nil
	}}
}

// failures are the codes and texts of what goes wrong, those of Bitcoin Core where it has the same failure. An empty text is
// the error's own.
var failures = []struct {
	err  error
	code int
	text string
}{
	{hd.ErrNone, rpc.CodeWalletNotFound, "No wallet is loaded. Make one with `funai wallet hd create`, or load one with loadwallet."},
	{hd.ErrClosed, rpc.CodeWalletNotFound, ""},
	{hd.ErrLocked, rpc.CodeUnlockNeeded, "Error: Please enter the wallet passphrase with walletpassphrase first."},
	{vault.ErrPassphrase, rpc.CodePassphraseIncorrect, "Error: The wallet passphrase entered was incorrect."},
	{vault.ErrEncrypted, rpc.CodeWrongEncryptionState, "Error: running with an encrypted wallet, but encryptwallet was called."},
	{hdkey.ErrAddress, rpc.CodeInvalidAddressOrKey, ""},
	{hd.ErrUnknown, rpc.CodeInvalidAddressOrKey, "Invalid or non-wallet transaction id"},
	{hd.ErrAbandon, rpc.CodeInvalidAddressOrKey, "Transaction not eligible for abandonment"},
	{hd.ErrFunds, rpc.CodeInsufficientFunds, ""},
	{hd.ErrLabel, rpc.CodeInvalidLabel, ""},
	{hd.ErrScanUnderWay, rpc.CodeWalletError, "Wallet is currently rescanning. Abort existing rescan or wait."},
	{hd.ErrScanning, rpc.CodeWalletError, ""},
	{hd.ErrAborted, rpc.CodeMisc, "Rescan aborted."},
	{hd.ErrPruned, rpc.CodeMisc, ""},
	{hd.ErrRange, rpc.CodeInvalidParameter, ""},
	{hd.ErrOptions, rpc.CodeInvalidParameter, ""},
	{hd.ErrFeeRate, rpc.CodeInvalidParameter, ""},
	{hd.ErrNoCoin, rpc.CodeInvalidParameter, ""},
	{hd.ErrCoinLocked, rpc.CodeInvalidParameter, ""},
	{hd.ErrCoinFree, rpc.CodeInvalidParameter, ""},
	{hd.ErrLoaded, rpc.CodeWalletAlreadyLoaded, ""},
	{hd.ErrLie, rpc.CodeWalletError, ""},
	{hd.ErrSigHash, rpc.CodeDeserialization, ""},
	{psbts.ErrPSBT, rpc.CodeDeserialization, ""},
	{psbts.ErrCombine, rpc.CodeInvalidParameter, "PSBTs not compatible (different transactions)"},
	{hd.ErrOutput, rpc.CodeInsufficientFunds, ""}, // as Bitcoin Core has it for amounts that are dust
	{hd.ErrInputs, rpc.CodeInsufficientFunds, ""},
	{hd.ErrMaxFee, rpc.CodeInsufficientFunds, ""},
	{hd.ErrBump, rpc.CodeWalletError, ""},
	{os.ErrExist, rpc.CodeWalletError, ""},
}

// failed is what a client is told of an error.
func failed(err error) error {
	var e *rpc.Error
	if errors.As(err, &e) {
		return err
	}
	for _, f := range failures {
		if !errors.Is(err, f.err) {
			continue
		}
		if f.text != "" {
			return &rpc.Error{Code: f.code, Message: f.text}
		}
		return &rpc.Error{Code: f.code, Message: err.Error()}
	}
	for _, e := range poolRefusals {
		if errors.Is(err, e) {
			return &rpc.Error{Code: rpc.CodeWalletError, Message: "Transaction was rejected by the mempool: " + err.Error()}
		}
	}
	return err // a wrong number of parameters, a failing disk: CodeMisc
}

// poolRefusals are why the mempool does not take a transaction.
var poolRefusals = []error{mempool.ErrMissing, mempool.ErrSpent, mempool.ErrImmature, mempool.ErrFunds, mempool.ErrScript, mempool.ErrInvalid,
	mempool.ErrLocked, mempool.ErrFee, mempool.ErrPolicy, mempool.ErrPackage, mempool.ErrFull, mempool.ErrKnown}
