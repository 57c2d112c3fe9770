package p2p

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"funai/key"
)

// BenchmarkGossip measures how long a message takes from Publish to the last of nine other handlers, one message at a
// time, among ten hosts on loopback in one process.
func BenchmarkGossip(b *testing.B) {
	for _, size := range []int{300, 500_000} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			hosts := network10(b)
			eventually(b, "all connected", connected(hosts))
			var arrived sync.WaitGroup
			subscribeAll(b, hosts, "news", func(int) GossipHandler {
				return func(context.Context, key.Public, []byte) error { arrived.Done(); return nil }
			})
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				msg := make([]byte, size)
				binary.BigEndian.PutUint64(msg, uint64(i))
				arrived.Add(len(hosts) - 1)
				begin := time.Now()
				if err := hosts[i%len(hosts)].Publish(b.Context(), "news", msg); err != nil {
					b.Fatal(err)
				}
				arrived.Wait()
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
		})
	}
}

// BenchmarkNetwork measures how long ten hosts that know one take to be all connected, and what each host then costs.
func BenchmarkNetwork(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		goroutines := runtime.NumGoroutine()
		begin := time.Now()
		hosts := network10(b)
		started := time.Since(begin)
		eventually(b, "all connected", connected(hosts))
		took := time.Since(begin)
		subscribeAll(b, hosts, "news", func(int) GossipHandler { return new(inbox).handle })
		time.Sleep(3 * time.Second) // lets lookups come to rest
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(started.Milliseconds()), "ms/started")
		b.ReportMetric(float64(took.Milliseconds()), "ms/connected")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/10, "goroutines/host")
		b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/10/1024, "KiB/host")
		for _, h := range hosts {
			if err := h.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkStreamRoundTrip(b *testing.B) {
	server, client := pair(b)
	server.Handle("echo", echo)
	s := open(b, client, server, "echo")
	msg := make([]byte, 300)
	for b.Loop() {
		if err := roundTrip(s, msg); err != nil {
			b.Fatal(err)
		}
	}
}
