package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"funai/internal/atomicfile"
	"funai/internal/cli"
)

// defaultHTTP is where a gateway listens: 324 is FAI on a telephone's keys.
const defaultHTTP = "127.0.0.1:8324"

// serving is what up and node have in common: a data directory, a log file in it, and what a person sees meanwhile.
type serving struct {
	dir     string
	json    bool
	verbose bool
}

func (s *serving) flags(cmd *cobra.Command, dir string) {
	cmd.Flags().StringVar(&s.dir, "dir", "", "data `directory` (default "+dir+" in $FUNAI_DIR or ~/.funai)")
	cmd.Flags().BoolVar(&s.verbose, "verbose", false, "show the log on stderr too")
	jsonFlag(cmd, &s.json, "print one JSON event a line")
}

// serve runs a node, or many, until ctx is done. While it is ready the directory's endpoint file says where.
func (a *app) serve(ctx context.Context, s serving, run func(context.Context, *slog.Logger, func(event)) error) (err error) {
	a.events = s.json
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	log, err := cli.OpenLog(filepath.Join(s.dir, logFile), cli.MaxLog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var to io.Writer = log
	if s.verbose {
		to = io.MultiWriter(log, a.err)
	}
	r := newReporter(a.out, s, a.usual(s.dir))
	endpoint := filepath.Join(s.dir, endpointFile)
	defer func() { err = errors.Join(err, forget(endpoint, r.url())) }()
	stop := context.AfterFunc(ctx, func() { r.emit(event{Event: eventStopping}) })
	err = run(ctx, slog.New(slog.NewTextHandler(to, nil)), func(e event) {
		if e.Event == eventReady && e.HTTP != "" {
			e.HTTP = baseURL(e.HTTP)
			if err := atomicfile.Write(endpoint, []byte(e.HTTP+"\n")); err != nil {
				r.emit(event{Event: eventLog, Detail: fmt.Sprintf("other commands need --url %s: %v", e.HTTP, err)})
			}
		}
		r.emit(e)
	})
	stop()
	r.end()
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted)) {
		r.emit(event{Event: eventStopped})
		return nil
	}
	if err != nil {
		return &hinted{err, joinLines(hint(err), "the log is "+filepath.Join(s.dir, logFile))}
	}
	return nil
}

// usual says whether the other commands find a directory by themselves.
func (a *app) usual(dir string) bool {
	base, err := a.base()
	return err == nil && filepath.Dir(dir) == base
}

// forget removes the endpoint file, unless another node has put its own there.
func forget(path, url string) error {
	if got, err := readSmall(path); err != nil || got != url || url == "" {
		return nil //nolint:nilerr // a file that isn't there is what is wanted
	}
	return os.Remove(path)
}
