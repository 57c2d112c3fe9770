package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"funai/gateway"
	"funai/model"
	"funai/model/openai"
)

// Bounds of probing.
const (
	defaultProbe = 2 * time.Minute // for one model: a server may load it for its first question
	leastRest    = 2 * time.Second
	mostRest     = 64        // times as long
	usualAgain   = time.Hour // a server may have been started with other settings, or have had a bad moment
	maxProbe     = 1 << 20
	knobTokens   = 16
)

// found is what a model at the server showed.
type found struct {
	can       gateway.Ability
	newLimits bool // wants max_completion_tokens
	raw       bool // has /completions; without it, text is continued by a chat
	context   int  // tokens; 0: not said
}

// knobs are the abilities that shape an answer.
const knobs = gateway.CanTopP | gateway.CanPenalties | gateway.CanBias | gateway.CanRepeat

// Run keeps what is known of the server true until ctx ends: it probes until every model has answered, after longer and longer
// rests, and all of them again when a question failed there, or after an hour.
func (s *Server) Run(ctx context.Context) {
	all := true
	for rests := 1; ; {
		err := s.probeModels(ctx, all)
		if ctx.Err() != nil {
			return
		}
		wait := s.again
		if err != nil {
			s.log.Warn("server doesn't answer a probe", "server", s.Name, "err", s.says(err.Error()))
			wait = time.Duration(rests) * s.rest
			rests = min(2*rests, mostRest)
		} else {
			rests = 1
		}
		select {
		case <-time.After(wait):
			all = err == nil
		case <-s.failed:
			all = true
			select { // however many questions fail, a rest lies between two probes
			case <-time.After(s.rest):
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// suspect has the server probed again, if err says that it failed.
func (s *Server) suspect(err error) {
	if errors.Is(err, gateway.ErrUpstream) {
		select {
		case s.failed <- struct{}{}:
		default: // somebody has said it
		}
	}
}

// Probe asks the server what each of its models can do and offers those that answer. Its error tells of the others.
func (s *Server) Probe(ctx context.Context) error { return s.probeModels(ctx, true) }

// probeModels probes all models, or those that didn't answer before.
func (s *Server) probeModels(ctx context.Context, all bool) error {
	var errs []error
	for _, m := range s.Models {
		if _, f := s.as(m); f.can != 0 && !all {
			continue
		}
		f, err := s.probe(ctx, m)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.ID, err))
		}
		if !errors.Is(err, model.ErrBusy) { // who is busy is alive, and what is known of it holds
			s.learn(m, f, err == nil)
		}
	}
	return errors.Join(errs...)
}

// learn notes what a probe found.
func (s *Server) learn(m Served, f found, answers bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, offered := s.found[m.ID]
	if !answers {
		delete(s.found, m.ID)
		return
	}
	s.found[m.ID] = f
	if offered && before == f {
		return
	}
	s.log.Info("server answers", "server", s.Name, "model", m.ID, "can", strings.Join(f.can.Names(), ", "))
	if lacks := f.can.Lacks(m.Can); lacks != 0 {
		s.log.Warn("server did not show what its configuration says", "server", s.Name, "model", m.ID, "lacks", strings.Join(lacks.Names(), ", "))
	}
}

// probe finds out what one model can do. Of what m.Can doesn't name it tries only what comes along.
func (s *Server) probe(ctx context.Context, m Served) (f found, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.ProbeTime, fmt.Errorf("%w: %s took longer than %v", gateway.ErrUpstream, s.Name, s.ProbeTime))
	defer cancel()
	if m.There == "" {
		m.There = m.ID
	}
	bounded := *s.http
	bounded.Transport = limited{s.http.Transport}
	e, err := openai.Open(ctx, openai.Options{URL: s.base, Model: m.There, APIKey: s.Key, HTTP: &bounded})
	if err != nil {
		return f, err
	}
	a := e.Abilities()
	if err := e.Close(); err != nil {
		return f, err
	}
	f = found{newLimits: a.NewLimits, context: a.Context}
	for _, x := range []struct {
		is  bool
		can gateway.Ability
	}{{a.Chat, gateway.CanChat}, {a.Tools, gateway.CanTools}, {a.Schemas, gateway.CanSchema}, {a.Logprobs, gateway.CanLogprobs}, {a.Embeds, gateway.CanEmbed}} {
		if x.is {
			f.can |= x.can
		}
	}
	allowed := m.Can
	if allowed == 0 {
		allowed = ^gateway.Ability(0)
	}
	if a.Chat && allowed&gateway.CanChat != 0 {
		if err := s.begins(ctx, m, f, false); err != nil {
			return f, fmt.Errorf("a streamed answer: %w", err)
		}
		with := f
		with.raw = true
		err := s.begins(ctx, m, with, true)
		if errors.Is(err, model.ErrBusy) {
			return f, err
		}
		f.raw = err == nil
	}
	if a.Chat && allowed&knobs != 0 {
		turns, err := s.turns(ctx, m, f)
		if err != nil {
			return f, err
		}
		f.can |= turns
	}
	if a.Embeds && allowed&gateway.CanDimensions != 0 && s.cuts(ctx, m) {
		f.can |= gateway.CanDimensions
	}
	f.can &= allowed
	return f, context.Cause(ctx)
}

