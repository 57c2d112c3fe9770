package syntax

import (
	"errors"
	"fmt"
)

// Code is the stable name of a rule of the syntax.
type Code string

// The rules of the syntax.
const (
	CodeSource         Code = "SourceTooLong"       // longer than MaxSource
	CodeNonASCII       Code = "NonASCII"            // a character beyond ASCII, which not even a comment may have
	CodeLineEnd        Code = "LineEnd"             // a carriage return outside of a string
	CodeSymbol         Code = "UnknownSymbol"       // a character that begins nothing
	CodeCharacter      Code = "InvalidCharacter"    // a character that can't go on what was begun
	CodeSeparator      Code = "ExpectedSeparator"   // an operator runs into what follows
	CodeWhitespace     Code = "ExpectedWhitespace"  // two elements of a list touch
	CodeComment        Code = "SingleSemicolon"     // a comment begins with two semicolons
	CodeUnexpected     Code = "UnexpectedToken"     // a bracket, colon or comma where none can be
	CodeUnclosed       Code = "Unclosed"            // a bracket or quote is left open
	CodeInteger        Code = "IntegerOutOfRange"   // an integer of more than 128 bits
	CodeBuffer         Code = "OddBuffer"           // hexadecimal digits that are no whole bytes
	CodeString         Code = "IllegalString"       // a string with what strings of its kind don't have, or too long
	CodeEscape         Code = "UnknownEscape"       // a backslash followed by something without a meaning
	CodeUnicode        Code = "IllegalUnicode"      // \u{…} that names no code point
	CodePrincipal      Code = "InvalidPrincipal"    // after a quote, no address
	CodeName           Code = "NameTooLong"         // longer than MaxName
	CodeContractName   Code = "InvalidContractName" // too long, or of other characters
	CodeExpectContract Code = "ExpectedContract"    // after a dot, no contract's name
	CodeExpectTrait    Code = "ExpectedTrait"       // after a contract and a dot, no trait's name
	CodeExpectColon    Code = "ExpectedColon"       // between a tuple's key and value
	CodeExpectComma    Code = "ExpectedComma"       // between a tuple's fields
	CodeExpectValue    Code = "ExpectedValue"       // after a tuple's key and colon
	CodeDepth          Code = "TooDeep"             // brackets within brackets
)

// Error is the first fault of a source text.
type Error struct {
	Code    Code
	Span    Span
	Message string // one line, says what was found and what was wanted
	Advice  string // what to do about it, or ""
	Opened  Span   // of a CodeUnclosed the bracket or quote that was left open, otherwise zero
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Span.Start.Line, e.Span.Start.Column, e.Message)
}

func fail(code Code, at Span, format string, a ...any) *Error {
	return &Error{Code: code, Span: at, Message: fmt.Sprintf(format, a...)}
}

func (e *Error) advise(advice string) *Error {
	e.Advice = advice
	return e
}

func (e *Error) opened(at Span) *Error {
	e.Opened = at
	return e
}

// Incomplete says whether err, which Parse returned for the source text, is only that brackets are open at its end, so
// that more text could make it right.
func Incomplete(source string, err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Span.Start.Offset < len(source) {
		return false
	}
	switch e.Code {
	case CodeExpectColon, CodeExpectValue:
		return true
	case CodeUnclosed:
		at := e.Opened.Start.Offset
		return source[at] == '(' || source[at] == '{' && (at == 0 || source[at-1] != 'u') // not in a string's \u{
	default:
		return false
	}
}
