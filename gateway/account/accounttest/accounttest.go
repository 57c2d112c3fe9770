// Package accounttest holds what every account.Store is held to, and starts a real PostgreSQL server for tests.
package accounttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"funai/amount"
	"funai/gateway/account"
)

// Clock is a clock that a test moves.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock stands at noon of a day, so that nothing depends on when tests run.
func NewClock() *Clock { return &Clock{at: time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass lets time pass.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Make creates a key and returns it with the hash of its secret.
func Make(t testing.TB, s account.Store, c *Clock, l account.Limits) (account.Key, [32]byte) {
	t.Helper()
	k, err := account.NewKey("test", l, c.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	_, hash := account.NewSecret()
	if err := s.Create(t.Context(), k, hash); err != nil {
		t.Fatal(err)
	}
	return k, hash
}

// Run holds a store to the contract. open returns the same store each time, so that what one wrote another reads.
func Run(t *testing.T, open func(testing.TB, *Clock) account.Store) {
	t.Helper()
	for name, f := range map[string]func(*testing.T, account.Store, *Clock){
		"KeysAreFoundListedAndRevoked":      keys,
		"BudgetIsHeldThenChargedOrReturned": budget,
		"LimitsOfRequestAndDay":             limits,
		"Rates":                             rates,
		"HoldsOfTheDeadLapse":               lapses,
		"UsageIsPagedNewestFirst":           usage,
		"ManyAtOnceNeverOverspend":          func(t *testing.T, s account.Store, c *Clock) { Race(t, c, s) },
	} {
		t.Run(name, func(t *testing.T) {
			c := NewClock()
			f(t, open(t, c), c)
		})
	}
}

func want(t *testing.T, err, is error) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Fatalf("got %v, not %v", err, is)
	}
}

func keys(t *testing.T, s account.Store, c *Clock) {
	k, hash := Make(t, s, c, account.Limits{Budget: 100, Models: []string{"tiny"}})
	got, err := s.Find(t.Context(), hash)
	if err != nil || got.ID != k.ID || got.Limits.Budget != 100 || !got.Created.Equal(k.Created) || got.Limits.Models[0] != "tiny" {
		t.Fatalf("found %+v, %v", got, err)
	}
	_, err = s.Find(t.Context(), [32]byte{1})
	want(t, err, account.ErrUnknown)
	_, err = s.Get(t.Context(), "nothing")
	want(t, err, account.ErrUnknown)
	_, err = s.Reserve(t.Context(), k.ID, account.Want{Model: "other", Most: 1})
	want(t, err, account.ErrModel)
	seen, after := 0, ""
	for {
		page, err := s.List(t.Context(), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		if after = page[0].ID; after == k.ID {
			seen++
		}
	}
	if seen != 1 {
		t.Errorf("the key is listed %d times", seen)
	}
	if got, err := s.Revoke(t.Context(), k.ID); err != nil || got.Revoked.IsZero() {
		t.Fatalf("revoked %+v, %v", got, err)
	}
	_, err = s.Reserve(t.Context(), k.ID, account.Want{Model: "tiny", Most: 1})
	want(t, err, account.ErrRevoked)
	_, err = s.Revoke(t.Context(), "nothing")
	want(t, err, account.ErrUnknown)
}

func budget(t *testing.T, s account.Store, c *Clock) {
	k, _ := Make(t, s, c, account.Limits{Budget: 100})
	reserve := func(most amount.Amount) (account.Hold, error) {
		return s.Reserve(t.Context(), k.ID, account.Want{Model: "m", Most: most})
	}
	stands := func(spent, held amount.Amount) {
		t.Helper()
		if got, err := s.Get(t.Context(), k.ID); err != nil || got.Spent != spent || got.Held != held {
			t.Fatalf("spent %v, held %v, not %v and %v: %v", uint64(got.Spent), uint64(got.Held), uint64(spent), uint64(held), err)
		}
	}
	a, err := reserve(60)
	if err != nil || a.Amount != 60 {
		t.Fatal(a, err)
	}
	b, err := reserve(60) // as much as there is
	if err != nil || b.Amount != 40 {
		t.Fatal(b, err)
	}
	stands(0, 100)
	_, err = reserve(1)
	want(t, err, account.ErrHeld)
	if u, err := s.Settle(t.Context(), a, account.Usage{Fee: 10, Status: 200}); err != nil || u.Number != 1 || u.Fee != 10 {
		t.Fatal(u, err)
	}
	stands(10, 40)
	_, err = s.Settle(t.Context(), a, account.Usage{Fee: 10})
	want(t, err, account.ErrNoHold)
	if u, err := s.Settle(t.Context(), b, account.Usage{Fee: 1000}); err != nil || u.Fee != 40 { // never more than was held
		t.Fatal(u, err)
	}
	stands(50, 0)
	if a, err = reserve(1000); err != nil || a.Amount != 50 {
		t.Fatal(a, err)
	}
	if _, err = s.Settle(t.Context(), a, account.Usage{Fee: 0, Status: 502}); err != nil { // a failure costs nothing
		t.Fatal(err)
	}
	if a, err = reserve(50); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Settle(t.Context(), a, account.Usage{Fee: 50}); err != nil {
		t.Fatal(err)
	}
	_, err = reserve(1)
	want(t, err, account.ErrBudget)
	stands(100, 0)
}

func limits(t *testing.T, s account.Store, c *Clock) {
	k, _ := Make(t, s, c, account.Limits{Budget: amount.Max, PerRequest: 30, PerDay: 50})
	ask := func() (account.Hold, error) { return s.Reserve(t.Context(), k.ID, account.Want{Most: amount.Max}) }
	for _, amount := range []amount.Amount{30, 20} {
		h, err := ask()
		if err != nil || h.Amount != amount {
			t.Fatal(h, err)
		}
		if _, err := s.Settle(t.Context(), h, account.Usage{Fee: h.Amount}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := ask()
	want(t, err, account.ErrBudget)
	c.Pass(24 * time.Hour)
	if h, err := ask(); err != nil || h.Amount != 30 {
		t.Fatal(h, err)
	}
}

func rates(t *testing.T, s account.Store, c *Clock) {
	k, _ := Make(t, s, c, account.Limits{Budget: 100, RequestsPerMinute: 3, TokensPerMinute: 100})
	ask := func(tokens int) error {
		h, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 1})
		if err == nil {
			_, err = s.Settle(t.Context(), h, account.Usage{Prompt: tokens})
		}
		return err
	}
	waits := func(what string) time.Duration {
		t.Helper()
		var r *account.RateError
		if err := ask(0); !errors.As(err, &r) || r.What != what || r.RetryAfter <= 0 {
			t.Fatalf("got %v, not a wait for %s", err, what)
		}
		return r.RetryAfter
	}
	for range 3 {
		if err := ask(0); err != nil {
			t.Fatal(err)
		}
	}
	c.Pass(waits("requests"))
	if err := ask(300); err != nil { // three minutes' worth
		t.Fatal(err)
	}
	c.Pass(time.Minute)
	c.Pass(waits("tokens"))
	if err := ask(0); err != nil {
		t.Fatal(err)
	}
}

func lapses(t *testing.T, s account.Store, c *Clock) {
	k, _ := Make(t, s, c, account.Limits{Budget: 100})
	for _, owed := range []amount.Amount{0, 25} {
		h, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 50})
		if err != nil {
			t.Fatal(err)
		}
		if owed > 0 {
			h.Owed, h.Receipt = owed, "aa"
			if err := s.Owe(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 50})
	want(t, err, account.ErrHeld)
	c.Pass(account.HoldFor)
	h, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 100})
	if err != nil || h.Amount != 75 { // what was signed for may have been paid
		t.Fatal(uint64(h.Amount), err)
	}
	if got, err := s.Get(t.Context(), k.ID); err != nil || got.Spent != 25 || got.Holds != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	want(t, s.Owe(t.Context(), account.Hold{ID: "nothing", Key: k.ID}), account.ErrNoHold)
}

