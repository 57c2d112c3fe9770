// Package account says what an API key of a shared gateway may spend: a budget in FAI, limits for each question and day,
// rates, expiry. Its rules are pure functions on a Key; a Store applies them so that no two replicas pass one another. It
// may import amount. Two stores are in its folders: embedded (Pebble) and postgres.
package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"funai/amount"
)

var (
	// ErrUnknown says that there is no such key.
	ErrUnknown = errors.New("no such API key")
	// ErrExpired says that a key's time is over.
	ErrExpired = errors.New("the API key has expired")
	// ErrRevoked says that a key was taken back.
	ErrRevoked = errors.New("the API key was revoked")
	// ErrModel says that a key may not ask this model.
	ErrModel = errors.New("the API key may not ask this model")
	// ErrBudget says that a key has spent what it may: the budget, or the day's part of it.
	ErrBudget = errors.New("the API key's budget is spent")
	// ErrHeld says that questions under way hold what is left of the budget; some of it may come back.
	ErrHeld = errors.New("the rest of the API key's budget is held by questions under way")
	// ErrNoHold says that a hold was settled already, or never made.
	ErrNoHold = errors.New("no such hold")
	// ErrLimits says that a key's limits can't be meant.
	ErrLimits = errors.New("bad limits of an API key")
)

// RateError says that a key asks too often, and when to try again.
type RateError struct {
	What       string // "requests" or "tokens"
	PerMinute  int
	RetryAfter time.Duration
}

func (e *RateError) Error() string {
	return fmt.Sprintf("the API key may use %d %s a minute; retry after %v", e.PerMinute, e.What, e.RetryAfter.Round(time.Millisecond))
}

// Bounds.
const (
	maxName           = 256
	maxModels         = 64
	maxPerMinute      = 1_000_000_000
	maxHolds          = 4096    // questions of one key under way at once
	maxTokensSettled  = 1 << 24 // of one question; what a server says may be anything
	maxErrorsInRecord = 512     // bytes

	// KeepUsage is how many usage records of each key are kept.
	KeepUsage = 10_000
	// HoldFor is when a hold lapses: longer than any question may take, so that only a dead gateway leaves one behind.
	HoldFor = time.Hour

	minute       = int64(time.Minute)
	secondsInDay = 24 * 60 * 60
)

// Limits are what an admin gives a key.
type Limits struct {
	Budget            amount.Amount `json:"budget"`              // base units in all; amount.Max is no limit
	PerRequest        amount.Amount `json:"per_request"`         // base units for one question; 0: no limit
	PerDay            amount.Amount `json:"per_day"`             // base units for each day, UTC; 0: no limit
	RequestsPerMinute int           `json:"requests_per_minute"` // 0: no limit
	TokensPerMinute   int           `json:"tokens_per_minute"`   // of prompts and answers; 0: no limit
	Models            []string      `json:"models,omitempty"`    // that may be asked; empty: all
}

// Check bounds the limits.
func (l Limits) Check() error {
	switch {
	case l.Budget == 0 || l.Budget > amount.Max || l.PerRequest > amount.Max || l.PerDay > amount.Max:
		return fmt.Errorf("%w: budget %v, %v a request, %v a day: not between 0 and %v, and a budget of 0 buys nothing", ErrLimits, l.Budget, l.PerRequest, l.PerDay, amount.Max)
	case l.RequestsPerMinute < 0 || l.TokensPerMinute < 0 || l.RequestsPerMinute > maxPerMinute || l.TokensPerMinute > maxPerMinute:
		return fmt.Errorf("%w: %d requests and %d tokens a minute, not 0 to %d", ErrLimits, l.RequestsPerMinute, l.TokensPerMinute, maxPerMinute)
	case len(l.Models) > maxModels:
		return fmt.Errorf("%w: %d models, more than %d", ErrLimits, len(l.Models), maxModels)
	}
	for _, m := range l.Models {
		if m == "" || len(m) > maxName {
			return fmt.Errorf("%w: a model's name has %d bytes, not 1 to %d", ErrLimits, len(m), maxName)
		}
	}
	return nil
}

