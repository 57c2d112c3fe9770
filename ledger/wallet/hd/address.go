package hd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"

	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

// watch derives addresses of a chain until the gap limit's number of them lie beyond the last one used or handed out.
func (w *Wallet) watch(t hdkey.Type, c hdkey.Chain) error {
	n := &w.watched[t][c]
	for end := w.file.Meta.Next[t][c] + w.file.Meta.Gap; *n < end && *n <= hdkey.MaxIndex; *n++ {
		p := hdkey.Path{Type: t, Chain: c, Index: *n}
		k, err := w.keys.Key(p)
		if errors.Is(err, hdkeychain.ErrInvalidChild) {
			w.gaps[p] = true
			continue
		}
		if err != nil {
			return err
		}
		w.book.scripts[string(k.Script)] = p
	}
	return nil
}

// use notes that an address has been seen or handed out, and says whether more are watched for it.
func (w *Wallet) use(p hdkey.Path) (more bool) {
	next := &w.file.Meta.Next[p.Type][p.Chain]
	if p.Index < *next {
		return false
	}
	*next, w.used = p.Index+1, true
	if err := w.watch(p.Type, p.Chain); err != nil {
		w.log.Error("wallet cannot derive addresses", "err", err)
	}
	return true
}

// fresh is the next address of a chain, which is then handed out. The file is saved before anybody sees the address.
func (w *Wallet) fresh(t hdkey.Type, c hdkey.Chain, label *string) (hdkey.Key, error) {
	p := hdkey.Path{Type: t, Chain: c, Index: w.file.Meta.Next[t][c]}
	for w.gaps[p] {
		p.Index++
	}
	if p.Index >= hdkey.MaxIndex {
		return hdkey.Key{}, fmt.Errorf("%w: all %d addresses of the chain are used", hdkey.ErrKey, p.Index)
	}
	k, err := w.keys.Key(p)
	if err != nil {
		return k, err
	}
	w.use(p)
	if label != nil && *label != "" {
		if err := w.label(hdkey.Address(k.Script, w.net), vault.Label{Name: *label}); err != nil {
			return k, err
		}
	}
	if err := w.commit(false); err != nil {
		return k, err
	}
	return k, nil
}

// NewAddress hands out the next address to be paid at, and labels it. It needs no passphrase.
func (w *Wallet) NewAddress(t hdkey.Type, label string) (string, error) {
	return w.address(t, hdkey.Receive, &label)
}

// NewChangeAddress hands out the next address for change.
func (w *Wallet) NewChangeAddress(t hdkey.Type) (string, error) {
	return w.address(t, hdkey.Change, nil)
}

func (w *Wallet) address(t hdkey.Type, c hdkey.Chain, label *string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return "", ErrClosed
	}
	k, err := w.fresh(t, c, label)
	if err != nil {
		return "", err
	}
	return hdkey.Address(k.Script, w.net), nil
}

// AddressInfo is what the wallet knows of an address.
type AddressInfo struct {
	Script []byte
	Mine   bool
	// Label is the address book's; Known says whether there is an entry, or the address was handed out.
	Label string
	Known bool
	// Of the wallet's own addresses.
	Key                    hdkey.Key
	Indices                []uint32 // BIP-32 path
	Fingerprint            uint32
	Descriptor, ParentDesc string
	Change                 bool
	BirthdayUnix           int64
}

