package vm_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"funai/clarity/cost"
	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// program is a golden: contracts and calls, with what the reference implementation made of them.
type program struct {
	Name      string
	Epoch     string
	Contracts []struct {
		Name    string
		Source  string
		Version types.Version
		outcome
	}
	Calls []struct {
		Contract string // "" is the last
		Fn       string
		Kind     string // "" is public
		Args     []string
		outcome
	}
}

// outcome is what came of a deployment or a call: a fault, or the rest.
type outcome struct {
	Fault  string
	Result string // in consensus encoding, hexadecimal
	Cost   [5]uint64
	Events []string
}

const deployer = "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM"

func TestProgramsAgreeWithReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/programs.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []program
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(strings.ReplaceAll(p.Name, " ", "_")+"_in_epoch_"+p.Epoch, func(t *testing.T) { p.check(t) })
	}
}

func (p *program) check(t *testing.T) {
	epoch := types.Epoch(10*(p.Epoch[0]-'0') + p.Epoch[2] - '0')
	var (
		sender = principal(t, deployer)
		s      = store.NewMemory()
		env    = testEnv{epoch: epoch}
		first  = vm.New(vm.Config{})
		last   string
	)
	for _, c := range p.Contracts {
		last = c.Name
		id := principal(t, deployer+"."+c.Name)
		res, err := first.Deploy(env, s, vm.Tx{Sender: sender}, id, c.Source, c.Version)
		c.compare(t, "deploy of "+c.Name, res, err)
		if err != nil && c.Fault == "" {
			return
		}
	}
	// What was deployed must run alike in another process.
	second := vm.New(vm.Config{})
	for i, c := range p.Calls {
		if c.Contract == "" {
			c.Contract = last
		}
		id := principal(t, deployer+"."+c.Contract)
		args := make([]value.Value, len(c.Args))
		for i, a := range c.Args {
			v, err := value.ParseLiteral(a)
			if err != nil {
				t.Fatal(err)
			}
			args[i] = v
		}
		m := first
		if i%2 == 1 {
			m = second
		}
		call := m.Call
		switch c.Kind {
		case "read":
			call = m.ReadOnly
		case "private":
			call = m.Private
		}
		res, err := call(env, s, vm.Tx{Sender: sender}, id, c.Fn, args)
		c.compare(t, fmt.Sprintf("call %d: %s %v", i, c.Fn, c.Args), res, err)
	}
}

func (want outcome) compare(t *testing.T, what string, res *vm.Result, err error) {
	t.Helper()
	if want.Fault != "" {
		if got := class(err); got != classOf(want.Fault) {
			t.Errorf("%s: fault %q (%v), want %q (%s)", what, got, err, classOf(want.Fault), want.Fault)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v, want %s", what, err, want.Result)
		return
	}
	if want.Result != "" {
		b, err := value.Encode(res.Value)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(b); got != want.Result {
			t.Errorf("%s: %s (%v), want %s", what, got, res.Value, want.Result)
		}
	}
	c := want.Cost
	if got, want := res.Cost, (cost.Cost{Runtime: c[0], ReadCount: c[1], ReadLength: c[2], WriteCount: c[3], WriteLength: c[4]}); got != want {
		t.Errorf("%s: cost %+v, want %+v", what, got, want)
	}
	if want.Result != "" && len(res.Events) != len(want.Events) {
		t.Errorf("%s: %d events, want %v", what, len(res.Events), want.Events)
		return
	}
	for i, e := range want.Events {
		text, printed := strings.CutPrefix(e, "print_event:")
		if got := res.Events[i]; printed && (got.Kind != vm.EventPrint || got.Value.String() != text) {
			t.Errorf("%s: event %d is %v, want %s", what, i, got.Value, text)
		}
	}
}

// class is the name of what an error is about.
func class(err error) string {
	var fault *vm.RuntimeError
	switch {
	case errors.As(err, &fault) && fault.Fault == vm.Unchecked:
		name, _, _ := strings.Cut(fault.Text, ":")
		return name
	case errors.As(err, &fault):
		return string(fault.Fault)
	case err != nil:
		return "analysis"
	}
	return ""
}

// classOf is the same of the reference implementation's text.
func classOf(text string) string {
	switch {
	case strings.HasPrefix(text, "EarlyReturn("):
		return string(vm.EarlyReturn)
	case strings.HasPrefix(text, "Runtime("), strings.HasPrefix(text, "RuntimeCheck("):
		_, text, _ = strings.Cut(text, "(")
		if i := strings.IndexAny(text, "(,)"); i >= 0 {
			text = text[:i]
		}
		return text
	case strings.Contains(text, "is not a public function"):
		return "NoSuchPublicFunction"
	case strings.Contains(text, "Method '"):
		return "UndefinedFunction"
	case strings.HasSuffix(text, "does not exist"):
		return "NoSuchContract"
	}
	return "analysis"
}

func principal(t testing.TB, s string) value.Principal {
	t.Helper()
	p, err := value.ParsePrincipal(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testEnv is a chain of which nothing is known but its epoch.
type testEnv struct {
	vm.Env
	epoch types.Epoch
}

func (e testEnv) Epoch() types.Epoch { return e.epoch }
func (testEnv) Mainnet() bool        { return false }
func (testEnv) ChainID() uint32      { return 0x80000000 }
func (testEnv) Height() uint64       { return 10 }
func (testEnv) TenureHeight() uint64 { return 10 }
func (testEnv) BurnHeight() uint64   { return 10 }
