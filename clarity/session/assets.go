package session

import (
	"cmp"
	"slices"

	"funai/clarity/value"
	"funai/clarity/vm"
)

// Coin is the name of the chain's own coin among the assets; the others are called S….contract.token.
const Coin = "STX"

// Holding is what somebody has of an asset: an amount of coins or fungible tokens, a number of non-fungible ones.
type Holding struct {
	Asset  string
	Owner  value.Principal
	Amount value.Uint128
}

// holdings follow the events of what was committed.
type holdings map[string]map[value.Principal]value.Uint128

func (h holdings) add(asset string, to value.Principal, n value.Uint128) {
	if h[asset] == nil {
		h[asset] = map[value.Principal]value.Uint128{}
	}
	sum, _ := h[asset][to].Add(n) // supplies are held to 128 bits before
	h[asset][to] = sum
}

func (h holdings) sub(asset string, from value.Principal, n value.Uint128) {
	rest, ok := h[asset][from].Sub(n)
	if !ok || rest.IsZero() { // not ok only of what came to be before anybody took note
		delete(h[asset], from)
		return
	}
	h[asset][from] = rest
}

// follow takes in one event.
func (h holdings) follow(e vm.Event) {
	asset, n := Coin, e.Amount
	if e.Asset != "" {
		asset = e.Contract.String() + "." + e.Asset
	}
	if e.Kind == vm.EventNFTMint || e.Kind == vm.EventNFTTransfer || e.Kind == vm.EventNFTBurn {
		n = value.Uint128{Lo: 1}
	}
	switch e.Kind {
	case vm.EventSTXTransfer, vm.EventFTTransfer, vm.EventNFTTransfer:
		h.sub(asset, e.Sender, n)
		h.add(asset, e.Recipient, n)
	case vm.EventSTXMint, vm.EventFTMint, vm.EventNFTMint:
		h.add(asset, e.Recipient, n)
	case vm.EventSTXBurn, vm.EventFTBurn, vm.EventNFTBurn:
		h.sub(asset, e.Sender, n)
	default: // nothing changes hands
	}
}

// Holdings are all that anybody has, by asset and then by owner.
func (s *Session) Holdings() []Holding {
	var all []Holding
	for asset, of := range s.held {
		for owner, n := range of {
			all = append(all, Holding{asset, owner, n})
		}
	}
	slices.SortFunc(all, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Owner.String(), b.Owner.String()))
	})
	return all
}
