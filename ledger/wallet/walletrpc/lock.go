package walletrpc

import (
	"context"
	"errors"
	"time"

	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/vault"
)

func (m *methods) lockMethods() rpc.Methods {
	return rpc.Methods{
		"encryptwallet": m.method([]string{"passphrase"}, "encryptwallet \"passphrase\"\n\nGive a passphrase to a wallet without one, and lock it. Copies "+
			"of the file made before hold the seed for all to read.", encrypt),
		"walletpassphrase": m.method([]string{"passphrase", "timeout"}, "walletpassphrase \"passphrase\" timeout\n\nUnlock the wallet for a number of "+
			"seconds.", unlock),
		"walletpassphrasechange": m.method([]string{"oldpassphrase", "newpassphrase"}, "walletpassphrasechange \"oldpassphrase\" \"newpassphrase\"\n\n"+
			"Change the passphrase. Copies of the file made before keep the old one.", changePassphrase),
		"walletlock": m.method(nil, "walletlock\n\nLock the wallet and wipe its keys from memory.", lock),
	}
}

// plain words the error of a wallet without a passphrase for a method.
func plain(err error, method string) error {
	if errors.Is(err, vault.ErrPlain) {
		return rpc.Errorf(rpc.CodeWrongEncryptionState, "Error: running with an unencrypted wallet, but %s was called.", method)
	}
	return err
}

func encrypt(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	pass, err := rpc.Need[string](a, 0, "passphrase")
	if err != nil {
		return nil, err
	}
	if w.Info().Encrypted {
		return nil, vault.ErrEncrypted
	}
	if pass == "" {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "passphrase cannot be empty")
	}
	if err := w.Encrypt(pass); err != nil {
		return nil, err
	}
	return "wallet encrypted; its words are the same. Copies of the wallet file made before are not encrypted.", nil
}

func unlock(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	pass, err := rpc.Need[string](a, 0, "passphrase")
	if err != nil {
		return nil, err
	}
	seconds, err := rpc.Need[int64](a, 1, "timeout")
	if err != nil {
		return nil, err
	}
	switch {
	case !w.Info().Encrypted:
		return nil, plain(vault.ErrPlain, "walletpassphrase")
	case seconds < 0:
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Timeout cannot be negative.")
	case pass == "":
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "passphrase cannot be empty")
	}
	d := min(time.Duration(min(seconds, int64(hd.MaxUnlock/time.Second)))*time.Second, hd.MaxUnlock)
	if d == 0 {
		return nil, w.Lock()
	}
	return nil, w.Unlock(pass, d)
}

func changePassphrase(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	old, err := rpc.Need[string](a, 0, "oldpassphrase")
	if err != nil {
		return nil, err
	}
	pass, err := rpc.Need[string](a, 1, "newpassphrase")
	if err != nil {
		return nil, err
	}
	if old == "" || pass == "" {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "passphrase cannot be empty")
	}
	return nil, plain(w.ChangePassphrase(old, pass), "walletpassphrasechange")
}

func lock(_ context.Context, w *hd.Wallet, _ rpc.Args) (any, error) {
	return nil, plain(w.Lock(), "walletlock")
}
