package vm

import (
	"maps"
	"slices"

	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
)

// constant is what a constant holds. Its size is that of the value when it was defined: the types of lists may have shrunk
// since, as values from a store have the least types that they can have.
type constant struct {
	value value.Value
	size  uint32
}

// sized is what reading the constant is charged for.
func (k *constant) sized(epoch types.Epoch) uint64 {
	if epoch >= types.Epoch34 {
		return uint64(k.value.Size())
	}
	return uint64(k.size)
}

// compile compiles a contract.
func compile(source string, a *check.Analysis, epoch types.Epoch, ledger bool) (*contract, error) {
	c := &contract{
		id: a.ID, self: value.OfPrincipal(a.ID), source: source, version: a.Version, size: uint64(len(source)), ledger: ledger, analysis: a,
		constants: make(map[string]*constant, len(a.Constants)), functions: make(map[string]*function, len(a.Functions)),
	}
	return c, c.add(a, epoch)
}

// with is the contract with what a snippet in its context defines.
func (c *contract) with(a *check.Analysis, epoch types.Epoch) (*contract, error) {
	more := *c
	more.constants, more.functions = maps.Clone(c.constants), maps.Clone(c.functions)
	return &more, more.add(a, epoch)
}

// add compiles the functions of an analysis that the contract has not, and makes place for its constants.
func (c *contract) add(a *check.Analysis, epoch types.Epoch) error {
	for name := range a.Constants {
		if c.constants[name] == nil {
			c.constants[name] = new(constant)
		}
	}
	var added []*function
	for _, name := range slices.Sorted(maps.Keys(a.Functions)) {
		if c.functions[name] != nil {
			continue
		}
		sig := a.Functions[name]
		fn := &function{contract: c, name: name, access: sig.Access, params: sig.Args, define: sig.Define, casts: make([]bool, len(sig.Args))}
		if err := fn.appraise(newCompiler(c, a, epoch)); err != nil {
			return err
		}
		for i, p := range sig.Args {
			fn.casts[i] = p.Type.Kind() == types.KindTrait || a.Version >= types.Clarity2 && isCast(p.Type)
			fn.casting = fn.casting || fn.casts[i]
			if slices.ContainsFunc(sig.Args[:i], func(q types.Field) bool { return q.Name == p.Name }) {
				fn.twice = p.Name
			}
		}
		c.functions[name] = fn
		added = append(added, fn)
	}
	for _, fn := range added {
		if err := fn.compile(newCompiler(c, a, epoch)); err != nil {
			return err
		}
	}
	return nil
}

func newCompiler(c *contract, a *check.Analysis, epoch types.Epoch) *compiler {
	return &compiler{version: c.version, epoch: epoch, c: c, analysis: a, schedule: cost.ScheduleOf(epoch)}
}

// appraise sets the function's price.
func (fn *function) appraise(c *compiler) error {
	var err error
	if fn.price, err = c.runtime(cost.UserFunctionApplication, uint64(len(fn.params))); err != nil {
		return err
	}
	for i, p := range fn.params {
		if c.epoch >= types.Epoch33 && fixedSize(p.Type) == 0 {
			fn.weighed = append(fn.weighed, i)
			continue
		}
		n, err := c.runtime(cost.InnerTypeCheck, uint64(p.Type.Size()))
		if err != nil {
			return err
		}
		fn.price += n
	}
	return nil
}
