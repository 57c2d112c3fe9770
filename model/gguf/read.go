package gguf

import (
	"funai/model"
	"funai/model/sampling"
)

// score places a given token among those that the rule could have chosen.
func (l *loop) score(j *job, logits []float32, position int, before []int32) model.TokenScore {
	id := j.given[position]
	s := model.TokenScore{Logprob: float64(logits[id]) - sampling.LogSum(logits), End: l.e.vocab.ends[id]}
	s.Rank, s.Margin = j.rule.Place(logits, position, before, id)
	return s
}

// token describes a chosen token; its text is set apart.
func (l *loop) token(s *slot, logits []float32, id int32) model.Token {
	v := l.e.vocab
	sum := sampling.LogSum(logits)
	t := model.Token{Logprob: model.Logprob{ID: id, Logprob: float64(logits[id]) - sum}}
	for _, other := range sampling.Top(logits, s.job.top) {
		var alone spelling
		text := alone.add(v.pieces[other]) + alone.end()
		t.Top = append(t.Top, model.Logprob{ID: other, Text: text, Logprob: float64(logits[other]) - sum})
	}
	return t
}

// spell gives what a token adds to the answer's text, and whether a stop string ended it. The last one also spells what was still
// incomplete.
func (l *loop) spell(s *slot, id int32, last bool) (text string, stopped bool) {
	piece := ""
	if !l.e.vocab.ends[id] {
		piece = s.text.add(l.e.vocab.pieces[id])
	}
	if last {
		piece += s.text.end()
	}
	if text, stopped = s.stops.add(piece); last && !stopped {
		text += s.stops.end()
	}
	return text, stopped
}