// begins tries whether an answer begins in a stream, as all questions are asked.
func (s *Server) begins(ctx context.Context, m Served, f found, raw bool) error {
	ctx, cancel := share(ctx)
	defer cancel()
	_, err := s.stream(ctx, m, f, gateway.Request{Raw: raw, Messages: []gateway.Message{{Role: "user", Content: "Hi"}}, MaxTokens: 1}, func() {},
		func(gateway.Delta) error { return gateway.ErrStop })
	if errors.Is(err, gateway.ErrBusy) {
		return asBusy(err)
	}
	return err
}

// turns tries the knobs. Servers leave out fields that they don't know without a word, so a knob is there if turning it changes
// what is said. Of a server that doesn't say the same twice nothing can be told.
func (s *Server) turns(ctx context.Context, m Served, f found) (can gateway.Ability, err error) {
	var busy error
	say := func(turn func(*gateway.Request)) string {
		cold, seed := uint32(0), int64(1)
		r := gateway.Request{Messages: []gateway.Message{{Role: "user", Content: "Write the word yes twenty times."}}, MaxTokens: knobTokens, TemperatureMilli: &cold, Seed: &seed}
		turn(&r)
		limited, cancel := share(ctx)
		defer cancel()
		var said strings.Builder
		_, err := s.stream(limited, m, f, r, func() {}, func(d gateway.Delta) error {
			if said.WriteString(d.Text); said.Len() > maxProbe { // what it says of a limit is no matter to it
				return gateway.ErrStop
			}
			return nil
		})
		if errors.Is(err, gateway.ErrBusy) {
			busy = err
		}
		if err != nil {
			return ""
		}
		return said.String()
	}
	plain := say(func(*gateway.Request) {})
	if plain == "" || plain != say(func(*gateway.Request) {}) {
		return 0, asBusy(busy)
	}
	heeds := func(turn func(*gateway.Request)) bool {
		said := say(turn)
		return said != "" && said != plain
	}
	hot, least, strong := uint32(2000), 1e-6, uint32(1900)
	hotter := func(r *gateway.Request) { r.TemperatureMilli = &hot }
	for _, k := range []struct {
		can    gateway.Ability
		heeded bool
	}{
		{gateway.CanTopP, heeds(hotter) && plain == say(func(r *gateway.Request) { hotter(r); r.Sampling.TopP = &least })}, // of the hot answer only the likeliest is left
		{gateway.CanPenalties, heeds(func(r *gateway.Request) { r.Sampling.FrequencyPenalty = 2 })},                        // whoever takes this one takes the other
		{gateway.CanRepeat, heeds(func(r *gateway.Request) { r.RepeatPenaltyMilli = &strong })},
		{gateway.CanBias, heeds(func(r *gateway.Request) { r.Sampling.Bias = map[string]float64{"1000": 100} })}, // nothing else is said then
	} {
		if k.heeded {
			can |= k.can
		}
	}
	return can, asBusy(busy)
}

// share is a quarter of the time that is left, so that who hangs at some trials gets through the others.
func share(ctx context.Context) (context.Context, context.CancelFunc) {
	end, _ := ctx.Deadline()
	return context.WithTimeout(ctx, time.Until(end)/4)
}

// asBusy says in package model's words that a server had no room.
func asBusy(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", model.ErrBusy, err)
}

// cuts tries whether vectors come as short as asked.
func (s *Server) cuts(ctx context.Context, m Served) bool {
	ctx, cancel := share(ctx)
	defer cancel()
	own, err := s.embed(ctx, m, gateway.EmbedRequest{Input: []string{"Hi"}})
	if err != nil {
		return false
	}
	n := 256 // which those who shorten their vectors have been trained for
	if len(own.Vectors[0]) == n {
		n /= 2
	}
	cut, err := s.embed(ctx, m, gateway.EmbedRequest{Input: []string{"Hi"}, Dimensions: n})
	return err == nil && len(cut.Vectors[0]) == n
}

// limited bounds the bodies of answers to a probe.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(q *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(q)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, maxProbe)
	}
	return res, err
}
