//go:build !unix

package catalogue

import (
	"errors"
	"os"
)

// tryLock doesn't lock where files can't be locked that way: two processes may then fetch the same asset at once, and the
// checks of what they wrote still hold.
func tryLock(*os.File) error { return nil }

// freeBytes isn't known here; a full disk is noticed when it is.
func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

// canLoad is asked where there are variants only: on Linux.
func canLoad(string) bool { return false }
