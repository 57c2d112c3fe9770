package judge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// ErrPolicy says that a policy is malformed. Judging by such a policy abstains.
var ErrPolicy = errors.New("judge: bad policy")

// MaxPolicyBytes bounds an encoded policy.
const MaxPolicyBytes = 4 << 10

// Policy says how strictly a model's answers are judged. Thresholds belong to one model and are calibrated on honest runs
// (docs/judging.md); every verification node must use the same ones. It is stored as JSON.
type Policy struct {
	Model   string `json:"model"`             // catalogue name
	Context int    `json:"context,omitempty"` // tokens of prompt and answer together; 0 takes the judge's own engine's
	// Short is the length in tokens that shorter answers are taken to have where a mean or a share is formed, so that one
	// near tie in an answer of three words is no false alarm.
	Short   int     `json:"short"`
	Rescore Rescore `json:"rescore"`
	Ask     Ask     `json:"ask"`
	Quality Quality `json:"quality,omitzero"`
	// Agree makes asking and quality two witnesses where both are named: only if both find against an answer is it invalid.
	// Otherwise either one is enough. The rescore needs nobody's agreement.
	Agree bool `json:"agree,omitempty"`
}

// Rescore holds the thresholds of scoring again. Margins are in logits at every temperature, as package model reports them.
type Rescore struct {
	MaxMargin  float64 `json:"max_margin"`  // of any one token
	MeanMargin float64 `json:"mean_margin"` // over all tokens
	Swaps      float64 `json:"swaps"`       // share of tokens that are not the sampling rule's choice
	// Dropped is by how much the mean margin may be smaller without the request's system messages than with them, in logits a
	// token; beyond it, the server left them out. 0: it is not looked at.
	Dropped float64 `json:"dropped,omitempty"`
}

// How a judge asks whether an answer fits its question.
const (
	AskNothing  = ""         // it doesn't
	AskContrast = "contrast" // by how much likelier the answer is after this question than after others
	AskYesNo    = "yesno"    // by the model's probability of the word yes
)

// Ask says whether and how the model is asked if the answer fits the question. It is the second line: it can only turn a
// valid rescore into an invalid verdict, and only where the answer is clearly worse than Least. Short honest answers
// ("Yes.") fit many questions about equally well, so Least is set to give no alarm on them.
type Ask struct {
	How string `json:"how,omitempty"`
	// Others is how many other questions are compared with, 1 to 8; each costs one pass over a prompt and Tokens tokens.
	Others int `json:"others,omitempty"`
	// Tokens is how many tokens of the answer are compared, from its start, which bounds the cost.
	Tokens int `json:"tokens,omitempty"`
	// Least is, for contrast, the mean difference of log-probabilities in nats a token, and for yes or no the probability
	// of yes among the two, under which an answer is invalid.
	Least float64 `json:"least,omitempty"`
}

// Quality says whether an encoder is asked how near question and answer are (proof of quality, arXiv 2405.17934). Like Ask it
// is a second line: it can only turn valid into invalid.
type Quality struct {
	// Encoder is the catalogue name of the encoder, which every verification node must run; empty: none is asked.
	Encoder string `json:"encoder,omitempty"`
	// Least is the cosine of the two texts' embeddings, -1 to 1, under which an answer is invalid.
	Least float64 `json:"least,omitempty"`
}

// Bounds of a policy. They are wide: their purpose is that a mistyped policy is refused, not believed.
const (
	maxShort    = 256
	maxContext  = 1 << 24
	maxOthers   = 8
	maxAskTaken = 1024
	maxLogits   = 100 // a margin no check would ever exceed
)

