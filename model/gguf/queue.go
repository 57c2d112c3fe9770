package gguf

import (
	"fmt"
	"slices"
	"sync"

	"funai/model"
)

// queue holds jobs that wait for the loop, first come, first served. Callers that left keep no place.
type queue struct {
	mu    sync.Mutex
	jobs  []*job
	most  int
	ready chan struct{} // holds a value when there may be jobs
}

func newQueue(most int) *queue { return &queue{most: most, ready: make(chan struct{}, 1)} }

// push adds a job, or says that there is no place.
func (q *queue) push(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) >= q.most {
		q.jobs = slices.DeleteFunc(q.jobs, left)
	}
	if len(q.jobs) >= q.most {
		return fmt.Errorf("%w: %d requests are waiting", model.ErrBusy, q.most)
	}
	q.jobs = append(q.jobs, j)
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return nil
}

// pop takes the first job whose caller still waits; nil if there is none.
func (q *queue) pop() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.jobs) > 0 {
		j := q.jobs[0]
		q.jobs[0] = nil
		q.jobs = q.jobs[1:]
		if !left(j) {
			return j
		}
	}
	return nil
}
