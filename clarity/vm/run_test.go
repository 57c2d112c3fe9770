package vm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"funai/clarity/cost"
	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// world is a chain with contracts on it.
type world struct {
	t      testing.TB
	vm     *vm.VM
	env    vm.Env
	store  vm.Store
	sender value.Principal
}

func newWorld(t testing.TB) *world {
	return &world{t, vm.New(vm.Config{}), testEnv{epoch: types.Epoch33}, store.NewMemory(), principal(t, deployer)}
}

func (w *world) id(name string) value.Principal { return principal(w.t, deployer+"."+name) }

func (w *world) tx(limit cost.Cost) vm.Tx { return vm.Tx{Sender: w.sender, Limit: limit} }

func (w *world) deploy(name, source string) {
	w.t.Helper()
	if _, err := w.vm.Deploy(w.env, w.store, w.tx(cost.Cost{}), w.id(name), source, types.Clarity3); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
}

func (w *world) call(name, function string, args ...value.Value) (*vm.Result, error) {
	return w.vm.Call(w.env, w.store, w.tx(cost.Cost{}), w.id(name), function, args)
}

// must calls a function and holds its printed answer to what is wanted.
func (w *world) must(want, name, function string, args ...value.Value) *vm.Result {
	w.t.Helper()
	res, err := w.call(name, function, args...)
	if err != nil {
		w.t.Fatalf("%s.%s: %v", name, function, err)
	}
	if got := res.Value.String(); got != want {
		w.t.Fatalf("%s.%s: %s, want %s", name, function, got, want)
	}
	return res
}

const tally = `
(define-data-var n int 0)
(define-private (add (x int) (sum int)) (+ x sum))
(define-public (count (by int))
  (let ((new (fold add (list by 1 2) (var-get n))))
    (var-set n new)
    (print {new: new})
    (asserts! (> new 0) (err u1))
    (ok new)))
(define-read-only (get-n) (var-get n))`

func TestRunStopsExactlyAtItsLimit(t *testing.T) {
	w := newWorld(t)
	w.deploy("tally", tally)
	whole := w.must("(ok 8)", "tally", "count", value.Int64(5)).Cost
	within := func(limit cost.Cost) (*vm.Result, error) {
		return w.vm.Call(w.env, w.store, w.tx(limit), w.id("tally"), "count", []value.Value{value.Int64(5)})
	}
	last := uint64(0)
	for n := uint64(1); n < whole.Runtime; n++ {
		limit := whole
		limit.Runtime = n
		res, err := within(limit)
		if !errors.Is(err, cost.ErrLimit) || res.Committed || len(res.Events) > 0 {
			t.Fatalf("at %d of %d: %v, want ErrLimit", n, whole.Runtime, err)
		}
		if res.Cost.Runtime <= n || res.Cost.Runtime < last {
			t.Fatalf("at %d: stopped at %d, after %d", n, res.Cost.Runtime, last)
		}
		last = res.Cost.Runtime
	}
	w.must("8", "tally", "get-n")
	for _, less := range []func(*cost.Cost){
		func(c *cost.Cost) { c.ReadCount-- }, func(c *cost.Cost) { c.ReadLength-- },
		func(c *cost.Cost) { c.WriteCount-- }, func(c *cost.Cost) { c.WriteLength-- },
	} {
		limit := whole
		less(&limit)
		if _, err := within(limit); !errors.Is(err, cost.ErrLimit) {
			t.Errorf("%+v of %+v: %v, want ErrLimit", limit, whole, err)
		}
	}
	if res, err := within(whole); err != nil || res.Cost != whole {
		t.Errorf("the whole cost as limit: %v, %v", res, err)
	}
}

func TestErrAndFaultsUndoAllButTheCost(t *testing.T) {
	w := newWorld(t)
	w.deploy("tally", tally+`(define-public (crash) (begin (is-ok (count 1)) (ok (/ 1 0))))`)
	res := w.must("(err u1)", "tally", "count", value.Int64(-100))
	if res.Committed || len(res.Events) > 0 || res.Cost.Runtime == 0 {
		t.Errorf("err: %+v", res)
	}
	res, err := w.call("tally", "crash")
	var fault *vm.RuntimeError
	if !errors.As(err, &fault) || fault.Fault != vm.DivisionByZero || res.Committed || res.Cost.Runtime == 0 {
		t.Errorf("crash: %+v, %v", res, err)
	}
	if want := []string{deployer + ".tally:crash"}; len(fault.Trace) != 1 || fault.Trace[0] != want[0] {
		t.Errorf("trace %v, want %v", fault.Trace, want)
	}
	w.must("0", "tally", "get-n")
}

// brokenStore fails on one read.
type brokenStore struct {
	vm.Store
	left int
}

