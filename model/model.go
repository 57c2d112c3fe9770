// Package model says what it means to run a language model: generate an answer token by token, score given tokens by one
// teacher-forced pass, embed texts. Engines live in its subfolders and register themselves by name; the package imports
// nothing of the project. What verification is made of is Score (Token-DiFR, arXiv 2511.20621).
package model

import (
	"context"
	"encoding/json"
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
	// ErrMemory says that a model doesn't fit the memory that there is, or that it may use.
	ErrMemory = errors.New("model: not enough memory")
)

// Message is one turn of a chat; Role is "system", "user", "assistant", or "tool" for what a called tool returned.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`

	ToolCalls  []ToolCall `json:"tool_calls,omitempty"`   // of an assistant's turn
	ToolCallID string     `json:"tool_call_id,omitempty"` // of a tool's turn: the call it answers
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // JSON schema of the arguments; empty: none
}

// ToolCall is a model's wish to call a tool.
type ToolCall struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // JSON, as the model wrote it
}

// Words for Request.ToolChoice; every other word is the name of the tool that must be called.
const (
	ToolAuto     = "auto"     // the model decides; also the empty word
	ToolNone     = "none"     // no call
	ToolRequired = "required" // some call
)

// Sampling fixes how each next token is chosen, exactly, so that any node can redo the choice: after the repeat penalty,
// the token with the greatest logit/T + noise, where the noise is Gumbel(0,1) for each token of the vocabulary, drawn
// from ChaCha8 seeded with sha256(Seed ‖ position as 4 bytes, big-endian). Temperature 0 is greedy: no noise. Values are
// thousandths, because they are signed and hashed.
type Sampling struct {
	TemperatureMilli   uint32
	RepeatPenaltyMilli uint32 // 1000 (or 0) is none; over the last 64 tokens of prompt and answer
	Seed               [32]byte
}

// Controls is everything else that can shape an answer, in the words of OpenAI's API and of llama.cpp. Nobody can redo such
// an answer exactly, so they are for local use and a gateway's own models: requests of the network, which are judged, have
// none. The zero value is greedy.
type Controls struct {
	Temperature      float64 // 0 is greedy; at most 5
	TopK             int     // keep the k likeliest tokens; 0: all
	TopP             float64 // keep the likeliest tokens that reach this probability together; 0 or 1: all
	MinP             float64 // keep tokens of at least this share of the likeliest one's probability; 0: all
	RepeatPenalty    float64 // as in Sampling; 0 or 1: none
	FrequencyPenalty float64 // taken off a logit for every time the token stands in the window; from -2 to 2
	PresencePenalty  float64 // taken off a logit once if the token stands in the window; from -2 to 2
	PenaltyWindow    int     // tokens that the penalties look at; 0: 64; at most 4096
	Seed             uint64
	LogitBias        map[int32]float64 // added to logits, from -100 to 100; -100 bans a token
}

// Request is one generation.
type Request struct {
	// Client says whose request this is, in whatever words the caller tells its clients apart by. An engine that is asked for more
	// than it can do at once is fair among clients; who isn't named is one of them. It is no part of what is asked.
	Client string `json:"-" cbor:"-"`

	Messages  []Message // rendered by the model's own chat template
	MaxTokens int       // at least 1
	Sampling  Sampling  // of no effect if Controls is set
	Top       int       // how many alternatives to report for each token, at most 20

	Controls   *Controls // nil: Sampling chooses
	Stop       []string  // texts that end the answer, themselves left out; at most 16 of at most 256 bytes
	Tools      []Tool    // at most 128
	ToolChoice string
	Grammar    string          // GBNF that the answer keeps to; not together with Schema
	Schema     json.RawMessage // JSON schema that the answer keeps to
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
	FinishTools  = "tool_calls"
)

// Result is a finished generation.
type Result struct {
	Text         string
	Tokens       []int32 // the end token included, if the model ended the answer
	PromptTokens int
	CachedTokens int // of the prompt, those whose work an earlier request had done
	Finish       string
	ToolCalls    []ToolCall // if Finish is FinishTools; Text is then what stands before and between them
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
