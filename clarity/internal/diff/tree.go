package diff

import (
	"strings"
)

// node is a source text as a tree of brackets, read without asking whether it makes sense.
type node struct {
	word string // of a leaf, with what is white before it
	open string // "(" or "{", or nothing at the top
	kids []*node
	shut string
}

// read takes a text apart; text puts it together again.
func read(source string) *node {
	root := &node{}
	stack := []*node{root}
	white := ""
	for i := 0; i < len(source); {
		top := stack[len(stack)-1]
		switch c := source[i]; c {
		case ' ', '\n', ',':
			white += string(c)
			i++
			continue
		case '(', '{':
			n := &node{open: white + string(c)}
			top.kids = append(top.kids, n)
			stack = append(stack, n)
			i++
		case ')', '}':
			top.shut = white + string(c)
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
			i++
		default:
			end := wordEnd(source, i)
			top.kids = append(top.kids, &node{word: white + source[i:end]})
			i = end
		}
		white = ""
	}
	return root
}

func wordEnd(s string, i int) int {
	start := i
	for ; i < len(s); i++ {
		switch {
		case s[i] == '"' && (i == start || i == start+1 && s[start] == 'u'):
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
			return min(i+1, len(s))
		case strings.IndexByte(" \n,(){}", s[i]) >= 0:
			return i
		}
	}
	return i
}

func (n *node) text() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	if n.word != "" {
		b.WriteString(n.word)
		return
	}
	b.WriteString(n.open)
	for _, k := range n.kids {
		k.write(b)
	}
	b.WriteString(n.shut)
}

// all lists the nodes below, outermost first.
func (n *node) all() (list []*node) {
	for _, k := range n.kids {
		list = append(append(list, k), k.all()...)
	}
	return list
}

// name is a leaf that may be a word of the language, or "".
func (n *node) name() string {
	w := strings.Trim(n.word, " \n,:")
	if w == "" || !(w[0] >= 'a' && w[0] <= 'z' || strings.IndexByte("+-*/<>", w[0]) >= 0) || strings.Trim(w[1:], "0123456789") == "" && len(w) > 1 || w[len(w)-1] == '"' {
		return ""
	}
	return w
}
