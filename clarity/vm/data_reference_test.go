package vm_test

import (
	"encoding/hex"
	"encoding/json"
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

// scenario is what the reference implementation made of contracts that keep data and move assets.
type scenario struct {
	Name      string
	Epoch     string
	Contracts []struct {
		Name    string
		Source  string
		Version types.Version
		recorded
	}
	Calls []struct {
		Contract string // "" is the last
		Kind     string // "" is public
		Fn       string
		Args     []string
		Sender   string // "" is the deployer
		recorded
	}
}

// recorded is the outcome of a deployment or a call.
type recorded struct {
	Error  string
	Result string // in consensus encoding, hexadecimal
	Cost   [5]uint64
	Memory uint64
	Events []string
	Loose  bool // the value is one of that implementation's made-up chain
}

func TestStateAgreesWithReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/state.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []scenario
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(strings.ReplaceAll(s.Name, " ", "_"), func(t *testing.T) { s.check(t) })
	}
}

func (s *scenario) check(t *testing.T) {
	epoch := types.Epoch(10*(s.Epoch[0]-'0') + s.Epoch[2] - '0')
	m, mem, env := vm.New(vm.Config{}), store.NewMemory(), madeUpChain{testEnv{epoch: epoch}}
	sender := principal(t, deployer)
	if err := vm.NewCoins(mem, 0).Mint(sender, value.U64(1_000_000)); err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, c := range s.Contracts {
		last = c.Name
		res, err := m.Deploy(env, mem, vm.Tx{Sender: sender}, principal(t, deployer+"."+c.Name), c.Source, c.Version)
		c.compare(t, epoch, "deploy of "+c.Name, res, err)
		if err != nil {
			return
		}
	}
	for i, c := range s.Calls {
		if c.Contract == "" {
			c.Contract = last
		}
		tx := vm.Tx{Sender: sender}
		if c.Sender != "" {
			tx.Sender = principal(t, c.Sender)
		}
		args := make([]value.Value, len(c.Args))
		for i, a := range c.Args {
			var err error
			if args[i], err = value.ParseLiteral(a); err != nil {
				t.Fatal(err)
			}
		}
		call := m.Call
		switch c.Kind {
		case "read":
			call = m.ReadOnly
		case "private":
			call = m.Private
		}
		res, err := call(env, mem, tx, principal(t, deployer+"."+c.Contract), c.Fn, args)
		c.compare(t, epoch, fmt.Sprintf("call %d: %s %v", i, c.Fn, c.Args), res, err)
	}
}

func (want recorded) compare(t *testing.T, epoch types.Epoch, what string, res *vm.Result, err error) {
	t.Helper()
	if want.Error != "" {
		if got := class(err); got != classOf(want.Error) {
			t.Errorf("%s: fault %q (%v), want %s", what, got, err, want.Error)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v, want %s", what, err, want.Result)
		return
	}
	if want.Result != "" && !want.Loose && (res.Valued || !strings.HasPrefix(what, "deploy")) {
		b, err := value.Encode(res.Value)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(b); got != want.Result {
			t.Errorf("%s: %s (%v), want %s", what, got, res.Value, want.Result)
		}
	}
	c := want.Cost
	if got, want := res.Cost, (cost.Cost{Runtime: c[0], ReadCount: c[1], ReadLength: c[2], WriteCount: c[3], WriteLength: c[4]}); got != want && epoch < types.Epoch40 {
		t.Errorf("%s: cost %+v, want %+v", what, got, want)
	}
	if epoch < types.Epoch40 && res.Memory != want.Memory {
		t.Errorf("%s: memory %d, want %d", what, res.Memory, want.Memory)
	}
	var events []string
	for _, e := range res.Events {
		events = append(events, eventLine(t, e))
	}
	if got, want := strings.Join(events, "\n"), strings.Join(want.Events, "\n"); got != want {
		t.Errorf("%s: events\n%s\nwant\n%s", what, got, want)
	}
}

var eventNames = map[vm.EventKind]string{
	vm.EventPrint: "print_event", vm.EventSTXTransfer: "stx_transfer_event", vm.EventSTXBurn: "stx_burn_event",
	vm.EventFTTransfer: "ft_transfer_event", vm.EventFTMint: "ft_mint_event", vm.EventFTBurn: "ft_burn_event",
	vm.EventNFTTransfer: "nft_transfer_event", vm.EventNFTMint: "nft_mint_event", vm.EventNFTBurn: "nft_burn_event",
}

// eventLine writes an event as the golden has it.
func eventLine(t *testing.T, e vm.Event) string {
	out := []string{eventNames[e.Kind]}
	var none value.Principal
	if e.Asset != "" {
		out = append(out, e.Contract.String()+"::"+e.Asset)
	} else if e.Contract != none {
		out = append(out, e.Contract.String())
	}
	if e.Sender != none {
		out = append(out, "from "+e.Sender.String())
	}
	if e.Recipient != none {
		out = append(out, "to "+e.Recipient.String())
	}
	switch e.Kind {
	case vm.EventPrint, vm.EventNFTTransfer, vm.EventNFTMint, vm.EventNFTBurn:
		b, err := value.Encode(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, "0x"+hex.EncodeToString(b))
	default:
		out = append(out, e.Amount.String())
	}
	if len(e.Memo) > 0 {
		out = append(out, "memo "+hex.EncodeToString(e.Memo))
	}
	return strings.Join(out, " ")
}

// madeUpChain knows something about every block and tenure below its height.
type madeUpChain struct{ testEnv }

func (madeUpChain) Time() uint64                               { return 1_700_000_000 }
func (madeUpChain) Block(uint64) (*vm.Block, error)            { return new(vm.Block), nil }
func (madeUpChain) Tenure(uint64) (*vm.Tenure, error)          { return new(vm.Tenure), nil }
func (madeUpChain) BurnBlock(uint64) (*vm.BurnBlock, error)    { return new(vm.BurnBlock), nil }
func (madeUpChain) TenureStart(t uint64) (uint64, bool, error) { return t, true, nil }
