package chain_test

import (
	"bufio"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// churn hands a chain random blocks, on its tip and below it, with transactions, until ctx ends; now and then it has it
// download a long row of them. It says "try" and a block before, and after "tip" and the tip, or "soft" and the tip where
// that need not outlast a crash.
func churn(ctx context.Context, t testing.TB, c *chain.Chain, rng *rand.Rand, say func(kind, hash string)) {
	k := chaintest.Key(t, 1)
	for salt := rng.Uint64() >> 1; ctx.Err() == nil; salt++ {
		if rng.IntN(40) == 0 {
			download(ctx, t, c, rng, salt, say)
		}
		tip := c.Tip()
		from, ok := c.IndexAt(max(0, tip.Height-int32([]int{0, 0, 0, 0, 1, 2}[rng.IntN(6)])))
		if !ok {
			continue
		}
		// One block on the tip, or as many on a fork as it takes to reorganize.
		parent, height := head(t, c, from), from.Height
		for range tip.Height - from.Height + 1 {
			b := chaintest.Block(t, c.Params(), parent, height, chaintest.Script(k), 0, salt, spends(t, c, height, rng)...)
			say("try", b.BlockHash().String())
			if _, err := c.ProcessBlock(ctx, b); err != nil && ctx.Err() == nil && !refusable(err) {
				t.Error(err)
				return
			}
			parent, height = b.Header, height+1
		}
		say("tip", c.Tip().Hash.String())
	}
}

// download hands a chain the headers of a row of blocks on its tip, and then as many of the blocks as leave it behind.
func download(ctx context.Context, t testing.TB, c *chain.Chain, rng *rand.Rand, salt uint64, say func(kind, hash string)) {
	tip := c.Tip()
	parent, height := head(t, c, tip), tip.Height
	var bs []*wire.MsgBlock
	for range 150 + rng.IntN(60) {
		var txs []*wire.MsgTx
		if len(bs) == 0 {
			txs = spends(t, c, height, rng)
		}
		b := chaintest.Block(t, c.Params(), parent, height, chaintest.Script(chaintest.Key(t, 1)), 0, salt, txs...)
		bs, parent, height = append(bs, b), b.Header, height+1
	}
	if err := c.ProcessHeaders(headersOf(bs...)); err != nil && ctx.Err() == nil {
		t.Error(err)
		return
	}
	for _, b := range bs[:len(bs)-rng.IntN(140)] {
		say("try", b.BlockHash().String())
		if _, err := c.ProcessBlock(ctx, b); err != nil && ctx.Err() == nil && !refusable(err) {
			t.Error(err)
			return
		}
		say("soft", c.Tip().Hash.String())
		if rng.IntN(20) != 0 {
			continue
		}
		// A consumer asks: what it is told is there to stay.
		at := c.Tip()
		if _, _, err := c.UpdatesSince(at, 1); err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
		say("tip", at.Hash.String())
	}
}

func head(t testing.TB, c *chain.Chain, i chain.Index) wire.BlockHeader {
	h, height, ok := c.Header(i.Hash)
	if !ok || height != i.Height {
		t.Fatalf("%+v is not known", i)
	}
	return h
}

// refusable is an error that churn's own carelessness can cause: the coin it picked is not on the fork.
func refusable(err error) bool { _, broken := consensus.Broken(err); return broken }

// spends is a transaction that spends an old coinbase, sometimes, if it is still there.
func spends(t testing.TB, c *chain.Chain, height int32, rng *rand.Rand) []*wire.MsgTx {
	i, ok := c.IndexAt(height - 20)
	if !ok || i.Height < 1 || rng.IntN(2) == 0 {
		return nil
	}
	b, err := c.Block(i.Hash)
	if err != nil {
		return nil
	}
	from := wire.OutPoint{Hash: b.Transactions[0].TxHash()}
	coin, err := c.Coin(from)
	if coin == nil || err != nil {
		return nil
	}
	v := coin.Out.Value
	return []*wire.MsgTx{chaintest.Spend(t, chaintest.Key(t, 1), from, v,
		&wire.TxOut{Value: v / 2, PkScript: anyone}, &wire.TxOut{Value: v / 4, PkScript: nobody})}
}

// replay holds a chain's state against that of a fresh one given its best chain's blocks.
func replay(t *testing.T, c *chain.Chain) {
	t.Helper()
	fresh, err := chain.Open(c.Params(), chain.Options{FS: vfs.NewMem(), NoSync: true}) // gone with this call
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := fresh.Close(); err != nil {
			t.Error(err)
		}
	}()
	at := chain.Index{Hash: *c.Params().GenesisHash}
	for {
		reverted, applied, err := c.UpdatesSince(at, 100)
		if err != nil || len(reverted) > 0 {
			t.Fatal(len(reverted), err)
		}
		if len(applied) == 0 {
			break
		}
		for _, u := range applied {
			if _, err := fresh.ProcessBlock(t.Context(), u.Block); err != nil {
				t.Fatal(err)
			}
			at = u.Index
		}
	}
	mine, theirs := audit(t, c), audit(t, fresh)
	if c.Tip() != fresh.Tip() || c.Totals() != fresh.Totals() || len(mine) != len(theirs) {
		t.Fatalf("tip %+v %+v, %d coins; replayed %+v %+v, %d coins", c.Tip(), c.Totals(), len(mine), fresh.Tip(), fresh.Totals(), len(theirs))
	}
	for o := range mine {
		if _, ok := theirs[o]; !ok {
			t.Fatalf("coin %v is not in the replayed chain", o)
		}
	}
}

