// Package descriptor reads output descriptors (BIPs 380 to 386): pk, pkh, wpkh, sh, wsh, tr without a script tree, rawtr,
// multi and sortedmulti, combo, addr and raw, over plain keys, private keys and extended keys with ranges. Canonical forms
// and error texts are Bitcoin Core's. It imports ledger/consensus and the address formats in wallet/hdkey.
package descriptor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/consensus"
	"funai/ledger/wallet/hdkey"
)

// ErrDescriptor says that a text is no descriptor that is understood here.
var ErrDescriptor = errors.New("bad descriptor")

// refusal is the reason a descriptor is refused, in Bitcoin Core's words.
type refusal struct{ text string }

func (r *refusal) Error() string        { return r.text }
func (r *refusal) Is(target error) bool { return target == ErrDescriptor }

func refuse(format string, a ...any) error { return &refusal{fmt.Sprintf(format, a...)} }

// maxLength bounds a descriptor in characters: more than the longest multi of extended keys takes.
const maxLength = 8 << 10

// Descriptor stands for output scripts, one or, if it has a range, one for each number.
type Descriptor struct {
	p        *consensus.Params
	function string
	keys     []key
	required int         // signatures, of multi
	inner    *Descriptor // of sh and wsh
	script   []byte      // of addr and raw
	text     string      // the argument of addr and raw
}

// Parse reads a descriptor of a network. A checksum is checked if there is one, and missed if it is required. Errors
// match ErrDescriptor.
func Parse(p *consensus.Params, s string, checksum bool) (*Descriptor, error) {
	if len(s) > maxLength {
		return nil, refuse("Descriptor of %d characters is longer than %d", len(s), maxLength)
	}
	body, sum, has := strings.Cut(s, "#")
	want := hdkey.Checksum(body)
	switch {
	case want == "":
		return nil, refuse("Invalid characters in payload")
	case !has && checksum:
		return nil, refuse("Missing checksum")
	case has && strings.Contains(sum, "#"):
		return nil, refuse("Multiple '#' symbols")
	case has && len(sum) != len(want):
		return nil, refuse("Expected %d character checksum, not %d characters", len(want), len(sum))
	case has && sum != want:
		return nil, refuse("Provided checksum '%s' does not match computed checksum '%s'", sum, want)
	}
	return parse(p, body, top)
}

// context is where in a descriptor a function stands.
type context int

const (
	top context = iota
	inSH
	inWSH
)

func parse(p *consensus.Params, s string, c context) (*Descriptor, error) {
	name, rest, open := strings.Cut(s, "(")
	arg, closed := strings.CutSuffix(rest, ")")
	if !open || !closed {
		return nil, refuse("'%s' is not a valid descriptor function", s)
	}
	d := &Descriptor{p: p, function: name, text: arg}
	var err error
	switch name {
	case "pk", "pkh":
		err = d.parseKeys(arg, c != inWSH)
	case "wpkh":
		if c == inWSH {
			return nil, refuse("Can only have wpkh() at top level or inside sh()")
		}
		err = d.parseKeys(arg, false)
	case "combo", "tr", "rawtr", "addr", "raw":
		if c != top {
			return nil, refuse("Can only have %s() at top level", name)
		}
		err = d.parseTop(arg)
	case "multi", "sortedmulti":
		err = d.parseMulti(arg, c)
	case "sh", "wsh":
		err = d.parseInner(arg, c)
	default:
		err = refuse("'%s' is not a valid descriptor function", s)
	}
	return d, err
}

// parseTop reads the argument of functions that stand at the top only.
func (d *Descriptor) parseTop(arg string) (err error) {
	switch d.function {
	case "combo":
		return d.parseKeys(arg, true)
	case "tr", "rawtr":
		if strings.Contains(arg, ",") {
			return refuse("%s(): script trees are not supported", d.function)
		}
		k, err := parseKey(d.p, arg, keyXOnly)
		d.keys = []key{k}
		return err
	case "addr":
		if d.script, err = hdkey.ParseAddress(arg, d.p); err != nil {
			return refuse("Address is not valid")
		}
	default: // raw
		if d.script, err = hex.DecodeString(arg); err != nil {
			return refuse("Raw script is not hex")
		}
		d.text = hex.EncodeToString(d.script)
	}
	return nil
}

func (d *Descriptor) parseKeys(arg string, uncompressed bool) error {
	kind := keyCompressed
	if uncompressed {
		kind = keyAny
	}
	k, err := parseKey(d.p, arg, kind)
	if err != nil {
		return fmt.Errorf("%s(): %w", d.function, err)
	}
	d.keys = []key{k}
	return nil
}

