package route

import (
	"context"
	"errors"
	"fmt"
	"time"

	"funai/gateway"
)

// errSlow is the cause of an attempt that its server let wait too long.
var errSlow = fmt.Errorf("%w: no token came in time", gateway.ErrUpstream)

// attempt is one request at one server.
type attempt struct {
	router *Router
	at     candidate
	emit   func(gateway.Delta) error
	begun  time.Time

	first  time.Time // of the answer; zero: nothing came
	pieces int
	client error // what emit returned
}

func (a *attempt) ask(ctx context.Context, q gateway.Request, started func(gateway.Start)) (gateway.Answer, error) {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slow := time.AfterFunc(a.router.firstToken, func() { cancel(errSlow) })
	defer slow.Stop()
	answer, err := a.at.source.Ask(limited, a.at.Server, q, started, func(d gateway.Delta) error {
		if a.first.IsZero() {
			a.first = time.Now()
			slow.Stop()
		}
		a.pieces++
		if err := a.emit(d); err != nil {
			a.client = err
			return err
		}
		return nil
	})
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errSlow) {
		err = fmt.Errorf("%w within %v", errSlow, a.router.firstToken)
	}
	a.note(ctx, answer, err)
	if err == nil && len(a.at.Model.Trust) > 0 && answer.Trust == "" {
		answer.Trust = a.at.Model.Trust[0]
	}
	return answer, err
}

// final says whether no other server may be asked after this error: something of an answer is with the client, the client
// is what failed, or every server would say the same.
func (a *attempt) final(ctx context.Context, err error) bool {
	if !a.first.IsZero() || a.client != nil || ctx.Err() != nil {
		return true
	}
	var cannot *gateway.UnsupportedError
	for _, same := range []error{gateway.ErrRequest, gateway.ErrTooLong, gateway.ErrNoFunds, gateway.ErrSyncing} {
		if errors.Is(err, same) {
			return true
		}
	}
	return errors.As(err, &cannot)
}

// note writes down what the attempt says of the server. What the client did wrong says nothing.
func (a *attempt) note(ctx context.Context, answer gateway.Answer, err error) {
	var busy *gateway.BusyError
	now := a.router.book.now()
	switch {
	case err == nil:
		a.router.book.answered(a.at.Offer, a.begun, a.first, now, max(answer.CompletionTokens, a.pieces))
	case a.client != nil || ctx.Err() != nil:
	case errors.As(err, &busy):
		a.router.book.rest(a.at.Offer, now.Add(min(max(busy.RetryAfter, time.Second), maxRest)))
	case errors.Is(err, gateway.ErrBusy):
		a.router.book.rest(a.at.Offer, now.Add(time.Second))
	case errors.Is(err, gateway.ErrMaxFee), errors.Is(err, gateway.ErrNoModel), !a.first.IsZero() && !errors.Is(err, gateway.ErrUpstream):
	case a.final(ctx, err) && a.first.IsZero():
	default:
		a.router.book.failed(a.at.Offer, now)
	}
}
