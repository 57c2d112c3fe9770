package eval

import (
	"bytes"
	"errors"
	"image/png"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/judge"
)

// TestWilsonIntervals are values of the textbook: Newcombe, Statistics in Medicine 17 (1998), table I.
func TestWilsonIntervals(t *testing.T) {
	for _, tt := range []struct {
		found, of int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {29, 29, 0.8830, 1}} {
		r := RateOf(tt.found, tt.of)
		if math.Abs(r.Low-tt.low) > 5e-5 || math.Abs(r.High-tt.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, want %v to %v", tt.found, tt.of, r.Low, r.High, tt.low, tt.high)
		}
	}
	if r := RateOf(0, 0); r.Low != 0 || r.High != 1 || r.String() != "-" {
		t.Errorf("of nothing: %+v", r)
	}
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.IntRange(1, 2000).Draw(t, "of")
		r := RateOf(rapid.IntRange(0, of).Draw(t, "found"), of)
		if r.Low < 0 || r.Low > r.Share() || r.High < r.Share() || r.High > 1 {
			t.Fatalf("%+v doesn't hold its rate", r)
		}
	})
}

// rowsOf are measurements of a set whose forgeries lie where the test puts them.
func rowsOf(n int, k Kind, margin, contrast float64) []Measured {
	var out []Measured
	for i := range n {
		step := float64(i) / float64(n) / 100
		out = append(out, Measured{Pair: i, Kind: k, Calibration: i%2 == 0, Verdict: "valid", Rule: judge.RuleAll, Evidence: judge.Evidence{
			MaxMargin: margin + step, MeanMargin: (margin + step) / 10, Swaps: 0.01, Asked: judge.AskContrast, Others: 2, Answer: contrast + step}})
	}
	return out
}

func policy() judge.Policy {
	p := judge.DefaultPolicy("m")
	p.Ask = judge.Ask{How: judge.AskContrast, Others: 2, Tokens: 32}
	return p
}

func TestThresholdsLieBeyondHonestAnswers(t *testing.T) {
	rows := append(rowsOf(40, Honest, 0.2, 1), rowsOf(40, WrongModel, 5, -1)...)
	p, err := Calibrate(policy(), rows, 2)
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Rescore; r.MaxMargin < 0.4 || r.MaxMargin > 0.43 || r.MeanMargin < 0.04 || r.MeanMargin > 0.043 || r.Swaps != leastSwaps {
		t.Errorf("rescore %+v", r)
	}
	if p.Ask.Least < 0.9 || p.Ask.Least > 1 {
		t.Errorf("ask %+v", p.Ask)
	}
	for _, r := range rows {
		if kind, rule := r.Decide(p); (kind == judge.Valid) != (r.Kind == Honest) {
			t.Errorf("%s: %v by %q", r.Kind, kind, rule)
		}
	}
}

func TestThresholdsAreRefusedWhereTheyMeanNothing(t *testing.T) {
	if _, err := Calibrate(policy(), rowsOf(2*leastHonest-2, Honest, 0, 1), 2); !errors.Is(err, ErrFew) {
		t.Errorf("few answers: %v", err)
	}
	unasked := rowsOf(40, Honest, 0, 1)
	for i := range unasked {
		unasked[i].Evidence.Asked = judge.AskNothing
	}
	if _, err := Calibrate(policy(), unasked, 2); !errors.Is(err, ErrFew) {
		t.Errorf("nothing asked: %v", err)
	}
	scored := policy()
	scored.Quality.Encoder = "e"
	if _, err := Calibrate(scored, rowsOf(40, Honest, 0, 1), 2); !errors.Is(err, ErrFew) {
		t.Errorf("no encoder asked: %v", err)
	}
	wrong := rowsOf(40, Honest, 0, 1)
	wrong[0].Verdict, wrong[0].Rule = "invalid", judge.RuleText
	if _, err := Calibrate(policy(), wrong, 2); err == nil || !strings.Contains(err.Error(), "text") {
		t.Errorf("an honest answer that no threshold saves: %v", err)
	}
	// Margins of zero still leave room for the next machine.
	p, err := Calibrate(policy(), rowsOf(40, Honest, -0.01, 1), 2)
	if err != nil || p.Rescore.MaxMargin < leastMax || p.Rescore.MeanMargin < leastMean {
		t.Errorf("%+v, %v", p.Rescore, err)
	}
}

