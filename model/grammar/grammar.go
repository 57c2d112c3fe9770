// Package grammar says what an answer may look like, in GBNF, llama.cpp's notation for grammars: it checks grammars that come
// from outside, and writes those of JSON schemas. It imports package model; notation and bounds are those of llama.cpp's
// grammars/README.md.
package grammar

import (
	"fmt"

	"funai/model"
)

// Bounds of a grammar from outside. llama.cpp's parser calls itself for every parenthesis, and keeps every way in which what
// was said can be read: repetitions within repetitions multiply.
const (
	MaxBytes   = 64 << 10
	maxDepth   = 32
	maxRepeat  = 1000
	maxProduct = 1_000_000 // of all counts of repetitions
)

// Check bounds a grammar. Whether it can be read at all, and has a rule named root, llama.cpp says.
func Check(text string) error {
	if text == "" || len(text) > MaxBytes {
		return fmt.Errorf("%w: grammar of %d bytes, between 1 and %d are allowed", model.ErrRequest, len(text), MaxBytes)
	}
	depth, product := 0, 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case 0:
			return fmt.Errorf("%w: grammar with a zero byte", model.ErrRequest)
		case '"':
			i = skip(text, i, '"')
		case '[':
			i = skip(text, i, ']')
		case '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case '(':
			if depth++; depth > maxDepth {
				return fmt.Errorf("%w: grammar nests %d deep, %d are allowed", model.ErrRequest, depth, maxDepth)
			}
		case ')':
			depth--
		case '{':
			n := 0
			for i++; i < len(text) && text[i] != '}'; i++ {
				switch c := text[i]; {
				case c >= '0' && c <= '9':
					n = min(n*10+int(c-'0'), maxRepeat+1)
				case n > 0 && c == ',': // the second count is the greater one, if there is one
					if i+1 < len(text) && text[i+1] != '}' {
						n = 0
					}
				}
			}
			if product *= max(n, 1); n > maxRepeat || product > maxProduct {
				return fmt.Errorf("%w: grammar repeats %d times, %d are allowed, and %d in all", model.ErrRequest, n, maxRepeat, maxProduct)
			}
		}
	}
	return nil
}

// skip returns where a literal that begins at i ends.
func skip(text string, i int, end byte) int {
	for i++; i < len(text) && text[i] != end; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}
