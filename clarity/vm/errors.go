package vm

import (
	"errors"
	"fmt"
	"strings"

	"funai/clarity/value"
)

// ErrExists is the error of deploying a contract under a name that is taken.
var ErrExists = errors.New("contract already exists")

// Fault is why a run was aborted; the text is its stable name.
type Fault string

// The faults of a run.
const (
	ArithmeticOverflow  Fault = "ArithmeticOverflow"
	ArithmeticUnderflow Fault = "ArithmeticUnderflow"
	DivisionByZero      Fault = "DivisionByZero"
	Arithmetic          Fault = "Arithmetic" // a root of a negative number, a logarithm of none
	UnwrapFailure       Fault = "UnwrapFailure"
	StackTooDeep        Fault = "MaxStackDepthReached"
	ContextTooDeep      Fault = "MaxContextDepthReached"
	UnknownBlock        Fault = "UnknownBlockHeaderHash"
	BadBlockHash        Fault = "BadBlockHash"
	BadTokenAmount      Fault = "NonPositiveTokenSupply"
	SupplyOverflow      Fault = "SupplyOverflow"
	SupplyUnderflow     Fault = "SupplyUnderflow"
	BadTypeConstruction Fault = "BadTypeConstruction"
	BadName             Fault = "BadNameValue"
	EarlyReturn         Fault = "ShortReturn" // try!, asserts! and unwrap! outside of a function
	Costs               Fault = "CostLimit"   // wraps cost.ErrLimit, ErrMemory or ErrOverflow
	Unchecked           Fault = "Unchecked"   // what analysis finds in a contract was found at run time: a call of what is not there, a wrong type
)

// RuntimeError is a run that was aborted: everything it did is undone, but its cost.
type RuntimeError struct {
	Fault Fault
	Text  string
	Trace []string // functions under way, outermost first
	Err   error    // or nil
}

func (e *RuntimeError) Error() string {
	if e.Text == "" {
		return string(e.Fault)
	}
	return fmt.Sprintf("%s: %s", e.Fault, e.Text)
}

func (e *RuntimeError) Unwrap() error { return e.Err }

// maxText is how many bytes of a fault's text are kept: a value that it speaks of may have millions.
const maxText = 1000

// fault makes a RuntimeError.
func fault(k Fault, format string, a ...any) error {
	text := fmt.Sprintf(format, a...)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return &RuntimeError{Fault: k, Text: text}
}

// limit makes a RuntimeError of what a meter says; nil stays nil.
func limit(err error) error {
	if err == nil {
		return nil
	}
	return &RuntimeError{Fault: Costs, Text: err.Error(), Err: err}
}

// early is a value on its way out of the function: what try!, asserts! and unwrap! return.
type early struct{ v value.Value }

func (*early) Error() string { return "early return" }

// asEarly returns the value that leaves the function early.
func asEarly(err error) (value.Value, bool) {
	if e, ok := errors.AsType[*early](err); ok {
		return e.v, true
	}
	return value.None, false
}
