package syntax

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Finding is a fault in a source text, of syntax or of any other kind, as people are shown it.
type Finding struct {
	File    string // "" if the text is of no file
	Code    string // the stable name of the rule that was broken
	Span    Span
	Message string
	Advice  string // or ""
	Opened  Span   // what was left open, or zero
}

// Finding returns the error as people are shown it.
func (e *Error) Finding(file string) Finding {
	return Finding{File: file, Code: string(e.Code), Span: e.Span, Message: e.Message, Advice: e.Advice, Opened: e.Opened}
}

// FindingOf returns the fault in a text that an error is; ok is false for errors of another kind.
func FindingOf(file string, err error) (f Finding, ok bool) {
	var fault interface {
		error
		Finding(file string) Finding
	}
	if !errors.As(err, &fault) {
		return f, false
	}
	return fault.Finding(file), true
}

// Part says what a piece of a printed finding is, for those who give it colour.
type Part uint8

// The parts of a printed finding.
const (
	PartPlace   Part = iota // file, line and column
	PartMessage             // what is wrong
	PartCaret               // what underlines it
	PartMargin              // numbers of lines
	PartAdvice              // what to do about it
)

// Print writes a finding: place and message on a line as compilers write it, the line of the text with the fault
// underlined, and the advice. paint may be nil.
func (f Finding) Print(source string, paint func(Part, string) string) string {
	if paint == nil {
		paint = func(_ Part, s string) string { return s }
	}
	place := fmt.Sprintf("%d:%d:", f.Span.Start.Line, f.Span.Start.Column)
	if f.File != "" {
		place = f.File + ":" + place
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", paint(PartPlace, place), paint(PartMessage, f.Message))
	if f.Opened != (Span{}) && f.Opened.Start.Line != f.Span.Start.Line {
		excerpt(&b, source, f.Opened, "opened here", paint)
	}
	excerpt(&b, source, f.Span, "", paint)
	if f.Advice != "" {
		fmt.Fprintf(&b, "%s %s\n", paint(PartMargin, strings.Repeat(" ", marginWidth)+" ="), paint(PartAdvice, f.Advice))
	}
	return b.String()
}

const (
	marginWidth  = 5  // columns of the number of a line
	excerptWidth = 90 // columns of a line of the text
)

// excerpt writes one line of the text with the part of it that is in the span underlined.
func excerpt(b *strings.Builder, source string, at Span, label string, paint func(Part, string) string) {
	start := min(max(at.Start.Offset, 0), len(source))
	begin := strings.LastIndexByte(source[:start], '\n') + 1
	line := source[begin:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	before := line[:min(start-begin, len(line))]
	marked := line[len(before):]
	if n := max(at.End.Offset-start, 0); n < len(marked) {
		marked = marked[:n]
	}
	skip := 0
	if col := utf8.RuneCountInString(before); col > excerptWidth*2/3 {
		skip = col - excerptWidth/3
	}
	margin := fmt.Sprintf("%*d |", marginWidth, at.Start.Line)
	text := cut(clean(line), skip)
	if text = strings.TrimRight(text, " "); text != "" {
		text = " " + text
	}
	fmt.Fprintf(b, "%s%s\n", paint(PartMargin, margin), text)
	dent := utf8.RuneCountInString(cut(clean(before), skip))
	carets := strings.Repeat("^", max(1, min(utf8.RuneCountInString(marked), excerptWidth-dent)))
	if label != "" {
		carets += " " + label
	}
	fmt.Fprintf(b, "%s %s%s\n", paint(PartMargin, strings.Repeat(" ", marginWidth)+" |"), strings.Repeat(" ", dent), paint(PartCaret, carets))
}

// clean makes every character one column wide.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
}

// cut leaves out the first characters of a line and those beyond the width of excerpts, and says so.
func cut(s string, skip int) string {
	r := []rune(s)
	if skip > 0 {
		r = append([]rune("…"), r[min(skip+1, len(r)):]...)
	}
	if len(r) > excerptWidth {
		return string(r[:excerptWidth-1]) + "…"
	}
	return string(r)
}
