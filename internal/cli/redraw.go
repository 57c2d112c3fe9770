package cli

import (
	"io"
	"strings"
)

// To returns a screen that prints elsewhere what is meant for this one, in the same colours.
func (s *Screen) To(w io.Writer) *Screen { return &Screen{w: w, colour: s.colour} }

// Full takes the whole terminal, as editors do, and returns what gives it back as it was.
func (s *Screen) Full() (restore func()) {
	s.Printf("\x1b[?1049h\x1b[?25l") // alternate screen, no cursor
	return func() { s.Printf("\x1b[?25h\x1b[?1049l") }
}

// Redraw puts a text on the terminal from its top, as much of it as fits, without flicker: in one write, and each line
// erased only behind its end.
func (s *Screen) Redraw(text string) {
	width, height := s.Size()
	lines := strings.Split(text, "\n")
	if height > 1 && len(lines) > height {
		lines = append(lines[:height-1], lines[len(lines)-1])
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(fit(l, width))
		b.WriteString("\x1b[K")
	}
	b.WriteString("\x1b[J")
	s.Printf("%s", b.String())
}

// fit cuts a line that may hold styles at a number of characters.
func fit(line string, width int) string {
	n, in := 0, false
	for i, r := range line {
		switch {
		case in:
			in = r != 'm'
		case r == '\x1b':
			in = true
		case n == width:
			return line[:i] + "\x1b[0m"
		default:
			n++
		}
	}
	return line
}
