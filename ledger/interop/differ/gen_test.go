package differ

import (
	"math/rand/v2"
	"strings"
)

// gen makes one case: what it draws depends on the seed and the case's number alone.
type gen struct {
	*rand.Rand
	*base
	notes []string // what is odd about the case, for whoever has to look at it
}

func newGen(b *base, seed uint64, number int) *gen {
	return &gen{Rand: rand.New(rand.NewPCG(seed, uint64(number))), base: b}
}

// note remembers what was done to the case.
func (g *gen) note(s ...string) { g.notes = append(g.notes, strings.Join(s, " ")) }

// chance is true once in n times.
func (g *gen) chance(n int) bool { return g.IntN(n) == 0 }

// bytes are n random bytes.
func (g *gen) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

// pick is one of the choices.
func pick[T any](g *gen, choices ...T) T { return choices[g.IntN(len(choices))] }

// flip is a copy of b with one bit changed, or with a byte if it has none.
func (g *gen) flip(b []byte) []byte {
	b = append([]byte{}, b...)
	if len(b) == 0 {
		return []byte{1}
	}
	b[g.IntN(len(b))] ^= 1 << g.IntN(8)
	return b
}
