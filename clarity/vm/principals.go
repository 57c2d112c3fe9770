package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// principalBuiltins take principals apart and put them together.
var principalBuiltins = map[string]builtin{
	"is-standard":          {since: types.Clarity2, compile: ahead(cost.IsStandard, isStandard)},
	"principal-construct?": {since: types.Clarity2, compile: compilePrincipalConstruct},
	"principal-destruct?":  {since: types.Clarity2, compile: compilePrincipalDestruct},
}

// The versions of addresses (SIP-005).
const (
	mainnetMulti  = 20
	testnetMulti  = 21
	mainnetSingle = 22
	testnetSingle = 26
)

// singleKey is the version of the addresses of one key.
func singleKey(mainnet bool) byte {
	if mainnet {
		return mainnetSingle
	}
	return testnetSingle
}

// legal says whether a version is one of the network that the run is on.
func (f *frame) legal(version byte) bool {
	if f.env.Mainnet() {
		return version == mainnetSingle || version == mainnetMulti
	}
	return version == testnetSingle || version == testnetMulti
}

func isStandard(f *frame, vs []value.Value) (value.Value, error) {
	return value.Bool(f.legal(vs[0].AsPrincipal().Version)), nil
}

// What is wrong with the parts of a principal.
const (
	otherNetwork = 0 // the parts are a principal, but not of this network
	badParts     = 1 // version and hash are none
	badContract  = 2 // the name is none
)

// compilePrincipalConstruct compiles principal-construct?. The name of a contract is copied only if the other parts are good.
func compilePrincipalConstruct(c *compiler, call *syntax.Expr) (code, error) {
	failure, err := value.NewShape("error_code", "value")
	if err != nil {
		return nil, err
	}
	fail := func(code uint64, v value.Value) (value.Value, error) {
		t, err := failure.Tuple([]value.Value{value.UInt64(code), v})
		return value.Err(t), err
	}
	borrowed := false
	if len(args(call)) == 3 {
		e := call.List[3]
		borrowed = e.Kind == syntax.Atom && e.ID >= 0 && c.epoch >= types.Epoch34 && !c.isKeyword(e.Name)
	}
	return ahead(cost.PrincipalConstruct, func(f *frame, vs []value.Value) (value.Value, error) {
		version, hash := vs[0].Octets(), vs[1].Octets()
		if len(version) != 1 || version[0] > 31 || len(hash) != 20 {
			return fail(badParts, value.None)
		}
		p := value.Principal{Version: version[0], Hash: [20]byte(hash)}
		if len(vs) == 3 {
			if borrowed {
				if err := f.charge(cost.LookupVariableSize, uint64(vs[2].Size())); err != nil {
					return value.None, err
				}
			}
			if p.Contract = string(vs[2].Octets()); !value.ValidContractName(p.Contract) {
				return fail(badContract, value.None)
			}
		}
		if !f.legal(p.Version) {
			return fail(otherNetwork, value.Some(value.OfPrincipal(p)))
		}
		return value.Ok(value.OfPrincipal(p)), nil
	})(c, call)
}

// compilePrincipalDestruct compiles principal-destruct?, which answers err for a principal of another network. It is charged
// before its argument is evaluated.
func compilePrincipalDestruct(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	if len(args(call)) != 1 {
		return nil, bug("principal-destruct? of %d arguments", len(args(call)))
	}
	x, err := c.expr(call.List[1])
	if err != nil {
		return nil, err
	}
	price, err := c.runtime(cost.PrincipalDestruct, 0)
	if err != nil {
		return nil, err
	}
	lead += price
	parts, err := value.NewShape("hash-bytes", "name", "version")
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := x(f)
		if err != nil {
			return value.None, err
		}
		p := v.AsPrincipal()
		name := value.None
		if p.IsContract() {
			name = value.Some(value.ASCII(p.Contract))
		}
		t, err := parts.Tuple([]value.Value{value.Buffer(p.Hash[:]), name, value.Buffer([]byte{p.Version})})
		if err != nil {
			return value.None, err
		}
		if !f.legal(p.Version) {
			return value.Err(t), nil
		}
		return value.Ok(t), nil
	}, nil
}
