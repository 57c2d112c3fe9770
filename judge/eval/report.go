package eval

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"funai/judge"
)

// Rate is a share with its uncertainty.
type Rate struct {
	Found int     `json:"found"`
	Of    int     `json:"of"`
	Low   float64 `json:"low"` // Wilson's interval, 95%
	High  float64 `json:"high"`
}

// RateOf counts a share. Wilson's interval (1927) holds for few and for rates near 0 and 1, as they are here. Of nothing,
// nothing is known: 0 to 1.
func RateOf(found, of int) Rate {
	r := Rate{found, of, 0, 1}
	if of == 0 {
		return r
	}
	const z = 1.959963984540054 // of 97.5%
	n, p := float64(of), float64(found)/float64(of)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	r.Low, r.High = max(middle-half, 0), min(middle+half, 1)
	if found == 0 {
		r.Low = 0
	}
	if found == of {
		r.High = 1
	}
	return r
}

// Share is the rate itself; 0 of nothing.
func (r Rate) Share() float64 { return float64(r.Found) / float64(max(r.Of, 1)) }

// String prints a rate and its interval in percent.
func (r Rate) String() string {
	if r.Of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%% [%.1f, %.1f]", 100*r.Share(), 100*r.Low, 100*r.High)
}

// Row is what was found of one kind on the held-out half.
type Row struct {
	Kind    Kind               `json:"kind"`
	Policy  Rate               `json:"policy"`  // invalid by the policy, of all
	Differ  Rate               `json:"differ"`  // of those that differ from the honest answer
	Rescore Rate               `json:"rescore"` // by the rescore alone
	Ask     Rate               `json:"ask"`     // by asking alone, at most 1% of the calibrating half's honest answers lying beyond
	Quality Rate               `json:"quality"` // by the encoder alone, likewise
	Rules   map[judge.Rule]int `json:"rules"`   // which rules of the policy decided
}

// Report is what a policy finds on the half that it wasn't calibrated on.
type Report struct {
	Model       string       `json:"model"`
	Policy      judge.Policy `json:"policy"`
	Calibration int          `json:"calibration"` // measured pairs of the calibrating half
	Rows        []Row        `json:"rows"`        // honest first: its rates are those of false alarms
}

// Evaluate makes the report. Kinds that the set doesn't have are left out.
func Evaluate(p judge.Policy, rows []Measured) Report {
	out := Report{Model: p.Model, Policy: p}
	alone := map[string]float64{}
	for name, s := range suspicions {
		var honest []float64
		for _, r := range rows {
			if r.Calibration && r.Kind == Honest {
				honest = append(honest, s(r, p))
			}
		}
		alone[name] = quantile(honest, 0.99)
	}
	for _, k := range Kinds() {
		row := Row{Kind: k, Rules: map[judge.Rule]int{}}
		var n, policy, differ, found, rescore int
		second := map[string][2]int{}
		for _, r := range rows {
			if r.Calibration {
				if r.Kind == k {
					out.Calibration++
				}
				continue
			}
			if r.Kind != k {
				continue
			}
			n++
			verdict, rule := r.Decide(p)
			if verdict == judge.Invalid {
				policy++
				row.Rules[rule]++
			}
			if !r.Same {
				differ++
				if verdict == judge.Invalid {
					found++
				}
			}
			if suspicions["rescore"](r, p) > 1 {
				rescore++
			}
			for _, name := range []string{"ask", "quality"} {
				s := suspicions[name](r, p)
				if math.IsInf(s, -1) { // it was not asked
					continue
				}
				c := second[name]
				c[1]++
				if s > alone[name] {
					c[0]++
				}
				second[name] = c
			}
		}
		if n == 0 {
			continue
		}
		row.Policy, row.Differ, row.Rescore = RateOf(policy, n), RateOf(found, differ), RateOf(rescore, n)
		row.Ask, row.Quality = RateOf(second["ask"][0], second["ask"][1]), RateOf(second["quality"][0], second["quality"][1])
		out.Rows = append(out.Rows, row)
	}
	return out
}

// quantile is the smallest of some numbers that at least a share of them doesn't exceed.
func quantile(xs []float64, share float64) float64 {
	if len(xs) == 0 {
		return math.Inf(1)
	}
	slices.Sort(xs)
	return xs[max(int(math.Ceil(share*float64(len(xs))))-1, 0)]
}

// Print writes the report as a table in Markdown, and under it how it stands to the goals.
func (r Report) Print(w io.Writer) error {
	var b strings.Builder
	p := r.Policy
	fmt.Fprintf(&b, "%s: margin %v, mean %v, swaps %v", r.Model, p.Rescore.MaxMargin, p.Rescore.MeanMargin, p.Rescore.Swaps)
	if p.Rescore.Dropped > 0 {
		fmt.Fprintf(&b, ", dropped %v", p.Rescore.Dropped)
	}
	if p.Ask.How != judge.AskNothing {
		fmt.Fprintf(&b, ", %s %v", p.Ask.How, p.Ask.Least)
	}
	if p.Quality.Encoder != "" {
		fmt.Fprintf(&b, ", quality %v", p.Quality.Least)
	}
	fmt.Fprintf(&b, "; %d pairs calibrated\n\n", r.Calibration)
	b.WriteString("| answers | n | found invalid | of those that differ | by the rescore | by asking alone | by quality alone | rules |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %d | %v | %s | %v | %v | %v | %s |\n", row.Kind, row.Policy.Of, row.Policy, row.differ(), row.Rescore,
			row.Ask, row.Quality, row.rules())
	}
	b.WriteByte('\n')
	for _, g := range r.Goals() {
		fmt.Fprintf(&b, "- %s\n", g)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// differ is empty where all do.
func (r Row) differ() string {
	if r.Kind == Honest || r.Differ.Of == r.Policy.Of {
		return ""
	}
	return fmt.Sprintf("%d of %d", r.Differ.Found, r.Differ.Of)
}

func (r Row) rules() string {
	var parts []string
	for rule, n := range r.Rules {
		parts = append(parts, fmt.Sprintf("%s %d", rule, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// goals are what judging is held to: the share of a kind that is found, at no more than 1% false alarms.
var goals = map[Kind]float64{WrongModel: 0.99, NoSystem: 0.99, OffTopic: 0.95, Swapped: 0.95}

// tooFew is said of a goal that was reached by fewer pairs than it takes to be sure.
const tooFew = "reached, by too few to be sure"

// Goals says of each goal whether it was reached, one sentence each. What came out as an honest server's is no forgery.
func (r Report) Goals() []string {
	var out []string
	for _, row := range r.Rows {
		word := "reached"
		switch goal, ok := goals[row.Kind]; {
		case row.Kind == Honest:
			switch {
			case row.Policy.Share() > 0.01:
				word = "not reached"
			case row.Policy.High > 0.01:
				word = tooFew
			}
			out = append(out, fmt.Sprintf("false alarms at most 1%%: %s, %v of %d", word, row.Policy, row.Policy.Of))
		case ok:
			switch {
			case row.Differ.Share() < goal:
				word = "not reached"
			case row.Differ.Low < goal:
				word = tooFew
			}
			out = append(out, fmt.Sprintf("%s found in at least %.0f%%: %s, %v of %d", row.Kind, 100*goal, word, row.Differ, row.Differ.Of))
		}
	}
	return out
}
