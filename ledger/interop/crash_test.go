package interop

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	ledgernode "funai/ledger/node"
	"funai/ledger/wallet/hd"
)

var (
	kills    = flag.Int("kills", 3, "how many times TestSurvivesKills kills the node")
	killSeed = flag.Uint64("killseed", 0, "what TestSurvivesKills draws its moments from; 0: anything")
)

// loadTime bounds how long a node is under load before it is killed.
const loadTime = 400 * time.Millisecond

// TestSurvivesKills: a real process is killed with SIGKILL at random moments, while blocks come and are taken back and
// transactions come. Each time it opens again: at the last tip that it had told of or at what it was handed after, with the
// coins that a fresh node has that is given the same blocks, and with a pool and a wallet that can be read.
func TestSurvivesKills(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64() >> 1
	}
	t.Logf("-killseed %d", seed)
	p := newProcess(t, "dev")
	err := hd.Create(filepath.Join(p.dir, ledgernode.WalletDir), consensus.Dev(), hd.NewOptions{Words: seedWords, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	l := &load{p: p, rng: rand.New(rand.NewPCG(seed, 0)), seen: map[string]bool{}, addresses: map[string]bool{}}
	l.begin(t)
	for round := range *kills {
		l.run(t, time.Duration(l.rng.Int64N(int64(loadTime))))
		p.start()
		if tip := p.tip(); !l.possible(tip) {
			t.Fatalf("round %d: the node is back at %s, not at one of %v", round, tip, l.expected)
		}
		l.expected = []string{p.tip()}
		audit(t, p)
		l.wallet(t)
		if c := p.complaints(); len(c) > 0 {
			t.Errorf("round %d: the node says %q", round, c)
		}
	}
	t.Logf("%d kills; at the end height %d, %d blocks handed in, %d transactions, %d reorgs", *kills, p.height(), len(l.seen), l.txs, l.reorgs)
}

// audit holds a node's account of its coins against that of a fresh one that has its blocks over the network.
func audit(t *testing.T, p *process) {
	t.Helper()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: vfs.NewMem(), NoSync: true})
	n := serve(t, c, p.p2p)
	defer n.close()
	until(t, "a fresh node to have all blocks", func() bool { return c.Tip().Hash.String() == p.tip() })
	same(t, coinsOf(t, c), p.coins())
	until(t, "the pool to be loaded", func() bool {
		return ask[struct {
			Loaded bool `json:"loaded"`
		}](t, p.client, "getmempoolinfo").Loaded
	})
}

// load is what a node is put under: one goroutine hands it blocks and takes them back, one sends it transactions.
type load struct {
	p      *process
	rng    *rand.Rand // the first one's
	salt   uint64
	reorgs int
	seen   map[string]bool // blocks handed in, ever

	expected []string // tips at which the node may be: the last that it told of, and what it was handed after
	anywhere bool     // blocks are being taken back: it may be at any block

	mu    sync.Mutex
	coins []coin // of key 1, to be spent
	txs   int

	addresses map[string]bool // that the wallet has given out
}

// begin gives key 1 coins that can be spent.
func (l *load) begin(t *testing.T) {
	for _, b := range mineMany(t, l.p.client, p2wpkh(1), 30) {
		l.coins = append(l.coins, coinbase(b))
		l.seen[b.BlockHash().String()] = true
	}
	l.expected = []string{l.p.tip()}
}

// run puts the node under load, and kills it after d.
func (l *load) run(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for _, step := range []func(context.Context, testing.TB) error{l.step, l.spend} {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := step(ctx, t); err != nil && !isRPCError(err) && !errors.Is(err, errRefused) {
					return // the connection is gone
				}
			}
		})
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	l.p.kill()
	cancel()
	wg.Wait()
}

// step hands in blocks, or has some taken back.
func (l *load) step(ctx context.Context, t testing.TB) error {
	switch l.rng.IntN(6) {
	case 0:
		return l.reorg(ctx, t)
	case 1:
		return l.takeBack(ctx)
	default:
		return l.extend(ctx)
	}
}

// extend hands in a block on the tip.
func (l *load) extend(ctx context.Context) error {
	l.salt++
	b, err := solveTemplate(ctx, l.p.client, p2wpkh(1), int64(l.salt))
	if err != nil {
		return err
	}
	l.earn(coinbase(b))
	return l.hand(ctx, b)
}

