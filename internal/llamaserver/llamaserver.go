// Package llamaserver runs llama.cpp's own server for tests and benchmarks, where there is one. It imports nothing of the
// project.
package llamaserver

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Variable is the environment variable with the program's path; without it llama-server is looked for in PATH.
const Variable = "FUNAI_LLAMA_SERVER"

const (
	patience = 2 * time.Minute // for weights from a cold disk
	poll     = 5 * time.Millisecond
	logKept  = 4 << 10 // bytes of the end of its log, for failed tests
)

// Server is a running one.
type Server struct {
	URL     string // without a path
	Process *os.Process

	t     testing.TB
	log   tail
	ended chan struct{}
}

// Start runs a server and waits until it has loaded its model. It ends with the test. Without the program the test is skipped.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := Launch(t, args...)
	late := time.After(patience)
	for s.Status("/health") != http.StatusOK {
		select {
		case <-s.ended:
			t.Fatalf("llama-server ended before it was ready:\n%s", s.log.String())
		case <-late:
			t.Fatalf("llama-server isn't ready after %v:\n%s", patience, s.log.String())
		case <-time.After(poll):
		}
	}
	return s
}

// Launch is Start without the wait.
func Launch(t testing.TB, args ...string) *Server {
	t.Helper()
	program := os.Getenv(Variable)
	if program == "" {
		var err error
		if program, err = exec.LookPath("llama-server"); err != nil {
			t.Skipf("no llama-server: neither %s nor PATH names one", Variable)
		}
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	l.Close()
	s := &Server{URL: "http://" + address.String(), t: t, ended: make(chan struct{})}
	args = append([]string{"--host", "127.0.0.1", "--port", strconv.Itoa(address.Port), "--offline"}, args...)
	cmd := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // the program is the tester's own
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.Process = cmd.Process
	go func() {
		defer close(s.ended)
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(s.Kill)
	return s
}

// Kill ends it as kill -9 does, and waits.
func (s *Server) Kill() {
	_ = s.Process.Kill() // unless it has ended
	<-s.ended
}

// Status is the HTTP status of a path; 0 if there is no answer.
func (s *Server) Status(path string) int {
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		return 0
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// tail keeps the end of what is written.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-logKept):]
	return len(p), nil
}

// String is what was written last.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
