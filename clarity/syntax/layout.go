package syntax

import "strings"

// kept says of forms with a body how many arguments stay on the line of the word when the rest doesn't fit there; each of
// the rest is on a line of its own.
var kept = map[string]int{
	"define-public": 1, "define-private": 1, "define-read-only": 1,
	"define-constant": 1, "define-data-var": 2, "define-map": 1, "define-trait": 1, "define-fungible-token": 1,
	"define-non-fungible-token": 1, "use-trait": 1, "impl-trait": 1,
	"let": 1, "begin": 0, "if": 1, "match": 1, "asserts!": 1, "unwrap!": 1, "unwrap-err!": 1, "default-to": 1,
	"map": 1, "filter": 1, "fold": 1, "contract-call?": 2, "at-block": 1, "as-contract": 0, "as-contract?": 1,
	"restrict-assets?": 2, "map-set": 1, "map-insert": 1, "map-get?": 1, "map-delete": 1, "var-set": 1,
}

const (
	maxAlign = 16        // characters of a word behind which arguments stand in a column
	maxDent  = Width / 2 // columns that such a column may be indented by
	step     = 2         // columns of an indentation
	stepArgs = 2 * step  // that of a function's arguments, apart from its body's
)

// word is what a call begins with, "" if the list is no call.
func (n *node) word() string {
	if n.tuple || len(n.items) == 0 || n.items[0].node.list || !is(n.items[0].node.text[0], classLetter) && len(n.items[0].node.text) > 2 {
		return ""
	}
	return n.items[0].node.text
}

// thin is how many columns a list needs when it is broken wherever it can be.
func (n *node) thin() int {
	dent := 1
	if word := n.word(); word != "" {
		dent = step
	}
	need := 2
	for i := range n.items {
		x := n.items[i].node.narrow
		switch {
		case n.tuple:
			x += step + n.items[i].key.width + len(": ,")
		case i == 0:
			x++ // the bracket
		default:
			x += dent
		}
		need = max(need, x)
	}
	return need
}

// fits says whether all arguments have the room that they need in a column.
func (n *node) fits(col, tail int) bool {
	for i := 1; i < len(n.items); i++ {
		if i+1 == len(n.items) {
			col += tail
		}
		if col+n.items[i].node.narrow > Width {
			return false
		}
	}
	return true
}

// keepable is how many of the first so many arguments have room on the line of the word, which begins at col.
func (n *node) keepable(keep, col int) int {
	for i := 1; i <= keep && i < len(n.items); i++ {
		col += 1 + n.items[i-1].node.width
		if col+n.items[i].node.narrow > Width {
			return i - 1
		}
	}
	return keep
}

// isFunction says whether the word defines a function.
func isFunction(word string) bool {
	return word == "define-public" || word == "define-private" || word == "define-read-only"
}

// spreads says whether a form is never on one line: definitions of functions and traits, and what does several things one
// after another.
func (n *node) spreads() bool {
	switch word := n.word(); word {
	case "define-public", "define-private", "define-read-only", "define-trait":
		return len(n.items) > 2
	case "begin":
		return len(n.items) > 2
	case "let":
		return len(n.items) > 3 || len(n.items) > 1 && len(n.items[1].node.items) > 1
	}
	return false
}

// printer writes nodes.
type printer struct {
	out    strings.Builder
	col    int
	indent int // of the present line
}

func (p *printer) write(s string) {
	p.out.WriteString(s)
	p.col += len(s)
}

// newline ends the line, adds an empty one if blank, and indents.
func (p *printer) newline(blank bool, indent int) {
	p.out.WriteByte('\n')
	if blank {
		p.out.WriteByte('\n')
	}
	for range indent {
		p.out.WriteByte(' ')
	}
	p.col, p.indent = indent, indent
}

// item writes an element on a line of its own with its comments, behind which tail closing brackets come. The line is begun
// here if fresh.
func (p *printer) item(it *item, fresh bool, indent, tail int) {
	for i, c := range it.leading {
		if fresh || i > 0 {
			p.newline(c.blank && (fresh || i > 0), indent)
		}
		p.write(c.text)
	}
	if fresh || len(it.leading) > 0 {
		p.newline(it.blank, indent)
	}
	p.node(it.node, tail)
	p.trail(it)
}

// trail writes the comment behind an element.
func (p *printer) trail(it *item) {
	if it.trailing != "" {
		p.write(" " + it.trailing)
	}
}

// node writes a node from the present column on, behind which tail closing brackets come.
func (p *printer) node(n *node, tail int) {
	switch {
	case !n.list:
		p.write(n.text)
	case !n.hard && p.col+n.width+tail <= Width:
		p.flat(n)
	case n.tuple:
		p.tuple(n, tail)
	default:
		p.list(n, tail)
	}
}

// flat writes a node on one line.
func (p *printer) flat(n *node) {
	switch {
	case !n.list:
		p.write(n.text)
		return
	case n.tuple:
		p.write("{")
	default:
		p.write("(")
	}
	for i := range n.items {
		if i > 0 {
			if n.tuple {
				p.write(",")
			}
			p.write(" ")
		}
		if n.tuple {
			p.flat(n.items[i].key)
			p.write(": ")
		}
		p.flat(n.items[i].node)
	}
	if n.tuple {
		p.write("}")
	} else {
		p.write(")")
	}
}

