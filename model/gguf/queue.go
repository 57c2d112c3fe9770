package gguf

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"funai/model"
)

// kind is what a job does. Each kind has sequences of its own, so that none waits for another kind's to end.
type kind int

const (
	toAnswer kind = iota
	toScore
	toEmbed
)

func (j *job) kind() kind {
	switch {
	case j.texts != nil:
		return toEmbed
	case j.given != nil:
		return toScore
	}
	return toAnswer
}

// queue holds the jobs that wait for the loop, and knows what each client's running jobs hold. Its order is fair by client: next is
// the first job of the client whose running jobs hold least of the cache, and of equals of the one whose last turn, or arrival, is
// longest ago. So a client with nothing running waits for one job at most of each client that was there before, whatever the
// others send; and clients that all want more than there is come to hold equal parts. What a client wants scored or embedded
// stands in lines of its own.
//
// Scoring comes before all others as long as it leaves room for a whole context (loop.urgent): a verdict has a deadline, and a vote
// and its reward are lost with it, while scoring is one prefill, without the many steps that an answer takes. It can't starve
// answers, which find that room sooner or later; and beyond it scores wait their turn.
type queue struct {
	mu     sync.Mutex
	lines  map[lineKey]*line // those with jobs that wait or run
	places int               // for jobs, waiting and running
	each   int               // of them, for one line
	taken  int
	clock  uint64
	ready  chan struct{} // holds a value when a job may have come
}

type lineKey struct {
	client string
	kind   kind
}

func (j *job) line() lineKey { return lineKey{j.client, j.kind()} }

// line is a client's jobs of a kind.
type line struct {
	jobs    []*job // that wait
	running int
	held    int    // tokens of the cache that the running ones need
	turn    uint64 // when one was last taken, or the first came
	fed     int    // the loop's: when some of a prompt of theirs was last fed
}

// newQueue bounds the jobs that wait and run together. One line can have four fifths of the places, so that a client alone can use
// an engine well, and others still find one.
func newQueue(places int) *queue {
	return &queue{places: places, each: max(1, places-max(1, places/5)), lines: map[lineKey]*line{}, ready: make(chan struct{}, 1)}
}

// push adds a job, or says that there is no place.
func (q *queue) push(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken >= q.places {
		return fmt.Errorf("%w: %d requests are there, %d can be", model.ErrBusy, q.taken, q.places)
	}
	l := q.lines[j.line()]
	if l == nil {
		q.clock++
		l = &line{turn: q.clock}
		q.lines[j.line()] = l
	}
	if n := len(l.jobs) + l.running; n >= q.each {
		return fmt.Errorf("%w: %d requests are this client's, %d can be", model.ErrBusy, n, q.each)
	}
	q.taken++
	l.jobs = append(l.jobs, j)
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return nil
}

// next returns the job whose turn it is, of those that may start; nil if there is none. It stays in the queue until it is taken.
func (q *queue) next(may, urgent func(*job) bool) *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	var best *line
	hurries := false
	for _, l := range q.lines {
		if len(l.jobs) == 0 || !may(l.jobs[0]) {
			continue
		}
		hurry := urgent(l.jobs[0])
		if best == nil || hurry && !hurries || hurry == hurries && cmp.Or(cmp.Compare(l.held, best.held), cmp.Compare(l.turn, best.turn)) < 0 {
			best, hurries = l, hurry
		}
	}
	if best == nil {
		return nil
	}
	return best.jobs[0]
}

// take moves a job from those that wait to those that run, and says whether it still was there.
func (q *queue) take(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.remove(j) {
		return false
	}
	q.clock++
	l := q.lines[j.line()]
	l.turn, l.running, l.held = q.clock, l.running+1, l.held+j.need()
	j.from = l
	return true
}

// done gives back the place of a job that was taken.
func (q *queue) done(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.from.running--
	j.from.held -= j.need()
	q.leave(j)
}

// forget gives up the place of a job that still waits.
func (q *queue) forget(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.remove(j) {
		q.leave(j)
	}
}

// remove, like leave, is called with q.mu held.
func (q *queue) remove(j *job) bool {
	l := q.lines[j.line()]
	if l == nil {
		return false
	}
	at := slices.Index(l.jobs, j)
	if at < 0 {
		return false
	}
	l.jobs = slices.Delete(l.jobs, at, at+1)
	return true
}

func (q *queue) leave(j *job) {
	q.taken--
	if l := q.lines[j.line()]; l.running == 0 && len(l.jobs) == 0 {
		delete(q.lines, j.line())
	}
}

// empty says whether no job waits.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.lines {
		if len(l.jobs) > 0 {
			return false
		}
	}
	return true
}
