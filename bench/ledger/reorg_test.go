package ledger

import "testing"

// BenchmarkReorg makes a chain's last blocks lose to as many and one more, of other spends, which no chain has checked.
func BenchmarkReorg(b *testing.B) { reorganize(bench(b)) }

func TestReorganize(t *testing.T) { reorganize(once(t)) }

func reorganize(m *match) {
	const txs = 50
	base := newMint(m, longAgo, p2wpkh)
	base.fund(10 * txs)
	loser, winner := base.fork(1), base.fork(2)
	loser.spend(m.size.fork, txs, 1)
	winner.spend(m.size.fork+1, txs, 1)
	run := func(name string) contender {
		return contender{name, func() sample {
			s := m.open(name, m.TempDir(), 0)
			defer m.close(s)
			last := len(winner.raw) - 1
			m.feed(s, base.raw)
			m.feed(s, loser.raw)
			m.feed(s, winner.raw[:last])
			m.at(s, loser)
			took := measure(func() { m.feed(s, winner.raw[last:]) })
			m.at(s, winner)
			return took
		}}
	}
	m.compare(m.size.fork, "block", run(ours), run(btcd))
}
