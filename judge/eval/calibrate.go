package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"funai/judge"
)

// ErrFew says that there are too few honest answers to set thresholds by.
var ErrFew = errors.New("eval: too few honest answers")

// leastHonest is how few honest answers may set thresholds.
const leastHonest = 12

// Least thresholds: honest answers of one machine may have no margin at all, and those of the next one have some.
const (
	leastMax   = 0.05  // logits
	leastMean  = 0.002 // logits
	leastSwaps = 0.1
	leastDrop  = 0.002 // logits
)

// Calibrate sets the thresholds of a policy's judges by the honest answers of the calibrating half: slack times what they
// reach, for the rescore, and as far below the lowest of them as slack less 1 of the way from there to their median, for the
// second line. Slack is at least 1; the more kinds of machines the answers come from, the nearer to it.
func Calibrate(base judge.Policy, rows []Measured, slack float64) (judge.Policy, error) {
	drop := 0.0
	var maxs, means, swaps, answers, qualities []float64
	for _, r := range rows {
		if r.Kind != Honest || !r.Calibration {
			continue
		}
		if r.refused() {
			return base, fmt.Errorf("eval: honest pair %d is refused by the rule %q, which no threshold changes", r.Pair, r.Rule)
		}
		e := r.Evidence
		maxs, means, swaps = append(maxs, e.MaxMargin), append(means, e.MeanMargin), append(swaps, e.Swaps)
		if e.Compared {
			drop = max(drop, e.MeanMargin-e.Without)
		}
		if e.Asked != judge.AskNothing {
			answers = append(answers, e.Answer)
		}
		if e.Encoder != "" {
			qualities = append(qualities, e.Quality)
		}
	}
	if len(maxs) < leastHonest {
		return base, fmt.Errorf("%w: %d, at least %d are needed", ErrFew, len(maxs), leastHonest)
	}
	base.Rescore = judge.Rescore{
		MaxMargin:  up(max(slack*slices.Max(maxs), leastMax)),
		MeanMargin: up(max(slack*slices.Max(means), leastMean)),
		Swaps:      min(up(max(slack*slices.Max(swaps), leastSwaps)), 1),
		Dropped:    up(max(slack*drop, leastDrop)),
	}
	if base.Ask.How != judge.AskNothing {
		if len(answers) < leastHonest {
			return base, fmt.Errorf("%w that could be asked about: %d, at least %d are needed", ErrFew, len(answers), leastHonest)
		}
		base.Ask.Least = below(answers, slack)
		if base.Ask.How == judge.AskYesNo {
			base.Ask.Least = max(base.Ask.Least, 0)
		}
	}
	if base.Quality.Encoder != "" {
		if len(qualities) < leastHonest {
			return base, fmt.Errorf("%w with a quality: %d, at least %d are needed", ErrFew, len(qualities), leastHonest)
		}
		base.Quality.Least = max(below(qualities, slack), -1)
	}
	return base, base.Validate()
}

// up rounds to two digits, away from an alarm.
func up(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Round(math.Ceil(x/unit-1e-9)*unit*1e6) / 1e6
}

// below is a threshold under the lowest of some numbers, in hundredths.
func below(xs []float64, slack float64) float64 {
	slices.Sort(xs)
	lowest, median := xs[0], xs[len(xs)/2]
	return math.Floor((lowest-(slack-1)*(median-lowest))*100) / 100
}
