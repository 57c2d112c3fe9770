package blocksync

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/codec"
	"funai/key"
	"funai/p2p"
	"funai/p2p/p2ptest"
)

func newNet(t *testing.T) *p2ptest.Net {
	n := p2ptest.New(1)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestALaggingNodeCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chaintest.New(t, 2)
		w.Seated(4) // through the end of a cycle, which needs its blocks
		w.Tenures(25)
		n, late := newNet(t), w.Another()
		n.SetFaults(p2ptest.Faults{MinDelay: time.Millisecond, MaxDelay: 20 * time.Millisecond, Break: 0.01})
		New(w.Chain, hostOf(t, n, 0), quiet)
		running(t, late, hostOf(t, n, 1))
		within(t, time.Minute, late, w)
		if err := late.Chain.Audit(); err != nil || late.Root() != w.Root() {
			t.Error("another state: ", err)
		}
		// From then on it hears of news when it asks, or is told to.
		w.Tenures(1)
		within(t, every+time.Second, late, w)
	})
}

func TestItAsksAtOnceWhenToldThatItIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chaintest.New(t, 1)
		n, late := newNet(t), w.Another()
		New(w.Chain, hostOf(t, n, 0), quiet)
		s := running(t, late, hostOf(t, n, 1))
		time.Sleep(time.Second)
		w.Tenures(3)
		synctest.Wait()
		s.Behind()
		s.Behind()
		if took := within(t, time.Minute, late, w); took > 4*atMost {
			t.Errorf("after %v", took)
		}
	})
}

func TestAChainLongerThanAnAnswerComesInSeveral(t *testing.T) {
	if testing.Short() {
		t.Skip("many blocks")
	}
	synctest.Test(t, func(t *testing.T) {
		w := chaintest.New(t, 1)
		w.Clock = w.Clock.Add(-time.Hour)
		w.Tenures(1)
		for w.Chain.Tip().Height < maxBlocks+50 {
			w.Extend()
		}
		n, late := newNet(t), w.Another()
		New(w.Chain, hostOf(t, n, 0), quiet)
		running(t, late, hostOf(t, n, 1))
		if took := within(t, time.Minute, late, w); took > 2*every {
			t.Errorf("after %v", took)
		}
	})
}

func TestANodeOnAForkComesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chaintest.New(t, 1)
		w.Tenures(30)
		n, late := newNet(t), w.Another()
		w.CatchUp(late.Chain)
		late.Extend()
		late.Extend() // of the same tenure
		for range 5 {
			w.Tenures(1) // each on a block of w's
		}
		New(w.Chain, hostOf(t, n, 0), quiet)
		running(t, late, hostOf(t, n, 1))
		within(t, 2*every, late, w)
	})
}

// At a cycle's end the ledger can't be followed without the blocks that fix the next group, wherever those stand.
func TestWhatTheElectionWaitsForIsAskedOfEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chaintest.New(t, 1)
		w.TenuresUntil(w.Params.Sortition.CycleLength - w.Params.Sortition.PrepareLength - 1)
		n, late, other := newNet(t), w.Another(), w.Another()
		w.CatchUp(late.Chain)
		w.CatchUp(other.Chain)
		w.Tenures(6)
		running(t, late, hostOf(t, n, 0))
		running(t, other, hostOf(t, n, 1))
		time.Sleep(time.Minute)
		synctest.Wait()
		if !late.Chain.Waits() || !other.Chain.Waits() {
			t.Fatal("they go on without what nobody has")
		}
		New(w.Chain, hostOf(t, n, 2), quiet)
		within(t, every+time.Second, late, w)
		within(t, every+time.Second, other, w)
	})
}

