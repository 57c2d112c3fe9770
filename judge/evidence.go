package judge

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Evidence is what a verdict rests on, as this judge's engine computed it. Judges on different machines differ in the
// last digits. Fields that a judgement didn't come to are zero.
type Evidence struct {
	Model        string  `json:"model"`
	PromptTokens int     `json:"prompt_tokens"`
	Tokens       int     `json:"tokens"`
	MaxMargin    float64 `json:"max_margin"`        // in logits
	MeanMargin   float64 `json:"mean_margin"`       // in logits a token
	Swaps        float64 `json:"swaps"`             // share of tokens that are not the sampling rule's choice
	Worst        int     `json:"worst"`             // index of the token with the maximum margin
	Compared     bool    `json:"compared"`          // whether the tokens were scored without the system messages too
	Without      float64 `json:"without"`           // mean margin then
	Asked        string  `json:"asked"`             // how it was asked; empty if it wasn't
	Others       int     `json:"others"`            // other questions compared with
	Answer       float64 `json:"answer"`            // contrast in nats a token, or the probability of yes
	Encoder      string  `json:"encoder,omitempty"` // which encoder scored the pair; empty if none did
	Quality      float64 `json:"quality,omitempty"` // cosine of question and answer
}

// evidenceTag begins every encoding, evidenceSize is that of one without its strings.
const (
	evidenceTag  = "funai/judge/evidence"
	evidenceSize = 176
)

// MaxEvidenceBytes bounds an encoding that DecodeEvidence takes.
const MaxEvidenceBytes = 4 << 10

// ErrEvidence says that bytes are not the encoding of any evidence.
var ErrEvidence = errors.New("judge: bad evidence")

// Encode returns the evidence's one encoding: a tag, the strings with their lengths, the integers and the bits of the floats,
// all big-endian, in the order of the fields; the last two only if an encoder was asked. A judge keeps it for disputes.
func (e Evidence) Encode() []byte {
	b := append(make([]byte, 0, evidenceSize), evidenceTag...)
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
	if e.Compared {
		integer(1)
	} else {
		integer(0)
	}
	float(e.Without)
	text(e.Asked)
	integer(e.Others)
	float(e.Answer)
	if e.Encoder != "" {
		text(e.Encoder)
		float(e.Quality)
	}
	return b
}

// Hash returns the SHA-256 of the encoding, which is what a vote's opening binds a judge to.
func (e Evidence) Hash() [32]byte { return sha256.Sum256(e.Encode()) }

// DecodeEvidence reads an encoding back. Its errors wrap ErrEvidence.
func DecodeEvidence(b []byte) (Evidence, error) {
	if len(b) > MaxEvidenceBytes {
		return Evidence{}, fmt.Errorf("%w: %d bytes exceed %d", ErrEvidence, len(b), MaxEvidenceBytes)
	}
	rest, ok := bytes.CutPrefix(b, []byte(evidenceTag))
	take := func(n uint64) []byte {
		if !ok || uint64(len(rest)) < n {
			ok = false
			return make([]byte, 8)
		}
		taken := rest[:n]
		rest = rest[n:]
		return taken
	}
	text := func() string { return string(take(uint64(binary.BigEndian.Uint32(take(4))))) }
	integer := func() int { return int(int64(binary.BigEndian.Uint64(take(8)))) }
	float := func() float64 { return math.Float64frombits(binary.BigEndian.Uint64(take(8))) }
	e := Evidence{Model: text(), PromptTokens: integer(), Tokens: integer(), MaxMargin: float(), MeanMargin: float(), Swaps: float(),
		Worst: integer(), Compared: integer() != 0, Without: float(), Asked: text(), Others: integer(), Answer: float()}
	if ok && len(rest) > 0 {
		e.Encoder, e.Quality = text(), float()
	}
	// Encoding again leaves no second spelling: neither trailing bytes nor an encoder without a name.
	if !ok || !bytes.Equal(e.Encode(), b) {
		return Evidence{}, fmt.Errorf("%w: %d bytes", ErrEvidence, len(b))
	}
	return e, nil
}
