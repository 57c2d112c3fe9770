package eval

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"funai/judge"
	"funai/model"
)

// Engine is what making a set needs of the model's engine: a forger puts his own tokens together.
type Engine interface {
	model.Engine
	Tokenize(text string) ([]int32, error)
	Spell(tokens []int32) (string, error)
	Ends() []int32 // tokens that end an answer
}

// Maker makes labelled sets.
type Maker struct {
	Engine    Engine
	Other     model.Engine // whose answers are passed off as the model's; nil: that kind is left out
	Quantised model.Engine // the same model in fewer bits; nil: that kind is left out
	MaxTokens int          // of an answer; at most 200 is what the goals are about
	Parallel  int          // answers made at once, as a server batches them
	Progress  func(pairs int)
}

// HonestPerGroup is how many of a group's answers are honest: false alarms are rarer than forgeries found, so measuring them
// takes more.
const HonestPerGroup = 3

// temperatures of a group's honest answers, in thousandths. A forgery is held against the one of its group's turn.
var temperatures = [HonestPerGroup]uint32{0, 700, 1000}

// group is what belongs to one question.
type group struct {
	n      int
	prompt prompt
	honest [HonestPerGroup]judge.Claim
}

// Make brings the set in a file to so many groups, each of up to 10 pairs, going on from what is there. It returns all pairs.
func (m *Maker) Make(ctx context.Context, path string, groups int) (pairs []Pair, err error) {
	info := m.Engine.Info()
	j, pairs, err := openSet(path, info)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.close()) }()
	var before *group
	for n := range groups {
		done := map[int]Pair{} // by place in the group
		for _, p := range pairs {
			if p.Group == n {
				done[p.ID-n*groupSize] = p
			}
		}
		g, made, err := m.group(ctx, n, before, done)
		if err != nil {
			return pairs, err
		}
		for _, p := range made {
			if err := j.add(p); err != nil {
				return pairs, err
			}
			pairs = append(pairs, p)
		}
		if m.Progress != nil {
			m.Progress(len(pairs))
		}
		before = g
	}
	return pairs, nil
}

// groupSize is the number of places in a group; the honest come first, then the other kinds in their order.
const groupSize = 16

// group makes what is missing of one group.
func (m *Maker) group(ctx context.Context, n int, before *group, done map[int]Pair) (*group, []Pair, error) {
	g := &group{n: n, prompt: promptOf(m.Engine.Info().Name, n)}
	for i := range g.honest {
		if p, ok := done[i]; ok {
			c, err := p.Answer.Claim()
			if err != nil {
				return nil, nil, err
			}
			g.honest[i] = c
		}
	}
	work, wctx := errgroup.WithContext(ctx)
	work.SetLimit(max(m.Parallel, 1))
	var made []Pair
	for i := range g.honest {
		if g.honest[i].Tokens == nil {
			work.Go(func() (err error) {
				g.honest[i], err = serve(wctx, m.Engine, m.request(g, i))
				return err
			})
		}
	}
	if before == nil { // the first group has none to swap with
		before = &group{n: n, prompt: promptOf(m.Engine.Info().Name, 1<<20)}
		turn := n % HonestPerGroup
		work.Go(func() (err error) {
			before.honest[turn], err = serve(wctx, m.Engine, m.request(before, turn))
			return err
		})
	}
	served := map[Kind]*judge.Claim{} // what other runs answer
	for kind, e := range map[Kind]model.Engine{WrongModel: m.Other, WrongQuant: m.Quantised, NoSystem: m.Engine} {
		if _, ok := done[place(kind)]; ok || e == nil {
			continue
		}
		c := new(judge.Claim)
		served[kind] = c
		work.Go(func() (err error) {
			r := m.request(g, n%HonestPerGroup)
			if kind == NoSystem {
				r.Messages = r.Messages[1:]
			}
			*c, err = serve(wctx, e, r)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, nil, err
	}
	add := func(at int, k Kind, c judge.Claim) {
		base := g.honest[n%HonestPerGroup]
		made = append(made, Pair{ID: n*groupSize + at, Group: n, Kind: k, Calibration: n%2 == 0,
			Same: k != Honest && slices.Equal(base.Tokens, c.Tokens), Answer: answerOf(c)})
	}
	for i, c := range g.honest {
		if _, ok := done[i]; !ok {
			add(i, Honest, c)
		}
	}
	for _, k := range Kinds()[1:] {
		if _, ok := done[place(k)]; ok || (served[k] == nil && (k == WrongModel || k == WrongQuant)) {
			continue
		}
		c, err := m.forge(k, g, before, served[k])
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", k, err)
		}
		add(place(k), k, c)
	}
	return g, made, nil
}

// place is where a kind of forgery stands in its group.
func place(k Kind) int { return HonestPerGroup - 1 + slices.Index(Kinds(), k) }

// request is what an asker asks in one group at one temperature.
func (m *Maker) request(g *group, i int) model.Request {
	return model.Request{
		Messages:  []model.Message{{Role: "system", Content: g.prompt.system}, {Role: "user", Content: g.prompt.user}},
		MaxTokens: m.MaxTokens,
		Sampling: model.Sampling{TemperatureMilli: temperatures[i], RepeatPenaltyMilli: 1100,
			Seed: sha256.Sum256(fmt.Appendf(nil, "funai/judge/eval %d %d", g.n, i))},
	}
}

// serve answers a request as an honest server does.
func serve(ctx context.Context, e model.Engine, r model.Request) (judge.Claim, error) {
	res, err := e.Generate(ctx, r, func(model.Token) error { return nil })
	return judge.Claim{Request: r, Text: res.Text, Tokens: res.Tokens, PromptTokens: res.PromptTokens}, err
}
