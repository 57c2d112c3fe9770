package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the real binary, made once for all tests that run it, in a folder that TestMain removes.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "funai-interop-")
	if err != nil {
		return "", err
	}
	binDir = dir
	bin := filepath.Join(dir, "funai")
	if out, err := exec.Command("go", "build", "-o", bin, "funai/cmd/funai").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

var binDir string

func TestMain(m *testing.M) {
	if address := os.Getenv(forwardTo); address != "" {
		os.Exit(forward(address, os.Getenv(forwardAt)))
	}
	code := m.Run()
	if binDir != "" {
		os.RemoveAll(binDir)
	}
	os.Exit(code)
}

// process is a node of ours as people run it: `funai ledger run`.
type process struct {
	testing.TB
	*client
	name string
	dir  string
	p2p  string   // address
	args []string // the whole command
	cmd  *exec.Cmd
	gone chan error
	log  *words
}

// words is what a process has said.
type words struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(b)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// newProcess prepares a node on a network, with a data folder of its own, that listens on loopback.
func newProcess(t testing.TB, network string, options ...string) *process {
	t.Helper()
	dir, p2p, rpc := t.TempDir(), loopback(freePort(t)), loopback(freePort(t))
	p := &process{TB: t, name: network, dir: dir, p2p: p2p,
		client: &client{url: "http://" + rpc, cookieFile: filepath.Join(dir, ".cookie"), timeout: patient}}
	p.args = append([]string{must(built())(t), "ledger", "run", "--network", network, "--dir", dir, "--listen", p2p, "--rpc", rpc,
		"--txindex", "--verbose"}, options...)
	t.Cleanup(p.stop)
	return p
}

// start runs it, and waits until its RPC answers.
func (p *process) start() *process {
	p.Helper()
	p.launch()
	until(p, p.name+"'s RPC", func() bool {
		select {
		case err := <-p.gone:
			p.Fatalf("%s ended: %v\n%s", p.name, err, p.log)
		default:
		}
		return p.call(context.Background(), nil, "getblockcount") == nil
	}, func() string { return p.log.String() })
	return p
}

func (p *process) launch() {
	p.Helper()
	p.cmd, p.gone, p.log = exec.Command(p.args[0], p.args[1:]...), make(chan error, 1), &words{}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	go func(cmd *exec.Cmd, gone chan error) { gone <- cmd.Wait() }(p.cmd, p.gone)
}

// kill ends it as a power cut does.
func (p *process) kill() {
	p.Helper()
	p.cmd.Process.Kill()
	<-p.gone
	p.cmd = nil
	os.Remove(p.cookieFile) // not the next run's
}

// stop ends it in good order.
func (p *process) stop() {
	p.Helper()
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.gone:
		if err != nil {
			p.Errorf("%s did not end well: %v", p.name, err)
		}
	case <-time.After(patient):
		p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.gone
		p.Errorf("%s did not end within %v", p.name, patient)
	}
	p.cmd = nil
	if log := p.log.String(); p.Failed() {
		p.Logf("end of %s's log:\n%s", p.name, log[max(0, len(log)-3000):])
	}
}

// complaints are the lines of the log that say something is wrong.
func (p *process) complaints() (lines []string) {
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") || strings.Contains(line, "panic") {
			lines = append(lines, line)
		}
	}
	return lines
}

func (p *process) tip() string { return ask[string](p, p.client, "getbestblockhash") }

func (p *process) height() int32 { return ask[int32](p, p.client, "getblockcount") }

func (p *process) coins() coinSet { return ask[coinSet](p, p.client, "gettxoutsetinfo") }
