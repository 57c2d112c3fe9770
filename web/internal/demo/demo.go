// Package demo is a make-believe network whose data move, for looking at the pages without running nodes: it implements
// api.Source and gateway.Backend over a few slices. Nothing here is a rule of the network; the numbers only look like it.
package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"funai/amount"
	"funai/inference/api"
	"funai/key"
)

// person is one key with what it holds.
type person struct {
	name              string
	roles             []string
	ledger, inference string // addresses
	balance           api.Balance
}

// Network is the make-believe. Run moves it.
type Network struct {
	publish func(api.Event)
	every   time.Duration // between inference blocks; a ledger block comes every fourth

	Withdrawn atomic.Bool // its second model is not served

	mu       sync.Mutex
	rng      *rand.Rand
	people   []*person // you, miners, seats, nodes
	ledger   []api.LedgerBlock
	draws    []api.Election
	blocks   []api.InferenceBlock
	receipts []api.Receipt
	serial   int
}

const seats, nodes = 5, 6

// liar is the index among the nodes of the one that makes answers up.
const liar = 4

// New makes a network with some history. publish gets its events, one at a time.
func New(seed uint64, every time.Duration, now time.Time, publish func(api.Event)) *Network {
	n := &Network{publish: func(api.Event) {}, every: every, rng: rand.New(rand.NewPCG(seed, 1))}
	n.person("you")
	n.person("miner-1", "miner")
	n.person("miner-2", "miner")
	for i := range seats {
		p := n.person(fmt.Sprintf("seat-%d", i+1), "verifier")
		p.balance.Inference.Staked = amount.Amount(900-100*i) * amount.FAI
	}
	for i := range nodes {
		p := n.person(fmt.Sprintf("node-%d", i+1), "server", "producer")
		p.balance.Inference.Bonded = 20 * amount.FAI
	}
	n.person("node-8 <script>alert(1)</script>", "producer") // names are hostile too
	for i := range 60 {
		n.step(now.Add(time.Duration(i-60) * every))
	}
	n.publish = publish
	return n
}

func (n *Network) person(name string, roles ...string) *person {
	sum := sha256.Sum256([]byte(name))
	h := key.Hash160(sum[:20])
	p := &person{name: name, roles: roles, ledger: h.LedgerAddress("faid"), inference: h.InferenceAddress(26)}
	p.balance = api.Balance{Name: name, Own: name == "you", Roles: roles,
		Ledger:    api.LedgerBalance{Address: p.ledger, Confirmed: 1200 * amount.FAI},
		Inference: api.InferenceBalance{Address: p.inference, Confirmed: 45 * amount.FAI}}
	n.people = append(n.people, p)
	return p
}

func (n *Network) miner() *person       { return n.people[1+n.rng.IntN(2)] }
func (n *Network) seat(i int) *person   { return n.people[3+i] }
func (n *Network) node(i int) *person   { return n.people[3+seats+i] }
func (n *Network) hash(s string) string { return hashOf(fmt.Sprint(s, n.next())) }
func (n *Network) next() int            { n.serial++; return n.serial }

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Run moves the network until ctx ends.
func (n *Network) Run(ctx context.Context) {
	t := time.NewTicker(n.every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			n.mu.Lock()
			n.step(now)
			n.mu.Unlock()
		}
	}
}

func (n *Network) step(now time.Time) {
	if n.next()%4 == 0 || len(n.ledger) == 0 {
		n.mine(now)
	}
	n.assemble(now)
	if n.rng.IntN(3) == 0 {
		n.Open(n.people[1+n.rng.IntN(2)], n.rng.IntN(nodes), uint32(20+n.rng.IntN(60)), uint32(10+n.rng.IntN(200)), now)
	}
	for i := range n.receipts {
		n.judge(i, now)
	}
	if len(n.receipts) > 200 {
		n.receipts = n.receipts[100:]
	}
}

