package account

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"funai/amount"
)

// NewKey makes a key's record, valid from now on.
func NewKey(name string, l Limits, now, expires time.Time) (Key, error) {
	if len(name) > maxName {
		return Key{}, fmt.Errorf("%w: the name has %d bytes, more than %d", ErrLimits, len(name), maxName)
	}
	if err := l.Check(); err != nil {
		return Key{}, err
	}
	if !expires.IsZero() && !expires.After(now) {
		return Key{}, fmt.Errorf("%w: it expires at %v, it is %v", ErrLimits, expires, now)
	}
	return Key{ID: newID(8), Name: name, Limits: l, Created: now.UTC(), Expires: expires.UTC()}, nil
}

func newID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails (Go 1.24)
	return hex.EncodeToString(b)
}

// Usable says whether a key may be used now, or why not.
func (k *Key) Usable(now time.Time) error {
	switch {
	case !k.Revoked.IsZero():
		return ErrRevoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return fmt.Errorf("%w: at %v", ErrExpired, k.Expires.Format(time.RFC3339))
	}
	return nil
}

// May says whether a key may ask a model.
func (k *Key) May(model string) bool {
	return len(k.Limits.Models) == 0 || slices.Contains(k.Limits.Models, model)
}

// Reserve sets aside what a question may cost: what it wants, but no more than the key's limits and what is left. Whoever
// asks must hold the question to that.
func (k *Key) Reserve(now time.Time, w Want) (Hold, error) {
	if err := k.Usable(now); err != nil {
		return Hold{}, err
	}
	if !k.May(w.Model) {
		return Hold{}, fmt.Errorf("%w: %q", ErrModel, w.Model)
	}
	if k.Holds >= maxHolds {
		return Hold{}, &RateError{What: "questions at once", PerMinute: maxHolds, RetryAfter: time.Second}
	}
	most := w.Most
	if l := k.Limits.PerRequest; l > 0 {
		most = min(most, l)
	}
	left, spent := k.Left(), k.Spent
	whole := k.Limits.Budget
	if l := k.Limits.PerDay; l > 0 {
		day := amount.Amount(0)
		if k.Day == dayOf(now) {
			day = k.DaySpent
		}
		// What is held counts for today: it may be charged today.
		if today := l - min(l, day+k.Held); today < left {
			left, spent, whole = today, day, l
		}
	}
	if left == 0 && most > 0 {
		if spent < whole {
			return Hold{}, fmt.Errorf("%w: %v of %v are spent, %v are held", ErrHeld, spent, whole, k.Held)
		}
		return Hold{}, fmt.Errorf("%w: %v of %v", ErrBudget, spent, whole)
	}
	if err := k.keepPace(now); err != nil {
		return Hold{}, err
	}
	h := Hold{ID: newID(16), Key: k.ID, Amount: min(most, left), Lapses: now.Add(HoldFor).UTC()}
	k.Held += h.Amount
	k.Holds++
	return h, nil
}

// keepPace counts a request against the rates.
func (k *Key) keepPace(now time.Time) error {
	if r := k.Limits.TokensPerMinute; r > 0 {
		// Tokens are known afterwards: who used more than a minute's worth waits until it is paid off.
		if wait := k.TokenPace - now.UnixNano() - minute; wait > 0 {
			return &RateError{What: "tokens", PerMinute: r, RetryAfter: time.Duration(wait)}
		}
	}
	if r := k.Limits.RequestsPerMinute; r > 0 {
		next := pace(k.RequestPace, now, r, 1)
		if wait := next - now.UnixNano() - minute; wait > 0 {
			return &RateError{What: "requests", PerMinute: r, RetryAfter: time.Duration(wait)}
		}
		k.RequestPace = next
	}
	return nil
}

// pace moves a theoretical arrival time by n of a rate (generic cell rate algorithm, ITU-T I.371): as long as it is no
// more than a minute ahead, the rate is kept, with bursts of up to a minute's worth. n is at most 2*maxTokensSettled.
func pace(at int64, now time.Time, perMinute int, n int64) int64 {
	at, step := max(at, now.UnixNano()), max(n*minute/int64(perMinute), 1)
	return at + min(step, math.MaxInt64-at)
}

// Settle gives a hold back and charges the fee, which is never more than was held. It numbers the record.
func (k *Key) Settle(now time.Time, h Hold, u Usage) Usage {
	u.Fee = min(u.Fee, h.Amount)
	k.Held -= min(k.Held, h.Amount)
	k.Holds = max(k.Holds-1, 0)
	k.charge(now, u.Fee)
	if r := k.Limits.TokensPerMinute; r > 0 {
		if n := int64(min(max(u.Prompt, 0), maxTokensSettled)) + int64(min(max(u.Completion, 0), maxTokensSettled)); n > 0 {
			k.TokenPace = pace(k.TokenPace, now, r, n)
		}
	}
	k.Uses++
	u.Number, u.Key, u.Time = k.Uses, k.ID, now.UTC()
	if len(u.Error) > maxErrorsInRecord {
		u.Error = u.Error[:maxErrorsInRecord]
	}
	return u
}

func (k *Key) charge(now time.Time, fee amount.Amount) {
	if d := dayOf(now); k.Day != d {
		k.Day, k.DaySpent = d, 0
	}
	k.Spent += fee
	k.DaySpent += fee
}

// Lapse ends a hold whose gateway died: what a signed transaction may have cost is spent, for the network may have been
// paid; the rest comes back.
func (k *Key) Lapse(now time.Time, h Hold) {
	k.Held -= min(k.Held, h.Amount)
	k.Holds = max(k.Holds-1, 0)
	k.charge(now, min(h.Owed, h.Amount))
}

// Short says whether an error of Reserve may be gone once lapsed holds are given back.
func (k *Key) Short(err error) bool { return err != nil && k.Holds > 0 }

func dayOf(t time.Time) int64 { return t.Unix() / secondsInDay }
