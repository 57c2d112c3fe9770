// Package nodetest runs whole networks of real nodes on a fake clock, inside a testing/synctest bubble: miners,
// verification nodes, inference nodes and a gateway, each made by node.Start, on networks in memory that lose, delay,
// double, reorder and cut, and on file systems in memory that forget what a power cut makes them forget. Only the model is
// a toy. It watches what must hold at every block of every node. It may import node and everything below.
package nodetest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"funai/amount"
	"funai/inference/funding"
	"funai/judge"
	"funai/key"
	"funai/ledger/peer/peertest"
	"funai/model"
	"funai/model/modeltest"
	"funai/node"
	"funai/p2p/p2ptest"
)

// What each role keeps, in base units, and what a candidate commits for each election.
const (
	Stake   = amount.FAI / 5
	Bond    = amount.FAI / 5
	Balance = amount.FAI / 2
	bid     = 20_000
	purse   = amount.FAI / 10 // on the ledger, for commits and fees
)

// ModelName and ModelType name the toy model.
const (
	ModelName = "stories15m"
	ModelType = 2
)

// Options say what network to run. Zero numbers are one miner, five verification nodes and three inference nodes.
type Options struct {
	Seed      uint64 // of all faults and keys
	Miners    int
	Verifiers int
	Servers   int
	Spacing   time.Duration                        // of ledger blocks; 0 is the dev network's
	Change    func(name string, cfg *node.Config)  // the last word on a member
	Wrap      func(name string, h *Host) node.Host // an adversary's place on the network; nil for none
}

// Net is a running network.
type Net struct {
	t       testing.TB
	o       Options
	network node.Network
	Gossip  *p2ptest.Net
	Wires   *peertest.Net // of the ledger
	Members []*Member
	rand    *rand.Rand
	log     slog.Handler
	seen    *sightings
	sides   map[*Member]int // of the ledger's network while it is cut in two; nil while it is not

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup
}

// Start starts a network. It is closed when the bubble's test ends; call it inside the bubble.
func Start(t testing.TB, o Options) *Net {
	t.Helper()
	for _, d := range []struct {
		n   *int
		std int
	}{{&o.Miners, 1}, {&o.Verifiers, 5}, {&o.Servers, 3}} {
		if *d.n == 0 {
			*d.n = d.std
		}
	}
	n := &Net{t: t, o: o, network: node.Dev(), Gossip: p2ptest.New(o.Seed), Wires: peertest.New(), rand: rand.New(rand.NewPCG(o.Seed, 1))}
	if o.Spacing > 0 {
		// The ledger's parameters are a value that many read: this is a copy of our own.
		p := *n.network.Ledger
		p.Spacing = o.Spacing
		n.network.Ledger = &p
	}
	n.log = &logged{t: t, level: slog.LevelError}
	if os.Getenv("FUNAI_TEST_LOG") != "" {
		n.log = slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})
	}
	n.seen = newSightings(n)
	n.ctx, n.stop = context.WithCancel(context.Background())
	t.TempDir() // is removed after what is registered from here on
	t.Cleanup(n.Close)
	for i := range o.Miners {
		n.Add(fmt.Sprintf("miner-%d", i+1), node.Config{Mine: true})
	}
	for i := range o.Verifiers {
		n.Add(fmt.Sprintf("verifier-%d", i+1), n.VerifierConfig(Stake))
	}
	for i := range o.Servers {
		n.Add(fmt.Sprintf("server-%d", i+1), node.Config{Serve: map[uint32]model.Engine{ModelType: toy()}, Parallel: 4, Bid: bid,
			Wants: funding.Wants{Bond: Bond, Balance: Bond / 10}})
	}
	n.Add("gateway", node.Config{Wants: funding.Wants{Balance: Balance}})
	n.work.Go(n.fund)
	return n
}

// VerifierConfig is a verification node's that wants a stake.
func (n *Net) VerifierConfig(stake amount.Amount) node.Config {
	return node.Config{Verify: true, Judges: Judges(toy()), Wants: funding.Wants{Stake: stake}}
}

// Judges judge by an engine.
func Judges(e judge.Scorer) map[uint32]node.Judged {
	return map[uint32]node.Judged{ModelType: {Engine: e, Policy: judge.DefaultPolicy(ModelName)}}
}

