// Package postcond has the conditions that a transaction sets on what leaves whose hands while it runs (SIP-005, SIP-040):
// their wire encoding, and the check after the run. A chain that finds one broken undoes all but the fee.
package postcond

import (
	"fmt"

	"funai/clarity/value"
	"funai/clarity/vm"
)

// Mode says what of assets that no condition is about.
type Mode uint8

// The modes.
const (
	Allow      Mode = 1 // anything may leave anybody's hands
	Deny       Mode = 2 // nothing may
	Originator Mode = 3 // nothing may leave the origin's hands (SIP-040)
)

func (m Mode) String() string {
	switch m {
	case Allow:
		return "allow"
	case Deny:
		return "deny"
	case Originator:
		return "originator"
	}
	return fmt.Sprintf("mode %#02x", uint8(m))
}

// Kind is what a condition is about.
type Kind uint8

// The kinds of condition.
const (
	Coins Kind = 0 // the chain's own coin
	FT    Kind = 1 // a fungible token
	NFT   Kind = 2 // one non-fungible token
)

// Code says what must be true of what was sent.
type Code uint8

// The codes. The first five are for coins and fungible tokens.
const (
	Equal   Code = 0x01
	Greater Code = 0x02
	AtLeast Code = 0x03
	Less    Code = 0x04
	AtMost  Code = 0x05
	Sent    Code = 0x10
	NotSent Code = 0x11
	MaySend Code = 0x12 // SIP-040
)

var codeNames = map[Code]string{
	Equal: "exactly", Greater: "more than", AtLeast: "at least", Less: "less than", AtMost: "at most",
	Sent: "sends", NotSent: "does not send", MaySend: "may send",
}

func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return fmt.Sprintf("code %#02x", uint8(c))
}

// legal says whether a code is one for a kind of condition.
func (c Code) legal(k Kind) bool {
	if k == NFT {
		return c >= Sent && c <= MaySend
	}
	return c >= Equal && c <= AtMost
}

// Owner is whose hands a condition is about. The zero Owner is whoever signs the transaction first.
type Owner struct {
	named     bool
	principal value.Principal
}

// Origin is whoever signs the transaction first.
var Origin Owner

// Named is a given owner.
func Named(p value.Principal) Owner { return Owner{named: true, principal: p} }

// In returns the owner in a transaction of an origin.
func (o Owner) In(origin value.Principal) value.Principal {
	if o.named {
		return o.principal
	}
	return origin
}

// String returns the principal, or "origin".
func (o Owner) String() string {
	if o.named {
		return o.principal.String()
	}
	return "origin"
}

// Condition is one condition.
type Condition struct {
	Kind   Kind
	Owner  Owner
	Asset  vm.Asset // zero for Coins
	Code   Code
	Amount uint64      // base units of coins or tokens; 0 for NFT
	ID     value.Value // of an NFT
}

// String returns the condition in words.
func (c Condition) String() string {
	if c.Kind == NFT {
		return fmt.Sprintf("%v %v %v %v", c.Owner, c.Code, c.Asset, c.ID)
	}
	return fmt.Sprintf("%v sends %v %d %v", c.Owner, c.Code, c.Amount, c.Asset)
}

// Conditions are those of one transaction.
type Conditions struct {
	Mode Mode
	List []Condition
}
