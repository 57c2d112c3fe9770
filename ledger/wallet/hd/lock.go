package hd

import (
	"errors"
	"fmt"
	"time"

	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

// MaxUnlock is the longest time that a wallet stays unlocked (Bitcoin Core's MAX_SLEEP_TIME, about three years).
const MaxUnlock = 100_000_000 * time.Second

// Unlock makes the private keys available for a time, MaxUnlock at most. Unlocking an unlocked wallet sets the time anew.
// Errors wrap vault.ErrPassphrase and vault.ErrPlain.
func (w *Wallet) Unlock(passphrase string, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return ErrClosed
	case !w.file.Encrypted():
		return vault.ErrPlain
	}
	return w.unlock(passphrase, min(d, MaxUnlock))
}

// unlock takes 0 for ever.
func (w *Wallet) unlock(passphrase string, d time.Duration) error {
	seed, err := w.file.Open(passphrase)
	if err != nil {
		return err
	}
	defer clear(seed)
	private, err := hdkey.Private(seed, w.net)
	if err != nil {
		return err
	}
	// The seal has authenticated the public keys; this holds even for a file that was sealed with wrong ones.
	if xpubs, err := private.XPubs(); err != nil || xpubs != w.file.Public.XPubs {
		private.Zero()
		return errors.Join(err, fmt.Errorf("%w: its public keys are not those of its seed", vault.ErrFile))
	}
	w.lock()
	w.private = private
	if d > 0 {
		w.until = w.cfg.Now().Add(d)
		w.relock = time.AfterFunc(d, func() { w.lockIf(private) })
	}
	return nil
}

// Lock wipes the private keys from memory, as far as Go lets a program do that.
func (w *Wallet) Lock() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.file.Encrypted() {
		return vault.ErrPlain
	}
	w.lock()
	return nil
}

// lockIf ends an unlocking, unless another has taken its place meanwhile.
func (w *Wallet) lockIf(private *hdkey.Accounts) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.private == private {
		w.lock()
	}
}

func (w *Wallet) lock() {
	if w.relock != nil {
		w.relock.Stop()
		w.relock = nil
	}
	if w.private != nil {
		w.private.Zero()
		w.private = nil
	}
	w.until = time.Time{}
}

// ChangePassphrase seals the seed anew. Copies of the file made before still open with the old passphrase.
func (w *Wallet) ChangePassphrase(old, passphrase string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.file.Encrypted() {
		return vault.ErrPlain
	}
	return w.reseal(old, passphrase, vault.KDF{})
}

// Encrypt gives a passphrase to a wallet without one, and locks it. The file that it replaces held the seed for all to
// read, and may still be found on the disk and in backups.
func (w *Wallet) Encrypt(passphrase string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file.Encrypted() {
		return vault.ErrEncrypted
	}
	if err := w.reseal("", passphrase, vault.DefaultKDF); err != nil {
		return err
	}
	w.lock()
	return nil
}

func (w *Wallet) reseal(old, passphrase string, kdf vault.KDF) error {
	if w.closed {
		return ErrClosed
	}
	f := w.file.With(w.file.Meta)
	if err := f.Reseal(w.cfg.Rand, old, passphrase, kdf); err != nil {
		return err
	}
	if err := f.Save(w.path()); err != nil {
		return err
	}
	w.file, w.used = f, false
	return nil
}
