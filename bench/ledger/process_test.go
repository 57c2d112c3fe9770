package ledger

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// patient is long enough for anything that is going to happen.
	patient = 3 * time.Minute
	// poll is how often other programs are asked how far they are.
	poll = 10 * time.Millisecond
)

// process is a side that runs by itself.
type process struct {
	*match
	cmd    *exec.Cmd
	stdin  io.Closer
	signal bool        // an interrupt ends it, rather than the end of its input
	lines  chan string // of its output; closed at its end
	errs   strings.Builder
	began  time.Time
	peak   atomic.Int64 // most bytes of memory it has held, 0 where the system does not say
	ended  chan struct{}
	failed error // once ended
}

// child runs a task in a process of this program.
func (m *match) child(t task) *process {
	m.Helper()
	words, err := json.Marshal(t)
	if err != nil {
		m.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		m.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), taskVariable+"="+string(words))
	return m.start(cmd)
}

// start runs a program until the match is over at the latest.
func (m *match) start(cmd *exec.Cmd) *process {
	m.Helper()
	p := &process{match: m, cmd: cmd, lines: make(chan string, 1000), ended: make(chan struct{})}
	cmd.Stderr = &p.errs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		m.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		m.Fatal(err)
	}
	p.stdin, p.began = stdin, time.Now()
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	go p.watch()
	go func() {
		defer close(p.ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case p.lines <- s.Text():
			default: // a log that nobody reads
			}
		}
		close(p.lines)
		p.failed = cmd.Wait()
	}()
	m.Cleanup(func() {
		_ = cmd.Process.Kill() // if it still runs
		<-p.ended
	})
	return p
}

// watch follows the process's use of memory.
func (p *process) watch() {
	t := time.NewTicker(poll)
	defer t.Stop()
	for {
		if n, ok := peakMemory(p.cmd.Process.Pid); ok {
			p.peak.Store(n)
		}
		select {
		case <-t.C:
		case <-p.ended:
			return
		}
	}
}

// peakMemory is the most bytes of memory that a process has held at once; false where the system does not say.
func peakMemory(pid int) (int64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, after, ok := strings.Cut(string(b), "VmHWM:")
	fields := strings.Fields(after)
	if !ok || len(fields) == 0 {
		return 0, false
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err == nil
}

// hears waits for a line that begins with a word, and returns the rest of it.
func (p *process) hears(word string) string {
	p.Helper()
	late := time.After(patient)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.Fatalf("%v ended before it said %q: %s", p.cmd.Path, word, p.errs.String())
			}
			if first, rest, _ := strings.Cut(line, " "); first == word {
				return rest
			}
		case <-late:
			p.Fatalf("%v has not said %q in %v", p.cmd.Path, word, patient)
		}
	}
}

// until asks until the answer is yes.
func (p *process) until(what string, yes func() bool) {
	p.Helper()
	late := time.After(patient)
	t := time.NewTicker(poll)
	defer t.Stop()
	for !yes() {
		select {
		case <-t.C:
		case <-p.ended:
			p.Fatalf("%v ended (%v) before %s: %s", p.cmd.Path, p.failed, what, p.errs.String())
		case <-late:
			p.Fatalf("%v: not %s in %v", p.cmd.Path, what, patient)
		}
	}
}

// stop tells the process to end, and waits.
func (p *process) stop() sample {
	p.Helper()
	p.stdin.Close()
	if p.signal {
		_ = p.cmd.Process.Signal(os.Interrupt)
	}
	return p.wait()
}

// wait waits for the process to end by itself, and says what it took.
func (p *process) wait() sample {
	p.Helper()
	select {
	case <-p.ended:
	case <-time.After(patient):
		p.Fatalf("%v does not end", p.cmd.Path)
	}
	if p.failed != nil {
		p.Fatalf("%v: %v: %s", p.cmd.Path, p.failed, p.errs.String())
	}
	s := sample{wall: time.Since(p.began), cpu: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), more: map[string]float64{}}
	if peak := p.peak.Load(); peak > 0 {
		s.more["peak-MB"] = float64(peak) / 1e6
	}
	return s
}
