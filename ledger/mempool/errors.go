package mempool

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/blockchain"

	"funai/ledger/mempool/fees"
)

// Why a transaction is refused. The error of a refusal is an *Error, which wraps one of these; its text names the
// transaction, the coin or the numbers concerned.
var (
	ErrKnown    = errors.New("transaction is known already")
	ErrMissing  = errors.New("coin is unknown or already spent")
	ErrSpent    = errors.New("coin is spent by another unconfirmed transaction")
	ErrImmature = errors.New("coinbase is immature")
	ErrFunds    = errors.New("outputs exceed inputs")
	ErrScript   = errors.New("signature or script does not verify")
	ErrInvalid  = errors.New("transaction breaks a rule of the chain")
	ErrLocked   = errors.New("transaction is not final yet")
	ErrFee      = errors.New("fee is too low")
	ErrPolicy   = errors.New("transaction is not relayed by policy")
	ErrPackage  = errors.New("too many unconfirmed transactions depend on one another")
	ErrFull     = errors.New("pool is full of transactions that pay more")
)

var (
	// ErrBusy says that blocks came faster than a transaction could be judged. It may be offered again.
	ErrBusy = errors.New("the chain moves too fast")
	// ErrLoading says that the pool still reads its file.
	ErrLoading = errors.New("pool is still being loaded")
	// ErrNoEstimate says that too little was seen of the time transactions wait.
	ErrNoEstimate = fees.ErrNoEstimate
)

// Error is a refusal.
type Error struct {
	Kind   error  // one of this package's Err values
	Reason string // the name of the rule in Bitcoin Core's RPC answers (reject-reason)
	Text   string // what broke it
	cause  error  // of the chain's rules, or nil
}

// Error names the kind and what broke the rule.
func (e *Error) Error() string { return e.Kind.Error() + ": " + e.Text }

// Unwrap lets errors.Is see the kind, and errors.As a blockchain.RuleError behind it.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

func refuse(kind error, reason, format string, a ...any) error {
	return &Error{Kind: kind, Reason: reason, Text: fmt.Sprintf(format, a...)}
}

// Reason is the name of the rule that an error of Accept, AcceptPackage or Test stands for, as Bitcoin Core's RPC calls
// it; "" for an error that is no refusal.
func Reason(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ""
}

// Misbehaviour says whether an error of Accept proves that whoever sent the transaction did not check it: it could
// never have been in a block.
func Misbehaviour(err error) bool {
	return errors.Is(err, ErrInvalid) || errors.Is(err, ErrFunds) || errors.Is(err, ErrScript)
}

// chainReasons are Bitcoin Core's names for the rules that btcd's checks of a transaction by itself and of its inputs
// enforce.
var chainReasons = map[blockchain.ErrorCode]struct {
	kind   error
	reason string
}{
	blockchain.ErrNoTxInputs:           {ErrInvalid, "bad-txns-vin-empty"},
	blockchain.ErrNoTxOutputs:          {ErrInvalid, "bad-txns-vout-empty"},
	blockchain.ErrTxTooBig:             {ErrInvalid, "bad-txns-oversize"},
	blockchain.ErrBadTxOutValue:        {ErrInvalid, "bad-txns-vout-toolarge"},
	blockchain.ErrDuplicateTxInputs:    {ErrInvalid, "bad-txns-inputs-duplicate"},
	blockchain.ErrBadTxInput:           {ErrInvalid, "bad-txns-prevout-null"},
	blockchain.ErrBadCoinbaseScriptLen: {ErrInvalid, "bad-cb-length"},
	blockchain.ErrMissingTxOut:         {ErrMissing, "bad-txns-inputs-missingorspent"},
	blockchain.ErrImmatureSpend:        {ErrImmature, "bad-txns-premature-spend-of-coinbase"},
	blockchain.ErrSpendTooHigh:         {ErrFunds, "bad-txns-in-belowout"},
	blockchain.ErrTooManySigOps:        {ErrPolicy, "bad-txns-too-many-sigops"},
}

// classify puts an error of the chain's rules under one of ours; the cause stays in it. Other errors, those of a store
// that fails, come back as they are.
func classify(err error) error {
	rule, ok := errors.AsType[blockchain.RuleError](err)
	if !ok {
		return err
	}
	if r, ok := chainReasons[rule.ErrorCode]; ok {
		return &Error{Kind: r.kind, Reason: r.reason, Text: rule.Description, cause: err}
	}
	return &Error{Kind: ErrInvalid, Reason: "bad-txns", Text: rule.Description, cause: err}
}
