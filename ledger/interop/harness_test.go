package interop

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"
)

// patient is long enough for anything that is going to happen.
const patient = 60 * time.Second

// until polls for a condition. When it never comes the last words of what, called again, say how things stand.
func until(t testing.TB, what string, ok func() bool, state ...func() string) {
	t.Helper()
	untilWithin(t, patient, what, ok, state...)
}

func untilWithin(t testing.TB, limit time.Duration, what string, ok func() bool, state ...func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			for _, s := range state {
				what += "; " + s()
			}
			t.Fatalf("waited %v in vain for %s", limit, what)
		}
		<-poll.C
	}
}

// freePort is a TCP port of the loopback interface that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// must is for results whose error ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
