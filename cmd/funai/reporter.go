package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"funai/internal/cli"
	"funai/internal/cli/remote"
)

// reporter shows events: as JSON, one a line, or to a person. It may be used by many goroutines.
type reporter struct {
	mu        sync.Mutex
	out       *cli.Screen
	serving   serving
	usual     bool // other commands find the directory by themselves
	began     time.Time
	downloads *cli.Downloads
	percent   map[string]int64 // of each asset, as last said in JSON
	stage     event            // under way; Stage is empty if none
	since     time.Time        // when it began
	spin      *cli.Spinner
	ready     event
}

func newReporter(out *cli.Screen, s serving, usual bool) *reporter {
	return &reporter{out: out, serving: s, usual: usual, began: time.Now(), downloads: cli.NewDownloads(out), percent: map[string]int64{}}
}

// url is the gateway's, once it is ready.
func (r *reporter) url() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready.HTTP
}

// emit shows one event.
func (r *reporter) emit(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Event == eventReady {
		if e.HTTP != "" && e.Page == "" {
			e.Page = e.HTTP + "/"
		}
		e.Dir = r.serving.dir
		r.ready = e
	}
	if r.serving.json {
		r.asJSON(e)
		return
	}
	switch e.Event {
	case eventDownload:
		r.endStage()
		r.downloads.Update(e.Asset, e.Done, e.Total)
	case eventStage:
		r.onStage(e)
	case eventReady:
		r.clear()
		r.showReady(e)
	case eventLog:
		r.aside("  " + r.out.Paint(cli.Dim, cli.Line(e.Detail, 400)))
	case eventStopping:
		r.clear()
		r.out.Println("stopping…")
	case eventStopped:
		r.clear()
		r.out.Println("stopped")
	}
}

// asJSON prints downloads only when a whole percent has come.
func (r *reporter) asJSON(e event) {
	if e.Event == eventDownload && e.Total > 0 {
		percent := e.Done * 100 / e.Total
		if last, ok := r.percent[e.Asset]; ok && last == percent {
			return
		}
		r.percent[e.Asset] = percent
	}
	_ = r.out.JSON(e) // whoever listened is gone; the node goes on
}

// onStage shows a stage under way in place for a person, and elsewhere by a line at its beginning.
func (r *reporter) onStage(e event) {
	r.downloads.End()
	if e.Stage != r.stage.Stage {
		r.endStage()
		r.since = time.Now()
		if r.out.Live() {
			r.spin = r.out.Spin("")
		} else {
			r.out.Println(strings.TrimRight("  "+stageText(e), " "))
		}
	}
	r.stage = e
	if r.spin != nil {
		r.spin.Say(stageText(e))
	}
}

func stageText(e event) string {
	height := ""
	if e.Height > 0 {
		height = "block " + cli.Count(e.Height)
	}
	return strings.TrimRight(fmt.Sprintf("%-40s %-10s %s", cli.Line(e.Stage, 60), height, cli.Line(e.Detail, 200)), " ")
}

// endStage ticks off the stage under way.
func (r *reporter) endStage() {
	if r.spin != nil {
		r.spin.Stop()
		r.spin = nil
		r.out.Printf("  %s %s%s\n", r.out.Paint(cli.Green, "✓"), stageText(r.stage), r.out.Paint(cli.Dim, lasted(r.since)))
	}
	r.stage = event{}
}

func lasted(since time.Time) string {
	if d := time.Since(since).Round(100 * time.Millisecond); d >= time.Second {
		return "  " + d.String()
	}
	return ""
}

func (r *reporter) clear() {
	r.downloads.End()
	r.endStage()
}

// aside prints a line above what is moving.
func (r *reporter) aside(line string) {
	r.downloads.End()
	if r.spin == nil {
		r.out.Println(line)
		return
	}
	r.spin.Stop()
	r.out.Println(line)
	r.spin = r.out.Spin(stageText(r.stage))
}

// end stops whatever moves.
func (r *reporter) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.downloads.End()
	if r.spin != nil {
		r.spin.Stop()
		r.spin = nil
	}
}

// showReady says where to go.
func (r *reporter) showReady(e event) {
	r.out.Printf("\n%s after %v\n\n", r.out.Paint(cli.Green, "ready"), time.Since(r.began).Round(time.Second))
	if e.HTTP != "" {
		r.out.Field("page", r.out.Paint(cli.Bold, e.Page))
		r.out.Field("OpenAI", e.HTTP+"/v1")
	}
	if e.Model != "" {
		r.out.Field("model", cli.Line(e.Model, 100))
	}
	if e.Detail != "" {
		r.out.Field("also", cli.Line(e.Detail, 200))
	}
	r.out.Field("data", e.Dir)
	r.out.Println()
	if e.HTTP != "" {
		where := ""
		if !r.usual {
			where = " --dir " + quote(e.Dir)
		}
		r.out.Printf("  funai ask%s \"What is the capital of France?\"\n", where)
		r.out.Printf("  funai status --watch%s\n", where)
		r.out.Printf("  curl %s/v1/chat/completions -H 'Content-Type: application/json' \\\n", e.HTTP)
		r.out.Printf("    -d '{\"model\": \"%s\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello!\"}]}'\n\n", cli.Line(e.Model, 100))
	}
	r.out.Println(r.out.Paint(cli.Dim, "Ctrl-C stops it."))
}

// quote makes a path safe to paste into a shell.
func quote(s string) string {
	if strings.ContainsAny(s, " \t\n'\"\\$`!*?[](){}<>|&;#~") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// baseURL takes what a node says it listens on, with or without a scheme.
func baseURL(s string) string {
	if u, err := remote.ParseURL(s); err == nil {
		return u
	}
	return s
}

// joinLines leaves out what is empty.
func joinLines(lines ...string) string {
	var some []string
	for _, l := range lines {
		if l != "" {
			some = append(some, l)
		}
	}
	return strings.Join(some, "\n")
}
