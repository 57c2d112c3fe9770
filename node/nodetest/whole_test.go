package nodetest

import (
	"testing"
	"testing/synctest"
	"time"

	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/tx"
	"funai/node"
)

// bubble runs a test on a fake clock and tells how long both clocks took.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f(t)
		t.Logf("%v on the fake clock", time.Since(start))
	})
	t.Logf("%v in truth", time.Since(began))
}

// answered asks and fails the test if no answer comes.
func answered(t *testing.T, n *Net, question string) tx.ID {
	t.Helper()
	a := n.Ask(t.Context(), n.Member("gateway"), question)
	if a.Err != nil {
		t.Fatalf("%v\n%s", a.Err, n.Where())
	}
	return a.Answer.Task
}

// settled waits for a verdict.
func settled(t *testing.T, n *Net, id tx.ID, want byte) chain.TaskInfo {
	t.Helper()
	info, err := n.Settled(n.Member("gateway"), id, 40*n.network.Ledger.Spacing)
	if err != nil {
		t.Fatalf("%v\n%s", err, n.Where())
	}
	if info.Verdict != want || info.Expired {
		t.Fatalf("verdict %d, not %d: %+v", info.Verdict, want, info)
	}
	return info
}

// voted lists the seats that gave a verdict.
func voted(info chain.TaskInfo, verdict byte) (n int) {
	for _, v := range info.Votes {
		if v.Verdict == verdict {
			n++
		}
	}
	return n
}

// ledgerHeight is a member's.
func (m *Member) ledgerHeight() (h int32) {
	_ = m.Use(func(nd *node.Node) error { h = nd.LedgerHeight(); return nil })
	return h
}

// TestWholeNetworkOnAFakeClock lives through ten reward cycles: the group forms, questions are answered, judged by five
// seats, paid and forgotten, and a sixth verification node that stakes more takes a seat.
func TestWholeNetworkOnAFakeClock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := Start(t, Options{Seed: 1, Spacing: 3 * time.Second})
		n.Ready()
		from := n.Members[0].ledgerHeight()
		id := answered(t, n, "how are you")
		if holders(n, id) == 0 {
			t.Error("nobody holds the contents after the answer")
		}
		info := settled(t, n, id, execution.Valid)
		if voted(info, execution.Valid) != 5 {
			t.Errorf("votes %+v", info.Votes)
		}
		roles := map[string]int{}
		for _, p := range info.Payouts {
			roles[p.Role]++
		}
		if roles["server"] != 1 || roles["producer"] != 1 || roles["seat"] != 5 || roles["burn"] != 1 {
			t.Errorf("payouts %+v", info.Payouts)
		}
		n.Until("contents are deleted everywhere", time.Minute, func() (bool, error) { return holders(n, id) == 0, nil })

		n.Add("verifier-6", n.VerifierConfig(2*Stake))
		n.Until("the sixth takes a seat", 10*time.Minute, func() (bool, error) { return seated(n, "verifier-6") })
		if set, err := n.Member("gateway").Set(); err != nil || len(set.Seats) != 5 {
			t.Errorf("seats %+v, %v", set.Seats, err)
		}
		settled(t, n, answered(t, n, "who judges now"), execution.Valid)
		n.Until("200 ledger blocks", time.Hour, func() (bool, error) { return n.Members[0].ledgerHeight() >= from+200, nil })
		settled(t, n, answered(t, n, "are you still there"), execution.Valid)
		n.Recover(3)
		heights, audits := n.Certified()
		t.Logf("%d heights certified, coins added up %d times", heights, audits)
		if heights < 190 {
			t.Errorf("%d heights were certified in 200 ledger blocks", heights)
		}
	})
}

// holders counts the members that hold a task's contents.
func holders(n *Net, id tx.ID) (count int) {
	for _, m := range n.Members {
		_ = m.Use(func(nd *node.Node) error {
			if nd.HasContents(id) {
				count++
			}
			return nil
		})
	}
	return count
}

// seated says whether a member holds a seat, as the gateway sees it.
func seated(n *Net, name string) (bool, error) {
	set, err := n.Member("gateway").Set()
	if err != nil {
		return false, err
	}
	who := n.Member(name).Hash()
	for _, s := range set.Seats {
		if s.Address == who {
			return true, nil
		}
	}
	return false, nil
}
