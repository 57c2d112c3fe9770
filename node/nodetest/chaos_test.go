package nodetest

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"funai/inference/execution"
	"funai/node"
)

var (
	seeds = flag.Int("seeds", 1, "networks to put through faults of each kind")
	first = flag.Uint64("seed", 1, "seed of the first of them")
	harm  = flag.Duration("harm", 40*time.Second, "how long each of them suffers, on the fake clock")
)

// expiry is how many ledger blocks a question may live: fewer than elsewhere, to see its end.
const expiry = 24

// TestNetworkComesThroughFaults loses, doubles, delays and reorders what the network carries, cuts connections, parts both
// layers' networks so that the ledger reorganizes, and crashes nodes in the middle of it all. At every block of every node
// the coins of both layers add up and no two blocks are certified at one height; and when it is over, all nodes soon hold
// one chain that goes on, and no question has cost more than its verdict says.
func TestNetworkComesThroughFaults(t *testing.T) {
	each(t, func(t *testing.T, seed uint64) { suffer(t, Options{Seed: seed}, func(*Net) {}) })
}

// TestSeatsChangeHandsAmidFaults has five new verification nodes take all seats meanwhile.
func TestSeatsChangeHandsAmidFaults(t *testing.T) {
	each(t, func(t *testing.T, seed uint64) {
		suffer(t, Options{Seed: seed}, func(n *Net) {
			for i := range 5 {
				n.Add(fmt.Sprintf("verifier-%d", i+6), n.VerifierConfig(2*Stake))
			}
		})
	})
}

// TestAdversariesAmidFaults has a seat that signs everything, a producer of two blocks at a time, a seat that opens no seal
// and a server of two receipts at a time among the nodes.
func TestAdversariesAmidFaults(t *testing.T) {
	chainID := node.Dev().Inference.ChainID
	wrap := func(name string, h *Host) node.Host {
		switch name {
		case "verifier-1":
			return &DoubleSigner{h, chainID}
		case "verifier-2":
			return Unopened(h)
		case "server-1":
			return TwoBlocks(h, chainID)
		case "server-2":
			return TwoReceipts(h)
		}
		return nil
	}
	each(t, func(t *testing.T, seed uint64) { suffer(t, Options{Seed: seed, Wrap: wrap}, func(*Net) {}) })
}

func each(t *testing.T, f func(t *testing.T, seed uint64)) {
	t.Helper()
	for i := range *seeds {
		seed := *first + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) { bubble(t, func(t *testing.T) { f(t, seed) }) })
	}
}

// suffer puts a network with two miners through faults.
func suffer(t *testing.T, o Options, before func(*Net)) {
	o.Miners, o.Change = 2, func(_ string, cfg *node.Config) { cfg.Network.Inference.MaxExpiry = expiry }
	n := Start(t, o)
	n.Ready()
	before(n)
	x := n.Trouble()
	defer func() {
		if t.Failed() {
			t.Log("\n" + strings.Join(x.Log, "\n") + "\n" + n.Where())
		}
	}()
	var asking sync.WaitGroup
	var mu sync.Mutex
	var asked []Asked
	for end, i := time.Now().Add(*harm), 0; time.Now().Before(end); i++ {
		if i%3 == 0 {
			asking.Go(func() {
				a := n.Ask(t.Context(), n.Member("gateway"), fmt.Sprintf("question %d", i))
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, a)
			})
		}
		x.Step()
	}
	x.End()
	n.Recover(6)
	asking.Wait()
	account(t, n, asked)
	heights, audits := n.Certified()
	t.Logf("%d heights certified, coins added up %d times", heights, audits)
}

// account waits until every question that a server took up is settled, refunded or past its expiry, and checks that nobody
// paid for anything but a verdict.
func account(t *testing.T, n *Net, asked []Asked) {
	t.Helper()
	gateway := n.Member("gateway")
	p := n.network.Inference
	last := gateway.ledgerHeight() + int32(expiry+p.SealWindow+p.OpenWindow) + 2
	how := map[string]int{}
	for _, a := range asked {
		if a.Err == nil {
			how["answered"]++
		}
		for _, id := range a.Tasks {
			info, err := n.Settled(gateway, id, time.Duration(max(0, last-gateway.ledgerHeight()))*n.network.Ledger.Spacing*3/2)
			switch {
			case info.Opened.Height == 0:
				how["never on chain"]++
			case err != nil:
				t.Error(err)
			case info.Expired:
				how["expired"]++
			default:
				how[map[byte]string{execution.Valid: "valid", execution.Invalid: "invalid", execution.NoMajority: "undecided"}[info.Verdict]]++
				if err := fair(info.Verdict, voted(info, execution.Valid), len(info.Votes)); err != nil {
					t.Errorf("%+v: %v", info, err)
				}
			}
			refund := info.Escrow
			for _, p := range info.Payouts {
				if p.Role == "refund" && p.To == gateway.Hash() {
					refund -= p.Amount
				}
			}
			// Without a verdict the asker pays those who judged, 5 percent of the gas used.
			if most := info.Escrow / 20; info.Verdict != execution.Valid && refund > most {
				t.Errorf("%v paid without a valid verdict: %+v", refund, info)
			}
			if info.Verdict == execution.Valid && refund != info.Fee {
				t.Errorf("%v paid, the fee is %v: %+v", refund, info.Fee, info)
			}
		}
	}
	t.Logf("%d asked: %v", len(asked), how)
	if err := n.Agree(); err != nil {
		t.Error(err)
	}
}

func fair(verdict byte, valid, seats int) error {
	if (verdict == execution.Valid) != (valid >= seats/2+1) {
		return fmt.Errorf("verdict %d with %d valid votes of %d seats", verdict, valid, seats)
	}
	return nil
}
