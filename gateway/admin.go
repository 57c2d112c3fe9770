package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"funai/gateway/account"
)

// Bounds of the lists.
const (
	usualList = 20
	maxList   = 100
	maxOrder  = 16 << 10 // bytes of a request to make a key
)

// KeyOrder asks for a key: POST /api/keys.
type KeyOrder struct {
	Name    string         `json:"name"`
	Limits  account.Limits `json:"limits"`
	Expires time.Time      `json:"expires,omitzero"` // zero: never
}

// MadeKey is a new key with its secret, which is shown this once.
type MadeKey struct {
	account.Key
	Secret string `json:"secret"`
}

// Keys is a page of keys.
type Keys struct {
	Keys []account.Key `json:"keys"`
}

// Uses is a page of usage records.
type Uses struct {
	Usage []account.Usage `json:"usage"`
}

// adminRoutes are what the bearer of the node's cookie may do with keys, and a key may learn of itself.
func (g *Gateway) adminRoutes(mux *http.ServeMux) {
	if g.accounts == nil {
		return
	}
	admin := func(f http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !g.isAdmin(r) {
				(&apiError{status: http.StatusUnauthorized, kind: "authentication_error", code: "unauthorized",
					message: "this takes the node's token, as Authorization: Bearer …"}).write(w)
				return
			}
			f(w, r)
		}
	}
	mux.HandleFunc("POST /api/keys", admin(g.createKey))
	mux.HandleFunc("GET /api/keys", admin(g.listKeys))
	mux.HandleFunc("GET /api/keys/{id}", admin(g.showKey))
	mux.HandleFunc("DELETE /api/keys/{id}", admin(g.revokeKey))
	mux.HandleFunc("GET /api/keys/{id}/usage", admin(func(w http.ResponseWriter, r *http.Request) { g.usage(w, r, r.PathValue("id")) }))
	own := func(f func(http.ResponseWriter, *http.Request, *account.Key)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			k, bad := g.caller(r)
			if bad == nil && k == nil {
				bad = unauthorized("this takes an API key of this gateway, as Authorization: Bearer funai-sk-…")
			}
			if bad != nil {
				bad.write(w)
				return
			}
			f(w, r, k)
		}
	}
	mux.HandleFunc("GET /v1/key", own(func(w http.ResponseWriter, _ *http.Request, k *account.Key) { writeJSON(w, http.StatusOK, k) }))
	mux.HandleFunc("GET /v1/key/usage", own(func(w http.ResponseWriter, r *http.Request, k *account.Key) { g.usage(w, r, k.ID) }))
}

func (g *Gateway) createKey(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxOrder)
	body, bad := readBody(w, r)
	if bad != nil {
		bad.write(w)
		return
	}
	o, err := decodeKeyOrder(body)
	if err != nil {
		badRequest("", "%v", err).write(w)
		return
	}
	k, err := account.NewKey(o.Name, o.Limits, time.Now(), o.Expires)
	if err != nil {
		badRequest("limits", "%v", err).write(w)
		return
	}
	secret, hash := account.NewSecret()
	if err := g.accounts.Create(r.Context(), k, hash); err != nil {
		g.log.Error("accounts", "err", err)
		fromAccount(err).write(w)
		return
	}
	writeJSON(w, http.StatusOK, MadeKey{k, secret})
}

// decodeKeyOrder refuses fields that it does not know: a limit misspelt is no limit.
func decodeKeyOrder(body []byte) (o KeyOrder, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("more than one JSON value")
	}
	return o, nil
}

// admitted writes what a store answered.
func admitted[T any](g *Gateway, w http.ResponseWriter, v T, err error) {
	switch {
	case errors.Is(err, account.ErrUnknown):
		e := notFound("%v", err)
		e.write(w)
	case err != nil:
		g.log.Error("accounts", "err", err)
		fromAccount(err).write(w)
	default:
		writeJSON(w, http.StatusOK, v)
	}
}

func (g *Gateway) listKeys(w http.ResponseWriter, r *http.Request) {
	limit, bad := number(r, "limit", usualList, 1, maxList)
	if bad != nil {
		bad.write(w)
		return
	}
	list, err := g.accounts.List(r.Context(), r.URL.Query().Get("after"), int(limit))
	if list == nil {
		list = []account.Key{}
	}
	admitted(g, w, Keys{list}, err)
}

func (g *Gateway) showKey(w http.ResponseWriter, r *http.Request) {
	k, err := g.accounts.Get(r.Context(), r.PathValue("id"))
	admitted(g, w, k, err)
}

func (g *Gateway) revokeKey(w http.ResponseWriter, r *http.Request) {
	k, err := g.accounts.Revoke(r.Context(), r.PathValue("id"))
	admitted(g, w, k, err)
}

func (g *Gateway) usage(w http.ResponseWriter, r *http.Request, id string) {
	limit, bad := number(r, "limit", usualList, 1, maxList)
	before, bad2 := number(r, "before", 0, 0, 1<<62)
	if bad == nil {
		bad = bad2
	}
	if bad != nil {
		bad.write(w)
		return
	}
	list, err := g.accounts.Usage(r.Context(), id, before, int(limit))
	if list == nil {
		list = []account.Usage{}
	}
	admitted(g, w, Uses{list}, err)
}

// number reads a number of the query.
func number(r *http.Request, name string, usual, least, most uint64) (uint64, *apiError) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return usual, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n < least || n > most {
		return 0, badRequest(name, "%q is not between %d and %d", clip(s), least, most)
	}
	return n, nil
}
