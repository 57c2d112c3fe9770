package api

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"funai/amount"
)

const (
	maxSend    = 4 << 10 // bytes of a request
	tokenBytes = 32
)

// send is POST /api/wallet/send.
func (a *API) send(w http.ResponseWriter, r *http.Request) {
	if err := a.authorize(r); err != nil {
		if errors.Is(err, errUnauthorized) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="funai wallet"`)
		}
		a.fail(w, r, err)
		return
	}
	order, err := readSend(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	sent, err := a.src.Send(r.Context(), order)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.log.Info("paid", "layer", order.Layer, "to", order.To, "amount", order.Amount, "txid", sent.TxID)
	a.write(w, http.StatusOK, sent)
}

// authorize compares the bearer token (RFC 6750) in constant time.
func (a *API) authorize(r *http.Request) error {
	if a.token == "" {
		return errNoWallet
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(a.token)) != 1 {
		return errUnauthorized
	}
	return nil
}

func readSend(w http.ResponseWriter, r *http.Request) (s Send, err error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return s, errMediaType
	}
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Now().Add(readTimeout)) // a recorder in a test has none
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSend))
	rc.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return s, fmt.Errorf("%w: more than %d bytes", errTooLarge, maxSend)
	case err != nil:
		return s, fmt.Errorf("%w: %v", ErrRequest, err)
	}
	return decodeSend(b)
}

// decodeSend reads an order to pay. Money is at stake, so unknown fields are refused rather than ignored.
func decodeSend(b []byte) (s Send, err error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Send{}, fmt.Errorf("%w: %v", ErrRequest, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Send{}, fmt.Errorf("%w: something follows the order", ErrRequest)
	}
	switch {
	case s.Layer != LayerLedger && s.Layer != LayerInference:
		return Send{}, fmt.Errorf("%w: layer %.20q is not %s or %s", ErrRequest, s.Layer, LayerLedger, LayerInference)
	case s.To == "" || len(s.To) > maxAddress:
		return Send{}, fmt.Errorf("%w: the address has %d bytes, not 1 to %d", ErrRequest, len(s.To), maxAddress)
	case s.Amount == 0 || s.Amount > amount.Max:
		return Send{}, fmt.Errorf("%w: amount %d is not 1 to %d base units", ErrRequest, uint64(s.Amount), uint64(amount.Max))
	}
	return s, nil
}

// Cookie returns the wallet token kept in a file that only its owner may read, and makes both if there is no such file.
// Whoever can read the file may spend: the command line finds the token there, a web page can't.
func Cookie(path string) (string, error) {
	for { // again if another process makes the file in between
		b, err := os.ReadFile(path)
		if err == nil {
			token := strings.TrimSpace(string(b))
			if raw, err := hex.DecodeString(token); err != nil || len(raw) != tokenBytes {
				return "", fmt.Errorf("api: cookie file %s does not hold %d hex digits; remove it to make a new one", path, 2*tokenBytes)
			}
			return token, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("api: cookie file: %w", err)
		}
		if err := makeCookie(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("api: cookie file: %w", err)
		}
	}
}

// makeCookie writes beside and links, so that a file of this name is always whole and never replaced.
func makeCookie(path string) error {
	var raw [tokenBytes]byte
	rand.Read(raw[:])
	tmp, err := os.CreateTemp(filepath.Dir(path), ".cookie-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(hex.EncodeToString(raw[:]) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), path)
}
