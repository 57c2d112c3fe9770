// Package webtest drives the page in a headless Chromium, for tests: a script of playwright-core runs in Node.js, does what
// a person would, and fails where the page does not keep up. It may import internal/npm, which brings playwright-core.
package webtest

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"funai/internal/npm"
)

//go:embed js
var files embed.FS

const (
	patience = 4 * time.Minute  // with one script
	parting  = 15 * time.Second // after it was asked to stop
)

// Drive runs a script, a file that may import ./browser.mjs, on the page at a URL. When it tells one of the words of does,
// that is done on the test's goroutine before the script goes on. The test fails if the script does, and is skipped where
// there is no Chromium or no Node.js.
func Drive(t *testing.T, script, url string, does map[string]func()) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine (tools/chromium installs Debian's): the page is not looked at")
	}
	dir := t.TempDir()
	js, err := fs.Sub(files, "js")
	if err != nil {
		t.Fatal(err)
	}
	if err := npm.Dir(t.Context(), js, dir); errors.Is(err, npm.ErrNone) {
		t.Skipf("%v: the page is not looked at", err)
	} else if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, filepath.Base(script))
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", name, url, chromium)
	cmd.Env = append(os.Environ(), "TMPDIR="+profiles(t))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it then ends its browser
	cmd.WaitDelay = parting
	var complaints strings.Builder
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended { // what the script asked for has failed the test
			cancel()
			t.Logf("%s: %v", script, cmd.Wait())
		}
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, ok := strings.CutPrefix(lines.Text(), "do ")
		if !ok {
			t.Log(lines.Text())
			continue
		}
		do := does[word]
		if do == nil {
			t.Fatalf("%s tells %q, which nothing answers", script, word)
		}
		do()
		if _, err := fmt.Fprintln(in, "done"); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Logf("%s is not listening: %v", script, err)
		}
	}
	ended = true
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", script, errors.Join(err, ctx.Err()), &complaints)
	}
}

// profiles is a folder for a browser's files. What the browser leaves behind may still write there when it is gone, so that
// t.TempDir would fail the test.
func profiles(t *testing.T) string {
	dir, err := os.MkdirTemp("", "funai-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for end := time.Now().Add(parting); os.RemoveAll(dir) != nil && time.Now().Before(end); {
			runtime.Gosched()
		}
	})
	return dir
}
