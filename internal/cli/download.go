package cli

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

const (
	barWidth    = 28
	barThrottle = 80 * time.Millisecond
	plainStep   = 25 // percent between two plain lines
)

// Downloads shows how far files are, one after another: a bar each for a person, a line at every quarter for a log.
// It is used from one goroutine at a time.
type Downloads struct {
	s     *Screen
	asset string
	bar   *progressbar.ProgressBar
	said  int64 // percent last said
}

// NewDownloads shows downloads on a screen.
func NewDownloads(s *Screen) *Downloads { return &Downloads{s: s} }

// Update says how many bytes of an asset are here; total is -1 while it isn't known.
func (d *Downloads) Update(asset string, done, total int64) {
	fresh := asset != d.asset || d.bar != nil && d.bar.IsFinished() && done < total // from another source
	if fresh {
		d.End()
		d.asset, d.said = asset, -plainStep
	}
	if !d.s.Live() {
		d.plain(done, total)
		return
	}
	if fresh {
		d.bar = progressbar.NewOptions64(total, d.options()...)
	}
	_ = d.bar.Set64(done) // an error is the terminal's, or a total that a source got wrong
}

func (d *Downloads) options() []progressbar.Option {
	return []progressbar.Option{
		progressbar.OptionSetWriter(d.s),
		progressbar.OptionSetDescription(fmt.Sprintf("  %-22s", Line(d.asset, 40))),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionThrottle(barThrottle),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "━", SaucerHead: "━", SaucerPadding: "·", BarStart: "", BarEnd: ""}),
	}
}

func (d *Downloads) plain(done, total int64) {
	if total <= 0 {
		if d.said < 0 {
			d.said = 0
			d.s.Printf("downloading %s\n", Line(d.asset, 200))
		}
		return
	}
	percent := done * 100 / total
	if percent < d.said+plainStep && done < total || percent == d.said {
		return
	}
	d.said = percent - percent%plainStep
	if done == total {
		d.said = 100
	}
	d.s.Printf("downloading %s: %s of %s\n", Line(d.asset, 200), Bytes(done), Bytes(total))
}

// End leaves the last bar as it is and begins a new line.
func (d *Downloads) End() {
	if d.bar != nil {
		d.s.Printf("\n")
	}
	d.bar, d.asset = nil, ""
}
