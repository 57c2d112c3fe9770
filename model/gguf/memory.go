package gguf

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"funai/model"
	"funai/model/gguf/header"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// weigh is the size of the weights, or says that they are no whole model, or alone are too much.
func weigh(o Options) (int64, error) {
	h, err := header.Open(o.Path)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrLoad, err)
	}
	if o.Memory > 0 && h.Size > o.Memory {
		return 0, fmt.Errorf("%w: the weights in %s are %d bytes, there are %d", model.ErrMemory, o.Path, h.Size, o.Memory)
	}
	return h.Size, nil
}

// cacheBytes is what the keys and values of so many tokens take in f16, for models whose attention is of the usual kind.
func cacheBytes(m llama.Model, tokens int) int64 {
	heads := max(int64(llama.ModelNHead(m)), 1)
	width := int64(llama.ModelNEmbd(m)) / heads * int64(llama.ModelNHeadKV(m))
	return 2 * 2 * int64(llama.ModelNLayer(m)) * width * int64(tokens)
}

// defaultCache is two contexts, and up to one for every request that runs where that takes little.
func defaultCache(m llama.Model, o Options, weights int64) int {
	spare := max(weights/4, spareBytes)
	if o.Memory > 0 {
		spare = min(spare, (o.Memory-weights)/2)
	}
	return min(o.Running*o.Context, max(2*o.Context, int(spare/max(1, cacheBytes(m, 1)))))
}

// freeMemory is what Linux says can be had without swapping; 0 where that isn't known.
func freeMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// Footprint is about how many bytes a model takes once loaded with a context of so many tokens, judged by its file alone: its
// size, and half as much again for a cache and what computing takes.
func Footprint(path string) (int64, error) {
	n, err := weigh(Options{Path: path})
	return n + n/2, err
}