// mine adds a ledger block and holds its election.
func (n *Network) mine(now time.Time) {
	height, parent := uint32(len(n.ledger)+1), hashOf("genesis")
	if len(n.ledger) > 0 {
		parent = n.ledger[len(n.ledger)-1].Hash
	}
	m := n.miner()
	b := api.LedgerBlock{Height: height, Hash: "00000" + n.hash("ledger")[5:], Parent: parent, Time: now, Miner: m.ledger,
		Reward: 150_000_000, Fees: amount.Amount(n.rng.IntN(9000)), Size: 400 + n.rng.IntN(3000), Difficulty: 1.25, Operations: []api.Operation{}}
	m.balance.Ledger.Confirmed += b.Reward
	e := api.Election{LedgerHeight: height, LedgerHash: b.Hash, Time: now, S: n.hash("s"), Winner: -1, Candidates: []api.Candidate{}, Tenure: []api.BlockRef{}}
	var total amount.Amount
	for i := range nodes + 1 {
		if n.rng.IntN(10) < 3 {
			continue
		}
		paid := amount.Amount(1+n.rng.IntN(40)) * amount.FAI / 20
		op := api.Operation{Kind: api.OpCommit, TxID: n.hash("tx"), Actor: n.node(i).inference, Amount: paid, Late: n.rng.IntN(12) == 0}
		b.Operations = append(b.Operations, op)
		if !op.Late {
			e.Candidates = append(e.Candidates, api.Candidate{Address: op.Actor, TxID: op.TxID, Amount: paid, Weight: paid})
			total += paid
		}
	}
	if n.rng.IntN(8) == 0 {
		b.Operations = append(b.Operations, api.Operation{Kind: api.OpMint, TxID: n.hash("tx"), Actor: n.people[0].inference, Amount: 5 * amount.FAI})
	}
	b.Txs = 1 + len(b.Operations) + n.rng.IntN(4)
	draw := n.rng.Float64()
	for i := range e.Candidates {
		c := &e.Candidates[i]
		c.Odds = float64(c.Weight) / float64(total)
		if draw >= 0 && draw < c.Odds {
			e.Winner = i
		}
		draw -= c.Odds
	}
	if e.Winner >= 0 {
		n.find(e.Candidates[e.Winner].Address).balance.Inference.Immature += 350_000_000
	}
	n.ledger, n.draws = append(n.ledger, b), append(n.draws, e)
	n.publish(api.Event{Kind: api.KindLedgerBlock, Data: b})
	n.publish(api.Event{Kind: api.KindElection, Data: e})
	n.publish(api.Event{Kind: api.KindBalance, Data: m.balance})
}

// assemble adds an inference block to the tenure.
func (n *Network) assemble(now time.Time) {
	e := &n.draws[len(n.draws)-1]
	producer := n.node(0).inference
	if e.Winner >= 0 {
		producer = e.Candidates[e.Winner].Address
	} else if len(n.blocks) > 0 {
		producer = n.blocks[len(n.blocks)-1].Producer
	}
	b := api.InferenceBlock{Height: uint64(len(n.blocks) + 1), ID: n.hash("block"), Parent: hashOf("genesis"), Time: now, LedgerHeight: e.LedgerHeight,
		Producer: producer, StateRoot: n.hash("root"), Seats: seats, Size: 300 + n.rng.IntN(5000), Kinds: map[string]int{}}
	if len(n.blocks) > 0 {
		b.Parent = n.blocks[len(n.blocks)-1].ID
	}
	for _, kind := range []string{"transfer", "open", "receipt", "seal", "opening"} {
		if c := n.rng.IntN(4); c > 0 {
			b.Kinds[kind], b.Txs = c, b.Txs+c
		}
	}
	for i := range seats {
		if i < 4 || n.rng.IntN(3) > 0 {
			b.Signers = append(b.Signers, n.seat(i).inference)
		}
	}
	n.blocks = append(n.blocks, b)
	e.Tenure = append(e.Tenure, api.BlockRef{Height: b.Height, ID: b.ID})
	n.publish(api.Event{Kind: api.KindInferenceBlock, Data: b})
}

func (n *Network) place(now time.Time) *api.Place {
	b := n.blocks[len(n.blocks)-1]
	return &api.Place{Block: b.ID, Height: b.Height, LedgerHeight: b.LedgerHeight, Time: now}
}

// Open adds a question put to a node; it needs mu.
func (n *Network) Open(asker *person, server int, in, out uint32, now time.Time) *api.Receipt {
	fee := amount.Amount(in)*priceIn + amount.Amount(out)*priceOut
	r := api.Receipt{ID: n.hash("receipt"), Verdict: api.VerdictPending, Model: "tinyllama-1.1b-chat", Trust: "judge", Asker: asker.inference,
		Server: n.node(server).inference, TokensIn: in, TokensOut: out, Escrow: fee * 3 / 2, Fee: fee, Output: n.hash("output"), Votes: []api.Vote{}, Payouts: []api.Payout{}, Opened: n.place(now)}
	n.receipts = append(n.receipts, r)
	n.publish(api.Event{Kind: api.KindReceipt, Data: r})
	return &n.receipts[len(n.receipts)-1]
}

// judge moves one receipt on: packed, sealed by one seat after another, opened, settled.
func (n *Network) judge(i int, now time.Time) {
	r := &n.receipts[i]
	if r.Verdict != api.VerdictPending || n.rng.IntN(3) == 0 {
		return
	}
	kind := api.KindReceipt
	if r.Output == "" { // never answered
		r.Verdict, r.Settled = api.VerdictNone, n.place(now)
		r.Payouts = []api.Payout{{Role: api.PayRefund, Who: r.Asker, Amount: r.Escrow}}
		n.publish(api.Event{Kind: api.KindVerdict, Data: *r})
		return
	}
	switch last := len(r.Votes) - 1; {
	case r.Packed == nil:
		r.Packed, r.Producer = n.place(now), n.blocks[len(n.blocks)-1].Producer
		r.Votes = make([]api.Vote, seats)
		for s := range r.Votes {
			r.Votes[s] = api.Vote{Seat: s, Who: n.seat(s).inference, Vote: api.VotePending}
		}
	case r.Votes[last].Vote == api.VotePending:
		s := slices.IndexFunc(r.Votes, func(v api.Vote) bool { return v.Vote == api.VotePending })
		r.Votes = slices.Clone(r.Votes)
		r.Votes[s].Vote = api.VoteSealed
		if n.rng.IntN(2) == 0 && s < last {
			r.Votes[s+1].Vote = api.VoteSealed
		}
	default:
		kind = api.KindVerdict
		n.settle(r, now)
	}
	n.publish(api.Event{Kind: kind, Data: *r})
}

func (n *Network) settle(r *api.Receipt, now time.Time) {
	honest := r.Server != n.node(liar).inference
	r.Votes = slices.Clone(r.Votes)
	for s := range r.Votes {
		switch r.Votes[s].Vote = api.VoteValid; {
		case n.rng.IntN(14) == 0:
			r.Votes[s].Vote = api.VoteMissed
		case !honest:
			r.Votes[s].Vote = api.VoteInvalid
		case n.rng.IntN(16) == 0:
			r.Votes[s].Vote = api.VoteAbstain
		}
	}
	r.Settled = n.place(now)
	server, asker := n.find(r.Server), n.find(r.Asker)
	if !honest {
		r.Verdict = api.VerdictInvalid
		r.Payouts = []api.Payout{{Role: api.PayRefund, Who: r.Asker, Amount: r.Escrow}, {Role: api.PayFine, Who: r.Server, Amount: r.Fee}}
		server.balance.Inference.Bonded -= r.Fee
	} else {
		r.Verdict = api.VerdictValid
		share := r.Fee / 100
		r.Payouts = []api.Payout{{Role: api.PayServer, Who: r.Server, Amount: r.Fee - 20*share}, {Role: api.PayProducer, Who: r.Producer, Amount: 10 * share}}
		for _, v := range r.Votes {
			if v.Vote != api.VoteMissed {
				r.Payouts = append(r.Payouts, api.Payout{Role: api.PaySeat, Who: v.Who, Amount: share})
				n.find(v.Who).balance.Inference.Confirmed += share
			}
		}
		r.Payouts = append(r.Payouts, api.Payout{Role: api.PayBurn, Amount: 5 * share}, api.Payout{Role: api.PayRefund, Who: r.Asker, Amount: r.Escrow - r.Fee})
		server.balance.Inference.Confirmed += r.Fee - 20*share
		asker.balance.Inference.Confirmed -= r.Fee
	}
	n.publish(api.Event{Kind: api.KindBalance, Data: asker.balance})
	n.publish(api.Event{Kind: api.KindBalance, Data: server.balance})
}

func (n *Network) find(address string) *person {
	i := slices.IndexFunc(n.people, func(p *person) bool { return p.inference == address })
	return n.people[i]
}
