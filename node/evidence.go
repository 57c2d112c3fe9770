package node

import (
	"context"

	"funai/inference/content"
	"funai/judge"
)

// evidence keeps what this seat's verdicts rest on, for disputes: a vote's opening binds the seat to the hashes of it. It is
// kept for as long as the contents it is about, and no longer, for it tells about them.
type evidence struct {
	store    *content.Store
	contents *content.Store
	changed  func() <-chan struct{} // closed when the chain moves, which is when contents go
}

// keep stores the evidence of a task's verdict under its hash.
func (k *evidence) keep(ctx context.Context, task [32]byte, e judge.Evidence) error {
	return k.store.Put(ctx, task, e.Hash(), e.Encode())
}

// forget deletes evidence whose contents are gone, until the context ends.
func (k *evidence) forget(ctx context.Context) error {
	for {
		moved := k.changed()
		for _, task := range k.store.Tasks() {
			if len(k.contents.Hashes(task)) > 0 {
				continue
			}
			if err := k.store.DeleteTask(task); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}
