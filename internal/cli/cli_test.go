package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// live is a screen as on a terminal that doesn't say how wide it is.
func live(b *bytes.Buffer, colour bool) *Screen { return &Screen{w: b, file: os.Stdin, colour: colour} }

func none(string) string { return "" }

func TestOnlyTerminalsAreColouredAndRedrawn(t *testing.T) {
	var b bytes.Buffer
	s := NewScreen(&b, none)
	spin := s.Spin("waiting")
	spin.Say("still")
	spin.Stop()
	spin.Stop()
	s.Field("fee", s.Paint(Red, "1 FAI\n2 FAI"))
	if want := "  fee        1 FAI\n             2 FAI\n"; b.String() != want || s.Live() {
		t.Errorf("%q, not %q", b.String(), want)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if NewScreen(f, none).Live() {
		t.Error("a file is taken for a terminal")
	}
	if w, h := s.Size(); w != defaultWidth || h != 0 {
		t.Errorf("size %d by %d", w, h)
	}
}

func TestColoursAreOnlyAddedWhereWanted(t *testing.T) {
	var b bytes.Buffer
	if got := live(&b, true).Paint(Green, "ok"); got != "\x1b[32mok\x1b[0m" {
		t.Errorf("%q", got)
	}
	if got := live(&b, false).Paint(Green, "ok") + live(&b, true).Paint(Plain, "a") + live(&b, true).Paint(Red, ""); got != "oka" {
		t.Errorf("%q", got)
	}
}

func TestSpinnerLeavesNothingBehind(t *testing.T) {
	var b bytes.Buffer
	s := live(&b, false)
	p := s.Spin(strings.Repeat("long ", 100))
	p.Stop()
	out := b.String()
	if !strings.Contains(out, "long") || !strings.HasSuffix(out, eraseLine) || strings.Contains(out, "\n") {
		t.Errorf("%q", out)
	}
	for _, frame := range strings.Split(out, eraseLine) {
		if utf8.RuneCountInString(frame) >= defaultWidth {
			t.Errorf("%q is wider than the terminal", frame)
		}
	}
}

func TestTextOfStrangersCannotSteerATerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		for _, r := range Clean(in) {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || r == utf8.RuneError {
				t.Fatalf("%q keeps %q", in, r)
			}
		}
		limit := rapid.IntRange(1, 50).Draw(t, "limit")
		if l := Line(in, limit); utf8.RuneCountInString(l) > limit || strings.ContainsAny(l, "\n\t") {
			t.Fatalf("%q is no line of %d", l, limit)
		}
	})
	if got := Clean("a\x1b[31mb\r\n\u202eevil\u009b1m\xff"); got != "a[31mb\nevil1m" {
		t.Errorf("%q", got)
	}
	if got := Clean("naïve 日本 🙂"); got != "naïve 日本 🙂" {
		t.Errorf("%q", got)
	}
}

func TestNumbersReadWell(t *testing.T) {
	for got, want := range map[string]string{
		Count(0): "0", Count(999): "999", Count(1000): "1,000", Count(uint64(1234567)): "1,234,567", Count(-4321): "-4,321",
		Bytes(999): "999 B", Bytes(1000): "1.0 kB", Bytes(322_591_712): "322.6 MB", Bytes(5e12): "5.0 TB",
		Plural(1, "seat"): "1 seat", Plural(0, "seat"): "0 seats", Plural(2000, "seat"): "2,000 seats",
		Short("faid1asker"): "faid1asker", Short("00112233445566778899"): "00112233…8899",
		Ago(-time.Second): "just now", Ago(61 * time.Second): "61 s ago", Ago(5 * time.Minute): "5 min ago",
		Ago(3 * time.Hour): "3 h ago", Ago(72 * time.Hour): "3 days ago",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestTableAlignsByPointAndDropsEmptyColumns(t *testing.T) {
	var b bytes.Buffer
	s := live(&b, false)
	tab := NewTable("name", ".fee", "nothing", ">n", "note")
	tab.Row("a", "1.25", "", "7", Cell{"x", Red})
	tab.Row("long name", "12", "", "1,000")
	tab.Row("b", "", "", "", "y")
	tab.Print(s)
	want := "" +
		"  name         fee      n  note\n" +
		"  a           1.25      7  x\n" +
		"  long name  12     1,000\n" +
		"  b                        y\n"
	if b.String() != want || tab.Len() != 3 {
		t.Errorf("\n%s\nnot\n%s", b.String(), want)
	}
}

func TestTableLooksAlikeInColour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`[a-z0-9.é]{0,9}`)
		tab := NewTable("name", ".sum", ">count", "")
		for range rapid.IntRange(0, 8).Draw(t, "rows") {
			tab.Row(Cell{cell.Draw(t, "a"), Red}, Cell{cell.Draw(t, "b"), Bold}, Cell{cell.Draw(t, "c"), Dim}, Cell{cell.Draw(t, "d"), Green})
		}
		var plain, coloured bytes.Buffer
		tab.Print(live(&plain, false))
		tab.Print(live(&coloured, true))
		for _, line := range strings.Split(plain.String(), "\n") {
			if strings.TrimRight(line, " ") != line && line != "  " {
				t.Fatalf("%q ends in spaces", line)
			}
		}
		if got := strip(coloured.String()); got != plain.String() {
			t.Fatalf("%q, not %q", got, plain.String())
		}
	})
}

