// Package task says what the contents of an inference transaction are, how they hash into it, and what a model is asked
// for it. Asker, server and seats all go by it. It may import tx, codec and model. Fields: FUN AI whitepaper, section 3.
package task

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"funai/inference/codec"
	"funai/inference/tx"
	"funai/model"
)

var (
	// ErrContent says that contents do not fit the hashes in their transaction or receipt.
	ErrContent = errors.New("content does not match its hash")
	// ErrTooLarge says that contents exceed their bound.
	ErrTooLarge = errors.New("content too large")
)

// Bounds in bytes and counts, of contents decoded from peers.
const (
	MaxInputBytes  = 256 << 10
	MaxOutputBytes = 256 << 10
	MaxTokens      = 32 << 10
	maxTurns       = 1024
)

// Input is what the asker asks: the whitepaper's input, context and system prompt.
type Input struct {
	_       struct{} `cbor:",toarray"`
	System  string   // the system prompt; empty is none
	Context []Turn   // earlier turns of the conversation, oldest first
	Input   string   // the question
}

// Turn is one earlier message.
type Turn struct {
	_       struct{} `cbor:",toarray"`
	Role    string
	Content string
}

// Output is what the server answered.
type Output struct {
	_      struct{} `cbor:",toarray"`
	Text   string
	Tokens []int32 // the end token included, if the model ended the answer
}

// Check bounds an input. Its texts are UTF-8, for no other text can be sent.
func (in Input) Check() error {
	n := len(in.System) + len(in.Input)
	whole := utf8.ValidString(in.System) && utf8.ValidString(in.Input)
	for _, t := range in.Context {
		n += len(t.Role) + len(t.Content)
		whole = whole && utf8.ValidString(t.Content)
		if t.Role != "user" && t.Role != "assistant" && t.Role != "system" {
			return fmt.Errorf("%w: role %q", ErrContent, t.Role)
		}
	}
	if n > MaxInputBytes || len(in.Context) > maxTurns {
		return fmt.Errorf("%w: %d bytes in %d turns, at most %d in %d", ErrTooLarge, n, len(in.Context), MaxInputBytes, maxTurns)
	}
	if !whole {
		return fmt.Errorf("%w: input is not UTF-8", ErrContent)
	}
	return nil
}

// hashes are the input's three hashes; zero for what is not there.
func (in Input) hashes() (input, context, system [32]byte) {
	input = sha256.Sum256([]byte(in.Input))
	if len(in.Context) > 0 {
		context = sha256.Sum256(codec.Encode(in.Context))
	}
	if in.System != "" {
		system = sha256.Sum256([]byte(in.System))
	}
	return input, context, system
}

// Bind writes the input's hashes into an opening.
func (in Input) Bind(o *tx.Open) { o.Input, o.Context, o.System = in.hashes() }

// Fits says whether this is the input that an opening names.
func (in Input) Fits(o *tx.Open) error {
	if err := in.Check(); err != nil {
		return err
	}
	input, context, system := in.hashes()
	if input != o.Input || context != o.Context || system != o.System {
		return fmt.Errorf("%w: input, context or system prompt", ErrContent)
	}
	return nil
}

// Request is what the model is asked: the chosen token at each place is fixed by the transaction, so that it can be
// checked (see model.Sampling).
func (in Input) Request(id tx.ID, o *tx.Open) model.Request {
	var ms []model.Message
	if in.System != "" {
		ms = append(ms, model.Message{Role: "system", Content: in.System})
	}
	for _, t := range in.Context {
		ms = append(ms, model.Message{Role: t.Role, Content: t.Content})
	}
	ms = append(ms, model.Message{Role: "user", Content: in.Input})
	return model.Request{Messages: ms, MaxTokens: int(o.MaxTokens), Sampling: model.Sampling{
		TemperatureMilli: o.TemperatureMilli, RepeatPenaltyMilli: o.RepeatPenaltyMilli, Seed: id}}
}

