package repl

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// History is what was typed before, kept in a file with an entry a line. It is a term.History.
type History struct {
	file    string // "" keeps nothing
	entries []string
}

// maxHistory is how many entries are kept.
const maxHistory = 1000

// OpenHistory reads a file, which need not be there yet; "" keeps a history for this run alone.
func OpenHistory(file string) (*History, error) {
	h := &History{file: file}
	if file == "" {
		return h, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return h, os.MkdirAll(filepath.Dir(file), 0o700)
	} else if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		h.entries = append(h.entries, strings.TrimSuffix(line, "\n"))
	}
	if extra := len(h.entries) - maxHistory; extra > maxHistory/10 { // not at every start
		h.entries = h.entries[extra:]
		return h, os.WriteFile(file, []byte(strings.Join(h.entries, "\n")+"\n"), 0o600)
	}
	return h, nil
}

// Add is called by the terminal with each line. An entry may be of several, so the REPL notes it when it is whole.
func (*History) Add(string) {}

// Len returns the number of entries.
func (h *History) Len() int { return len(h.entries) }

// At returns an entry; 0 is the newest.
func (h *History) At(i int) string { return h.entries[len(h.entries)-1-i] }

// note adds an entry, unless it is the one before again. A history that can't be written is one of this run alone: there
// is nothing to do about it that is worth an interruption.
func (h *History) note(entry string) {
	entry = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(entry))
	if entry == "" || len(h.entries) > 0 && h.At(0) == entry {
		return
	}
	h.entries = append(h.entries, entry)
	if h.file == "" {
		return
	}
	f, err := os.OpenFile(h.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if _, err := f.WriteString(entry + "\n"); err != nil {
		return
	}
}
