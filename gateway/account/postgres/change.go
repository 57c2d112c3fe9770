package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"funai/gateway/account"
)

// changeKey changes a key's record with its row locked.
func (s *Store) changeKey(ctx context.Context, id string, f func(tx pgx.Tx, k *account.Key) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		k, err := one[account.Key](tx.QueryRow(ctx, "SELECT record FROM funai_keys WHERE id = $1 FOR UPDATE", id), account.ErrUnknown)
		if err != nil {
			return err
		}
		if err := f(tx, &k); err != nil {
			return err
		}
		raw, err := json.Marshal(k)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE funai_keys SET record = $2, spent = $3, held = $4 WHERE id = $1", id, raw, int64(k.Spent), int64(k.Held))
		return err
	})
}

// Revoke implements account.Store.
func (s *Store) Revoke(ctx context.Context, id string) (out account.Key, err error) {
	err = s.changeKey(ctx, id, func(_ pgx.Tx, k *account.Key) error {
		if k.Revoked.IsZero() {
			k.Revoked = s.now().UTC()
		}
		out = *k
		return nil
	})
	return out, err
}

// Reserve implements account.Store.
func (s *Store) Reserve(ctx context.Context, id string, w account.Want) (h account.Hold, err error) {
	err = s.changeKey(ctx, id, func(tx pgx.Tx, k *account.Key) error {
		before := *k
		if h, err = k.Reserve(s.now(), w); k.Short(err) {
			*k = before
			if err := s.lapse(ctx, tx, k); err != nil {
				return err
			}
			h, err = k.Reserve(s.now(), w)
		}
		if err != nil {
			return err
		}
		raw, err := json.Marshal(h)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO funai_holds (id, key, lapses, record) VALUES ($1, $2, $3, $4)", h.ID, id, h.Lapses, raw)
		return err
	})
	return h, err
}

// lapse gives back what dead replicas left held.
func (s *Store) lapse(ctx context.Context, tx pgx.Tx, k *account.Key) error {
	now := s.now()
	rows, err := tx.Query(ctx, "DELETE FROM funai_holds WHERE key = $1 AND lapses <= $2 RETURNING record", k.ID, now)
	holds, err := all[account.Hold](rows, err)
	if err != nil {
		return err
	}
	for _, h := range holds {
		k.Lapse(now, h)
	}
	return nil
}

// Owe implements account.Store.
func (s *Store) Owe(ctx context.Context, h account.Hold) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		stored, err := one[account.Hold](tx.QueryRow(ctx, "SELECT record FROM funai_holds WHERE id = $1 FOR UPDATE", h.ID), account.ErrNoHold)
		if err != nil {
			return err
		}
		stored.Owed, stored.Receipt = h.Owed, h.Receipt
		raw, err := json.Marshal(stored)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE funai_holds SET record = $2 WHERE id = $1", h.ID, raw)
		return err
	})
}

// Settle implements account.Store.
func (s *Store) Settle(ctx context.Context, h account.Hold, u account.Usage) (out account.Usage, err error) {
	err = s.changeKey(ctx, h.Key, func(tx pgx.Tx, k *account.Key) error {
		stored, err := one[account.Hold](tx.QueryRow(ctx, "DELETE FROM funai_holds WHERE id = $1 RETURNING record", h.ID), account.ErrNoHold)
		if err != nil {
			return err
		}
		out = k.Settle(s.now(), stored, u)
		raw, err := json.Marshal(out)
		if err != nil {
			return err
		}
		_, insert := tx.Exec(ctx, "INSERT INTO funai_usage (key, number, record) VALUES ($1, $2, $3)", h.Key, int64(out.Number), raw)
		if insert != nil || out.Number <= account.KeepUsage {
			return insert
		}
		_, trim := tx.Exec(ctx, "DELETE FROM funai_usage WHERE key = $1 AND number <= $2", h.Key, int64(out.Number-account.KeepUsage))
		return trim
	})
	return out, err
}
