package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// nft is a call on one non-fungible token.
type nft struct {
	asset    Asset
	id       value.Value
	size     uint64 // of the encoded identifier
	key      []byte
	borrowed bool // the identifier still lies in a variable
}

// nonFungible is a native on a non-fungible token. Ahead is charged before its arguments are evaluated.
func nonFungible(count int, ahead []cost.Function, apply func(f *frame, t nft, rest []value.Value) (value.Value, error)) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		name, err := firstName(call, count)
		if err != nil {
			return nil, err
		}
		if _, ok := c.analysis.NFTs[name]; !ok {
			return nil, bug("no non-fungible token %s", name)
		}
		asset, prefix := Asset{c.c.id, name}, storeKey(keyNFT, c.c.id, name)
		codes, borrowed, err := c.lent(args(call)[1:])
		if err != nil {
			return nil, err
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			for _, x := range ahead {
				if err := f.charge(x, 0); err != nil {
					return value.None, err
				}
			}
			a := f.push(len(codes))
			for i, x := range codes {
				var err error
				if a[i], err = x(f); err != nil {
					return value.None, err
				}
			}
			id, err := value.Encode(a[0])
			if err != nil {
				return value.None, err
			}
			v, err := apply(f, nft{asset, a[0], uint64(len(id)), entryKey(prefix, id), borrowed[0]}, a[1:])
			f.pop(len(codes))
			return v, err
		}, nil
	}
}

// createNonFungible charges for define-non-fungible-token.
func (f *frame) createNonFungible(t *types.Type) error {
	if err := f.charge(cost.CreateNFT, uint64(t.Size())); err != nil {
		return err
	}
	return f.hold(uint64(t.TypeSize()))
}

// owner is who holds the token; ok is false if nobody does.
func (t *nft) owner(f *frame) (p value.Principal, ok bool, err error) {
	b, err := f.store.Get(t.key)
	if err != nil || b == nil {
		return p, false, err
	}
	v, err := f.decode(b, types.Principal)
	return v.AsPrincipal(), true, err
}

// give writes the new owner, and holds memory for it.
func (t *nft) give(f *frame, to value.Principal) error {
	if err := f.hold(principalSize + t.size); err != nil {
		return err
	}
	b, err := value.Encode(value.OfPrincipal(to))
	if err != nil {
		return err
	}
	f.store.Put(t.key, b)
	return nil
}

// note emits an event about the token, for which its identifier must be taken out of the variable in which it lies.
func (t *nft) note(f *frame, kind EventKind, from, to value.Principal) error {
	if t.borrowed {
		if err := f.charge(cost.LookupVariableSize, uint64(t.id.Size())); err != nil {
			return err
		}
	}
	f.emit(Event{Kind: kind, Contract: t.asset.Contract, Asset: t.asset.Name, Sender: from, Recipient: to, Value: t.id})
	return nil
}

func nftMint(f *frame, t nft, rest []value.Value) (value.Value, error) {
	if err := f.charge(cost.NFTMint, t.size); err != nil {
		return value.None, err
	}
	if err := f.writes(); err != nil {
		return value.None, err
	}
	to := rest[0].AsPrincipal()
	if _, there, err := t.owner(f); err != nil || there {
		return errCode(1), err
	}
	if err := t.give(f, to); err != nil {
		return value.None, err
	}
	return done, t.note(f, EventNFTMint, value.Principal{}, to)
}

func nftTransfer(f *frame, t nft, rest []value.Value) (value.Value, error) {
	if err := f.charge(cost.NFTTransfer, t.size); err != nil {
		return value.None, err
	}
	if err := f.writes(); err != nil {
		return value.None, err
	}
	from, to := rest[0].AsPrincipal(), rest[1].AsPrincipal()
	if from == to {
		return errCode(2), nil
	}
	switch owner, there, err := t.owner(f); {
	case err != nil:
		return value.None, err
	case !there:
		return errCode(3), nil
	case owner != from:
		return errCode(1), nil
	}
	if err := t.give(f, to); err != nil {
		return value.None, err
	}
	f.assets.part(from, t.asset, t.id)
	return done, t.note(f, EventNFTTransfer, from, to)
}

func nftBurn(f *frame, t nft, rest []value.Value) (value.Value, error) {
	if err := f.charge(cost.NFTBurn, t.size); err != nil { // for the second time
		return value.None, err
	}
	if err := f.writes(); err != nil {
		return value.None, err
	}
	from := rest[0].AsPrincipal()
	switch owner, there, err := t.owner(f); {
	case err != nil:
		return value.None, err
	case !there:
		return errCode(3), nil
	case owner != from:
		return errCode(1), nil
	}
	if err := f.hold(principalSize + t.size); err != nil {
		return value.None, err
	}
	f.store.Delete(t.key)
	f.assets.part(from, t.asset, t.id)
	return done, t.note(f, EventNFTBurn, from, value.Principal{})
}

func nftOwner(f *frame, t nft, _ []value.Value) (value.Value, error) {
	if err := f.charge(cost.NFTOwner, t.size); err != nil {
		return value.None, err
	}
	owner, there, err := t.owner(f)
	if err != nil || !there {
		return value.None, err
	}
	return value.Some(value.OfPrincipal(owner)), nil
}
