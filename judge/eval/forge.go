package eval

import (
	"slices"
	"strings"

	"funai/judge"
)

// forge makes a dishonest answer for a group. The forger knows the rules: he claims the counts that are true and the text that
// his tokens really spell, and his answer ends where it may. What remains to be found is the answer itself.
func (m *Maker) forge(k Kind, g, before *group, served *judge.Claim) (judge.Claim, error) {
	turn := g.n % HonestPerGroup
	c := g.honest[turn]
	honest := bare(c)
	switch k {
	case OffTopic:
		tokens, err := m.Engine.Tokenize(aside[g.n%len(aside)])
		if err != nil {
			return c, err
		}
		return m.claim(c, tokens)
	case Swapped:
		return m.claim(c, bare(before.honest[turn]))
	case Truncated:
		cut := honest[:max(len(honest)/2, 1)]
		if g.n/2%2 == 0 { // in both halves of the set
			return m.claim(c, cut)
		}
		// Cut without care, as a connection that broke: the request allows more, and there is no end token.
		text, err := m.Engine.Spell(cut)
		c.Tokens, c.Text = slices.Clone(cut), text
		return c, err
	case Injected:
		words := claims[g.n%len(claims)]
		switch g.n / len(claims) % 3 {
		case 1: // nothing else
			words = strings.Repeat(words+" ", 2)
			honest = nil
		case 2: // after a text about something else
			words = aside[g.n%len(aside)] + " " + words
			honest = nil
		}
		tokens, err := m.Engine.Tokenize(words)
		if err != nil {
			return c, err
		}
		return m.claim(c, slices.Concat(honest[:min(len(honest), max(m.MaxTokens-len(tokens)-1, 0))], tokens))
	case WrongModel:
		tokens := bare(*served)
		// The other model's tokens are its own where its vocabulary is another one.
		if text, err := m.Engine.Spell(tokens); err != nil || text != served.Text {
			if tokens, err = m.Engine.Tokenize(served.Text); err != nil {
				return c, err
			}
		}
		return m.claim(c, tokens)
	default:
		c.Tokens, c.Text = served.Tokens, served.Text
		return c, nil
	}
}

// bare are an answer's tokens without the end token: an answer shorter than it may be has one.
func bare(c judge.Claim) []int32 {
	if len(c.Tokens) < c.Request.MaxTokens {
		return c.Tokens[:len(c.Tokens)-1]
	}
	return c.Tokens
}

// claim gives tokens out as the answer to a request, ended where it may end.
func (m *Maker) claim(c judge.Claim, tokens []int32) (judge.Claim, error) {
	most := c.Request.MaxTokens
	tokens = slices.Clone(tokens[:min(len(tokens), most)])
	if ends := m.Engine.Ends(); len(tokens) < most && len(ends) > 0 {
		tokens = append(tokens, ends[0])
	}
	text, err := m.Engine.Spell(tokens)
	c.Tokens, c.Text = tokens, text
	return c, err
}
