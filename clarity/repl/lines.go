package repl

import (
	"bufio"
	"errors"
	"io"

	"golang.org/x/term"
)

// Lines is where a REPL reads from.
type Lines interface {
	// Read returns the next line, for which the prompt asks a person. io.EOF ends the text, or what is being typed.
	Read(prompt string) (string, error)
}

// maxLine bounds a line of plain input, in bytes.
const maxLine = 4 << 20

// Plain reads lines from what is no terminal, and prompts nobody.
func Plain(r io.Reader) Lines {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	return &plain{s}
}

type plain struct{ *bufio.Scanner }

func (p *plain) Read(string) (string, error) {
	if p.Scan() {
		return p.Text(), nil
	}
	if err := p.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

// Terminal reads lines with editing, completion and history.
type Terminal struct {
	*term.Terminal
	// Raw puts the device in raw mode while a line is read, and returns what undoes that; nil where there is no device.
	Raw func() (restore func() error, err error)

	device io.ReadWriter
}

// NewTerminal returns a terminal on a device, or on what behaves like one.
func NewTerminal(rw io.ReadWriter, h *History) *Terminal {
	t := &Terminal{Terminal: term.NewTerminal(rw, ""), device: rw}
	t.History = h
	return t
}

// Read reads a line as Lines has it. Ctrl-C and Ctrl-D are an io.EOF.
func (t *Terminal) Read(prompt string) (line string, err error) {
	if t.Raw != nil {
		restore, err := t.Raw()
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, restore()) }()
	}
	t.SetPrompt(prompt)
	line, err = t.ReadLine()
	if errors.Is(err, io.EOF) { // the old one would read the same Ctrl-C for ever
		next := term.NewTerminal(t.device, "")
		next.History, next.AutoCompleteCallback = t.History, t.AutoCompleteCallback
		t.Terminal = next
		if _, err := io.WriteString(t.device, "\r\n"); err != nil {
			return "", err
		}
	}
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, err
}
