package vm

import (
	"fmt"
	"strings"
	"testing"

	"funai/clarity/types"
)

// BenchmarkNatives folds 256 numbers with a native, or with a function of which an expression is the body, and reports the
// time of a step.
func BenchmarkNatives(b *testing.B) {
	const turns = 256
	numbers := strings.Repeat(" u1", turns)
	for _, bm := range []struct{ name, step string }{
		{"alone/add", "+"},
		{"alone/multiply", "*"},
		{"alone/divide", "/"},
		{"alone/xor", "bit-xor"},
		{"nothing", "sum"},
		{"add", "(+ sum x)"},
		{"add literal", "(+ sum u1)"},
		{"add of three", "(+ sum x u1)"},
		{"nested", "(mod (+ (* sum u3) x) u1000003)"},
		{"divide", "(+ (/ sum u3) x)"},
		{"xor", "(bit-xor sum x)"},
		{"compare", "(if (< sum x) sum x)"},
		{"equal", "(if (is-eq sum x) sum x)"},
		{"tuple", "(get b {a: x, b: sum})"},
		{"merge", "(get b (merge {a: x} {b: sum}))"},
		{"list", "(len (list x sum))"},
		{"element", "(unwrap-panic (element-at? (list x sum) u0))"},
		{"sha256", "(len (sha256 sum))"},
		{"consensus", "(len (unwrap-panic (to-consensus-buff? sum)))"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			run := newBench(b, types.Clarity4, types.Epoch33)
			id := run.sender
			id.Contract = "bench"
			name, body := "step", bm.step
			if body[0] != '(' && body != "sum" {
				name, body = body, "sum"
			}
			source := fmt.Sprintf("(define-private (step (x uint) (sum uint)) %s) (define-read-only (t) (fold %s (list%s) u1))", body, name, numbers)
			if _, err := run.vm.Deploy(run.env, run.store, Tx{Sender: run.sender}, id, source, run.version); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := run.vm.ReadOnly(run.env, run.store, Tx{Sender: run.sender}, id, "t", nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/turns, "ns/step")
		})
	}
}
