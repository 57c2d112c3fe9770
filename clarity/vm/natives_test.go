package vm

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
)

// still is a test network on which nothing happens.
type still struct {
	Env
	epoch types.Epoch
}

func (s still) ChainID() uint32      { return 0x80000000 }
func (s still) Mainnet() bool        { return false }
func (s still) Epoch() types.Epoch   { return s.epoch }
func (s still) Height() uint64       { return 10 }
func (s still) BurnHeight() uint64   { return 10 }
func (s still) TenureHeight() uint64 { return 10 }

// notes is a Store for one run after another.
type notes struct{ kept map[string][]byte }

func (n notes) Get(key []byte) ([]byte, error) { return n.kept[string(key)], nil }
func (n notes) Put(key, value []byte)          { n.kept[string(key)] = value }
func (n notes) Delete(key []byte)              { delete(n.kept, string(key)) }
func (n notes) Mark() int                      { return 0 }
func (n notes) Rollback(int)                   {}

// bench runs expressions of one version and epoch, each as the body of a read-only function of a contract of its own.
type bench struct {
	vm      *VM
	env     still
	store   notes
	version types.Version
	sender  value.Principal
	count   int
	idle    map[string]uint64 // what the call of a function that does nothing costs, by what stands before it
}

func newBench(t testing.TB, version types.Version, epoch types.Epoch) *bench {
	t.Helper()
	sender, err := value.ParsePrincipal("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM")
	if err != nil {
		t.Fatal(err)
	}
	return &bench{
		vm: New(Config{}), env: still{epoch: epoch}, store: notes{make(map[string][]byte)}, version: version, sender: sender,
		idle: make(map[string]uint64),
	}
}

// run returns what an expression gives and what the call costs. Sources are padded, so that loading them costs the same.
func (b *bench) run(before, expression string) (*Result, error) {
	id, err := b.deploy(before, expression)
	if err != nil {
		return nil, err
	}
	return b.call(id, cost.Unlimited)
}

func (b *bench) deploy(before, expression string) (id value.Principal, err error) {
	b.count++
	id = b.sender
	id.Contract = "p" + strconv.Itoa(b.count)
	source := fmt.Sprintf("%-1200s", before+"(define-read-only (t) "+expression+")")
	if _, err := b.vm.Deploy(b.env, b.store, Tx{Sender: b.sender}, id, source, b.version); err != nil {
		return id, fmt.Errorf("deploying: %w", err)
	}
	return id, nil
}

// call calls the function, and makes sure that nothing is held in memory afterwards.
func (b *bench) call(id value.Principal, bound cost.Cost) (*Result, error) {
	f := b.vm.start(b.env, b.store, Tx{Sender: b.sender, Limit: bound})
	f.readOnly = true
	res, err := f.transact(true, func() (value.Value, bool, error) {
		v, err := f.enterContract(id, "t", nil, check.ReadOnly)
		return v, true, err
	})
	if held := f.meter.Memory; err == nil && held != 0 {
		return nil, fmt.Errorf("%d bytes are held still", held)
	}
	return res, err
}

// outcome is what the reference implementation made of an expression: an encoded value and what it cost more than `true`, or
// the name of a fault.
type outcome struct {
	on    string // versions and epochs: 2@2.1 …
	hex   string
	cost  uint64
	fault Fault
}

func (o *outcome) String() string {
	if o.fault != "" {
		return string(o.fault)
	}
	return fmt.Sprintf("%s at %d", o.hex, o.cost)
}

type golden struct {
	before, expression string
	outcomes           []outcome
}

func goldens(t testing.TB) []golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/natives.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		On    []string
		Pre   []string
		Cases []struct {
			X   string
			Pre int
			R   [][]any
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var all []golden
	for _, c := range file.Cases {
		g := golden{expression: c.X}
		if c.Pre > 0 {
			g.before = file.Pre[c.Pre-1]
		}
		for _, r := range c.R {
			at, _ := r[0].(float64)
			what, _ := r[1].(string)
			o := outcome{on: file.On[int(at)]}
			if len(r) == 3 {
				n, _ := r[2].(float64)
				o.hex, o.cost = what, uint64(n)
			} else {
				o.fault = Fault(what)
			}
			g.outcomes = append(g.outcomes, o)
		}
		all = append(all, g)
	}
	return all
}

func TestNativesAsTheReferenceImplementation(t *testing.T) {
	benches := make(map[string]*bench)
	failed := 0
	for _, g := range goldens(t) {
		for _, want := range g.outcomes {
			for _, on := range strings.Fields(want.on) {
				b := benches[on]
				if b == nil {
					b = newBench(t, types.Version(on[0]-'0'), types.Epoch(10*(on[2]-'0')+on[4]-'0'))
					benches[on] = b
				}
				got, err := b.outcome(t, g)
				if err != nil {
					t.Errorf("%s %s: %v, want %v", on, g.expression, err, &want)
				} else if got.fault != want.fault || got.hex != want.hex || got.cost != want.cost {
					t.Errorf("%s %s: %v, want %v", on, g.expression, got, &want)
				} else {
					continue
				}
				if failed++; failed > 200 {
					t.Fatal("and more")
				}
				break
			}
		}
	}
}

