package catalogue

import (
	"errors"
	"slices"
	"testing"
)

func TestLibrariesFitTheMachine(t *testing.T) {
	cuda, vulkan := []string{"libcuda.so.1", "libcudart.so.13", "libcublas.so.13"}, []string{"libvulkan.so.1"}
	for name, c := range map[string]struct {
		platform string
		has      []string
		wanted   string
		want     []string
	}{
		"no GPU":                 {"linux/amd64", nil, "", []string{"linux/amd64"}},
		"NVIDIA with CUDA 13":    {"linux/amd64", slices.Concat(cuda, vulkan), "", []string{"linux/amd64/cuda", "linux/amd64/vulkan", "linux/amd64"}},
		"a driver alone":         {"linux/amd64", slices.Concat(cuda[:1], vulkan), "", []string{"linux/amd64/vulkan", "linux/amd64"}},
		"CUDA without a driver":  {"linux/amd64", cuda[1:], "", []string{"linux/amd64"}},
		"AMD or Intel":           {"linux/amd64", vulkan, "", []string{"linux/amd64/vulkan", "linux/amd64"}},
		"the processor, asked":   {"linux/amd64", slices.Concat(cuda, vulkan), VariantCPU, []string{"linux/amd64"}},
		"Vulkan, asked":          {"linux/amd64", nil, VariantVulkan, []string{"linux/amd64/vulkan"}},
		"no build for a GPU":     {"linux/arm64", slices.Concat(cuda, vulkan), "", []string{"linux/arm64"}},
		"Metal needs no variant": {"darwin/arm64", nil, "", []string{"darwin/arm64"}},
		"CUDA on a Mac":          {"darwin/arm64", nil, VariantCUDA, nil},
		"an unknown variant":     {"linux/amd64", nil, "tpu", nil},
		"an unknown system":      {"plan9/amd64", vulkan, "", nil},
	} {
		got, err := choose(machine{c.platform, func(name string) bool { return slices.Contains(c.has, name) }}, c.wanted)
		if !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) || err != nil && !errors.Is(err, ErrPlatform) {
			t.Errorf("%s: %q, want %q; %v", name, got, c.want, err)
		}
	}
	if m := thisMachine(); m.library("libnothing-of-that-name.so.7") {
		t.Error("a library that isn't there can be loaded")
	}
}

// TestLibrariesOfAGPUThatCanNotBeHad leaves the processor's, and says so only where no other was asked for.
func TestLibrariesOfAGPUThatCanNotBeHad(t *testing.T) {
	w := newWorld(t)
	f := w.fetcher(t.TempDir())
	f.npm = "false"
	f.machine = func() machine { return machine{"linux/amd64", func(string) bool { return true }} }
	_, err := f.EngineLibraries(t.Context(), nil)
	if !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	f.variant = VariantCUDA
	if _, err := f.EngineLibraries(t.Context(), nil); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
}
