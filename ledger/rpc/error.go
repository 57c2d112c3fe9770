package rpc

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a refusal as Bitcoin's JSON-RPC tells it: one of the codes below, and a text for people.
type Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error is the message with its code.
func (e *Error) Error() string { return fmt.Sprintf("%s (code %d)", e.Message, e.Code) }

// Bitcoin Core's error codes (src/rpc/protocol.h).
const (
	// Of the JSON-RPC 2.0 standard.
	CodeInvalidRequest = -32600
	CodeMethodNotFound = -32601
	CodeInvalidParams  = -32602
	CodeInternal       = -32603
	CodeParse          = -32700

	// Of every method.
	CodeMisc                = -1  // anything else went wrong, or the method was called with the wrong number of parameters
	CodeType                = -3  // a parameter of the wrong type
	CodeWalletError         = -4  // unspecified problem with the wallet
	CodeInvalidAddressOrKey = -5  // also: no such block or transaction
	CodeOutOfMemory         = -7  // out of memory
	CodeInvalidParameter    = -8  // missing, duplicate or meaningless parameter
	CodeDatabase            = -20 // the database failed
	CodeDeserialization     = -22 // bytes that do not decode
	CodeVerify              = -25 // a transaction or block could not be looked at or taken in
	CodeVerifyRejected      = -26 // a transaction or block was refused by the rules
	CodeVerifyAlreadyInUTXO = -27 // the transaction's outputs are on the chain already
	CodeInWarmup            = -28 // the node still starts
	CodeMethodDeprecated    = -32

	// Of the network.
	CodeNotConnected     = -9  // the node has no connection
	CodeInInitialSync    = -10 // the node still downloads the chain
	CodeNodeAlreadyAdded = -23
	CodeNodeNotAdded     = -24
	CodeNodeNotConnected = -29
	CodeInvalidIPSubnet  = -30
	CodeP2PDisabled      = -31
	CodeNodeCapacity     = -34
	CodeMempoolDisabled  = -33

	// Of wallets.
	CodeInsufficientFunds    = -6
	CodeInvalidLabel         = -11
	CodeKeypoolRanOut        = -12
	CodeUnlockNeeded         = -13
	CodePassphraseIncorrect  = -14
	CodeWrongEncryptionState = -15
	CodeEncryptionFailed     = -16
	CodeAlreadyUnlocked      = -17
	CodeWalletNotFound       = -18
	CodeWalletNotSpecified   = -19
	CodeWalletAlreadyLoaded  = -35
	CodeWalletAlreadyExists  = -36
	CodeForbiddenBySafeMode  = -2
)

// Errorf makes an Error.
func Errorf(code int, format string, a ...any) *Error {
	return &Error{code, fmt.Sprintf(format, a...)}
}

// errUsage is within errors that say that a method was called with the wrong number of parameters; the server answers
// them with the method's help, as Bitcoin Core does.
var errUsage = errors.New("wrong usage")

// asError is what a client is told of a failed call.
func asError(err error, m *Method) *Error {
	var e *Error
	var t *typeError
	switch {
	case errors.As(err, &t):
		if t.at < 0 || t.at >= len(m.Params) {
			return &Error{CodeType, t.text}
		}
		name, _, _ := strings.Cut(m.Params[t.at], "|")
		return Errorf(CodeType, "Wrong type passed:\n{\n    \"Position %d (%s)\": %q\n}", t.at+1, name, t.text)
	case errors.As(err, &e):
		return e
	case errors.Is(err, errUsage):
		return &Error{CodeMisc, m.Help}
	default:
		return &Error{CodeMisc, err.Error()}
	}
}
