package clarity

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"funai/internal/npm"
)

// reference is the reference implementation, in a process of its own.
type reference struct {
	in  io.Writer
	out *bufio.Scanner
	err bytes.Buffer
}

// request and reply are what serve.mjs reads and writes.
type request struct {
	Deploy *deployment `json:"deploy,omitempty"`
	Call   *invocation `json:"call,omitempty"`
	Times  int         `json:"times,omitempty"`
}

type deployment struct {
	Name    string `json:"name"`
	Source  string `json:"source"`
	Version int    `json:"version"`
}

type invocation struct {
	Contract string `json:"contract"`
	Function string `json:"function"`
}

type reply struct {
	MS     []float64 `json:"ms"`
	Result string    `json:"result"`
	Error  string    `json:"error"`
}

// startReference starts it, until the test ends, or skips the test where there is no Node.js.
func startReference(tb testing.TB) *reference {
	tb.Helper()
	if testing.Short() {
		tb.Skip("it runs Node.js")
	}
	dir := tb.TempDir()
	if err := npm.Dir(tb.Context(), os.DirFS("testdata/reference"), dir); errors.Is(err, npm.ErrNone) {
		tb.Skip(err)
	} else if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), "node", "serve.mjs", epoch.String())
	cmd.Dir = dir
	r := &reference{}
	cmd.Stderr = &r.err
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	r.in, r.out = in, bufio.NewScanner(out)
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && tb.Context().Err() == nil {
			tb.Errorf("the reference implementation: %v\n%s", err, r.err.Bytes())
		}
	})
	return r
}

func (r *reference) ask(q request) (a reply, err error) {
	line, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		return a, err
	}
	for r.out.Scan() {
		if !strings.HasPrefix(r.out.Text(), "{") {
			continue // it prints to the same place
		}
		if err := json.Unmarshal(r.out.Bytes(), &a); err != nil {
			return a, err
		}
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	}
	return a, fmt.Errorf("no answer: %w\n%s", errors.Join(r.out.Err(), io.EOF), r.err.Bytes())
}

func (r *reference) deploy(name, source string) (time.Duration, error) {
	a, err := r.ask(request{Deploy: &deployment{name, source, int(version)}})
	if err != nil {
		return 0, err
	}
	return durations(a.MS)[0], nil
}

func (r *reference) call(contract, function string, times int) (result []byte, took []time.Duration, err error) {
	a, err := r.ask(request{Call: &invocation{contract, function}, Times: times})
	if err != nil {
		return nil, nil, err
	}
	result, err = hex.DecodeString(a.Result)
	return result, durations(a.MS), err
}

func durations(ms []float64) []time.Duration {
	ds := make([]time.Duration, len(ms))
	for i, m := range ms {
		ds[i] = time.Duration(m * float64(time.Millisecond))
	}
	return ds
}
