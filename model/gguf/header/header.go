// Package header reads what a GGUF file says of itself, without running it: names, sizes, the chat template, and whether the file
// is whole. It imports nothing of the project; the format is ggml's docs/gguf.md, version 2 and 3.
package header

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

var (
	// ErrFormat says that a file isn't GGUF, or breaks its rules.
	ErrFormat = errors.New("header: not a GGUF file")
	// ErrCut says that a file ends before its tensors do, as an aborted download does.
	ErrCut = errors.New("header: the file is cut off")
)

// Bounds; the greatest vocabularies have under 300,000 tokens.
const (
	maxPairs   = 65_536
	maxTensors = 65_536
	maxArray   = 16 << 20
	maxKey     = 65_535
	maxString  = 16 << 20
	maxKept    = 1 << 20 // of strings that are remembered
	maxDims    = 8
)

// Header is what a file says of itself.
type Header struct {
	Version    uint32
	Tensors    int
	Parameters uint64            // numbers in all tensors together
	Size       int64             // bytes of the file
	Text       map[string]string // values that are strings
	Numbers    map[string]float64
	Types      map[string]int // how many tensors are of each type
}

// Architecture is what llama.cpp calls the model's build, such as "llama".
func (h *Header) Architecture() string { return h.Text["general.architecture"] }

// Number is a value of the model's architecture, such as "context_length"; 0 if it isn't there.
func (h *Header) Number(name string) float64 { return h.Numbers[h.Architecture()+"."+name] }

// kind is a type of tensor: so many numbers take so many bytes (ggml.c, type_traits).
type kind struct {
	name           string
	numbers, bytes uint64
}

var kinds = map[uint32]kind{
	0: {"F32", 1, 4}, 1: {"F16", 1, 2}, 2: {"Q4_0", 32, 18}, 3: {"Q4_1", 32, 20}, 6: {"Q5_0", 32, 22}, 7: {"Q5_1", 32, 24}, 8: {"Q8_0", 32, 34}, 9: {"Q8_1", 32, 36},
	10: {"Q2_K", 256, 84}, 11: {"Q3_K", 256, 110}, 12: {"Q4_K", 256, 144}, 13: {"Q5_K", 256, 176}, 14: {"Q6_K", 256, 210}, 15: {"Q8_K", 256, 292},
	16: {"IQ2_XXS", 256, 66}, 17: {"IQ2_XS", 256, 74}, 18: {"IQ3_XXS", 256, 98}, 19: {"IQ1_S", 256, 50}, 20: {"IQ4_NL", 32, 18}, 21: {"IQ3_S", 256, 110},
	22: {"IQ2_S", 256, 82}, 23: {"IQ4_XS", 256, 136}, 24: {"I8", 1, 1}, 25: {"I16", 1, 2}, 26: {"I32", 1, 4}, 27: {"I64", 1, 8}, 28: {"F64", 1, 8},
	29: {"IQ1_M", 256, 56}, 30: {"BF16", 1, 2}, 34: {"TQ1_0", 256, 54}, 35: {"TQ2_0", 256, 66}, 39: {"MXFP4", 32, 17},
}

// Open reads the header of a file.
func Open(path string) (*Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h, err := Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// Read reads the header of a file of so many bytes.
func Read(file io.Reader, size int64) (*Header, error) {
	r := &reader{r: bufio.NewReaderSize(file, 1<<16)}
	h := &Header{Size: size, Text: map[string]string{}, Numbers: map[string]float64{}, Types: map[string]int{}}
	if magic := r.bytes(4); r.err != nil || string(magic) != "GGUF" {
		return nil, fmt.Errorf("%w: begins with %q", ErrFormat, magic)
	}
	if h.Version = r.u32(); r.err != nil {
		return nil, r.fail()
	}
	if h.Version != 2 && h.Version != 3 {
		return nil, fmt.Errorf("%w: version %d, 2 and 3 are known", ErrFormat, h.Version)
	}
	tensors, pairs := r.u64(), r.u64()
	if r.err != nil {
		return nil, r.fail()
	}
	if tensors > maxTensors || pairs > maxPairs {
		return nil, fmt.Errorf("%w: %d tensors and %d values, at most %d and %d are allowed", ErrFormat, tensors, pairs, maxTensors, maxPairs)
	}
	h.Tensors = int(tensors)
	for range pairs {
		h.pair(r)
		if r.err != nil {
			return nil, r.fail()
		}
	}
	end := uint64(0)
	for range tensors {
		end = max(end, h.tensor(r))
		if r.err != nil {
			return nil, r.fail()
		}
	}
	alignment := uint64(32)
	if a := h.Numbers["general.alignment"]; a >= 1 && a <= 1<<20 {
		alignment = uint64(a)
	}
	if whole := (uint64(r.read)+alignment-1)/alignment*alignment + end; tensors > 0 && uint64(size) < whole {
		return nil, fmt.Errorf("%w: it has %d bytes, its tensors end at %d", ErrCut, size, whole)
	}
	return h, nil
}

// pair reads a key and its value.
func (h *Header) pair(r *reader) {
	key := r.text(maxKey)
	t := r.u32()
	switch t {
	case typeString:
		if s := r.text(maxString); len(s) <= maxKept {
			h.Text[key] = s
		}
	case typeArray:
		of, n := r.u32(), r.u64()
		if n > maxArray || of == typeArray {
			r.spoil("array %q of %d values of type %d", key, n, of)
			return
		}
		for range n {
			if of == typeString {
				r.skip(r.u64(), maxString)
			} else {
				r.number(of)
			}
			if r.err != nil {
				return
			}
		}
	default:
		h.Numbers[key] = r.number(t)
	}
}

// tensor reads a tensor's description and returns where its data end.
func (h *Header) tensor(r *reader) (end uint64) {
	name := r.text(maxKey)
	dims := r.u32()
	if dims > maxDims {
		r.spoil("tensor %q of %d dimensions", name, dims)
		return 0
	}
	numbers := uint64(1)
	for range dims {
		d := r.u64()
		if d != 0 && numbers > math.MaxInt64/d {
			r.spoil("tensor %q is too large", name)
			return 0
		}
		numbers *= d
	}
	t, offset := r.u32(), r.u64()
	h.Parameters += numbers
	k, ok := kinds[t]
	if !ok {
		k = kind{fmt.Sprintf("type %d", t), 1, 0}
	}
	h.Types[k.name]++
	blocks := numbers / k.numbers
	if offset > math.MaxInt64/4 || k.bytes > 0 && blocks > math.MaxInt64/4/k.bytes {
		r.spoil("tensor %q at %d is too large", name, offset)
		return 0
	}
	return offset + blocks*k.bytes
}
