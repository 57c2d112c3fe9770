package gateway

import (
	"context"
	"errors"
	"time"

	"funai/amount"
	"funai/model"
)

// Backend is what the gateway needs from the node: which models can be asked, and the asking. Its methods are called by
// many goroutines at once.
type Backend interface {
	// Models returns what can be asked now, in the order to show.
	Models(ctx context.Context) ([]Model, error)

	// Ask pays for one answer and streams it. It calls started once a transaction is signed, with its id, always before
	// the first emit; a failover before the first token is a new transaction and calls started again. It calls emit for
	// every piece of the answer, in order, from one goroutine at a time, and never after it returned.
	//
	// When emit returns ErrStop the client has all it wants: Ask ends the generation early if the server can do that,
	// otherwise lets it finish unseen, and returns the Answer that is paid for with a nil error. When emit returns any
	// other error, or ctx ends (the client went), Ask stops and returns that error. emit waits for a slow client, up to
	// Config.WriteTimeout. Errors that mean something to the client wrap one of the sentinels below; any other is 502.
	Ask(ctx context.Context, r Request, started func(Start), emit func(Delta) error) (Answer, error)
}

// Model is something that can be asked.
type Model struct {
	ID       string        // what a request names, such as "tinyllama-1.1b-chat"
	Created  time.Time     // when it was registered; zero if unknown
	OwnedBy  string        // "funai" if empty
	Context  int           // tokens of prompt and answer together; 0 if unknown
	PriceIn  amount.Amount // base units for each token of the prompt
	PriceOut amount.Amount // base units for each token of the answer
	Servers  int           // how many nodes are known to serve it now
	Logprobs bool          // whether log-probabilities can be had
}

// Request is one question, checked and decoded. Pointers are nil where the client said nothing.
type Request struct {
	Model              string
	Messages           []model.Message // at least one; roles "system", "user", "assistant"
	MaxTokens          int             // 0: the backend's default
	TemperatureMilli   *uint32         // thousandths, 0 to 2000
	RepeatPenaltyMilli *uint32         // thousandths, 1000 to 2000; 1000 is none
	Seed               *int64          // a wish: under trust "judge" the transaction id fixes the noise
	Logprobs           bool            // fill Delta.Tokens
	Top                int             // alternatives wanted for each token, 0 to 20
	Trust              string          // TrustJudge
	MaxFee             amount.Amount   // base units; 0: no limit but the model's price
}

// TrustJudge is the way to trust an answer that verification nodes judge; the default.
const TrustJudge = "judge"

// Start is what is known once the transaction is signed.
type Start struct {
	Receipt string        // transaction id, hex; the verdict can be asked for by it
	Server  string        // inference address of the node asked
	Escrow  amount.Amount // base units held back until settlement: the most that this answer can cost
}

// Delta is one piece of an answer: usually one token. Text is whole UTF-8 characters.
type Delta struct {
	Text   string
	Tokens []model.Token // with log-probabilities, if the request asked for them and the server gave them
}

// Answer is how an answer ended.
type Answer struct {
	Receipt          string // as in Start
	Server           string
	Finish           string // model.FinishStop or model.FinishLength
	PromptTokens     int
	CompletionTokens int
	Fee              amount.Amount // base units, paid if the verdict is valid
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
