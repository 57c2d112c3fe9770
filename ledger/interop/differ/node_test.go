package differ

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"funai/internal/cachedir"
)

// patient is long enough for anything that is going to happen.
const patient = 60 * time.Second

// bitcoind is a running bitcoind on Bitcoin's regression test network, alone in the world.
type bitcoind struct {
	url, cookie string // the latter as user:password
}

// bitcoindPath is the path of bitcoind. The test is skipped where there is none.
func bitcoindPath(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FUNAI_BITCOIND")
	if dir == "" {
		cache, err := cachedir.Path()
		if err != nil {
			t.Skip("no bitcoind:", err)
		}
		dir = filepath.Join(cache, "bitcoind")
	}
	path := filepath.Join(dir, "bitcoind")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no bitcoind in %s: tools/bitcoind fetches it", dir)
	}
	return path
}

// startBitcoind runs a bitcoind until the test ends, with its clock stopped at now.
func startBitcoind(t testing.TB, now time.Time) *bitcoind {
	t.Helper()
	path, dir := bitcoindPath(t), t.TempDir()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Its own check of its block index, which is for developers, aborts on what reconsiderblock leaves.
	cmd := exec.Command(path, "-checkblockindex=0",
		"-regtest", "-datadir="+dir, "-server", "-listen=0", "-connect=0", "-disablewallet", "-printtoconsole=0", "-par=1",
		"-dbcache=16", "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-rpcport="+strconv.Itoa(port),
		"-mocktime="+strconv.FormatInt(now.Unix(), 10))
	var words strings.Builder
	cmd.Stdout, cmd.Stderr = &words, &words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	b := &bitcoind{url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	t.Cleanup(func() {
		err := b.call(context.Background(), nil, "stop")
		select {
		case <-ended:
		case <-time.After(patient):
			err = errors.Join(err, cmd.Process.Kill())
			<-ended
			t.Error("bitcoind did not stop:", err)
		}
	})
	deadline := time.Now().Add(patient)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("bitcoind ended: %v\n%s", err, words.String())
		case <-poll.C:
		}
		if cookie, err := os.ReadFile(filepath.Join(dir, "regtest", ".cookie")); err == nil {
			b.cookie = string(cookie)
			if err = b.call(t.Context(), nil, "getblockcount"); err == nil {
				return b
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain for bitcoind's RPC\n%s", patient, words.String())
		}
	}
}

// rpcError is what bitcoind answers instead of a result.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return fmt.Sprintf("RPC error %d: %s", e.Code, e.Message) }

func (b *bitcoind) call(ctx context.Context, result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": "differ", "method": method, "params": params})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	user, password, _ := strings.Cut(b.cookie, ":")
	req.SetBasicAuth(user, password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *rpcError       `json:"error"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: HTTP status %s: %w", method, res.Status, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: %w", method, answer.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// undecoded is the reason given for bytes that are not a block's.
const undecoded = "decode"

// rpcDeserialization is the code of bitcoind's answer to such.
const rpcDeserialization = -22

// judge is bitcoind's reason to refuse a block on top of its tip, whatever its proof of work; empty if there is none.
func (b *bitcoind) judge(ctx context.Context, block []byte) (string, error) {
	return b.verdict(ctx, "getblocktemplate", map[string]any{"mode": "proposal", "rules": []string{"segwit"}, "data": hex.EncodeToString(block)})
}

// submit hands a block in, and is bitcoind's reason to refuse it; empty if there is none.
func (b *bitcoind) submit(ctx context.Context, block []byte) (string, error) {
	return b.verdict(ctx, "submitblock", hex.EncodeToString(block))
}

func (b *bitcoind) verdict(ctx context.Context, method string, params ...any) (string, error) {
	var reason *string
	err := b.call(ctx, &reason, method, params...)
	var e *rpcError
	switch {
	case errors.As(err, &e) && e.Code == rpcDeserialization:
		return undecoded, nil
	case err != nil:
		return "", err
	case reason == nil:
		return "", nil
	}
	return *reason, nil
}
