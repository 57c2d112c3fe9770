package ledger

import (
	"testing"

	"funai/ledger/consensus"
)

// BenchmarkHeaders grows a chain of headers without blocks, and opens it again.
func BenchmarkHeaders(b *testing.B) {
	for i, n := range full.headers {
		b.Run([]string{"10k", "100k", "1M"}[i], func(b *testing.B) { grow(bench(b), n) })
	}
}

func TestGrowHeaders(t *testing.T) { grow(once(t), tiny.headers[0]) }

func grow(m *match, n int) {
	hs := headers(consensus.BitcoinRegtest(), n)
	run := func(name string) contender {
		return contender{name, func() sample {
			dir := m.TempDir()
			s := m.open(name, dir, 0)
			empty := heapInUse() // with caches that are allocated at once
			took := measure(func() {
				if err := s.headers(hs); err != nil {
					m.Fatal(err)
				}
			})
			took.more = map[string]float64{"B/header": float64(heapInUse()-empty) / float64(n)}
			m.close(s)
			if name == ours { // btcd does not store headers whose blocks it lacks
				took.more["open-s"] = measure(func() { s = m.open(name, dir, 0) }).wall.Seconds()
				m.close(s)
			}
			return took
		}}
	}
	m.compare(n, "header", run(ours), run(btcd))
}
