package judge

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// Evidence is what a verdict rests on, as this judge's engine computed it. Judges on different machines differ in the
// last digits. Fields that a judgement didn't come to are zero.
type Evidence struct {
	Model        string  `json:"model"`
	PromptTokens int     `json:"prompt_tokens"`
	Tokens       int     `json:"tokens"`
	MaxMargin    float64 `json:"max_margin"`  // in logits
	MeanMargin   float64 `json:"mean_margin"` // in logits a token
	Swaps        float64 `json:"swaps"`       // share of tokens that are not the sampling rule's choice
	Worst        int     `json:"worst"`       // index of the token with the maximum margin
	Asked        string  `json:"asked"`       // how it was asked; empty if it wasn't
	Others       int     `json:"others"`      // other questions compared with
	Answer       float64 `json:"answer"`      // contrast in nats a token, or the probability of yes
}

// Hash returns the sha256 of the evidence's one encoding: a tag, the strings with their lengths, the integers and the bits
// of the floats, all big-endian, in the order of the fields.
func (e Evidence) Hash() [32]byte {
	b := append(make([]byte, 0, 160), "funai/judge/evidence"...)
	text := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	integer := func(i int) { b = binary.BigEndian.AppendUint64(b, uint64(i)) }
	float := func(f float64) { b = binary.BigEndian.AppendUint64(b, math.Float64bits(f)) }
	text(e.Model)
	integer(e.PromptTokens)
	integer(e.Tokens)
	float(e.MaxMargin)
	float(e.MeanMargin)
	float(e.Swaps)
	integer(e.Worst)
	text(e.Asked)
	integer(e.Others)
	float(e.Answer)
	return sha256.Sum256(b)
}
