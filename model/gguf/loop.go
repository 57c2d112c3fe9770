package gguf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

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
	prefill []*slot       // of a step
	context int           // tokens of one request at most
	running int           // answers that may be generated at once; the other slots are for scoring
	busy    [2]int        // jobs that generate, and that score
	scored  int           // tokens of the cache that those that score need
	blocked *job          // next of the queue, which found no room; nil once some may have come free
	texts   *embedding    // of the job that is embedded; nil: none
	clock   int           // of steps and ends of jobs
	pace    time.Duration // that a token of prefill takes; 0: not known yet
	threads int32
	partial bool // the cache can't be copied in part: models with recurrent state
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
	cached int     // tokens of the prompt that were in the cache already
	text   spelling
	stops  stopper
	shape  *constraint // nil: none
	scores []model.TokenScore
}

// row is a token of the batch: the place in its slot's tokens.
type row struct {
	s  *slot
	at int
}

func newLoop(e *Engine, m llama.Model, o Options) (*loop, error) {
	p := llama.ContextDefaultParams()
	slots := o.Running + max(1, o.Running/scorers)
	p.NCtx, p.NBatch, p.NUbatch, p.NSeqMax = uint32(o.Cache), batchTokens, batchTokens, uint32(slots)
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
	l := &loop{e: e, ctx: ctx, memory: memory, batch: llama.BatchInit(batchTokens, 0, 1), cells: int(llama.NCtx(ctx)), most: min(batchTokens, int(llama.NBatch(ctx)), int(llama.NUBatch(ctx))),
		running: o.Running, context: o.Context, threads: int32(o.Threads), partial: llama.ModelIsRecurrent(m) || llama.ModelIsHybrid(m)}
	for i := range slots {
		l.slots = append(l.slots, &slot{id: llama.SeqId(i)})
	}
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
	defer l.leave()
	for {
		if l.idle() {
			select {
			case <-e.queue.ready:
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
		l.embedNext()
	}
}

// leave gives back what running jobs hold.
func (l *loop) leave() {
	for _, s := range l.slots {
		if s.job != nil {
			l.release(s)
		}
	}
	l.texts.free()
}

func (l *loop) idle() bool {
	return l.busy == [2]int{} && l.texts == nil && l.e.queue.empty()
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

// admit starts jobs in the queue's order. Where the next one finds no room all others wait, too: none is overtaken by a smaller one.
func (l *loop) admit() {
	for {
		j := l.e.queue.next(l.may, l.urgent)
		if j == nil || j == l.blocked {
			return
		}
		if j.texts == nil && !l.fits(j) {
			l.blocked = j
			return
		}
		if !l.e.queue.take(j) {
			continue // its caller left just now
		}
		if j.texts != nil {
			l.texts = l.newEmbedding(j)
		} else {
			l.place(j)
		}
	}
}

// may says whether a job of this kind can start, if it has room.
func (l *loop) may(j *job) bool {
	switch k := j.kind(); k {
	case toAnswer:
		return l.busy[k] < l.running
	case toScore:
		return l.busy[k] < len(l.slots)-l.running
	case toEmbed:
	}
	return l.texts == nil
}

// urgent says that a job scores, and that there is room for a whole context beside it and all that score.
func (l *loop) urgent(j *job) bool {
	return j.kind() == toScore && l.scored+j.need() <= l.cells-l.context
}

// count notes that a job starts (1) or ends (-1).
func (l *loop) count(j *job, by int) {
	l.busy[j.kind()] += by
	if j.kind() == toScore {
		l.scored += by * j.need()
	}
}

// release makes a slot free; its tokens stay for a prompt that begins alike.
func (l *loop) release(s *slot) {
	l.clock++
	if s.shape != nil {
		s.shape.free()
	}
	l.count(s.job, -1)
	l.e.queue.done(s.job)
	l.blocked = nil
	s.job, s.tokens, s.scores, s.shape, s.used = nil, nil, nil, nil, l.clock
}

// step feeds one batch: the newest token of every answer being generated, then prefill. With that clients take turns, and then the
// slots of each.
func (l *loop) step() {
	_ = l.batch.Clear()
	l.rows, l.prefill = l.rows[:0], l.prefill[:0]
	budget := l.most
	for _, s := range l.slots {
		switch {
		case s.job == nil:
		case s.end-len(s.kept) == 1:
			l.feed(s, 1)
			budget = l.share()
		default:
			l.prefill = append(l.prefill, s)
		}
	}
	streams := len(l.rows)
	budget = min(budget, l.most-streams)
	l.clock++
	slices.SortFunc(l.prefill, func(a, b *slot) int {
		return cmp.Or(cmp.Compare(a.job.from.fed, b.job.from.fed), cmp.Compare(a.fed, b.fed), cmp.Compare(a.id, b.id))
	})
	for _, s := range l.prefill {
		if n := min(s.end-len(s.kept), budget); n > 0 {
			l.feed(s, n)
			budget -= n
			s.fed, s.job.from.fed = l.clock, l.clock
		}
	}
	if len(l.rows) == 0 {
		return
	}
	began := time.Now()
	code, err := llama.Decode(l.ctx, l.batch)
	if code != 0 || err != nil {
		l.failed(code, err)
		return
	}
	if len(l.rows)-streams >= leastTokens {
		l.keepPace(time.Since(began) / time.Duration(len(l.rows)))
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

// share is how many tokens of prefill go along while answers stream.
func (l *loop) share() int {
	if l.pace == 0 {
		return min(sharedTokens, l.most)
	}
	return min(max(leastTokens, int(pause/l.pace)), l.most)
}

// keepPace notes how long a token of prefill took, smoothed, for a machine has other things to do as well.
func (l *loop) keepPace(took time.Duration) {
	if l.pace == 0 {
		l.pace = took
	}
	l.pace = max(1, (3*l.pace+took)/4)
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
			j.out.put(event{end: &ending{scores: s.scores}})
			l.release(s)
		}
		return
	}
	id, err := s.choose(logits, position, before)
	if err != nil {
		j.out.put(event{end: &ending{err: err}})
		l.release(s)
		return
	}
	s.tokens = append(s.tokens, id)
	s.end++
	finish := ""
	switch {
	case l.e.vocab.ends[id]:
		finish = model.FinishStop
	case position == j.max-1:
		finish = model.FinishLength
	}
	token := l.token(s, logits, id)
	text, stopped := l.spell(s, id, finish != "")
	if token.Text = text; stopped {
		finish = model.FinishStop
	}
	j.out.put(event{token: token, last: finish != ""})
	if finish != "" {
		j.out.put(event{end: &ending{finish: finish, cached: s.cached}})
		l.release(s)
	}
}

// choose picks the next token by the job's sampler, within its grammar.
func (s *slot) choose(logits []float32, position int, before []int32) (int32, error) {
	ask := func(logits []float32) int32 {
		if s.job.full != nil {
			return s.job.full.Choose(logits, position, before)
		}
		return s.job.rule.Choose(logits, position, before)
	}
	if s.shape == nil {
		return ask(logits), nil
	}
	return s.shape.choose(logits, ask)
}

// failed ends every job that was in the batch, and forgets their tokens: what of them the cache holds isn't known.
func (l *loop) failed(code int32, err error) {
	err = errors.Join(fmt.Errorf("%w: code %d: %s", errDecode, code, trouble.last()), err)
	l.e.log.Error("decoding failed", "error", err)
	for _, r := range l.rows {
		if j := r.s.job; j != nil {
			j.out.put(event{end: &ending{err: err}})
			l.release(r.s)
			r.s.kept = r.s.kept[:0]
			_, _ = llama.MemorySeqRm(l.memory, r.s.id, -1, -1)
		}
	}
}
