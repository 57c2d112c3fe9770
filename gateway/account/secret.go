package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// prefix marks our secrets, so that leaked ones can be found by scanners and told from other services' keys.
const prefix = "funai-sk-"

// secretBytes of randomness: nobody guesses them, so that a fast hash keeps them as well as a slow one would.
const secretBytes = 32

// NewSecret returns a secret that is shown once, and the hash by which it is found.
func NewSecret() (secret string, hash [32]byte) {
	b := make([]byte, secretBytes)
	rand.Read(b) // never fails (Go 1.24)
	secret = prefix + base64.RawURLEncoding.EncodeToString(b)
	return secret, Hash(secret)
}

// IsSecret says whether a text looks like one of our secrets.
func IsSecret(s string) bool { return strings.HasPrefix(s, prefix) }

// Hash is what is stored of a secret.
func Hash(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }
