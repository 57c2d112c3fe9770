package pool

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"funai/amount"
	"funai/inference/tx"
	"funai/key"
)

// check compares the pool's counts with what it holds.
func check(t interface{ Fatalf(string, ...any) }, p *Pool) {
	bytes, asked, askBytes := 0, 0, 0
	signers, receipts := map[key.Hash160]signer{}, map[answer]int{}
	for id, e := range p.byID {
		if e.gone || e.id != id {
			t.Fatalf("%v is kept as %v, gone %v", e.id, id, e.gone)
		}
		bytes += e.size
		s := signers[e.t.Signer]
		s.count++
		if !e.t.Nonceless() {
			asked, askBytes, s.cost = asked+1, askBytes+e.size, s.cost+e.cost
			if p.signers[e.t.Signer].nonces[e.t.Nonce] != e {
				t.Fatalf("nonce %d of %v is another's", e.t.Nonce, e.t.Signer)
			}
		}
		signers[e.t.Signer] = s
		if r, ok := e.t.Payload.(*tx.Receipt); ok {
			receipts[answer{r.Task, e.t.Signer}]++
		}
	}
	if bytes != p.bytes || asked != p.asked || askBytes != p.askBytes || len(signers) != len(p.signers) || !maps.Equal(receipts, p.receipts) {
		t.Fatalf("counted %d bytes, %d asked, %d of their bytes, %d signers, receipts %v; kept are %d, %d, %d, %d, %v",
			bytes, asked, askBytes, len(signers), receipts, p.bytes, p.asked, p.askBytes, len(p.signers), p.receipts)
	}
	for h, s := range signers {
		if got := p.signers[h]; got.count != s.count || got.cost != s.cost {
			t.Fatalf("%v has %d for %v, kept are %d for %v", h, s.count, s.cost, got.count, got.cost)
		}
	}
	for i := 1; i < len(p.log); i++ {
		if p.log[i-1].seq >= p.log[i].seq {
			t.Fatalf("the log is out of order")
		}
	}
}

// Whatever comes and goes, and however the chain moves, the pool's counts are right and what it fills a draft with is valid.
func TestAnyHistoryLeavesThePoolConsistent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newChain(t)
		c.trusting = true
		c.seats(3)
		ks := []*key.Private{keyOf(t, 1), keyOf(t, 2), keyOf(t, 3)}
		c.mint(amount.FAI, ks...)
		server := keyOf(t, 9)
		c.mint(amount.FAI, server)
		c.add(c.at().Tenure.Height, c.sign(server, 0, &tx.Lock{Kind: tx.LockBond, Amount: amount.FAI / 2}))
		p := New(c, &wire{})
		root := c.at()
		var opens, rs []*tx.Tx
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			k := rapid.SampledFrom(ks).Draw(rt, "key")
			nonce, err := p.NextNonce(k.Public().Hash160())
			if err != nil {
				rt.Fatal(err)
			}
			nonce += rapid.Uint64Range(0, 1).Draw(rt, "gap")
			switch rapid.IntRange(0, 7).Draw(rt, "step") {
			case 0, 1:
				_ = p.Add(c.sign(k, nonce, &tx.Transfer{Amount: amount.Amount(rapid.Uint64Range(0, uint64(amount.FAI)).Draw(rt, "amount"))}))
			case 2, 3:
				o := c.ask(k, nonce, server.Public().Hash160())
				opens = append(opens, o)
				_ = p.Add(o)
			case 4:
				if len(opens) > 0 {
					r := c.answer(server, rapid.SampledFrom(opens).Draw(rt, "task"))
					rs = append(rs, r)
					_ = p.Add(r)
				}
			case 5:
				if len(rs) > 0 {
					_ = p.Add(c.held(rapid.Uint64Range(0, 2).Draw(rt, "seat"), rapid.SampledFrom(rs).Draw(rt, "receipt"), rs[len(rs)-1]))
				}
			case 6: // a block of what waits
				ledger := c.at().Tenure.Height + rapid.SampledFrom([]uint32{0, 0, 0, 1, 21}).Draw(rt, "ledger")
				d := c.draft(ledger, rapid.IntRange(0, 20).Draw(rt, "room"))
				p.Fill(d, c.set)
				c.add(ledger, d.txs...)
				follow(t, p)
			case 7: // a reorganization to an older block, and others on it
				b := c.at()
				for range rapid.IntRange(0, 3).Draw(rt, "depth") {
					if b != root {
						b = b.parent
					}
				}
				c.move(c.on(b, b.Tenure.Height+1, nil))
				follow(t, p)
			}
			check(rt, p)
		}
	})
}
