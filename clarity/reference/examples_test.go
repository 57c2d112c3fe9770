package reference_test

import (
	"testing"

	"funai/clarity/reference"
	"funai/clarity/session"
	"funai/clarity/types"
	"funai/clarity/value"
)

func TestEveryExampleGivesItsResult(t *testing.T) {
	for _, e := range reference.All() {
		for _, x := range e.Examples {
			if got, err := run(e, x); err != nil {
				t.Errorf("%s: %s: %v", e.Name, x.Code, err)
			} else if got != x.Result {
				t.Errorf("%s: %s gives %s, want %s", e.Name, x.Code, got, x.Result)
			}
		}
	}
}

// run evaluates an example in a contract of its own.
func run(e reference.Entry, x reference.Example) (string, error) {
	epoch := types.LatestEpoch
	if e.Name == "at-block" {
		epoch = types.Epoch33 // the last with it
	}
	s := session.New(session.Options{Epoch: epoch, Ledger: e.Ledger})
	if err := s.Mint(s.Sender(), value.Uint128{Lo: 1e12}); err != nil {
		return "", err
	}
	if x.Other != "" {
		if _, err := s.Deploy("other", x.Other, e.Version()); err != nil {
			return "", err
		}
	}
	if _, err := s.Deploy("example", x.Setup+"\n(define-private (example) "+x.Code+")", e.Version()); err != nil {
		return "", err
	}
	id, err := s.Contract("example")
	if err != nil {
		return "", err
	}
	r, err := s.Private(id, "example")
	if err != nil {
		return "", err
	}
	return r.Value.String(), nil
}
