package pool

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"funai/amount"
	"funai/inference/execution"
	"funai/inference/tx"
	"funai/key"
)

func ids(ts []*tx.Tx) (out []tx.ID) {
	for _, t := range ts {
		out = append(out, t.ID())
	}
	return out
}

// follow lets the pool take in what the chain did.
func follow(t *testing.T, p *Pool) {
	t.Helper()
	if err := p.catchUp(); err != nil {
		t.Fatal(err)
	}
}

func mustAdd(t *testing.T, p *Pool, ts ...*tx.Tx) {
	t.Helper()
	for _, x := range ts {
		if err := p.Add(x); err != nil {
			t.Fatalf("%T: %v", x.Payload, err)
		}
	}
}

func TestNoncesAreTakenOnceAndNotFarAhead(t *testing.T) {
	c, k := newChain(t), keyOf(t, 1)
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	first := c.sign(k, 1, &tx.Transfer{})
	mustAdd(t, p, first)
	for _, x := range []struct {
		what string
		t    *tx.Tx
		want error
	}{
		{"the same again", first, ErrKnown},
		{"another with the nonce", c.sign(k, 1, &tx.Transfer{Amount: 1}), ErrReplaces},
		{"too far ahead", c.sign(k, maxGap+1, &tx.Transfer{}), execution.ErrNonceHigh},
		{"as far as may be", c.sign(k, maxGap, &tx.Transfer{}), nil},
	} {
		if err := p.Add(x.t); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", x.what, err)
		}
	}
	me := k.Public().Hash160()
	if n, err := p.NextNonce(me); err != nil || n != 0 {
		t.Errorf("next nonce is %d, %v", n, err)
	}
	mustAdd(t, p, c.sign(k, 0, &tx.Transfer{}))
	if n, err := p.NextNonce(me); err != nil || n != 2 {
		t.Errorf("next nonce is %d, %v", n, err)
	}
	if got, want := p.Pending(me), 3*c.params.MinFee; got != want {
		t.Errorf("%v pending, not %v", got, want)
	}
	c.add(2, c.sign(k, 0, &tx.Transfer{Amount: 7}), first) // the nonce is spent by another transaction
	follow(t, p)
	if n, err := p.NextNonce(me); err != nil || n != 2 || p.Len() != 1 {
		t.Errorf("next nonce is %d, %v; %d wait", n, err, p.Len())
	}
	if err := p.Add(first); !errors.Is(err, execution.ErrNonceLow) {
		t.Errorf("packed before: %v", err)
	}
}

func TestWhatCanNotBePackedIsRefused(t *testing.T) {
	c, k, poor := newChain(t), keyOf(t, 1), keyOf(t, 2)
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	other := c.sign(k, 0, &tx.Transfer{})
	other.ChainID = tx.ChainIDMain
	other.Sign(k)
	forged := c.sign(k, 0, &tx.Transfer{})
	forged.Sign(poor)
	forged.Signer = k.Public().Hash160()
	cheap := c.sign(k, 0, &tx.Transfer{})
	cheap.Fee--
	cheap.Sign(k)
	open := func(change func(*tx.Open)) *tx.Tx {
		o := &tx.Open{Expiry: 5, GasLimit: 1000, GasPrice: 100, MaxTokens: 10}
		change(o)
		return c.sign(k, 0, o)
	}
	for _, x := range []struct {
		what string
		t    *tx.Tx
		want error
	}{
		{"another chain", other, execution.ErrChain},
		{"another's signature", forged, key.ErrSignature},
		{"a fee too low", cheap, execution.ErrFee},
		{"no balance", c.sign(poor, 0, &tx.Transfer{}), execution.ErrFunds},
		{"more than the balance", c.sign(k, 0, &tx.Transfer{Amount: amount.FAI}), execution.ErrFunds},
		{"more than there is", c.sign(k, 0, &tx.Transfer{Amount: ^amount.Amount(0)}), execution.ErrFunds},
		{"a lock of more than the balance", c.sign(k, 0, &tx.Lock{Kind: tx.LockBond, Amount: amount.FAI}), execution.ErrFunds},
		{"an opening for nothing", open(func(o *tx.Open) { o.GasPrice = 0 }), execution.ErrGas},
		{"an opening beyond the balance", open(func(o *tx.Open) { o.GasPrice = execution.MaxGasPrice }), execution.ErrFunds},
		{"an opening that expired", open(func(o *tx.Open) { o.Expiry = 1 }), execution.ErrExpiry},
		{"an opening for too long", open(func(o *tx.Open) { o.Expiry = 1 + c.params.MaxExpiry + slack + 1 }), execution.ErrExpiry},
		{"a field out of range", c.sign(k, 0, &tx.Lock{Kind: 9}), tx.ErrMalformed},
		{"a conflict of nothing", c.sign(k, 0, &tx.Conflict{}), execution.ErrConflict},
	} {
		if err := p.Add(x.t); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, not %v", x.what, err, x.want)
		}
	}
	if err := p.Receive([]byte{1, 2, 3}); !errors.Is(err, tx.ErrMalformed) {
		t.Errorf("nonsense: %v", err)
	}
	if p.Len() != 0 {
		t.Errorf("%d wait", p.Len())
	}
}

