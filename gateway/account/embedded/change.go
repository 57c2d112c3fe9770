package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"funai/gateway/account"
)

// change applies a change made under the lock, and waits for its sync outside of it, so that many share one. After a write that
// the disk didn't take, a full one too, nobody knows what is on it: nothing is changed any more until the store is opened anew.
func (s *Store) change(f func(b *pebble.Batch) error) error {
	b := s.db.NewBatch()
	if err := s.apply(b, f); err != nil {
		return err
	}
	if err := errors.Join(b.SyncWait(), b.Close()); err != nil {
		return s.fail(err)
	}
	return nil
}

func (s *Store) apply(b *pebble.Batch, f func(b *pebble.Batch) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed := s.failed.Load(); failed != nil {
		return errors.Join(*failed, b.Close())
	}
	if err := f(b); err != nil {
		return errors.Join(err, b.Close())
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fatal: // the batch stays Pebble's
			err = s.fail(p)
		default:
			panic(p)
		}
	}()
	return s.db.ApplyNoSyncWait(b, pebble.Sync)
}

// fail notes that the disk didn't take a write.
func (s *Store) fail(err error) error {
	err = fmt.Errorf("%w: %w", ErrDisk, err)
	s.failed.CompareAndSwap(nil, &err)
	return *s.failed.Load()
}

// changeKey changes one key's record.
func (s *Store) changeKey(id string, f func(b *pebble.Batch, k *account.Key) error) error {
	return s.change(func(b *pebble.Batch) error {
		k, err := s.key(id)
		if err != nil {
			return err
		}
		if err := f(b, &k); err != nil {
			return err
		}
		return put(b, keyOf(spaceKey, id), k)
	})
}

// Revoke implements account.Store.
func (s *Store) Revoke(_ context.Context, id string) (out account.Key, err error) {
	err = s.changeKey(id, func(_ *pebble.Batch, k *account.Key) error {
		if k.Revoked.IsZero() {
			k.Revoked = s.now().UTC()
		}
		out = *k
		return nil
	})
	return out, err
}

// Reserve implements account.Store.
func (s *Store) Reserve(_ context.Context, id string, w account.Want) (h account.Hold, err error) {
	err = s.changeKey(id, func(b *pebble.Batch, k *account.Key) error {
		before := *k
		if h, err = k.Reserve(s.now(), w); k.Short(err) {
			*k = before
			if err := s.lapse(b, k); err != nil {
				return err
			}
			h, err = k.Reserve(s.now(), w)
		}
		if err != nil {
			return err
		}
		return put(b, keyOf(spaceHold, id, h.ID), h)
	})
	return h, err
}

// lapse gives back what dead gateways left held.
func (s *Store) lapse(b *pebble.Batch, k *account.Key) error {
	now := s.now()
	lower := append(keyOf(spaceHold, k.ID), '/')
	upper := append(keyOf(spaceHold, k.ID), '/'+1)
	return s.each(lower, upper, func(raw []byte) (bool, error) {
		var h account.Hold
		if err := read(raw, &h); err != nil {
			return false, err
		}
		if now.Before(h.Lapses) {
			return true, nil
		}
		k.Lapse(now, h)
		return true, b.Delete(keyOf(spaceHold, k.ID, h.ID), nil)
	})
}

// hold reads a hold as it is stored.
func (s *Store) hold(h account.Hold) (stored account.Hold, err error) {
	raw, err := s.get(keyOf(spaceHold, h.Key, h.ID))
	if errors.Is(err, pebble.ErrNotFound) {
		return stored, account.ErrNoHold
	}
	if err != nil {
		return stored, err
	}
	return stored, read(raw, &stored)
}

// Owe implements account.Store.
func (s *Store) Owe(_ context.Context, h account.Hold) error {
	return s.change(func(b *pebble.Batch) error {
		stored, err := s.hold(h)
		if err != nil {
			return err
		}
		stored.Owed, stored.Receipt = h.Owed, h.Receipt
		return put(b, keyOf(spaceHold, h.Key, h.ID), stored)
	})
}

// Settle implements account.Store.
func (s *Store) Settle(_ context.Context, h account.Hold, u account.Usage) (out account.Usage, err error) {
	err = s.changeKey(h.Key, func(b *pebble.Batch, k *account.Key) error {
		stored, err := s.hold(h)
		if err != nil {
			return err
		}
		out = k.Settle(s.now(), stored, u)
		if out.Number > account.KeepUsage {
			if err := b.Delete(useKey(h.Key, out.Number-account.KeepUsage), nil); err != nil {
				return err
			}
		}
		return errors.Join(b.Delete(keyOf(spaceHold, h.Key, h.ID), nil), put(b, useKey(h.Key, out.Number), out))
	})
	return out, err
}
