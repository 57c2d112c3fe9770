package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// lines reads what a person types, with editing and history, or plain lines from elsewhere.
type lines struct {
	plain *bufio.Scanner
	tty   *os.File
	term  *term.Terminal
	out   io.Writer

	mu  sync.Mutex
	raw bool // the terminal is being edited on
}

// readWriter is what a term.Terminal works on.
type readWriter struct {
	io.Reader
	io.Writer
}

func newLines(a *app) *lines {
	l := &lines{out: a.out}
	if f, ok := a.in.(*os.File); ok && isTerminal(f) && a.out.Live() {
		l.tty = f
		l.term = term.NewTerminal(readWriter{f, a.out}, "› ")
		return l
	}
	l.plain = bufio.NewScanner(a.in)
	l.plain.Buffer(nil, maxQuestion)
	return l
}

// read returns the next line; io.EOF ends it.
func (l *lines) read(ctx context.Context) (string, error) {
	if l.tty == nil {
		if l.plain.Scan() {
			return l.plain.Text(), nil
		}
		if err := l.plain.Err(); errors.Is(err, bufio.ErrTooLong) {
			return "", usage("a line on standard input exceeds %d bytes", maxQuestion)
		} else if err != nil {
			return "", err
		}
		return "", io.EOF
	}
	fd := int(l.tty.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("reading from the terminal: %w", err)
	}
	if w, h, err := term.GetSize(fd); err == nil && w > 0 && h > 0 {
		_ = l.term.SetSize(w, h) // only fails while printing
	}
	ctx, stop := interruptible(ctx) // Ctrl-C is a key here, so this is a signal from elsewhere
	defer stop()
	left := context.AfterFunc(ctx, func() {
		_ = term.Restore(fd, before) // leaving anyway
		os.Exit(exitInterrupted)     // reading from a terminal can't be given up
	})
	defer left()
	l.editing(true)
	line, err := l.term.ReadLine()
	l.editing(false)
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, errors.Join(err, term.Restore(fd, before))
}

func (l *lines) editing(is bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.raw = is
}

// above prints a text above the line that is being edited, if one is.
func (l *lines) above(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.raw {
		return false
	}
	_, err := l.term.Write([]byte(text))
	return err == nil
}
