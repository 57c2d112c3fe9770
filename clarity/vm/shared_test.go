package vm_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"funai/clarity/cost"
	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

func TestBranchesOfAChainShareAVMWithoutMixingContracts(t *testing.T) {
	const caller = "(define-public (g) (let ((x (contract-call? .b f)) (y x)) (print y) (ok y)))"
	branches := make([]*world, 2)
	shared := vm.New(vm.Config{})
	for i, callee := range []string{"(define-read-only (f) 1)", "(define-read-only (f) (list 1 2 3))"} {
		w := newWorld(t)
		w.vm = shared
		w.deploy("b", callee)
		w.deploy("a", caller)
		branches[i] = w
	}
	for i, w := range branches {
		got, err := w.call("a", "g")
		if err != nil {
			t.Fatal(err)
		}
		w.vm = vm.New(vm.Config{})
		want, err := w.call("a", "g")
		if err != nil {
			t.Fatal(err)
		}
		if got.Cost != want.Cost || !value.Equal(got.Value, want.Value) {
			t.Errorf("branch %d: %v for %+v, and alone %v for %+v", i, got.Value, got.Cost, want.Value, want.Cost)
		}
	}
}

func TestGoroutinesShareAVM(t *testing.T) {
	const source = `
(define-constant k (list 1 2 3))
(define-data-var v (list 100 int) (list))
(define-private (add (x int) (l (list 100 int))) (unwrap-panic (as-max-len? (append l x) u100)))
(define-private (deep (x int)) (if (> x 0) (+ x (get a (merge {a: x} {b: 1}))) x))
(define-public (f (x int)) (begin (var-set v (fold add k (var-get v))) (print (map deep k)) (ok {a: (len (var-get v)), b: (map + k k)})))
(define-public (bad) (begin (try! (if true (err u1) (ok 1))) (ok (unwrap-panic none))))
(define-public (taken) (ok (let ((map 1)) map)))`
	m := vm.New(vm.Config{Cache: 2}) // so that contracts are compiled again and again
	var wg sync.WaitGroup
	answers := make([]string, 4)
	for i := range answers {
		wg.Go(func() {
			w := &world{t, m, testEnv{epoch: types.Epoch33}, store.NewMemory(), principal(t, deployer)}
			for j := range 3 {
				if _, err := w.vm.Deploy(w.env, w.store, w.tx(cost.Cost{}), w.id(fmt.Sprintf("c%d", j)), source, types.Clarity3); err != nil {
					answers[i] = err.Error()
					return
				}
			}
			var b strings.Builder
			for j := range 60 {
				for _, name := range []string{"f", "bad", "taken"} {
					var args []value.Value
					if name == "f" {
						args = []value.Value{value.Int64(int64(j))}
					}
					r, err := w.call(fmt.Sprintf("c%d", j%3), name, args...)
					fmt.Fprintln(&b, r.Value, r.Cost, err)
				}
			}
			answers[i] = b.String()
		})
	}
	wg.Wait()
	for _, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("%s\nand\n%s", answers[0], a)
		}
	}
}
