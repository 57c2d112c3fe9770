package nodetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/client"
	"funai/inference/server"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/node"
)

// Asked is a question and what came of it.
type Asked struct {
	Tasks  []tx.ID // openings that a server accepted, the last one's answer counts
	Answer *client.Answer
	Err    error
}

// Ask asks as a member.
func (n *Net) Ask(ctx context.Context, from *Member, question string) (a Asked) {
	a.Err = from.Call(ctx, func(ctx context.Context, nd *node.Node) (err error) {
		a.Answer, err = nd.Client().Ask(ctx, client.Request{Model: ModelType, Input: task.Input{Input: question}, MaxTokens: 24, RepeatPenaltyMilli: 1100},
			func(s client.Started) { a.Tasks = append(a.Tasks, s.Task) }, func(server.Token) error { return nil })
		return err
	})
	return a
}

// Settled waits until a member's chain has settled a task or let it expire.
func (n *Net) Settled(m *Member, id tx.ID, patience time.Duration) (info chain.TaskInfo, err error) {
	for deadline := time.Now().Add(patience); ; {
		err = m.Use(func(nd *node.Node) (err error) {
			info, err = nd.Chain().Task(id)
			return err
		})
		if err == nil && info.Settled.Height > 0 {
			return info, nil
		}
		if time.Now().After(deadline) {
			return info, fmt.Errorf("task %v is not settled after %v: %+v, %w", id, patience, info, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Until waits until something holds.
func (n *Net) Until(what string, patience time.Duration, holds func() (bool, error)) {
	n.t.Helper()
	var err error
	var ok bool
	for deadline := time.Now().Add(patience); ; {
		if ok, err = holds(); ok && err == nil {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("not within %v: %s (%v)\n%s", patience, what, err, n.Where())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Where tells where every member stands, for the message of a test that fails.
func (n *Net) Where() string {
	var text strings.Builder
	var waiting []block.ID
	for _, m := range n.Members {
		up := false
		_ = m.Use(func(nd *node.Node) error {
			c := nd.Chain()
			tip := c.TipInfo()
			up = true
			fmt.Fprintf(&text, "%s: ledger %d %v, followed %d, tip %d %.8v of tenure %d", m.Name, nd.LedgerHeight(), nd.Ledger().Tip().Hash, c.Followed().Height, tip.Height, tip.ID, tip.Tenure.Height)
			for _, id := range c.Waiting() {
				fmt.Fprintf(&text, ", waits for %.8v", id)
				waiting = append(waiting, id)
			}
			if c.Waiting() != nil {
				p := n.network.Inference.Sortition
				end := uint32(c.Followed().Height) + 1
				for h := end - p.PrepareLength; h < end; h++ {
					for _, o := range n.Members {
						if o == m {
							continue
						}
						_ = o.Use(func(od *node.Node) error {
							text.WriteString("\n    " + o.Name + describe(od, h))
							return nil
						})
					}
					text.WriteString("\n    " + m.Name + describe(nd, h))
				}
			}
			return nil
		})
		if !up {
			text.WriteString(m.Name + " is down")
		}
		text.WriteString("\n")
	}
	for _, id := range waiting {
		for _, m := range n.Members {
			_ = m.Use(func(nd *node.Node) error {
				if i, err := nd.Chain().Info(id); err == nil {
					fmt.Fprintf(&text, "%s has %.8v: height %d, tenure %d %v, certified %v\n", m.Name, id, i.Height, i.Tenure.Height, i.Tenure.Hash, i.Certified)
				}
				return nil
			})
		}
	}
	return text.String()
}

// Ready waits until the group of seats is full, the servers are bonded and known, and the gateway has a balance, then sets
// the miners to the network's pace.
func (n *Net) Ready() {
	n.t.Helper()
	gateway := n.Member("gateway")
	n.Until("the network is ready", 10*time.Minute, func() (ready bool, err error) {
		err = gateway.Use(func(nd *node.Node) error {
			b, err := nd.Bootstrap()
			ready = b.Seats == min(n.o.Verifiers, n.network.Inference.Seats) && b.Servers >= n.o.Servers && b.Balance >= Balance/4
			return err
		})
		for _, m := range n.Members {
			if len(m.cfg.Serve) > 0 && ready {
				err = m.Use(func(nd *node.Node) error {
					b, err := nd.Bonded()
					ready = b >= Bond/2
					return err
				})
			}
		}
		return ready, err
	})
	n.Pace(n.network.Ledger.Spacing)
}

func describe(nd *node.Node, h uint32) string {
	e, err := nd.Chain().Election(h)
	if err != nil {
		return err.Error()
	}
	if e.Winner < 0 {
		return fmt.Sprintf(" %d: nobody", h)
	}
	w := e.Candidates[e.Winner].Commit
	i, err := nd.Chain().Info(w.Block)
	return fmt.Sprintf(" %d: %.8v named %.8v parent %d/%d; %d %d %.8v %v %v", h, e.Hash, w.Block, w.ParentHeight, w.ParentIndex, i.Height, i.Tenure.Height, i.Tenure.Hash, i.Certified, err)
}
