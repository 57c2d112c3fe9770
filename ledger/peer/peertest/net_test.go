package peertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// dial connects two addresses of a new network.
func dial(t *testing.T) (n *Net, near, far net.Conn) {
	n = New()
	l, err := n.Listen("10.0.0.2:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	near, err = n.Dialer("10.0.0.1:1")(t.Context(), "10.0.0.2:1")
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return n, near, far
}

func TestBytesArriveInOrderAndAfterClose(t *testing.T) {
	_, near, far := dial(t)
	sent := make([]byte, 3*flowSize)
	for i := range sent {
		sent[i] = byte(i * 7)
	}
	go func() {
		near.Write(sent)
		near.Close()
	}()
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatal(len(got), err)
	}
	if _, err := far.Write([]byte{1}); err == nil {
		t.Error("wrote to a closed connection")
	}
}

func TestDeadlinesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, near, far := dial(t)
		start := time.Now()
		near.SetReadDeadline(start.Add(time.Minute))
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Error(err, time.Since(start))
		}
		near.SetWriteDeadline(start.Add(2 * time.Minute))
		if _, err := near.Write(make([]byte, 2*flowSize)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 2*time.Minute {
			t.Error(err, time.Since(start))
		}
		near.SetDeadline(time.Time{})
		far.Write([]byte{1})
		if _, err := near.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestCutEndsConnectionsUntilHealed(t *testing.T) {
	n, near, far := dial(t)
	n.Cut("10.0.0.2:1", "10.0.0.1:1")
	for _, c := range []net.Conn{near, far} {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
	}
	if _, err := n.Dialer("10.0.0.1:1")(context.Background(), "10.0.0.2:1"); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	if _, err := n.Dialer("10.0.0.3:1")(context.Background(), "10.0.0.2:1"); err != nil {
		t.Error(err)
	}
	n.Heal("10.0.0.1:1", "10.0.0.2:1")
	if _, err := n.Dialer("10.0.0.1:1")(context.Background(), "10.0.0.2:1"); err != nil {
		t.Error(err)
	}
}
