package nodetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"funai/inference/blocksync"
	"funai/inference/exchange"
	"funai/inference/execution"
	"funai/inference/server"
	"funai/node"
	"funai/p2p/p2ptest"
)

func TestSeatThatVotesAtRandomDecidesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := Start(t, Options{Seed: 2, Change: func(name string, cfg *node.Config) {
			if name == "verifier-1" {
				cfg.Judges = Judges(NewMoody(2))
			}
		}})
		n.Ready()
		moods := map[byte]bool{}
		for _, q := range []string{"one", "two", "three", "four", "five", "six"} {
			info := settled(t, n, answered(t, n, q), execution.Valid)
			for _, v := range info.Votes {
				if v.Seat == n.Member("verifier-1").Hash() {
					moods[v.Verdict] = true
				} else if v.Verdict != execution.Valid {
					t.Errorf("an honest seat voted %d: %+v", v.Verdict, info.Votes)
				}
			}
		}
		if len(moods) < 2 {
			t.Errorf("its votes were %v", moods)
		}
	})
}

func TestSeatThatNeverOpensItsSealIsPaidNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := Start(t, Options{Seed: 3, Wrap: func(name string, h *Host) node.Host {
			if name == "verifier-2" {
				return Unopened(h)
			}
			return nil
		}})
		n.Ready()
		info := settled(t, n, answered(t, n, "one"), execution.Valid)
		if voted(info, execution.Valid) != 4 {
			t.Errorf("votes %+v", info.Votes)
		}
		for _, p := range info.Payouts {
			if p.To == n.Member("verifier-2").Hash() {
				t.Errorf("the silent seat got %+v", p)
			}
		}
	})
}

// TestProducerThatWithholdsStopsNothing: one of three candidates shows its blocks to nobody.
func TestProducerThatWithholdsStopsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var on atomic.Bool
		n := Start(t, Options{Seed: 4, Wrap: func(name string, h *Host) node.Host {
			if name == "server-1" {
				return &hermit{h, &on}
			}
			return nil
		}})
		n.Ready()
		on.Store(true)
		for _, q := range []string{"one", "two", "three"} {
			settled(t, n, answered(t, n, q), execution.Valid)
		}
		time.Sleep(50 * time.Second) // through two changes of the group
		n.Recover(8)
	})
}

func TestDoubleSigningSeatsAndProducerCertifyNoTwoBlocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		dev := node.Dev().Inference.ChainID
		n := Start(t, Options{Seed: 5, Wrap: func(name string, h *Host) node.Host {
			switch name {
			case "verifier-1", "verifier-2":
				return &DoubleSigner{h, dev}
			case "server-1":
				return TwoBlocks(h, dev)
			}
			return nil
		}})
		n.Ready()
		n.Gossip.SetFaults(p2ptest.Faults{MaxDelay: 100 * time.Millisecond, Loss: 0.05})
		for _, q := range []string{"one", "two", "three", "four"} {
			settled(t, n, answered(t, n, q), execution.Valid)
		}
		time.Sleep(20 * time.Second)
		n.Gossip.SetFaults(p2ptest.Faults{})
		n.Recover(8)
	})
}

func TestServerThatSignsTwoReceiptsIsFined(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := Start(t, Options{Seed: 6, Servers: 2, Wrap: func(name string, h *Host) node.Host {
			if name == "server-1" {
				return TwoReceipts(h)
			}
			return nil
		}})
		n.Ready()
		liar := n.Member("server-1").Hash()
		for seen := 0; seen < 1; {
			id := answered(t, n, "is this so")
			info, err := n.Settled(n.Member("gateway"), id, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if info.Server != liar {
				if info.Verdict != execution.Valid {
					t.Errorf("the honest server's answer: %+v", info)
				}
				continue
			}
			seen++
			fine := false
			for _, p := range info.Payouts {
				fine = fine || p.Role == "fine" && p.To == liar
			}
			if info.Verdict != execution.Invalid || !fine || info.Fee != 0 {
				t.Errorf("two receipts were settled as %+v", info)
			}
		}
	})
}

func TestGarbageOnEveryTopicAndProtocolStopsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := Start(t, Options{Seed: 7})
		n.Ready()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stranger := n.Flood(ctx, []string{server.Protocol, exchange.Protocol, blocksync.Protocol, "no/such"})
		settled(t, n, answered(t, n, "one"), execution.Valid)
		time.Sleep(20 * time.Second)
		settled(t, n, answered(t, n, "two"), execution.Valid)
		n.Recover(3)
		for _, m := range n.Members {
			if m.host.Penalties()[stranger.Public()] == 0 {
				t.Errorf("%s has no complaint about the stranger", m.Name)
			}
		}
	})
}