// tuple writes a tuple with every field on a line of its own: indented from the line, or if more comes after it from its
// brace.
func (p *printer) tuple(n *node, tail int) {
	col := p.col
	if tail > 0 {
		col = p.indent
	}
	p.write("{")
	for i := range n.items {
		it := &n.items[i]
		for j, c := range it.leading {
			p.newline(c.blank && (i > 0 || j > 0), col+step)
			p.write(c.text)
		}
		p.newline(it.blank && (i > 0 || len(it.leading) > 0), col+step)
		p.node(it.key, 1)
		p.write(": ")
		comma := i+1 < len(n.items)
		p.node(it.node, 1)
		if comma {
			p.write(",")
		}
		p.trail(it)
	}
	p.close(n, col, "}", true)
}

// close writes the comments behind the last element and the closing bracket, on a line of its own if it must be.
func (p *printer) close(n *node, col int, bracket string, alone bool) {
	for i, c := range n.dangling {
		if i == 0 && len(n.items) == 0 && !n.tuple {
			p.write(" " + c.text)
			continue
		}
		p.newline(c.blank, col+step)
		p.write(c.text)
	}
	if alone || len(n.dangling) > 0 || len(n.items) > 0 && n.items[len(n.items)-1].trailing != "" {
		p.newline(false, col)
	}
	p.write(bracket)
}

// list writes a list on several lines.
func (p *printer) list(n *node, tail int) {
	col := p.col
	p.write("(")
	if len(n.items) > 0 {
		first := &n.items[0]
		if len(first.leading) > 0 { // a comment right behind the bracket
			p.write(" " + first.leading[0].text)
			for _, c := range first.leading[1:] {
				p.newline(c.blank, col+1)
				p.write(c.text)
			}
			p.newline(first.blank, col+1)
		}
		p.elements(n, col, tail+1)
	}
	p.close(n, col, ")", false)
}

// elements writes the elements of a list whose bracket is at col. Behind the last come tail closing brackets.
func (p *printer) elements(n *node, col, tail int) {
	word := n.word()
	keep, isForm := kept[word]
	switch {
	case word == "":
		p.rest(n, 0, col+1, tail)
		return
	case !isForm && len(word) <= maxAlign && col+2+len(word) <= maxDent && n.quiet(1) && n.fits(col+2+len(word), tail):
		p.write(word)
		if len(n.items) > 1 {
			p.write(" ")
			p.rest(n, 1, p.col, tail)
		}
		return
	case !n.quiet(keep):
		keep = 0
	case !isFunction(word):
		keep = n.keepable(keep, col+1)
	}
	p.write(word)
	p.trail(&n.items[0])
	i := 1
	for ; i <= keep && i < len(n.items); i++ {
		p.write(" ")
		after := 0
		if i+1 == len(n.items) {
			after = tail
		}
		if i == 1 && isFunction(word) {
			p.signature(n.items[i].node, col, after)
		} else {
			p.node(n.items[i].node, after)
		}
		p.trail(&n.items[i])
	}
	if word == "match" {
		p.arms(n, i, col+step, tail)
		return
	}
	for ; i < len(n.items); i++ {
		p.item(&n.items[i], true, col+step, p.tail(n, i, tail))
	}
}

// tail is how many closing brackets come behind an element on its line.
func (*printer) tail(n *node, i, tail int) int {
	if i+1 < len(n.items) {
		return 0
	}
	return tail
}

// rest writes the elements from one on in a column; the first of them is on the present line.
func (p *printer) rest(n *node, from, col, tail int) {
	for i := from; i < len(n.items); i++ {
		if i == from {
			p.node(n.items[i].node, p.tail(n, i, tail))
			p.trail(&n.items[i])
			continue
		}
		p.item(&n.items[i], true, col, p.tail(n, i, tail))
	}
}

// quiet says whether the word and its first arguments can be on one line: no comment comes before the last of them ends.
func (n *node) quiet(args int) bool {
	for i := 0; i <= args && i < len(n.items); i++ {
		if i > 0 && len(n.items[i].leading) > 0 || i < args && n.items[i].trailing != "" {
			return false
		}
	}
	return true
}

// arms writes the rest of a match: every name with its expression.
func (p *printer) arms(n *node, from, col, tail int) {
	for i := from; i < len(n.items); i++ {
		name := &n.items[i]
		p.item(name, true, col, p.tail(n, i, tail))
		if i+1 < len(n.items) && !name.node.list && name.trailing == "" && len(n.items[i+1].leading) == 0 && i%2 == 0 {
			i++
			p.write(" ")
			p.node(n.items[i].node, p.tail(n, i, tail))
			p.trail(&n.items[i])
		}
	}
}

// signature writes the name and the arguments of a function whose definition begins at col.
func (p *printer) signature(n *node, col, tail int) {
	if !n.list || n.tuple || !n.hard && p.col+n.width+tail <= Width || !n.quiet(0) || len(n.items) == 0 || n.items[0].node.list || len(n.items[0].leading) > 0 {
		p.node(n, tail)
		return
	}
	p.write("(" + n.items[0].node.text)
	p.trail(&n.items[0])
	for i := 1; i < len(n.items); i++ {
		p.item(&n.items[i], true, col+stepArgs, 1)
	}
	p.close(n, col+step, ")", false)
}
