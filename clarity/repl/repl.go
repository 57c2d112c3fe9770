// Package repl talks with a person, or runs a script: it reads expressions and commands line by line, evaluates them in a
// session, and shows values, events, and errors with the source underlined. It imports the language and its reference,
// and knows no chain but the simulated one.
package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"funai/clarity/reference"
	"funai/clarity/session"
	"funai/clarity/syntax"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// ErrFailed says that an expression or a command of a script failed. It was shown.
var ErrFailed = errors.New("failed")

// Config says what a REPL works with.
type Config struct {
	Session *session.Session
	Lines   Lines
	Out     io.Writer
	Person  bool     // somebody watches: a failure is no error in the end
	History *History // nil keeps none
	Paint   func(syntax.Part, string) string
	Width   func() int // of the screen in columns; nil is 80
}

// REPL is one conversation with a session.
type REPL struct {
	Config
	defined  []definition
	accounts []account
	within   value.Principal // the contract in whose context expressions are evaluated, or zero
	quit     bool
	failures int
}

// account is somebody whom commands know by name.
type account struct {
	name string
	id   value.Principal
}

// coins is what every account begins with, in base units.
const coins = 100_000_000_000_000

// New begins a conversation: it gives the accounts coins.
func New(c Config) (*REPL, error) {
	if c.History == nil {
		c.History = &History{}
	}
	r := &REPL{Config: c}
	r.accounts = []account{{"deployer", c.Session.Sender()}}
	for i := range byte(3) {
		r.accounts = append(r.accounts, account{fmt.Sprintf("wallet_%d", i+1), value.Principal{Version: c.Session.Sender().Version, Hash: [20]byte{0: 'w', 19: i + 1}}})
	}
	for _, a := range r.accounts {
		if err := c.Session.Mint(a.id, value.U64(coins)); err != nil {
			return nil, err
		}
	}
	if t, ok := c.Lines.(*Terminal); ok {
		t.AutoCompleteCallback = (&completer{words: r.words, show: func(words []string) {
			fmt.Fprint(t, columns(words, r.width()))
		}}).key
	}
	return r, nil
}

func (r *REPL) width() int {
	if r.Width == nil {
		return 80
	}
	return r.Width()
}

