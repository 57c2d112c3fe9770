package p2p

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

func TestFramesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		msgs := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3*firstRead), 0, 4).Draw(t, "messages")
		var w bytes.Buffer
		for _, m := range msgs {
			if err := writeFrame(&w, m); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range msgs {
			if got, err := readFrame(&w, len(m)); err != nil || !bytes.Equal(got, m) {
				t.Fatalf("%d bytes came back as %d, %v", len(m), len(got), err)
			}
		}
		if _, err := readFrame(&w, 1); err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0}, 0)
	f.Add([]byte{0, 0, 0, 2, 1, 2, 3}, 10)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, 1<<20)
	f.Add([]byte{0, 0}, 5)
	f.Fuzz(func(t *testing.T, b []byte, max int) {
		max %= 1 << 20 // negative ones, too
		got, err := readFrame(bytes.NewReader(b), max)
		switch {
		case err == nil:
			if len(got) > max || !bytes.Equal(got, b[4:4+len(got)]) {
				t.Fatalf("read %d bytes of %d, at most %d", len(got), len(b), max)
			}
		case !errors.Is(err, ErrTooLarge) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Fatalf("untyped error: %v", err)
		}
	})
}

// A peer that announces much and sends nothing must not cost us what it announced.
func TestAnnouncedLengthTakesNoMemory(t *testing.T) {
	announced := []byte{0, 0xff, 0xff, 0xff}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 100
	for range times {
		if _, err := readFrame(bytes.NewReader(announced), MaxFrame); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / times; n > 2*firstRead {
		t.Fatalf("%d bytes allocated for an empty frame of %d", n, 0xffffff)
	}
}