func (d *Descriptor) parseInner(arg string, c context) (err error) {
	in := inWSH
	switch {
	case d.function == "sh" && c != top:
		return refuse("Can only have sh() at top level")
	case d.function == "wsh" && c == inWSH:
		return refuse("Can only have wsh() at top level or inside sh()")
	case d.function == "sh":
		in = inSH
	}
	d.inner, err = parse(d.p, arg, in)
	return err
}

const (
	maxMultiKeys = 20  // MAX_PUBKEYS_PER_MULTISIG
	maxBareKeys  = 3   // in a bare script, by Bitcoin's relay policy
	maxRedeem    = 520 // bytes of a script under P2SH
)

func (d *Descriptor) parseMulti(arg string, c context) error {
	parts := strings.Split(arg, ",")
	m, err := strconv.Atoi(parts[0])
	if err != nil {
		return refuse("Multi threshold '%s' is not valid", parts[0])
	}
	kind := keyAny
	if c == inWSH {
		kind = keyCompressed
	}
	for _, s := range parts[1:] {
		k, err := parseKey(d.p, s, kind)
		if err != nil {
			return fmt.Errorf("multi(): %w", err)
		}
		d.keys = append(d.keys, k)
	}
	switch n := len(d.keys); {
	case n == 0 || n > maxMultiKeys:
		return refuse("Cannot have %d keys in multisig; must have between 1 and %d keys, inclusive", n, maxMultiKeys)
	case m < 1:
		return refuse("Multisig threshold cannot be %d, must be at least 1", m)
	case m > n:
		return refuse("Multisig threshold cannot be larger than the number of keys; threshold is %d but only %d keys specified", m, n)
	case c == top && n > maxBareKeys:
		return refuse("Cannot have %d pubkeys in bare multisig; only at most 3 pubkeys", n)
	}
	d.required = m
	if c != inSH {
		return nil
	}
	size := 3 // m, n and the check
	for _, k := range d.keys {
		size += 1 + k.size()
	}
	if size > maxRedeem {
		return refuse("P2SH script is too large, %d bytes is larger than %d bytes", size, maxRedeem)
	}
	return nil
}

// String is the canonical form with public keys alone, without checksum.
func (d *Descriptor) String() string {
	switch {
	case d.inner != nil:
		return d.function + "(" + d.inner.String() + ")"
	case d.script != nil || d.function == "raw":
		return d.function + "(" + d.text + ")"
	}
	var args []string
	if d.required > 0 {
		args = append(args, strconv.Itoa(d.required))
	}
	for _, k := range d.keys {
		args = append(args, k.String())
	}
	return d.function + "(" + strings.Join(args, ",") + ")"
}

// IsRange says whether the descriptor stands for one script for each number.
func (d *Descriptor) IsRange() bool { return d.any(func(k key) bool { return k.ranged }) }

// HasPrivate says whether there is a private key in it.
func (d *Descriptor) HasPrivate() bool {
	return d.any(func(k key) bool { return k.private != nil || k.secret() })
}

// Solvable says whether it tells all that is needed, besides private keys, to spend.
func (d *Descriptor) Solvable() bool { return d.function != "addr" && d.function != "raw" }

func (d *Descriptor) any(is func(key) bool) bool {
	for _, k := range d.keys {
		if is(k) {
			return true
		}
	}
	return d.inner != nil && d.inner.any(is)
}

// Show is the descriptor of one output that the descriptor stands for, with its checksum.
func (d *Descriptor) Show(index uint32, o Output) string {
	s := d.at(index, o)
	return s + "#" + hdkey.Checksum(s)
}

// at is the descriptor with plain keys in place of ranges, and what made the output in place of combo.
func (d *Descriptor) at(index uint32, o Output) string {
	if d.inner != nil {
		return d.function + "(" + d.inner.at(index, o) + ")"
	}
	plain := *d
	plain.keys = make([]key, len(d.keys))
	for i, k := range d.keys {
		plain.keys[i] = k.plain(index)
	}
	if d.function != "combo" {
		return plain.String()
	}
	k := plain.keys[0].String()
	switch {
	case o.Redeem != nil:
		return "sh(wpkh(" + k + "))"
	case len(o.Script) == len(program(0, make([]byte, 20))):
		return "wpkh(" + k + ")"
	case len(o.Script) > 0 && o.Script[0] == txscript.OP_DUP:
		return "pkh(" + k + ")"
	default:
		return "pk(" + k + ")"
	}
}