func toy() *modeltest.Toy { return &modeltest.Toy{Name: ModelName, Limit: 256} }

// Toy is the model that honest members run, slower.
func Toy(delay time.Duration) *modeltest.Toy {
	return &modeltest.Toy{Name: ModelName, Limit: 256, Delay: delay}
}

// Add starts one more member.
func (n *Net) Add(name string, cfg node.Config) *Member {
	n.t.Helper()
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = byte(n.rand.Uint32())
	}
	k, err := key.FromBytes(secret)
	if err != nil {
		n.t.Fatal(err)
	}
	m := &Member{n: n, Name: name, mu: make(turn, 1), Key: k, addr: fmt.Sprintf("10.0.0.%d:28444", len(n.Members)+1), disk: newDisk(filepath.Join(n.t.TempDir(), name))}
	// One miner hurries, or there would be rival blocks at every height.
	m.pace.Store(int64(n.network.Hurry * time.Duration(1+5*len(n.Members))))
	cfg.Network, cfg.Key, cfg.Logger = n.network, k, slog.New(n.log).With("node", name)
	cfg.MineInterval = func() time.Duration { return time.Duration(m.pace.Load()) }
	for _, other := range n.Members[:min(len(n.Members), n.o.Miners)] {
		cfg.LedgerPeers = append(cfg.LedgerPeers, other.addr)
	}
	if n.o.Change != nil {
		n.o.Change(name, &cfg)
	}
	m.cfg = cfg
	n.Members = append(n.Members, m)
	m.Start()
	return m
}

// Close stops all members.
func (n *Net) Close() {
	n.stop()
	n.work.Wait()
	var stopping sync.WaitGroup
	for _, m := range n.Members {
		stopping.Go(m.Stop)
	}
	stopping.Wait()
	if err := n.Gossip.Close(); err != nil {
		n.t.Error(err)
	}
}

// Member finds a member by its name.
func (n *Net) Member(name string) *Member {
	n.t.Helper()
	for _, m := range n.Members {
		if m.Name == name {
			return m
		}
	}
	n.t.Fatalf("no member %q", name)
	return nil
}

// Running lists the members that run.
func (n *Net) Running() (ms []*Member) {
	for _, m := range n.Members {
		if m.Node() != nil {
			ms = append(ms, m)
		}
	}
	return ms
}

// Pace sets how fast the miners mine, the first at the network's pace and each of the others slower than the one before.
func (n *Net) Pace(d time.Duration) {
	for i, m := range n.Members[:n.o.Miners] {
		m.Mine(d + time.Duration(i)*(d+d/2+time.Millisecond))
	}
}

// CutLedger cuts the ledger's network in two, by where each member is put.
func (n *Net) CutLedger(side func(*Member) int) {
	n.HealLedger()
	n.sides = map[*Member]int{}
	for _, m := range n.Members {
		n.sides[m] = side(m)
	}
	for i, a := range n.Members {
		for _, b := range n.Members[:i] {
			if n.apart(a, b) {
				n.Wires.Cut(a.addr, b.addr)
			}
		}
	}
}

// HealLedger undoes CutLedger.
func (n *Net) HealLedger() {
	n.sides = nil
	for i, a := range n.Members {
		for _, b := range n.Members[:i] {
			n.Wires.Heal(a.addr, b.addr)
		}
	}
}

func (n *Net) apart(a, b *Member) bool { return n.sides != nil && n.sides[a] != n.sides[b] }

// logged fails the test on what a node calls an error.
type logged struct {
	t     testing.TB
	level slog.Level
	attrs []slog.Attr
}

func (l *logged) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

func (l *logged) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	add := func(a slog.Attr) bool { text += " " + a.String(); return true }
	for _, a := range l.attrs {
		add(a)
	}
	r.Attrs(add)
	l.t.Error(text)
	return nil
}

func (l *logged) WithAttrs(as []slog.Attr) slog.Handler {
	return &logged{l.t, l.level, append(l.attrs[:len(l.attrs):len(l.attrs)], as...)}
}

func (l *logged) WithGroup(string) slog.Handler { return l }