// TestReportCountsOnlyTheHeldOutHalf has forgeries whose halves differ.
func TestReportCountsOnlyTheHeldOutHalf(t *testing.T) {
	rows := append(rowsOf(40, Honest, 0.2, 1), rowsOf(20, WrongModel, 5, -1)...)
	for i := range rows {
		if r := &rows[i]; r.Calibration && r.Kind == WrongModel {
			r.Evidence.MaxMargin, r.Evidence.MeanMargin, r.Evidence.Answer = 0, 0, 1
		}
	}
	rows[41].Verdict, rows[41].Rule = "invalid", judge.RuleEnd
	rows[43].Evidence, rows[43].Same = rows[1].Evidence, true // no forgery
	rows[45].Evidence = rows[1].Evidence                      // one that is missed
	p, err := Calibrate(policy(), rows, 2)
	if err != nil {
		t.Fatal(err)
	}
	r := Evaluate(p, rows)
	if len(r.Rows) != 2 || r.Rows[0].Kind != Honest || r.Rows[0].Policy.Of != 20 || r.Rows[0].Policy.Found != 0 || r.Calibration != 30 {
		t.Fatalf("%+v", r)
	}
	forged := r.Rows[1]
	if forged.Policy.Found != 8 || forged.Policy.Of != 10 || forged.Differ.Found != 8 || forged.Differ.Of != 9 ||
		forged.Rules[judge.RuleEnd] != 1 || forged.Rules[judge.RuleMargin] != 7 || forged.Ask.Of != 10 {
		t.Errorf("%+v", forged)
	}
	if g := r.Goals(); len(g) != 2 || !strings.Contains(g[0], ": reached") || !strings.Contains(g[1], "not reached, 88.9%") {
		t.Errorf("%q", g)
	}
	var b bytes.Buffer
	if err := r.Print(&b); err != nil || !strings.Contains(b.String(), "| wrong model | 10 | 80.0% [49.0, 94.3] | 8 of 9 |") {
		t.Errorf("%s, %v", b.String(), err)
	}
}

// TestDroppedPromptIsFoundByTheDifference has answers whose margins alone are as honest ones are.
func TestDroppedPromptIsFoundByTheDifference(t *testing.T) {
	rows := append(rowsOf(40, Honest, 0.2, 1), rowsOf(20, NoSystem, 0.2, 1)...)
	for i := range rows {
		e := &rows[i].Evidence
		e.Compared, e.Without = true, e.MeanMargin+0.01
		if rows[i].Kind == NoSystem {
			e.Without = e.MeanMargin - 0.01
		}
	}
	rows[0].Evidence.Without = rows[0].Evidence.MeanMargin - 0.003 // honest and calibrating
	p, err := Calibrate(policy(), rows, 2)
	if err != nil || p.Rescore.Dropped != 0.006 {
		t.Fatalf("%+v, %v", p.Rescore, err)
	}
	r := Evaluate(p, rows)
	if honest, dropped := r.Rows[0], r.Rows[1]; honest.Policy.Found != 0 || dropped.Rules[judge.RuleDropped] != 10 || dropped.Rescore.Found != 10 {
		t.Errorf("%+v", r.Rows)
	}
	if c := CurveOf("rescore", NoSystem, p, rows); c.Area != 1 {
		t.Errorf("area %v", c.Area)
	}
}

func TestCurvesAreWhatTheySay(t *testing.T) {
	apart := append(rowsOf(40, Honest, 0.2, 1), rowsOf(40, WrongModel, 5, -1)...)
	if c := CurveOf("rescore", WrongModel, policy(), apart); c.Area < 1-1e-9 {
		t.Errorf("told apart: area %v", c.Area)
	}
	alike := append(rowsOf(40, Honest, 0.2, 1), rowsOf(40, WrongModel, 0.2, 1)...)
	if c := CurveOf("ask", WrongModel, policy(), alike); math.Abs(c.Area-0.5) > 0.03 {
		t.Errorf("alike: area %v", c.Area)
	}
	if c := CurveOf("quality", WrongModel, policy(), alike); len(c.Points) != 0 {
		t.Errorf("never asked: %+v", c)
	}
	// Refused pairs are beyond every threshold.
	for i := range alike[40:] {
		alike[40+i].Verdict = "invalid"
	}
	if c := CurveOf("rescore", WrongModel, policy(), alike); c.Area < 1-1e-9 {
		t.Errorf("refused: area %v", c.Area)
	}
	rapid.Check(t, func(t *rapid.T) {
		var rows []Measured
		for i := range rapid.IntRange(2, 40).Draw(t, "n") {
			k := Honest
			if i > 0 && (i == 1 || rapid.Bool().Draw(t, "forged")) {
				k = Swapped
			}
			rows = append(rows, Measured{Kind: k, Verdict: "valid", Evidence: judge.Evidence{
				MaxMargin: float64(rapid.IntRange(0, 5).Draw(t, "margin"))}})
		}
		c := CurveOf("rescore", Swapped, policy(), rows)
		last := Point{}
		for _, p := range c.Points {
			if p.False < last.False-1e-9 || p.True < last.True-1e-9 {
				t.Fatalf("the curve falls from %v to %v", last, p)
			}
			last = p
		}
		if math.Abs(last.False-1) > 1e-9 || math.Abs(last.True-1) > 1e-9 || c.Area < -1e-9 || c.Area > 1+1e-9 {
			t.Fatalf("ends at %v with area %v", last, c.Area)
		}
	})
}

func TestCurvesAreDrawn(t *testing.T) {
	rows := append(rowsOf(40, Honest, 0.2, 1), rowsOf(40, Swapped, 0.202, 0.5)...)
	curves := Curves(policy(), rows)
	if len(curves) != 2 {
		t.Fatalf("%d curves", len(curves))
	}
	var b bytes.Buffer
	if err := WriteROC(&b, "m", curves); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[3]uint32]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[[3]uint32{r >> 8, g >> 8, b >> 8}] = true
		}
	}
	if !seen[[3]uint32{0x56, 0xb4, 0xe9}] {
		t.Error("the curve's colour isn't there")
	}
}
