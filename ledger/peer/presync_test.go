package peer

import (
	"math/big"
	"runtime"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// solve finds a header's nonce.
func solve(p *consensus.Params, h *wire.BlockHeader) {
	for h.Nonce = 0; consensus.CheckHeader(p, h, h.Timestamp) != nil; h.Nonce++ {
	}
}

// headersOn makes n headers after one.
func headersOn(p *consensus.Params, h wire.BlockHeader, n int) (hs []*wire.BlockHeader) {
	for range n {
		h.PrevBlock, h.Timestamp = h.BlockHash(), h.Timestamp.Add(time.Second)
		solve(p, &h)
		next := h
		hs = append(hs, &next)
	}
	return hs
}

// demanding is a dev chain whose network is known to have the work of so many blocks.
func demanding(t testing.TB, blocks int64) *chain.Chain {
	p := consensus.Dev()
	p.MinimumChainWork = big.NewInt(2 * blocks)
	return chaintest.Open(t, p, chain.Options{FS: vfs.NewMem(), NoSync: true})
}

func TestLowWorkHeadersCostNoMemory(t *testing.T) {
	n := start(t, demanding(t, 1<<40), Config{})
	const messages = 100
	s := greet(t, n, 1<<30)
	asks := func() {
		s.read("getheaders", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetHeaders); return ok })
	}
	asks()
	last := n.c.Params().GenesisBlock.Header
	var before, after runtime.MemStats
	for i := range messages {
		if i == 1 {
			runtime.GC()
			runtime.ReadMemStats(&before)
		}
		m := wire.NewMsgHeaders()
		m.Headers = headersOn(n.c.Params(), last, wire.MaxBlockHeadersPerMsg)
		last = *m.Headers[len(m.Headers)-1]
		s.write(m)
		asks()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d headers, heap grew by %d bytes", messages*wire.MaxBlockHeadersPerMsg, grown)
	if n.c.BestHeader().Height != 0 || grown > 4<<20 {
		t.Errorf("headers up to %d are stored, the heap grew by %d bytes", n.c.BestHeader().Height, grown)
	}
	m := wire.NewMsgHeaders() // that was all
	m.Headers = headersOn(n.c.Params(), last, 1)
	s.write(m)
	s.write(wire.NewMsgPing(5))
	s.read("pong", func(m wire.Message) bool { _, ok := m.(*wire.MsgPong); return ok })
	if n.c.BestHeader().Height != 0 {
		t.Error("stored")
	}
}

func TestAChainThatShowsEnoughWorkIsFetchedByWalkingItTwice(t *testing.T) {
	const blocks = 5000
	for _, least := range []int64{100, 2500, 4000, 4999} {
		full := chaintest.New(t)
		if least == 100 {
			chaintest.MineN(t, full, nobody, blocks)
			walked = full
		} else {
			full = walked
		}
		a := start(t, full, Config{})
		b := start(t, demanding(t, least), Config{}, a)
		b.at(full.Tip())
	}
}

// walked is mined once.
var walked *chain.Chain

func TestAChainChangedBetweenTheTwoWalksIsRefused(t *testing.T) {
	n := start(t, demanding(t, 3000), Config{})
	s := greet(t, n, 1<<30)
	asks := func() {
		s.read("getheaders", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetHeaders); return ok })
	}
	asks()
	p := n.c.Params()
	first := headersOn(p, p.GenesisBlock.Header, 2000)
	s.write(&wire.MsgHeaders{Headers: first})
	asks()
	s.write(&wire.MsgHeaders{Headers: headersOn(p, *first[1999], 1500)})
	asks()
	other := p.GenesisBlock.Header
	other.Timestamp = other.Timestamp.Add(time.Hour)
	s.write(&wire.MsgHeaders{Headers: headersOn(p, other, 2000)}) // another parent: another chain
	s.write(wire.NewMsgPing(5))
	s.read("pong", func(m wire.Message) bool { _, ok := m.(*wire.MsgPong); return ok })
	other = p.GenesisBlock.Header
	other.Version++
	hs := headersOn(p, other, 2000)
	hs[0].PrevBlock = *p.GenesisHash
	solve(p, hs[0])
	s.write(&wire.MsgHeaders{Headers: append(hs[:1:1], headersOn(p, *hs[0], 1999)...)})
	s.write(wire.NewMsgPing(6))
	s.read("pong", func(m wire.Message) bool { _, ok := m.(*wire.MsgPong); return ok })
	if h := n.c.BestHeader().Height; h != 0 {
		t.Error("headers of a chain without work are stored up to", h)
	}
}

// A chain that takes longer to walk through than blocks take to be found is walked through all the same.
func TestBlocksAnnouncedMeanwhileDoNotEndAWalk(t *testing.T) {
	n := start(t, demanding(t, 3000), Config{})
	s := greet(t, n, 1<<30)
	p := n.c.Params()
	first := headersOn(p, p.GenesisBlock.Header, 2000)
	second := headersOn(p, *first[1999], 1500)
	news := headersOn(p, *second[1499], 2)
	for _, hs := range [][]*wire.BlockHeader{first, second, first, append(second, news...)} {
		s.read("getheaders", func(m wire.Message) bool { _, ok := m.(*wire.MsgGetHeaders); return ok })
		s.write(&wire.MsgHeaders{Headers: hs})
		s.write(&wire.MsgHeaders{Headers: news[:1]})
	}
	until(t, "all headers", func() bool { return n.c.BestHeader().Hash == news[1].BlockHash() })
}

func TestPresyncEndsWhenTimeAllowsNoLongerChain(t *testing.T) {
	p := consensus.Dev()
	genesis := chain.BlockInfo{Work: big.NewInt(2), Header: p.GenesisBlock.Header, MedianTime: p.GenesisBlock.Header.Timestamp}
	genesis.Hash = *p.GenesisHash
	pre := newPresync(genesis, p.GenesisBlock.Header.Timestamp)
	last, enough := p.GenesisBlock.Header, big.NewInt(1<<60)
	const most = 2*3600*blocksPerSecond/wire.MaxBlockHeadersPerMsg + 1
	for i := range most + 5 {
		hs := headersOn(p, last, wire.MaxBlockHeadersPerMsg)
		last = *hs[len(hs)-1]
		_, more, err := pre.step(hs, enough)
		if i+1 < most && (err != nil || !more) || i+1 == most && err == nil {
			t.Fatal(i, more, err)
		}
		if err != nil {
			return
		}
	}
}

func BenchmarkPresync(b *testing.B) {
	p := consensus.Dev()
	hs := headersOn(p, p.GenesisBlock.Header, wire.MaxBlockHeadersPerMsg)
	for b.Loop() {
		if err := checkWork(p, hs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(hs)*b.N)/b.Elapsed().Seconds(), "headers/s")
}
