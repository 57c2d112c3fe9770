package syntax

import "strings"

// Width is how many columns Format fills.
const Width = 100

// Format lays a source text out in the canonical way: two blanks an indentation, what fits on one line of Width columns on
// one line, functions' bodies on lines of their own, an empty line around what takes several, at most one empty line in a
// row, comments where they are. What it returns parses to the same program, and formatting it again changes nothing. CRLF
// line ends become LF. The error is an *Error.
func Format(source string) (string, error) {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	program, err := Parse(source, Options{})
	if err != nil {
		return "", err
	}
	b := builder{source: source, comments: program.Comments}
	top := b.items(program.Exprs, len(source))
	p := printer{}
	for i := range top.items {
		if i > 0 && (top.items[i-1].node.tall() || top.items[i].node.tall()) {
			top.items[i].part()
		}
		p.item(&top.items[i], i > 0, 0, 0)
	}
	for i, c := range top.dangling {
		if i > 0 || len(top.items) > 0 {
			p.newline(c.blank, 0)
		}
		p.write(c.text)
	}
	if p.out.Len() > 0 {
		p.newline(false, 0)
	}
	return p.out.String(), nil
}

// node is an expression with its comments.
type node struct {
	text     string // of one that is no list
	items    []item // of a list, the fields of a tuple
	dangling []note // after the last of them
	list     bool
	tuple    bool
	width    int  // columns on one line
	narrow   int  // columns that it needs when it is broken wherever it can be
	hard     bool // it can't be on one line
}

// item is an element of a list, or a field of a tuple.
type item struct {
	leading  []note // comments before it, each on a line of its own
	blank    bool   // an empty line is before it
	key      *node  // of a field
	node     *node
	trailing string // a comment after it on its last line
}

// tall says whether an expression at the top level takes several lines.
func (n *node) tall() bool { return n.hard || n.width > Width }

// part puts an empty line before an element and its comments.
func (it *item) part() {
	if len(it.leading) > 0 {
		it.leading[0].blank = true
	} else {
		it.blank = true
	}
}

// note is a comment.
type note struct {
	text  string
	blank bool // an empty line is before it
}

// builder makes nodes of expressions; comments are those that have no place yet.
type builder struct {
	source   string
	comments []Comment
}

// blank says whether an empty line is before a place in the text.
func (b *builder) blank(at int) bool {
	before := b.source[:at]
	return strings.Count(before[len(strings.TrimRight(before, " \t\n")):], "\n") > 1
}

// notes takes the comments up to a place in the text.
func (b *builder) notes(end int) (notes []note) {
	for len(b.comments) > 0 && b.comments[0].Span.Start.Offset < end {
		c := b.comments[0]
		notes = append(notes, note{strings.TrimRight(c.Text, " \t\v\f"), b.blank(c.Span.Start.Offset)})
		b.comments = b.comments[1:]
	}
	return notes
}

// trailing takes the comment on the line of a place in the text, if it comes before end.
func (b *builder) trailing(after Pos, end int) string {
	if len(b.comments) == 0 || b.comments[0].Span.Start.Line != after.Line || b.comments[0].Span.Start.Offset >= end {
		return ""
	}
	return b.notes(b.comments[0].Span.End.Offset)[0].text
}

// items makes a list of expressions that ends at a place in the text.
func (b *builder) items(es []*Expr, end int) *node {
	n := &node{list: true}
	for i, e := range es {
		next := end
		if i+1 < len(es) {
			next = es[i+1].Span.Start.Offset
		}
		it := item{blank: b.blank(e.Span.Start.Offset), leading: b.notes(e.Span.Start.Offset)}
		it.node = b.node(e)
		it.trailing = b.trailing(e.Span.End, next)
		n.items = append(n.items, it)
	}
	n.dangling = b.notes(end)
	return n
}

// fields makes a tuple. Comments within a field go before it.
func (b *builder) fields(pairs []*Expr, end int) *node {
	n := &node{list: true, tuple: true}
	for i, pair := range pairs {
		next := end
		if i+1 < len(pairs) {
			next = pairs[i+1].Span.Start.Offset
		}
		it := item{blank: b.blank(pair.Span.Start.Offset), leading: b.notes(pair.Span.Start.Offset)}
		it.key = b.node(pair.List[0])
		it.leading = append(it.leading, b.notes(pair.List[1].Span.Start.Offset)...)
		it.node = b.node(pair.List[1])
		it.trailing = b.trailing(pair.Span.End, next)
		n.items = append(n.items, it)
	}
	n.dangling = b.notes(end)
	return n
}

func (b *builder) node(e *Expr) *node {
	if e.Kind != List {
		text := b.source[e.Span.Start.Offset:e.Span.End.Offset]
		return &node{text: text, width: len(text), narrow: len(text)}
	}
	var n *node
	if e.Braces() {
		n = b.fields(e.List[1:], e.Span.End.Offset)
	} else {
		n = b.items(e.List, e.Span.End.Offset)
	}
	n.measure()
	return n
}

// measure finds out how wide a list is on one line, and whether it may be on one.
func (n *node) measure() {
	n.width = 2
	n.hard = len(n.dangling) > 0 || n.spreads()
	for i := range n.items {
		it := &n.items[i]
		if i > 0 {
			n.width++ // a blank
		}
		n.width += it.node.width
		n.hard = n.hard || it.node.hard || len(it.leading) > 0 || it.trailing != ""
		if n.tuple {
			n.width += it.key.width + 2 // colon and blank
			n.hard = n.hard || it.key.hard
			if i > 0 {
				n.width++ // a comma
			}
		}
	}
	n.narrow = n.thin()
}
