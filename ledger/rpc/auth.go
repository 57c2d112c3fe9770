package rpc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/internal/atomicfile"
)

// cookieUser is whom the cookie file's password is for.
const cookieUser = "__cookie__"

// ErrCookieInUse says that another running node keeps its password in the cookie file.
var ErrCookieInUse = errors.New("cookie file belongs to another running node")

// credential is a user with the salted hash of a password.
type credential struct {
	user, salt string
	hash       [sha256.Size]byte
}

func newCredential(user, password string) credential {
	var salt [16]byte
	rand.Read(salt[:])
	c := credential{user: user, salt: hex.EncodeToString(salt[:])}
	c.hash = c.of(password)
	return c
}

// parseAuth reads a line as Bitcoin Core's rpcauth takes it: USER:SALT$HASH, the hash being HMAC-SHA256 of the password
// under the salt, in hexadecimal.
func parseAuth(s string) (c credential, err error) {
	user, rest, ok := strings.Cut(s, ":")
	salt, hash, split := strings.Cut(rest, "$")
	raw, err := hex.DecodeString(hash)
	if !ok || !split || user == "" || salt == "" || err != nil || len(raw) != sha256.Size {
		return c, errors.New("not of the form USER:SALT$HASH with a hash of 64 hexadecimal digits")
	}
	return credential{user, salt, [sha256.Size]byte(raw)}, nil
}

func (c credential) of(password string) (h [sha256.Size]byte) {
	m := hmac.New(sha256.New, []byte(c.salt))
	m.Write([]byte(password))
	m.Sum(h[:0])
	return h
}

// admits says whether these are the credential's, in a time that tells nothing of how near they came.
func (c credential) admits(user, password string) bool {
	given, own := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(c.user))
	hash := c.of(password)
	return subtle.ConstantTimeCompare(given[:], own[:])&subtle.ConstantTimeCompare(hash[:], c.hash[:]) == 1
}

// cookie is a file with a password made anew for each run of the node.
type cookie struct {
	path, content string
	unlock        func() error
}

// newCookie writes the file, which only its owner may read. A lock beside it, which ends with the process, keeps another
// node from doing the same.
func newCookie(path string) (_ *cookie, _ credential, err error) {
	lock, err := vfs.Default.Lock(path + ".lock")
	if err != nil {
		return nil, credential{}, fmt.Errorf("%w: %s: %v", ErrCookieInUse, path, err)
	}
	var secret [32]byte
	rand.Read(secret[:])
	password := hex.EncodeToString(secret[:])
	k := &cookie{path, cookieUser + ":" + password, lock.Close}
	if err := atomicfile.Write(path, []byte(k.content)); err != nil {
		return nil, credential{}, errors.Join(fmt.Errorf("cookie file: %w", err), lock.Close())
	}
	return k, newCredential(cookieUser, password), nil
}

// remove takes the file away unless somebody has put another in its place.
func (k *cookie) remove() error {
	var err error
	if got, readErr := os.ReadFile(k.path); readErr == nil && string(got) == k.content {
		err = os.Remove(k.path)
	}
	return errors.Join(err, k.unlock())
}

// readCookie is a cookie file's user and password.
func readCookie(path string) (user, password string, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("cookie file: %w", err)
	}
	user, password, ok := strings.Cut(strings.TrimSpace(string(b)), ":")
	if !ok {
		return "", "", fmt.Errorf("cookie file %s does not hold USER:PASSWORD", path)
	}
	return user, password, nil
}
