package vm_test

import (
	"fmt"
	"strings"
	"testing"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// BenchmarkState is 1,000 steps of a fold on what a contract keeps, in one call.
func BenchmarkState(b *testing.B) {
	source := `
(define-data-var n uint u0)
(define-data-var l (list 20 {a: uint, b: (string-ascii 20)}) (list {a: u1, b: "one"} {a: u2, b: "two"}))
(define-map m uint {a: uint, b: principal})
(define-fungible-token t)
(define-private (var (x uint) (acc uint)) (begin (var-set n (+ (var-get n) x)) acc))
(define-private (get-list (x uint) (acc uint)) (+ acc (len (var-get l))))
(define-private (set (x uint) (acc uint)) (begin (map-set m x {a: acc, b: tx-sender}) (+ acc u1)))
(define-private (get-entry (x uint) (acc uint)) (match (map-get? m x) e (+ acc (get a e)) acc))
(define-private (mint (x uint) (acc uint)) (begin (is-ok (ft-mint? t u1 tx-sender)) acc))
` // the list of what is folded over stands in each function
	numbers := "(list"
	for i := range 100 {
		numbers += fmt.Sprintf(" u%d", i+1)
	}
	numbers += ")"
	ten := "(list u1 u2 u3 u4 u5 u6 u7 u8 u9 u10)"
	steps := []string{"var", "get-list", "set", "get-entry", "mint"}
	for _, f := range steps {
		source += fmt.Sprintf("(define-private (%s-100 (x uint) (acc uint)) (fold %s %s acc))\n(define-public (%s-1000) (ok (fold %s-100 %s u0)))\n", f, f, numbers, f, f, ten)
	}
	m, s, env := vm.New(vm.Config{}), store.NewMemory(), madeUpChain{testEnv{epoch: types.Epoch34}}
	owner, err := value.ParsePrincipal(deployer)
	if err != nil {
		b.Fatal(err)
	}
	id := owner
	id.Contract = "state"
	if _, err := m.Deploy(env, s, vm.Tx{Sender: owner}, id, strings.TrimSpace(source), types.Clarity5); err != nil {
		b.Fatal(err)
	}
	for _, f := range steps {
		b.Run(f, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Call(env, s, vm.Tx{Sender: owner}, id, f+"-1000", nil); err != nil {
					b.Fatal(err)
				}
				s.Commit()
			}
		})
	}
}
