package check

import "funai/clarity/syntax"

// access finds out what writes: the first pass over a contract, before types.
type access struct{ *checker }

// writers are the native functions that write whatever their arguments.
var writers = map[string]bool{
	"var-set": true, "map-set": true, "map-insert": true, "map-delete": true,
	"ft-transfer?": true, "ft-mint?": true, "ft-burn?": true, "nft-transfer?": true, "nft-mint?": true, "nft-burn?": true,
	"stx-transfer?": true, "stx-transfer-memo?": true, "stx-burn?": true,
	"fai-transfer?": true, "fai-transfer-memo?": true, "fai-burn?": true,
}

// top checks an expression of the top level.
func (r access) top(e *syntax.Expr) error {
	name, parts := definition(e)
	if name == "" {
		_, err := r.expr(e)
		return err
	}
	if err := r.defineShape(e); err != nil {
		return err
	}
	switch name {
	case "define-constant":
		_, err := r.expr(parts[1])
		return err
	case "define-data-var":
		_, err := r.expr(parts[2])
		return err
	case "define-fungible-token":
		_, err := r.all(parts[1:])
		return err
	case "define-public", "define-private", "define-read-only":
		if len(parts[0].List) == 0 {
			return r.fail(parts[0], BadFunction, "invalid function definition: it begins with (name …)")
		}
		if parts[0].List[0].Kind != syntax.Atom {
			return r.fail(parts[0].List[0], BadFunctionName, "invalid function name")
		}
		reads, err := r.expr(parts[1])
		if err != nil {
			return err
		}
		if name == "define-read-only" && !reads {
			return r.advise(parts[1], WritesInReadOnly, "make the function public, or take out what writes: var-set, map-set, transfers, "+
				"and calls of public functions and of traits", "expecting read-only statements, detected a writing operation")
		}
		r.reads[parts[0].List[0].Name] = reads
	}
	return nil
}

// all checks expressions and says whether all of them only read.
func (r access) all(es []*syntax.Expr) (bool, error) {
	reads := true
	for _, e := range es {
		ok, err := r.expr(e)
		if err != nil {
			return false, err
		}
		reads = reads && ok
	}
	return reads, nil
}

// expr says whether an expression only reads.
func (r access) expr(e *syntax.Expr) (bool, error) {
	if e.Kind != syntax.List {
		return true, nil
	}
	if _, err := r.head(e); err != nil {
		return false, err
	}
	return r.apply(e)
}

// apply says whether a call of a function only reads.
func (r access) apply(call *syntax.Expr) (bool, error) {
	function, args := call.List[0], args(call)
	name := function.Name
	if _, ok := lookupWord(name, r.o); !ok {
		reads, ok := r.reads[name]
		if !ok {
			return false, r.unknownFunction(function)
		}
		also, err := r.all(args)
		return reads && also, err
	}
	if writers[name] {
		_, err := r.all(args)
		return false, err
	}
	switch name {
	case "at-block":
		return r.atBlock(call, args)
	case "map-get?":
		if err := r.arity(call, 2); err != nil {
			return false, err
		}
	case "from-consensus-buff?": // the first argument is a type
		if err := r.arity(call, 2); err != nil {
			return false, err
		}
		return r.expr(args[1])
	case "let":
		return r.let(call, args)
	case "tuple":
		return r.pairs(args, "Tuple constructor")
	case "map", "filter", "fold":
		return r.higher(call, name, args)
	case "contract-call?":
		return r.contractCall(call, args)
	case "as-contract?":
		return r.allowances(call, args, 0)
	case "restrict-assets?":
		return r.allowances(call, args, 1)
	}
	return r.all(args)
}

func (r access) atBlock(call *syntax.Expr, args []*syntax.Expr) (bool, error) {
	if err := r.arity(call, 2); err != nil {
		return false, err
	}
	reads, err := r.expr(args[0])
	if err != nil {
		return false, err
	}
	inside, err := r.expr(args[1])
	if err != nil {
		return false, err
	}
	if !inside {
		return false, r.fail(args[1], WritesInAtBlock, "(at-block ...) closures expect read-only statements, but detected a writing operation")
	}
	return reads, nil
}

func (r access) let(call *syntax.Expr, args []*syntax.Expr) (bool, error) {
	if err := r.arityAtLeast(call, 2); err != nil {
		return false, err
	}
	if args[0].Kind != syntax.List {
		return false, r.badLet(args[0])
	}
	reads, err := r.pairs(args[0].List, "Let-binding")
	if err != nil {
		return false, err
	}
	also, err := r.all(args[1:])
	return reads && also, err
}

// pairs checks the expressions of pairs (name expression).
func (r access) pairs(pairs []*syntax.Expr, what string) (bool, error) {
	reads := true
	for i, p := range pairs {
		if err := r.two(p, what, i); err != nil {
			return false, err
		}
		ok, err := r.expr(p.List[1])
		if err != nil {
			return false, err
		}
		reads = reads && ok
	}
	return reads, nil
}

func (r access) higher(call *syntax.Expr, name string, args []*syntax.Expr) (bool, error) {
	var err error
	switch name {
	case "map":
		err = r.arityAtLeast(call, 2)
	case "filter":
		err = r.arity(call, 2)
	default:
		err = r.arity(call, 3)
	}
	if err != nil {
		return false, err
	}
	if err := r.functionName(args[0]); err != nil {
		return false, err
	}
	inner := *call // what follows the name of map stands as a call of the function would
	inner.List = args
	return r.apply(&inner)
}

func (r access) contractCall(call *syntax.Expr, args []*syntax.Expr) (bool, error) {
	if err := r.arityAtLeast(call, 2); err != nil {
		return false, err
	}
	if args[1].Kind != syntax.Atom {
		return false, r.callName(args[1])
	}
	reads := false // through a trait: whoever implements it may write
	if id, ok := r.contract(args[0]); ok {
		a, err := r.deployed(args[0], id)
		if err != nil {
			return false, err
		}
		reads = a.Functions[args[1].Name].Access == ReadOnly
	} else if args[0].Kind != syntax.Atom {
		return false, r.callName(args[0])
	}
	also, err := r.all(args[2:])
	return reads && also, err
}

// allowances checks as-contract? and restrict-assets?, where the list of allowances stands at a place of the arguments.
func (r access) allowances(call *syntax.Expr, args []*syntax.Expr, place int) (bool, error) {
	if err := r.arityAtLeast(call, place+2); err != nil {
		return false, err
	}
	reads, err := r.all(args[:place])
	if err != nil {
		return false, err
	}
	if args[place].Kind != syntax.List {
		return false, r.notAllowances(call, args[place], place)
	}
	allowed, err := r.all(args[place].List)
	if err != nil {
		return false, err
	}
	also, err := r.all(args[place+1:])
	return reads && allowed && also, err
}