// Run talks until the text ends or the context does. The error is ErrFailed if nobody watches and something failed.
func (r *REPL) Run(ctx context.Context) error {
	for !r.quit && ctx.Err() == nil {
		text, err := r.read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if command := strings.TrimSpace(text); strings.HasPrefix(command, "::") {
			r.History.note(command)
			r.command(command)
		} else {
			r.Eval("", text)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if r.failures > 0 && !r.Person {
		return fmt.Errorf("%d of the inputs %w", r.failures, ErrFailed)
	}
	return nil
}

// read reads lines until brackets are closed. An end of the text in between gives up what was typed; a script's it ends.
func (r *REPL) read() (string, error) {
	text, prompt := "", ">> "
	for {
		line, err := r.Lines.Read(prompt)
		switch {
		case errors.Is(err, io.EOF) && text != "" && r.Person:
			return "", nil
		case errors.Is(err, io.EOF) && text != "":
			return text, nil
		case err != nil:
			return "", err
		}
		text += line + "\n"
		if strings.HasPrefix(text, "::") {
			return text, nil
		}
		if _, err := syntax.Parse(text, r.rules()); !syntax.Incomplete(text, err) {
			return text, nil
		}
		prompt = ".. "
	}
}

func (r *REPL) rules() syntax.Options { return syntax.Options{Epoch: r.Session.Epoch()} }

// Eval evaluates a text, which may be of a file, and shows what comes of it. What it defines that has no state can be used
// by later texts.
func (r *REPL) Eval(file, text string) {
	program, err := syntax.Parse(text, r.rules())
	if file == "" {
		r.remember(program, text)
	}
	if err != nil {
		r.fail(file, text, 0, err)
		return
	}
	if len(program.Exprs) == 0 {
		return
	}
	result, before, err := r.run(program)
	if err != nil {
		r.fail(file, before+text, len(before), err)
		return
	}
	r.show(result)
	if r.within != (value.Principal{}) {
		return
	}
	for _, e := range program.Exprs {
		if d, ok := define(e, text); ok {
			r.define(d)
		} else if stateful(e) {
			r.say(r.paint(syntax.PartAdvice, "what has a state lasts in contracts only: put it in a file and ::deploy NAME FILE"))
		}
	}
}

// remember notes a text in the history: on one line if it is a program, or else its lines as they are.
func (r *REPL) remember(p *syntax.Program, text string) {
	if p == nil {
		for line := range strings.Lines(text) {
			r.History.note(line)
		}
		return
	}
	var words []string
	for _, e := range p.Exprs {
		words = append(words, e.String())
	}
	r.History.note(strings.Join(words, " "))
}

// run evaluates a program behind the definitions that it uses, whose text it returns too.
func (r *REPL) run(p *syntax.Program) (result *vm.Result, before string, err error) {
	if r.within != (value.Principal{}) {
		result, err = r.Session.EvalIn(r.within, p.Source)
		return result, "", err
	}
	before = r.needed(p)
	result, err = r.Session.Eval(before+p.Source, r.Session.Sender())
	return result, before, err
}

// show prints events and a value.
func (r *REPL) show(result *vm.Result) {
	for i := range result.Events {
		r.say(r.paint(syntax.PartMargin, describe(&result.Events[i])))
	}
	if result.Valued {
		r.say(result.Value.String())
	}
}

func (r *REPL) say(line string) { fmt.Fprintln(r.Out, line) }

func (r *REPL) paint(p syntax.Part, text string) string {
	if r.Paint == nil {
		return text
	}
	return r.Paint(p, text)
}

// fail shows an error of a text, of which the first so many bytes were not typed now.
func (r *REPL) fail(file, text string, before int, err error) {
	r.failures++
	f, ok := syntax.FindingOf(file, err)
	if !ok {
		r.say(r.paint(syntax.PartCaret, "error:") + " " + err.Error())
		var run *vm.RuntimeError
		if errors.As(err, &run) {
			for _, function := range slices.Backward(run.Trace) {
				r.say("  in " + function)
			}
		}
		return
	}
	if f.Span.Start.Offset < before {
		r.say("in what was defined before:")
	} else {
		lines := strings.Count(text[:before], "\n")
		f.Span = moved(f.Span, before, lines)
		if f.Opened != (syntax.Span{}) {
			f.Opened = moved(f.Opened, before, lines)
		}
		text = text[before:]
	}
	fmt.Fprint(r.Out, f.Print(text, r.Paint))
}

// moved is a span in a text whose first bytes and lines were cut off.
func moved(s syntax.Span, bytes, lines int) syntax.Span {
	for _, p := range []*syntax.Pos{&s.Start, &s.End} {
		p.Offset -= bytes
		p.Line -= lines
	}
	return s
}

// words are what can stand in a line.
func (r *REPL) words(line string) []string {
	var out []string
	if strings.HasPrefix(strings.TrimLeft(line, " "), "::") {
		for _, c := range commands {
			out = append(out, c.name)
		}
		for _, a := range r.accounts {
			out = append(out, a.name)
		}
	}
	for _, e := range reference.All() {
		out = append(out, e.Name)
	}
	for _, d := range r.defined {
		out = append(out, d.name)
	}
	for _, id := range r.Session.Contracts() {
		if own := r.Session.Sender(); own.Version == id.Version && own.Hash == id.Hash {
			out = append(out, "."+id.Contract)
		} else {
			out = append(out, id.String())
		}
		if a, err := r.Session.Analysis(id); err == nil {
			for name := range a.Functions {
				out = append(out, name)
			}
		}
	}
	return out
}
