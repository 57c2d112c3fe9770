package gateway

import (
	"context"
	"errors"
	"time"

	"funai/amount"
	"funai/model"
)

// Backend is what the gateway needs from the node: which models can be asked, and the asking. Its methods are called by
// many goroutines at once. A Backend may also be a Quoter, an Embedder and a Cataloguer; package route makes all of these
// out of many servers.
type Backend interface {
	// Models returns what can be asked now, in the order to show.
	Models(ctx context.Context) ([]Model, error)

	// Ask pays for one answer and streams it. It calls started once a server took the question (on the network: once a
	// transaction is signed, with its id), always before the first emit; a failover before the first token is a new
	// transaction and calls started again. It calls emit for every piece of the answer, in order, from one goroutine at a
	// time, and never after it returned.
	//
	// When emit returns ErrStop the client has all it wants: Ask ends the generation early if the server can do that,
	// otherwise lets it finish unseen, and returns the Answer that is paid for with a nil error. When emit returns any
	// other error, or ctx ends (the client went), Ask stops and returns that error, beside it an Answer with the Fee of
	// what has to be paid even so. emit waits for a slow client, up to Config.WriteTimeout. Errors that mean something to
	// the client wrap one of the sentinels below; any other is 502.
	Ask(ctx context.Context, r Request, started func(Start), emit func(Delta) error) (Answer, error)
}

// Quoter says beforehand what a question can cost, so that no more than that is held of a key's budget.
type Quoter interface {
	// Quote returns the most that one answer can cost at the dearest server that may be asked, in base units.
	Quote(ctx context.Context, r Request) (amount.Amount, error)
}

// Embedder makes vectors of texts. Its errors wrap the same sentinels as Ask's.
type Embedder interface {
	Embed(ctx context.Context, r EmbedRequest) (Embeddings, error)
}

// Cataloguer lists every server of every model with what is known of it.
type Cataloguer interface {
	Catalogue(ctx context.Context) ([]Offer, error)
}

// Model is something that can be asked.
type Model struct {
	ID       string        // what a request names, such as "tinyllama-1.1b-chat"
	Created  time.Time     // when it was registered; zero if unknown
	OwnedBy  string        // "funai" if empty
	Context  int           // tokens of prompt and answer together; 0 if unknown
	Longest  int           // tokens of an answer where the client sets no limit; 0: Context
	PriceIn  amount.Amount // base units for each token of the prompt, the least that a server takes
	PriceOut amount.Amount // base units for each token of the answer
	Servers  int           // how many nodes are known to serve it now
	Logprobs bool          // whether log-probabilities can be had
	Can      Ability       // what else it can do, at one server at least
	Trust    []string      // ways to trust an answer that are offered
}

// Offer is one model at one server.
type Offer struct {
	Model  Model  // Servers is 1
	Server string // inference address, or the name of a configured server
	Queue  int    // questions waiting or running there, as far as known
	Stats  Stats
}

// Stats is what was seen of one model at one server. Times are seconds; 0 is unknown.
type Stats struct {
	FirstToken float64 // to the first piece of an answer, smoothed
	TokensASec float64 // after it, smoothed
	Uptime     float64 // share of questions that did not fail at the server, smoothed; 1 before any was asked
	Asked      uint64  // questions since this process began
	Judged     uint64  // answers with a verdict
	Quality    float64 // share of those that were valid; 0 where Judged is
	Down       bool    // failed just now and is asked last
}

// Request is one question, checked and decoded. Pointers are nil where the client said nothing.
type Request struct {
	Model              string
	Messages           []Message       // at least one
	Raw                bool            // of /v1/completions: the one message is text to be continued, without a template where that can be
	Apart              bool            // of /v1/embeddings: each message is read by itself, so together they may exceed the model's context
	MaxTokens          int             // 0: the backend's default
	TemperatureMilli   *uint32         // thousandths, 0 to 2000
	RepeatPenaltyMilli *uint32         // thousandths, 1000 to 2000; 1000 is none
	Seed               *int64          // a wish: under trust "judge" the transaction id fixes the noise
	Stop               []string        // as a hint to a server that can end early; the gateway cuts by itself
	Logprobs           bool            // fill Delta.Tokens
	Top                int             // alternatives wanted for each token, 0 to 20
	Sampling           Sampling        // needs CanSample
	Tools              Tools           // needs CanTools
	Format             *ResponseFormat // needs CanSchema; nil is free text
	Trust              string          // TrustJudge, TrustNone, or "" for what the model's servers offer
	MaxFee             amount.Amount   // base units for this answer; 0: no limit but the model's price
	Route              Route
	Client             string // whose question it is, for engines that are fair among clients: the id of an API key; "" is the owner's
}

