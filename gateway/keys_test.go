package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/account"
	"funai/gateway/account/accounttest"
	"funai/gateway/account/embedded"
	"funai/gateway/account/postgres"
	"funai/gateway/gatewaytest"
)

func TestKeysHaveTheirTrueStatus(t *testing.T) {
	s := pebbleStore(t)
	change, id, secret := keyed(t, s, account.Limits{Budget: 340, RequestsPerMinute: 3, Models: []string{"tiny"}})
	_, url := behind(t, &gatewaytest.Engine{}, change)
	is := func(got int, body string, want int, code string) {
		t.Helper()
		if got != want || code != "" && !strings.Contains(body, `"code":"`+code+`"`) {
			t.Errorf("%d %s, not %d %s", got, body, want, code)
		}
	}
	status, _, body := ask(t, url, "", hi)
	is(status, body, 401, "invalid_api_key")
	status, _, body = ask(t, url, "funai-sk-wrong", hi)
	is(status, body, 401, "invalid_api_key")
	status, _, body = ask(t, url, "cookie", hi) // the owner
	is(status, body, 200, "")
	status, _, body = ask(t, url, secret, strings.Replace(hi, "tiny", "plain", 1))
	is(status, body, 403, "model_not_allowed")
	status, h, body := ask(t, url, secret, hi)
	is(status, body, 200, "")
	if h.Get("X-Funai-Fee") != "17" {
		t.Errorf("fee %q", h.Get("X-Funai-Fee"))
	}
	status, _, body = ask(t, url, secret, strings.Replace(hi, "100", "500", 1)) // could cost more than is left
	is(status, body, 402, "max_fee_too_low")
	status, _, body = ask(t, url, secret, hi)
	is(status, body, 402, "max_fee_too_low")
	status, h, body = ask(t, url, secret, hi)
	is(status, body, 429, "rate_limit_exceeded")
	if h.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	status, _, body = call(t, http.MethodGet, url+"/v1/key/usage", secret, "")
	is(status, body, 200, "")
	if strings.Count(body, `"number"`) != 3 || !strings.Contains(body, `"fee":17`) {
		t.Errorf("usage %s", body)
	}
	if _, err := s.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	status, _, body = ask(t, url, secret, hi)
	is(status, body, 401, "invalid_api_key")
}

func TestAdminMakesListsAndRevokesKeys(t *testing.T) {
	change, _, _ := keyed(t, pebbleStore(t), account.Limits{Budget: 1})
	_, url := behind(t, &gatewaytest.Engine{}, change)
	order := `{"name":"bob","limits":{"budget":1000000},"expires":"2999-01-01T00:00:00Z"}`
	for _, token := range []string{"", "wrong", "funai-sk-x"} {
		for _, m := range []string{http.MethodGet, http.MethodPost} {
			if status, _, _ := call(t, m, url+"/api/keys", token, order); status != 401 {
				t.Errorf("%s with %q: %d", m, token, status)
			}
		}
	}
	status, _, body := call(t, http.MethodPost, url+"/api/keys", "cookie", order)
	var made gateway.MadeKey
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 200 || !account.IsSecret(made.Secret) {
		t.Fatalf("%d %s, %v", status, body, err)
	}
	for _, bad := range []string{`{"name":"x"}`, `{"limits":{"budget":1,"bugdet":2}}`, `{"limits":{"budget":1}}{}`, `{"limits":{"budget":1},"expires":"2001-01-01T00:00:00Z"}`} {
		if status, _, body := call(t, http.MethodPost, url+"/api/keys", "cookie", bad); status != 400 {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
	if status, _, body := ask(t, url, made.Secret, hi); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if _, _, body := call(t, http.MethodGet, url+"/api/keys?limit=100", "cookie", ""); !strings.Contains(body, `"name":"bob"`) || strings.Contains(body, made.Secret) {
		t.Errorf("listed %s", body)
	}
	if _, _, body := call(t, http.MethodGet, url+"/api/keys/"+made.ID+"/usage", "cookie", ""); !strings.Contains(body, `"endpoint":"chat"`) {
		t.Errorf("usage %s", body)
	}
	if status, _, _ := call(t, http.MethodDelete, url+"/api/keys/"+made.ID, "cookie", ""); status != 200 {
		t.Errorf("revoked: %d", status)
	}
	if status, _, _ := ask(t, url, made.Secret, hi); status != 401 {
		t.Errorf("a revoked key asks: %d", status)
	}
	if status, _, _ := call(t, http.MethodDelete, url+"/api/keys/nothing", "cookie", ""); status != 404 {
		t.Errorf("nothing was revoked: %d", status)
	}
}

// TestTwoGatewaysNeverOverspendOneBudget: two gateways on one real database, many questions at once with one key.
func TestTwoGatewaysNeverOverspendOneBudget(t *testing.T) {
	db := accounttest.Postgres(t)
	open := func() account.Store {
		s, err := postgres.Open(t.Context(), db, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	first, second := open(), open()
	const budget = 17*10 + 330 // ten answers, and what one may cost beforehand
	change, id, secret := keyed(t, first, account.Limits{Budget: budget})
	e := &gatewaytest.Engine{}
	_, a := behind(t, e, change)
	_, b := behind(t, e, change, func(c *gateway.Config) { c.Accounts = second })
	var wg sync.WaitGroup
	var mu sync.Mutex
	paid := 0
	for i := range 8 {
		wg.Go(func() {
			for n := range 8 {
				url := []string{a, b}[(i+n)%2]
				switch status, _, body := ask(t, url, secret, hi); status {
				case 200:
					mu.Lock()
					paid++
					mu.Unlock()
				case 402, 429: // nothing left, or held by others
				default:
					t.Errorf("%d %s", status, body)
				}
			}
		})
	}
	wg.Wait()
	k, err := second.Get(t.Context(), id)
	if err != nil || k.Held != 0 || k.Spent != amount.Amount(17*paid) || k.Spent > budget || paid == 0 {
		t.Errorf("%d answers, %d spent of %d, %d held: %v", paid, k.Spent, budget, k.Held, err)
	}
}

func TestAStoreThatIsGoneMeansNoAnswers(t *testing.T) {
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	change, _, secret := keyed(t, broken{s}, account.Limits{Budget: amount.FAI})
	t.Cleanup(func() { s.Close() })
	e := &gatewaytest.Engine{}
	_, url := behind(t, e, change)
	if status, _, body := ask(t, url, secret, hi); status != 503 || !strings.Contains(body, "accounts_unavailable") || strings.Contains(body, "secret") || e.Asked() != 0 {
		t.Errorf("%d %s", status, body)
	}
}

// broken is a store that can't be written.
type broken struct{ account.Store }

func (broken) Reserve(context.Context, string, account.Want) (account.Hold, error) {
	return account.Hold{}, errors.New("connection to secret-host refused")
}
