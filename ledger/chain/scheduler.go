package chain

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// scheduler lets the database compact whenever it may. Pebble's own does too, but looks again ten times a second in case
// the number of compactions allowed has grown; ours is fixed, and a ticker would wake an idle node, and keep the fake
// clock of a test from ever finding its network at rest for longer than a tenth of a second.
type scheduler struct {
	db      pebble.DBForCompaction
	mu      sync.Mutex
	idle    *sync.Cond // signals granting == false
	running int
	// granting is set while Done hands out permissions, which needs mu unlocked; Unregister waits for it.
	granting, closed bool
}

func newScheduler() *scheduler {
	s := &scheduler{}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// Register is called once, when the database opens.
func (s *scheduler) Register(_ int, db pebble.DBForCompaction) { s.db = db }

// Unregister is called once, when the database closes; nothing is granted afterwards.
func (s *scheduler) Unregister() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for s.granting {
		s.idle.Wait()
	}
}

// TrySchedule grants a compaction if fewer than allowed are running.
func (s *scheduler) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.running >= s.db.GetAllowedWithoutPermission() {
		return false, nil
	}
	s.running++
	return true, s
}

// UpdateGetAllowedWithoutPermission is told that the number allowed may have changed; the next Done will see it.
func (s *scheduler) UpdateGetAllowedWithoutPermission() {}

// Started is told that a compaction runs. It and the next two report what nothing here follows.
func (s *scheduler) Started() {}

// MeasureCPU is told which goroutine to measure.
func (s *scheduler) MeasureCPU(pebble.CompactionGoroutineKind) {}

// CumulativeStats is told what a compaction has done so far.
func (s *scheduler) CumulativeStats(pebble.CompactionGrantHandleStats) {}

// Done ends a compaction and starts those that waited for it.
func (s *scheduler) Done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	for s.granting {
		s.idle.Wait() // its turn may have come too early to see what waits now
	}
	s.granting = true
	for !s.closed && s.running < s.db.GetAllowedWithoutPermission() {
		s.mu.Unlock()
		waiting, _ := s.db.GetWaitingCompaction()
		granted := waiting && s.db.Schedule(s)
		s.mu.Lock()
		if !granted {
			break
		}
		s.running++
	}
	s.granting = false
	s.idle.Broadcast()
}

var (
	_ pebble.CompactionScheduler   = (*scheduler)(nil)
	_ pebble.CompactionGrantHandle = (*scheduler)(nil)
)
