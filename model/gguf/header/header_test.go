package header

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// file writes a small GGUF: one string, one number, one array, one tensor of 64 numbers in Q8_0.
func file(tensorBytes int) []byte {
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if s, ok := v.(string); ok {
				_ = binary.Write(&b, binary.LittleEndian, uint64(len(s)))
				b.WriteString(s)
				continue
			}
			_ = binary.Write(&b, binary.LittleEndian, v)
		}
	}
	b.WriteString("GGUF")
	put(uint32(3), uint64(1), uint64(4))
	put("general.architecture", uint32(typeString), "llama")
	put("llama.context_length", uint32(typeUint32), uint32(256))
	put("llama.scale", uint32(typeFloat32), float32(-1.5))
	put("tokens", uint32(typeArray), uint32(typeString), uint64(2), "a", "bc")
	put("weights", uint32(2), uint64(32), uint64(2), uint32(8), uint64(0))
	for b.Len()%32 != 0 {
		b.WriteByte(0)
	}
	b.Write(make([]byte, tensorBytes))
	return b.Bytes()
}

func TestHeaderIsRead(t *testing.T) {
	b := file(68)
	h, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil || h.Architecture() != "llama" || h.Number("context_length") != 256 || h.Number("scale") != -1.5 || h.Parameters != 64 || h.Types["Q8_0"] != 1 || h.Tensors != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
}

func TestCutFilesAreNamed(t *testing.T) {
	whole := file(68)
	for n := 4; n < len(whole); n++ {
		if _, err := Read(bytes.NewReader(whole[:n]), int64(n)); !errors.Is(err, ErrCut) && n >= 8 || err == nil {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	if _, err := Read(bytes.NewReader([]byte("PK\x03\x04")), 4); !errors.Is(err, ErrFormat) {
		t.Fatal(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(68))
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Read(bytes.NewReader(b), int64(len(b)))
		if err == nil && (h.Tensors > maxTensors || len(h.Text) > maxPairs) {
			t.Fatalf("%+v", h)
		}
	})
}
