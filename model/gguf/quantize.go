package gguf

import (
	"fmt"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// quantisations are those that the catalogue makes, by llama.cpp's names.
var quantisations = map[string]llama.Ftype{"q8_0": llama.FtypeMostlyQ8_0, "q4_0": llama.FtypeMostlyQ4_0}

// Quantize writes a model's weights with fewer bits, "q8_0" or "q4_0", by llama.cpp's quantiser, as llama-quantize does by
// default. Equal weights make equal bytes with the same libraries.
func Quantize(libraries, from, to, kind string) error {
	ftype, ok := quantisations[kind]
	if !ok {
		return fmt.Errorf("%w: quantisation %q is none of q8_0, q4_0", ErrLoad, kind)
	}
	if err := loadLibraries(libraries); err != nil {
		return err
	}
	trouble.reset()
	p := llama.ModelQuantizeDefaultParams()
	p.Ftype, p.NThread = ftype, int32(defaultThreads())
	if code := llama.ModelQuantize(from, to, &p); code != 0 {
		return fmt.Errorf("%w: quantising %s to %s: code %d: %s", ErrLoad, from, kind, code, trouble.last())
	}
	return nil
}
