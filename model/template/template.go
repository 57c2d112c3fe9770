// Package template renders the chat templates that come with models: Jinja, as Hugging Face's transformers runs it (trimmed
// blocks, raise_exception, Python's JSON). A template is a program of whoever made the weights, so it runs in a process of its
// own, which is bounded in time and memory and ended when it exceeds them. It imports package model and ardanlabs/jinja; what it renders
// depends on nothing but its input, for nodes must agree on prompts: there is no clock (strftime_now) and no chance.
package template

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"funai/model"
)

var (
	// ErrTemplate says that a template can't be read, or fails; the error holds its words.
	ErrTemplate = errors.New("template: chat template failed")
	// ErrBounds says that a template took too long, or wrote or used too much, and was ended.
	ErrBounds = errors.New("template: chat template exceeds its bounds")
)

// Bounds of a template. Those of real models are at most 20 KB and render in under a millisecond.
const (
	maxSource  = 256 << 10
	maxOutput  = 8 << 20
	maxMemory  = 512 << 20
	maxStack   = 32 << 20
	maxTime    = 10 * time.Second // of one rendering, on a machine with other work
	maxStartup = time.Minute      // of the process
)

// Template is a chat template. Renderings take turns.
type Template struct {
	source start
	limit  time.Duration
	turn   chan struct{} // holds one value while nobody renders
	worker *worker       // nil: none runs; its owner is who renders
	closed bool          // likewise
}

// start is the first line to a worker.
type start struct {
	Source string `json:"source"`
	Begin  string `json:"begin"` // text of the token that begins every text (bos_token)
	End    string `json:"end"`   // text of the token that ends an answer (eos_token)
}

// Input is what is rendered.
type Input struct {
	Messages []model.Message
	Tools    []model.Tool
}

// reply is a worker's line.
type reply struct {
	Text  string `json:"text"`
	Error string `json:"error"`
	Large bool   `json:"large"` // the output was cut off
}

// worker is a process that renders.
type worker struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// New prepares a template. Source is Jinja; begin and end are the texts of the model's tokens of that name. Nothing runs until
// the first rendering.
func New(source, begin, end string) (*Template, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("%w: %d bytes of source, %d are allowed", ErrBounds, len(source), maxSource)
	}
	t := &Template{source: start{source, begin, end}, limit: maxTime, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t, nil
}

// Render writes messages as the model was trained to see them, up to where the assistant speaks.
func (t *Template) Render(ctx context.Context, in Input) (string, error) {
	line, err := json.Marshal(wire(in))
	if err != nil {
		return "", fmt.Errorf("%w: %w", model.ErrRequest, err)
	}
	select {
	case <-t.turn:
		defer func() { t.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if t.closed {
		return "", model.ErrClosed
	}
	if t.worker == nil {
		if err := t.start(ctx); err != nil {
			return "", err
		}
	}
	got, err := t.exchange(ctx, line, t.limit)
	switch {
	case err != nil:
		return "", err
	case got.Large:
		return "", fmt.Errorf("%w: more than %d bytes of output", ErrBounds, maxOutput)
	case got.Error != "":
		return "", fmt.Errorf("%w: %.300s", ErrTemplate, got.Error)
	}
	return got.Text, nil
}

// start runs a worker and has it read the template.
func (t *Template) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	// The process outlives the call that starts it, so it isn't bound to the call's context.
	c := exec.CommandContext(context.WithoutCancel(ctx), self)
	c.Env = []string{workerVariable + "=1", "GOTRACEBACK=none", "GOMAXPROCS=2", "GORACE=atexit_sleep_ms=0"}
	in, err := c.StdinPipe()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	t.worker = &worker{c, in, bufio.NewReader(out)}
	line, err := json.Marshal(t.source)
	if err != nil {
		t.end()
		return fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	got, err := t.exchange(ctx, line, maxStartup)
	if err == nil && got.Error != "" {
		t.end()
		err = fmt.Errorf("%w: %.300s", ErrTemplate, got.Error)
	}
	return err
}

// exchange sends a line and reads the answer. A worker that doesn't answer properly in time is ended.
func (t *Template) exchange(ctx context.Context, line []byte, limit time.Duration) (reply, error) {
	w := t.worker
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	stop := context.AfterFunc(limited, func() { _ = w.command.Process.Kill() })
	_, err := w.in.Write(append(line, '\n'))
	var answer []byte
	if err == nil {
		answer, err = readLine(w.out, 7*maxOutput) // JSON writes a byte as six at most
	}
	var got reply
	if err == nil {
		err = json.Unmarshal(answer, &got)
	}
	if stop() && err == nil {
		return got, nil
	}
	t.end()
	switch {
	case ctx.Err() != nil:
		return reply{}, ctx.Err()
	case limited.Err() != nil:
		return reply{}, fmt.Errorf("%w: not done after %v", ErrBounds, limit)
	}
	return reply{}, fmt.Errorf("%w: its process ended, as it does at %d bytes of memory or %d of stack", ErrBounds, maxMemory, maxStack)
}

func readLine(r *bufio.Reader, most int) (line []byte, err error) {
	for {
		part, more, err := r.ReadLine()
		line = append(line, part...)
		if err != nil || !more {
			return line, err
		}
		if len(line) > most {
			return nil, io.ErrShortBuffer
		}
	}
}

// end kills the worker; the next rendering starts another.
func (t *Template) end() {
	_ = t.worker.command.Process.Kill()
	_ = t.worker.in.Close()
	_ = t.worker.command.Wait() // says only that it was killed
	t.worker = nil
}

// Close ends the template's process; later renderings are model.ErrClosed.
func (t *Template) Close() {
	<-t.turn
	defer func() { t.turn <- struct{}{} }()
	t.closed = true
	if t.worker != nil {
		t.end()
	}
}
