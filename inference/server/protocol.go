package server

import (
	"errors"

	"funai/inference/execution"
	"funai/inference/pool"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/model"
)

// Protocol is the stream protocol's name: the asker sends one Ask, the server answers with Frames.
const Protocol = "ask/1"

// MaxAskBytes and MaxFrameBytes bound the messages.
const (
	MaxAskBytes   = task.MaxInputBytes + 128<<10
	MaxFrameBytes = 64 << 10
)

// Ask is a signed opening with the contents it names.
type Ask struct {
	_     struct{} `cbor:",toarray"`
	Open  []byte   // encoded transaction
	Input task.Input
	Top   uint32 // alternatives to report for each token
}

// Frame kinds.
const (
	FrameAccepted byte = 1 // the server will answer; no other will be asked
	FrameRefused  byte = 2 // it will not; the asker may ask another
	FrameToken    byte = 3
	FrameDone     byte = 4 // with the receipt
	FrameFailed   byte = 5 // after it was accepted
)

// Frame is one message of the answer.
type Frame struct {
	_       struct{} `cbor:",toarray"`
	Kind    byte
	Reason  string // Refused, Failed
	Code    Code   // Refused, Failed
	Token   Token
	Finish  string // Done: as package model names it
	Receipt []byte // Done: encoded transaction
	Tokens  []int32
}

// Token is one token of the answer.
type Token struct {
	_       struct{} `cbor:",toarray"`
	ID      int32
	Text    string
	Logprob float64
	Top     []Alternative
}

// Alternative is a token that might have stood in another's place.
type Alternative struct {
	_       struct{} `cbor:",toarray"`
	ID      int32
	Text    string
	Logprob float64
}

// Code says why a server refuses or fails.
type Code uint8

// The reasons.
const (
	CodeBadRequest Code = 1 // the request can't be answered by anyone
	CodeModel      Code = 2 // not run here
	CodeBusy       Code = 3
	CodePrice      Code = 4 // the gas price is too low
	CodeFunds      Code = 5 // the asker's balance does not cover the task
	CodeTooLong    Code = 6 // prompt and answer exceed the model's context, or the gas limit
	CodeBond       Code = 7 // this server's bond does not cover the task
	CodeInternal   Code = 8
)

// The errors behind the codes, as an asker sees them.
var (
	ErrBadRequest = errors.New("bad request")
	ErrModel      = errors.New("model not served")
	ErrBusy       = errors.New("server is busy")
	ErrPrice      = errors.New("gas price too low")
	ErrFunds      = errors.New("not enough funds")
	ErrTooLong    = errors.New("request too long")
	ErrBond       = errors.New("server's bond is too small")
	ErrInternal   = errors.New("server failed")
)

var codes = map[Code]error{CodeBadRequest: ErrBadRequest, CodeModel: ErrModel, CodeBusy: ErrBusy, CodePrice: ErrPrice,
	CodeFunds: ErrFunds, CodeTooLong: ErrTooLong, CodeBond: ErrBond, CodeInternal: ErrInternal}

// Err is the error that a code stands for.
func (c Code) Err() error {
	if err := codes[c]; err != nil {
		return err
	}
	return ErrInternal
}

func codeOf(err error) Code {
	switch {
	case errors.Is(err, model.ErrBusy):
		return CodeBusy
	case errors.Is(err, model.ErrTooLong):
		return CodeTooLong
	case errors.Is(err, model.ErrRequest):
		return CodeBadRequest
	case errors.Is(err, execution.ErrFunds):
		return CodeFunds
	case errors.Is(err, pool.ErrFull):
		return CodeBusy
	}
	for _, theirs := range []error{tx.ErrMalformed, execution.ErrChain, execution.ErrPayload, execution.ErrGas, execution.ErrFee, execution.ErrExpiry,
		execution.ErrNonceLow, execution.ErrNonceHigh, pool.ErrReplaces} {
		if errors.Is(err, theirs) {
			return CodeBadRequest
		}
	}
	for c, e := range codes {
		if errors.Is(err, e) {
			return c
		}
	}
	return CodeInternal
}
