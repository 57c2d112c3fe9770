package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/internal/cli/remote"
	"funai/model/catalogue"
)

// usageError is a command line that can't be meant.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// hinted is an error with what to do about it.
type hinted struct {
	error
	todo string
}

func (e *hinted) Unwrap() error { return e.error }

// report prints what went wrong and what to do about it, and returns the exit code.
func (a *app) report(cmd *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	var u *usageError
	code, todo := exitFailed, hint(err)
	switch {
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case cmd != nil && (!a.began || errors.As(err, &u)):
		code, todo = exitUsage, "see `"+cmd.CommandPath()+" --help`"
	}
	message := strings.TrimSpace(cli.Clean(err.Error()))
	if a.events {
		_ = a.out.JSON(event{Event: "error", Error: message, Detail: todo}) // who closed stdout still has stderr
	}
	a.err.Printf("%s %s\n", a.err.Paint(cli.Red, "funai:"), strings.ReplaceAll(message, "\n", "\n       "))
	if todo != "" {
		a.err.Printf("       %s\n", strings.ReplaceAll(todo, "\n", "\n       "))
	}
	return code
}

// hint says what a person can do about an error.
func hint(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.todo
	}
	for _, known := range []struct {
		err  error
		todo string
	}{
		{remote.ErrNoNode, "start one with `funai up`, or name another with --url"},
		{remote.ErrURL, "a node prints its URL when it is ready; --url takes it"},
		{remote.ErrCut, "ask again; an answer that was cut off is not paid for"},
		{catalogue.ErrUnknown, "`funai model ls` lists the catalogue; hf:owner/repo:file and a path to a GGUF file work too"},
		{catalogue.ErrDiskFull, "make room, or set FUNAI_CACHE to a folder on another disk"},
		{catalogue.ErrUnavailable, "look at the connection and try again: what was fetched is kept"},
		{syscall.EADDRINUSE, "another node may be running: stop it, or choose another address"},
	} {
		if errors.Is(err, known.err) {
			return known.todo
		}
	}
	var e *remote.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case "insufficient_funds", "no_funds":
		return "`funai wallet balance` shows what there is"
	case "no_server":
		return "`funai status` lists the models that are served; try again when one is"
	case "syncing":
		return "`funai status --watch` shows how far the node is"
	case "context_length_exceeded":
		return "ask something shorter"
	case "rate_limit_exceeded", "too_many":
		if e.RetryAfter > 0 {
			return fmt.Sprintf("try again in %v", e.RetryAfter)
		}
		return "try again in a moment"
	case "upstream_error":
		return "ask again; an answer that was cut off is not paid for"
	}
	return ""
}
