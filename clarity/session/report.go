package session

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// MaxInput is the most bytes of a script.
const MaxInput = 16 << 20

// Script is a session as a JSON document: contracts to deploy, then calls to make.
type Script struct {
	Epoch     string            `json:"epoch"`
	Source    string            `json:"source"` // short for one contract named "c"
	Version   types.Version     `json:"clarityVersion"`
	Deployer  string            `json:"deployer"`
	Balances  map[string]string `json:"balances"` // by address; the deployer has 1,000,000,000,000 if nothing is said
	Contracts []ContractText    `json:"contracts"`
	Calls     []Action          `json:"calls"`
	Limit     cost.Cost         `json:"limit"` // of each transaction; zero is cost.BlockLimit
}

// ContractText is one contract of a script.
type ContractText struct {
	Name    string        `json:"name"`
	Source  string        `json:"source"`
	Version types.Version `json:"clarityVersion"`
	Sender  string        `json:"sender"`
}

// Action is one step of a script. Fn is public, read, private, eval, var, map, mine, transfer or epoch.
type Action struct {
	Fn       string            `json:"fn"`
	Contract string            `json:"contract"`
	Method   string            `json:"method"`
	Args     []json.RawMessage `json:"args"` // literals, or {"hex": "…"}
	Sender   string            `json:"sender"`
	Snippet  string            `json:"snippet"`
	Count    *int              `json:"count"`
	Reps     int               `json:"reps"`
	Amount   json.Number       `json:"amount"`
	To       string            `json:"to"`
	Epoch    string            `json:"epoch"`
}

// Report is what came of a script.
type Report struct {
	Epoch    string    `json:"epoch"`
	Clarity  string    `json:"clarity"`
	Deployer string    `json:"deployer"`
	Deploys  []Outcome `json:"deploys"`
	Calls    []Outcome `json:"calls"`
}

// Outcome is what came of one step: a value with what it cost, or an error.
type Outcome struct {
	Name   string  `json:"name,omitempty"`
	Fn     string  `json:"fn,omitempty"`
	Method string  `json:"method,omitempty"`
	Hex    string  `json:"hex,omitempty"`
	Pretty string  `json:"pretty,omitempty"`
	Events []event `json:"events,omitempty"`
	Costs  *costs  `json:"costs,omitempty"`
	Value  any     `json:"value,omitempty"` // of mine: the ledger's height
	Error  string  `json:"error,omitempty"`
	MS     float64 `json:"ms"`
	Min    float64 `json:"ms_min,omitempty"` // of several repetitions
	Median float64 `json:"ms_median,omitempty"`
	Err    error   `json:"-"` // what Error says
}

type costs struct {
	Memory      uint64    `json:"memory"`
	MemoryLimit uint64    `json:"memory_limit"`
	Total       cost.Cost `json:"total"`
	Limit       cost.Cost `json:"limit"`
}

