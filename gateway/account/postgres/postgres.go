// Package postgres keeps API keys in a PostgreSQL database that many gateway replicas share. A key's row is locked for
// each change, so that two replicas never overspend one budget; the table's own check holds even against a mistake here.
// It may import account. PostgreSQL documentation, section 13.3 (explicit locking).
package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"funai/gateway/account"
)

// ErrVersion says that a database was made by a newer program.
var ErrVersion = errors.New("the database is of a newer version")

// connectTimeout bounds the first connection.
const connectTimeout = 15 * time.Second

// Store is an account.Store in a database.
type Store struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

var _ account.Store = (*Store)(nil)

// Options say how a store works.
type Options struct {
	Now func() time.Time // nil: time.Now
}

// Open connects to a database, given as a URL or in libpq's words, and brings its tables to this version.
func Open(ctx context.Context, where string, o Options) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	pool, err := pgxpool.New(ctx, where)
	if err != nil {
		return nil, fmt.Errorf("database of API keys: %w", err)
	}
	s := &Store{pool: pool, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.migrate(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("database of API keys: %w", err)
	}
	return s, nil
}

// Close implements account.Store.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// Create implements account.Store.
func (s *Store) Create(ctx context.Context, k account.Key, hash [32]byte) error {
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, "INSERT INTO funai_keys (id, hash, record, budget, spent, held) VALUES ($1, $2, $3, $4, $5, $6)",
		k.ID, hash[:], raw, int64(k.Limits.Budget), int64(k.Spent), int64(k.Held))
	return err
}

// Find implements account.Store.
func (s *Store) Find(ctx context.Context, hash [32]byte) (account.Key, error) {
	return one[account.Key](s.pool.QueryRow(ctx, "SELECT record FROM funai_keys WHERE hash = $1", hash[:]), account.ErrUnknown)
}

// Get implements account.Store.
func (s *Store) Get(ctx context.Context, id string) (account.Key, error) {
	return one[account.Key](s.pool.QueryRow(ctx, "SELECT record FROM funai_keys WHERE id = $1", id), account.ErrUnknown)
}

// List implements account.Store.
func (s *Store) List(ctx context.Context, after string, limit int) ([]account.Key, error) {
	rows, err := s.pool.Query(ctx, "SELECT record FROM funai_keys WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
	return all[account.Key](rows, err)
}

// Usage implements account.Store.
func (s *Store) Usage(ctx context.Context, key string, before uint64, limit int) ([]account.Usage, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	rows, err := s.pool.Query(ctx, "SELECT record FROM funai_usage WHERE key = $1 AND number < $2 ORDER BY number DESC LIMIT $3", key, int64(before), limit)
	return all[account.Usage](rows, err)
}

// one reads a record, or returns the error for none.
func one[T any](row pgx.Row, none error) (out T, err error) {
	var raw []byte
	if err := row.Scan(&raw); errors.Is(err, pgx.ErrNoRows) {
		return out, none
	} else if err != nil {
		return out, err
	}
	return out, json.Unmarshal(raw, &out)
}

func all[T any](rows pgx.Rows, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return one[T](row, pgx.ErrNoRows) })
}
