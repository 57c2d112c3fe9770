package verifier

import (
	"context"
	"time"

	"funai/inference/tx"
)

// look finds new receipts among the waiting transactions, and forgets those that wait no more.
func (v *Verifier) look() {
	for id, w := range v.receipts {
		if _, waits := v.Pool.Get(id); !waits && !w.flying {
			delete(v.receipts, id)
		} else if w.done && time.Since(w.said) > resendAfter {
			w.said = time.Now()
			v.ready = append(v.ready, id) // nobody packed it: a producer may have missed this seat's word
		}
	}
	ts, seq := v.Pool.Since(v.seq)
	v.seq = seq
	for _, t := range ts {
		r, ok := t.Payload.(*tx.Receipt)
		if !ok || v.receipts[t.ID()] != nil || len(v.receipts) >= maxPending {
			continue
		}
		from, err := t.Verify()
		if err != nil {
			continue
		}
		v.receipts[t.ID()] = &want{task: r.Task, from: from}
	}
}

// fetch starts what is due, while there is room.
func (v *Verifier) fetch(ctx context.Context) {
	if !v.seated() {
		return
	}
	flying := 0
	for _, w := range v.receipts {
		if w.flying {
			flying++
		}
	}
	for id, w := range v.receipts {
		if flying >= maxFetches {
			return
		}
		if w.flying || w.done || time.Now().Before(w.after) {
			continue
		}
		w.flying = true
		flying++
		task, from := w.task, w.from
		v.wg.Go(func() {
			_, err := v.Exchange.Fetch(ctx, from, task, id)
			select {
			case v.fetched <- fetched{id, err}:
			case <-ctx.Done():
			}
		})
	}
}

// seated says whether this node holds a seat in the present cycle.
func (v *Verifier) seated() bool {
	set, err := v.Chain.Set(uint32(max(v.Chain.Followed().Height, 0)))
	if err != nil {
		return false
	}
	for _, s := range set.Seats {
		if s.Signer == v.me {
			return true
		}
	}
	return false
}

// arrived notes the end of a fetch.
func (v *Verifier) arrived(f fetched) {
	w := v.receipts[f.receipt]
	if w == nil {
		return
	}
	w.flying = false
	if f.err == nil {
		w.done, w.said = true, time.Now()
		v.ready = append(v.ready, f.receipt)
		return
	}
	v.Logger.Debug("contents not fetched", "task", w.task, "err", f.err)
	w.tries++
	w.after = time.Now().Add(retryFetch)
	if w.tries >= fetchTries {
		delete(v.receipts, f.receipt)
	}
}

// say tells the chain which receipts' contents this seat holds, many at a time.
func (v *Verifier) say(ctx context.Context) {
	for len(v.ready) > 0 {
		n, times := min(len(v.ready), tx.MaxHeld), 0
		for _, id := range v.ready[:n] {
			if w := v.receipts[id]; w != nil {
				w.times++
				times = max(times, w.times)
			}
		}
		v.send(ctx, times, &tx.Held{Receipts: v.ready[:n]})
		v.ready = v.ready[n:]
	}
}
