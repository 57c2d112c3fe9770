package catalogue

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Variants of the engine libraries. A Mac's GPU needs none of its own: Metal is part of the build for Apple's processors.
const (
	VariantCPU    = "cpu"
	VariantCUDA   = "cuda"
	VariantVulkan = "vulkan"
)

// machine is what decides which build runs here.
type machine struct {
	platform string                 // GOOS/GOARCH
	library  func(name string) bool // whether a shared library can be loaded
}

// needed are the libraries of the system that a variant's own need (readelf -d): NVIDIA's driver and CUDA 13's runtime, or the
// Vulkan loader, which comes with a driver.
var needed = map[string][]string{
	VariantCUDA:   {"libcuda.so.1", "libcudart.so.13", "libcublas.so.13"},
	VariantVulkan: {"libvulkan.so.1"},
}

// choose returns the builds to try, best first. Of a variant that was asked for by name nothing else is tried.
func choose(m machine, wanted string) ([]string, error) {
	if _, ok := engineLibraries(m.platform); !ok {
		return nil, fmt.Errorf("%w: %s", ErrPlatform, m.platform)
	}
	switch wanted {
	case "":
	case VariantCPU:
		return []string{m.platform}, nil
	default:
		build := m.platform + "/" + wanted
		if _, ok := engineLibraries(build); !ok {
			return nil, fmt.Errorf("%w: %s", ErrPlatform, build)
		}
		return []string{build}, nil
	}
	var builds []string
	for _, variant := range []string{VariantCUDA, VariantVulkan} {
		build := m.platform + "/" + variant
		if _, ok := engineLibraries(build); ok && !slices.ContainsFunc(needed[variant], func(name string) bool { return !m.library(name) }) {
			builds = append(builds, build)
		}
	}
	return append(builds, m.platform), nil
}

// thisMachine is the one that we run on.
func thisMachine() machine {
	return machine{strings.Join([]string{runtime.GOOS, runtime.GOARCH}, "/"), canLoad}
}
