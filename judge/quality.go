package judge

import (
	"context"
	"math"
	"unicode/utf8"
)

// Encoder turns texts into vectors, near ones for texts that mean alike. All methods may be called at once from many
// goroutines and stop soon after their context is done.
type Encoder interface {
	// Name is the encoder's name in the catalogue: vectors of different encoders don't compare.
	Name() string
	// Embed returns one vector of one length for each text.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// qualityBytes is how much of each text the encoder is shown: its beginning. No text of so many bytes makes more than the 512 word
// pieces that MiniLM reads, and reading two costs a core about half a second.
const qualityBytes = 240

// suits says whether this encoder is the one that the policy names.
func (q Quality) suits(e Encoder) error {
	switch {
	case q.Encoder == "":
		return nil
	case e == nil:
		return abstain(RuleEngine, "no encoder, the policy names %q", q.Encoder)
	case e.Name() != q.Encoder:
		return abstain(RulePolicy, "the policy names the encoder %q, here runs %q", q.Encoder, e.Name())
	}
	return nil
}

// measure has the encoder score the pair. It reads no instruction: a text about validity is as far from the question as any
// other that isn't about it.
func (q Quality) measure(ctx context.Context, e Encoder, c Claim, ev *Evidence) error {
	if q.Encoder == "" {
		return nil
	}
	texts := []string{head(c.Request.Messages[asked(c.Request.Messages)].Content), head(c.Text)}
	if texts[0] == "" || texts[1] == "" {
		return nil // nothing to compare: an answer of only an end token is the rescore's affair
	}
	vs, err := e.Embed(ctx, texts)
	if err != nil {
		return abstain(RuleEngine, "the encoder can't score the pair: %v", err)
	}
	if len(vs) != len(texts) || len(vs[0]) == 0 || len(vs[0]) != len(vs[1]) {
		return abstain(RuleEngine, "the encoder returned %d vectors, or such of different lengths, for %d texts", len(vs), len(texts))
	}
	cosine := cosine(vs[0], vs[1])
	if !finite(cosine) {
		return abstain(RuleEngine, "the encoder's vectors have no angle")
	}
	ev.Encoder, ev.Quality = q.Encoder, cosine
	return nil
}

// check compares what the encoder measured, if it was asked, with the policy's least.
func (q Quality) check(ev Evidence) error {
	if ev.Encoder == "" || ev.Encoder != q.Encoder || ev.Quality >= q.Least {
		return nil
	}
	return invalid(RuleQuality, "question and answer are at a cosine of %.3g (%.3g at least)", ev.Quality, q.Least)
}

// cosine is NaN if a vector has no direction.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// head cuts a text without splitting a character.
func head(s string) string {
	if len(s) <= qualityBytes {
		return s
	}
	n := qualityBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
