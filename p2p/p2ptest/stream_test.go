package p2ptest

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"funai/key"
	"funai/p2p"
)

func echo(_ context.Context, _ key.Public, s p2p.Stream) {
	for {
		b, err := s.ReadMsg(1 << 20)
		if err != nil || s.WriteMsg(b) != nil {
			return
		}
	}
}

func TestStreams(t *testing.T) {
	bubble(t, 3, func(t *testing.T, n *Net) {
		n.SetFaults(Faults{MinDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond})
		a, b := n.Host(testKey(0)), n.Host(testKey(1))
		b.Handle("echo", echo)
		b.Handle("small", func(_ context.Context, from key.Public, s p2p.Stream) {
			if from != a.Public() {
				t.Errorf("handler saw %v", from)
			}
			if _, err := s.ReadMsg(3); !errors.Is(err, p2p.ErrTooLarge) {
				t.Errorf("long frame: %v", err)
			}
		})
		if _, err := a.Open(t.Context(), b.Public(), "none"); !errors.Is(err, p2p.ErrProtocol) {
			t.Errorf("unknown protocol: %v", err)
		}
		if _, err := a.Open(t.Context(), a.Public(), "echo"); !errors.Is(err, p2p.ErrUnreachable) {
			t.Errorf("to itself: %v", err)
		}
		s, err := a.Open(t.Context(), b.Public(), "small")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.WriteMsg([]byte("long")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadMsg(1); !errors.Is(err, p2p.ErrReset) {
			t.Errorf("after a long frame: %v", err)
		}
		if s, err = a.Open(t.Context(), b.Public(), "echo"); err != nil {
			t.Fatal(err)
		}
		for i := range 50 { // in order, whatever the delays
			if err := s.WriteMsg([]byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if got, err := s.ReadMsg(1); err != nil || got[0] != byte(i) {
				t.Fatalf("frame %d: %v, %v", i, got, err)
			}
		}
		if _, err := s.ReadMsg(1); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		if s, err = a.Open(t.Context(), b.Public(), "echo"); err != nil {
			t.Fatal(err)
		}
		if err := s.SetDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadMsg(1); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("past the deadline: %v", err)
		}
		n.SetFaults(Faults{Break: 1})
		if err := s.WriteMsg(nil); !errors.Is(err, p2p.ErrReset) {
			t.Errorf("broken stream: %v", err)
		}
	})
}

func TestOnePeerCannotHoldAllStreams(t *testing.T) {
	bubble(t, 1, func(t *testing.T, n *Net) {
		a, b, c := n.Host(testKey(0)), n.Host(testKey(1)), n.Host(testKey(2))
		b.Handle("hold", func(_ context.Context, _ key.Public, s p2p.Stream) { _, _ = s.ReadMsg(1) })
		var first p2p.Stream
		for i := range p2p.MaxStreams {
			s, err := a.Open(t.Context(), b.Public(), "hold")
			if err != nil {
				t.Fatalf("stream %d: %v", i, err)
			}
			first = s
		}
		if _, err := a.Open(t.Context(), b.Public(), "hold"); !errors.Is(err, p2p.ErrReset) {
			t.Errorf("stream over the limit: %v", err)
		}
		if _, err := c.Open(t.Context(), b.Public(), "hold"); err != nil {
			t.Errorf("another peer's stream: %v", err)
		}
		first.Reset()
		synctest.Wait()
		if _, err := a.Open(t.Context(), b.Public(), "hold"); err != nil {
			t.Errorf("after one was given back: %v", err)
		}
	})
}

func TestWriterWaitsForASlowReader(t *testing.T) {
	bubble(t, 1, func(t *testing.T, n *Net) {
		a, b := n.Host(testKey(0)), n.Host(testKey(1))
		b.Handle("slow", func(ctx context.Context, _ key.Public, s p2p.Stream) {
			time.Sleep(time.Hour)
			for range 3 {
				if _, err := s.ReadMsg(p2p.MaxFrame); err != nil {
					t.Error(err)
				}
			}
		})
		s, err := a.Open(t.Context(), b.Public(), "slow")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for range 3 {
			if err := s.WriteMsg(make([]byte, p2p.MaxFrame/2)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if time.Since(begin) < time.Hour {
			t.Error("the network holds what nobody reads")
		}
	})
}
