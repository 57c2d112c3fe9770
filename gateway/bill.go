package gateway

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"funai/amount"
	"funai/gateway/account"
)

// Bounds on what is asked of the store when a question ends.
const (
	settleTimeout = 10 * time.Second
	settleTries   = 3
)

// caller says on whose account a request is: a key's, or nil for the node's owner.
func (g *Gateway) caller(r *http.Request) (*account.Key, *apiError) {
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if g.accounts == nil {
		return nil, nil
	}
	if !account.IsSecret(secret) {
		if g.requireKey && !g.isAdmin(r) {
			return nil, unauthorized("this gateway needs an API key of its own, as Authorization: Bearer funai-sk-…")
		}
		return nil, nil
	}
	k, err := g.accounts.Find(r.Context(), account.Hash(secret))
	if err == nil {
		err = k.Usable(time.Now())
	}
	if err != nil {
		return nil, fromAccount(err)
	}
	return &k, nil
}

func unauthorized(message string) *apiError {
	return &apiError{status: http.StatusUnauthorized, kind: "authentication_error", code: "invalid_api_key", message: message}
}

// isAdmin says whether a request carries the node's cookie.
func (g *Gateway) isAdmin(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && g.admin != "" && subtle.ConstantTimeCompare([]byte(token), []byte(g.admin)) == 1
}

// fromAccount gives an error of a key or its store the status.
func fromAccount(err error) *apiError {
	e := &apiError{message: clip(err.Error())}
	set := func(status int, kind, code string) { e.status, e.kind, e.code = status, kind, code }
	var rate *account.RateError
	switch {
	case errors.Is(err, account.ErrModel):
		set(http.StatusForbidden, "permission_error", "model_not_allowed")
		e.param = "model"
	case errors.Is(err, account.ErrUnknown), errors.Is(err, account.ErrExpired), errors.Is(err, account.ErrRevoked):
		set(http.StatusUnauthorized, "authentication_error", "invalid_api_key")
	case errors.Is(err, account.ErrBudget):
		set(http.StatusPaymentRequired, "insufficient_funds", "budget_spent")
	case errors.Is(err, account.ErrHeld):
		set(http.StatusTooManyRequests, "rate_limit_error", "budget_held")
		e.retryAfter = time.Second
	case errors.As(err, &rate):
		set(http.StatusTooManyRequests, "rate_limit_error", "rate_limit_exceeded")
		e.retryAfter = rate.RetryAfter
	default: // rather no answer than one that nobody pays for
		set(http.StatusServiceUnavailable, "server_error", "accounts_unavailable")
		e.message, e.retryAfter = "the gateway's accounts can't be read now", time.Second
	}
	return e
}

// bill is what one request holds of a key's budget; nil where the owner asks.
type bill struct {
	g        *Gateway
	hold     account.Hold
	endpoint string
	model    string
	quotes   []amount.Amount // the most that each answer can cost, each at most amount.Max
	begun    time.Time

	mu   sync.Mutex
	owed map[int]amount.Amount // by choice
}

// hold sets aside what the questions may cost, before anything is asked.
func (g *Gateway) hold(ctx context.Context, k *account.Key, endpoint string, requests []Request) (*bill, *apiError) {
	if k == nil {
		return nil, nil
	}
	quotes := make([]amount.Amount, len(requests))
	for i, r := range requests {
		one, err := g.quote(ctx, r)
		if err != nil {
			return nil, fromBackend(err)
		}
		quotes[i] = min(one, amount.Max)
	}
	return g.reserve(ctx, k, endpoint, requests[0].Model, quotes)
}

// quote is the most that an answer may cost: what the client allows, or the dearest server's price.
func (g *Gateway) quote(ctx context.Context, r Request) (amount.Amount, error) {
	q, ok := g.backend.(Quoter)
	if !ok {
		if r.MaxFee > 0 {
			return r.MaxFee, nil
		}
		return amount.Max, nil
	}
	most, err := q.Quote(ctx, r)
	if r.MaxFee > 0 {
		most = min(most, r.MaxFee)
	}
	return most, err
}

func (g *Gateway) reserve(ctx context.Context, k *account.Key, endpoint, model string, quotes []amount.Amount) (*bill, *apiError) {
	h, err := g.accounts.Reserve(ctx, k.ID, account.Want{Model: model, Most: min(sum(quotes), amount.Max)})
	if err != nil {
		if fromAccount(err).status == http.StatusServiceUnavailable {
			g.log.Error("accounts", "err", err)
		}
		return nil, fromAccount(err)
	}
	return &bill{g: g, hold: h, endpoint: endpoint, model: model, quotes: quotes, begun: time.Now(), owed: map[int]amount.Amount{}}, nil
}

// sum adds up at most maxChoices quotes, so it fits.
func sum(quotes []amount.Amount) (all amount.Amount) {
	for _, q := range quotes {
		all += q
	}
	return all
}

// limit is the most that an answer may cost: the part of what is held that its quote is of all of them.
func (b *bill) limit(choice int, wanted amount.Amount) amount.Amount {
	if b == nil || b.hold.Amount == 0 {
		return wanted
	}
	part, err := b.quotes[choice].MulDiv(uint64(b.hold.Amount), uint64(sum(b.quotes)))
	if err != nil { // never: no more is held than the sum
		part = 0
	}
	part = max(part, 1) // 0 would be no limit
	if wanted > 0 {
		part = min(part, wanted)
	}
	return part
}

// owe notes a transaction that was signed: if this process dies now, its escrow counts as spent.
func (b *bill) owe(ctx context.Context, choice int, s Start) {
	if b == nil || s.Receipt == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owed[choice] = s.Escrow
	h := b.hold
	h.Receipt = s.Receipt
	for _, o := range b.owed {
		h.Owed += min(o, amount.Max)
	}
	if err := b.g.accounts.Owe(ctx, h); err != nil {
		b.g.log.Warn("what is owed could not be noted", "key", h.Key, "receipt", s.Receipt, "err", err)
	}
}

// settle charges what the answers cost, and gives the rest back. Nothing is charged for a question that failed; of one
// whose client went, what the Backend says has to be paid.
func (b *bill) settle(ctx context.Context, answers []Answer, status int, first time.Duration, e *apiError) {
	if b == nil {
		return
	}
	u := account.Usage{Endpoint: b.endpoint, Model: b.model, Status: status, FirstToken: first, Took: time.Since(b.begun)}
	if e != nil {
		u.Error = e.code
	}
	for _, a := range answers {
		if u.Receipt == "" {
			u.Server, u.Receipt = a.Server, a.Receipt
		}
		u.Prompt += a.PromptTokens
		u.Completion += a.CompletionTokens
		if status == http.StatusOK || status == statusClientGone {
			u.Fee += min(a.Fee, amount.Max) // at most maxChoices of them
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	for try := 1; ; try++ {
		_, err := b.g.accounts.Settle(ctx, b.hold, u)
		if err == nil || try > 1 && errors.Is(err, account.ErrNoHold) { // an earlier try went through after all
			return
		}
		if try == settleTries || ctx.Err() != nil || errors.Is(err, account.ErrNoHold) {
			b.g.log.Error("a question could not be settled; its hold lapses by itself", "key", b.hold.Key, "receipt", u.Receipt, "err", err)
			return
		}
	}
}