// AddressInfo tells of any address of the network. Errors wrap hdkey.ErrAddress.
func (w *Wallet) AddressInfo(address string) (AddressInfo, error) {
	script, err := hdkey.ParseAddress(address, w.net)
	if err != nil {
		return AddressInfo{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := AddressInfo{Script: script}
	l, ok := w.file.Meta.Labels[hdkey.Address(script, w.net)]
	i.Label, i.Known = l.Name, ok
	p, ok := w.book.path(script)
	if !ok {
		return i, nil
	}
	if i.Key, err = w.keys.Key(p); err != nil {
		return i, err
	}
	i.Mine, i.Indices, i.Fingerprint = true, p.Indices(hdkey.CoinType(w.net)), w.keys.Fingerprint
	i.Descriptor, i.ParentDesc = w.keys.Descriptor(i.Key), w.keys.ParentDescriptor(p)
	i.Change, i.BirthdayUnix = p.Chain == hdkey.Change, w.file.Public.Birthday
	i.Known = i.Known || p.Chain == hdkey.Receive && p.Index < w.file.Meta.Next[p.Type][p.Chain]
	return i, nil
}

// label enters an address into the book; the file is saved with the next commit.
func (w *Wallet) label(address string, l vault.Label) error {
	if len(l.Name) > vault.MaxLabel {
		return fmt.Errorf("%w: %d bytes, more than %d", ErrLabel, len(l.Name), vault.MaxLabel)
	}
	m := w.file.Meta.Labels
	if _, ok := m[address]; !ok && len(m) >= vault.MaxLabels {
		return fmt.Errorf("%w: there are %d, no more can be", ErrLabel, vault.MaxLabels)
	}
	if m == nil {
		w.file.Meta.Labels = map[string]vault.Label{}
	}
	w.file.Meta.Labels[address], w.used = l, true
	return nil
}

// SetLabel enters an address, the wallet's or somebody else's, into the address book.
func (w *Wallet) SetLabel(address, label string) error {
	script, err := hdkey.ParseAddress(address, w.net)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	_, mine := w.book.path(script)
	if err := w.label(hdkey.Address(script, w.net), vault.Label{Name: label, Send: !mine}); err != nil {
		return err
	}
	return w.commit(false)
}

// Labels lists the labels in use, sorted; the empty one if an address was handed out without.
func (w *Wallet) Labels() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	set := map[string]bool{}
	for _, l := range w.file.Meta.Labels {
		set[l.Name] = true
	}
	if len(w.unlabelled()) > 0 {
		set[""] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// unlabelled are the addresses handed out without a label.
func (w *Wallet) unlabelled() (as []string) {
	for script, p := range w.book.scripts {
		if p.Chain != hdkey.Receive || p.Index >= w.file.Meta.Next[p.Type][p.Chain] {
			continue
		}
		a := hdkey.Address([]byte(script), w.net)
		if _, ok := w.file.Meta.Labels[a]; !ok {
			as = append(as, a)
		}
	}
	return as
}

// AddressesByLabel lists the addresses of a label, with whether each is the wallet's own. The empty label has all
// addresses handed out without one.
func (w *Wallet) AddressesByLabel(label string) map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := map[string]bool{}
	for a, l := range w.file.Meta.Labels {
		if l.Name == label {
			found[a] = !l.Send
		}
	}
	if label != "" {
		return found
	}
	for _, a := range w.unlabelled() {
		found[a] = true
	}
	return found
}

// Descriptor is the descriptor of one chain of addresses (BIP-380).
type Descriptor struct {
	Text     string // with checksum
	Chain    hdkey.Chain
	Type     hdkey.Type
	Next     uint32 // first index not handed out
	Watched  uint32 // indices below are watched
	Birthday int64  // Unix seconds; 0: unknown
}

// Descriptors lists what all addresses of the wallet are derived from: with private keys, which needs an unlocked wallet
// (ErrLocked), or without.
func (w *Wallet) Descriptors(private bool) ([]Descriptor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	keys := w.keys
	if private {
		if keys = w.private; keys == nil {
			return nil, ErrLocked
		}
	}
	var ds []Descriptor
	for _, t := range hdkey.Types {
		for _, c := range hdkey.Chains {
			ds = append(ds, Descriptor{keys.Range(t, c), c, t, w.file.Meta.Next[t][c], w.watched[t][c], w.file.Public.Birthday})
		}
	}
	return ds, nil
}

// withKey hands the key of one of the wallet's addresses to f, and wipes it afterwards. Errors wrap ErrNotMine and
// ErrLocked.
func (w *Wallet) withKey(script []byte, f func(k signer) error) error {
	p, ok := w.book.path(script)
	if !ok {
		return ErrNotMine
	}
	if w.private == nil {
		return ErrLocked
	}
	k, err := w.private.PrivateKey(p)
	if err != nil {
		return err
	}
	defer k.Zero()
	return f(signer{p, k})
}

// Sync waits until the wallet has followed the chain and the mempool, unless it is so far behind that it reports itself as
// scanning.
func (w *Wallet) Sync(ctx context.Context) error {
	if err := w.enter(ctx); err != nil {
		return err
	}
	w.mu.Unlock()
	return nil
}
