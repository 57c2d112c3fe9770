package repl

import (
	"slices"
	"strings"

	"golang.org/x/term"
)

// completer completes the word before the cursor.
type completer struct {
	words func(line string) []string // all that could stand there, in any order
	show  func(words []string)       // shows what there is to choose from
}

const keyTab = '\t'

// key is a term.Terminal's AutoCompleteCallback.
func (c *completer) key(line string, pos int, key rune) (string, int, bool) {
	if key != keyTab {
		return "", 0, false
	}
	start := wordStart(line[:pos])
	prefix := line[start:pos]
	found := c.matches(line, prefix)
	if len(found) == 0 {
		return line, pos, true
	}
	longest := common(found)
	if longest == prefix && len(found) > 1 {
		c.show(found)
	}
	return line[:start] + longest + line[pos:], start + len(longest), true
}

// matches are the words that begin with the prefix, in order.
func (c *completer) matches(line, prefix string) []string {
	if prefix == "" {
		return nil
	}
	var found []string
	for _, w := range c.words(line) {
		if strings.HasPrefix(w, prefix) {
			found = append(found, w)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// wordStart is where the word at the end of a text begins.
func wordStart(s string) int { return strings.LastIndexAny(s, " \t(){},'\"") + 1 }

// common is the longest text that all words begin with.
func common(words []string) string {
	first := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, first) {
			first = first[:len(first)-1]
		}
	}
	return first
}

// columns lays words out in columns on lines of a width.
func columns(words []string, width int) string {
	widest := 0
	for _, w := range words {
		widest = max(widest, len(w))
	}
	across := max(1, width/(widest+2))
	var b strings.Builder
	for i, w := range words {
		b.WriteString(w)
		if i%across == across-1 || i == len(words)-1 {
			b.WriteByte('\n')
		} else {
			b.WriteString(strings.Repeat(" ", widest+2-len(w)))
		}
	}
	return b.String()
}

var _ term.History = (*History)(nil)