// possible says whether a chain may come back at a tip, when it had said these lines, up to the given one before it was
// stopped: at the last tip announced by then, or at a block handed in after it.
func possible(lines []string, last int, tip string) bool {
	for last > 0 && !strings.HasPrefix(lines[last], "tip ") {
		last--
	}
	return slices.ContainsFunc(lines[last:], func(l string) bool { return strings.HasSuffix(l, tip) })
}

const crashDir = "LEDGER_CRASH_DIR"

var kills = flag.Int("kills", 3, "how often TestKilledProcessComesBackAtATipItHadAnnounced kills a process")

// TestKilledProcessComesBackAtATipItHadAnnounced runs this test binary as a process that keeps a chain busy, kills it at
// random moments, and opens what it left: at the last tip announced, or a block after it, with the coins that its blocks
// leave on a chain of their own.
func TestKilledProcessComesBackAtATipItHadAnnounced(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		victim(t, dir)
		return
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	lines := []string{"tip " + consensus.Dev().GenesisHash.String()}
	for round := range *kills {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(out)
		for s.Scan() { // until it is at work
			lines = append(lines, s.Text())
			if strings.HasPrefix(s.Text(), "tip ") {
				break
			}
		}
		moment := time.AfterFunc(time.Duration(rng.IntN(300_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		for s.Scan() {
			lines = append(lines, s.Text())
		}
		moment.Stop()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("round %d: the process was not killed: %v\n%s", round, err, lines[len(lines)-1])
		}
		c, err := chain.Open(consensus.Dev(), chain.Options{Dir: dir})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if tip := c.Tip().Hash.String(); !possible(lines, len(lines)-1, tip) {
			t.Fatalf("round %d: came back at %s after %v", round, tip, lines[max(0, len(lines)-9):])
		}
		replay(t, c)
		t.Logf("round %d: %d lines, height %d", round, len(lines), c.Tip().Height)
		lines = append(lines, "tip "+c.Tip().Hash.String())
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// victim is the process that is killed.
func victim(t *testing.T, dir string) {
	c := chaintest.Open(t, consensus.Dev(), chain.Options{Dir: dir, CoinCacheBytes: 3 * 5_000}) // a few blocks' coins
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 3))
	say := func(kind, hash string) {
		_, _ = os.Stdout.WriteString(kind + " " + hash + "\n") // one write a line, so that a kill does not tear it
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // should nobody kill it
	defer cancel()
	churn(ctx, t, c, rng, say)
}

// A power cut loses what was not synced; the file system is a simulated one that loses a random part of it.
func TestPowerCutLosesNoAnnouncedTip(t *testing.T) {
	fs := vfs.NewCrashableMem()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: fs})
	ctx, stop := context.WithCancel(t.Context())
	var (
		mu    sync.Mutex
		lines = []string{"tip " + c.Tip().Hash.String()}
		wg    sync.WaitGroup
	)
	var pause sync.Mutex // held while what was left is looked at
	say := func(kind, hash string) {
		pause.Lock()
		defer pause.Unlock()
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, kind+" "+hash)
	}
	var copied []string
	said := func() int {
		mu.Lock()
		defer mu.Unlock()
		copied = slices.Clone(lines)
		return len(lines)
	}
	defer func() { stop(); wg.Wait() }()
	wg.Go(func() { churn(ctx, t, c, rand.New(rand.NewPCG(4, 5)), say) })
	rng := rand.New(rand.NewPCG(6, 7))
	for range 15 {
		for range rng.IntN(5) {
			<-c.Changed()
		}
		last := said() - 1
		left := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
		said()
		func() {
			pause.Lock()
			defer pause.Unlock()
			back := chaintest.Open(t, consensus.Dev(), chain.Options{FS: left})
			if tip := back.Tip().Hash.String(); !possible(copied, last, tip) {
				t.Fatalf("came back at %s after %v", tip, copied[max(0, last-9):])
			}
			replay(t, back)
		}()
	}
}
