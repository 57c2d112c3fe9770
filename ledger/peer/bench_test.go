package peer

import (
	"testing"

	"funai/ledger/chain/chaintest"
)

// BenchmarkRelay measures how long a block takes from one node to the next but one.
func BenchmarkRelay(b *testing.B) {
	x := start(b, chaintest.New(b), Config{})
	y := start(b, chaintest.New(b), Config{}, x)
	z := start(b, chaintest.New(b), Config{}, y)
	y.connected(2)
	for b.Loop() {
		changed := z.c.Changed()
		chaintest.Mine(b, x.c, nobody)
		<-changed
	}
}

// BenchmarkSync measures the download of a chain of empty blocks from one peer.
func BenchmarkSync(b *testing.B) {
	const blocks = 2000
	full := chaintest.New(b)
	chaintest.MineN(b, full, nobody, blocks)
	x := start(b, full, Config{})
	for b.Loop() {
		start(b, chaintest.New(b), Config{}, x).at(full.Tip())
	}
	b.ReportMetric(float64(blocks*b.N)/b.Elapsed().Seconds(), "blocks/s")
}
