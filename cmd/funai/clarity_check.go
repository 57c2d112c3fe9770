package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"funai/clarity/check"
	"funai/clarity/syntax"
	"funai/clarity/types"
	values "funai/clarity/value"
	"funai/internal/cli"
)

func (a *app) clarityCheckCommand() *cobra.Command {
	var rules clarityRules
	asJSON := false
	cmd := &cobra.Command{
		Use: "check FILE...", Short: "Find what is wrong with contracts", Args: cobra.MinimumNArgs(1),
		Long: `Find what is wrong with contracts: syntax, types, names, traits. A contract is named after its file, and may use the
others that are given as those of its own deployer: .token is token.clar. It prints nothing if all is well.`,
		Example:           "  funai clarity check token.clar vault.clar",
		ValidArgsFunction: cobra.FixedCompletions([]string{"clar"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: a.does(func(_ context.Context, files []string) error {
			version, epoch, err := rules.parse()
			if err != nil {
				return err
			}
			c := checking{a: a, json: asJSON, version: version, epoch: epoch, state: map[string]visit{}, done: map[values.Principal]*check.Analysis{}}
			for _, file := range files {
				if err := c.add(file); err != nil {
					return err
				}
			}
			for _, k := range c.contracts {
				if err := c.check(k); err != nil {
					return err
				}
			}
			if c.faulty > 0 {
				return fmt.Errorf("%s of %d with a fault", cli.Plural(c.faulty, "contract"), len(c.contracts))
			}
			return nil
		}),
	}
	rules.flags(cmd)
	jsonFlag(cmd, &asJSON, "print one JSON object for every fault")
	return cmd
}

// checking is one run of the checker over several contracts of one deployer.
type checking struct {
	a         *app
	json      bool
	version   types.Version
	epoch     types.Epoch
	contracts []*checked
	state     map[string]visit // by name of contract
	done      map[values.Principal]*check.Analysis
	faulty    int
}

type checked struct {
	source
	id      values.Principal
	program *syntax.Program
	err     error // of parsing
}

type visit uint8

const (
	untouched visit = iota
	underWay
	finished
)

// Analysis finds contracts that were checked before.
func (c *checking) Analysis(id values.Principal) (*check.Analysis, error) { return c.done[id], nil }

// add reads and parses a contract.
func (c *checking) add(file string) error {
	src, err := c.a.readSource(file)
	if err != nil {
		return err
	}
	k := &checked{source: src, id: values.Principal{Version: testAddress, Contract: contractName(src.file)}}
	for _, other := range c.contracts {
		if other.id == k.id {
			return usage("%s and %s are both named %s", other.file, k.file, k.id.Contract)
		}
	}
	k.program, k.err = syntax.Parse(k.text, syntax.Options{Version: c.version, Epoch: c.epoch})
	c.contracts = append(c.contracts, k)
	return nil
}

// testAddress is the version of a single signature's address on test networks.
const testAddress = 26

// contractName is the name of the contract in a file.
func contractName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".clar")
	p, err := syntax.Parse("."+name, syntax.Options{})
	if err != nil || len(p.Exprs) != 1 || p.Exprs[0].Kind != syntax.ContractRef {
		return "contract" // so the name of a file never stands in the way
	}
	return name
}

// check checks a contract after those that it uses. It goes as deep as there are files.
func (c *checking) check(k *checked) error {
	if c.state[k.id.Contract] != untouched {
		return nil // or a circle, which the checker finds
	}
	c.state[k.id.Contract] = underWay
	defer func() { c.state[k.id.Contract] = finished }()
	if k.err != nil {
		return c.show(k, k.err)
	}
	uses := map[string]bool{}
	for _, e := range k.program.Exprs {
		references(e, uses)
	}
	for _, other := range c.contracts {
		if uses[other.id.Contract] {
			if err := c.check(other); err != nil {
				return err
			}
		}
	}
	analysis, err := check.Contract(k.program, check.Options{
		ID: k.id, Version: c.version, Epoch: c.epoch, Ledger: true, Contracts: c,
	})
	if err != nil {
		return c.show(k, err)
	}
	c.done[k.id] = analysis
	return nil
}

// references notes the contracts of the same deployer that an expression names. The parser bounds how deep it goes.
func references(e *syntax.Expr, to map[string]bool) {
	switch e.Kind {
	case syntax.ContractRef:
		to[e.Name] = true
	case syntax.FieldRef:
		to[e.Contract] = true
	default:
		for _, x := range e.List {
			references(x, to)
		}
	}
}

// show prints the fault of a contract.
func (c *checking) show(k *checked, err error) error {
	f, ok := syntax.FindingOf(k.file, err)
	if !ok {
		return fmt.Errorf("%s: %w", k.file, err)
	}
	c.faulty++
	return c.a.showFinding(f, k.text, c.json)
}
