package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cli runs bitcoin-cli against a server, and returns what it prints and its exit code.
func cli(t testing.TB, c *client, args ...string) (out string, code int) {
	t.Helper()
	u := must(url.Parse(c.url))(t)
	program := filepath.Join(programs(t), "bitcoin-cli")
	all := append([]string{"-datadir=" + t.TempDir(), "-regtest", "-rpcconnect=" + u.Hostname(), "-rpcport=" + u.Port(),
		"-rpcclienttimeout=60"}, args...)
	if !strings.Contains(strings.Join(args, " "), "-rpcuser") {
		all = append([]string{"-rpccookiefile=" + c.cookieFile}, all...)
	}
	cmd := exec.CommandContext(t.Context(), program, all...)
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &words, &words
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.TrimSpace(words.String()), cmd.ProcessState.ExitCode()
}

// bitcoinCLI has bitcoin-cli ask both servers, and holds what it prints and how it exits against each other.
func bitcoinCLI(t *testing.T, p *process, b *bitcoind) {
	tip := b.tip()
	for _, args := range [][]string{
		{"getblockcount"}, {"getbestblockhash"}, {"getblockhash", "3"}, {"getblock", tip, "0"}, {"getblock", tip, "1"}, {"getblock", tip, "2"},
		{"getblockheader", tip}, {"-named", "getblock", "blockhash=" + tip, "verbosity=3"}, {"-named", "getblockhash", "height=7"},
		{"gettxoutsetinfo"}, {"getblockstats", "20"}, {"getchaintips"}, {"getrawmempool"}, {"decodescript", hexOf(p2wpkh(1))},
		{"getblockhash", "-5"}, {"getblock", nowhere}, {"nosuchmethod"}, {"sendrawtransaction", "00"}, {"-named", "getblockhash", "depth=7"},
		{"getblockhash", "a"}, {"getblockhash"}, {"-rpcuser=nobody", "-rpcpassword=nothing", "getblockcount"},
	} {
		a, codeA := cli(t, p.client, args...)
		b, codeB := cli(t, b.client, args...)
		if d := unlike(args, a, b); codeA != codeB || d != "" {
			t.Errorf("bitcoin-cli %s: exits %d, with bitcoind %d; %s", strings.Join(args, " "), codeA, codeB, d)
		}
	}
	for _, args := range [][]string{
		{"-getinfo"}, {"-netinfo"}, {"-netinfo", "4"}, {"-rpcwait", "-named", "getblockhash", "height=1"}, {"-addrinfo"}, {"help"}, {"help", "getblock"}, {"uptime"},
	} {
		if out, code := cli(t, p.client, args...); code != 0 || out == "" {
			t.Errorf("bitcoin-cli %s of ours: exit %d, %s", strings.Join(args, " "), code, clip(out))
		}
	}
}

// unlike compares what bitcoin-cli prints: as JSON where it is, or else the first three lines, which for a refusal name its
// code and message; the help in the lines after that is each server's own.
func unlike(args []string, a, b string) string {
	x, errX := parse(json.RawMessage(a))
	y, errY := parse(json.RawMessage(b))
	if errX != nil || errY != nil {
		if head(a) != head(b) {
			return fmt.Sprintf("prints %q, with bitcoind %q", clip(a), clip(b))
		}
		return ""
	}
	method := args[slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })]
	for _, d := range compare(method, x, y) {
		if !slices.ContainsFunc(ownWays, func(w allowed) bool { return w.covers(d) }) {
			return d.path + " " + d.what
		}
	}
	return ""
}

func head(s string) string {
	lines := strings.SplitN(s, "\n", 4)
	return strings.Join(lines[:min(len(lines), 3)], "\n")
}

func clip(s string) string { return s[:min(len(s), 300)] }
