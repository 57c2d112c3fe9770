package template

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// workerVariable makes a process that imports this package a worker, whatever it is otherwise.
const workerVariable = "FUNAI_TEMPLATE_WORKER"

// init is where every program that can render, a test as well as funai, turns into its own worker: before main, which would do
// something else.
func init() {
	if os.Getenv(workerVariable) != "" {
		debug.SetMaxStack(maxStack) // recursion without end ends the process
		if work(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// watch ends the process when its heap exceeds the bound, or when the process that it works for is gone, until it is told to stop.
// There is no call that waits for either: they have to be looked at.
func watch() (stop func()) {
	parent, done := os.Getppid(), make(chan struct{})
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-done:
				return
			}
			metrics.Read(sample)
			if sample[0].Value.Uint64()+sample[1].Value.Uint64() > maxMemory || os.Getppid() != parent {
				os.Exit(1)
			}
		}
	}()
	return func() { close(done) }
}

// work answers lines until there are no more.
func work(in, out *os.File) error {
	r := bufio.NewReader(in)
	line, err := readLine(r, 8*maxSource)
	if err != nil {
		return err
	}
	var s start
	if err := json.Unmarshal(line, &s); err != nil {
		return err
	}
	stop := watch()
	p, err := compile(s)
	stop()
	if err := say(out, reply{Error: words(err)}); err != nil {
		return err
	}
	for {
		line, err := readLine(r, 7*maxOutput)
		if errors.Is(err, io.EOF) { // the parent left
			return nil
		}
		if err != nil {
			return err
		}
		var answer reply
		stop := watch()
		answer.Text, err = p.render(line)
		stop()
		answer.Error, answer.Large = words(err), errors.Is(err, errLarge)
		if err := say(out, answer); err != nil {
			return err
		}
	}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func say(out *os.File, r reply) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b, '\n'))
	return err
}

// errLarge ends a rendering that writes too much.
var errLarge = errors.New("too much output")

// rescued turns a panic of the library into an error: it answers some templates with one.
func rescued(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return do()
}
