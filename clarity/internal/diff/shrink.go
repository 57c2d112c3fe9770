package diff

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"funai/clarity/session"
	"funai/clarity/value"
)

// shrinkRuns is how often a program is played at most to make it small.
const shrinkRuns = 1500

// size is how much there is to read in a program.
func (p *Program) size() (n int) {
	for _, c := range p.Contracts {
		n += len(c.Source) + 10
	}
	return n + 20*len(p.Calls)
}

// show is a program for people.
func (p *Program) show() string {
	var b strings.Builder
	for _, c := range p.Contracts {
		fmt.Fprintf(&b, ";; %s, Clarity %d\n%s\n", c.Name, uint8(c.Version), c.Source)
	}
	for _, a := range p.Calls {
		fmt.Fprintf(&b, ";; %s %s.%s", a.Fn, a.Contract, a.Method)
		for _, raw := range a.Args {
			var h struct{ Hex string }
			_ = json.Unmarshal(raw, &h) // shown as far as it can be read
			v, _ := hex.DecodeString(h.Hex)
			if x, err := value.Decode(v); err == nil {
				b.WriteString(" " + x.String())
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// shrink makes a program small that shows the same kind of difference: it drops calls, contracts and definitions, and puts
// parts of expressions in place of the whole.
func shrink(ctx context.Context, ref *Reference, f finding) finding {
	runs := 0
	try := func(p *Program) bool {
		if runs++; runs > shrinkRuns || ctx.Err() != nil {
			return false
		}
		q := p.readdressed()
		want, err := ref.Play(q)
		if err != nil {
			return false
		}
		d := Compare(q, want, play(q))
		if d == nil || d.What != f.diff.What {
			return false
		}
		f = finding{q, d}
		return true
	}
	for better := true; better; {
		better = false
		for i := len(f.program.Calls) - 1; i >= 0; i-- {
			p := f.program.clone()
			p.Calls = append(p.Calls[:i], p.Calls[i+1:]...)
			better = try(p) || better
		}
		for i := len(f.program.Contracts) - 1; i >= 0 && len(f.program.Contracts) > 1; i-- {
			p := f.program.clone()
			p.Contracts = append(p.Contracts[:i], p.Contracts[i+1:]...)
			better = try(p) || better
		}
		for i := range f.program.Contracts {
			better = shrinkText(try, &f, i) || better
		}
	}
	return f
}

// shrinkText makes one contract smaller.
func shrinkText(try func(*Program) bool, f *finding, i int) (better bool) {
	with := func(root *node) bool {
		p := f.program.clone()
		p.Contracts[i].Source = root.text()
		return len(p.Contracts[i].Source) < len(f.program.Contracts[i].Source) && try(p)
	}
	for k := 0; ; k++ { // the nodes are counted anew after each change
		root := read(f.program.Contracts[i].Source)
		all := root.all()
		if k >= len(all) {
			return better
		}
		if root.remove(all[k]); with(root) {
			better = true
			k--
			continue
		}
		n := all[k]
		for j := range len(n.kids) {
			root := read(f.program.Contracts[i].Source)
			at := root.all()[k]
			*at = *at.kids[j]
			if with(root) {
				better = true
				k--
				break
			}
		}
	}
}

// remove takes a node out.
func (n *node) remove(what *node) bool {
	for i, k := range n.kids {
		if k == what {
			n.kids = append(n.kids[:i:i], n.kids[i+1:]...)
			return true
		}
		if k.remove(what) {
			return true
		}
	}
	return false
}

func (p *Program) clone() *Program {
	c := *p
	c.Contracts = append([]session.ContractText(nil), p.Contracts...)
	c.Calls = append([]session.Action(nil), p.Calls...)
	return &c
}

// readdressed is the program of other people, who have deployed nothing yet.
func (p *Program) readdressed() *Program {
	raw, err := json.Marshal(p)
	if err != nil {
		return p
	}
	text := string(raw)
	for who := range p.Balances {
		old, err := value.ParsePrincipal(who)
		if err != nil {
			return p
		}
		now := old
		for i := range now.Hash {
			now.Hash[i] = byte(rand.Uint32())
		}
		text = strings.ReplaceAll(text, who, now.String())
		text = strings.ReplaceAll(text, hex.EncodeToString(old.Hash[:]), hex.EncodeToString(now.Hash[:]))
	}
	q := new(Program)
	if json.Unmarshal([]byte(text), q) != nil {
		return p
	}
	return q
}