func TestRunsStopExactlyAtTheirLimit(t *testing.T) {
	b := newBench(t, types.Clarity4, types.Epoch33)
	for i, g := range goldens(t) {
		if i%7 != 0 || g.before != "" {
			continue
		}
		id, err := b.deploy("", g.expression)
		if err != nil {
			continue // not of this version
		}
		res, err := b.call(id, cost.Unlimited)
		if err != nil {
			continue // a fault
		}
		bound := cost.Unlimited
		bound.Runtime = res.Cost.Runtime
		if _, err := b.call(id, bound); err != nil {
			t.Errorf("%s at its cost of %d: %v", g.expression, bound.Runtime, err)
		}
		for _, less := range []uint64{1, 2, 10, res.Cost.Runtime / 2} {
			bound.Runtime = res.Cost.Runtime - less
			if _, err := b.call(id, bound); !errors.Is(err, cost.ErrLimit) {
				t.Errorf("%s at %d of %d: %v, want %v", g.expression, bound.Runtime, res.Cost.Runtime, err, cost.ErrLimit)
			}
		}
	}
}

// TestMemoryIsUsedUpWhereTheReferenceImplementationUsesItUp fills memory with the arguments of is-eq, z of 2^18 bytes each,
// until what the last one holds while it is computed does not fit.
func TestMemoryIsUsedUpWhereTheReferenceImplementationUsesItUp(t *testing.T) {
	b := newBench(t, types.Clarity4, types.Epoch33)
	for _, tt := range []struct {
		last string
		most int // arguments z that fit before it
	}{
		{"0x", 380},
		{"(sha256 z)", 379},
		{"(unwrap-panic (slice? z u0 u1))", 380},
		{"(concat z 0x)", 379},
		{"(unwrap-panic (as-max-len? z u262144))", 379},
		{"(unwrap-panic (element-at? z u0))", 379},
		{"(unwrap-panic (replace-at? z u0 0x00))", 379},
		{"(if (> z z) 0x 0x01)", 380},
		{"(if (is-some (index-of? z 0x01)) 0x 0x01)", 379},
		{"(unwrap-panic (to-consensus-buff? z))", 379},
		{"(if (is-some (from-consensus-buff? bool z)) 0x 0x01)", 380},
		{"(if (is-eq (len z) u1) 0x 0x01)", 379},
		{"(unwrap-panic (element-at? (list z) u0))", 379},
		{"(unwrap-panic (element-at? (append (list 0x) z) u0))", 378},
		{"(get q {q: z})", 379},
		{"(get q (merge {q: z} {r: 0x}))", 379},
		{"(if (is-eq z z) 0x 0x01)", 378},
		{"(if (not (is-eq z 0x)) 0x 0x01)", 379},
		{"(if (is-ok (to-ascii? z)) 0x 0x01)", 378},
	} {
		for _, n := range []int{tt.most, tt.most + 1} {
			source := "(let ((a 0x" + strings.Repeat("5a", 256) + ")"
			for _, names := range []string{"ba", "cb", "dc", "ed", "ze"} { // each is four times as long as the one before
				x := names[1:]
				source += fmt.Sprintf(" (%s (concat (concat %s %s) (concat %s %s)))", names[:1], x, x, x, x)
			}
			source += ") (is-eq " + strings.Repeat("z ", n) + tt.last + "))"
			_, err := b.run("", source)
			if fits := n == tt.most; fits != (err == nil) || !fits && !errors.Is(err, cost.ErrMemory) {
				t.Errorf("%d times z, then %s: %v", n, tt.last, err)
			}
		}
	}
}

// outcome runs an expression. The error is one of deploying, or one of ours.
func (b *bench) outcome(t *testing.T, g golden) (*outcome, error) {
	t.Helper()
	idle, ok := b.idle[g.before]
	if !ok {
		res, err := b.run(g.before, "true")
		if err != nil {
			return nil, err
		}
		idle = res.Cost.Runtime
		b.idle[g.before] = idle
	}
	res, err := b.run(g.before, g.expression)
	var fault *RuntimeError
	switch {
	case errors.As(err, &fault):
		return &outcome{fault: fault.Fault}, nil
	case err != nil:
		return nil, err
	}
	encoded, err := value.Encode(res.Value)
	if err != nil {
		return nil, err
	}
	return &outcome{hex: hex.EncodeToString(encoded), cost: res.Cost.Runtime - idle}, nil
}
