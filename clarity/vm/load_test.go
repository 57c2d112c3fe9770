package vm

import (
	"crypto/sha256"
	"errors"
	"testing"

	"funai/clarity/check"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// records are a store that is only read.
type records map[string][]byte

func (r records) Get(key []byte) ([]byte, error) { return r[string(key)], nil }

// FuzzStoredContract loads contracts whose records are anything, though of the digest that they should have: what comes is an
// error or a contract.
func FuzzStoredContract(f *testing.F) {
	const source = "(define-constant a u1) (define-read-only (f) (+ a (unwrap-panic (contract-call? .other g))))"
	constants := []byte("\x01a\x00\x00\x00\x10\x00\x00\x00\x11\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	other := encodeInterface(analysis(f, "(define-read-only (g) (if true (ok u1) (err u2)))"))
	f.Add(source, constants, other)
	f.Add(source, constants[:9], other)
	f.Add("(define-constant k (list 1))", []byte("\x01k\x00\x00\x00\x00\x00\x00\x00\x05\x0b\x00\x00\x00\x00"), []byte{})
	f.Add("(use-trait t .other.t) (define-public (f (x <t>)) (contract-call? x g))", []byte{}, other)
	id, callee := value.Principal{Version: 26, Contract: "c"}, value.Principal{Version: 26, Contract: "other"}
	f.Fuzz(func(t *testing.T, source string, constants, other []byte) {
		h := header{byte(types.Clarity4), byte(types.Epoch34)}
		digest := digest([]byte(source), constants)
		copy(h[headerDigest:], digest[:])
		s := records{
			string(contractKey(keySource, id)): []byte(source), string(contractKey(keyConstants, id)): constants,
			string(contractKey(keyContract, callee)):  append([]byte{byte(types.Clarity4), byte(types.Epoch34)}, make([]byte, headerBytes-2)...),
			string(contractKey(keyInterface, callee)): other,
		}
		for _, uses := range [][sha256.Size]byte{usesOf(s, callee), {}} {
			copy(h[headerUses:], uses[:])
			s[string(contractKey(keyContract, id))] = h[:]
			c, err := New(Config{}).load(s, id, types.Epoch34, false)
			var fault *check.Diagnostic
			var parse *syntax.Error
			if (c == nil) == (err == nil) {
				t.Fatalf("%v and %v", c, err)
			}
			if err != nil && !errors.Is(err, errStored) && !errors.As(err, &fault) && !errors.As(err, &parse) {
				t.Fatalf("error of another kind: %v", err)
			}
		}
	})
}

// usesOf is the digest of a contract that was checked against another alone.
func usesOf(s Reader, other value.Principal) [sha256.Size]byte {
	k := newInterfaces(s)
	if _, err := k.Analysis(other); err != nil {
		return [sha256.Size]byte{}
	}
	return k.digest()
}
