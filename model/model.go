// Package model says what it means to run a language model: generate an answer token by token, score given tokens by one
// teacher-forced pass, embed texts. Engines live in its subfolders and register themselves by name; the package imports
// nothing of the project. What verification is made of is Score (Token-DiFR, arXiv 2511.20621).
package model

import (
	"context"
	"errors"
)

var (
	// ErrBusy says that the engine's queue is full; try again later.
	ErrBusy = errors.New("model: queue is full")
	// ErrTooLong says that prompt and answer together exceed the model's context.
	ErrTooLong = errors.New("model: prompt exceeds the context")
	// ErrUnsupported says that the engine can't do what was asked, such as scoring.
	ErrUnsupported = errors.New("model: not supported by this engine")
	// ErrClosed says that the engine was closed.
	ErrClosed = errors.New("model: engine is closed")
	// ErrRequest says that a request is malformed.
	ErrRequest = errors.New("model: bad request")
)

// Message is one turn of a chat; Role is "system", "user" or "assistant".
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Sampling fixes how each next token is chosen, exactly, so that any node can redo the choice: after the repeat penalty,
// the token with the greatest logit/T + noise, where the noise is Gumbel(0,1) for each token of the vocabulary, drawn
// from ChaCha8 seeded with sha256(Seed ‖ position as 4 bytes, big-endian). Temperature 0 is greedy: no noise. Values are
// thousandths, because they are signed and hashed.
type Sampling struct {
	TemperatureMilli   uint32
	RepeatPenaltyMilli uint32 // 1000 (or 0) is none; over the last 64 tokens of prompt and answer
	Seed               [32]byte
}

// Request is one generation.
type Request struct {
	Messages  []Message // rendered by the model's own chat template
	MaxTokens int       // at least 1
	Sampling  Sampling
	Top       int // how many alternatives to report for each token, at most 20
}

// Logprob is the natural logarithm of a token's probability, before penalty, temperature and noise.
type Logprob struct {
	ID      int32
	Text    string
	Logprob float64
}

// Token is one step of a generation. Text may be empty while a multi-byte character is incomplete; the texts of all the
// tokens, concatenated, are the answer.
type Token struct {
	Logprob
	Top []Logprob // most likely first
}

// Finish reasons, as OpenAI names them.
const (
	FinishStop   = "stop"   // the model ended its answer
	FinishLength = "length" // MaxTokens or the context was reached
)

// Result is a finished generation.
type Result struct {
	Text         string
	Tokens       []int32 // the end token included, if Finish is FinishStop
	PromptTokens int
	Finish       string
}

// TokenScore says how a given token looks to this model at its place.
type TokenScore struct {
	Logprob float64 // as in Logprob
	Rank    int     // 0 is the token that the sampling rule chooses
	Margin  float64 // score of the chosen token less this one's under the sampling rule, in logits; 0 if Rank is 0
	End     bool    // this is one of the model's end tokens
}

// Score is the outcome of one teacher-forced pass.
type Score struct {
	PromptTokens int
	Tokens       []TokenScore
	Text         string // what the tokens spell, the end token left out
}

// Info describes a loaded model.
type Info struct {
	Name    string   // catalogue name, such as "tinyllama-1.1b-chat"
	Hash    [32]byte // identity: sha256 of weights (which hold template and quantisation)
	Context int      // tokens of prompt and answer together
	Scores  bool     // whether Score works
	Samples bool     // whether Sampling is followed exactly; if not, only greedy requests may be judged
}

// Engine runs one model. All methods may be called at once from many goroutines; each stops soon after its context is
// done, with the context's error.
type Engine interface {
	Info() Info
	// Generate calls emit for every token as it is made; an error of emit stops it and is returned.
	Generate(ctx context.Context, r Request, emit func(Token) error) (Result, error)
	// Score runs the request's prompt followed by the given tokens.
	Score(ctx context.Context, r Request, tokens []int32) (Score, error)
	// CountPrompt returns how many tokens the request's messages make, template included.
	CountPrompt(ctx context.Context, r Request) (int, error)
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	Close() error
}
