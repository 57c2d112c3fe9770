package gateway

import "strings"

// stopper cuts an answer before the stop string that is complete first, the longest of those that end together: so it does
// not matter in what pieces the answer comes. It holds back only text that may still become one and what comes after it, so that
// a client never sees part of a stop string, and everything else at once.
type stopper struct {
	stops []string
	held  []Delta
	met   bool
	emit  func(Delta) error
}

// add takes the next piece, and returns ErrStop once a stop string was met.
func (s *stopper) add(d Delta) error {
	if s.met {
		return ErrStop
	}
	if len(s.stops) == 0 {
		return s.emit(d)
	}
	s.held = append(s.held, d)
	text := s.text()
	cut, end := -1, len(text)+1
	for _, stop := range s.stops {
		i := strings.Index(text, stop)
		if e := i + len(stop); i >= 0 && (e < end || e == end && i < cut) {
			cut, end = i, e
		}
	}
	if cut >= 0 {
		s.met = true
		if err := s.release(cut); err != nil {
			return err
		}
		s.held = nil
		return ErrStop
	}
	return s.release(len(text) - s.undecided(text))
}

// flush sends what is held back when the answer ended without a stop string.
func (s *stopper) flush() error {
	if s.met || len(s.held) == 0 {
		return nil
	}
	return s.release(len(s.text()))
}

func (s *stopper) text() string {
	if len(s.held) == 1 {
		return s.held[0].Text
	}
	var b strings.Builder
	for _, d := range s.held {
		b.WriteString(d.Text)
	}
	return b.String()
}

// undecided is the length of the longest end of text that a stop string begins with.
func (s *stopper) undecided(text string) (longest int) {
	for _, stop := range s.stops {
		for n := min(len(stop)-1, len(text)); n > longest; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// release emits the first n bytes held. A token goes with the first byte of its piece; pieces without text that stand
// before the cut go too.
func (s *stopper) release(n int) error {
	for len(s.held) > 0 {
		d := s.held[0]
		if len(d.Text) > n {
			if n > 0 {
				s.held[0] = Delta{Text: d.Text[n:], Calls: d.Calls}
				return s.emit(Delta{Text: d.Text[:n], Tokens: d.Tokens})
			}
			return nil
		}
		s.held = s.held[1:]
		n -= len(d.Text)
		if d.Text == "" && len(d.Tokens) == 0 && len(d.Calls) == 0 {
			continue
		}
		if err := s.emit(d); err != nil {
			return err
		}
	}
	return nil
}
