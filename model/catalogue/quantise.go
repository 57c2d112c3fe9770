package catalogue

import (
	"context"
	"fmt"
	"io"

	"funai/model/gguf"
)

// quantise makes a model of its base. The caller holds the model's lock.
func (f *Fetcher) quantise(ctx context.Context, m Model, path string, p Progress) error {
	base, err := f.Ensure(ctx, m.base, p)
	if err != nil {
		return err
	}
	libraries, err := f.EngineLibraries(ctx, p)
	if err != nil {
		return err
	}
	if err := f.room(f.dir, 2*m.Size); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	report(p, m.Name, 0, m.Size)
	made := path + ".partial"
	defer func() { _ = remove(made) }()
	if err := gguf.Quantize(libraries, base, made, m.quant); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	if err := f.write(ctx, path, m.blob(), func(w io.Writer) error { return copyFile(w, made) }); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	report(p, m.Name, m.Size, m.Size)
	return nil
}