// strip takes styles away.
func strip(s string) string {
	var b strings.Builder
	for s != "" {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			break
		}
		_, s, _ = strings.Cut(after, "m")
	}
	return b.String()
}

func TestRedrawFitsTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := live(&bytes.Buffer{}, true)
		var line strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, "pieces") {
			line.WriteString(s.Paint(Red, rapid.StringMatching(`[a-zé ]{0,9}`).Draw(t, "piece")) + "x")
		}
		width := rapid.IntRange(0, 40).Draw(t, "width")
		got := strip(fit(line.String(), width))
		if n := utf8.RuneCountInString(got); n > width || !strings.HasPrefix(strip(line.String()), got) {
			t.Fatalf("%q is no beginning of %q in %d", got, line.String(), width)
		}
	})
	var b bytes.Buffer
	s := live(&b, true)
	restore := s.Full()
	s.Redraw("one\ntwo")
	restore()
	if want := "\x1b[?1049h\x1b[?25l\x1b[Hone\x1b[K\ntwo\x1b[K\x1b[J\x1b[?25h\x1b[?1049l"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestDownloadsAreLinesInALogAndBarsForAPerson(t *testing.T) {
	run := func(s *Screen) {
		d := NewDownloads(s)
		for _, done := range []int64{1, 10, 26, 27, 60, 99, 100, 100} {
			d.Update("part1", done*1e6, 100e6)
		}
		d.Update("part1", 1e6, 100e6) // from another source
		d.Update("whole", 5, -1)
		d.Update("whole", 6, -1)
		d.End()
		d.End()
	}
	var b bytes.Buffer
	run(NewScreen(&b, none))
	want := "downloading part1: 1.0 MB of 100.0 MB\ndownloading part1: 26.0 MB of 100.0 MB\ndownloading part1: 60.0 MB of 100.0 MB\n" +
		"downloading part1: 99.0 MB of 100.0 MB\ndownloading part1: 100.0 MB of 100.0 MB\n"
	if got := b.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "downloading whole\n") {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	b.Reset()
	run(live(&b, false))
	if out := b.String(); !strings.Contains(out, "part1") || !strings.Contains(out, "100%") || strings.Count(out, "\n") != 3 {
		t.Errorf("%q", out)
	}
}

func TestLogFileIsBoundedAndWritesWholeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "funai.log")
	l, err := OpenLog(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(strings.Repeat("x", 29) + "\n")
	for range 11 {
		if n, err := l.Write(line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l.Close() != nil {
		t.Error("closing again fails")
	}
	if _, err := l.Write(line); err == nil {
		t.Error("a closed log takes lines")
	}
	for name, want := range map[string]int{path: 60, path + ".old": 90} {
		info, err := os.Stat(name)
		if err != nil || info.Size() != int64(want) || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %+v, %v; not %d bytes", name, info, err, want)
		}
	}
	if l, err = OpenLog(path, 100); err != nil { // goes on where it was
		t.Fatal(err)
	}
	l.Write(line)
	l.Write(line)
	l.Close()
	if info, _ := os.Stat(path); info.Size() != 30 {
		t.Errorf("%d bytes after opening again", info.Size())
	}
	if _, err := OpenLog(t.TempDir(), 1); err == nil {
		t.Error("a folder is taken for a log file")
	}
}

func TestJSONIsOneLine(t *testing.T) {
	var b bytes.Buffer
	if err := NewScreen(&b, none).JSON(map[string]string{"a": "<b>\n"}); err != nil || b.String() != `{"a":"<b>\n"}`+"\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}
