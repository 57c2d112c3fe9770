package peer

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/mempool"
	"funai/ledger/miner"
	"funai/ledger/peer/peertest"
	"funai/ledger/wallet"
)

// TestANetworkLivesForADayInAMoment runs five nodes on a fake clock: mining, payments, cuts and reorgs.
func TestANetworkLivesForADayInAMoment(t *testing.T) {
	const nodes = 5
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		web := peertest.New()
		addr := func(i int) string { return fmt.Sprintf("10.0.0.%d:8333", i+1) }
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var cs []*chain.Chain
		var ps []*mempool.Pool
		var ks []*key.Private
		var mined []chan error
		for i := range nodes {
			c, k := chaintest.New(t), chaintest.Key(t, byte(i+1))
			p := mempool.New(c, mempool.Config{})
			l, err := web.Listen(addr(i))
			if err != nil {
				t.Fatal(err)
			}
			s := New(Config{Chain: c, Pool: p, Listeners: []net.Listener{l}, Dial: web.Dialer(addr(i)),
				Peers: []string{addr((i + 1) % nodes), addr((i + 2) % nodes)}})
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				p.Close()
			}()
			// Primes, so that no two find a block at once for long.
			every := []time.Duration{97, 101, 103, 107, 109}[i] * time.Second
			m := &miner.Miner{Chain: c, Pool: p, PayTo: chaintest.Script(k), Interval: func() time.Duration { return every }}
			done := make(chan error, 1)
			go func() { done <- m.Run(ctx) }()
			cs, ps, ks, mined = append(cs, c), append(ps, p), append(ks, k), append(mined, done)
		}
		time.Sleep(6 * time.Hour)
		for i := range nodes {
			for j := range nodes {
				if i < 2 != (j < 2) {
					web.Cut(addr(i), addr(j))
				}
			}
		}
		time.Sleep(3 * time.Hour)
		if cs[0].Tip() == cs[4].Tip() {
			t.Error("the network was not cut")
		}
		for i := range nodes {
			for j := range nodes {
				web.Heal(addr(i), addr(j))
			}
		}
		time.Sleep(3 * time.Hour)
		from := wallet.Open(ks[0], cs[0], ps[0], wallet.Options{})
		to := wallet.Open(chaintest.Key(t, 99), cs[3], ps[3], wallet.Options{})
		if _, err := from.Send(ctx, []*wire.TxOut{wire.NewTxOut(int64(amount.FAI), to.Script())}, 0); err != nil {
			t.Error(err, from.Balance())
		}
		time.Sleep(12 * time.Hour)
		cancel()
		for _, done := range mined {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		for i, c := range cs {
			if c.Tip() != cs[0].Tip() {
				t.Errorf("node %d is at %v, node 0 at %v", i, c.Tip(), cs[0].Tip())
			}
		}
		if b := to.Balance(); b.Confirmed != amount.FAI {
			t.Errorf("payee has %+v", b)
		}
		if h := cs[0].Tip().Height; h < 24*3600/110 {
			t.Errorf("only %d blocks", h)
		}
	})
	t.Log("took", time.Since(began))
}
