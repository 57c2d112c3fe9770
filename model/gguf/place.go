package gguf

import "github.com/hybridgroup/yzma/pkg/llama"

// place finds a free slot for a job: the one whose kept tokens it can use most of, and of those the one unused for longest. Where
// another slot, running or not, has more of the prompt, those tokens are copied. Other free slots are emptied, longest unused
// first, until its tokens surely fit.
func (l *loop) place(j *job) bool {
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
			best, common = s, n
		}
	}
	if best == nil {
		return false
	}
	for room += len(best.kept); room < j.need(); {
		oldest := l.oldest(best, source)
		if oldest == nil {
			return false
		}
		room += len(oldest.kept)
		l.trim(oldest, 0)
	}
	if more > common && len(source.kept) >= more { // else it was emptied
		common = l.copy(source, best, common, more)
	}
	l.trim(best, common)
	var shape *constraint
	if j.gbnf != "" {
		var err error
		if shape, err = newConstraint(l.e.vocab, j.gbnf); err != nil {
			j.out <- event{end: true, err: err} // has room: an end comes once
			return true
		}
	}
	best.job, best.text, best.stops, best.shape, best.scores = j, spelling{}, stopper{stops: j.stops}, shape, nil
	best.cached = len(best.kept)
	best.tokens = append(append(make([]int32, 0, j.need()+1), j.prompt...), j.given...)
	best.end = len(best.tokens)
	if j.given != nil {
		best.end-- // the last one is only looked for
	}
	return true
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
