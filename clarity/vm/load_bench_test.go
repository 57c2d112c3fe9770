package vm

import (
	"fmt"
	"strings"
	"testing"

	"funai/clarity/types"
)

// BenchmarkLoad calls a contract of about 10 kB: as it lies in the cache, and as a VM that has just begun finds it in the
// store, where it must be read, parsed, checked and compiled again.
func BenchmarkLoad(b *testing.B) {
	run := newBench(b, types.Clarity4, types.Epoch33)
	id := run.sender
	id.Contract = "bench"
	var source strings.Builder
	source.WriteString("(define-map accounts principal {balance: uint, nonce: uint})\n")
	for i := 0; source.Len() < 10_000; i++ {
		fmt.Fprintf(&source, `(define-public (add-%d (amount uint))
  (let ((account (default-to {balance: u0, nonce: u0} (map-get? accounts tx-sender))))
    (asserts! (> amount u%[1]d) (err u1))
    (ok (map-set accounts tx-sender (merge account {balance: (+ (get balance account) amount)})))))
`, i)
	}
	source.WriteString("(define-read-only (idle) u1)\n")
	if _, err := run.vm.Deploy(run.env, run.store, Tx{Sender: run.sender}, id, source.String(), run.version); err != nil {
		b.Fatal(err)
	}
	for _, cold := range []bool{false, true} {
		name := "warm"
		if cold {
			name = "cold"
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			m := run.vm
			for b.Loop() {
				if cold {
					m = New(Config{})
				}
				if _, err := m.ReadOnly(run.env, run.store, Tx{Sender: run.sender}, id, "idle", nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