// Run plays a script and writes the report, both as JSON. Its error says that the script could not be read; what went
// wrong in a step stands in the report.
func Run(in io.Reader, out io.Writer) error {
	raw, err := io.ReadAll(io.LimitReader(in, MaxInput+1))
	if err != nil {
		return err
	}
	if len(raw) > MaxInput {
		return fmt.Errorf("script has more than %d bytes", MaxInput)
	}
	var script Script
	if err := json.Unmarshal(raw, &script); err != nil {
		return fmt.Errorf("script: %w", err)
	}
	r, err := Play(script)
	if err != nil {
		return err
	}
	e := json.NewEncoder(out)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// Play plays a script. Its error says that the script makes no sense as a whole.
func Play(script Script) (*Report, error) {
	epoch, deployer := types.LatestEpoch, Deployer
	var err error
	if script.Epoch != "" {
		if epoch, err = types.ParseEpoch(script.Epoch); err != nil {
			return nil, err
		}
	}
	if script.Deployer != "" {
		if deployer, err = value.ParsePrincipal(script.Deployer); err != nil {
			return nil, fmt.Errorf("deployer: %w", err)
		}
	}
	if script.Balances == nil {
		script.Balances = map[string]string{deployer.String(): "1000000000000"}
	}
	if script.Contracts == nil && script.Source != "" {
		script.Contracts = []ContractText{{Name: "c", Source: script.Source, Version: script.Version}}
	}
	p := &player{s: New(Options{Epoch: epoch, Deployer: deployer, Limit: script.Limit}), deployer: deployer, script: &script}
	for who, amount := range script.Balances {
		to, err := value.ParsePrincipal(who)
		if err != nil {
			return nil, fmt.Errorf("balances: %w", err)
		}
		n, err := value.ParseUint128(amount)
		if err != nil {
			return nil, fmt.Errorf("balance of %v: %w", to, err)
		}
		if err := p.s.Mint(to, n); err != nil {
			return nil, fmt.Errorf("balance of %v: %w", to, err)
		}
	}
	r := &Report{Deployer: deployer.String(), Deploys: []Outcome{}, Calls: []Outcome{}}
	for _, c := range script.Contracts {
		o := timed(1, func() Outcome { return p.deploy(c) })
		o.Name = c.Name
		r.Deploys = append(r.Deploys, o)
	}
	for _, a := range script.Calls {
		if a.Reps > maxReps {
			return nil, fmt.Errorf("%s %s: %d repetitions, of at most %d", a.Fn, a.Method, a.Reps, maxReps)
		}
		o := timed(max(a.Reps, 1), func() Outcome { return p.act(a) })
		o.Fn, o.Method = a.Fn, a.Method
		r.Calls = append(r.Calls, o)
	}
	r.Epoch, r.Clarity = p.s.Epoch().String(), p.s.Epoch().MaxVersion().String()
	return r, nil
}

// timed plays one step so often and says how long it took, in milliseconds.
func timed(reps int, f func() Outcome) (o Outcome) {
	var all []float64
	for range reps {
		began := time.Now()
		o = f()
		all = append(all, float64(time.Since(began))/float64(time.Millisecond))
	}
	o.MS = all[len(all)-1]
	if reps > 1 {
		slices.Sort(all)
		o.Min, o.Median = all[0], all[len(all)/2]
	}
	return o
}

// player plays one script.
type player struct {
	s        *Session
	deployer value.Principal
	script   *Script
}

func failed(err error) Outcome { return Outcome{Error: err.Error(), Err: err} }

// as makes somebody the sender; "" is the deployer.
func (p *player) as(sender string) error {
	who := p.deployer
	if sender != "" {
		var err error
		if who, err = value.ParsePrincipal(sender); err != nil {
			return fmt.Errorf("sender: %w", err)
		}
	}
	p.s.SetSender(who)
	return nil
}

func (p *player) deploy(c ContractText) Outcome {
	if err := p.as(c.Sender); err != nil {
		return failed(err)
	}
	r, err := p.s.Deploy(c.Name, c.Source, c.Version)
	if err != nil {
		return failed(err)
	}
	id := p.s.Sender()
	id.Contract = c.Name
	a, err := p.s.Analysis(id)
	none := value.None
	if err == nil && len(a.Functions)+len(a.Traits) > 0 { // as the reference implementation's tools show it
		none = value.True
	}
	return p.outcome(r, err, none)
}

// outcome puts a result into its JSON form; none stands for the value of what has none.
func (p *player) outcome(r *vm.Result, err error, none value.Value) Outcome {
	if err != nil {
		return failed(err)
	}
	v := r.Value
	if !r.Valued {
		v = none
	}
	o := valued(v)
	for _, e := range r.Events {
		j, err := eventOf(e)
		if err != nil {
			return failed(err)
		}
		o.Events = append(o.Events, j)
	}
	o.Costs = &costs{Memory: r.Memory, MemoryLimit: cost.MemoryLimit, Total: r.Cost, Limit: p.s.limit}
	return o
}

func valued(v value.Value) Outcome {
	raw, err := value.Encode(v)
	if err != nil {
		return failed(err)
	}
	return Outcome{Hex: hex.EncodeToString(raw), Pretty: v.String()}
}

func (p *player) act(a Action) Outcome {
	if err := p.as(a.Sender); err != nil {
		return failed(err)
	}
	switch a.Fn {
	case "public", "read", "private", "var", "map":
		return p.onContract(a)
	case "eval":
		r, err := p.s.Eval(a.Snippet)
		return p.outcome(r, err, value.None)
	case "mine":
		n := 1
		if a.Count != nil {
			n = *a.Count
		}
		if n < 0 || n > maxMine {
			return failed(fmt.Errorf("mine: %d blocks, not 0 to %d", n, maxMine))
		}
		return Outcome{Value: p.s.Mine(n)}
	case "transfer":
		to, err := value.ParsePrincipal(a.To)
		if err != nil {
			return failed(err)
		}
		n, err := value.ParseUint128(a.Amount.String())
		if err != nil {
			return failed(err)
		}
		r, err := p.s.Transfer(to, n)
		return p.outcome(r, err, value.None)
	case "epoch":
		e, err := types.ParseEpoch(a.Epoch)
		if err == nil {
			err = p.s.SetEpoch(e)
		}
		if err != nil {
			return failed(err)
		}
		return Outcome{}
	}
	return failed(fmt.Errorf("fn is %q, not one of public, read, private, eval, var, map, mine, transfer, epoch", a.Fn))
}

// maxReps is how often one step is repeated at most.
const maxReps = 1_000_000

// maxMine is the most blocks that one step mines.
const maxMine = 100_000

// contract is the one that a step names: a principal, a contract of the script, or else the last of the script.
func (p *player) contract(name string) (value.Principal, error) {
	if name == "" && len(p.script.Contracts) > 0 {
		name = p.script.Contracts[len(p.script.Contracts)-1].Name
	}
	if id, err := value.ParsePrincipal(name); err == nil {
		return id, nil
	}
	id := p.deployer
	for _, c := range p.script.Contracts {
		if c.Name == name && c.Sender != "" {
			var err error
			if id, err = value.ParsePrincipal(c.Sender); err != nil {
				return id, err
			}
			break
		}
	}
	id.Contract = name
	return id, nil
}

func (p *player) onContract(a Action) Outcome {
	id, err := p.contract(a.Contract)
	if err != nil {
		return failed(err)
	}
	args := make([]value.Value, len(a.Args))
	for i, raw := range a.Args {
		if args[i], err = argument(raw); err != nil {
			return failed(fmt.Errorf("argument %d: %w", i+1, err))
		}
	}
	switch a.Fn {
	case "var":
		v, err := p.s.Variable(id, a.Method)
		if err != nil {
			return failed(err)
		}
		return valued(v)
	case "map":
		if len(args) != 1 {
			return failed(fmt.Errorf("map: %d keys, not 1", len(args)))
		}
		v, err := p.s.MapEntry(id, a.Method, args[0])
		if err != nil {
			return failed(err)
		}
		return valued(v)
	}
	call := p.s.Call
	switch a.Fn {
	case "read":
		call = p.s.ReadOnly
	case "private":
		call = p.s.Private
	}
	r, err := call(id, a.Method, args...)
	return p.outcome(r, err, value.None)
}

// argument reads a literal, or a value in consensus encoding.
func argument(raw json.RawMessage) (value.Value, error) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return value.ParseLiteral(s)
	}
	var h struct {
		Hex string `json:"hex"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return value.None, err
	}
	b, err := hex.DecodeString(strings.TrimPrefix(h.Hex, "0x"))
	if err != nil {
		return value.None, err
	}
	return value.Decode(b)
}