// Key is an API key and how it stands. The secret itself is nowhere: only its SHA-256 is stored, by Store.Create.
type Key struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Limits  Limits    `json:"limits"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Revoked time.Time `json:"revoked,omitzero"` // zero: it was not

	Spent    amount.Amount `json:"spent"` // base units
	Held     amount.Amount `json:"held"`  // by questions under way
	Holds    int           `json:"holds"` // how many
	Day      int64         `json:"day"`   // that DaySpent is of, in days since 1970
	DaySpent amount.Amount `json:"day_spent"`
	Uses     uint64        `json:"uses"` // usage records written, the last one's number

	RequestPace int64 `json:"request_pace"` // theoretical arrival times, nanoseconds since 1970; see pace
	TokenPace   int64 `json:"token_pace"`
}

// Left is what the budget has left that nobody holds, in base units.
func (k *Key) Left() amount.Amount {
	if used := k.Spent + k.Held; used < k.Limits.Budget { // each is at most amount.Max, so the sum fits
		return k.Limits.Budget - used
	}
	return 0
}

// Hold is a part of a budget set aside for one question.
type Hold struct {
	ID      string        `json:"id"`
	Key     string        `json:"key"`
	Amount  amount.Amount `json:"amount"` // base units: the most that the question may cost
	Owed    amount.Amount `json:"owed"`   // base units that a transaction signed for it may cost; 0 before one is
	Receipt string        `json:"receipt,omitempty"`
	Lapses  time.Time     `json:"lapses"`
}

// Want is what a question asks of its key.
type Want struct {
	Model string
	Most  amount.Amount // base units that it may cost; the hold is this, or what is left if that is less
}

// Usage is the record of one question.
type Usage struct {
	Number     uint64        `json:"number"` // of the key's, from 1
	Key        string        `json:"key"`
	Time       time.Time     `json:"time"`
	Endpoint   string        `json:"endpoint"`
	Model      string        `json:"model"`
	Server     string        `json:"server,omitempty"`
	Receipt    string        `json:"receipt,omitempty"`
	Prompt     int           `json:"prompt_tokens"`
	Completion int           `json:"completion_tokens"`
	Fee        amount.Amount `json:"fee"`    // base units charged
	Status     int           `json:"status"` // HTTP; 499 is a client that went
	FirstToken time.Duration `json:"first_token_ns,omitempty"`
	Took       time.Duration `json:"took_ns"`
	Error      string        `json:"error,omitempty"`
}

// Store keeps keys. All methods may be called at once from many goroutines and, where the store is shared, many
// processes; what returned without an error survives the process.
type Store interface {
	// Create adds a key whose secret has this hash.
	Create(ctx context.Context, k Key, hash [32]byte) error
	// Find returns the key of a secret, or ErrUnknown.
	Find(ctx context.Context, hash [32]byte) (Key, error)
	// Get returns a key by its id, or ErrUnknown.
	Get(ctx context.Context, id string) (Key, error)
	// List returns up to limit keys with ids after the given one, in their order.
	List(ctx context.Context, after string, limit int) ([]Key, error)
	// Revoke ends a key. Questions under way are still settled.
	Revoke(ctx context.Context, id string) (Key, error)
	// Reserve sets part of the budget aside for a question, by the rules of Key.Reserve.
	Reserve(ctx context.Context, id string, w Want) (Hold, error)
	// Owe notes that a transaction was signed for a hold: if the gateway dies now, this much of it is spent.
	Owe(ctx context.Context, h Hold) error
	// Settle gives a hold back, charges the fee and writes the usage record down. A second time it is ErrNoHold.
	Settle(ctx context.Context, h Hold, u Usage) (Usage, error)
	// Usage returns up to limit records of a key, newest first, with numbers below before; 0 is from the newest.
	Usage(ctx context.Context, key string, before uint64, limit int) ([]Usage, error)
	// Close ends the use of the store.
	Close() error
}
