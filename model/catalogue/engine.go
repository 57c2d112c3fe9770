package catalogue

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// EngineVersion is the llama.cpp release whose libraries are fetched; yzma's version in go.mod must know it.
const EngineVersion = "v0.4.0"

// libraries says where a platform's build of llama.cpp is. Sum is of the lines "<sha256>  <name>\n" of its files in order of
// name, as sha256sum prints them.
type libraries struct {
	npm npmFile // member is the folder
	sum string
}

// The builds of node-llama-cpp 3.21.1 (MIT), by GOOS/GOARCH and, with a GPU, a variant. Windows is missing because its linker
// can't be told that the short and the versioned name of a library are the same file.
func engineLibraries(build string) (libraries, bool) {
	is := func(name string, size int64, tarball, sum string) (libraries, bool) {
		return libraries{npmFile{"@node-llama-cpp/" + name, "3.21.1", size, tarball, "bins/" + name, 0}, sum}, true
	}
	switch build {
	case "linux/amd64/cuda":
		return is("linux-x64-cuda", 142_850_036, "499b4012541cb3e01b3d35e18e7dd2dc546174979494b02dbcc0a6667ed6b7d9",
			"92190135cd0aab75a968e961971e74b4b065dd9ee364009ba2b59a1f01f2689b")
	case "linux/amd64/vulkan":
		return is("linux-x64-vulkan", 27_476_121, "4877be47f01586481615aec277c23c7f660592ce66eec2753ff1dcc967a9a0d2",
			"23b8b9edcbe497e0fc9ca0e75b0f4839044a5721c5fc0648d4c7352791925eaa")
	case "linux/amd64":
		return is("linux-x64", 10_582_760, "4b5b65a8b2611d8af94349b02d815c0f424a30a0a19aef2be5db25ecfef6730f",
			"5006b661c8d853b4320bd9501ca740917e79270e5bc083421fc26abb3fa250f0")
	case "linux/arm64":
		return is("linux-arm64", 7_213_055, "2c4271d060429701d27c7b0fd5ba8e83b37d36c427faf97d54d003d5d73b62dd",
			"f5c04f7aafb20b489a718330f746e5f1c47af37d84171818e89e3dff85171537")
	case "darwin/arm64":
		return is("mac-arm64-metal", 4_858_447, "cd11a52fab1935fde5abd221b5ecf8167686b45e386b6a02df49cb9b2814e9d6",
			"6638b2d2153a8cfc83585348121ecb3d67978d9aac97af3ad9724eb618153dde")
	case "darwin/amd64":
		return is("mac-x64", 10_809_280, "3bcc6b2d6d3618098a36c9c01ae3afff1599f336a826cd54b1a55a73ed2159a7",
			"498d0592ae7f6647d22eac83b31191228f1057da846536d1e3338e52a0a2ed32")
	}
	return libraries{}, false
}

// EngineLibraries returns a folder with llama.cpp's shared libraries for this machine, fetching them first if need be: those for
// its GPU if it has one that they can use, else those for its processor. All of them are hashed every time: they are small, and
// they are code.
func (f *Fetcher) EngineLibraries(ctx context.Context, p Progress) (string, error) {
	builds, err := choose(f.machine(), f.variant)
	if err != nil {
		return "", err
	}
	for i, build := range builds {
		l, ok := engineLibraries(build)
		if !ok {
			return "", fmt.Errorf("%w: %s", ErrPlatform, build)
		}
		dir, err := f.libraries(ctx, l, p)
		if err == nil || ctx.Err() != nil || i == len(builds)-1 {
			return dir, err
		}
		f.log.Warn("no engine libraries for the GPU; the processor has to do", "build", build, "error", err)
	}
	return "", ErrPlatform
}

