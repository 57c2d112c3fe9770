package sampling

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestDecayIsExp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Float64Range(0, 699).Draw(t, "d")
		if got, want := decay(d), math.Exp(-d); math.Abs(got-want) > 4e-9*want {
			t.Fatalf("exp(-%v) is %v, want %v", d, got, want)
		}
	})
	if decay(0) != 1 || decay(math.Inf(1)) != 0 || !math.IsNaN(decay(math.NaN())) || decay(700) != 0 {
		t.Fatal(decay(0), decay(math.Inf(1)), decay(math.NaN()), decay(700))
	}
}
