package nodetest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"funai/key"
	"funai/node"
	"funai/p2p/p2ptest"
)

// Rough is a network that loses a tenth of all it carries, doubles as much, delays, reorders and breaks.
var Rough = p2ptest.Faults{Loss: 0.1, Duplicate: 0.1, MaxDelay: 300 * time.Millisecond, Break: 0.02}

// Trouble makes faults of all kinds, as its source of chance decides, until it is ended. It is for one goroutine.
type Trouble struct {
	n     *Net
	r     *rand.Rand
	down  map[*Member]time.Time // until
	split time.Time             // until when the inference layer is parted
	fork  time.Time             // until when the ledger is
	Log   []string              // what was done
}

// Trouble begins.
func (n *Net) Trouble() *Trouble {
	n.Gossip.SetFaults(Rough)
	return &Trouble{n: n, r: rand.New(rand.NewPCG(n.o.Seed, 2)), down: map[*Member]time.Time{}}
}

func (x *Trouble) say(format string, args ...any) {
	x.Log = append(x.Log, time.Now().Format("04:05.000 ")+fmt.Sprintf(format, args...))
}

// Step does some harm, undoes some, and takes a moment.
func (x *Trouble) Step() {
	n, now := x.n, time.Now()
	for m, until := range x.down {
		if now.After(until) {
			x.say("start %s", m.Name)
			m.Start()
			delete(x.down, m)
		}
	}
	if !x.split.IsZero() && now.After(x.split) {
		x.say("heal inference layer")
		n.Gossip.Heal()
		x.split = time.Time{}
	}
	if !x.fork.IsZero() && now.After(x.fork) {
		x.heal()
	}
	switch x.r.IntN(8) {
	case 0, 1:
		x.crash()
	case 2:
		if x.split.IsZero() {
			x.part()
		}
	case 3:
		if x.fork.IsZero() && n.o.Miners > 1 {
			x.cut()
		}
	}
	time.Sleep(time.Duration(200+x.r.IntN(2000)) * time.Millisecond)
}

// crash ends a member for some seconds; the first miner keeps running, because it is who funds the others.
func (x *Trouble) crash() {
	ms := x.n.Running()
	m := ms[1+x.r.IntN(len(ms)-1)]
	writes := 1 + x.r.IntN(60)
	x.say("crash %s at write %d", m.Name, writes)
	m.Crash(x.r, writes)
	x.down[m] = time.Now().Add(time.Duration(x.r.IntN(8000)) * time.Millisecond)
}

// part cuts the inference layer into two.
func (x *Trouble) part() {
	var groups [2][]key.Public
	names := [2]string{}
	for _, m := range x.n.Members {
		g := x.r.IntN(2)
		groups[g] = append(groups[g], m.Key.Public())
		names[g] += " " + m.Name
	}
	x.say("part inference layer:%s |%s", names[0], names[1])
	x.n.Gossip.Partition(groups[0], groups[1])
	x.split = time.Now().Add(time.Duration(1000+x.r.IntN(12000)) * time.Millisecond)
}

// cut cuts the ledger's network into two, a miner on each side.
func (x *Trouble) cut() {
	side := map[*Member]int{}
	names := [2]string{}
	for i, m := range x.n.Members {
		side[m] = x.r.IntN(2)
		if i < 2 {
			side[m] = i
		}
		names[side[m]] += " " + m.Name
	}
	x.say("part ledger:%s |%s", names[0], names[1])
	x.n.CutLedger(func(m *Member) int { return side[m] })
	spacing := x.n.network.Ledger.Spacing
	x.n.Members[1].Mine(spacing/2 + time.Duration(x.r.Int64N(int64(spacing))))
	blocks := 1 + x.r.IntN(6)
	if x.r.IntN(4) == 0 {
		blocks += x.r.IntN(15)
	}
	x.fork = time.Now().Add(time.Duration(blocks) * spacing)
}

func (x *Trouble) heal() {
	x.say("heal ledger")
	x.n.HealLedger()
	x.n.Pace(x.n.network.Ledger.Spacing)
	x.fork = time.Time{}
}

// End undoes all harm: everyone runs and can reach everyone.
func (x *Trouble) End() {
	x.say("end")
	x.heal()
	x.n.Gossip.Heal()
	x.n.Gossip.SetFaults(p2ptest.Faults{})
	for m := range x.down {
		m.Start()
	}
	clear(x.down)
}

// Recover waits until all ledgers are one again, and then for the inference chain to be one and to go on within so many
// ledger blocks.
func (n *Net) Recover(blocks int32) {
	n.t.Helper()
	n.Until("all ledgers are one", 3*time.Minute, func() (bool, error) {
		var first *node.Node
		one := true
		for _, m := range n.Members {
			err := m.Use(func(nd *node.Node) error {
				if first == nil {
					first = nd
				}
				one = one && nd.Ledger().Tip() == first.Ledger().Tip()
				return nil
			})
			if err != nil {
				return false, err
			}
		}
		return one && first != nil, nil
	})
	var from int32
	_ = n.Members[0].Use(func(nd *node.Node) error { from = nd.LedgerHeight(); return nil })
	n.Until(fmt.Sprintf("all inference chains are one and went on within %d ledger blocks", blocks), time.Duration(blocks)*n.network.Ledger.Spacing*3/2, func() (bool, error) {
		for _, m := range n.Members {
			fresh := false
			_ = m.Use(func(nd *node.Node) error {
				fresh = int32(nd.Chain().TipInfo().Tenure.Height) > from
				return nil
			})
			if !fresh {
				return false, fmt.Errorf("%s has no block of a tenure after ledger block %d", m.Name, from)
			}
		}
		return true, n.Agree()
	})
	_ = n.Members[0].Use(func(nd *node.Node) error {
		n.t.Logf("one chain that goes on, %d ledger blocks after the ledgers were one", nd.LedgerHeight()-from)
		return nil
	})
}
