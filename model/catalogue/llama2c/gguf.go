package llama2c

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// Value and tensor types of GGUF.
const (
	typeUint32, typeInt32, typeFloat32, typeString, typeArray = 4, 5, 6, 8, 9
	tensorF32, tensorF16                                      = 0, 1
	alignment                                                 = 32 // GGUF's default
)

// Token types of llama.cpp (llama.h, llama_token_type).
const (
	tokenNormal, tokenUnknown, tokenControl, tokenByte = 1, 2, 3, 6
)

// Fixed places of SentencePiece's Llama vocabulary.
const (
	unknownID, beginID, endID, firstByteID = 0, 1, 2, 3
)

// WriteGGUF writes the model under a name. Equal models make equal bytes.
//
// The end token is <s>, not </s>: llama2.c's models are trained on texts each of which begins with <s>, so that is how one
// says that it is done, and run.c stops there.
func (m *Model) WriteGGUF(w io.Writer, name string) error {
	var h header
	h.text("general.architecture", "llama")
	h.text("general.name", name)
	h.number("general.file_type", 1) // mostly f16
	h.number("llama.context_length", m.Context)
	h.number("llama.embedding_length", m.Dim)
	h.number("llama.block_count", m.Layers)
	h.number("llama.feed_forward_length", m.Hidden)
	h.number("llama.attention.head_count", m.Heads)
	h.number("llama.attention.head_count_kv", m.KVHeads)
	h.number("llama.rope.dimension_count", m.Dim/m.Heads)
	h.number("llama.vocab_size", m.Vocab)
	h.float("llama.attention.layer_norm_rms_epsilon", 1e-5) // run.c, rmsnorm
	h.text("tokenizer.ggml.model", "llama")
	h.text("tokenizer.ggml.pre", "default")
	m.vocabulary(&h)
	h.number("tokenizer.ggml.bos_token_id", beginID)
	h.number("tokenizer.ggml.eos_token_id", beginID)
	h.number("tokenizer.ggml.unknown_token_id", unknownID)

	var b bytes.Buffer
	b.WriteString("GGUF")
	put(&b, uint32(3), uint64(len(m.tensors)), uint64(h.count))
	b.Write(h.Bytes())
	at := uint64(0)
	for _, t := range m.tensors {
		putString(&b, t.name)
		put(&b, uint32(len(t.dims)), t.dims, t.kind(), at)
		at += padded(t.bytes())
	}
	b.Write(make([]byte, padded(uint64(b.Len()))-uint64(b.Len())))
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	for _, t := range m.tensors {
		data := t.data
		if t.kind() == tensorF16 {
			data = halves(t.data)
		}
		if _, err := w.Write(append(data[:len(data):len(data)], make([]byte, padded(t.bytes())-t.bytes())...)); err != nil {
			return err
		}
	}
	return nil
}

// vocabulary writes the tokens as llama.cpp wants them: a space is U+2581, a byte is <0xNN>, control tokens have no newlines.
func (m *Model) vocabulary(h *header) {
	texts, scores, kinds := make([]string, m.Vocab), make([]float32, m.Vocab), make([]int32, m.Vocab)
	for i, t := range m.tokens {
		scores[i], kinds[i] = t.score, tokenNormal
		switch {
		case i == unknownID:
			texts[i], kinds[i] = "<unk>", tokenUnknown
		case i == beginID:
			texts[i], kinds[i] = "<s>", tokenControl
		case i == endID:
			texts[i], kinds[i] = "</s>", tokenControl
		case i >= firstByteID && i < firstByteID+256:
			texts[i], kinds[i] = fmt.Sprintf("<0x%02X>", i-firstByteID), tokenByte
		default:
			texts[i] = strings.ReplaceAll(t.text, " ", "\u2581")
		}
	}
	h.array("tokenizer.ggml.tokens", typeString, m.Vocab)
	for _, t := range texts {
		putString(&h.Buffer, t)
	}
	h.array("tokenizer.ggml.scores", typeFloat32, m.Vocab)
	put(&h.Buffer, scores)
	h.array("tokenizer.ggml.token_type", typeInt32, m.Vocab)
	put(&h.Buffer, kinds)
}

// header collects metadata.
type header struct {
	bytes.Buffer
	count int
}

func (h *header) key(key string, kind uint32) {
	h.count++
	putString(&h.Buffer, key)
	put(&h.Buffer, kind)
}

func (h *header) text(key, value string) {
	h.key(key, typeString)
	putString(&h.Buffer, value)
}

func (h *header) number(key string, value int) {
	h.key(key, typeUint32)
	put(&h.Buffer, uint32(value))
}

func (h *header) float(key string, value float32) {
	h.key(key, typeFloat32)
	put(&h.Buffer, value)
}

func (h *header) array(key string, kind uint32, n int) {
	h.key(key, typeArray)
	put(&h.Buffer, kind, uint64(n))
}

func putString(b *bytes.Buffer, s string) {
	put(b, uint64(len(s)))
	b.WriteString(s)
}

// put writes fixed-size values; a bytes.Buffer takes them all.
func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		_ = binary.Write(b, binary.LittleEndian, v)
	}
}

// kind is half precision for matrices; llama.cpp wants the vectors, which are norms, whole.
func (t tensor) kind() uint32 {
	if len(t.dims) == 1 {
		return tensorF32
	}
	return tensorF16
}

func (t tensor) bytes() uint64 {
	if t.kind() == tensorF16 {
		return uint64(len(t.data) / 2)
	}
	return uint64(len(t.data))
}

func padded(n uint64) uint64 { return (n + alignment - 1) / alignment * alignment }

func halves(floats []byte) []byte {
	out := make([]byte, len(floats)/2)
	for i := 0; i < len(out); i += 2 {
		binary.LittleEndian.PutUint16(out[i:], half(math.Float32frombits(binary.LittleEndian.Uint32(floats[2*i:]))))
	}
	return out
}

// half rounds to IEEE 754 binary16, ties to even; what is too large becomes infinite.
func half(f float32) uint16 {
	b := math.Float32bits(f)
	sign, exponent, mantissa := uint16(b>>16)&0x8000, int(b>>23&0xff)-127, b&0x7fffff
	switch {
	case exponent == 128 && mantissa != 0:
		return sign | 0x7e00
	case exponent > 15:
		return sign | 0x7c00
	case exponent < -25:
		return sign
	case exponent < -14: // subnormal: the hidden bit joins the mantissa, in units of 2^-24
		return sign | uint16(round(mantissa|0x800000, uint(-exponent-1)))
	}
	return sign | uint16(round(uint32(exponent+15)<<23|mantissa, 13)) // a carry moves into the exponent, as it should
}

// round shifts right by n, ties to even.
func round(x uint32, n uint) uint32 {
	q, rest, tie := x>>n, x&(1<<n-1), uint32(1)<<(n-1)
	if rest > tie || rest == tie && q&1 == 1 {
		q++
	}
	return q
}
