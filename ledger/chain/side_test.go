package chain_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// headerRow is n headers after a block, without blocks.
func headerRow(p *consensus.Params, after wire.BlockHeader, n int, salt byte) (hs []*wire.BlockHeader) {
	for range n {
		h := &wire.BlockHeader{
			Version: 4, PrevBlock: after.BlockHash(), Bits: p.PowLimitBits, MerkleRoot: chainHash{salt},
			Timestamp: time.Unix(after.Timestamp.Unix()+1, 0),
		}
		for !consensus.Solved(h) {
			h.Nonce++
		}
		hs, after = append(hs, h), *h
	}
	return hs
}

// A peer that sends branch after branch far below the tip costs no more than the bound, and those nearer the tip survive.
func TestSideHeadersAreBounded(t *testing.T) {
	fs, p := vfs.NewMem(), consensus.Dev()
	c := chaintest.Open(t, p, chain.Options{FS: fs, NoSync: true})
	c.SetMaxSide(100)
	chaintest.MineN(t, c, anyone, 60)
	tip := c.Tip()
	at, _ := c.IndexAt(55)
	near := extend(t, c, at, 1, 7) // a stored side block, with headers after it
	good := headerRow(p, head(t, c, near), 3, 1)
	if err := c.ProcessHeaders(good); err != nil {
		t.Fatal(err)
	}
	ahead := headerRow(p, head(t, c, tip), 30, 2) // the best header chain does not count
	if err := c.ProcessHeaders(ahead); err != nil {
		t.Fatal(err)
	}
	for salt := range byte(100) {
		low, _ := c.IndexAt(int32(salt) % 40)
		if err := c.ProcessHeaders(headerRow(p, head(t, c, low), 10, 10+salt)); err != nil {
			t.Fatal(err)
		}
		if known := c.Known(); known > 1+60+30+100 {
			t.Fatalf("%d headers", known)
		}
	}
	reopened := func() int {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = chaintest.Open(t, p, chain.Options{FS: fs, NoSync: true})
		return c.Known()
	}
	if was, is := c.Known(), reopened(); was != is {
		t.Errorf("%d headers, %d when opened again", was, is)
	}
	for _, h := range append(good, ahead...) {
		if _, _, ok := c.Header(h.BlockHash()); !ok {
			t.Error("a header of much work was forgotten")
		}
	}
	if !c.HaveBlock(near.Hash) || c.BestHeader().Height != 90 || c.Tip() != tip {
		t.Error(c.BestHeader(), c.Tip())
	}
	// One long weak branch loses its end, and can come again.
	c.SetMaxSide(100)
	genesis := p.GenesisBlock.Header
	long := headerRow(p, genesis, 85, 200)
	for range 3 {
		for from := 0; from < len(long); from += 20 {
			_ = c.ProcessHeaders(long[from:min(from+20, len(long))]) // the parent may be gone
		}
		if known := c.Known(); known > 1+60+30+100 {
			t.Fatalf("%d headers", known)
		}
	}
	// A branch that becomes the best is not side any more.
	if err := c.ProcessHeaders(headerRow(p, genesis, 120, 201)); err != nil || c.BestHeader().Height != 120 {
		t.Error(err, c.BestHeader())
	}
}

// The chain of most work is found however far below the tip it forks off, and whatever else is told of meanwhile.
func TestBetterChainMayForkOffBelowTheBound(t *testing.T) {
	const full = wire.MaxBlockHeadersPerMsg
	c := chaintest.New(t)
	p := c.Params()
	c.SetMaxSide(100)
	genesis := p.GenesisBlock.Header
	give := func(hs []*wire.BlockHeader) {
		t.Helper()
		for len(hs) > 0 {
			n := min(full, len(hs))
			if err := c.ProcessHeaders(hs[:n]); err != nil {
				t.Fatal(err)
			}
			hs = hs[n:]
		}
	}
	give(headerRow(p, genesis, full+500, 1))
	better := headerRow(p, genesis, full+600, 2)
	give(better[:full])
	for salt := range byte(20) { // does not cost the longer branch its headers
		give(headerRow(p, genesis, 30, 10+salt))
	}
	if known, most := c.Known(), 1+full+500+full+100; known > most {
		t.Errorf("%d headers, more than %d", known, most)
	}
	give(better[full:])
	if best, want := c.BestHeader().Hash, better[len(better)-1].BlockHash(); best != want {
		t.Errorf("best is %v, not %v", best, want)
	}
}

// BenchmarkHeaders is the growth with the length of the chain: LEDGER_LARGE=1 adds a million.
func BenchmarkHeaders(b *testing.B) {
	counts := []int{10_000, 100_000}
	if os.Getenv("LEDGER_LARGE") != "" {
		counts = append(counts, 1_000_000)
	}
	p := consensus.Dev()
	row := headerRow(p, p.GenesisBlock.Header, counts[len(counts)-1], 1)
	for _, n := range counts {
		outer, dir := b, "" // the last one lasts until all are done
		open := func(b *testing.B) *chain.Chain {
			c, err := chain.Open(p, chain.Options{Dir: dir, NoSync: true})
			if err != nil {
				b.Fatal(err)
			}
			return c
		}
		per := func(b *testing.B, unit string) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), unit)
		}
		b.Run(fmt.Sprintf("process/%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				dir = outer.TempDir()
				c := open(b)
				b.StartTimer()
				for from := 0; from < n; from += wire.MaxBlockHeadersPerMsg {
					if err := c.ProcessHeaders(row[from:min(from+wire.MaxBlockHeadersPerMsg, n)]); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			per(b, "ns/header")
		})
		b.Run(fmt.Sprintf("open/%d", n), func(b *testing.B) {
			var was, is runtime.MemStats
			for b.Loop() {
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&was)
				b.StartTimer()
				c := open(b)
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&is)
				if c.BestHeader().Height != int32(n) {
					b.Fatal(c.BestHeader())
				}
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			per(b, "ns/header")
			b.ReportMetric(float64(is.HeapAlloc-was.HeapAlloc)/float64(n), "B/header")
		})
		b.Run(fmt.Sprintf("ancestor/%d", n), func(b *testing.B) {
			c := open(b)
			rng := rand.New(rand.NewPCG(1, 2))
			heights := make([]int32, 1000)
			for i := range heights {
				heights[i] = rng.Int32N(int32(n))
			}
			for b.Loop() {
				c.Walk(heights)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(heights)), "ns/look-up")
			if err := c.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
