// Package vault is the file of a ledger wallet: its seed, sealed with XChaCha20-Poly1305 under a key that argon2id
// (RFC 9106) makes of a passphrase; the public half, authenticated by the same seal; and what changes in use, the next
// addresses and the labels. It knows nothing of chains and keys, and imports internal/atomicfile and nothing else of the
// project.
package vault

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/text/unicode/norm"
)

var (
	// ErrFile says that bytes are no wallet file, or a damaged one.
	ErrFile = errors.New("bad wallet file")
	// ErrVersion says that a wallet file is of a later program.
	ErrVersion = errors.New("wallet file of an unknown version")
	// ErrPassphrase says that a passphrase does not open the file.
	ErrPassphrase = errors.New("wrong wallet passphrase")
	// ErrEncrypted says that a file has a passphrase already.
	ErrEncrypted = errors.New("wallet has a passphrase already")
	// ErrPlain says that a file has none.
	ErrPlain = errors.New("wallet has no passphrase")
)

// KDF is the cost of making a key of a passphrase: argon2id's parameters.
type KDF struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultKDF is RFC 9106's second recommendation, for where 2 GiB is too much: 3 passes over 64 MiB on 4 threads, some 100
// ms of a desktop processor.
var DefaultKDF = KDF{Time: 3, Memory: 64 << 10, Threads: 4}

// Bounds on the parameters of a file that is read: a forged one must not exhaust the machine.
const (
	maxTime    = 64
	maxMemory  = 2 << 20 // KiB: 2 GiB, RFC 9106's first recommendation
	maxThreads = 64
)

func (k KDF) check() error {
	if k.Time < 1 || k.Time > maxTime || k.Threads < 1 || k.Threads > maxThreads || k.Memory < 8*uint32(k.Threads) || k.Memory > maxMemory {
		return fmt.Errorf("%w: argon2id of %d passes, %d KiB and %d threads is not within 1 to %d, 8 a thread to %d, and 1 to %d",
			ErrFile, k.Time, k.Memory, k.Threads, maxTime, maxMemory, maxThreads)
	}
	return nil
}

const saltLen = 16 // bytes, RFC 9106's recommendation

// seal is a secret at rest. The zero KDF stands for no passphrase: the key is zero, and whoever has the file has the
// secret.
type seal struct {
	kdf   KDF
	salt  [saltLen]byte
	nonce [chacha20poly1305.NonceSizeX]byte
	box   []byte
}

func (s *seal) encrypted() bool { return s.kdf != KDF{} }

// key makes the key. The passphrase is normalized (NFKD), so that it is the same from every keyboard.
func (s *seal) key(passphrase string) []byte {
	if !s.encrypted() {
		return make([]byte, chacha20poly1305.KeySize)
	}
	p := norm.NFKD.AppendString(nil, passphrase)
	defer clear(p)
	return argon2.IDKey(p, s.salt[:], s.kdf.Time, s.kdf.Memory, s.kdf.Threads, chacha20poly1305.KeySize)
}

// shut seals a secret under a passphrase. public is authenticated with it.
func (s *seal) shut(rand io.Reader, secret []byte, passphrase string, public func() []byte) error {
	if _, err := io.ReadFull(rand, s.salt[:]); err != nil {
		return fmt.Errorf("randomness: %w", err)
	}
	if _, err := io.ReadFull(rand, s.nonce[:]); err != nil {
		return fmt.Errorf("randomness: %w", err)
	}
	key := s.key(passphrase)
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return err
	}
	s.box = aead.Seal(nil, s.nonce[:], secret, public())
	return nil
}

// open returns the secret, whose owner must clear it after use.
func (s *seal) open(passphrase string, public []byte) ([]byte, error) {
	key := s.key(passphrase)
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, s.nonce[:], s.box, public)
	if err != nil && !s.encrypted() {
		return nil, fmt.Errorf("%w: the seal does not hold", ErrFile)
	}
	if err != nil {
		return nil, ErrPassphrase
	}
	return secret, nil
}
