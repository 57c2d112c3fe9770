package round

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/pool"
	"funai/key"
	"funai/p2p"
	"funai/p2p/p2ptest"
)

// node is a seat's or producer's node that runs.
type node struct {
	*chaintest.World // as the node sees it
	cfg              Config
	host             *p2ptest.Host
	journal          *memory
	stop             func()
}

// network is a group of nodes on one ledger. Nodes 0 to 2 are producers as well.
type network struct {
	*chaintest.World
	net   *p2ptest.Net
	nodes []*node
}

func newNetwork(t *testing.T, seats int) *network {
	n := &network{World: chaintest.New(t, 3), net: p2ptest.New(1)}
	n.Seated(seats)
	t.Cleanup(func() {
		for _, x := range n.nodes {
			x.stop()
		}
		if err := n.net.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, k := range n.Seats(uint32(n.Ledger.Tip().Height)) {
		x := &node{World: n.Another(), journal: &memory{}}
		n.CatchUp(x.Chain)
		x.cfg = Config{Chain: x.Chain, Seat: k, Journal: x.journal}
		if i < len(n.Producers) {
			x.cfg.Signer, x.cfg.Prover = n.Producers[i].Key, n.Producers[i].Prover
		}
		n.nodes = append(n.nodes, x)
		n.run(x)
	}
	return n
}

// run starts a node, which knows what its journal and its chain hold.
func (n *network) run(x *node) {
	x.host = n.net.Host(x.cfg.Seat)
	x.cfg.Network, x.cfg.Pool = x.host, pool.New(x.Chain, x.host)
	e, err := New(x.cfg)
	if err != nil {
		n.Fatal(err)
	}
	for topic, most := range map[string]int{TopicProposal: block.MaxProposalBytes, TopicVote: maxVoteBytes, TopicStatus: block.MaxStatusBytes} {
		err := x.host.Subscribe(topic, most, func(_ context.Context, _ key.Public, raw []byte) error {
			err := e.Receive(topic, raw)
			if errors.Is(err, ErrMessage) {
				return fmt.Errorf("%w: %w", p2p.ErrReject, err)
			}
			return err
		})
		if err != nil {
			n.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{e.Run, x.Chain.Follow} {
		wg.Go(func() {
			if err := run(ctx); !errors.Is(err, context.Canceled) {
				n.Error(err)
			}
		})
	}
	x.stop = func() { cancel(); wg.Wait(); x.host.Crash() }
}

// settle waits for a time and then until nothing moves.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// agreed fails unless the nodes hold one chain at most one block apart, and says how high it is.
func (n *network) agreed(nodes ...*node) (height uint64) {
	n.Helper()
	at := map[uint64]block.ID{}
	for _, x := range nodes {
		tip := x.Chain.Tip()
		height = max(height, tip.Height)
		for h := uint64(1); h <= tip.Height; h++ {
			i, err := x.Chain.InfoAt(h)
			if err != nil {
				n.Fatal(err)
			}
			if old, ok := at[h]; ok && old != i.ID {
				n.Fatalf("two blocks at height %d are certified", h)
			}
			at[h] = i.ID
		}
	}
	for i, x := range nodes {
		if tip := x.Chain.Tip(); tip.Height+1 < height {
			n.Fatalf("node %d is at %d, others at %d", i, tip.Height, height)
		}
	}
	return height
}

// elect mines a ledger block that elects a producer, as the highest of the running nodes would commit to it.
func (n *network) elect(p int, nodes ...*node) {
	best := nodes[0]
	for _, x := range nodes {
		if x.Chain.Tip().Height > best.Chain.Tip().Height {
			best = x
		}
	}
	n.Ledger.Mine(best.Commit(n.Producers[p], best.Chain.TipInfo()))
}

func TestSeatsAgreeOnOneChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 4)
		n.net.SetFaults(p2ptest.Faults{MinDelay: 5 * time.Millisecond, MaxDelay: 120 * time.Millisecond, Duplicate: 0.1})
		before := n.agreed(n.nodes...)
		for i := range 10 {
			n.elect(i%3, n.nodes...)
			settle(2 * time.Second)
			n.agreed(n.nodes...)
		}
		if got := n.agreed(n.nodes...); got != before+10 {
			t.Errorf("ten tenures made %d blocks", got-before)
		}
	})
}

// One seat of four may fail at any time, and come back with nothing but its journal and its chain.
func TestASeatThatCrashesComesBackAndVotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 4)
		n.net.SetFaults(p2ptest.Faults{MinDelay: 20 * time.Millisecond, MaxDelay: 90 * time.Millisecond})
		before := n.agreed(n.nodes...)
		for i := range 8 {
			x := n.nodes[3-i%2]
			n.elect(i%2, n.nodes...)
			settle(time.Duration(i) * 35 * time.Millisecond) // in the midst of the votes
			x.stop()
			settle(time.Second)
			n.nodes[0].CatchUp(x.Chain)
			n.run(x)
			settle(time.Second)
		}
		n.elect(0, n.nodes...)
		settle(2 * time.Second)
		if got := n.agreed(n.nodes...); got < before+9 {
			t.Errorf("nine tenures made %d blocks", got-before)
		}
	})
}

// Without a quorum nothing is certified; when the network heals, the next producer takes up what some are locked on.
func TestAPartitionCertifiesNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 4)
		n.net.SetFaults(p2ptest.Faults{MinDelay: 30 * time.Millisecond, MaxDelay: 60 * time.Millisecond})
		before := n.agreed(n.nodes...)
		var keys []key.Public
		for _, x := range n.nodes {
			keys = append(keys, x.host.Public())
		}
		for i := range 6 {
			n.elect(i%3, n.nodes...)
			settle(time.Duration(60+25*i) * time.Millisecond) // while they vote
			n.net.Partition(keys[:2], keys[2:])
			settle(2 * time.Second)
			n.elect((i+1)%3, n.nodes...)
			settle(2 * time.Second)
			n.agreedAlone()
			n.net.Heal()
			n.elect((i+2)%3, n.nodes...)
			settle(2 * time.Second)
			// Who missed the votes that certified a block gets it from another, as a syncing node does.
			for _, x := range n.nodes {
				for _, y := range n.nodes {
					if y.Chain.Tip().Height > x.Chain.Tip().Height {
						y.CatchUp(x.Chain)
					}
				}
			}
		}
		n.elect(0, n.nodes...)
		settle(2 * time.Second)
		if got := n.agreed(n.nodes...); got < before+6 {
			t.Errorf("only %d blocks", got-before)
		}
	})
}

// agreedAlone is agreed, however far apart the nodes are.
func (n *network) agreedAlone() {
	n.Helper()
	for _, x := range n.nodes {
		for _, y := range n.nodes {
			n.agreedPair(x.Chain, y.Chain)
		}
	}
}

func (n *network) agreedPair(a, b *chain.Chain) {
	n.Helper()
	h := min(a.Tip().Height, b.Tip().Height)
	one, err := a.InfoAt(h)
	if err != nil {
		n.Fatal(err)
	}
	two, err := b.InfoAt(h)
	if err != nil {
		n.Fatal(err)
	}
	if one.ID != two.ID {
		n.Fatalf("two blocks at height %d are certified", h)
	}
}
