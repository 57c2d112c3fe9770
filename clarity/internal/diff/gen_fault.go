package diff

import (
	"strings"

	"funai/clarity/types"
)

// fault makes one mistake in a contract.
func (g *generator) fault(source string) string {
	root := read(source)
	all := root.all()
	if len(all) == 0 {
		return source
	}
	var leaves, lists []*node
	for _, n := range all {
		if n.word != "" {
			leaves = append(leaves, n)
		} else if len(n.kids) > 0 {
			lists = append(lists, n)
		}
	}
	leaf, list := pick(g, leaves), pick(g, lists)
	g.vague = true
	switch g.rand.IntN(13) {
	case 0, 1: // a type
		leaf.word = " " + g.literal(g.anyType(1))
	case 2: // a count
		i := g.rand.IntN(len(list.kids))
		list.kids = append(list.kids[:i], list.kids[i+1:]...)
	case 3:
		list.kids = append(list.kids, pick(g, list.kids))
	case 4: // a name
		leaf.word = " nope"
	case 5: // an order
		i, j := g.rand.IntN(len(list.kids)), g.rand.IntN(len(list.kids))
		list.kids[i], list.kids[j] = list.kids[j], list.kids[i]
	case 6: // a range
		leaf.word = " " + pick(g, []string{"170141183460469231731687303715884105728", "u340282366920938463463374607431768211456", maxInt, "u" + maxUint, "0x1", `"\x"`, "'ST1"})
	case 7: // a name again
		root.kids = append(root.kids, pick(g, root.kids))
	case 8: // a bracket
		if g.one(2) {
			list.shut = ""
		} else {
			list.shut += ")"
		}
	case 9: // a character
		s := root.text()
		i := g.rand.IntN(len(s) + 1)
		return s[:i] + pick(g, []string{"(", ")", "'", `"`, "{", ",", ":", ";", "<", ".", "|", "\r", "\t", "u"}) + s[i:]
	case 10: // what looks into an optional
		for _, n := range lists {
			if w := strings.TrimSpace(n.kids[0].word); (w == "unwrap-panic" || w == "try!") && len(n.kids) == 2 {
				*n = *n.kids[1]
				break
			}
		}
	case 11: // a word
		var fit []string
		for _, w := range words {
			if !w.keyword {
				fit = append(fit, w.name)
			}
		}
		fit = append(fit, "map-get?", "map-set", "var-get", "contract-call?", "fold", "list", "ok", "err", "some", "match", "let", "begin", "as-contract", "at-block", "merge", "get", "tuple", "stx-burn?", "define-constant", "block-height", "element-at?", "slice?")
		if list.kids[0].word != "" {
			list.kids[0].word = pick(g, fit)
		}
	default: // an expression of another type
		if g.one(2) {
			leaf = list
		}
		g.fuel = 6
		g.scope, g.result = nil, nil
		*leaf = node{word: " " + g.expr(pick(g, is(types.Int, types.UInt, types.Bool, g.anyType(1))), 2)}
	}
	return root.text()
}
