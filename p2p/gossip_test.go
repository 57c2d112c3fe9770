package p2p

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"funai/key"
)

// inbox counts messages by their content.
type inbox struct {
	mu  sync.Mutex
	got map[string]int
}

func (i *inbox) handle(_ context.Context, _ key.Public, data []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.got == nil {
		i.got = make(map[string]int)
	}
	i.got[string(data)]++
	return nil
}

func (i *inbox) len() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.got)
}

// subscribeAll subscribes all hosts, and waits until each knows that the others have.
func subscribeAll(t testing.TB, hosts []*Host, topic string, h func(i int) GossipHandler) {
	t.Helper()
	for i, host := range hosts {
		if err := host.Subscribe(topic, MaxGossip, h(i)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all know the subscribers", func() bool {
		for _, h := range hosts {
			if subscribers(h, topic) < len(hosts)-1 {
				return false
			}
		}
		return true
	})
}

func TestEveryHostGetsEachMessageOnce(t *testing.T) {
	hosts := network10(t)
	boxes := make([]inbox, len(hosts))
	eventually(t, "all connected", connected(hosts))
	subscribeAll(t, hosts, "news", func(i int) GossipHandler { return boxes[i].handle })
	const each = 100
	var publishers sync.WaitGroup
	for i, h := range hosts {
		publishers.Go(func() {
			for n := range each {
				msg := binary.BigEndian.AppendUint32([]byte{byte(i)}, uint32(n))
				for range 2 { // the second changes nothing
					if err := h.Publish(t.Context(), "news", msg); err != nil {
						t.Error(err)
					}
				}
			}
			if i > 1 {
				return
			}
			if err := h.Publish(t.Context(), "news", bytes.Repeat([]byte{byte(i)}, MaxGossip)); err != nil {
				t.Error(err)
			}
		})
	}
	publishers.Wait()
	for i := range boxes {
		want := (len(hosts)-1)*each + 2
		if i < 2 {
			want-- // its own
		}
		eventually(t, fmt.Sprintf("host %d has all of the others' messages", i), func() bool {
			return boxes[i].len() >= want
		})
	}
	for i := range boxes {
		for m, n := range boxes[i].got {
			if n != 1 {
				t.Fatalf("host %d got a message of %d bytes %d times", i, len(m), n)
			}
			if m[0] == byte(i) {
				t.Fatalf("host %d got its own message", i)
			}
		}
	}
}

func TestMessagesOfOtherTopicsAreOtherMessages(t *testing.T) {
	a, b := pair(t)
	var boxes [2]inbox
	for i, topic := range []string{"one", "two"} {
		if err := b.Subscribe(topic, 10, boxes[i].handle); err != nil {
			t.Fatal(err)
		}
		eventually(t, "subscribed", func() bool { return subscribers(a, topic) == 1 })
		if err := a.Publish(t.Context(), topic, []byte("same")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "arrived", func() bool { return boxes[i].len() == 1 })
	}
}

func value(c prometheus.Metric) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		return -1
	}
	return m.GetCounter().GetValue()
}

