package postgres

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"funai/gateway/account"
	"funai/gateway/account/accounttest"
)

func opener(url string) func(testing.TB, *accounttest.Clock) account.Store {
	return func(t testing.TB, c *accounttest.Clock) account.Store {
		t.Helper()
		s, err := Open(t.Context(), url, Options{Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
}

func TestPostgreSQLKeepsAccounts(t *testing.T) {
	url := accounttest.Postgres(t)
	accounttest.Run(t, opener(url))

	t.Run("TwoReplicasNeverOverspendOneBudget", func(t *testing.T) {
		c := accounttest.NewClock()
		open := opener(url)
		accounttest.Race(t, c, open(t, c), open(t, c))
	})
	t.Run("TheTableItselfRefusesToOverspend", func(t *testing.T) {
		c := accounttest.NewClock()
		k, _ := accounttest.Make(t, opener(url)(t, c), c, account.Limits{Budget: 10})
		db, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(t.Context())
		if _, err := db.Exec(t.Context(), "UPDATE funai_keys SET held = 11 WHERE id = $1", k.ID); err == nil {
			t.Error("11 are held of a budget of 10")
		}
	})
	t.Run("ANewerDatabaseIsRefused", func(t *testing.T) {
		db, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(t.Context())
		if _, err := db.Exec(t.Context(), "INSERT INTO funai_migrations (version) VALUES (1000)"); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), url, Options{}); !errors.Is(err, ErrVersion) {
			t.Errorf("opened: %v", err)
		}
	})
}
