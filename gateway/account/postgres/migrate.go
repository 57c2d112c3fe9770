package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the advisory lock that replicas starting together take in turn; the number is "funai" on a telephone.
const migrationLock = 38624

// migrate brings the database to this version's tables, each step in the one transaction that also notes it.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Glob(migrations, "migrations/*.sql") // in the order of their names
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS funai_migrations (version int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"); err != nil {
			return err
		}
		var at int
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM funai_migrations").Scan(&at); err != nil {
			return err
		}
		if at > len(files) {
			return fmt.Errorf("%w: it is at version %d, this program knows %d", ErrVersion, at, len(files))
		}
		for _, f := range files[at:] {
			number, _, _ := strings.Cut(strings.TrimPrefix(f, "migrations/"), "_")
			version, err := strconv.Atoi(number)
			if err != nil {
				return fmt.Errorf("migration %s has no number: %w", f, err)
			}
			sql, err := migrations.ReadFile(f)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, string(sql)); err != nil {
				return fmt.Errorf("migration %s: %w", f, err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO funai_migrations (version) VALUES ($1)", version); err != nil {
				return err
			}
		}
		return nil
	})
}
