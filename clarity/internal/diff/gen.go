package diff

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"funai/clarity/session"
	"funai/clarity/types"
	"funai/clarity/value"
)

// Program is one random program: a script, and what the reference has to know besides.
type Program struct {
	session.Script
	Seed  uint64 `json:"seed"`
	Fresh bool   `json:"fresh,omitempty"` // needs a chain of its own, as it reads heights
}

// Generate makes the program of a seed for an epoch. It is the same on every machine.
func Generate(seed uint64, epoch types.Epoch) *Program {
	g := &generator{rand: rand.New(rand.NewPCG(seed, uint64(epoch))), epoch: epoch}
	p := &Program{Seed: seed, Fresh: g.one(25)}
	g.heights = p.Fresh
	for i := range g.people {
		g.people[i] = value.Principal{Version: 26}
		for j := range g.people[i].Hash {
			g.people[i].Hash[j] = byte(g.rand.Uint32())
		}
	}
	p.Epoch, p.Deployer = epoch.String(), g.people[0].String()
	p.Balances = map[string]string{p.Deployer: "1000000", g.people[1].String(): "1000"}
	faulty := -1
	n := 1
	if g.one(3) {
		n = 2 + g.rand.IntN(2)
	}
	if g.one(6) {
		faulty = g.rand.IntN(n)
	}
	for i := range n {
		c := g.newContract(fmt.Sprintf("c%d", i))
		if i == faulty {
			c.text = g.fault(c.text)
		}
		p.Contracts = append(p.Contracts, session.ContractText{Name: c.name, Source: c.text, Version: c.version})
	}
	for range 4 + g.rand.IntN(8) {
		p.Calls = append(p.Calls, g.call())
	}
	return p
}

// generator is the state of making one program.
type generator struct {
	rand      *rand.Rand
	epoch     types.Epoch
	people    [3]value.Principal // 0 deploys
	heights   bool
	contracts []*contract

	*contract             // the one in the making
	scope     []variable  // of the function in the making
	result    *types.Type // of it; nil outside of functions
	readOnly  bool        // it may not write
	writes    bool        // it does
	vague     bool        // as the contract's, but where no type is worked out
	fuel      int         // expressions left to make in the definition
	names     int
}

// contract is what is known of one contract.
type contract struct {
	name      string
	version   types.Version
	vague     bool // expressions may have parts of unknown type
	constants []variable
	variables []variable
	maps      []mapping
	fts       []string
	nfts      []variable
	functions []function
	trait     []function // of the trait "tr" that it defines
	uses      *contract  // the contract whose trait is used here as "q"
	traitArgs int        // functions that take one
	defines   []string
	text      string
}

type variable struct {
	name string
	t    *types.Type
}

type mapping struct {
	name       string
	key, value *types.Type
}

type function struct {
	name   string
	access string
	args   []variable // t is nil for a trait
	result *types.Type
	writes bool
	home   *contract
}

func (g *generator) one(in int) bool { return g.rand.IntN(in) == 0 }

func pick[T any](g *generator, of []T) T { return of[g.rand.IntN(len(of))] }

func (g *generator) fresh(kind string) string {
	g.names++
	return fmt.Sprintf("%s%d", kind, g.names)
}

// call makes one call of something, most often right.
func (g *generator) call() session.Action {
	c := pick(g, g.contracts)
	a := session.Action{Fn: "public", Contract: c.name, Method: "nope"}
	if g.one(4) {
		a.Sender = g.people[1].String()
	}
	if len(c.functions) == 0 {
		return a
	}
	f := pick(g, c.functions)
	for range 3 {
		if f.access == "private" {
			f = pick(g, c.functions)
		}
	}
	a.Method, a.Fn = f.name, f.access
	if g.one(60) {
		a.Fn = map[string]string{"public": "private", "private": "read", "read": "private"}[f.access]
	}
	if g.one(80) {
		a.Method = "nope"
	}
	for _, x := range f.args {
		a.Args = append(a.Args, g.argument(x.t))
	}
	switch {
	case g.one(40):
		a.Args = append(a.Args, g.argument(types.Int))
	case g.one(40) && len(a.Args) > 0:
		a.Args = a.Args[1:]
	}
	return a
}

// argument is a value of a type, nil being a trait, in consensus encoding; now and then one of another type.
func (g *generator) argument(t *types.Type) json.RawMessage {
	text := ""
	switch {
	case t == nil && !g.one(10):
		text = "'" + g.people[0].String() + "." + pick(g, g.contracts).name
	case t == nil || g.one(30) && !recast(t): // an implementation need not look into lists and tuples at once
		text = g.literal(g.anyType(1))
	default:
		g.vague = true
		text = g.literal(t)
	}
	v, err := value.ParseLiteral(text)
	if err != nil {
		v = value.None
	}
	raw, err := value.Encode(v)
	if err != nil {
		raw = []byte{9}
	}
	return json.RawMessage(`{"hex":"` + hex.EncodeToString(raw) + `"}`)
}

// recast says whether a type has a list or a tuple in it, which the reference takes for what it should be.
func recast(t *types.Type) bool {
	switch t.Kind() {
	case types.KindList, types.KindTuple:
		return true
	case types.KindOptional:
		return recast(t.Elem())
	case types.KindResponse:
		return recast(t.Elem()) || recast(t.Err())
	}
	return false
}

func call(name string, args ...string) string {
	return "(" + strings.Join(append([]string{name}, args...), " ") + ")"
}
