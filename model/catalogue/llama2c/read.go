// Package llama2c converts the models of Karpathy's llama2.c to GGUF, the same bytes every time. It reads the "legacy"
// export (github.com/karpathy/llama2.c, export.py version 0 and run.c) with its tokenizer.bin, and writes GGUF version 3
// (github.com/ggml-org/ggml, docs/gguf.md) with matrices in half precision. It imports only the standard library.
package llama2c

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrFormat says that weights or tokenizer aren't what llama2.c writes.
var ErrFormat = errors.New("llama2c: bad format")

// Bounds of what is read; the greatest model of llama2.c's family (Llama 2 7B) stays below each.
const (
	maxWidth  = 1 << 14
	maxLayers = 128
	maxVocab  = 1 << 17
	maxToken  = 1 << 10 // bytes
)

// Config is the header of a weights file.
type Config struct {
	Dim, Hidden, Layers, Heads, KVHeads, Vocab, Context int
	Shared                                              bool // the output matrix is the embedding
}

// Model is a read model; its tensors point into the bytes it was read from.
type Model struct {
	Config
	tensors []tensor
	tokens  []token
}

type tensor struct {
	name string
	dims []uint64 // fastest first, as GGUF has them
	data []byte   // float32, little-endian
}

type token struct {
	text  string
	score float32
}

// Read checks and reads weights and tokenizer.
func Read(weights, tokenizer []byte) (*Model, error) {
	m := &Model{}
	if err := m.readConfig(weights); err != nil {
		return nil, err
	}
	if err := m.readWeights(weights[headerBytes:]); err != nil {
		return nil, err
	}
	if err := m.readTokens(tokenizer); err != nil {
		return nil, err
	}
	return m, nil
}

const headerBytes = 7 * 4

func (m *Model) readConfig(b []byte) error {
	if len(b) < headerBytes {
		return fmt.Errorf("%w: %d bytes are less than a header of %d", ErrFormat, len(b), headerBytes)
	}
	var h [7]int
	for i := range h {
		h[i] = int(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	m.Config = Config{Dim: h[0], Hidden: h[1], Layers: h[2], Heads: h[3], KVHeads: h[4], Vocab: h[5], Context: h[6], Shared: h[5] > 0}
	if !m.Shared { // run.c: a negative vocabulary marks an output matrix of its own
		m.Vocab = -m.Vocab
	}
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"width", m.Dim, maxWidth}, {"hidden width", m.Hidden, 4 * maxWidth}, {"layers", m.Layers, maxLayers}, {"heads", m.Heads, m.Dim},
		{"key heads", m.KVHeads, m.Heads}, {"vocabulary", m.Vocab, maxVocab}, {"context", m.Context, 1 << 20},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("%w: %s of %d isn't between 1 and %d", ErrFormat, f.name, f.value, f.max)
		}
	}
	if m.Dim%m.Heads != 0 || m.Heads%m.KVHeads != 0 || m.Dim/m.Heads%2 != 0 {
		return fmt.Errorf("%w: width %d, %d heads and %d key heads don't fit", ErrFormat, m.Dim, m.Heads, m.KVHeads)
	}
	return nil
}

// readWeights slices the tensors in the order of run.c's memory_map_weights.
func (m *Model) readWeights(b []byte) error {
	dim, hidden, head := m.Dim, m.Hidden, m.Dim/m.Heads
	kv := head * m.KVHeads
	type group struct {
		name    string
		in, out int // out 0: a vector
		layers  bool
	}
	order := []group{
		{"token_embd", dim, m.Vocab, false},
		{"attn_norm", dim, 0, true}, {"attn_q", dim, dim, true}, {"attn_k", dim, kv, true}, {"attn_v", dim, kv, true},
		{"attn_output", dim, dim, true}, {"ffn_norm", dim, 0, true}, {"ffn_gate", dim, hidden, true},
		{"ffn_down", hidden, dim, true}, {"ffn_up", dim, hidden, true},
		{"output_norm", dim, 0, false},
		{"", head, m.Context, false}, // rotary tables, which readers compute
	}
	if !m.Shared {
		order = append(order, group{"output", dim, m.Vocab, false})
	}
	want := 0
	for _, g := range order {
		n := 4 * g.in * max(g.out, 1)
		if g.layers {
			n *= m.Layers
		}
		want += n
	}
	if len(b) != want {
		return fmt.Errorf("%w: %d bytes of weights, the header says %d", ErrFormat, len(b), want)
	}
	for _, g := range order {
		dims := []uint64{uint64(g.in)}
		if g.out > 0 {
			dims = append(dims, uint64(g.out))
		}
		n := 4 * g.in * max(g.out, 1)
		repeat := 1
		if g.layers {
			repeat = m.Layers
		}
		for l := range repeat {
			name := g.name + ".weight"
			if g.layers {
				name = fmt.Sprintf("blk.%d.%s", l, name)
			}
			if g.name != "" {
				m.tensors = append(m.tensors, tensor{name, dims, b[:n]})
			}
			b = b[n:]
		}
	}
	return nil
}

// readTokens reads tokenizer.bin: the longest token's length, then score, length and bytes of each token.
func (m *Model) readTokens(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("%w: tokenizer of %d bytes", ErrFormat, len(b))
	}
	b = b[4:]
	m.tokens = make([]token, m.Vocab)
	for i := range m.tokens {
		if len(b) < 8 {
			return fmt.Errorf("%w: tokenizer ends at token %d of %d", ErrFormat, i, m.Vocab)
		}
		score, n := math.Float32frombits(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[4:])
		b = b[8:]
		if n > maxToken || int(n) > len(b) {
			return fmt.Errorf("%w: token %d of %d bytes, where %d are left and %d allowed", ErrFormat, i, n, len(b), maxToken)
		}
		m.tokens[i] = token{string(b[:n]), score}
		b = b[n:]
	}
	if len(b) != 0 {
		return fmt.Errorf("%w: %d bytes after %d tokens", ErrFormat, len(b), m.Vocab)
	}
	return nil
}
