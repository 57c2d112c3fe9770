package execution

import (
	"encoding/binary"
	"fmt"

	"funai/inference/state"
	"funai/inference/tx"
)

// What falls due at a ledger height is listed in pages of a fixed length, so that adding to a list costs the same however
// long it grows; and it is done a bounded amount at a time, so that a height on which very much falls due delays what
// follows and stops nothing.
const (
	duePage = 32 // entries of one page
	// maxDue bounds the due work of one block, in results, tasks, unlockings and ledger heights. It exceeds the openings
	// that a block has room for, so what waits does not grow.
	maxDue = 2048
	// maxSettled bounds the results that openings settle in one block: four times what a block can pack.
	maxSettled = 4 * MaxResults
)

// due is a list under its key. All pages but the last are kept under keys of their own.
type due[T any] struct {
	_     struct{} `cbor:",toarray"`
	First uint32   // page kept apart, not taken yet
	End   uint32   // pages kept apart so far
	Items []T      // the last page
}

func duePageKey(list []byte, page uint32) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(nil), list...), page)
}

// push appends to the list under a key.
func push[T any](m *Machine, k []byte, item T) error {
	var d due[T]
	if _, err := read(m.state, k, &d); err != nil {
		return err
	}
	if len(d.Items) >= duePage {
		m.put(duePageKey(k, d.End), d.Items)
		d.End, d.Items = d.End+1, nil
	}
	d.Items = append(d.Items, item)
	m.put(k, d)
	return nil
}

// pop takes up to n entries off the front of the list under a key, at most a page; none if the list is empty.
func pop[T any](m *Machine, k []byte, n int) ([]T, error) {
	var d due[T]
	ok, err := read(m.state, k, &d)
	if err != nil || !ok {
		return nil, err
	}
	if d.First == d.End {
		n = min(n, len(d.Items))
		front := d.Items[:n]
		if d.Items = d.Items[n:]; len(d.Items) == 0 {
			m.state.Delete(k)
		} else {
			m.put(k, d)
		}
		return front, nil
	}
	pk := duePageKey(k, d.First)
	var page []T
	if ok, err := read(m.state, pk, &page); err != nil {
		return nil, err
	} else if !ok {
		return nil, fmt.Errorf("%w: the list %x has no page %d", state.ErrCorrupt, k, d.First)
	}
	n = min(n, len(page))
	if front, rest := page[:n], page[n:]; len(rest) > 0 {
		m.put(pk, rest)
		return front, nil
	}
	m.state.Delete(pk)
	d.First++
	m.put(k, d)
	return page, nil
}

// catchUp does what fell due at ledger heights up to the block's, as much as fits one block; the blocks after it go on.
func (m *Machine) catchUp() error {
	var done uint32
	ok, err := read(m.state, doneKey, &done)
	if err != nil || ok && done == m.env.Ledger {
		return err
	}
	if !ok {
		done = m.env.Ledger // nothing can be due when the chain begins
	}
	for work := maxDue; done < m.env.Ledger && work > 0; work-- {
		all, err := m.doDue(done+1, &work)
		if err != nil {
			return err
		}
		if !all {
			break
		}
		done++
	}
	m.put(doneKey, done)
	return nil
}

// doDue does what falls due at one height: unanswered tasks expire, votes end, locked coins come free, and then, all
// verdicts of its tenure being in, a reward matures. It says whether that was all.
func (m *Machine) doDue(h uint32, work *int) (bool, error) {
	if all, err := m.each(dueTasksKey(h), duePage, work, m.expireTask); err != nil || !all {
		return false, err
	}
	if all, err := m.each(duePacksKey(h), 1, work, m.settleDue); err != nil || !all {
		return false, err
	}
	for *work > 0 {
		list, err := pop[Unlocking](m, unlockKey(h), min(duePage, *work))
		if err != nil {
			return false, err
		}
		if len(list) == 0 {
			return true, m.matureReward(h)
		}
		*work -= len(list)
		for _, u := range list {
			if err := m.release(u); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// each takes ids off a list, some at a time, and does them while there is work to be given. It says whether it did all.
func (m *Machine) each(k []byte, some int, work *int, do func([32]byte) (int, error)) (bool, error) {
	for *work > 0 {
		ids, err := pop[[32]byte](m, k, min(some, *work))
		if err != nil || len(ids) == 0 {
			return err == nil, err
		}
		for _, id := range ids {
			n, err := do(id)
			if err != nil {
				return false, err
			}
			*work -= n
		}
	}
	return false, nil
}

// expireTask refunds a task that nobody answered by its expiry.
func (m *Machine) expireTask(id [32]byte) (int, error) {
	t, ok, err := TaskOf(m.state, tx.ID(id))
	if err != nil || !ok || t.Pack != ([32]byte{}) {
		return 1, err
	}
	if err := m.closeTask(tx.ID(id), t); err != nil {
		return 1, err
	}
	if err := m.credit(t.Asker, t.Escrow); err != nil {
		return 1, err
	}
	m.emit(Event{Kind: EventExpired, Task: tx.ID(id), From: t.Asker, Server: t.Server, Amount: t.Escrow,
		Payouts: []Payout{{To: t.Asker, Amount: t.Escrow, Role: "refund"}}})
	return 1, nil
}

// settleDue settles a pack whose last vote has come or whose time for votes is over, if it is not settled yet.
func (m *Machine) settleDue(id [32]byte) (int, error) {
	p, ok, err := PackOf(m.state, id)
	if err != nil || !ok {
		return 1, err
	}
	return max(1, len(p.Results)), m.settlePack(id, &p)
}

// release gives unlocked coins back.
func (m *Machine) release(u Unlocking) error {
	if err := sub(&m.tot.Unlocking, u.Amount); err != nil {
		return err
	}
	if err := m.credit(u.To, u.Amount); err != nil {
		return err
	}
	m.emit(Event{Kind: EventUnlocked, To: u.To, Amount: u.Amount})
	return nil
}
