package gguf

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"pgregory.net/rapid"
)

func TestSpellingIsTheSameHoweverItIsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.Rune(), 1, 2, -1), rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 3), func(b []byte) string { return string(b) }))).Draw(t, "pieces")
		whole := strings.Join(pieces, "")
		spell := func(pieces []string) string {
			var s spelling
			out := ""
			for _, p := range pieces {
				out += s.add(p)
				if !utf8.ValidString(out) {
					t.Fatalf("%q isn't UTF-8", out)
				}
			}
			return out + s.end()
		}
		bytes := make([]string, len(whole))
		for i := range bytes {
			bytes[i] = whole[i : i+1]
		}
		a, b, c := spell(pieces), spell([]string{whole}), spell(bytes)
		if a != b || b != c || utf8.ValidString(whole) && a != whole {
			t.Fatalf("%q, %q, %q of %q", a, b, c, whole)
		}
	})
}

func TestPrefixKeepsALastTokenToFeed(t *testing.T) {
	for _, c := range []struct {
		kept, prompt []int32
		want         int
	}{{nil, []int32{1}, 0}, {[]int32{1, 2, 3}, []int32{1, 2, 3}, 2}, {[]int32{1, 2}, []int32{1, 9, 3}, 1}, {[]int32{1}, []int32{1, 2, 3}, 1}} {
		if got := shared(c.kept, c.prompt); got != c.want {
			t.Errorf("%v of %v: %d, want %d", c.kept, c.prompt, got, c.want)
		}
	}
}

func TestComplaintsAreBounded(t *testing.T) {
	var c complaints
	text := append([]byte(strings.Repeat("x", 2000)), 0)
	for range 9 {
		c.hear(4, address(text), 0)
		c.hear(2, address(text), 0)
	}
	if lines := strings.Split(c.last(), "; "); len(lines) != 4 || !slices.Equal(lines[:1], lines[1:2]) || len(lines[0]) != 1000 {
		t.Fatal(len(lines), len(lines[0]))
	}
	if c.reset(); c.last() != "" {
		t.Fatal(c.last())
	}
}

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

// TestPrefillBesideStreamsGoesByTime bounds a step while answers stream by how fast the machine is.
func TestPrefillBesideStreamsGoesByTime(t *testing.T) {
	l := &loop{most: batchTokens}
	if l.share() != sharedTokens {
		t.Fatal(l.share())
	}
	for took, want := range map[time.Duration]int{time.Nanosecond: batchTokens, 10 * time.Millisecond: 25, time.Second: leastTokens} {
		l.pace = 0
		for range 9 {
			l.keepPace(took)
		}
		if l.share() != want {
			t.Errorf("%d at %v a token, want %d", l.share(), took, want)
		}
	}
}

// TestWhoLeavesIsToldNoEnd leaves in the middle of an embedding: its caller, who finds that its context is done and the end there at
// once, must not take the texts embedded so far for all.
func TestWhoLeavesIsToldNoEnd(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	j := &job{texts: make([][]int32, 3), gone: ctx.Done(), out: newMailbox()}
	l := &loop{e: &Engine{queue: newQueue(2)}, texts: &embedding{job: j, out: make([][]float32, 2)}}
	pushAll(t, l.e.queue, j)
	if !l.e.queue.take(j) {
		t.Fatal("not there")
	}
	leave()
	l.embedNext()
	if told := j.out.take(); len(told) > 0 || l.texts != nil || l.e.queue.taken != 0 {
		t.Fatal(told, l.texts, l.e.queue.taken)
	}
}
