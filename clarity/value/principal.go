package value

import (
	"errors"
	"fmt"
	"strings"

	"funai/key/c32"
)

// Bounds of names.
const (
	MaxNameLen         = 128 // of what a contract defines, and of a tuple's fields
	MaxContractNameLen = 40  // of a contract when it is deployed; in an encoding it is MaxNameLen
)

// ErrPrincipal says that a text or bytes are no principal.
var ErrPrincipal = errors.New("not a principal")

// Principal is a standard principal, or with a Contract the principal of a contract. It can be compared with ==.
type Principal struct {
	Version  byte // 0 to 31
	Hash     [20]byte
	Contract string // "" for a standard principal
}

// Issuer is the standard principal that a contract belongs to.
func (p Principal) Issuer() Principal { return Principal{Version: p.Version, Hash: p.Hash} }

// IsContract says whether p is a contract's.
func (p Principal) IsContract() bool { return p.Contract != "" }

// String writes the address in c32check, and after a dot the contract.
func (p Principal) String() string {
	a := c32.Address(p.Version, p.Hash)
	if p.Contract == "" {
		return a
	}
	return a + "." + p.Contract
}

// AppendText appends what String returns; it does not fail.
func (p Principal) AppendText(b []byte) ([]byte, error) { return append(b, p.String()...), nil }

// ParsePrincipal reads an address, and after a dot a contract's name. The error is an ErrPrincipal.
func ParsePrincipal(s string) (Principal, error) {
	address, contract, dotted := strings.Cut(s, ".")
	version, hash, err := c32.Parse(address)
	if err != nil {
		return Principal{}, fmt.Errorf("%w: %.60q: %w", ErrPrincipal, s, err)
	}
	if dotted && !ValidContractName(contract) {
		return Principal{}, fmt.Errorf("%w: %.60q is no name of a contract", ErrPrincipal, contract)
	}
	return Principal{version, hash, contract}, nil
}

// ValidName says whether s can name a definition or a tuple's field (SIP-002): a letter and then letters, digits and any of
// -_!?+<>=/*, or an operator alone.
func ValidName(s string) bool {
	switch s {
	case "-", "+", "=", "/", "*", "<", ">", "<=", ">=":
		return true
	}
	return len(s) > 0 && len(s) <= MaxNameLen && isLetter(s[0]) && strings.IndexFunc(s, func(r rune) bool {
		return r > 127 || !isWord(byte(r)) && !strings.ContainsRune("!?+<>=/*", r)
	}) < 0
}

// ValidContractName says whether s can name a contract (SIP-002): a letter and then letters, digits, - and _.
func ValidContractName(s string) bool {
	if s == "__transient" { // of code that is run without being deployed
		return true
	}
	return len(s) > 0 && len(s) <= MaxNameLen && isLetter(s[0]) && strings.IndexFunc(s, func(r rune) bool {
		return r > 127 || !isWord(byte(r))
	}) < 0
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isWord(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || c == '-' || c == '_' }
