package eval

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"funai/judge"
)

// Point is a place on a curve: the rate of false alarms that some threshold costs, and the rate of forgeries that it finds.
type Point struct{ False, True float64 }

// Curve is a receiver operating characteristic, from 0, 0 to 1, 1.
type Curve struct {
	Judge  string
	Kind   Kind
	Points []Point
	Area   float64 // under the curve: 1 tells all apart, 0.5 is guessing
}

// CurveOf moves one judge's threshold through all that it measured on the held-out half. A curve of nothing has no points.
func CurveOf(name string, k Kind, p judge.Policy, rows []Measured) Curve {
	c := Curve{Judge: name, Kind: k}
	type mark struct {
		at     float64
		forged bool
	}
	var marks []mark
	var honest, forged float64
	for _, r := range rows {
		if r.Calibration || r.Kind != Honest && r.Kind != k {
			continue
		}
		s := suspicions[name](r, p)
		if name != "rescore" && math.IsInf(s, -1) {
			continue // refused before it was asked
		}
		marks = append(marks, mark{s, r.Kind != Honest})
		if r.Kind == Honest {
			honest++
		} else {
			forged++
		}
	}
	if honest == 0 || forged == 0 {
		return c
	}
	slices.SortFunc(marks, func(a, b mark) int {
		switch {
		case a.at > b.at:
			return -1
		case a.at < b.at:
			return 1
		}
		return 0
	})
	at := Point{}
	c.Points = append(c.Points, at)
	for i := 0; i < len(marks); {
		before := at
		for level := marks[i].at; i < len(marks) && marks[i].at == level; i++ { // equals fall on one side together
			if marks[i].forged {
				at.True += 1 / forged
			} else {
				at.False += 1 / honest
			}
		}
		c.Area += (at.False - before.False) * (at.True + before.True) / 2
		c.Points = append(c.Points, at)
	}
	return c
}

// Curves returns all that can be drawn: the rescore for each kind, asking and the encoder for what they are there for.
func Curves(p judge.Policy, rows []Measured) []Curve {
	var out []Curve
	for _, name := range []string{"rescore", "ask", "quality"} {
		for _, k := range Kinds()[1:] {
			if name != "rescore" && k != OffTopic && k != Swapped && k != Injected {
				continue
			}
			if c := CurveOf(name, k, p, rows); len(c.Points) > 0 {
				out = append(out, c)
			}
		}
	}
	return out
}

// colours are Okabe and Ito's, which most eyes tell apart.
var colours = map[Kind]color.Color{
	OffTopic: color.RGBA{0xe6, 0x9f, 0x00, 0xff}, Swapped: color.RGBA{0x56, 0xb4, 0xe9, 0xff}, Truncated: color.RGBA{0x00, 0x9e, 0x73, 0xff},
	Injected: color.RGBA{0xcc, 0x79, 0xa7, 0xff}, WrongModel: color.RGBA{0x00, 0x72, 0xb2, 0xff}, WrongQuant: color.RGBA{0xd5, 0x5e, 0x00, 0xff},
	NoSystem: color.RGBA{0x00, 0x00, 0x00, 0xff},
}

// WriteROC draws the curves as a PNG.
func WriteROC(w io.Writer, title string, curves []Curve) error {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "false alarms (share of honest answers)", "found (share of forged answers)"
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.01, 1, 0, 1.01
	p.Legend.Left, p.Legend.Top = false, false
	p.Add(plotter.NewGrid())
	for _, c := range curves {
		xys := make(plotter.XYs, len(c.Points))
		for i, q := range c.Points {
			xys[i] = plotter.XY{X: q.False, Y: q.True}
		}
		line, err := plotter.NewLine(xys)
		if err != nil {
			return fmt.Errorf("eval: plot: %w", err)
		}
		line.Color, line.Width = colours[c.Kind], vg.Points(2)
		switch c.Judge {
		case "ask":
			line.Dashes = []vg.Length{vg.Points(6), vg.Points(3)}
		case "quality":
			line.Dashes = []vg.Length{vg.Points(2), vg.Points(3)}
		}
		p.Add(line)
		p.Legend.Add(fmt.Sprintf("%s: %s, area %.3f", c.Judge, c.Kind, c.Area), line)
	}
	out, err := p.WriterTo(8*vg.Inch, 7*vg.Inch, "png")
	if err != nil {
		return fmt.Errorf("eval: plot: %w", err)
	}
	_, err = out.WriteTo(w)
	return err
}
