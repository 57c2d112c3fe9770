package llama2c

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"
)

// small makes a valid model: width 8, hidden 12, 2 layers, 4 heads, 2 key heads, context 6.
func small(vocab int, shared bool) (weights, tokenizer []byte) {
	floats := vocab*8 + 2*(8+8*8+4*8*2+8*8+8+3*8*12) + 8 + 6*2
	signed := int32(vocab)
	if !shared {
		signed, floats = -signed, floats+vocab*8
	}
	var w, t bytes.Buffer
	put(&w, []int32{8, 12, 2, 4, 2, signed, 6})
	for i := range floats {
		put(&w, float32(i)/16)
	}
	put(&t, int32(7))
	for i := range vocab {
		text := fmt.Sprint(" ", i)
		put(&t, float32(-i), int32(len(text)))
		t.WriteString(text)
	}
	return w.Bytes(), t.Bytes()
}

func TestReadRefusesEveryOtherLength(t *testing.T) {
	for _, shared := range []bool{true, false} {
		w, k := small(261, shared)
		if m, err := Read(w, k); err != nil || m.Shared != shared {
			t.Fatal(m, err)
		}
		for _, bad := range [][2][]byte{
			{w[:len(w)-1], k}, {append(bytes.Clone(w), 0), k}, {w[:20], k}, {nil, k},
			{w, k[:len(k)-1]}, {w, append(bytes.Clone(k), 0)}, {w, k[:10]}, {w, nil},
		} {
			if _, err := Read(bad[0], bad[1]); !errors.Is(err, ErrFormat) {
				t.Fatalf("%d and %d bytes: %v", len(bad[0]), len(bad[1]), err)
			}
		}
		for field := range 7 {
			for _, value := range []int32{0, math.MinInt32, math.MaxInt32} {
				bad := bytes.Clone(w)
				binary.LittleEndian.PutUint32(bad[4*field:], uint32(value))
				if _, err := Read(bad, k); !errors.Is(err, ErrFormat) {
					t.Fatalf("header field %d of %d: %v", field, value, err)
				}
			}
		}
	}
}

func TestWriteGGUFLaysOutTensors(t *testing.T) {
	w, k := small(261, false)
	m, err := Read(w, k)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := errors.Join(m.WriteGGUF(&a, "small"), m.WriteGGUF(&b, "small")); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatal("not the same bytes twice", err)
	}
	got := a.Bytes()
	if string(got[:4]) != "GGUF" || binary.LittleEndian.Uint64(got[8:]) != 2*9+3 || len(got)%alignment != 0 {
		t.Fatalf("%q, %d tensors, %d bytes", got[:4], binary.LittleEndian.Uint64(got[8:]), len(got))
	}
	// The last tensor is the output matrix: half-precision values that continue where the rotary tables end.
	tail := got[len(got)-int(padded(261*8*2)):]
	first := float32(len(w)/4-7-261*8) / 16
	if v := binary.LittleEndian.Uint16(tail); v != half(first) {
		t.Fatalf("output begins with %#x, want %#x", v, half(first))
	}
	if !bytes.Contains(got, []byte("\u2581260")) || !bytes.Contains(got, []byte("<0xFF>")) {
		t.Fatal("tokens are not as llama.cpp writes them")
	}
}

// value of a binary16, exactly.
func value(h uint16) float64 {
	sign, exponent, mantissa := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
	switch exponent {
	case 0:
		return sign * math.Ldexp(mantissa, -24)
	case 31:
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1+mantissa/1024, exponent-15)
}

func TestHalfRoundsToNearestEven(t *testing.T) {
	for h := range uint16(0x7c00) {
		if got := half(float32(value(h))); got != h {
			t.Fatalf("%v is %#x, want %#x", value(h), got, h)
		}
		if h == 0x7bff {
			continue
		}
		middle := float32(value(h)/2 + value(h+1)/2)
		even := h + h&1
		for f, want := range map[float32]uint16{middle: even, math.Nextafter32(middle, 0): h, math.Nextafter32(middle, 1e9): h + 1} {
			if got := half(-f); got != want|0x8000 {
				t.Fatalf("-%v is %#x, want %#x", f, got, want|0x8000)
			}
		}
	}
	for f, want := range map[float32]uint16{65519: 0x7bff, 65520: 0x7c00, 1e9: 0x7c00, float32(math.Inf(-1)): 0xfc00, 1e-9: 0} {
		if got := half(f); got != want {
			t.Fatalf("%v is %#x, want %#x", f, got, want)
		}
	}
	if half(float32(math.NaN()))&0x7fff <= 0x7c00 {
		t.Fatal("NaN became a number")
	}
}

func FuzzRead(f *testing.F) {
	w, k := small(4, true)
	f.Add(w, k)
	w, k = small(4, false)
	f.Add(w, k)
	f.Add(w[:28], []byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, weights, tokenizer []byte) {
		if len(weights)+len(tokenizer) > 1<<16 {
			return
		}
		m, err := Read(weights, tokenizer)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		var b bytes.Buffer
		if err := m.WriteGGUF(&b, "fuzz"); err != nil {
			t.Fatal(err)
		}
	})
}
