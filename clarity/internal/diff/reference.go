package diff

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed reference/run.mjs
var script []byte

//go:embed reference/package.json
var packages []byte

//go:embed reference/package-lock.json
var lock []byte

// The bounds of what the reference implementation may take.
const (
	npmTime  = 5 * time.Minute
	playTime = 30 * time.Second // of one program; the first also waits for the start
)

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

// NewReference prepares a process. The packages that it needs come from npm, once.
func NewReference(ctx context.Context) (*Reference, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append(append([]byte(nil), lock...), script...))
	dir := filepath.Join(cache, "clarity-reference-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err != nil {
		if err := install(ctx, cache, dir); err != nil {
			return nil, err
		}
	}
	return &Reference{dir: dir}, nil
}

// cacheDir is where this project keeps what can be had again.
func cacheDir() (string, error) {
	if c := os.Getenv("FUNAI_CACHE"); c != "" {
		return filepath.Abs(c)
	}
	c, err := os.UserCacheDir()
	return filepath.Join(c, "funai"), err
}

// install has npm fetch the packages that the lock file names, by their hashes, and puts all in place at once.
func install(ctx context.Context, cache, dir string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(cache, "clarity-reference-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for name, text := range map[string][]byte{"run.mjs": script, "package.json": packages, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(tmp, name), text, 0o644); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, npmTime)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = tmp
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	if err := os.Rename(tmp, dir); err != nil && !os.IsExist(err) { // another run may have been first
		return err
	}
	return nil
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

// Close ends the process.
func (r *Reference) Close() error {
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
		return nil, errors.Join(err, r.Close())
	}
	select {
	case out, ok := <-r.lines:
		if !ok {
			return &Answer{Panic: "the process ended"}, r.Close()
		}
		a := new(Answer)
		if err := json.Unmarshal(out, a); err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
		a.tidy()
		if a.Panic != "" {
			return a, r.Close()
		}
		return a, nil
	case <-time.After(playTime):
		return &Answer{Panic: "time is up"}, r.Close()
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
