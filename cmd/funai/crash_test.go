package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"funai/amount"
	"funai/inference/api"
	"funai/key"
	"funai/node"
)

// process is one node as a process of its own.
type process struct {
	t     *testing.T
	bin   string
	dir   string
	args  []string
	cmd   *exec.Cmd
	ended chan struct{}
	ready event
}

// buildBinary makes the binary that the test runs.
func buildBinary(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "funai")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

// begin runs the node and waits until it says that it is ready.
func (p *process) begin() {
	p.t.Helper()
	p.cmd = exec.Command(p.bin, append([]string{"node", "--json", "--network", "dev", "--dir", p.dir, "--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"}, p.args...)...)
	var errs bytes.Buffer
	p.cmd.Stderr = &errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	p.ended = ended
	ready := make(chan event, 1)
	cmd := p.cmd
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.Event == eventReady {
				ready <- e
			}
		}
		_ = cmd.Wait() // killed on purpose
	}()
	select {
	case p.ready = <-ready:
	case <-ended:
		p.t.Fatalf("%s ended: %s", p.dir, errs.String())
	case <-time.After(time.Minute):
		p.t.Fatalf("%s is not ready: %s", p.dir, errs.String())
	}
}

// kill ends the process as a power cut would, and waits for it.
func (p *process) kill(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Errorf("%s does not end", p.dir)
		_ = p.cmd.Process.Kill()
	}
}

func (p *process) ledgerAddress() string {
	p.t.Helper()
	k, err := key.Load(filepath.Join(p.dir, keyFile))
	if err != nil {
		p.t.Fatal(err)
	}
	return k.Public().Hash160().LedgerAddress(node.Dev().Ledger.Bech32HRPSegwit)
}

func (p *process) inferenceAddress() string {
	k, err := key.Load(filepath.Join(p.dir, keyFile))
	if err != nil {
		p.t.Fatal(err)
	}
	return k.Public().Hash160().InferenceAddress(key.VersionTest)
}

// call makes one HTTP request and decodes the answer; ok is false if the status is not 200.
func call[T any](p *process, method, path string, body any) (v T, ok bool) {
	p.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequest(method, p.ready.HTTP+path, bytes.NewReader(b))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token, err := os.ReadFile(filepath.Join(p.dir, cookieFile)); err == nil {
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return v, false
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return v, false
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		p.t.Fatalf("%s: %v in %s", path, err, raw)
	}
	return v, true
}

// until waits for a condition of the running network, which moves by itself.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * time.Minute); ; {
		if f() {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

// ask asks a question and returns the settled receipt.
func (p *process) ask(question string) (r api.Receipt) {
	p.t.Helper()
	var answer struct {
		Funai struct{ Receipt string }
	}
	until(p.t, "an answer to "+question, func() (ok bool) {
		answer, ok = call[struct{ Funai struct{ Receipt string } }](p, http.MethodPost, "/v1/chat/completions", map[string]any{"model": "stories15m", "max_tokens": 16,
			"messages": []map[string]string{{"role": "user", "content": question}}})
		return ok
	})
	until(p.t, "a verdict on "+question, func() (ok bool) {
		r, ok = call[api.Receipt](p, http.MethodGet, "/api/receipts/"+answer.Funai.Receipt, nil)
		return ok && r.Verdict != api.VerdictPending
	})
	return r
}

// rootAt is the state root after the inference block at a height.
func (p *process) rootAt(height uint64) string {
	blocks, ok := call[[]api.InferenceBlock](p, http.MethodGet, fmt.Sprintf("/api/inference/blocks?limit=1&before=%d", height+1), nil)
	if !ok || len(blocks) == 0 || blocks[0].Height != height {
		return ""
	}
	return blocks[0].StateRoot
}

func TestKilledNodesComeBackWithTheSameState(t *testing.T) {
	if testing.Short() {
		t.Skip("starts nine processes and the model")
	}
	bin, root := buildBinary(t), t.TempDir()
	var all []*process
	add := func(name string, args ...string) *process {
		p := &process{t: t, bin: bin, dir: filepath.Join(root, name), args: args}
		p.begin()
		all = append(all, p)
		return p
	}
	t.Cleanup(func() {
		for _, p := range all {
			select {
			case <-p.ended:
			default:
				p.kill(syscall.SIGINT)
			}
		}
	})
	miner := add("miner", "--mine", "--ledger-listen", "127.0.0.1:0")
	join := []string{"--ledger-peer", miner.ready.Ledger, "--peer", miner.ready.Listen[0]}
	var seats, servers []*process
	for i := range 5 {
		seats = append(seats, add(fmt.Sprintf("verifier-%d", i+1), append(join, "--verify", "--judge", "stories15m")...))
	}
	for i := range 2 {
		servers = append(servers, add(fmt.Sprintf("server-%d", i+1), append(join, "--serve", "stories15m")...))
	}
	for _, p := range all[1:] {
		until(t, "coins for "+p.dir, func() bool {
			_, ok := call[api.Sent](miner, http.MethodPost, "/api/wallet/send", api.Send{Layer: api.LayerLedger, To: p.ledgerAddress(), Amount: amount.FAI})
			return ok
		})
	}
	until(t, "five seats and two servers", func() bool {
		s, ok := call[api.Status](miner, http.MethodGet, "/api/status", nil)
		return ok && len(s.Seats) == 5 && len(s.Models) == 1 && s.Models[0].Servers == 2
	})
	first := miner.ask("Once upon a time there was a cat")
	if first.Verdict != api.VerdictValid {
		t.Fatalf("%+v", first)
	}

	// A verification node and the elected node lose power.
	elections, ok := call[[]api.Election](miner, http.MethodGet, "/api/elections?limit=1", nil)
	if !ok || len(elections) == 0 || elections[0].Winner < 0 {
		t.Fatalf("nobody is elected: %+v", elections)
	}
	elected := elections[0].Candidates[elections[0].Winner].Address
	victim := servers[0]
	for _, p := range servers {
		if p.inferenceAddress() == elected {
			victim = p
		}
	}
	seats[0].kill(syscall.SIGKILL)
	victim.kill(syscall.SIGKILL)
	second := miner.ask("Once upon a time there was a dog")
	if second.Verdict != api.VerdictValid || second.Server == victim.inferenceAddress() {
		t.Errorf("with two nodes gone: %+v", second)
	}

	seats[0].begin()
	victim.begin()
	third := miner.ask("Once upon a time there was a fish")
	if third.Verdict != api.VerdictValid {
		t.Errorf("with both back: %+v", third)
	}
	height := third.Settled.Height
	want := miner.rootAt(height)
	if want == "" {
		t.Fatalf("no block at height %d", height)
	}
	for _, p := range all {
		until(t, fmt.Sprintf("%s at height %d", p.dir, height), func() bool { return p.rootAt(height) != "" })
		if got := p.rootAt(height); got != want {
			t.Errorf("%s: state root at height %d is %s, the miner's %s", p.dir, height, got, want)
		}
		for _, r := range []api.Receipt{first, second, third} {
			if got, ok := call[api.Receipt](p, http.MethodGet, "/api/receipts/"+r.ID, nil); !ok || got.Verdict != r.Verdict || got.Fee != r.Fee {
				t.Errorf("%s: receipt %+v, the miner's %+v", p.dir, got, r)
			}
		}
		if s, ok := call[api.SupplyAnswer](p, http.MethodGet, "/api/supply", nil); !ok || !s.Balanced {
			t.Errorf("%s: supply %+v", p.dir, s)
		}
	}
}
