package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
)

// Other people's nodes, as processes.

const (
	// btcdModule is what of btcd is built: the version in go.mod.
	btcdModule = "github.com/btcsuite/btcd"
	rpcUser    = "bench"
	rpcWord    = "bench"
)

// buildBtcd builds btcd, once, from the source that the module cache has for the library.
var buildBtcd = sync.OnceValues(func() (path string, err error) {
	dir, err := os.MkdirTemp("", "btcd")
	if err != nil {
		return "", err
	}
	atEnd(func() { os.RemoveAll(dir) })
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	version, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", btcdModule).Output()
	if err != nil {
		return "", err
	}
	// Outside of our module, whose go.mod lacks what only the program needs.
	cmd := exec.CommandContext(ctx, "go", "install", btcdModule+"@"+string(bytes.TrimSpace(version)))
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return filepath.Join(dir, "btcd"), nil
})

// btcdProgram is btcd's program; false if it can't be built.
func (m *match) btcdProgram() (string, bool) {
	m.Helper()
	path, err := buildBtcd()
	if err != nil {
		m.Logf("without btcd as a process, which can't be built: %v", err)
	}
	return path, err == nil
}

// bitcoindProgram is Bitcoin's own node; false if it is not there.
func (m *match) bitcoindProgram() (string, bool) {
	m.Helper()
	dir := os.Getenv("FUNAI_BITCOIND")
	if dir == "" {
		base, err := os.UserCacheDir()
		if set := os.Getenv("FUNAI_CACHE"); set != "" {
			dir = filepath.Join(set, "bitcoind")
		} else if err == nil {
			dir = filepath.Join(base, "funai", "bitcoind")
		}
	}
	path := filepath.Join(dir, "bitcoind")
	if _, err := os.Stat(path); err != nil {
		m.Logf("without bitcoind (tools/bitcoind fetches it): %v", err)
		return "", false
	}
	return path, true
}

// foreign is a node of others with an RPC server.
type foreign struct {
	*process
	rpc string // address
}

// startBtcd runs btcd with an empty chain in dir, and without the index of filters, which no other side has.
func (m *match) startBtcd(program, dir string, args ...string) *foreign {
	m.Helper()
	rpc := m.freeAddr()
	cmd := exec.Command(program, append([]string{"--regtest", "--datadir=" + dir, "--logdir=" + filepath.Join(dir, "logs"),
		"--configfile=" + filepath.Join(dir, "none"), "--nodnsseed", "--nocfilters", "--notls", "--rpclisten=" + rpc, "--rpcuser=" + rpcUser,
		"--rpcpass=" + rpcWord, "--debuglevel=warn"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	p := m.start(cmd)
	p.signal = true
	return &foreign{p, rpc}
}

// startBitcoind runs bitcoind with an empty chain in dir.
func (m *match) startBitcoind(program, dir string, args ...string) *foreign {
	m.Helper()
	rpc := m.freeAddr()
	_, port, err := net.SplitHostPort(rpc)
	if err != nil {
		m.Fatal(err)
	}
	p := m.start(exec.Command(program, append([]string{"-regtest", "-datadir=" + dir, "-server", "-printtoconsole=0", "-listen=0",
		"-dnsseed=0", "-fixedseeds=0", "-natpmp=0", "-v2transport=0", "-rpcport=" + port, "-rpcuser=" + rpcUser, "-rpcpassword=" + rpcWord}, args...)...))
	p.signal = true
	return &foreign{p, rpc}
}

// at says whether the node's tip is this one.
func (f *foreign) at(tip string) bool {
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": 1, "method": "getbestblockhash", "params": []any{}})
	if err != nil {
		f.Fatal(err)
	}
	req, err := http.NewRequestWithContext(f.Context(), http.MethodPost, "http://"+f.rpc, bytes.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	req.SetBasicAuth(rpcUser, rpcWord)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false // it does not listen yet
	}
	defer resp.Body.Close()
	var answer struct{ Result string }
	return json.NewDecoder(resp.Body).Decode(&answer) == nil && answer.Result == tip
}

// freeAddr is an address of the loopback interface that nobody listens on.
func (m *match) freeAddr() string {
	m.Helper()
	l, err := new(net.ListenConfig).Listen(m.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		m.Fatal(err)
	}
	defer l.Close()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}