// libraries fetches one build.
func (f *Fetcher) libraries(ctx context.Context, l libraries, p Progress) (string, error) {
	asset := "llama.cpp-" + EngineVersion + "-" + filepath.Base(l.npm.member)
	dir := filepath.Join(f.dir, "engine", asset+"-"+l.sum[:8])
	if sum, err := treeSum(ctx, dir); err == nil && sum == l.sum {
		return dir, nil
	}
	unlock, err := f.lock(ctx, asset)
	if err != nil {
		return "", err
	}
	defer unlock()
	sum, err := treeSum(ctx, dir)
	if err == nil && sum == l.sum {
		return dir, nil
	}
	if err == nil {
		f.log.Warn("engine libraries are corrupt; fetching them again", "path", dir)
	}
	tarball, err := f.tarball(ctx, f.downloads(asset), l.npm, p)
	if err != nil {
		return "", fmt.Errorf("%s: %w; %s: %w", asset, ErrUnavailable, source{npm: &l.npm}, err)
	}
	temporary := dir + ".tmp"
	if err := errors.Join(os.RemoveAll(temporary), os.MkdirAll(temporary, 0o755), f.room(temporary, 4*l.npm.size)); err != nil {
		return "", err
	}
	if err := extractLibraries(ctx, tarball, "package/"+l.npm.member+"/", temporary); err != nil {
		return "", full(err)
	}
	if sum, err := treeSum(ctx, temporary); err != nil || sum != l.sum {
		return "", errors.Join(fmt.Errorf("%w: libraries of %s are %s, pinned is %s", ErrChecksum, l.npm.spec(), sum, l.sum), err)
	}
	if err := errors.Join(os.RemoveAll(dir), os.Rename(temporary, dir)); err != nil {
		return "", err
	}
	syncDir(filepath.Dir(dir))
	return dir, os.RemoveAll(f.downloads(asset))
}

// extractLibraries unpacks the libraries of a folder and gives the versioned ones their short names, by which yzma loads them.
// The link has to be a link: a copy would be loaded a second time, beside the one that its siblings ask for.
func extractLibraries(ctx context.Context, archive, folder, dir string) error {
	return eachMember(archive, func(h *tar.Header, r io.Reader) error {
		name, ok := strings.CutPrefix(h.Name, folder)
		if !ok || strings.ContainsAny(name, `/\`) || !isLibrary(name) {
			return nil
		}
		w, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer w.Close()
		if _, err := io.Copy(writer{ctx, w}, r); err != nil {
			return err
		}
		if short := shortName(name); short != name {
			if err := os.Symlink(name, filepath.Join(dir, short)); err != nil {
				return err
			}
		}
		return errors.Join(w.Sync(), w.Close())
	})
}

// isLibrary leaves out node's own binding and the command-line tools' helpers.
func isLibrary(name string) bool {
	return (strings.HasSuffix(name, ".so") || strings.HasSuffix(name, ".dylib")) && !strings.HasPrefix(name, "libllama-common")
}

// shortName turns libllama.cuda.v0.4.0.so and libllama.metal.v0.4.0.dylib into libllama.so and libllama.dylib.
func shortName(name string) string {
	stem, _, found := strings.Cut(name, "."+EngineVersion)
	if !found {
		return name
	}
	stem, _, _ = strings.Cut(stem, ".") // the variant
	return stem + filepath.Ext(name)
}

// treeSum hashes the regular files of a folder; beside them only the links to short names may be there.
func treeSum(ctx context.Context, dir string) (string, error) {
	entries, err := os.ReadDir(dir) // in order of name
	if err != nil {
		return "", err
	}
	links := 0
	h := sha256.New()
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() {
			links++
			continue
		}
		sum, err := hashFile(ctx, filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s  %s\n", sum, name)
		if short := shortName(name); short != name {
			links--
			if to, err := os.Readlink(filepath.Join(dir, short)); err != nil || to != name {
				return "", fmt.Errorf("catalogue: %s isn't a link to %s", short, name)
			}
		}
	}
	if links != 0 {
		return "", fmt.Errorf("catalogue: %s has %d entries that don't belong there", dir, links)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
