// Package devnet runs a whole network in one process, on loopback: a mining ledger node, verification nodes, inference
// nodes, and a gateway. Each has its own key, its own store on disk and its own sockets; only the model's engine is
// shared, because the machine is one. It may import node and everything below.
package devnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"funai/amount"
	"funai/inference/funding"
	"funai/judge"
	"funai/key"
	"funai/ledger/wallet"
	"funai/model"
	"funai/node"
)

// ErrNotOurs says that a folder to be emptied holds something else.
var ErrNotOurs = errors.New("folder was not made by this program")

// What each role keeps, in base units. The network is small and young: blocks bring 1.5 FAI each and begin with nothing.
const (
	stake       = amount.FAI / 5
	bond        = amount.FAI / 5
	balance     = amount.FAI / 2
	bid         = 20_000
	purse       = amount.FAI / 20 // on the ledger, for commits and fees, beyond what a role moves up
	verifiers   = 5
	parallel    = 4
	scores      = 4096 // remembered by the shared engine
	marker      = "devnet"
	readyWithin = 5 * time.Minute
)

// Options say what network to run.
type Options struct {
	Dir       string
	HTTP      string                  // the gateway's address
	Engines   map[uint32]model.Engine // by model type; the caller closes them, after the network
	Models    []node.ModelType        // besides the network's own, for Engines of other types
	Key       string                  // file of the gateway's key, which is the user's; made if there is none
	Cookie    string                  // file of the token that spending over HTTP needs; likewise
	Inference int                     // inference nodes
	Dishonest int                     // of them, these many cheat
	Other     model.Engine            // what a cheat may run instead; nil leaves that cheat out
	Fresh     bool                    // start over
	Logger    *slog.Logger
	Stage     func(stage string, height int32) // told of each stage before the network is ready; may be nil
}

// Net is a running network.
type Net struct {
	o     Options
	net   node.Network
	nodes []*member // miner first, gateway last
	http  *node.HTTP
	ready atomic.Bool
	stop  context.CancelFunc
	run   *errgroup.Group
	memos []*judge.Memo
}

// borrowed is an engine of the caller's, who closes it.
type borrowed struct{ model.Engine }

func (borrowed) Close() error { return nil }

// member is one node of the network.
type member struct {
	name  string
	cfg   node.Config
	node  *node.Node
	needs amount.Amount // on the ledger at first
}

// Start starts the network and waits until it is ready for questions.
func Start(ctx context.Context, o Options) (n *Net, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Stage == nil {
		o.Stage = func(string, int32) {}
	}
	if o.Dishonest > o.Inference {
		return nil, fmt.Errorf("%d of %d inference nodes can't be dishonest", o.Dishonest, o.Inference)
	}
	if err := prepare(o.Dir, o.Fresh); err != nil {
		return nil, err
	}
	n = &Net{o: o, net: node.Dev()}
	n.net.Models = append(n.net.Models, o.Models...)
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if err := n.plan(); err != nil {
		return nil, err
	}
	if err := n.begin(ctx); err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	n.run, run = errgroup.WithContext(run)
	n.run.Go(func() error { return n.fund(run) })
	if n.http, err = n.gateway().Serve(o.HTTP); err != nil {
		return nil, err
	}
	return n, n.waitReady(ctx)
}

