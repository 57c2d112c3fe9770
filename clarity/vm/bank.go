package vm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"funai/clarity/value"
)

// The errors of Coins.
var (
	ErrFunds    = errors.New("insufficient funds")
	ErrTooMany  = errors.New("more coins than can be counted")
	errNotCoins = errors.New("not a balance")
)

// Coins is a Bank that keeps its accounts in a Store, so that whatever undoes the Store's writes undoes its own. Locked
// coins are unlocked from the height that their lock names.
type Coins struct {
	store  Store
	height uint64
}

var _ Bank = (*Coins)(nil)

// NewCoins returns the accounts in a store as they are at a height of the ledger.
func NewCoins(s Store, burnHeight uint64) *Coins { return &Coins{s, burnHeight} }

// balanceBytes is the length of a stored account: unlocked and locked (16 bytes each), unlock height (8), big-endian.
const balanceBytes = 40

// Balance returns an account's coins.
func (c *Coins) Balance(p value.Principal) (b Balance, err error) {
	raw, err := c.store.Get(appendPrincipal([]byte{keyCoins}, p))
	if err != nil || raw == nil {
		return b, err
	}
	if len(raw) != balanceBytes {
		return b, fmt.Errorf("%w: %d bytes, not %d", errNotCoins, len(raw), balanceBytes)
	}
	b.Unlocked, b.Locked = value.Uint128FromBytes([16]byte(raw)), value.Uint128FromBytes([16]byte(raw[16:]))
	b.UnlockHeight = binary.BigEndian.Uint64(raw[32:])
	if !b.Locked.IsZero() && b.UnlockHeight <= c.height {
		sum, ok := b.Unlocked.Add(b.Locked)
		if !ok {
			return Balance{}, fmt.Errorf("%w: %v and %v", ErrTooMany, b.Unlocked, b.Locked)
		}
		b = Balance{Unlocked: sum}
	}
	return b, nil
}

func (c *Coins) set(p value.Principal, b Balance) {
	key := appendPrincipal([]byte{keyCoins}, p)
	if b.Unlocked.IsZero() && b.Locked.IsZero() {
		c.store.Delete(key)
		return
	}
	u, l := b.Unlocked.Bytes(), b.Locked.Bytes()
	raw := append(append(make([]byte, 0, balanceBytes), u[:]...), l[:]...)
	c.store.Put(key, binary.BigEndian.AppendUint64(raw, b.UnlockHeight))
}

// Supply returns how many coins there are.
func (c *Coins) Supply() (n value.Uint128, err error) {
	b, err := c.store.Get([]byte{keyCoinSum})
	if err != nil || b == nil {
		return n, err
	}
	return decodeAmount(b)
}

// Mint makes coins; ErrTooMany if the supply would overflow.
func (c *Coins) Mint(to value.Principal, amount value.Uint128) error {
	before, err := c.Supply()
	if err != nil {
		return err
	}
	sum, ok := before.Add(amount)
	if !ok {
		return fmt.Errorf("%w: %v and %v", ErrTooMany, before, amount)
	}
	if err := c.credit(to, amount); err != nil {
		return err
	}
	putAmount(c.store, []byte{keyCoinSum}, sum)
	return nil
}

// Transfer moves unlocked coins; ErrFunds if there are fewer.
func (c *Coins) Transfer(from, to value.Principal, amount value.Uint128) error {
	if err := c.debit(from, amount); err != nil {
		return err
	}
	return c.credit(to, amount)
}

// Burn destroys unlocked coins; ErrFunds if there are fewer.
func (c *Coins) Burn(from value.Principal, amount value.Uint128) error {
	before, err := c.Supply()
	if err != nil {
		return err
	}
	sum, ok := before.Sub(amount)
	if !ok {
		return fmt.Errorf("%w: %v of a supply of %v", ErrFunds, amount, before)
	}
	if err := c.debit(from, amount); err != nil {
		return err
	}
	putAmount(c.store, []byte{keyCoinSum}, sum)
	return nil
}

// Lock sets unlocked coins aside until a height of the ledger; ErrFunds if there are fewer, or if others are locked.
func (c *Coins) Lock(p value.Principal, amount value.Uint128, until uint64) error {
	b, err := c.Balance(p)
	if err != nil {
		return err
	}
	left, ok := b.Unlocked.Sub(amount)
	if !ok || !b.Locked.IsZero() {
		return fmt.Errorf("%w: %v of %v, with %v locked", ErrFunds, amount, b.Unlocked, b.Locked)
	}
	c.set(p, Balance{Unlocked: left, Locked: amount, UnlockHeight: until})
	return nil
}

func (c *Coins) debit(p value.Principal, amount value.Uint128) error {
	b, err := c.Balance(p)
	if err != nil {
		return err
	}
	left, ok := b.Unlocked.Sub(amount)
	if !ok {
		return fmt.Errorf("%w: %v of %v", ErrFunds, amount, b.Unlocked)
	}
	b.Unlocked = left
	c.set(p, b)
	return nil
}

func (c *Coins) credit(p value.Principal, amount value.Uint128) error {
	b, err := c.Balance(p)
	if err != nil {
		return err
	}
	sum, ok := b.Unlocked.Add(amount)
	if !ok {
		return fmt.Errorf("%w: %v and %v", ErrTooMany, b.Unlocked, amount)
	}
	b.Unlocked = sum
	c.set(p, b)
	return nil
}
