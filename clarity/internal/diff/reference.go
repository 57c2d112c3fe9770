package diff

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"funai/internal/npm"
)

//go:embed reference
var program embed.FS

// playTime is what one program may take; the first also waits for the start.
const playTime = 30 * time.Second

// Answer is what an implementation made of a program.
type Answer struct {
	Deploys []Step `json:"deploys"`
	Calls   []Step `json:"calls"`
	Panic   string `json:"panic,omitempty"` // it broke down, and the last steps are missing
}

// Step is what came of one deployment or call.
type Step struct {
	Hex    string   `json:"hex,omitempty"`
	Events []Event  `json:"events,omitempty"`
	Cost   []uint64 `json:"cost,omitempty"` // runtime, reads, bytes read, writes, bytes written
	Error  string   `json:"error,omitempty"`
	class  string   // of the error; worked out from it in what the reference says
}

// Event is one event, its data without what is only for the eye.
type Event struct {
	Event string         `json:"event"`
	Data  map[string]any `json:"data"`
}

// Reference is a process that runs programs on the reference implementation. It is for one goroutine at a time.
type Reference struct {
	dir   string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan []byte
}

// NewReference prepares a process. The packages that it needs come from npm, once; an npm.ErrNone says that there is none.
func NewReference(ctx context.Context) (*Reference, error) {
	from, err := fs.Sub(program, "reference")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "clarity-reference-")
	if err != nil {
		return nil, err
	}
	if err := npm.Dir(ctx, from, dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Reference{dir: dir}, nil
}

func (r *Reference) start() error {
	r.cmd = exec.Command("node", "run.mjs")
	r.cmd.Dir = r.dir
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	lines := make(chan []byte)
	r.lines = lines
	go func() {
		defer close(lines)
		for b := bufio.NewReader(out); ; {
			line, err := b.ReadBytes('\n')
			if err != nil {
				return
			}
			lines <- line
		}
	}()
	return nil
}

// Close ends the process for good.
func (r *Reference) Close() error { return errors.Join(r.stop(), os.RemoveAll(r.dir)) }

// stop ends the process; the next program starts another.
func (r *Reference) stop() error {
	if r.cmd == nil {
		return nil
	}
	err := r.cmd.Process.Kill()
	for range r.lines { // the reader is at its end before Wait
	}
	_ = r.cmd.Wait() // it was killed
	r.cmd = nil
	return err
}

// Play runs a program. A program at which the reference implementation breaks down or hangs gets an answer that says so.
func (r *Reference) Play(p *Program) (*Answer, error) {
	if r.cmd == nil {
		if err := r.start(); err != nil {
			return nil, err
		}
	}
	line, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	select {
	case out, ok := <-r.lines:
		if !ok {
			return &Answer{Panic: "the process ended"}, r.stop()
		}
		a := new(Answer)
		if err := json.Unmarshal(out, a); err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
		a.tidy()
		if a.Panic != "" {
			return a, r.stop()
		}
		return a, nil
	case <-time.After(playTime):
		return &Answer{Panic: "time is up"}, r.stop()
	}
}

// tidy works out classes and drops what is only for the eye.
func (a *Answer) tidy() {
	for _, steps := range [][]Step{a.Deploys, a.Calls} {
		for i := range steps {
			s := &steps[i]
			if s.Error != "" {
				s.class = classOf(s.Error)
			}
			for _, e := range s.Events {
				delete(e.Data, "value")
			}
		}
	}
}
