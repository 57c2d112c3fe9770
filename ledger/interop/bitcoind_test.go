package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/internal/cachedir"
)

// bitcoind is a running bitcoind on Bitcoin's regression test network.
type bitcoind struct {
	testing.TB
	*client
	p2p string // address
	dir string
}

// programs is the folder of bitcoind and bitcoin-cli. The test is skipped where there is none.
func programs(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FUNAI_BITCOIND")
	if dir == "" {
		cache, err := cachedir.Path()
		if err != nil {
			t.Skip("no bitcoind:", err)
		}
		dir = filepath.Join(cache, "bitcoind")
	}
	for _, name := range []string{"bitcoind", "bitcoin-cli"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Skipf("no %s in %s: tools/bitcoind fetches it", name, dir)
		}
	}
	return dir
}

// startBitcoind runs a bitcoind with further options until the test ends. It knows no peers but those of the test, and
// relays transactions to them at once.
func startBitcoind(t testing.TB, options ...string) *bitcoind {
	t.Helper()
	program := filepath.Join(programs(t), "bitcoind")
	dir, p2p, rpc := t.TempDir(), freePort(t), freePort(t)
	b := &bitcoind{TB: t, p2p: loopback(p2p), dir: dir, client: &client{
		url: "http://" + loopback(rpc), cookieFile: filepath.Join(dir, "regtest", ".cookie"), timeout: patient}}
	args := append([]string{
		"-regtest", "-datadir=" + dir, "-server", "-printtoconsole=0", "-listen", "-dnsseed=0", "-fixedseeds=0", "-discover=0",
		"-listenonion=0", "-natpmp=0", "-bind=" + b.p2p, "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-rpcport=" + strconv.Itoa(rpc),
		"-whitelist=noban,in,out@127.0.0.1", "-fallbackfee=0.0001", "-acceptnonstdtxn=1", "-blockprioritysize=0", "-txindex=1", "-par=2", "-dbcache=16",
		"-debug=net", "-debug=mempool", "-debug=validation",
	}, options...)
	cmd := exec.Command(program, args...)
	var words strings.Builder
	cmd.Stdout, cmd.Stderr = &words, &words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { b.end(cmd, ended) })
	until(t, "bitcoind's RPC", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("bitcoind ended: %v\n%s", err, words.String())
		default:
		}
		return b.call(context.Background(), nil, "getblockchaininfo") == nil
	})
	return b
}

// end stops the process, and shows the end of its log if the test has failed.
func (b *bitcoind) end(cmd *exec.Cmd, ended chan error) {
	b.call(context.Background(), nil, "stop")
	select {
	case <-ended:
	case <-time.After(patient):
		cmd.Process.Kill()
		<-ended
		b.Error("bitcoind did not stop")
	}
	if log, err := os.ReadFile(filepath.Join(b.dir, "regtest", "debug.log")); err == nil && b.Failed() {
		b.Logf("end of bitcoind's log:\n%s", log[max(0, len(log)-2000):])
	}
}

// mine makes n blocks that pay to an address.
func (b *bitcoind) mine(n int, address string) []string {
	b.Helper()
	return ask[[]string](b, b.client, "generatetoaddress", n, address)
}

// include makes a block of these transactions, standard or not.
func (b *bitcoind) include(address string, txs ...string) {
	b.Helper()
	ask[any](b, b.client, "generateblock", address, append([]string{}, txs...))
}

func (b *bitcoind) height() int32 { return ask[int32](b, b.client, "getblockcount") }

func (b *bitcoind) tip() string { return ask[string](b, b.client, "getbestblockhash") }

func (b *bitcoind) pool() []string { return ask[[]string](b, b.client, "getrawmempool") }

// coins is gettxoutsetinfo's account of the unspent outputs.
func (b *bitcoind) coins() coinSet {
	b.Helper()
	return ask[coinSet](b, b.client, "gettxoutsetinfo")
}

// connect has bitcoind connect to an address. It is not one to stay connected to, for those it tries again but once a
// minute.
func (b *bitcoind) connect(addr string) {
	b.Helper()
	ask[any](b, b.client, "addnode", addr, "onetry")
}

// part cuts all of bitcoind's connections, and hinders new ones, until join.
func (b *bitcoind) part() {
	b.Helper()
	ask[any](b, b.client, "setnetworkactive", false)
	until(b, "bitcoind to be alone", func() bool { return len(ask[[]any](b, b.client, "getpeerinfo")) == 0 })
}

// join ends part, and connects to an address.
func (b *bitcoind) join(addr string) {
	b.Helper()
	ask[any](b, b.client, "setnetworkactive", true)
	b.connect(addr)
}

// send gives bitcoind a transaction, which must be good.
func (b *bitcoind) send(tx *wire.MsgTx) {
	b.Helper()
	ask[string](b, b.client, "sendrawtransaction", encodeTx(b, tx), 0)
}

func encodeTx(t testing.TB, tx *wire.MsgTx) string {
	t.Helper()
	var s strings.Builder
	if err := tx.Serialize(hex.NewEncoder(&s)); err != nil {
		t.Fatal(err)
	}
	return s.String()
}

// describe adds the checksum to a descriptor.
func (b *bitcoind) describe(descriptor string) string {
	b.Helper()
	info := ask[struct {
		Checksum string `json:"checksum"`
	}](b, b.client, "getdescriptorinfo", descriptor)
	return fmt.Sprintf("%s#%s", descriptor, info.Checksum)
}

// medianTime is the median time past at the tip, in Unix seconds.
func (b *bitcoind) medianTime() int64 {
	b.Helper()
	return ask[struct {
		Median int64 `json:"mediantime"`
	}](b, b.client, "getblockchaininfo").Median
}

// accepts is testmempoolaccept's reason to refuse a transaction, empty if there is none.
func (b *bitcoind) accepts(tx *wire.MsgTx) string {
	b.Helper()
	return ask[[]struct {
		Reason string `json:"reject-reason"`
	}](b, b.client, "testmempoolaccept", []string{encodeTx(b, tx)}, 0)[0].Reason
}

func (b *bitcoind) poolState() string { return strings.Join(b.pool(), " ") }

// addressOf is a P2WPKH, P2WSH or P2TR script's address on Bitcoin's regression test network.
func addressOf(t testing.TB, script []byte) string {
	t.Helper()
	_, as, _, err := txscript.ExtractPkScriptAddrs(script, &chaincfg.RegressionNetParams)
	if err != nil || len(as) != 1 {
		t.Fatal(as, err)
	}
	return as[0].EncodeAddress()
}

// wif is a private key that only its number decides, as Bitcoin's programs import it.
func wif(t testing.TB, number byte) string {
	t.Helper()
	return must(btcutil.NewWIF(secret(number), &chaincfg.RegressionNetParams, true))(t).String()
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func hexReader(s string) io.Reader { return hex.NewDecoder(strings.NewReader(s)) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	return must(hex.DecodeString(s))(t)
}
