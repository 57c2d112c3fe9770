package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"funai/internal/cli/remote"
)

// A data directory belongs to one network. These files in it are for the commands; the rest is the node's.
const (
	endpointFile = "endpoint"  // URL of the gateway of the node that runs from here
	cookieFile   = "cookie"    // token that lets its reader spend from that node's wallet
	keyFile      = "key"       // the person's key on that network
	logFile      = "funai.log" // and funai.log.old
)

const maxSmall = 4 << 10 // bytes read of an endpoint or cookie file

// networks by name, each with a data directory of that name.
func networks() []string { return []string{"dev", "test", "main"} }

// base holds the data directories: $FUNAI_DIR, or .funai in the home directory.
func (a *app) base() (string, error) {
	if dir := a.getenv("FUNAI_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home directory (set FUNAI_DIR): %w", err)
	}
	return filepath.Join(home, ".funai"), nil
}

// dataDir is the directory given, or else the network's own.
func (a *app) dataDir(given, network string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	base, err := a.base()
	return filepath.Join(base, network), err
}

// target says which running node a command talks to.
type target struct{ dir, url string }

func (t *target) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.url, "url", "", "the node's `URL` (default $FUNAI_URL, or the node running on this machine)")
	cmd.Flags().StringVar(&t.dir, "dir", "", "data `directory` of the node (default the one under ~/.funai that runs)")
}

// find returns the node's URL and, if it runs on this machine, its data directory.
func (a *app) find(t target) (url, dir string, err error) {
	url = cmp.Or(t.url, a.getenv("FUNAI_URL"))
	if url != "" {
		return url, t.dir, nil
	}
	if dir = t.dir; dir == "" {
		if dir, err = a.running(); err != nil {
			return "", "", err
		}
	}
	url, err = readSmall(filepath.Join(dir, endpointFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", "", &hinted{fmt.Errorf("no node is running from %s", dir), "start one with `funai up`, or name another with --url"}
	}
	return url, dir, err
}

// running is the data directory whose node started last.
func (a *app) running() (string, error) {
	base, err := a.base()
	if err != nil {
		return "", err
	}
	type started struct {
		dir string
		at  time.Time
	}
	var all []started
	for _, n := range networks() {
		dir := filepath.Join(base, n)
		if info, err := os.Stat(filepath.Join(dir, endpointFile)); err == nil {
			all = append(all, started{dir, info.ModTime()})
		}
	}
	if len(all) == 0 {
		return base, nil
	}
	return slices.MaxFunc(all, func(x, y started) int { return x.at.Compare(y.at) }).dir, nil
}

// dial returns a client of the node. With pay it carries the node's cookie, which only ever comes from the data directory
// of that same node: a URL by itself gets none.
func (a *app) dial(t target, pay bool) (*remote.Client, error) {
	url, dir, err := a.find(t)
	if err != nil {
		return nil, err
	}
	token := ""
	if pay {
		if dir == "" {
			return nil, &hinted{errors.New("paying takes the node's cookie, and a URL doesn't say where it is"), "give the node's data directory with --dir"}
		}
		if token, err = readSmall(filepath.Join(dir, cookieFile)); err != nil {
			return nil, &hinted{fmt.Errorf("the node's cookie can't be read: %w", err), "give the data directory of the node that runs with --dir"}
		}
	}
	return remote.New(url, token)
}

func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmall))
	return strings.TrimSpace(string(b)), err
}
