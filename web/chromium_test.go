//go:build unix

package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"funai/gateway"
	"funai/inference/api"
	"funai/web/internal/demo"
)

// browser is a headless Chromium spoken to by the DevTools protocol over its pipe (--remote-debugging-pipe): JSON
// messages, each ended by a zero byte, on its file descriptors 3 and 4.
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	serial  int
}

// open starts Chromium on a page, or skips the test where there is none.
func open(t *testing.T, url string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	profile, err := os.MkdirTemp("", "funai-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
		"--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, in: ourOut, out: bufio.NewReaderSize(ourIn, 1<<20)}
	t.Cleanup(func() {
		b.send("Browser.close", map[string]any{})
		io.Copy(io.Discard, b.out) // until it is gone
		cmd.Wait()
		cancel()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it leaves behind still writes into its profile
		for os.RemoveAll(profile) != nil {              // until that is gone too
			runtime.Gosched()
		}
		ourIn.Close()
		ourOut.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	b.call("Page.navigate", map[string]any{"url": url}, nil) // answered when the page has replaced the blank one
	return b
}

// send writes a command.
func (b *browser) send(method string, params map[string]any) {
	b.t.Helper()
	b.serial++
	m := map[string]any{"id": b.serial, "method": method, "params": params}
	if b.session != "" && method != "Browser.close" {
		m["sessionId"] = b.session
	}
	out, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(out, 0)); err != nil {
		b.t.Fatal(err)
	}
}

// call sends a command and waits for its answer; events in between are passed over.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.send(method, params)
	for {
		raw, err := b.out.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(raw[:len(raw)-1], &answer); err != nil {
			b.t.Fatal(err)
		}
		if answer.ID != b.serial {
			continue
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// eval evaluates an expression in the page and returns its value as JSON.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	return string(r.Result.Value)
}

// await waits in the page until an expression is true.
func (b *browser) await(expression string) {
	b.t.Helper()
	ok := b.eval(fmt.Sprintf(`new Promise((done) => {
		const end = Date.now() + 20000;
		const look = () => (%s) ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 20);
		look();
	})`, expression))
	if ok != "true" {
		b.t.Fatalf("never came true: %s; the page reads: %.3000s", expression, b.eval("document.body.innerText"))
	}
}

// ask types a question and sends it.
func (b *browser) ask(question string) {
	b.eval(fmt.Sprintf(`document.getElementById('question').value = %q, document.getElementById('ask').requestSubmit()`, question))
}

// TestPageInABrowser follows the page under its own policy as a person would: the chains move, answers come and are
// judged, one of them falsely given, one that fails, and a server that goes away and comes back.
func TestPageInABrowser(t *testing.T) {
	var a *api.API
	n := demo.New(1, 100*time.Millisecond, time.Now(), func(e api.Event) { a.Publish(e) })
	a = api.New(api.Config{Source: n})
	h, err := gateway.New(gateway.Config{Backend: n, API: a, Web: Handler(n, nil)})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	ctx, stop := context.WithCancel(t.Context())
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		n.Run(ctx)
	}()
	t.Cleanup(func() { // before the server, which waits for the event streams
		stop()
		<-moved
		a.Close()
	})
	b := open(t, srv.URL)

	b.await(`document.querySelector('#live')?.textContent === 'Live' && document.querySelectorAll('.row').length > 4`)
	b.eval(`window.before = Number(document.querySelector('.height b').textContent)`)
	b.await(`Number(document.querySelector('.height b').textContent) >= window.before + 2`)
	b.await(`document.querySelectorAll('.odds i.won, .chip, .chair, .receipt, #balance-list tr').length > 20`)
	b.await(`document.querySelector('#supply').innerText.includes('Every coin is accounted for')`)

	b.await(`document.querySelector('#model').value === 'tinyllama-1.1b-chat'`)
	b.ask("What is the capital of France?")
	b.await(`document.querySelector('.theirs .cost')?.innerText.includes('so far')`)
	b.await(`document.querySelector('.theirs.good')?.innerText.includes('Valid — paid')`)
	b.await(`document.querySelector('.theirs.good .payouts').innerText.includes('Burned')`)
	if got := b.eval(`document.querySelectorAll('main img, .answer b, main script').length`); got != "0" {
		t.Errorf("%s elements were made of a model's output", got)
	}
	b.ask("Ask the liar")
	b.await(`document.querySelector('.theirs.bad')?.innerText.includes('Invalid — refunded') && document.querySelector('.theirs.bad .cost').innerText === 'Nothing paid'`)
	b.ask("fail please")
	b.await(`document.querySelector('.theirs.failed')?.innerText.includes('connection lost')`)
	b.ask("broke")
	b.await(`[...document.querySelectorAll('.theirs.failed')].at(-1).innerText.includes('not enough FAI')`)

	srv.CloseClientConnections()
	b.await(`document.querySelector('#live').textContent === 'Reconnecting'`)
	b.await(`document.querySelector('#live').textContent === 'Live'`)
	if wide := b.eval(`document.documentElement.scrollWidth > innerWidth`); wide != "false" {
		t.Error("the page is wider than its window")
	}
}
