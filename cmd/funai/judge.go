package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/judge"
	"funai/judge/eval"
	"funai/model"
	"funai/model/catalogue"
	"funai/model/encoder"
	"funai/model/engine"
	"funai/model/gguf"
)

func (a *app) judgeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "judge", Short: "Measure how well answers are judged, and set a model's thresholds", Args: cobra.NoArgs,
		Long: `Measure how well answers are judged, and set a model's thresholds. A labelled set of honest and forged answers is made
once; one half of it sets thresholds, the other shows what they find. Work that is stopped goes on where it was.`,
		Example: `  funai judge make tinyllama-1.1b-chat --groups 100
  funai judge calibrate tinyllama-1.1b-chat --save policy.json
  funai judge eval tinyllama-1.1b-chat --policy policy.json --roc roc.png`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.judgeMakeCommand(), a.judgeCalibrateCommand(), a.judgeEvalCommand())
	return cmd
}

// judging is what the commands under judge have in common.
type judging struct {
	set       string // file
	groups    int
	tokens    int
	parallel  int
	other     string // model
	quantised string // model
	libs      string // folder
	noQuality bool
}

// Defaults of a set: 100 groups of 10 pairs, and the length that the goals are about.
const (
	usualGroups = 100
	usualTokens = 200
)

func (j *judging) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&j.set, "set", "", "`file` of the labelled set (default one for each model in the cache)")
	f.IntVar(&j.parallel, "parallel", 4, "answers or verdicts made at once")
	f.StringVar(&j.libs, "libs", "", "`folder` of llama.cpp's libraries, such as those for another processor only")
}

// makeFlags are those of commands that make a set.
func (j *judging) makeFlags(cmd *cobra.Command, groups int) {
	f := cmd.Flags()
	f.IntVar(&j.groups, "groups", groups, "how many questions the set has; each makes up to 10 pairs")
	f.IntVar(&j.tokens, "tokens", usualTokens, "longest answer")
	f.StringVar(&j.other, "other", "", "`model` whose answers are passed off as the model's, or none (default the catalogue's other one)")
	f.StringVar(&j.quantised, "quantised", "", "the same `model` in fewer bits, or none (default NAME-q4_0 where the catalogue has it)")
	completeModels(cmd, "other")
	completeModels(cmd, "quantised")
}

// noModel is the word for leaving a model out.
const noModel = "none"

func (j *judging) check(args []string) error {
	switch {
	case len(args) != 1:
		return usage("name one model; `funai model ls` lists the catalogue")
	case j.parallel < 1 || j.parallel > 64:
		return usage("--parallel %d is not 1 to 64", j.parallel)
	case j.groups < 0 || j.groups > 5000:
		return usage("--groups %d is not 0 to 5000", j.groups)
	case j.tokens < 0 || j.tokens > 4096:
		return usage("--tokens %d is not 0 to 4096", j.tokens)
	}
	return nil
}

// defaults fills in what depends on the model.
func (j *judging) defaults(name string) error {
	if j.set == "" {
		f, err := catalogue.New(catalogue.Options{})
		if err != nil {
			return err
		}
		j.set = filepath.Join(f.Dir(), "judge", strings.NewReplacer("/", "_", ":", "_").Replace(name)+".jsonl")
	}
	if j.other == "" {
		if j.other = "stories15m"; name == j.other {
			j.other = catalogue.Default
		}
	}
	if j.quantised == "" {
		j.quantised = name + "-q4_0"
		if _, err := catalogue.Lookup(j.quantised); err != nil {
			j.quantised = noModel
		}
	}
	return nil
}

// stem is the set's path without its ending.
func (j *judging) stem() string { return strings.TrimSuffix(j.set, filepath.Ext(j.set)) }

// engine opens a model; noModel is nil.
func (a *app) judgeEngine(ctx context.Context, spec, libs string) (model.Engine, error) {
	if spec == noModel {
		return nil, nil
	}
	r := newReporter(a.err, serving{}, true)
	defer r.end()
	progress := func(asset string, done, total int64) {
		r.emit(event{Event: eventDownload, Asset: asset, Done: done, Total: total})
	}
	if libs == "" {
		return engine.Open(ctx, spec, engine.Options{Progress: progress})
	}
	f, err := catalogue.New(catalogue.Options{})
	if err != nil {
		return nil, err
	}
	path, err := f.Ensure(ctx, spec, progress)
	if err != nil {
		return nil, err
	}
	name := ""
	if m, err := catalogue.Lookup(spec); err == nil {
		name = m.Name
	}
	return gguf.Open(ctx, gguf.Options{Path: path, LibDir: libs, Name: name})
}

// encoder opens the catalogue's encoder.
func (a *app) encoder(ctx context.Context) (*encoder.Encoder, error) {
	f, err := catalogue.New(catalogue.Options{})
	if err != nil {
		return nil, err
	}
	r := newReporter(a.err, serving{}, true)
	dir, err := f.Encoder(ctx, func(asset string, done, total int64) {
		r.emit(event{Event: eventDownload, Asset: asset, Done: done, Total: total})
	})
	r.end()
	if err != nil {
		return nil, err
	}
	return encoder.Open(ctx, dir)
}

// withSet opens the model, brings the set to its number of groups, and does something with both.
func (a *app) withSet(ctx context.Context, j *judging, name string, do func(model.Engine, []eval.Pair) error) (err error) {
	if err := j.defaults(name); err != nil {
		return err
	}
	e, err := a.judgeEngine(ctx, name, j.libs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	pairs, err := a.makeSet(ctx, j, e)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	return do(e, pairs)
}

// makeSet brings the set to its number of groups.
func (a *app) makeSet(ctx context.Context, j *judging, e model.Engine) (pairs []eval.Pair, err error) {
	own, ok := e.(eval.Engine)
	if !ok {
		return nil, fmt.Errorf("%s can't be forged: its engine doesn't spell tokens", e.Info().Name)
	}
	m := eval.Maker{Engine: own, MaxTokens: j.tokens, Parallel: j.parallel}
	other, err := a.judgeEngine(ctx, j.other, j.libs)
	if err != nil {
		return nil, err
	}
	if other != nil {
		m.Other = other
		defer func() { err = errors.Join(err, other.Close()) }()
	}
	quantised, err := a.judgeEngine(ctx, j.quantised, j.libs)
	if err != nil {
		return nil, err
	}
	if quantised != nil {
		m.Quantised = quantised
		defer func() { err = errors.Join(err, quantised.Close()) }()
	}
	spin := a.err.Spin("making pairs")
	defer spin.Stop()
	m.Progress = func(pairs int) { spin.Say(fmt.Sprintf("made %s", cli.Plural(pairs, "pair"))) }
	return m.Make(ctx, j.set, j.groups)
}

// measure has pairs judged with open thresholds.
func (a *app) measure(ctx context.Context, j *judging, e model.Engine, pairs []eval.Pair) (rows []eval.Measured, err error) {
	m := eval.Measurer{Engine: e, Parallel: j.parallel}
	name := ""
	if !j.noQuality {
		enc, err := a.encoder(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, enc.Close()) }()
		m.Encoder, name = enc, enc.Name()
	}
	m.Policy = eval.Judges(judge.DefaultPolicy(e.Info().Name), name)
	spin := a.err.Spin("judging pairs")
	defer spin.Stop()
	m.Progress = func(done, of int) { spin.Say(fmt.Sprintf("judged %d of %d pairs", done, of)) }
	return m.Measure(ctx, j.stem()+".measured.jsonl", pairs)
}
