package gguf

import "github.com/hybridgroup/yzma/pkg/llama"

// fits says whether a job's tokens surely find room in the cache, once free slots are emptied.
func (l *loop) fits(j *job) bool {
	room := l.cells
	for _, s := range l.slots {
		if s.job != nil {
			room -= s.job.need()
		}
	}
	return room >= j.need()
}

// place gives a job that fits a free slot: the one whose kept tokens it can use most of, and of those the one unused for longest.
// Where another slot, running or not, has more of the prompt, those tokens are copied. Other free slots are emptied, longest unused
// first, until its tokens surely fit.
func (l *loop) place(j *job) {
	var shape *constraint
	if j.gbnf != "" {
		var err error
		if shape, err = newConstraint(l.e.vocab, j.gbnf); err != nil {
			j.out.put(event{end: &ending{err: err}})
			l.e.queue.done(j)
			return
		}
	}
	var best, source *slot
	common, more := 0, 0
	room := l.cells
	for _, s := range l.slots {
		n := shared(s.kept, j.prompt)
		if n > more {
			source, more = s, n
		}
		if s.job != nil {
			room -= s.job.need()
			continue
		}
		room -= len(s.kept)
		if best == nil || n > common || n == common && s.used < best.used {
			best, common = s, n // there is a free one, or the job might not start (may)
		}
	}
	for room += len(best.kept); room < j.need(); {
		oldest := l.oldest(best, source) // there is one, for it fits
		room += len(oldest.kept)
		l.trim(oldest, 0)
	}
	if more > common && len(source.kept) >= more { // else it was emptied
		common = l.copy(source, best, common, more)
	}
	l.trim(best, common)
	l.count(j, 1)
	if best.fed = l.clock; j.from.fed == 0 {
		j.from.fed = l.clock
	}
	best.job, best.text, best.stops, best.shape, best.scores = j, spelling{}, stopper{stops: j.stops}, shape, nil
	best.cached = len(best.kept)
	best.tokens = append(append(make([]int32, 0, j.need()+1), j.prompt...), j.given...)
	best.end = len(best.tokens)
	if j.given != nil {
		best.end-- // the last one is only looked for
	}
}

// oldest is the free slot with kept tokens that was unused for longest. The one that a prompt is to be copied from comes last.
func (l *loop) oldest(best, source *slot) *slot {
	var oldest *slot
	for _, s := range l.slots {
		if s.job != nil || s == best || len(s.kept) == 0 {
			continue
		}
		if oldest == nil || oldest == source || s != source && s.used < oldest.used {
			oldest = s
		}
	}
	return oldest
}

// copyTokens is the least gain for which tokens are copied from another slot.
const copyTokens = 16

// copy makes the first tokens of a slot another one's too, and returns how many it has in common with the prompt then. It takes
// no room: llama.cpp's unified cache only notes that its cells belong to both.
func (l *loop) copy(from, to *slot, common, n int) int {
	if n-common < copyTokens || l.partial {
		return common
	}
	l.trim(to, 0)
	if llama.MemorySeqCp(l.memory, from.id, to.id, 0, llama.Pos(n)) != nil {
		return 0
	}
	to.kept = append(to.kept[:0], from.kept[:n]...)
	return n
}

// shared is how many tokens of a prompt are kept already. Its last token is always fed, for the logits it gives.
func shared(kept, prompt []int32) (n int) {
	for n < len(kept) && n < len(prompt)-1 && kept[n] == prompt[n] {
		n++
	}
	return n
}

// trim forgets a slot's tokens from the n-th on. Models with recurrent state can only forget all.
func (l *loop) trim(s *slot, n int) {
	if n == len(s.kept) {
		return
	}
	if ok, err := llama.MemorySeqRm(l.memory, s.id, llama.Pos(n), -1); err != nil || !ok {
		n = 0
		_, _ = llama.MemorySeqRm(l.memory, s.id, -1, -1)
	}
	s.kept = s.kept[:n]
}
