package repl

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"funai/clarity/cost"
	"funai/clarity/reference"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// command is what begins with two colons.
type command struct {
	name, args, help string
	run              func(r *REPL, arg string) error
}

// commands in the order of help.
var commands []command

func init() { // not at the declaration, which help is part of
	commands = []command{
		{"::help", "", "say which commands there are", (*REPL).help},
		{"::describe", "WORD", "say what a word of the language means", (*REPL).describe},
		{"::read", "FILE", "evaluate a file as if it were typed here", (*REPL).readFile},
		{"::deploy", "NAME FILE", "deploy a file as a contract of the sender", (*REPL).deploy},
		{"::get_contracts", "", "say which contracts are deployed, and their functions", (*REPL).getContracts},
		{"::within", "[CONTRACT]", "evaluate as if in a contract, with its variables and private functions; or in none again", (*REPL).setWithin},
		{"::get_costs", "EXPRESSION", "evaluate, and say what it costs", (*REPL).getCosts},
		{"::encode", "EXPRESSION", "evaluate, and print the value's bytes in hexadecimal", (*REPL).encode},
		{"::decode", "HEX", "print the value that bytes are", (*REPL).decode},
		{"::set_tx_sender", "WHO", "say who sends from now on: an address or an account's name", (*REPL).setSender},
		{"::get_assets_maps", "", "say who has what", (*REPL).getAssets},
		{"::mint_stx", "WHO AMOUNT", "make coins, in base units", (*REPL).mint},
		{"::advance_chain_tip", "[N]", "make blocks, each with one of the ledger", (*REPL).advance},
		{"::advance_stacks_chain_tip", "[N]", "make blocks on the same block of the ledger", (*REPL).advanceBlocks},
		{"::get_block_height", "", "say how long the chains are", (*REPL).getHeight},
		{"::get_epoch", "", "say whose rules are in force", (*REPL).getEpoch},
		{"::set_epoch", "EPOCH", "go on under a later epoch's rules", (*REPL).setEpoch},
		{"::quit", "", "leave; Ctrl-D does, too", (*REPL).leave},
	}
}

// errUsage says that a command was given the wrong arguments.
var errUsage = errors.New("wrong arguments")

// command runs a command and shows its error.
func (r *REPL) command(line string) {
	name, arg, _ := strings.Cut(line, " ")
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
	if i < 0 {
		r.fail("", "", 0, fmt.Errorf("no command %.40q; ::help lists them", name))
		return
	}
	c := &commands[i]
	err := c.run(r, strings.TrimSpace(arg))
	if errors.Is(err, errUsage) {
		err = fmt.Errorf("%s %s: %s", c.name, c.args, c.help)
	}
	if err != nil && !errors.Is(err, ErrFailed) {
		r.fail("", "", 0, err)
	}
}

func (r *REPL) help(string) error {
	for _, c := range commands {
		r.say(fmt.Sprintf("  %-32s %s", c.name+" "+c.args, c.help))
	}
	return nil
}

func (r *REPL) describe(word string) error {
	entries := reference.LookupAll(word)
	if len(entries) == 0 {
		return fmt.Errorf("no word %.40q in the language", word)
	}
	for _, e := range entries {
		fmt.Fprint(r.Out, e)
	}
	return nil
}

