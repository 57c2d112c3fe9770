package sampling

import "math"

// steps is how many values of exp the table has for each factor of two.
const steps = 256

// powers[i] is exp(-i ln2 / steps).
var powers = func() (p [steps]float64) {
	for i := range p {
		p[i] = math.Exp2(-float64(i) / steps)
	}
	return p
}()

// decay is exp(-d) for d >= 0, to 4 parts in 10⁹, at a fifth of the price of math.Exp: every token generated sums one of each
// token of the vocabulary, which for small models took a sixth of all time. From 700 on it is 0, and for NaN it is NaN.
func decay(d float64) float64 {
	if !(d < 700) {
		return 0 / d
	}
	n := uint(int(d * (steps / math.Ln2)))
	rest := d - float64(n)*(math.Ln2/steps)
	// A double's exponent is its bits from the 52nd on: taking k off it divides by 2^k.
	power := math.Float64frombits(math.Float64bits(powers[n%steps]) - uint64(n/steps)<<52)
	return power * (1 - rest*(1-rest/2))
}
