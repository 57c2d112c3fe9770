package gguf

import (
	"strings"
	"unicode/utf8"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// vocabulary is what is needed of each token, read once: asking llama.cpp for every token of every answer would be slower,
// and could not go on while the model is freed.
type vocabulary struct {
	handle  llama.Vocab
	pieces  []string // bytes of each token; control tokens have none
	ends    []bool   // tokens that end an answer
	longest int      // bytes of text that one token can stand for
	defuse  *strings.Replacer
}

func readVocabulary(m llama.Model) *vocabulary {
	h := llama.ModelGetVocab(m)
	n := int(llama.VocabNTokens(h))
	v := &vocabulary{handle: h, pieces: make([]string, n), ends: make([]bool, n)}
	buffer := make([]byte, 256)
	var control []string
	for i := range n {
		t := llama.Token(i)
		v.ends[i] = llama.VocabIsEOG(h, t)
		size := llama.TokenToPiece(h, t, buffer, 0, false)
		if size < 0 { // too long: the size wanted, negated
			buffer = make([]byte, -size)
			size = llama.TokenToPiece(h, t, buffer, 0, false)
		}
		v.pieces[i] = string(buffer[:max(size, 0)])
		text := llama.VocabGetText(h, t)
		v.longest = max(v.longest, len(v.pieces[i]), len(text))
		if llama.VocabIsControl(h, t) && len(text) > 1 {
			control = append(control, text, text[:1]+"\u200b"+text[1:])
		}
	}
	v.defuse = strings.NewReplacer(control...)
	return v
}

// text is the name of a token, "" of none.
func (v *vocabulary) text(t llama.Token) string {
	if t < 0 || int(t) >= len(v.pieces) {
		return ""
	}
	return llama.VocabGetText(v.handle, t)
}

// spelling turns tokens into text piece by piece. A character that isn't complete waits for the next piece; bytes that can't
// become one turn into U+FFFD, so what comes out is always valid UTF-8.
type spelling struct{ pending []byte }

func (s *spelling) add(piece string) string {
	s.pending = append(s.pending, piece...)
	var out strings.Builder
	for len(s.pending) > 0 && utf8.FullRune(s.pending) {
		r, size := utf8.DecodeRune(s.pending)
		out.WriteRune(r) // U+FFFD, of size 1, for a byte that fits nowhere
		s.pending = s.pending[size:]
	}
	return out.String()
}

// end gives what is left when no more pieces come.
func (s *spelling) end() string {
	if len(s.pending) == 0 {
		return ""
	}
	s.pending = nil
	return string(utf8.RuneError)
}

// spell is the text of tokens, end tokens left out, as a stream of them would have spelled it.
func (v *vocabulary) spell(tokens []int32) string {
	var s spelling
	var out strings.Builder
	for _, t := range tokens {
		if !v.ends[t] {
			out.WriteString(s.add(v.pieces[t]))
		}
	}
	out.WriteString(s.end())
	return out.String()
}