func (r *REPL) readFile(file string) error {
	if file == "" {
		return errUsage
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	r.Eval(file, string(b))
	return nil
}

func (r *REPL) deploy(arg string) error {
	name, file, ok := strings.Cut(arg, " ")
	if !ok {
		return errUsage
	}
	return r.Deploy(name, strings.TrimSpace(file))
}

// Deploy deploys a file as a contract of the sender, and shows what is wrong with it. The error is one of reading it.
func (r *REPL) Deploy(name, file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	result, err := r.Session.Deploy(name, string(b), 0)
	if err != nil {
		r.fail(file, string(b), 0, err)
		return nil
	}
	r.show(result)
	return nil
}

func (r *REPL) getContracts(string) error {
	for _, id := range r.Session.Contracts() {
		r.say(id.String())
		a, err := r.Session.Analysis(id)
		if err != nil {
			return err
		}
		var lines []string
		for name, f := range a.Functions {
			var args strings.Builder
			for _, p := range f.Args {
				fmt.Fprintf(&args, " (%s %v)", p.Name, p.Type)
			}
			lines = append(lines, fmt.Sprintf("  %-9s (%s%v) %v", f.Access, name, args.String(), f.Result))
		}
		slices.Sort(lines)
		for _, line := range lines {
			r.say(line)
		}
	}
	return nil
}

func (r *REPL) setWithin(name string) error {
	if name == "" {
		r.within = value.Principal{}
		return nil
	}
	id, err := r.Session.Contract(name)
	if err != nil {
		return err
	}
	if _, err := r.Session.Analysis(id); err != nil {
		return err
	}
	r.within = id
	return nil
}

// expression evaluates a command's argument.
func (r *REPL) expression(text string) (value.Value, cost.Cost, error) {
	program, err := syntax.Parse(text, r.rules())
	if err != nil {
		r.fail("", text, 0, err)
		return value.None, cost.Cost{}, ErrFailed
	}
	if len(program.Exprs) == 0 {
		return value.None, cost.Cost{}, errUsage
	}
	result, before, err := r.run(program)
	if err != nil {
		r.fail("", before+text, len(before), err)
		return value.None, cost.Cost{}, ErrFailed
	}
	return result.Value, result.Cost, nil
}

func (r *REPL) getCosts(text string) error {
	v, c, err := r.expression(text)
	if err != nil {
		return err
	}
	r.say(v.String())
	limit := cost.BlockLimit
	for _, d := range []struct {
		name    string
		of, all uint64
	}{
		{"runtime", c.Runtime, limit.Runtime},
		{"read count", c.ReadCount, limit.ReadCount},
		{"read length", c.ReadLength, limit.ReadLength},
		{"write count", c.WriteCount, limit.WriteCount},
		{"write length", c.WriteLength, limit.WriteLength},
	} {
		r.say(fmt.Sprintf("  %-12s %12d of %d in a block", d.name, d.of, d.all))
	}
	return nil
}

func (r *REPL) encode(text string) error {
	v, _, err := r.expression(text)
	if err != nil {
		return err
	}
	b, err := value.Encode(v)
	if err != nil {
		return err
	}
	r.say("0x" + hex.EncodeToString(b))
	return nil
}

func (r *REPL) decode(text string) error {
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		return err
	}
	v, err := value.Decode(b)
	if err != nil {
		return err
	}
	r.say(v.String())
	return nil
}

// who reads an address or an account's name.
func (r *REPL) who(text string) (value.Principal, error) {
	for _, a := range r.accounts {
		if a.name == text {
			return a.id, nil
		}
	}
	return value.ParsePrincipal(strings.TrimPrefix(text, "'"))
}

// name is an account's name, or the principal.
func (r *REPL) name(p value.Principal) string {
	for _, a := range r.accounts {
		if a.id == p {
			return fmt.Sprintf("%v (%s)", p, a.name)
		}
	}
	return p.String()
}

func (r *REPL) setSender(who string) error {
	if who == "" {
		return errUsage
	}
	p, err := r.who(who)
	if err != nil {
		return err
	}
	r.Session.SetSender(p)
	r.say("the sender is " + r.name(p))
	return nil
}

func (r *REPL) getAssets(string) error {
	asset := ""
	for _, h := range r.Session.Holdings() {
		if h.Asset != asset {
			asset = h.Asset
			r.say(asset)
		}
		r.say(fmt.Sprintf("  %-30v %s", h.Amount, r.name(h.Owner)))
	}
	return nil
}

func (r *REPL) mint(arg string) error {
	who, amount, ok := strings.Cut(arg, " ")
	if !ok {
		return errUsage
	}
	p, err := r.who(who)
	if err != nil {
		return err
	}
	n, err := value.ParseUint128(strings.TrimPrefix(strings.TrimSpace(amount), "u"))
	if err != nil {
		return err
	}
	return r.Session.Mint(p, n)
}

// maxAdvance bounds how many blocks one command makes.
const maxAdvance = 1_000_000

func blocks(arg string) (int, error) {
	if arg == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 || n > maxAdvance {
		return 0, fmt.Errorf("%.40q is no number from 1 to %d", arg, maxAdvance)
	}
	return n, nil
}

func (r *REPL) advance(arg string) error {
	n, err := blocks(arg)
	if err != nil {
		return err
	}
	r.Session.Mine(n)
	return r.getHeight("")
}

func (r *REPL) advanceBlocks(arg string) error {
	n, err := blocks(arg)
	if err != nil {
		return err
	}
	r.Session.MineBlocks(n)
	return r.getHeight("")
}

func (r *REPL) getHeight(string) error {
	r.say(fmt.Sprintf("block %d, ledger %d", r.Session.Height(), r.Session.BurnHeight()))
	return nil
}

func (r *REPL) getEpoch(string) error {
	e := r.Session.Epoch()
	r.say(fmt.Sprintf("epoch %v, %v", e, e.MaxVersion()))
	return nil
}

func (r *REPL) setEpoch(arg string) error {
	e, err := types.ParseEpoch(arg)
	if err != nil {
		return err
	}
	if err := r.Session.SetEpoch(e); err != nil {
		return err
	}
	return r.getEpoch("")
}

func (r *REPL) leave(string) error {
	r.quit = true
	return nil
}