// In a line a - b - c, what b rejects or ignores does not reach c, and a is banned after RejectLimit rejections.
func TestRejectedMessagesPenaliseAndGoNoFurther(t *testing.T) {
	var log inbox
	reg := prometheus.NewRegistry()
	b := start(t, Config{Registerer: reg})
	a, c := start(t, Config{}), start(t, Config{})
	c.bans.add(a.host.ID()) // so that the two never link
	link(t, a, b)
	link(t, c, b)
	var other inbox
	err := b.Subscribe("news", 100, func(_ context.Context, from key.Public, data []byte) error {
		switch {
		case bytes.HasPrefix(data, []byte("bad")) && from == a.Public():
			return fmt.Errorf("%w: rule broken", ErrReject)
		case bytes.HasPrefix(data, []byte("odd")):
			return errors.New("not now")
		}
		return other.handle(t.Context(), from, data)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Subscribe("news", 100, log.handle); err != nil {
		t.Fatal(err)
	}
	eventually(t, "subscribed", func() bool { return subscribers(a, "news") == 1 && subscribers(b, "news") == 1 })
	publish := func(m string) {
		t.Helper()
		if err := a.Publish(t.Context(), "news", []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	publish("odd 1")
	tries := 0
	eventually(t, "a good one at c", func() bool { // from when b has taken c into its mesh
		tries++
		publish(fmt.Sprintf("good %d", tries))
		return log.len() > 0
	})
	for i := range RejectLimit - 1 {
		publish(fmt.Sprintf("bad %d", i))
	}
	eventually(t, "rejections counted", func() bool {
		return value(b.metrics.gossip.WithLabelValues("news", "rejected")) == RejectLimit-1
	})
	if err := a.Publish(t.Context(), "news", bytes.Repeat([]byte("long"), 26)); err != nil { // over b's bound
		t.Fatal(err)
	}
	eventually(t, "a is banned", func() bool { return !slices.Contains(b.Peers(), a.Public()) })
	if err := a.dial(t.Context(), info(b)); err == nil {
		if _, err := a.Open(t.Context(), b.Public(), "echo"); err == nil {
			t.Error("a banned peer came back")
		}
	}
	if err := b.Publish(t.Context(), "news", []byte("good at last")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b's own at c", func() bool {
		log.mu.Lock()
		defer log.mu.Unlock()
		return log.got["good at last"] == 1
	})
	for m, n := range log.got {
		if n != 1 || !bytes.HasPrefix([]byte(m), []byte("good")) {
			t.Errorf("c got %q %d times", m, n)
		}
	}
	if !slices.Contains(b.Peers(), c.Public()) {
		t.Error("an honest peer was parted with")
	}
	if value(b.metrics.banned) != 1 {
		t.Error("the ban was not counted")
	}
}

func TestSubscriptionAndPublicationBounds(t *testing.T) {
	h := start(t, Config{})
	ok := func(context.Context, key.Public, []byte) error { return nil }
	for _, n := range []int{0, -1, MaxGossip + 1} {
		if err := h.Subscribe("a", n, ok); !errors.Is(err, ErrConfig) {
			t.Errorf("bound %d: %v", n, err)
		}
	}
	if err := h.Subscribe("a", 10, ok); err != nil {
		t.Fatal(err)
	}
	if err := h.Subscribe("a", 10, ok); !errors.Is(err, ErrConfig) {
		t.Errorf("second subscription: %v", err)
	}
	if err := h.Publish(t.Context(), "a", make([]byte, 11)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the topic's bound: %v", err)
	}
	if err := h.Publish(t.Context(), "b", make([]byte, MaxGossip+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over every bound: %v", err)
	}
	for i := range maxTopics {
		if err := h.Publish(t.Context(), fmt.Sprint(i), nil); err != nil {
			if !errors.Is(err, ErrConfig) || i < maxTopics-2 {
				t.Fatalf("topic %d: %v", i, err)
			}
			return
		}
	}
	t.Error("topics without bound")
}

func TestPeerOverItsBudgetIsCutShort(t *testing.T) {
	a, b := pair(t)
	var box inbox
	if err := b.Subscribe("news", 100, box.handle); err != nil {
		t.Fatal(err)
	}
	eventually(t, "subscribed", func() bool { return subscribers(a, "news") == 1 })
	spent := b.budgets.of(a.host.ID())
	if !spent.messages.AllowN(now(), peerMessagesBurst-1) {
		t.Fatal("budget smaller than its burst")
	}
	b.budgets.mu.Lock()
	b.budgets.byPeer[a.host.ID()].messages.SetLimit(0)
	b.budgets.mu.Unlock()
	for i := range 3 {
		if err := a.Publish(t.Context(), "news", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the rest is dropped", func() bool { return value(b.metrics.dropped) == 2 })
	if box.len() > 1 {
		t.Errorf("%d messages passed a budget of 1", box.len())
	}
}