// prepare makes the folder, or empties it first. Only a folder that this program made is emptied.
func prepare(dir string, fresh bool) error {
	mark := filepath.Join(dir, marker)
	if fresh {
		if _, err := os.Stat(mark); err == nil {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		} else if files, err := os.ReadDir(dir); err == nil && len(files) > 0 {
			return fmt.Errorf("%w: %s", ErrNotOurs, dir)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(mark, []byte("a funai development network lives here\n"), 0o600)
}

// plan decides who is there, with which key and role.
func (n *Net) plan() error {
	judges := map[uint32]node.Judged{}
	for t, e := range n.o.Engines {
		m, ok := n.net.ModelOf(t)
		if !ok {
			return fmt.Errorf("model type %d is not of this network", t)
		}
		memo := judge.NewMemo(borrowed{e}, scores)
		n.memos = append(n.memos, memo)
		judges[t] = node.Judged{Engine: memo, Policy: judge.DefaultPolicy(m.Name)}
	}
	add := func(name string, cfg node.Config, keyFile string) error {
		k, err := key.LoadOrCreate(cmp.Or(keyFile, filepath.Join(n.o.Dir, name, "key")))
		if err != nil {
			return err
		}
		cfg.Key, cfg.Dir, cfg.Network = k, filepath.Join(n.o.Dir, name), n.net
		cfg.Logger = n.o.Logger.With("node", name)
		cfg.Listen = []string{"/ip4/127.0.0.1/tcp/0"}
		needs, err := amount.Sum(cfg.Wants.Stake, cfg.Wants.Bond, cfg.Wants.Balance, purse)
		if err != nil {
			return err
		}
		n.nodes = append(n.nodes, &member{name: name, cfg: cfg, needs: needs})
		return nil
	}
	if err := add("miner", node.Config{Mine: true, MineInterval: n.interval, LedgerListen: "127.0.0.1:0"}, ""); err != nil {
		return err
	}
	for i := range verifiers {
		cfg := node.Config{Verify: true, Judges: judges, Wants: funding.Wants{Stake: stake}}
		if err := add(fmt.Sprintf("verifier-%d", i+1), cfg, ""); err != nil {
			return err
		}
	}
	for i := range n.o.Inference {
		serve := map[uint32]model.Engine{}
		name := fmt.Sprintf("server-%d", i+1)
		for t, e := range n.o.Engines {
			if i >= n.o.Inference-n.o.Dishonest {
				c := cheat(i-(n.o.Inference-n.o.Dishonest), e, n.o.Other)
				e, name = c, fmt.Sprintf("cheat-%d-%s", i+1, c.how)
			}
			serve[t] = e
		}
		cfg := node.Config{Serve: serve, Parallel: parallel, Bid: bid, Wants: funding.Wants{Bond: bond, Balance: bond / 10}}
		if err := add(fmt.Sprintf("server-%d", i+1), cfg, ""); err != nil {
			return err
		}
		n.nodes[len(n.nodes)-1].name = name
	}
	if err := add("gateway", node.Config{Wants: funding.Wants{Balance: balance}, Cookie: n.o.Cookie}, n.o.Key); err != nil {
		return err
	}
	names := map[key.Hash160]string{}
	for _, m := range n.nodes {
		names[m.cfg.Key.Public().Hash160()] = m.name
	}
	n.gatewayMember().cfg.Names, n.gatewayMember().cfg.Balances = names, n.ledgerBalance
	return nil
}

func (n *Net) gatewayMember() *member { return n.nodes[len(n.nodes)-1] }
func (n *Net) gateway() *node.Node    { return n.gatewayMember().node }

// begin starts the nodes one after the other, each joined to the miner's ledger and the host of the first.
func (n *Net) begin(ctx context.Context) (err error) {
	first := n.nodes[0]
	for _, m := range n.nodes {
		if m != first {
			m.cfg.LedgerPeers = []string{first.node.LedgerAddr()}
			m.cfg.Peers = first.node.Addrs()
		}
		if m.node, err = node.Start(ctx, m.cfg); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// interval is how fast the miner mines: it hurries until the group has formed and the gateway has funds.
func (n *Net) interval() time.Duration {
	if n.ready.Load() {
		return n.net.Ledger.Spacing
	}
	return n.net.Hurry
}

// ledgerBalance is what a member of the network has on the ledger.
func (n *Net) ledgerBalance(h key.Hash160) (wallet.Balance, bool) {
	for _, m := range n.nodes {
		if m.node != nil && m.cfg.Key.Public().Hash160() == h {
			return m.node.LedgerBalance(), true
		}
	}
	return wallet.Balance{}, false
}

// fund sends what the members need on the ledger from the miner's coins, as a friend would.
func (n *Net) fund(ctx context.Context) error {
	miner := n.nodes[0].node
	given := make([]int32, len(n.nodes)) // ledger height of the last gift
	for {
		moved := miner.LedgerChanged()
		height := miner.LedgerHeight()
		for i, m := range n.nodes[1:] {
			b := m.node.LedgerBalance()
			has := b.Confirmed - min(b.Spending, b.Confirmed) + b.Unconfirmed
			need, err := m.node.Lacks()
			if err != nil {
				return err
			}
			need += purse
			if has >= need-purse/2 || given[i] != 0 && height < given[i]+giftEvery {
				continue
			}
			if err := miner.Pay(ctx, m.cfg.Key.Public().Hash160(), need-has); err != nil {
				if !errors.Is(err, wallet.ErrFunds) && ctx.Err() == nil {
					n.o.Logger.Warn("gift not sent", "to", m.name, "err", err)
				}
				break // the next block brings more
			}
			given[i] = height
		}
		select {
		case <-ctx.Done():
			return nil
		case <-moved:
		}
	}
}

// giftEvery is after how many ledger blocks a member that still lacks coins is given more: the first must have arrived.
const giftEvery = 8

// waitReady waits until the group stands, servers offer with enough bond, and the gateway has a balance.
func (n *Net) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("the network was not ready within %v", readyWithin))
	defer cancel()
	said := ""
	for {
		moved := n.gateway().Changed()
		stage, err := n.stage()
		if err != nil {
			return err
		}
		if stage != said && stage != StageReady {
			said = stage
			n.o.Stage(stage, n.nodes[0].node.LedgerHeight())
		}
		if stage == StageReady {
			n.ready.Store(true)
			return nil
		}
		for _, m := range n.nodes {
			select {
			case <-m.node.Done():
				return fmt.Errorf("%s stopped", m.name)
			default:
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-moved:
		case <-time.After(100 * time.Millisecond): // offers and peers come without a block
		}
	}
}

// The stages of a young network.
const (
	StageMining  = "mining the first coins"
	StageStaking = "verification nodes are staking"
	StageGroup   = "waiting for the group of five"
	StageFunds   = "servers and gateway are being funded"
	StageReady   = "ready"
)

func (n *Net) stage() (string, error) {
	st, err := n.gateway().Bootstrap()
	if err != nil {
		return "", err
	}
	switch {
	case st.LedgerHeight <= int32(n.net.Ledger.CoinbaseMaturity)+1 && st.Stakers == 0:
		return StageMining, nil
	case st.Stakers < verifiers:
		return StageStaking, nil
	case st.Seats < verifiers:
		return StageGroup, nil
	case st.Balance < balance/4 || st.Servers < n.o.Inference:
		return StageFunds, nil
	}
	for _, m := range n.nodes {
		b, err := m.node.Bonded()
		if err != nil {
			return "", err
		}
		if len(m.cfg.Serve) > 0 && b < bond/2 {
			return StageFunds, nil
		}
	}
	return StageReady, nil
}

// Addr is the gateway's address, as host:port.
func (n *Net) Addr() string { return n.http.Addr() }

// Wait waits until the context ends, or a node stops by itself.
func (n *Net) Wait(ctx context.Context) error {
	failed := make(chan string, len(n.nodes))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, m := range n.nodes {
		go func() {
			select {
			case <-m.node.Done():
				failed <- m.name
			case <-ctx.Done():
			}
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case name := <-failed:
		return fmt.Errorf("%s stopped", name)
	}
}

// Node returns a member's node by name, for tests.
func (n *Net) Node(name string) *node.Node {
	for _, m := range n.nodes {
		if m.name == name {
			return m.node
		}
	}
	return nil
}

// Close stops everything, the gateway first.
func (n *Net) Close() (err error) {
	if n.http != nil {
		err = errors.Join(err, n.http.Close())
	}
	if n.stop != nil {
		n.stop()
		err = errors.Join(err, n.run.Wait())
	}
	var g errgroup.Group
	for _, m := range n.nodes {
		if m.node != nil {
			g.Go(m.node.Close)
		}
	}
	err = errors.Join(err, g.Wait())
	for _, memo := range n.memos {
		err = errors.Join(err, memo.Close())
	}
	return err
}
