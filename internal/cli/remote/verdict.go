package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"funai/inference/api"
)

// How a verdict is waited for.
const (
	// pollEvery is well under the two seconds that the fastest network has between ledger blocks.
	pollEvery = 250 * time.Millisecond
	// patience is how long the node may be away, or not know the question, before waiting for it makes no sense.
	patience = time.Minute
)

// Verdict waits until a question is settled, and calls progress with its receipt each time it was looked at. A node that
// doesn't know the question yet, or is away for a moment, is asked again for a minute.
func (c *Client) Verdict(ctx context.Context, id string, progress func(api.Receipt)) (api.Receipt, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	since := time.Now()
	for {
		r, err := c.Receipt(ctx, id)
		switch {
		case err == nil && r.Verdict != api.VerdictPending && r.Verdict != "":
			return r, nil
		case err == nil:
			since = time.Now()
			progress(r)
		case ctx.Err() != nil:
			return r, context.Cause(ctx)
		case !passing(err) || time.Since(since) > patience:
			return r, fmt.Errorf("waiting for the verdict: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, context.Cause(ctx)
		}
	}
}

// passing tells errors that may be gone at the next look.
func passing(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status == http.StatusNotFound || e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
	}
	return errors.Is(err, ErrNoNode)
}
