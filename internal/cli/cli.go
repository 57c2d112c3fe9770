// Package cli is what the commands have in common when they print: colours where a person watches, tables, a spinner,
// bars of downloads, JSON a line, a bounded log file. It may import nothing of the project. Colours follow NO_COLOR
// (no-color.org); control sequences are those of ECMA-48.
package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// defaultWidth is taken for a terminal that doesn't say how wide it is, and for anything that is no terminal.
const defaultWidth = 100

// Screen is where a command prints. On a terminal it may colour and redraw; elsewhere it only ever appends plain text.
type Screen struct {
	w      io.Writer
	file   *os.File // nil if it is no terminal
	colour bool
}

// NewScreen looks whether w is a terminal. getenv is os.Getenv.
func NewScreen(w io.Writer, getenv func(string) string) *Screen {
	s := &Screen{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && getenv("TERM") != "dumb" {
		s.file, s.colour = f, getenv("NO_COLOR") == ""
	}
	return s
}

// Live says whether a person watches: lines may be redrawn.
func (s *Screen) Live() bool { return s.file != nil }

// Size is the terminal's in characters, or 100 by 0 where there is none.
func (s *Screen) Size() (width, height int) {
	if s.file != nil {
		if w, h, err := term.GetSize(int(s.file.Fd())); err == nil && w > 0 {
			return w, h
		}
	}
	return defaultWidth, 0
}

// Write passes bytes on as they are.
func (s *Screen) Write(b []byte) (int, error) { return s.w.Write(b) }

// Printf prints. An output that fails shows at the next write that matters, or not at all: there is nobody to tell.
func (s *Screen) Printf(format string, args ...any) { fmt.Fprintf(s.w, format, args...) }

// Println prints a line.
func (s *Screen) Println(args ...any) { fmt.Fprintln(s.w, args...) }

// JSON prints one object as one line.
func (s *Screen) JSON(v any) error {
	e := json.NewEncoder(s.w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Style is an ECMA-48 rendition.
type Style string

// Styles.
const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// Paint gives a text a style, where colours are wanted.
func (s *Screen) Paint(st Style, text string) string {
	if !s.colour || st == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

// Field prints a dim name in a column of its own and what it stands for; further lines of the value are aligned.
func (s *Screen) Field(name, value string) {
	for i, line := range strings.Split(value, "\n") {
		if i > 0 {
			name = ""
		}
		s.Printf("  %s %s\n", s.Paint(Dim, fmt.Sprintf("%-10s", name)), line)
	}
}
