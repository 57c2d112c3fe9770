// Package state keeps the inference chain's state: values under keys, what a block changes of them, and a Merkle root over
// all of them. It knows nothing of what the values mean, and imports nothing of the project; its one database is the
// Pebble handed in. The rules are those of the design's section on transactions, addresses, state: a flat store for the
// tip, layers in memory for forks, differences to undo blocks, and a trie updated once a block whose root is in the header.
package state

import "errors"

var (
	// ErrReserved says that a key is empty or begins with the byte kept for the trie.
	ErrReserved = errors.New("state: key is reserved")
	// ErrCorrupt says that stored bytes are none that this package wrote.
	ErrCorrupt = errors.New("state: corrupt data")
	// ErrProof says that a proof does not show what it should.
	ErrProof = errors.New("state: proof does not hold")
)

// Reader reads values.
type Reader interface {
	// Get returns a key's value, or nil if there is none; a value that is there and empty is not nil. The value must not
	// be modified.
	Get(key []byte) ([]byte, error)
}

var (
	_ Reader = (*Layer)(nil)
	_ Reader = (*Store)(nil)
)

// trieByte begins the keys under which the trie's pages are kept, as values among values. No other key may begin with it.
const trieByte = 0x00

func reserved(key []byte) bool { return len(key) == 0 || key[0] == trieByte }