func TestWantedBlocksComeFirst(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Tenures(9)
	ids := blocksOf(t, answers(w, 1, 9))
	s := New(w.Chain, &peers{}, quiet)
	for _, c := range []struct {
		name string
		q    request
		want []block.ID
	}{
		{"nothing known", request{}, ids},
		{"only the genesis known", request{Locator: []block.ID{block.GenesisID(w.Params.ChainID)}}, ids},
		{"something of another chain", request{Locator: []block.ID{{1}, ids[5], ids[2]}}, ids[6:]},
		{"all known", request{Locator: ids[8:]}, nil},
		{"one wanted", request{Locator: ids[6:7], Want: ids[1:2]}, []block.ID{ids[1], ids[7], ids[8]}},
		{"some wanted that are not there", request{Locator: ids[7:8], Want: []block.ID{{1}, ids[4], {2}, ids[0]}}, []block.ID{ids[4], ids[0], ids[8]}},
		{"too many wanted", request{Locator: ids[8:], Want: slices.Repeat(ids[:1], maxWant+5)}, slices.Repeat(ids[:1], maxWant)},
	} {
		st := &tape{in: [][]byte{codec.Encode(c.q)}}
		if err := s.answer(st); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := blocksOf(t, st.out); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestWhoAsksNonsenseGetsNothing(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Tenures(1)
	s := New(w.Chain, &peers{}, quiet)
	for _, in := range [][][]byte{nil, {{}}, {{0xff}}, {codec.Encode(answer{})}, {make([]byte, maxRequest+1)},
		{codec.Encode(request{Locator: make([]block.ID, 2*maxLocator)})}} {
		st := &tape{in: in}
		s.serve(t.Context(), key.Public{}, st)
		if len(st.out) != 0 || !st.reset {
			t.Errorf("%d frames are answered with %d", len(in), len(st.out))
		}
	}
}

func TestAnswersAtOnceAreBounded(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Tenures(1)
	s := New(w.Chain, &peers{}, quiet)
	for range maxAnswers {
		s.slots <- struct{}{} // as many are under way
	}
	st := &tape{in: [][]byte{codec.Encode(request{})}}
	if err := s.answer(st); err == nil || len(st.out) != 0 {
		t.Errorf("one more is given: %v", err)
	}
	<-s.slots
	for range 2 {
		if err := s.answer(&tape{in: [][]byte{codec.Encode(request{})}}); err != nil {
			t.Errorf("the next one: %v", err)
		}
	}
}

func TestALocatorIsShortAndReachesBackToTheGenesis(t *testing.T) {
	w := chaintest.New(t, 1)
	s := New(w.Chain, &peers{}, quiet)
	for range 60 {
		ids, err := s.locator()
		if err != nil {
			t.Fatal(err)
		}
		if ids[0] != w.Chain.Tip().ID || ids[len(ids)-1] != block.GenesisID(w.Params.ChainID) || len(ids) > maxLocator+1 {
			t.Fatalf("at %d: %d blocks, from %v to %v", w.Chain.Tip().Height, len(ids), ids[0], ids[len(ids)-1])
		}
		for i := range min(10, int(w.Chain.Tip().Height)) {
			if at, err := w.Chain.InfoAt(w.Chain.Tip().Height - uint64(i)); err != nil || at.ID != ids[i] {
				t.Fatalf("block %d back is not there, %v", i, err)
			}
		}
		w.Tenures(1)
	}
	if n := len(codec.Encode(request{Locator: make([]block.ID, maxLocator+1), Want: make([]block.ID, maxWant)})); n > maxRequest {
		t.Errorf("the longest question takes %d bytes, %d at most", n, maxRequest)
	}
}

// lies are what a dishonest peer may answer. Each leaves the asker where it was, or further on its right chain.
func lies(w *chaintest.World) map[string]*tape {
	good := answers(w, 1, w.Chain.Tip().Height)
	tip, cert := w.At(w.Chain.Tip().Height)
	changed := func(change func(*block.Header, *block.Certificate)) []byte {
		b, c := *tip, cert
		c.Votes = slices.Clone(c.Votes)
		change(&b.Header, &c)
		b.Header.Sign(w.Of(w.Latest()).Key)
		return encoded(&b, c)
	}
	upTo, backwards := good[:len(good)-1], slices.Clone(good)
	slices.Reverse(backwards)
	tapes := map[string]*tape{
		"nothing":            {},
		"garbage":            {in: [][]byte{{1, 2, 3}}},
		"an empty frame":     {in: [][]byte{{}}},
		"no block":           {in: [][]byte{codec.Encode(answer{Block: []byte{1}})}},
		"too long a frame":   {in: [][]byte{make([]byte, maxFrame+1)}},
		"one block for ever": {more: func(int) []byte { return good[0] }},
		"garbage for ever":   {more: func(int) []byte { return []byte{1} }},
		"the last ones only": {in: good[len(good)-1:]},
		"backwards":          {in: backwards},
	}
	for name, change := range map[string]func(*block.Header, *block.Certificate){
		"a block of the future":     func(h *block.Header, _ *block.Certificate) { h.Time = uint64(time.Now().Add(time.Hour).UnixMilli()) },
		"a block of no time at all": func(h *block.Header, _ *block.Certificate) { h.Time = 1<<64 - 1 },
		"no certificate":            func(_ *block.Header, c *block.Certificate) { *c = block.Certificate{} },
		"a forged certificate":      func(_ *block.Header, c *block.Certificate) { c.Votes[0].Signature[40]++ },
		"a smaller certificate":     func(_ *block.Header, c *block.Certificate) { c.Votes = c.Votes[:2] },
		"another state":             func(h *block.Header, _ *block.Certificate) { h.StateRoot[0]++ },
	} {
		tapes[name] = &tape{in: append(slices.Clone(upTo), changed(change))}
	}
	return tapes
}

func TestADishonestPeerHarmsNothing(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Seated(4)
	w.Tenures(2)
	for name, st := range lies(w) {
		late := w.Another()
		if err := late.Chain.Sync(); err != nil && !errors.Is(err, chain.ErrWaiting) {
			t.Fatal(err)
		}
		s := New(late.Chain, &peers{st}, quiet)
		_ = s.ask(t.Context(), key.Public{})
		if st.read > maxBlocks+1 {
			t.Errorf("%s: it reads %d frames", name, st.read)
		}
		tip := late.Chain.Tip()
		if main, err := w.Chain.InfoAt(tip.Height); err != nil || main.ID != tip.ID || tip == w.Chain.Tip() {
			t.Errorf("%s: the tip is %+v, %v", name, tip, err)
		}
		if err := late.Chain.Audit(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		w.CatchUp(late.Chain)
		if late.Chain.Tip() != w.Chain.Tip() || late.Root() != w.Root() {
			t.Errorf("%s: an honest peer can't help afterwards", name)
		}
	}
}

func TestABlockOfTheFutureIsNotTakenInHoweverValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chaintest.New(t, 1)
		w.Tenures(3)
		late := w.Another()
		w.CatchUp(late.Chain)
		before := late.Chain.Tip()
		w.Clock = time.Now().Add(w.Params.MaxAhead + time.Second)
		w.Tenures(1)
		late.Sync()
		ask := func() error {
			return New(late.Chain, &peers{&tape{in: answers(w, 4, 4)}}, quiet).ask(t.Context(), key.Public{})
		}
		if err := ask(); err == nil || late.Chain.Tip() != before {
			t.Errorf("the tip is %+v, %v", late.Chain.Tip(), err)
		}
		time.Sleep(time.Second)
		if err := ask(); err != nil || late.Chain.Tip() != w.Chain.Tip() {
			t.Errorf("in its time the tip is %+v, %v", late.Chain.Tip(), err)
		}
	})
}