func usage(t *testing.T, s account.Store, c *Clock) {
	k, _ := Make(t, s, c, account.Limits{Budget: 100})
	for i := range 5 {
		h, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Settle(t.Context(), h, account.Usage{Model: fmt.Sprint("m", i), Prompt: i, Fee: 1, Took: time.Second, Status: 200}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for before := uint64(0); ; {
		page, err := s.Usage(t.Context(), k.ID, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			got = append(got, u.Model)
			before = u.Number
		}
	}
	if fmt.Sprint(got) != "[m4 m3 m2 m1 m0]" {
		t.Errorf("paged %v", got)
	}
}

// Race has several stores, each a replica over the same data, spend one budget at once, and checks that not one base unit
// too many was charged.
func Race(t *testing.T, c *Clock, stores ...account.Store) {
	t.Helper()
	const askers, each, budget = 8, 12, 500
	k, _ := Make(t, stores[0], c, account.Limits{Budget: budget})
	var mu sync.Mutex
	var charged amount.Amount
	var wg sync.WaitGroup
	for i := range askers {
		wg.Go(func() {
			s := stores[i%len(stores)]
			for n := range each {
				h, err := s.Reserve(t.Context(), k.ID, account.Want{Most: 20})
				if errors.Is(err, account.ErrHeld) || errors.Is(err, account.ErrBudget) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				u, err := s.Settle(t.Context(), h, account.Usage{Fee: amount.Amount(n * 3)})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				charged += u.Fee
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got, err := stores[0].Get(t.Context(), k.ID)
	if err != nil || charged > budget || got.Spent != charged || got.Held != 0 || got.Holds != 0 {
		t.Errorf("charged %d of %d; the key says %d spent, %d held in %d holds: %v", charged, budget, got.Spent, got.Held, got.Holds, err)
	}
	if charged == 0 {
		t.Error("nothing was spent")
	}
}
