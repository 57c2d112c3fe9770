package gguf

import (
	"fmt"
	"strings"

	"funai/model"
)

// Bounds of stop strings (package model).
const (
	maxStops     = 16
	maxStopBytes = 256
)

func checkStops(stops []string) error {
	if len(stops) > maxStops {
		return fmt.Errorf("%w: %d stop strings, %d are allowed", model.ErrRequest, len(stops), maxStops)
	}
	for i, s := range stops {
		if s == "" || len(s) > maxStopBytes {
			return fmt.Errorf("%w: stop string %d has %d bytes, between 1 and %d are allowed", model.ErrRequest, i, len(s), maxStopBytes)
		}
	}
	return nil
}

// stopper watches a text that comes in pieces for strings that end it. What may be the beginning of one is held back until it is
// clear.
type stopper struct {
	stops []string
	held  string
}

// add takes a piece and returns what of the text is sure, and whether a stop string came; of several the first counts.
func (s *stopper) add(piece string) (sure string, stopped bool) {
	if len(s.stops) == 0 {
		return piece, false
	}
	s.held += piece
	first := -1
	for _, stop := range s.stops {
		if at := strings.Index(s.held, stop); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	if first >= 0 {
		sure, s.held = s.held[:first], ""
		return sure, true
	}
	keep := 0
	for _, stop := range s.stops {
		keep = max(keep, overlap(s.held, stop))
	}
	sure, s.held = s.held[:len(s.held)-keep], s.held[len(s.held)-keep:]
	return sure, false
}

// end gives what is left when no more pieces come.
func (s *stopper) end() string {
	out := s.held
	s.held = ""
	return out
}

// overlap is the length of the longest end of a text that a word begins with, short of the word.
func overlap(text, word string) int {
	for n := min(len(text), len(word)-1); n > 0; n-- {
		if strings.HasSuffix(text, word[:n]) {
			return n
		}
	}
	return 0
}