// Peers that lie, hang up or say nothing cost the time that a question takes, and no more.
func TestAmongDishonestPeersAnHonestOneIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chaintest.New(t, 1)
		w.Seated(4)
		w.Tenures(2)
		n, late := newNet(t), w.Another()
		i := uint64(0)
		for _, st := range lies(w) {
			i++
			hostOf(t, n, i).Handle(Protocol, func(_ context.Context, _ key.Public, s p2p.Stream) {
				if _, err := s.ReadMsg(maxRequest); err != nil {
					return
				}
				answer := *st
				for range 2 * maxBlocks { // nobody tells an endless one that nobody listens any more
					raw, err := answer.ReadMsg(1 << 30)
					if err != nil || s.WriteMsg(raw) != nil {
						break
					}
				}
				_ = s.Close()
			})
		}
		hostOf(t, n, 100).Handle(Protocol, func(ctx context.Context, _ key.Public, _ p2p.Stream) { <-ctx.Done() }) // says nothing
		hostOf(t, n, 101).Handle(Protocol, func(_ context.Context, _ key.Public, s p2p.Stream) { s.Reset() })
		New(w.Chain, hostOf(t, n, 102), quiet)
		running(t, late, hostOf(t, n, 103))
		peers := time.Duration(i + 3)
		within(t, 3*(timeout+peers*(every+atMost)), late, w)
		if err := late.Chain.Audit(); err != nil || late.Root() != w.Root() {
			t.Error("another state: ", err)
		}
	})
}

// FuzzAsk hands a node what a peer may answer. Fuzz it with -fuzzminimizetime 1x: the database works in goroutines of its
// own, so no run covers what another does.
func FuzzAsk(f *testing.F) {
	w := chaintest.New(f, 1)
	w.Clock = time.Unix(1_700_000_000, 0) // the same blocks in every process
	w.Seated(1)
	for _, raw := range answers(w, 1, 2) {
		f.Add(raw)
	}
	f.Add([]byte{0x82, 0x40, 0x83, 0, 0, 0x80})
	late := w.Another()
	if err := late.Chain.Sync(); err == nil {
		f.Fatal("it waits for no block")
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := New(late.Chain, &peers{&tape{in: [][]byte{raw}}}, quiet)
		_ = s.ask(t.Context(), key.Public{})
		tip := late.Chain.Tip()
		if main, err := w.Chain.InfoAt(tip.Height); err != nil || main.ID != tip.ID {
			t.Fatalf("the tip is %+v, %v", tip, err)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	w := chaintest.New(f, 1)
	w.Tenures(3)
	s := New(w.Chain, &peers{}, quiet)
	f.Add(codec.Encode(request{}))
	f.Add(codec.Encode(request{Locator: []block.ID{w.Chain.Tip().ID}, Want: []block.ID{{1}, w.Chain.Tip().ID}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		st := &tape{in: [][]byte{raw}}
		if err := s.answer(st); err != nil && len(st.out) > 0 {
			t.Fatalf("%d blocks and then %v", len(st.out), err)
		}
		if len(st.out) > maxWant+3 || len(s.slots) != 0 {
			t.Fatalf("%d blocks, %d answers under way", len(st.out), len(s.slots))
		}
	})
}
