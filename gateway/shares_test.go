package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"funai/amount"
	"funai/gateway/account"
	"funai/gateway/gatewaytest"
)

// TestEachPromptHasTheShareThatItNeeds: of what is held for one request a long prompt gets more than a short one.
func TestEachPromptHasTheShareThatItNeeds(t *testing.T) {
	change, _, secret := keyed(t, pebbleStore(t), account.Limits{Budget: amount.FAI})
	_, url := behind(t, &gatewaytest.Engine{}, change)
	body := fmt.Sprintf(`{"model":"tiny","prompt":["a",%q],"max_tokens":10}`, strings.Repeat("long ", 200))
	if status, _, body := call(t, http.MethodPost, url+"/v1/completions", secret, body); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

// TestTextsTogetherMayExceedTheContext: each is embedded by itself, and a budget that pays for all of them is enough.
func TestTextsTogetherMayExceedTheContext(t *testing.T) {
	s := pebbleStore(t)
	change, id, secret := keyed(t, s, account.Limits{Budget: amount.FAI})
	_, url := behind(t, &gatewaytest.Engine{}, change)
	text := fmt.Sprintf("%q", strings.Repeat("text ", 50))
	status, _, body := call(t, http.MethodPost, url+"/v1/embeddings", secret, `{"model":"vectors","input":[`+strings.Repeat(text+",", 7)+text+`]}`)
	if status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if k, err := s.Get(t.Context(), id); err != nil || k.Spent != 3*8 || k.Held != 0 {
		t.Errorf("%+v, %v", k, err)
	}
}
