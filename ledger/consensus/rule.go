package consensus

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/blockchain"
)

// Rule makes the error of a broken rule. Codes are btcd's, which Bitcoin's test suites speak.
func Rule(code blockchain.ErrorCode, format string, a ...any) error {
	return blockchain.RuleError{ErrorCode: code, Description: fmt.Sprintf(format, a...)}
}

// Broken says whether err is a broken rule, and which; other errors are failures of ours, not of the block.
func Broken(err error) (blockchain.ErrorCode, bool) {
	var re blockchain.RuleError
	ok := errors.As(err, &re)
	return re.ErrorCode, ok
}

// Is says whether err is the breaking of one rule.
func Is(err error, code blockchain.ErrorCode) bool {
	got, ok := Broken(err)
	return ok && got == code
}
