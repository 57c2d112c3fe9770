package gguf

import (
	"errors"
	"fmt"
	"slices"

	"funai/model"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// errDecode says that llama.cpp failed at a batch.
var errDecode = errors.New("gguf: decoding failed")

// loop is the state of the goroutine that owns the llama context; nobody else touches it.
type loop struct {
	e       *Engine
	ctx     llama.Context
	memory  llama.Memory
	batch   llama.Batch
	rows    []row // one of each token in the batch
	cells   int   // tokens that the cache holds
	most    int   // tokens of a batch; llama.cpp ends the process over one more
	slots   []*slot
	order   []*slot // the same, whose prefill waited longest first
	waiting *job    // first of the queue, until there is room for it
	clock   int     // of steps and ends of jobs
	threads int32
}

// slot is a sequence of the cache, and the job that uses it.
type slot struct {
	id     llama.SeqId
	kept   []int32 // tokens in the cache; they stay after the job, in case the next begins alike
	used   int     // when the last job ended, for eviction
	fed    int     // when some of a prompt was fed, for taking turns
	job    *job    // nil: free
	tokens []int32 // prompt, then the answer or what of it is known
	end    int     // how many of tokens are to be fed
	text   spelling
	scores []model.TokenScore
}

// row is a token of the batch: the place in its slot's tokens.
type row struct {
	s  *slot
	at int
}

func newLoop(e *Engine, m llama.Model, o Options) (*loop, error) {
	p := llama.ContextDefaultParams()
	p.NCtx, p.NBatch, p.NUbatch, p.NSeqMax = uint32(o.Cache), batchTokens, batchTokens, sequences
	p.NThreads, p.NThreadsBatch = int32(o.Threads), int32(o.Threads)
	p.KVUnified, p.NoPerf = 1, 1
	ctx, err := llama.InitFromModel(m, p)
	if err != nil {
		return nil, err
	}
	memory, err := llama.GetMemory(ctx)
	if err != nil {
		return nil, errors.Join(err, llama.Free(ctx))
	}
	l := &loop{e: e, ctx: ctx, memory: memory, batch: llama.BatchInit(batchTokens, 0, 1), cells: int(llama.NCtx(ctx)), most: min(batchTokens, int(llama.NBatch(ctx)), int(llama.NUBatch(ctx))), threads: int32(o.Threads)}
	for i := range sequences {
		l.slots = append(l.slots, &slot{id: llama.SeqId(i)})
	}
	l.order = slices.Clone(l.slots)
	return l, nil
}

func (l *loop) free() {
	_ = llama.BatchFree(l.batch)
	_ = llama.Free(l.ctx)
}

// run serves jobs until the engine is closed.
func (e *Engine) run() {
	defer close(e.stopped)
	l := e.loop
	for {
		if l.idle() {
			select {
			case l.waiting = <-e.queue:
			case <-e.stop:
				return
			}
		}
		select {
		case <-e.stop:
			return
		default:
		}
		l.dropGone()
		l.admit()
		l.step()
	}
}

func (l *loop) idle() bool {
	for _, s := range l.slots {
		if s.job != nil {
			return false
		}
	}
	return l.waiting == nil
}

// dropGone frees the slots of callers that left.
func (l *loop) dropGone() {
	for _, s := range l.slots {
		if s.job != nil && left(s.job) {
			l.release(s)
		}
	}
}

func left(j *job) bool {
	select {
	case <-j.gone:
		return true
	default:
		return false
	}
}

// admit gives waiting jobs slots and room in the cache, in their order: none is overtaken by a smaller one.
func (l *loop) admit() {
	for {
		if l.waiting == nil {
			select {
			case l.waiting = <-l.e.queue:
			default:
				return
			}
		}
		j := l.waiting
		switch {
		case left(j):
		case j.texts != nil:
			l.embed(j)
		case !l.place(j):
			return
		}
		l.waiting = nil
	}
}

// place finds a free slot for a job: the one whose kept tokens it can use most of, and of those the one unused for longest.
// Other free slots are emptied, longest unused first, until its tokens surely fit.
func (l *loop) place(j *job) bool {
	var best *slot
	common := 0
	room := l.cells
	for _, s := range l.slots {
		if s.job != nil {
			room -= s.job.need()
			continue
		}
		room -= len(s.kept)
		n := shared(s.kept, j.prompt)
		if best == nil || n > common || n == common && s.used < best.used {
			best, common = s, n
		}
	}
	if best == nil {
		return false
	}
	for room += len(best.kept); room < j.need(); {
		var oldest *slot
		for _, s := range l.slots {
			if s.job == nil && s != best && len(s.kept) > 0 && (oldest == nil || s.used < oldest.used) {
				oldest = s
			}
		}
		if oldest == nil {
			return false
		}
		room += len(oldest.kept)
		l.trim(oldest, 0)
	}
	l.trim(best, common)
	best.job, best.text, best.scores = j, spelling{}, nil
	best.tokens = append(append(make([]int32, 0, j.need()+1), j.prompt...), j.given...)
	best.end = len(best.tokens)
	if j.given != nil {
		best.end-- // the last one is only looked for
	}
	return true
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

// release makes a slot free; its tokens stay for a prompt that begins alike.
func (l *loop) release(s *slot) {
	l.clock++
	s.job, s.tokens, s.scores, s.used = nil, nil, nil, l.clock
}

// step feeds one batch: the newest token of every answer being generated, then prefill, whose slots take turns.
func (l *loop) step() {
	_ = l.batch.Clear()
	l.rows = l.rows[:0]
	budget := l.most
	for _, s := range l.slots {
		if s.job != nil && s.end-len(s.kept) == 1 {
			l.feed(s, 1)
			budget = min(budget, sharedTokens)
		}
	}
	budget = min(budget, l.most-len(l.rows))
	l.clock++
	slices.SortStableFunc(l.order, func(a, b *slot) int { return a.fed - b.fed })
	for _, s := range l.order {
		if n := s.end - len(s.kept); s.job != nil && n > 1 && budget > 0 {
			n = min(n, budget)
			l.feed(s, n)
			budget -= n
			s.fed = l.clock
		}
	}
	if len(l.rows) == 0 {
		return
	}
	code, err := llama.Decode(l.ctx, l.batch)
	if code != 0 || err != nil {
		l.failed(code, err)
		return
	}
	for i, r := range l.rows {
		r.s.kept = append(r.s.kept, r.s.tokens[r.at])
		if !r.s.wanted(r.at) {
			continue
		}
		logits, err := llama.GetLogitsIth(l.ctx, int32(i), len(l.e.vocab.pieces))
		if err != nil || logits == nil {
			l.failed(0, err)
			return
		}
		l.read(r.s, r.at, logits)
	}
}

// feed adds the next n tokens of a slot to the batch.
func (l *loop) feed(s *slot, n int) {
	for at := len(s.kept); at < len(s.kept)+n; at++ {
		// The batch has room: its capacity bounds the budget.
		_ = l.batch.Add(llama.Token(s.tokens[at]), llama.Pos(at), []llama.SeqId{s.id}, s.wanted(at))
		l.rows = append(l.rows, row{s, at})
	}
}

// wanted says whether the logits after a token are looked at: those that choose or judge a token of the answer.
func (s *slot) wanted(at int) bool { return at >= len(s.job.prompt)-1 }

// read takes the logits after the token at a place of a slot: for the next token of an answer, or to score the given one.
func (l *loop) read(s *slot, at int, logits []float32) {
	j := s.job
	position := at + 1 - len(j.prompt)
	before := s.tokens[:at+1]
	if j.given != nil {
		s.scores = append(s.scores, l.score(j, logits, position, before))
		if position == len(j.given)-1 {
			j.out <- event{end: true, scores: s.scores} // has room: it is the only one
			l.release(s)
		}
		return
	}
	id := j.rule.Choose(logits, position, before)
	s.tokens = append(s.tokens, id)
	s.end++
	finish := ""
	switch {
	case l.e.vocab.ends[id]:
		finish = model.FinishStop
	case position == j.max-1:
		finish = model.FinishLength
	}
	j.out <- event{id: id, token: l.token(s, logits, id, finish)} // has room for the whole answer
	if finish != "" {
		j.out <- event{end: true, finish: finish}
		l.release(s)
	}
}

// failed ends every job that was in the batch, and forgets their tokens: what of them the cache holds isn't known.
func (l *loop) failed(code int32, err error) {
	err = errors.Join(fmt.Errorf("%w: code %d: %s", errDecode, code, trouble.last()), err)
	l.e.log.Error("decoding failed", "error", err)
	for _, r := range l.rows {
		if j := r.s.job; j != nil {
			j.out <- event{end: true, err: err} // has room: an end comes once
			l.release(r.s)
			r.s.kept = r.s.kept[:0]
			_, _ = llama.MemorySeqRm(l.memory, r.s.id, -1, -1)
		}
	}
}
