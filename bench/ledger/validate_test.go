package ledger

import "testing"

// What a chain needs from the bytes of blocks full of spends, no signature of which it has seen, to a new tip.

func BenchmarkP2WPKH(b *testing.B) { validate(bench(b), 1, p2wpkh) }
func BenchmarkP2TR(b *testing.B)   { validate(bench(b), 1, p2tr) }

// BenchmarkMix spends one to three of P2WPKH, P2TR, P2PKH and P2WSH outputs.
func BenchmarkMix(b *testing.B) { validate(bench(b), 3, p2wpkh, p2tr, p2pkh, p2wsh) }

func TestValidateP2WPKH(t *testing.T) { validate(once(t), 1, p2wpkh) }
func TestValidateP2TR(t *testing.T)   { validate(once(t), 1, p2tr) }
func TestValidateMix(t *testing.T)    { validate(once(t), 3, p2wpkh, p2tr, p2pkh, p2wsh) }

func validate(m *match, maxInputs int, kinds ...kind) {
	w := newMint(m, longAgo, kinds...)
	w.fund(m.size.txs * maxInputs)
	before := len(w.raw)
	w.spend(m.size.blocks, m.size.txs, maxInputs)
	run := func(name string) contender {
		return contender{name, func() sample {
			s := m.open(name, m.TempDir(), 0)
			defer m.close(s)
			m.feed(s, w.raw[:before])
			took := measure(func() { m.feed(s, w.raw[before:]) })
			m.at(s, w)
			return took
		}}
	}
	m.compare(w.txs, "tx", run(ours), run(btcd))
}