// reorg hands in a branch from below the tip that is one block longer.
func (l *load) reorg(ctx context.Context, t testing.TB) error {
	var height int32
	if err := l.p.call(ctx, &height, "getblockcount"); err != nil {
		return err
	}
	depth := 1 + l.rng.Int32N(min(8, height-1))
	header, err := l.header(ctx, height-depth)
	if err != nil {
		return err
	}
	for h := range depth + 1 {
		l.salt++
		b := chaintest.Block(t, consensus.Dev(), header, height-depth+h, p2wpkh(1), 0, l.salt)
		if err := l.hand(ctx, b); err != nil {
			return err
		}
		header = b.Header
	}
	l.reorgs++
	return nil
}

// takeBack has the node take back blocks by hand, and perhaps think again.
func (l *load) takeBack(ctx context.Context) error {
	var (
		height int32
		hash   string
	)
	if err := l.p.call(ctx, &height, "getblockcount"); err != nil {
		return err
	}
	if err := l.p.call(ctx, &hash, "getblockhash", height-l.rng.Int32N(min(3, height-1))); err != nil {
		return err
	}
	l.anywhere = true
	if err := l.p.call(ctx, nil, "invalidateblock", hash); err != nil {
		return err
	}
	if l.rng.IntN(2) == 0 {
		if err := l.p.call(ctx, nil, "reconsiderblock", hash); err != nil {
			return err
		}
	}
	return l.told(ctx)
}

// header is the header at a height of the node's best chain.
func (l *load) header(ctx context.Context, height int32) (h wire.BlockHeader, err error) {
	var hash, raw string
	if err := l.p.call(ctx, &hash, "getblockhash", height); err != nil {
		return h, err
	}
	if err := l.p.call(ctx, &raw, "getblockheader", hash, false); err != nil {
		return h, err
	}
	return h, h.Deserialize(hexReader(raw))
}

// hand gives the node a block, and notes the tip that it then tells of.
func (l *load) hand(ctx context.Context, b *wire.MsgBlock) error {
	hash := b.BlockHash().String()
	l.seen[hash] = true
	l.expected = append(l.expected, hash)
	if err := submit(ctx, l.p.client, b); err != nil && !errors.Is(err, errRefused) {
		return err
	}
	return l.told(ctx)
}

// told asks for the tip: from now on the node may not fall behind it.
func (l *load) told(ctx context.Context) error {
	var tip string
	if err := l.p.call(ctx, &tip, "getbestblockhash"); err != nil {
		return err
	}
	l.expected, l.anywhere = []string{tip}, false
	return nil
}

// spend sends a transaction of a coin, which may be immature, unconfirmed, or gone.
func (l *load) spend(ctx context.Context, t testing.TB) error {
	c, ok := l.take()
	if !ok {
		return l.p.call(ctx, nil, "getmempoolinfo")
	}
	half := (c.out.Value - fee) / 2
	tx := wire.NewMsgTx(2)
	tx.AddTxOut(wire.NewTxOut(half, p2wpkh(1)))
	tx.AddTxOut(wire.NewTxOut(half, p2wpkh(2)))
	sign(t, tx, []coin{c}, []lock{payment(1)})
	if l.txs%4 == 0 {
		if err := l.address(ctx); err != nil {
			return err
		}
	}
	if err := l.p.call(ctx, nil, "sendrawtransaction", encodeTx(t, tx)); err != nil {
		return err
	}
	l.earn(coin{wire.OutPoint{Hash: tx.TxHash()}, tx.TxOut[0]})
	return nil
}

// address has the wallet give out an address, which is written to its file.
func (l *load) address(ctx context.Context) error {
	var a string
	if err := l.p.call(ctx, &a, "getnewaddress"); err != nil {
		return err
	}
	if l.addresses[a] {
		l.p.Errorf("the wallet gives out %s again", a)
	}
	l.addresses[a] = true
	return nil
}

// wallet looks whether the wallet knows the addresses that it gave out before it was killed, and gives out others.
func (l *load) wallet(t *testing.T) {
	t.Helper()
	if err := l.address(t.Context()); err != nil {
		t.Fatal(err)
	}
	for a := range l.addresses {
		if !ask[struct {
			Mine bool `json:"ismine"`
		}](t, l.p.client, "getaddressinfo", a).Mine {
			t.Fatalf("the wallet does not know %s, which it gave out", a)
		}
	}
}

// earn notes a coin.
func (l *load) earn(c coin) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.out.Value > 4*fee {
		l.coins = append(l.coins, c)
	}
}

// take is the oldest coin.
func (l *load) take() (c coin, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.coins) == 0 {
		return coin{}, false
	}
	l.txs++
	c, l.coins = l.coins[0], l.coins[1:]
	return c, true
}

// possible says whether the node may be at a tip.
func (l *load) possible(tip string) bool {
	return slices.Contains(l.expected, tip) || l.anywhere && l.seen[tip]
}
