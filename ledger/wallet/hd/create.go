package hd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"funai/internal/atomicfile"
	"funai/ledger/consensus"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

// DefaultGap is how many addresses of each chain are watched beyond the last one used (BIP-44).
const DefaultGap = 20

// NewOptions is what a new wallet file is made of.
type NewOptions struct {
	Words      string    // BIP-39 sentence, as hdkey.NewWords makes it
	SeedPhrase string    // BIP-39's optional passphrase, part of the secret
	Passphrase string    // that the file is encrypted with
	Plain      bool      // no passphrase: whoever has the file has the coins
	Birthday   time.Time // no block before can hold a coin of the seed's; zero: read the chain from its start
	Gap        uint32    // 0: DefaultGap
	KDF        vault.KDF // zero: vault.DefaultKDF
	Rand       io.Reader // nil: crypto/rand
}

// Create makes the wallet of a sentence in a folder, which need not exist. It never replaces a wallet: the error then
// wraps ErrExists. It also wraps hdkey.ErrWords.
func Create(dir string, net *consensus.Params, o NewOptions) error {
	seed, err := hdkey.Seed(o.Words, o.SeedPhrase)
	if err != nil {
		return err
	}
	defer clear(seed)
	keys, err := hdkey.Private(seed, net)
	if err != nil {
		return err
	}
	defer keys.Zero()
	xpubs, err := keys.XPubs()
	if err != nil {
		return err
	}
	public := vault.Public{Network: net.Name, Fingerprint: keys.Fingerprint, XPubs: xpubs}
	if !o.Birthday.IsZero() {
		public.Birthday = o.Birthday.Unix()
	}
	if o.Gap == 0 {
		o.Gap = DefaultGap
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	f, err := vault.New(o.Rand, public, vault.Meta{Gap: o.Gap}, seed, o.Passphrase, o.Plain, o.KDF)
	if err != nil {
		return err
	}
	return place(dir, f)
}

// RestoreFile makes a wallet in a folder of a file that Backup wrote. It never replaces a wallet.
func RestoreFile(dir, backup string, net *consensus.Params) error {
	f, err := vault.Load(backup)
	if err != nil {
		return err
	}
	if f.Public.Network != net.Name {
		return fmt.Errorf("%w: of %q, not %q", ErrNetwork, f.Public.Network, net.Name)
	}
	return place(dir, f)
}

// place puts a wallet file into a folder in one step, unless there is one.
func place(dir string, f *vault.File) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b, err := f.Encode()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, keysFile)
	whole := filepath.Join(dir, freshFile)
	if err := atomicfile.Write(whole, b); err != nil {
		return err
	}
	err = os.Link(whole, path) // unlike a rename it fails where a file is
	if errors.Is(err, os.ErrExist) {
		err = fmt.Errorf("%w: %s", ErrExists, path)
	}
	if err = errors.Join(err, removeFresh(dir)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close()) // the name is on the disk only now
}

// freshFile is a wallet file that gets its name next. A crash can leave it beside keysFile, where it would keep a seed that
// has no passphrase open when the wallet is given one.
const freshFile = keysFile + ".new"

func removeFresh(dir string) error {
	if err := os.Remove(filepath.Join(dir, freshFile)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Backup copies the wallet file, as it is now, to a path that does not exist yet, or into a folder that does. The file has
// everything that cannot be read from the chain again.
func (w *Wallet) Backup(path string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, keysFile)
	}
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%w: %s", os.ErrExist, path)
	}
	return w.file.Save(path)
}