// Check bounds an output. Its text is UTF-8, for no other text can be sent: a server that signed for one would not be paid.
func (out Output) Check() error {
	if len(out.Text) > MaxOutputBytes || len(out.Tokens) > MaxTokens {
		return fmt.Errorf("%w: %d bytes in %d tokens, at most %d in %d", ErrTooLarge, len(out.Text), len(out.Tokens), MaxOutputBytes, MaxTokens)
	}
	if !utf8.ValidString(out.Text) {
		return fmt.Errorf("%w: output is not UTF-8", ErrContent)
	}
	return nil
}

// TextHash is what a receipt says of the text.
func (out Output) TextHash() [32]byte { return sha256.Sum256([]byte(out.Text)) }

// TokenHash is what a receipt says of the token ids: sha256 over 4 bytes each, little-endian.
func (out Output) TokenHash() [32]byte {
	b := make([]byte, 0, 4*len(out.Tokens))
	for _, t := range out.Tokens {
		b = binary.LittleEndian.AppendUint32(b, uint32(t))
	}
	return sha256.Sum256(b)
}

// Fits says whether this is the output that a receipt names.
func (out Output) Fits(r *tx.Receipt) error {
	if err := out.Check(); err != nil {
		return err
	}
	if out.TextHash() != r.Output || out.TokenHash() != r.Tokens {
		return fmt.Errorf("%w: output's text or tokens", ErrContent)
	}
	if uint32(len(out.Tokens)) != r.TokensOut {
		return fmt.Errorf("%w: %d tokens, the receipt says %d", ErrContent, len(out.Tokens), r.TokensOut)
	}
	return nil
}

// Contents are all that a server, a seat or an asker holds of a task, with the transactions that bind it.
type Contents struct {
	_       struct{} `cbor:",toarray"`
	Open    []byte   // encoded transaction
	Receipt []byte   // encoded transaction; empty before there is one
	Input   Input
	Output  Output
}

// MaxContentsBytes bounds encoded contents, under the content store's bound on one content.
const MaxContentsBytes = MaxInputBytes + MaxOutputBytes + 5*MaxTokens + 160<<10

// Checked is contents that fit their transactions, decoded.
type Checked struct {
	Task    tx.ID
	OpenTx  *tx.Tx
	Open    *tx.Open
	Receipt *tx.Receipt // nil before there is one
	Server  *tx.Tx      // the receipt's transaction
	Input   Input
	Output  Output
}

// Check decodes the transactions, checks their signatures, and that everything fits.
func (c Contents) Check() (*Checked, error) {
	t, err := tx.Decode(c.Open)
	if err != nil {
		return nil, err
	}
	o, ok := t.Payload.(*tx.Open)
	if !ok {
		return nil, fmt.Errorf("%w: payload %#x opens no task", ErrContent, t.Payload.Type())
	}
	if _, err := t.Verify(); err != nil {
		return nil, err
	}
	if err := c.Input.Fits(o); err != nil {
		return nil, err
	}
	out := &Checked{Task: t.ID(), OpenTx: t, Open: o, Input: c.Input, Output: c.Output}
	if len(c.Receipt) == 0 {
		return out, nil
	}
	if out.Server, err = tx.Decode(c.Receipt); err != nil {
		return nil, err
	}
	if out.Receipt, ok = out.Server.Payload.(*tx.Receipt); !ok {
		return nil, fmt.Errorf("%w: payload %#x is no receipt", ErrContent, out.Server.Payload.Type())
	}
	if _, err := out.Server.Verify(); err != nil {
		return nil, err
	}
	if !o.Server.IsZero() && out.Server.Signer != o.Server {
		return nil, fmt.Errorf("%w: receipt of %v, asked was %v", ErrContent, out.Server.Signer, o.Server)
	}
	if out.Receipt.Task != out.Task {
		return nil, fmt.Errorf("%w: receipt of task %v, not %v", ErrContent, out.Receipt.Task, out.Task)
	}
	if err := c.Output.Fits(out.Receipt); err != nil {
		return nil, err
	}
	return out, nil
}

// Encode returns the contents' bytes.
func (c Contents) Encode() []byte { return codec.Encode(c) }

// Decode reads contents.
func Decode(b []byte) (c Contents, err error) {
	err = codec.Decode(b, MaxContentsBytes, &c)
	return c, err
}
