// Package hdkey turns a person's words into the keys, scripts and addresses of their ledger wallet: BIP-39 words, BIP-32
// derivation, the accounts of BIP-84 (P2WPKH) and BIP-86 (P2TR, key path), and their output descriptors (BIP-380, BIP-382,
// BIP-386). It is pure but for the randomness handed in, and imports ledger/consensus and nothing else of the project.
package hdkey

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tyler-smith/go-bip39"
	"golang.org/x/text/unicode/norm"
)

// ErrWords says that a text is no BIP-39 sentence: a word that is not in the English list, a number of words that is none
// of 12, 15, 18, 21 and 24, or a checksum that does not hold.
var ErrWords = errors.New("bad recovery words")

// SeedLen is the length of a BIP-39 seed in bytes.
const SeedLen = 64

// maxWords bounds the text read as words, in bytes: 24 words of 8 letters take 215.
const maxWords = 1 << 10

// NewWords makes a sentence of n words, 12 (128 bits of entropy) or 24 (256 bits), from a source of randomness such as
// crypto/rand.Reader.
func NewWords(rand io.Reader, n int) (string, error) {
	if n != 12 && n != 24 {
		return "", fmt.Errorf("%w: %d words, neither 12 nor 24", ErrWords, n)
	}
	entropy := make([]byte, n/3*4)
	defer clear(entropy)
	if _, err := io.ReadFull(rand, entropy); err != nil {
		return "", fmt.Errorf("randomness: %w", err)
	}
	return bip39.NewMnemonic(entropy)
}

// NormalizeWords reads a sentence as people type it, with any spaces and capitals, checks it, and returns it in the form
// that BIP-39 hashes.
func NormalizeWords(text string) (string, error) {
	if len(text) > maxWords {
		return "", fmt.Errorf("%w: %d bytes, more than %d", ErrWords, len(text), maxWords)
	}
	words := strings.Fields(strings.ToLower(norm.NFKD.String(text)))
	if n := len(words); n < 12 || n > 24 || n%3 != 0 {
		return "", fmt.Errorf("%w: %d words, not 12, 15, 18, 21 or 24", ErrWords, n)
	}
	for i, w := range words {
		if _, ok := bip39.GetWordIndex(w); !ok {
			return "", fmt.Errorf("%w: word %d is not in the list", ErrWords, i+1) // the word itself is a secret
		}
	}
	sentence := strings.Join(words, " ")
	if _, err := bip39.EntropyFromMnemonic(sentence); err != nil {
		return "", fmt.Errorf("%w: the checksum does not hold, so a word is wrong or out of its place", ErrWords)
	}
	return sentence, nil
}

// Seed is the 64-byte BIP-39 seed of a sentence and an optional passphrase, each normalized as BIP-39 demands (NFKD). The
// passphrase is part of the secret: every one gives another, valid wallet.
func Seed(words, passphrase string) ([]byte, error) {
	sentence, err := NormalizeWords(words)
	if err != nil {
		return nil, err
	}
	return bip39.NewSeed(sentence, norm.NFKD.String(passphrase)), nil
}
