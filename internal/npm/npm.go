// Package npm has npm fetch JavaScript packages for tests that run other people's programs beside ours. It installs what a
// lock file names, by its hashes, once for each lock file and machine, into the cache folder ($FUNAI_CACHE, else "funai" in
// the user's).
package npm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"funai/internal/cachedir"
)

// ErrNone says that this machine has no Node.js or no npm.
var ErrNone = errors.New("no Node.js and npm on this machine")

// patience bounds an installation.
const patience = 5 * time.Minute

// Dir copies everything in from, a folder that has a package.json and a package-lock.json, to the empty folder to, and puts
// the packages that they name beside it, ready for node to run there. Without Node.js the error is an ErrNone.
func Dir(ctx context.Context, from fs.FS, to string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: %w", ErrNone, err)
		}
	}
	lock, err := fs.ReadFile(from, "package-lock.json")
	if err != nil {
		return err
	}
	cache, err := cachedir.Path()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "npm-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err != nil {
		if err := install(ctx, from, cache, dir); err != nil {
			return err
		}
	}
	// The files are of this version of the tree, beside a way to the packages.
	if err := os.CopyFS(to, from); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(dir, "node_modules"), filepath.Join(to, "node_modules"))
}

// install puts the packages in place at once, so that what is there is whole.
func install(ctx context.Context, from fs.FS, cache, dir string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(cache, "npm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for _, name := range []string{"package.json", "package-lock.json"} {
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o600); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // no other run was first
			return err
		}
	}
	return nil
}
