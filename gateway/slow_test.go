package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, whose deadlines are on a test's clock.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// onAClock serves a gateway over pipes in a bubble of its own time, and ends it.
func onAClock(t *testing.T, c Config, f func(t *testing.T, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		g, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- Serve(ctx, p, g, nil) }()
		f(t, p)
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

const head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

// drip sends a text a byte a second until the other side has enough of it, and returns how long that took.
func drip(c net.Conn, text string) time.Duration {
	begun := time.Now()
	for i := 0; ; i++ {
		if _, err := c.Write([]byte{text[i%len(text)]}); err != nil {
			return time.Since(begun)
		}
		time.Sleep(time.Second)
	}
}

// TestSlowSendersAreCutOff: headers that never end, bodies that come a byte a second, and connections that say nothing.
func TestSlowSendersAreCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		first, drip string
		within      time.Duration
	}{
		"a header without end":     {"", head, headerTimeout},
		"headers without end":      {head, "X-Header: x\r\n", headerTimeout},
		"a body a byte a second":   {head + "Content-Length: 1000\r\n\r\n", " ", bodyTimeout},
		"chunks a byte a second":   {head + "Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", bodyTimeout},
		"a body nobody reads":      {"POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", " ", bodyTimeout},
		"a page's body":            {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", " ", bodyTimeout},
		"a second question's body": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + head + "Content-Length: 1000\r\n\r\n", " ", bodyTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			onAClock(t, Config{Backend: says("hi"), MaxRequests: 1, MaxQueue: -1}, func(t *testing.T, p *pipes) {
				slow := p.dial()
				said := make(chan string, 1)
				go func() {
					raw, err := io.ReadAll(slow)
					said <- fmt.Sprint(string(raw), err)
				}()
				cut := make(chan time.Duration, 1)
				go func() {
					if _, err := io.WriteString(slow, c.first); err != nil {
						t.Error(err)
					}
					cut <- drip(slow, c.drip)
				}()
				time.Sleep(5 * time.Second)
				if got := answer(t, p); got != http.StatusOK {
					t.Errorf("meanwhile another is told %d", got)
				}
				if took := <-cut; took > c.within+2*time.Second {
					t.Errorf("cut off after %v, not %v", took, c.within)
				}
				slow.Close()
				<-said
			})
		})
	}
}

// answer asks a question and returns the status of its answer.
func answer(t *testing.T, p *pipes) int {
	t.Helper()
	c := p.dial()
	defer c.Close()
	go fmt.Fprintf(c, "%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", head, len(question), question)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
	return res.StatusCode
}

// TestAConnectionThatSaysNothingIsClosed, a new one as well as one that has asked.
func TestAConnectionThatSaysNothingIsClosed(t *testing.T) {
	onAClock(t, Config{Backend: says("hi")}, func(t *testing.T, p *pipes) {
		for asked, within := range map[string]time.Duration{"": headerTimeout, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n": idleTimeout} {
			c, begun := p.dial(), time.Now()
			go io.WriteString(c, asked)
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took > within+time.Second {
				t.Errorf("closed after %v, not %v", took, within)
			}
			c.Close()
		}
	})
}

// TestAByteASecondIsNotReadingAnAnswer: who reads so slowly is cut off, streamed to or not, and its place is free.
func TestAByteASecondIsNotReadingAnAnswer(t *testing.T) {
	for _, stream := range []string{"true", "false"} {
		ended := make(chan error, 1)
		b := says()
		b.ask = func(ctx context.Context, _ Request, _ func(Start), emit func(Delta) error) (Answer, error) {
			for range 1000 {
				if err := emit(Delta{Text: strings.Repeat("x", 100)}); err != nil {
					ended <- err
					return Answer{}, err
				}
			}
			ended <- nil
			return Answer{Finish: "stop"}, nil
		}
		onAClock(t, Config{Backend: b, MaxRequests: 1, MaxQueue: -1}, func(t *testing.T, p *pipes) {
			c, begun := p.dial(), time.Now()
			body := question[:len(question)-1] + `,"stream":` + stream + `}`
			go fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
			for one := make([]byte, 1); ; time.Sleep(time.Second) {
				if _, err := c.Read(one); err != nil {
					break
				}
			}
			if took := time.Since(begun); took > 2*defaultWriteTimeout {
				t.Errorf("stream %s: it read for %v", stream, took)
			}
			if err := <-ended; stream == "true" && !errors.Is(err, errClient) {
				t.Errorf("stream %s: the asking ended with %v", stream, err)
			}
			c.Close()
			synctest.Wait()
			b.ask = says("hi").ask
			if got := answer(t, p); got != http.StatusOK {
				t.Errorf("stream %s: its place is taken: %d", stream, got)
			}
		})
	}
}

// TestStalledReadersHoldLittleMemory: what a client doesn't read isn't made, or kept, for it.
func TestStalledReadersHoldLittleMemory(t *testing.T) {
	const readers, each = 256, 128 << 10
	b := says()
	piece := strings.Repeat("x", 1<<10)
	b.ask = func(_ context.Context, _ Request, _ func(Start), emit func(Delta) error) (Answer, error) {
		for {
			if err := emit(Delta{Text: piece}); err != nil {
				return Answer{}, err
			}
		}
	}
	onAClock(t, Config{Backend: b, MaxRequests: readers}, func(t *testing.T, p *pipes) {
		had := heap()
		for range readers {
			c := p.dial()
			defer c.Close()
			body := question[:len(question)-1] + `,"stream":true}`
			if _, err := fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // until nothing moves
		if grown := heap() - had; grown > readers*each {
			t.Errorf("%d stalled readers hold %d bytes each, more than %d", readers, grown/readers, each)
		} else {
			t.Logf("%d bytes each", grown/readers)
		}
	})
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
