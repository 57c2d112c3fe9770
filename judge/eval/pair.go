// Package eval measures judging: it makes a labelled set of honest and forged answers, has them judged with every threshold
// open, calibrates thresholds on one half and reports what they find on the other. Files hold what is done already, so that
// work may be stopped at any time. It imports packages judge and model; docs/judging.md says what was found by it.
package eval

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"funai/judge"
	"funai/model"
)

// Kind says what a pair of request and answer really is.
type Kind string

// The kinds of a set.
const (
	Honest     Kind = "honest"
	OffTopic   Kind = "off-topic"             // a text about something else
	Swapped    Kind = "swapped"               // the model's answer to another request
	Truncated  Kind = "truncated"             // half of an honest answer
	Injected   Kind = "injected"              // an answer that tells its judge to find it valid
	WrongModel Kind = "wrong model"           // another model's answer
	WrongQuant Kind = "wrong quantisation"    // the same model's answer, its weights in fewer bits
	NoSystem   Kind = "system prompt dropped" // the same model's answer to the question alone
)

// Kinds returns all kinds, honest first.
func Kinds() []Kind {
	return []Kind{Honest, OffTopic, Swapped, Truncated, Injected, WrongModel, WrongQuant, NoSystem}
}

// Pair is one labelled pair.
type Pair struct {
	ID    int  `json:"id"`
	Group int  `json:"group"` // pairs of one group come of one question
	Kind  Kind `json:"kind"`
	// Calibration says that the pair is in the half that thresholds are set by. Whole groups are.
	Calibration bool `json:"calibration"`
	// Same says that a forger's tokens came out as an honest server's: nothing is wrong with such an answer.
	Same   bool   `json:"same,omitempty"`
	Answer Answer `json:"answer"`
}

// Answer is a claim in the form that files have.
type Answer struct {
	Messages      []model.Message `json:"messages"`
	MaxTokens     int             `json:"max_tokens"`
	Temperature   uint32          `json:"temperature_milli"`
	RepeatPenalty uint32          `json:"repeat_penalty_milli"`
	Seed          string          `json:"seed"` // 64 digits of hex
	Text          string          `json:"text"`
	Tokens        []int32         `json:"tokens"`
	PromptTokens  int             `json:"prompt_tokens"`
}

// answerOf is the inverse of Claim.
func answerOf(c judge.Claim) Answer {
	s := c.Request.Sampling
	return Answer{c.Request.Messages, c.Request.MaxTokens, s.TemperatureMilli, s.RepeatPenaltyMilli, hex.EncodeToString(s.Seed[:]),
		c.Text, c.Tokens, c.PromptTokens}
}

// Claim returns what is to be judged; its error wraps ErrFile.
func (a Answer) Claim() (judge.Claim, error) {
	c := judge.Claim{Text: a.Text, Tokens: a.Tokens, PromptTokens: a.PromptTokens, Request: model.Request{
		Messages: a.Messages, MaxTokens: a.MaxTokens,
		Sampling: model.Sampling{TemperatureMilli: a.Temperature, RepeatPenaltyMilli: a.RepeatPenalty}}}
	if n, err := hex.Decode(c.Request.Sampling.Seed[:], []byte(a.Seed)[:min(len(a.Seed), 64)]); err != nil || n != 32 || len(a.Seed) != 64 {
		return judge.Claim{}, fmt.Errorf("%w: seed %.80q", ErrFile, a.Seed)
	}
	return c, nil
}

// check refuses a pair that no maker makes.
func (p Pair) check() error {
	if !slices.Contains(Kinds(), p.Kind) || p.Group < 0 || p.ID < 0 {
		return fmt.Errorf("%w: pair %d of group %d is %q", ErrFile, p.ID, p.Group, p.Kind)
	}
	_, err := p.Answer.Claim()
	return err
}

const setFormat = "funai/judge/set/1"

func setHeader(info model.Info) header {
	return header{setFormat, info.Name, hex.EncodeToString(info.Hash[:])}
}

// openSet opens or makes a set's file.
func openSet(path string, info model.Info) (*journal[Pair], []Pair, error) {
	j, pairs, err := openJournal[Pair](path, setHeader(info))
	if err != nil {
		return nil, nil, err
	}
	for _, p := range pairs {
		if err := p.check(); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), j.close())
		}
	}
	return j, pairs, nil
}

// ReadSet reads a set made for the model; its errors wrap ErrFile where the file is at fault.
func ReadSet(path string, info model.Info) ([]Pair, error) {
	j, pairs, err := openSet(path, info)
	if err != nil {
		return nil, err
	}
	return pairs, j.close()
}
