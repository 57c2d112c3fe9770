package p2ptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/key"
	"funai/p2p"
)

// both is what p2p.Host and Host have in common, which should be all but Crash and Penalties.
type both interface {
	Close() error
	Addrs() []string
	Public() key.Public
	Peers() []key.Public
	Publish(ctx context.Context, topic string, data []byte) error
	Subscribe(topic string, maxBytes int, handle p2p.GossipHandler) error
	Handle(protocol string, serve p2p.Handler)
	Open(ctx context.Context, to key.Public, protocol string) (p2p.Stream, error)
}

var (
	_ both       = (*p2p.Host)(nil)
	_ both       = (*Host)(nil)
	_ p2p.Stream = (*end)(nil)
)

func testKey(i int) *key.Private {
	k, err := key.FromBytes(append(make([]byte, 31), byte(i+1)))
	if err != nil {
		panic(err)
	}
	return k
}

// inbox notes when messages first arrive.
type inbox struct {
	mu    sync.Mutex
	at    map[string]time.Time
	twice bool
}

func (i *inbox) handle(_ context.Context, _ key.Public, data []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.at == nil {
		i.at = make(map[string]time.Time)
	}
	_, seen := i.at[string(data)]
	i.twice = i.twice || seen
	i.at[string(data)] = time.Now()
	return nil
}

func (i *inbox) arrivals() map[string]time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.at)
}

func hosts(t *testing.T, n *Net, count int) ([]*Host, []*inbox) {
	t.Helper()
	var all []*Host
	var boxes []*inbox
	for i := range count {
		h, box := n.Host(testKey(i)), new(inbox)
		if err := h.Subscribe("news", 100, box.handle); err != nil {
			t.Fatal(err)
		}
		all, boxes = append(all, h), append(boxes, box)
	}
	return all, boxes
}

// bubble runs a test with a network that is closed at its end.
func bubble(t *testing.T, seed uint64, f func(t *testing.T, n *Net)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(seed)
		defer n.Close()
		f(t, n)
	})
}

func publish(t *testing.T, h *Host, msg string) {
	t.Helper()
	if err := h.Publish(t.Context(), "news", []byte(msg)); err != nil {
		t.Fatal(err)
	}
}

func TestEveryHostGetsEachMessageOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, n *Net) {
		n.SetFaults(Faults{Loss: 0.2, Duplicate: 0.3, MinDelay: 10 * time.Millisecond, MaxDelay: 200 * time.Millisecond})
		all, boxes := hosts(t, n, 10)
		for i, h := range all {
			for m := range 20 {
				publish(t, h, fmt.Sprint(i, "/", m))
			}
		}
		begin := time.Now()
		time.Sleep(time.Second)
		overtaken := false
		for i, box := range boxes {
			synctest.Wait()
			if box.twice || len(box.arrivals()) != 180 {
				t.Errorf("host %d got %d messages, twice %v", i, len(box.arrivals()), box.twice)
			}
			for m, at := range box.arrivals() {
				if d := at.Sub(begin); d < 10*time.Millisecond || d > 600*time.Millisecond {
					t.Errorf("host %d got %q after %v", i, m, d)
				}
			}
			overtaken = overtaken || box.arrivals()["0/1"].Before(box.arrivals()["0/0"])
		}
		if !overtaken {
			t.Error("no message overtook another")
		}
	})
}

func TestSameSeedSameFaults(t *testing.T) {
	run := func(seed uint64) (arrivals []map[string]time.Duration) {
		bubble(t, seed, func(t *testing.T, n *Net) {
			n.SetFaults(Faults{Loss: 0.6, MaxDelay: time.Second})
			all, boxes := hosts(t, n, 5)
			begin := time.Now()
			for m := range 50 {
				publish(t, all[0], fmt.Sprint(m))
			}
			time.Sleep(time.Minute)
			for _, box := range boxes {
				got := make(map[string]time.Duration)
				for m, at := range box.arrivals() {
					got[m] = at.Sub(begin)
				}
				arrivals = append(arrivals, got)
			}
		})
		return arrivals
	}
	same := func(a, b []map[string]time.Duration) bool {
		return slices.EqualFunc(a, b, maps.Equal[map[string]time.Duration, map[string]time.Duration])
	}
	if !same(run(7), run(7)) {
		t.Error("one seed gave two outcomes")
	}
	if same(run(7), run(8)) {
		t.Error("two seeds gave one outcome")
	}
}

func TestRejectedMessagesPenaliseAndGoNoFurther(t *testing.T) {
	bubble(t, 1, func(t *testing.T, n *Net) {
		a, b, c := n.Host(testKey(0)), n.Host(testKey(1)), n.Host(testKey(2))
		n.Cut(a.Public(), c.Public()) // a - b - c
		var box inbox
		judge := func(_ context.Context, _ key.Public, data []byte) error {
			switch {
			case bytes.HasPrefix(data, []byte("bad")):
				return fmt.Errorf("%w: rule broken", p2p.ErrReject)
			case bytes.HasPrefix(data, []byte("odd")):
				return errors.New("not now")
			}
			return nil
		}
		if err := errors.Join(b.Subscribe("news", 100, judge), c.Subscribe("news", 100, box.handle)); err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"good", "odd", "bad 1", "bad 2", "bad 3"} {
			publish(t, a, m)
		}
		time.Sleep(time.Second)
		if len(box.arrivals()) != 1 || b.Penalties()[a.Public()] != 3 || len(c.Penalties()) != 0 {
			t.Errorf("c got %v, b's penalties %v", box.arrivals(), b.Penalties())
		}
		if !slices.Contains(b.Peers(), a.Public()) {
			t.Error("banned too soon")
		}
		publish(t, a, string(bytes.Repeat([]byte("long"), 26)))
		synctest.Wait()
		if slices.Contains(b.Peers(), a.Public()) {
			t.Error("not banned")
		}
		if _, err := a.Open(t.Context(), b.Public(), "echo"); !errors.Is(err, p2p.ErrUnreachable) {
			t.Errorf("stream of a banned host: %v", err)
		}
		time.Sleep(p2p.BanTime)
		publish(t, a, "good again")
		time.Sleep(time.Second)
		if _, ok := box.arrivals()["good again"]; !ok {
			t.Error("the ban has no end")
		}
	})
}