// ParsePolicy reads a policy from JSON and validates it. Unknown fields are refused: a threshold with a misspelt name
// would otherwise be no threshold.
func ParsePolicy(b []byte) (Policy, error) {
	var p Policy
	if len(b) > MaxPolicyBytes {
		return p, fmt.Errorf("%w: %d bytes exceed %d", ErrPolicy, len(b), MaxPolicyBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Policy{}, fmt.Errorf("%w: something follows it", ErrPolicy)
	}
	if err := p.Validate(); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// LoadPolicy reads a policy from a file, such as `funai judge calibrate` saves.
func LoadPolicy(path string) (Policy, error) {
	f, err := os.Open(path)
	if err != nil {
		return Policy{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxPolicyBytes+1))
	if err != nil {
		return Policy{}, err
	}
	p, err := ParsePolicy(b)
	if err != nil {
		return Policy{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// Opened returns the policy with its thresholds where nothing passes them, so that judging by it measures all evidence that
// Decide needs and finds only claims invalid that no threshold could save.
func (p Policy) Opened() Policy {
	p.Rescore.MaxMargin, p.Rescore.MeanMargin, p.Rescore.Swaps = maxLogits, maxLogits, 1
	if p.Rescore.Dropped > 0 {
		p.Rescore.Dropped = maxLogits
	}
	p.Agree = false
	switch p.Ask.How {
	case AskContrast:
		p.Ask.Least = -maxLogits
	case AskYesNo:
		p.Ask.Least = 0
	}
	if p.Quality.Encoder != "" {
		p.Quality.Least = -1
	}
	return p
}

// Validate returns an error wrapping ErrPolicy if a threshold is missing, out of range or not a number. A comparison with
// NaN is never true, so that a check by such a threshold would never fail.
func (p Policy) Validate() error {
	r := p.Rescore
	switch {
	case p.Model == "":
		return fmt.Errorf("%w: no model", ErrPolicy)
	case p.Context < 0 || p.Context > maxContext:
		return fmt.Errorf("%w: context of %d tokens is not in 0 to %d", ErrPolicy, p.Context, maxContext)
	case p.Short < 1 || p.Short > maxShort:
		return fmt.Errorf("%w: short of %d tokens is not in 1 to %d", ErrPolicy, p.Short, maxShort)
	case !within(r.MaxMargin, 0, maxLogits) || r.MaxMargin == 0:
		return fmt.Errorf("%w: maximum margin %v is not in 0 (excluded) to %d logits", ErrPolicy, r.MaxMargin, maxLogits)
	case !within(r.MeanMargin, 0, r.MaxMargin) || r.MeanMargin == 0:
		return fmt.Errorf("%w: mean margin %v is not in 0 (excluded) to the maximum %v", ErrPolicy, r.MeanMargin, r.MaxMargin)
	case !within(r.Swaps, 0, 1) || r.Swaps == 0:
		return fmt.Errorf("%w: share of swaps %v is not in 0 (excluded) to 1", ErrPolicy, r.Swaps)
	case !within(r.Dropped, 0, maxLogits):
		return fmt.Errorf("%w: difference without system messages %v is not in 0 to %d logits", ErrPolicy, r.Dropped, maxLogits)
	}
	if err := p.Ask.validate(); err != nil {
		return err
	}
	switch q := p.Quality; {
	case q.Encoder == "" && q != (Quality{}):
		return fmt.Errorf("%w: a least quality of %v, but no encoder", ErrPolicy, q.Least)
	case !within(q.Least, -1, 1):
		return fmt.Errorf("%w: least quality %v is not in -1 to 1", ErrPolicy, q.Least)
	case p.Agree && (q.Encoder == "" || p.Ask.How == AskNothing):
		return fmt.Errorf("%w: two must agree, but asking is %q and the encoder %q", ErrPolicy, p.Ask.How, q.Encoder)
	}
	return nil
}

func (a Ask) validate() error {
	switch a.How {
	case AskNothing:
		if a != (Ask{}) {
			return fmt.Errorf("%w: asking is off, but it has settings", ErrPolicy)
		}
	case AskContrast:
		switch {
		case a.Others < 1 || a.Others > maxOthers:
			return fmt.Errorf("%w: %d other questions are not 1 to %d", ErrPolicy, a.Others, maxOthers)
		case a.Tokens < 1 || a.Tokens > maxAskTaken:
			return fmt.Errorf("%w: %d tokens to compare are not 1 to %d", ErrPolicy, a.Tokens, maxAskTaken)
		case !within(a.Least, -maxLogits, maxLogits):
			return fmt.Errorf("%w: least contrast %v is not in -%d to %d nats", ErrPolicy, a.Least, maxLogits, maxLogits)
		}
	case AskYesNo:
		if !within(a.Least, 0, 1) || a.Others != 0 || a.Tokens != 0 {
			return fmt.Errorf("%w: yes or no takes a least probability in 0 to 1 and nothing else", ErrPolicy)
		}
	default:
		return fmt.Errorf("%w: no way to ask called %q", ErrPolicy, a.How)
	}
	return nil
}

// within is false for NaN.
func within(x, low, high float64) bool { return !math.IsNaN(x) && x >= low && x <= high }
