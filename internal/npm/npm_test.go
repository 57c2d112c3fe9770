package npm

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// programs puts stand-ins for node and npm on the path: npm makes a folder of packages, and a line in a log.
func programs(t *testing.T, npm string) (log string) {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip(err)
	}
	bin := t.TempDir()
	log = filepath.Join(bin, "log")
	for name, script := range map[string]string{"node": "", "npm": npm} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	t.Setenv("FUNAI_CACHE", t.TempDir())
	t.Setenv("LOG", log)
	return log
}

func packages(t *testing.T, lock string) string {
	t.Helper()
	from := t.TempDir()
	for name, text := range map[string]string{"package.json": "{}", "package-lock.json": lock, "script.mjs": "// " + lock} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return from
}

func TestPackagesAreInstalledOncePerLockFile(t *testing.T) {
	log := programs(t, `test -f package-lock.json && mkdir node_modules && touch node_modules/p && echo "$@" >> "$LOG"`)
	a, b := packages(t, "a"), packages(t, "b")
	for _, from := range []string{a, b, a, a} {
		to := t.TempDir()
		if err := Dir(t.Context(), os.DirFS(from), to); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"script.mjs", "package.json", "node_modules/p"} {
			if _, err := os.Stat(filepath.Join(to, name)); err != nil {
				t.Error(err)
			}
		}
	}
	const one = "ci --ignore-scripts --no-audit --no-fund\n"
	if got, err := os.ReadFile(log); err != nil || string(got) != one+one {
		t.Errorf("npm was asked %q, %v; want %q", got, err, one+one)
	}
}

func TestFailedInstallationLeavesNothing(t *testing.T) {
	programs(t, "mkdir node_modules; echo no such package; exit 1")
	if err := Dir(t.Context(), os.DirFS(packages(t, "a")), t.TempDir()); err == nil {
		t.Fatal("no error")
	}
	if left, err := os.ReadDir(os.Getenv("FUNAI_CACHE")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestMachineWithoutNodeIsAnErrNone(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Dir(t.Context(), os.DirFS(packages(t, "a")), t.TempDir()); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
}