// What a host ignored it may think better of; what it published or accepted goes out once within SeenTime.
func TestWhatWasSentIsNotSentAgain(t *testing.T) {
	bubble(t, 1, func(t *testing.T, n *Net) {
		a, b, c := n.Host(testKey(0)), n.Host(testKey(1)), n.Host(testKey(2))
		n.Cut(a.Public(), c.Public())
		var got []string
		note := func(_ context.Context, _ key.Public, data []byte) error { got = append(got, string(data)); return nil }
		later := func(context.Context, key.Public, []byte) error { return errors.New("not now") }
		if err := errors.Join(b.Subscribe("news", 100, later), c.Subscribe("news", 100, note)); err != nil {
			t.Fatal(err)
		}
		publish(t, a, "x")
		synctest.Wait()
		for _, again := range []time.Duration{0, 0, p2p.SeenTime / 2, 3 * p2p.SeenTime} {
			time.Sleep(again)
			publish(t, b, "x")
			synctest.Wait()
		}
		if !slices.Equal(got, []string{"x", "x"}) {
			t.Errorf("c got %v", got)
		}
	})
}

func TestPartitionsPartUntilHealed(t *testing.T) {
	bubble(t, 1, func(t *testing.T, n *Net) {
		n.SetFaults(Faults{MinDelay: 100 * time.Millisecond, MaxDelay: 100 * time.Millisecond})
		all, boxes := hosts(t, n, 4)
		all[2].Handle("echo", echo)
		s, err := all[0].Open(t.Context(), all[2].Public(), "echo")
		if err != nil {
			t.Fatal(err)
		}
		publish(t, all[0], "under way")
		n.Partition([]key.Public{all[0].Public(), all[1].Public()}, []key.Public{all[2].Public()})
		publish(t, all[0], "parted")
		if err := s.WriteMsg(nil); !errors.Is(err, p2p.ErrReset) {
			t.Errorf("stream across: %v", err)
		}
		begin := time.Now()
		if _, err := all[0].Open(t.Context(), all[2].Public(), "echo"); !errors.Is(err, p2p.ErrUnreachable) || time.Since(begin) != DialTimeout {
			t.Errorf("open across: %v after %v", err, time.Since(begin))
		}
		if len(boxes[1].arrivals()) != 2 || len(boxes[2].arrivals()) != 0 || len(boxes[3].arrivals()) != 0 || len(all[3].Peers()) != 0 {
			t.Errorf("got %v, %v, %v", boxes[1].arrivals(), boxes[2].arrivals(), boxes[3].arrivals())
		}
		n.Heal()
		publish(t, all[0], "healed")
		time.Sleep(time.Second)
		for i := 1; i < 4; i++ {
			if _, ok := boxes[i].arrivals()["healed"]; !ok {
				t.Errorf("host %d missed it", i)
			}
		}
	})
}

func TestCrashLosesWhatIsUnderWay(t *testing.T) {
	bubble(t, 1, func(t *testing.T, n *Net) {
		n.SetFaults(Faults{MinDelay: time.Second, MaxDelay: time.Second})
		all, boxes := hosts(t, n, 3)
		stopped := make(chan error, 1)
		all[0].Handle("wait", func(ctx context.Context, _ key.Public, s p2p.Stream) {
			<-ctx.Done()
			_, err := s.ReadMsg(1)
			stopped <- err
		})
		s, err := all[1].Open(t.Context(), all[0].Public(), "wait")
		if err != nil {
			t.Fatal(err)
		}
		publish(t, all[0], "lost")
		all[0].Crash()
		if err := <-stopped; !errors.Is(err, p2p.ErrReset) {
			t.Errorf("handler of the crashed: %v", err)
		}
		if _, err := s.ReadMsg(1); !errors.Is(err, p2p.ErrReset) {
			t.Errorf("stream to the crashed: %v", err)
		}
		if err := all[0].Publish(t.Context(), "news", nil); !errors.Is(err, p2p.ErrClosed) {
			t.Errorf("the crashed publishes: %v", err)
		}
		if _, err := all[1].Open(t.Context(), all[0].Public(), "wait"); !errors.Is(err, p2p.ErrUnreachable) {
			t.Errorf("open to the crashed: %v", err)
		}
		again := n.Host(testKey(0))
		var box inbox
		if err := again.Subscribe("news", 100, box.handle); err != nil {
			t.Fatal(err)
		}
		publish(t, again, "back")
		publish(t, all[1], "welcome")
		if err := all[1].Close(); err != nil { // what it sent arrives all the same
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if _, ok := boxes[2].arrivals()["lost"]; ok || len(boxes[2].arrivals()) != 2 || len(box.arrivals()) != 1 {
			t.Errorf("host 2 got %v, the restarted %v", boxes[2].arrivals(), box.arrivals())
		}
	})
}
