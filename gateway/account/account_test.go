package account

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"funai/amount"
)

// TestNoOrderOfQuestionsOverspends: whatever is reserved, settled, lost and how much time passes, what is spent and held
// stays within the budget, and what comes back can be spent again.
func TestNoOrderOfQuestionsOverspends(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.Uint64Range(0, 120)
		now := time.Unix(1_900_000_000, 0)
		k, err := NewKey("k", Limits{Budget: 100, PerRequest: amount.Amount(rapid.Uint64Range(0, 60).Draw(t, "per request")),
			PerDay: amount.Amount(rapid.Uint64Range(0, 80).Draw(t, "per day"))}, now, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var holds []Hold
		charged := amount.Amount(0)
		pick := func() Hold {
			i := rapid.IntRange(0, len(holds)-1).Draw(t, "hold")
			h := holds[i]
			holds = append(holds[:i], holds[i+1:]...)
			return h
		}
		some := func() {
			if len(holds) == 0 {
				t.Skip("nothing is held")
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				h, err := k.Reserve(now, Want{Most: amount.Amount(amounts.Draw(t, "most"))})
				if err == nil {
					holds = append(holds, h)
				} else if !errors.Is(err, ErrBudget) && !errors.Is(err, ErrHeld) {
					t.Fatal(err)
				}
			},
			"settle": func(t *rapid.T) {
				some()
				charged += k.Settle(now, pick(), Usage{Fee: amount.Amount(amounts.Draw(t, "fee"))}).Fee
			},
			"lapse": func(t *rapid.T) {
				some()
				h := pick()
				h.Owed = amount.Amount(amounts.Draw(t, "owed"))
				k.Lapse(now, h)
				charged += min(h.Owed, h.Amount)
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "time")))
			},
			"": func(t *rapid.T) {
				held := amount.Amount(0)
				for _, h := range holds {
					held += h.Amount
				}
				if k.Spent != charged || k.Held != held || k.Holds != len(holds) || k.Spent+k.Held > 100 {
					t.Fatalf("spent %d of %d charged, held %d of %d", k.Spent, charged, k.Held, held)
				}
				if l := k.Limits.PerDay; l > 0 && k.DaySpent > l+k.Limits.Budget {
					t.Fatalf("%d in a day, at most %d", k.DaySpent, l)
				}
			},
		})
	})
}

func TestKeysThatCannotBeMeantAreRefused(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		name    string
		l       Limits
		expires time.Time
	}{
		"no budget":        {"k", Limits{}, time.Time{}},
		"too much":         {"k", Limits{Budget: amount.Max + 1}, time.Time{}},
		"a negative rate":  {"k", Limits{Budget: 1, RequestsPerMinute: -1}, time.Time{}},
		"a nameless model": {"k", Limits{Budget: 1, Models: []string{""}}, time.Time{}},
		"many models":      {"k", Limits{Budget: 1, Models: make([]string, maxModels+1)}, time.Time{}},
		"a long name":      {strings.Repeat("x", maxName+1), Limits{Budget: 1}, time.Time{}},
		"expired":          {"k", Limits{Budget: 1}, now},
	} {
		if _, err := NewKey(c.name, c.l, now, c.expires); !errors.Is(err, ErrLimits) {
			t.Errorf("%s: %v", name, err)
		}
	}
	k, err := NewKey("k", Limits{Budget: 1}, now, now.Add(time.Hour))
	if err != nil || k.Usable(now) != nil || !errors.Is(k.Usable(now.Add(time.Hour)), ErrExpired) {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestSecretsAreOurs(t *testing.T) {
	a, hash := NewSecret()
	b, _ := NewSecret()
	if a == b || !IsSecret(a) || IsSecret("sk-something") || Hash(a) != hash || len(a) < 40 {
		t.Errorf("%q, %q", a, b)
	}
}

// TestTokensWithoutNumberStillSlowAKeyDown: what a server says that it read and made may be anything.
func TestTokensWithoutNumberStillSlowAKeyDown(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	for _, n := range []int{1 << 20, 1 << 31, 1 << 62} {
		k := Key{ID: "k", Limits: Limits{Budget: 100, TokensPerMinute: 1}}
		for range 3 {
			k.Settle(now, Hold{}, Usage{Prompt: n, Completion: n})
		}
		var rate *RateError
		if _, err := k.Reserve(now.Add(time.Hour), Want{}); !errors.As(err, &rate) {
			t.Errorf("after %d tokens: %v", n, err)
		}
	}
}
