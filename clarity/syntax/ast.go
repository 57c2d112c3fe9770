// Package syntax reads the text of Clarity contracts: a lexer and a parser whose errors say where and what to do, a
// formatter, and excerpts of a text with a fault underlined. It knows words and brackets, not what they mean; of this tree
// it imports package value, for literals. The rules are those of SIP-002 as the language has them since epoch 2.1.
package syntax

import "funai/clarity/value"

// Kind is what an expression is.
type Kind uint8

// The kinds of expression.
const (
	Atom        Kind = iota // a name
	Literal                 // an integer, a buffer, a string or a principal: Value holds it
	List                    // ( … ); a tuple in braces reads as (tuple (name value) …)
	ContractRef             // .name, a contract of the same deployer: Name holds "name"
	TraitRef                // <name>, a trait passed as an argument: Name holds "name"
	FieldRef                // .contract.trait or 'S….contract.trait: a trait of a contract
)

// Pos is a place in a source text. Lines and columns count from 1, columns in characters; Offset counts bytes from 0.
type Pos struct{ Line, Column, Offset int }

// Span is the part of a source text from Start up to, and not with, End.
type Span struct{ Start, End Pos }

// Expr is one expression. Its ID is its place in the order of the text (a list before its elements), from 0 and without
// gaps within one parsed program, so that what is found out about expressions can be kept in slices.
type Expr struct {
	ID       int
	Kind     Kind
	Span     Span
	Name     string      // of an atom, a contract, a trait, a field's trait
	Value    value.Value // of a literal; of a field the contract's principal, None if it is of the same deployer,
	Contract string      // and then the contract's name
	List     []*Expr     // of a list
}

// Program is a parsed source text.
type Program struct {
	Source   string
	Exprs    []*Expr   // top level, in the order of the text
	Count    int       // expressions in all: IDs are below it
	Comments []Comment // in the order of the text
}

// Comment is a comment, from its semicolons to the end of its line.
type Comment struct {
	Span Span
	Text string // with its semicolons
}

// Braces says whether a list is a tuple that was written in braces.
func (e *Expr) Braces() bool {
	return e.Kind == List && len(e.List) > 0 && e.List[0].Kind == Atom && e.List[0].Name == "tuple" &&
		e.List[0].Span.Start == e.Span.Start // in (tuple …) the word is behind the bracket
}