// Ways to trust an answer.
const (
	TrustJudge = "judge" // verification nodes judge it; the network's default
	TrustNone  = "none"  // nobody does: a server of the gateway's owner answered
)

// Start is what is known once a server took the question.
type Start struct {
	Receipt string        // transaction id, hex; the verdict can be asked for by it. Empty: no transaction
	Server  string        // inference address of the node asked, or the server's name
	Escrow  amount.Amount // base units held back until settlement: the most that this answer can cost
}

// Delta is one piece of an answer: usually one token. Text is whole UTF-8 characters.
type Delta struct {
	Text   string
	Tokens []model.Token   // with log-probabilities, if the request asked for them and the server gave them
	Calls  []ToolCallDelta // pieces of tool calls
	More   bool            // the next piece is there already, so this one need not be flushed by itself
}

// Answer is how an answer ended.
type Answer struct {
	Receipt          string // as in Start
	Server           string
	Finish           string // model.FinishStop, model.FinishLength, FinishTools or FinishFilter
	PromptTokens     int
	CompletionTokens int
	Fee              amount.Amount // base units, paid if the verdict is valid
	Trust            string        // how it can be trusted; TrustJudge if empty
	Templated        bool          // a Raw request was asked as one user message, by the model's chat template
}

// Finish reasons besides those of package model.
const (
	FinishTools  = "tool_calls"
	FinishFilter = "content_filter"
)

// EmbedRequest asks for one vector for each text.
type EmbedRequest struct {
	Model      string
	Input      []string
	Dimensions int // 0: the model's own
	Trust      string
	MaxFee     amount.Amount
	Route      Route
}

// Embeddings are the vectors, in the order of the texts.
type Embeddings struct {
	Vectors      [][]float32
	PromptTokens int
	Server       string
	Fee          amount.Amount // base units
}

// ErrStop is what emit returns when a stop string was met; see Backend.Ask.
var ErrStop = errors.New("gateway: stop string met")

// What a Backend's error may wrap, and the status the client sees.
var (
	ErrRequest  = errors.New("bad request")                           // 400
	ErrTooLong  = errors.New("prompt exceeds the model's context")    // 400, code context_length_exceeded
	ErrNoFunds  = errors.New("not enough FAI")                        // 402, code insufficient_funds
	ErrMaxFee   = errors.New("max_fee is less than the answer needs") // 402, code max_fee_too_low
	ErrNoModel  = errors.New("no such model")                         // 404, code model_not_found
	ErrBusy     = errors.New("too many requests")                     // 429, Retry-After 1 s; see BusyError
	ErrUpstream = errors.New("the serving node failed")               // 502
	ErrNobody   = errors.New("no node serves this model now")         // 503
	ErrSyncing  = errors.New("the node is still catching up")         // 503
)

// BusyError is ErrBusy with the time after which to try again.
type BusyError struct{ RetryAfter time.Duration }

func (e *BusyError) Error() string { return ErrBusy.Error() + "; retry after " + e.RetryAfter.String() }

// Is makes errors.Is(err, ErrBusy) hold.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

// UnsupportedError refuses what the model's servers can't do, rather than leave it out: 400, code unsupported_parameter.
type UnsupportedError struct {
	Param string // the request's field
	Why   string
}

func (e *UnsupportedError) Error() string { return e.Param + " is not supported: " + e.Why }

// Is makes errors.Is(err, ErrRequest) hold.
func (e *UnsupportedError) Is(target error) bool { return target == ErrRequest }