var errBroken = errors.New("disk on fire")

func (s *brokenStore) Get(key []byte) ([]byte, error) {
	if s.left--; s.left == 0 {
		return nil, errBroken
	}
	return s.Store.Get(key)
}

func TestFailingStoreIsNoFaultOfTheContract(t *testing.T) {
	w := newWorld(t)
	w.deploy("tally", tally)
	w.deploy("user", `(define-public (go) (contract-call? .tally count 1))`)
	good, failures := w.store, 0
	for n := 1; ; n++ {
		broken := &brokenStore{good, n}
		w.store, w.vm = broken, vm.New(vm.Config{})
		_, err := w.call("user", "go")
		if broken.left > 0 {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		var fault *vm.RuntimeError
		if !errors.Is(err, errBroken) || errors.As(err, &fault) {
			t.Fatalf("read %d: %v, want %v alone", n, err, errBroken)
		}
		failures++
	}
	if failures < 5 {
		t.Errorf("%d reads, want 5 and more", failures)
	}
	w.store = good
	w.must("4", "tally", "get-n")
}

func TestDeployKeepsNothingOfWhatFails(t *testing.T) {
	w := newWorld(t)
	w.deploy("tally", tally)
	for source, want := range map[string]string{
		"(define-constant a 1) (define-constant b (/ a 0))":   "DivisionByZero",
		"(contract-call? .tally count 1) (unwrap-panic none)": "",
		"(define-constant a u1) (+ a 1)":                      "",
		"(define-constant a":                                  "",
	} {
		res, err := w.vm.Deploy(w.env, w.store, w.tx(cost.Cost{}), w.id("bad"), source, types.Clarity3)
		if err == nil || !strings.Contains(err.Error(), want) || res != nil && res.Committed {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
	w.must("0", "tally", "get-n")
	w.deploy("bad", "(define-read-only (f) 1)")
	w.must("1", "bad", "f")
	if _, err := w.vm.Deploy(w.env, w.store, w.tx(cost.Cost{}), w.id("bad"), "1", types.Clarity3); !errors.Is(err, vm.ErrExists) {
		t.Errorf("second deployment: %v, want ErrExists", err)
	}
	if _, err := w.vm.Deploy(w.env, w.store, w.tx(cost.Cost{}), w.id("late"), "1", types.Clarity5); err == nil {
		t.Error("Clarity 5 in epoch 3.3 deployed")
	}
}

func TestDeployAnswersItsLastExpression(t *testing.T) {
	w := newWorld(t)
	for i, c := range []struct {
		source, want string
		valued       bool
	}{
		{"(define-constant a 1)", "", false},
		{"(+ 1 2) (define-constant a 1)", "3", true},
		{"(print u1) (err u5)", "(err u5)", true},
	} {
		res, err := w.vm.Deploy(w.env, w.store, w.tx(cost.Cost{}), w.id(fmt.Sprint("c", i)), c.source, types.Clarity3)
		if err != nil || res.Valued != c.valued || c.valued && res.Value.String() != c.want || !res.Committed {
			t.Errorf("%s: %+v, %v", c.source, res, err)
		}
	}
}

func TestEvalSeesTheContract(t *testing.T) {
	w := newWorld(t)
	w.deploy("tally", tally+"(define-constant five 5)")
	for _, c := range []struct{ snippet, want string }{
		{"(+ five (add 1 2))", "8"},
		{"(count 4)", "(ok 7)"},
		{"(var-get n)", "7"},
		{"(begin (var-set n 1) (err u1))", "(err u1)"},
		{"(var-get n)", "1"},
		{"tx-sender", "'" + deployer},
		{"(define-private (twice (x int)) (* 2 (add x k))) (define-constant k 3) (twice 4)", "14"},
	} {
		res, err := w.vm.Eval(w.env, w.store, w.tx(cost.Cost{}), w.id("tally"), c.snippet)
		if err != nil || res.Value.String() != c.want {
			t.Fatalf("%s: %+v, %v, want %s", c.snippet, res, err, c.want)
		}
	}
	if _, err := w.vm.Eval(w.env, w.store, w.tx(cost.Cost{}), w.id("tally"), "(+ five u1)"); err == nil {
		t.Error("a snippet of wrong types was run")
	}
	if _, err := w.vm.Snippet(w.env, w.store, w.tx(cost.Cost{}), w.id("scratch"), "(define-constant a 1) (contract-call? .tally count a)", types.Clarity3); err != nil {
		t.Fatal(err)
	}
	w.must("5", "tally", "get-n")
	if _, err := w.call("scratch", "a"); err == nil || !strings.Contains(err.Error(), "NoSuchContract") {
		t.Errorf("a snippet stayed: %v", err)
	}
}

// oldEnv is a chain one block of which is known by the state after it.
type oldEnv struct {
	testEnv
	state vm.Reader
}

func (e oldEnv) At(id [32]byte) (vm.Reader, vm.Env, error) {
	if id != ([32]byte{31: 1}) {
		return nil, nil, nil
	}
	return e.state, e, nil
}

func TestAtBlockReadsThePast(t *testing.T) {
	w := newWorld(t)
	w.deploy("tally", tally)
	const block = "0x0000000000000000000000000000000000000000000000000000000000000001"
	w.deploy("user", `
		(define-data-var v int 1)
		(define-public (set (x int)) (ok (var-set v x)))
		(define-read-only (old) (at-block `+block+` {v: (var-get v), n: (contract-call? .tally get-n)}))
		(define-read-only (both) (list (var-get v) (at-block `+block+` (var-get v)) (var-get v)))
		(define-read-only (unknown) (at-block 0x`+strings.Repeat("00", 32)+` 1))
		(define-read-only (short) (at-block 0x00 1))`)
	then := store.NewMemory()
	w.env = oldEnv{testEnv{epoch: types.Epoch33}, then}
	old := newWorld(t)
	old.store = then
	old.deploy("tally", tally)
	old.deploy("user", `(define-data-var v int 1)`)
	w.must("(ok true)", "user", "set", value.Int64(7))
	w.must("(ok 8)", "tally", "count", value.Int64(5))
	w.must("{ n: 0, v: 1 }", "user", "old")
	w.must("(list 7 1 7)", "user", "both")
	for fn, want := range map[string]vm.Fault{"unknown": vm.UnknownBlock, "short": vm.BadBlockHash} {
		_, err := w.call("user", fn)
		var fault *vm.RuntimeError
		if !errors.As(err, &fault) || fault.Fault != want {
			t.Errorf("%s: %v, want %s", fn, err, want)
		}
	}
}

func TestLongChainsOfContractsLoadOneByOne(t *testing.T) {
	w := newWorld(t)
	w.deploy("c0", "(define-public (f) (ok 1))")
	const n = 300
	for i := 1; i < n; i++ {
		w.deploy(fmt.Sprint("c", i), fmt.Sprintf("(define-public (f) (ok 1)) (define-public (g) (contract-call? .c%d f))", i-1))
	}
	counted := &brokenStore{w.store, 0}
	w.store, w.vm = counted, vm.New(vm.Config{Cache: 2})
	w.must("(ok 1)", fmt.Sprint("c", n-1), "g")
	if reads := -counted.left; reads > 20 {
		t.Errorf("%d reads to call one contract that calls another", reads)
	}
}

func TestContractsThatDifferInConstantsAreNotConfused(t *testing.T) {
	// The same source on two forks: what a constant was set to differs, and the VM is shared.
	m := vm.New(vm.Config{})
	for _, height := range []uint64{3, 4} {
		w := newWorld(t)
		w.vm, w.env = m, heightEnv{testEnv{epoch: types.Epoch33}, height}
		w.deploy("c", "(define-constant at burn-block-height) (define-read-only (f) at)")
		w.must(fmt.Sprintf("u%d", height), "c", "f")
		w.vm = vm.New(vm.Config{})
		w.must(fmt.Sprintf("u%d", height), "c", "f")
	}
}

// heightEnv is a chain at a height of the ledger.
type heightEnv struct {
	testEnv
	height uint64
}

func (e heightEnv) BurnHeight() uint64 { return e.height }

func TestRunsShareCompiledContracts(t *testing.T) {
	w := newWorld(t)
	w.deploy("c", `
		(define-private (low (x int)) (+ x 1))
		(define-read-only (f (l (list 3 {a: int}))) (fold + (map low (map get-a l)) 0))
		(define-private (get-a (x {a: int})) (get a x))
		(define-read-only (bad) (let ((map 1)) map))`)
	arg, err := value.ParseLiteral("(list {a: 1} {a: 2})")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 4 {
		go func() {
			var err error
			for range 200 {
				res, e := w.vm.ReadOnly(w.env, store.NewOverlay(w.store), w.tx(cost.Cost{}), w.id("c"), "f", []value.Value{arg})
				if e != nil || res.Value != value.Int64(5) {
					err = fmt.Errorf("%v, %w", res, e)
				}
				var fault *vm.RuntimeError
				if _, e := w.vm.ReadOnly(w.env, store.NewOverlay(w.store), w.tx(cost.Cost{}), w.id("c"), "bad", nil); !errors.As(e, &fault) || len(fault.Trace) != 1 {
					err = fmt.Errorf("bad: %w", e)
				}
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
