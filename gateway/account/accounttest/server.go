package accounttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// serverStart bounds how long the server may take to come up on a busy machine.
const serverStart = 2 * time.Minute

// Postgres starts a real PostgreSQL server with an empty database, and returns its URL. It ends with the test. Where no
// server is installed the test is skipped.
func Postgres(t testing.TB) string {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Skipf("PostgreSQL is not installed (Debian's package postgresql has it): %v", err)
	}
	// Sockets have short paths, and another user may have to get here.
	dir, err := os.MkdirTemp("/tmp", "funai-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := hand(dir); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	start := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...) //nolint:noctx // ended below
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		unprivileged(cmd)
		return cmd
	}
	if out, err := start("initdb", "-D", data, "-A", "trust", "-U", "funai", "-N").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := start("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60")
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt) // fast shutdown; it may have ended by itself
		if err := <-ended; err != nil {
			t.Logf("PostgreSQL ended with %v", err)
		}
	})
	url := fmt.Sprintf("host=%s user=funai dbname=postgres", dir)
	if err := up(t.Context(), url, ended); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return url
}

// up waits for the server to answer.
func up(ctx context.Context, url string, ended chan error) error {
	ctx, cancel := context.WithTimeout(ctx, serverStart)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := pgx.Connect(ctx, url)
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case e := <-ended:
			ended <- e
			return fmt.Errorf("the server ended: %w", e)
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// programs finds the folder of initdb and postgres: Debian's newest version, or what PATH has.
func programs() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Sort(dirs)
	slices.Reverse(dirs)
	if p, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, d := range dirs {
		if both(d) {
			return d, nil
		}
	}
	return "", errors.New("no folder with initdb and postgres in /usr/lib/postgresql or PATH")
}

func both(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