func TestABalanceIsSpokenForOnce(t *testing.T) {
	c, k := newChain(t), keyOf(t, 1)
	c.mint(3*amount.FAI, k)
	p := New(c, &wire{})
	mustAdd(t, p, c.sign(k, 0, &tx.Transfer{Amount: amount.FAI}), c.sign(k, 1, &tx.Transfer{Amount: amount.FAI}))
	if err := p.Add(c.sign(k, 2, &tx.Transfer{Amount: amount.FAI})); !errors.Is(err, execution.ErrFunds) {
		t.Errorf("a third: %v", err)
	}
	mustAdd(t, p, c.sign(k, 2, &tx.Transfer{Amount: amount.FAI - 3*c.params.MinFee}))
}

func TestSubmitPublishesWhatIsGood(t *testing.T) {
	c, k, w := newChain(t), keyOf(t, 1), &wire{}
	c.mint(amount.FAI, k)
	p := New(c, w)
	good := c.sign(k, 0, &tx.Transfer{})
	for range 2 { // a second time does no harm
		if err := p.Submit(t.Context(), good); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Submit(t.Context(), c.sign(k, 0, &tx.Transfer{Amount: 1})); !errors.Is(err, ErrReplaces) {
		t.Error(err)
	}
	if len(w.sent) != 2 || !slices.Equal(w.sent[0], good.Encode()) {
		t.Errorf("%d sent", len(w.sent))
	}
	q := New(c, w)
	if err := q.Receive(w.sent[0]); err != nil {
		t.Error(err)
	}
	if got, ok := q.Get(good.ID()); !ok || got.ID() != good.ID() {
		t.Error("received and not there")
	}
}

func TestSinceGivesEachOnceInOrder(t *testing.T) {
	c, k := newChain(t), keyOf(t, 1)
	c.trusting = true
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	var want []tx.ID
	seq := uint64(0)
	for n := range uint64(30) {
		x := c.sign(k, n, &tx.Transfer{})
		want = append(want, x.ID())
		moved := p.Changed()
		mustAdd(t, p, x)
		select {
		case <-moved:
		default:
			t.Fatal("nobody was told")
		}
		if n%3 == 0 {
			got, next := p.Since(seq)
			if !slices.Equal(ids(got), want) {
				t.Fatalf("%d since %d, not %d", len(got), seq, len(want))
			}
			seq, want = next, nil
		}
	}
	if got, _ := p.Since(0); len(got) != 30 {
		t.Errorf("%d in all", len(got))
	}
}

func TestThePoolHasBounds(t *testing.T) {
	c := newChain(t)
	c.trusting = true
	c.seats(5)
	const each = maxGap + 1
	var ks []*key.Private
	for n := range uint64(maxAsked/each + 1) {
		ks = append(ks, keyOf(t, 1000+n))
	}
	c.mint(amount.FAI, ks...)
	p := New(c, &wire{})
	n := 0
	for _, k := range ks {
		for nonce := range uint64(each) {
			err := p.Add(c.sign(k, nonce, &tx.Transfer{}))
			if n < maxAsked && err != nil || n >= maxAsked && !errors.Is(err, ErrFull) {
				t.Fatalf("transaction %d: %v", n, err)
			}
			n++
		}
	}
	// Whatever accounts ask, the seats' words find room.
	seat := keyOf(t, 200)
	for i := range maxOfSigner {
		mustAdd(t, p, c.sign(seat, 0, &tx.Seal{Block: [32]byte{byte(i), byte(i >> 8)}}))
	}
	if err := p.Add(c.sign(seat, 0, &tx.Seal{Block: [32]byte{0xff, 0xff}})); !errors.Is(err, ErrFull) {
		t.Errorf("one more than a signer may have: %v", err)
	}
	mustAdd(t, p, c.sign(keyOf(t, 201), 0, &tx.Seal{}))
	if p.Len() != maxAsked+maxOfSigner+1 {
		t.Errorf("%d wait", p.Len())
	}
	// All of it ages away, and leaves nothing behind.
	c.add(c.at().Tenure.Height + lifetime + 1)
	follow(t, p)
	if p.Len() != 0 || p.bytes != 0 || p.asked != 0 || p.askBytes != 0 || len(p.signers) != 0 || len(p.log) > 64 {
		t.Errorf("left are %d, %d bytes, %d asked with %d bytes, %d signers, a log of %d", p.Len(), p.bytes, p.asked, p.askBytes, len(p.signers), len(p.log))
	}
}

func TestBytesAreBoundedToo(t *testing.T) {
	c := newChain(t)
	c.trusting = true
	c.seats(5)
	var all []tx.ID
	for i := range tx.MaxHeld {
		all = append(all, tx.ID{byte(i), 1})
	}
	p := New(c, &wire{})
	size := len(c.sign(keyOf(t, 200), 0, &tx.Held{Receipts: all}).Encode())
	p.bytes = maxBytes - 2*size // as if others were there
	for i := range 3 {
		all[0][31] = byte(i)
		err := p.Add(c.sign(keyOf(t, 200), 0, &tx.Held{Receipts: slices.Clone(all)}))
		if want := i == 2; errors.Is(err, ErrFull) != want {
			t.Errorf("transaction %d of %d bytes: %v", i, size, err)
		}
	}
}

func TestTheChainsBlocksAndReorganizationsAreFollowed(t *testing.T) {
	c, k := newChain(t), keyOf(t, 1)
	c.mint(amount.FAI, k)
	p := New(c, &wire{})
	fork := c.tip
	a, b, d := c.sign(k, 0, &tx.Transfer{}), c.sign(k, 1, &tx.Transfer{}), c.sign(k, 2, &tx.Transfer{})
	mustAdd(t, p, a, b, d)
	c.add(2, a)
	c.add(3, b)
	follow(t, p)
	if got, _ := p.Since(0); !slices.Equal(ids(got), ids([]*tx.Tx{d})) {
		t.Fatalf("%d wait, one was not packed", len(got))
	}
	// Another branch has packed only the first.
	x := c.on(fork, 2, nil, a)
	c.move(c.on(c.on(x, 3, nil), 4, nil))
	follow(t, p)
	if _, ok := p.Get(b.ID()); !ok || p.Len() != 2 {
		t.Fatalf("after the reorganization %d wait, the undone one is there: %v", p.Len(), ok)
	}
	c.add(5, b, d)
	follow(t, p)
	if p.Len() != 0 || p.at != c.Tip() {
		t.Errorf("%d wait at %v, the tip is %v", p.Len(), p.at, c.Tip())
	}
}

func TestRunFollowsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, k := newChain(t), keyOf(t, 1)
		c.mint(amount.FAI, k)
		p := New(c, &wire{})
		x := c.sign(k, 0, &tx.Transfer{})
		mustAdd(t, p, x)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		synctest.Wait()
		c.add(2, x)
		synctest.Wait()
		if p.Len() != 0 {
			t.Errorf("%d wait", p.Len())
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestWhatLostItsChanceIsDropped(t *testing.T) {
	c, k, server, poor := newChain(t), keyOf(t, 1), keyOf(t, 2), keyOf(t, 3)
	c.mint(amount.FAI, k, server, poor)
	p := New(c, &wire{})
	short := c.sign(k, 0, &tx.Open{Server: server.Public().Hash160(), Expiry: 5, GasLimit: 1000, GasPrice: 100, MaxTokens: 100})
	broke := c.sign(poor, 1, &tx.Transfer{Amount: amount.FAI / 2})
	mustAdd(t, p, short, broke)
	c.add(4, c.sign(poor, 0, &tx.Transfer{Amount: amount.FAI * 3 / 4}))
	follow(t, p)
	if _, ok := p.Get(short.ID()); !ok {
		t.Error("an opening was dropped before its expiry")
	}
	c.add(5)
	follow(t, p)
	if _, ok := p.Get(short.ID()); ok {
		t.Error("an opening waits after its expiry")
	}
	for h := uint32(5); h <= 4+maxPoor; h++ {
		if _, ok := p.Get(broke.ID()); !ok {
			t.Fatalf("at %d it was not given time to be covered again", h)
		}
		c.add(h)
		follow(t, p)
	}
	if p.Len() != 0 {
		t.Error("what the balance does not cover any more waits")
	}
}

func TestOwnTransactionsArePublishedAgainUntilTheyArePacked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, k, other, w := newChain(t), keyOf(t, 1), keyOf(t, 2), &wire{}
		c.mint(amount.FAI, k, other)
		p := New(c, w)
		x := c.sign(k, 0, &tx.Transfer{})
		if err := p.Submit(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		mustAdd(t, p, c.sign(other, 0, &tx.Transfer{})) // another's
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(2*resendEvery + time.Second)
		c.add(2, x)
		time.Sleep(2 * resendEvery)
		cancel()
		<-done
		if len(w.sent) != 3 || !slices.Equal(w.sent[2], x.Encode()) {
			t.Errorf("sent %d times", len(w.sent))
		}
	})
}
