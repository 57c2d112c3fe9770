package route

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"funai/gateway"
)

// match lists the servers of a model that a request allows.
func (r *Router) match(ctx context.Context, model, trust string, route gateway.Route) ([]candidate, error) {
	all, err := r.offers(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c candidate) bool { return c.Model.ID != model })
	if len(all) == 0 {
		if slices.ContainsFunc(r.sources, func(s Source) bool { k, ok := s.(Knower); return ok && k.Knows(model) }) {
			return nil, fmt.Errorf("%w: %q", gateway.ErrNobody, model)
		}
		return nil, fmt.Errorf("%w: %q", gateway.ErrNoModel, model)
	}
	if trust == "" && slices.ContainsFunc(all, func(c candidate) bool { return trusted(c, gateway.TrustJudge) }) {
		trust = gateway.TrustJudge // the network's default, wherever the network has the model
	}
	allowed := slices.DeleteFunc(slices.Clone(all), func(c candidate) bool {
		return trust != "" && !trusted(c, trust) ||
			len(route.Only) > 0 && !slices.Contains(route.Only, c.Server) ||
			slices.Contains(route.Ignore, c.Server) ||
			route.MaxIn > 0 && c.Model.PriceIn > route.MaxIn || route.MaxOut > 0 && c.Model.PriceOut > route.MaxOut ||
			route.MinJudged > 0 && (c.Stats.Judged == 0 || c.Stats.Quality < route.MinJudged)
	})
	if len(allowed) == 0 {
		return nil, fmt.Errorf("%w: none of its %d servers fits provider and trust", gateway.ErrNobody, len(all))
	}
	return allowed, nil
}

func trusted(c candidate, trust string) bool { return slices.Contains(c.Model.Trust, trust) }

// choose lists the servers to ask, in order.
func (r *Router) choose(ctx context.Context, model, trust string, route gateway.Route, need gateway.Ability) ([]candidate, error) {
	allowed, err := r.match(ctx, model, trust, route)
	if err != nil {
		return nil, err
	}
	able := slices.DeleteFunc(slices.Clone(allowed), func(c candidate) bool { return c.Model.Can.Lacks(need) != 0 })
	if len(able) == 0 {
		return nil, gateway.Refuse(model, fewest(allowed, need))
	}
	draw(able, r.random)
	slices.SortStableFunc(able, func(a, b candidate) int { return compare(a, b, route) })
	limit := maxTries
	if route.NoOther {
		limit = 1
	}
	return able[:min(len(able), limit)], nil
}

// fewest is what the ablest server lacks.
func fewest(list []candidate, need gateway.Ability) gateway.Ability {
	lacks := list[0].Model.Can.Lacks(need)
	for _, c := range list {
		if l := c.Model.Can.Lacks(need); len(l.Names()) < len(lacks.Names()) {
			lacks = l
		}
	}
	return lacks
}

// draw gives each candidate its lot: of those that are equal in all else, one that begins twice as fast comes first twice as
// often, and no one never. The fastest is not simply asked always: it would drown, a server that once was slow would be
// slow for ever, and cutting prompts short is fast. A server not seen yet counts as the fastest.
func draw(list []candidate, random func() float64) {
	fastest := math.Inf(1)
	for _, c := range list {
		if t := c.Stats.FirstToken; t > 0 {
			fastest = min(fastest, t)
		}
	}
	if math.IsInf(fastest, 1) {
		fastest = 1
	}
	for i := range list {
		t := list[i].Stats.FirstToken
		if t <= 0 {
			t = fastest
		}
		list[i].lot = -math.Log1p(-random()) * t // the least of exponential times: each first with odds of 1/t
	}
}

// compare puts the server to ask first before the other: the client's order, those that are up, those whose answers are
// judged right, what the client sorts by, then price, queue and lot.
func compare(a, b candidate, route gateway.Route) int {
	place := func(c candidate) int {
		if i := slices.Index(route.Order, c.Server); i >= 0 {
			return i
		}
		return len(route.Order)
	}
	down := func(c candidate) int {
		if c.Stats.Down {
			return 1
		}
		return 0
	}
	wrong := func(c candidate) int {
		if c.Stats.Judged > 0 && c.Stats.Quality < leastQuality {
			return 1
		}
		return 0
	}
	price := func(c candidate) float64 { return float64(c.Model.PriceIn) + float64(c.Model.PriceOut) }
	return cmp.Or(
		cmp.Compare(place(a), place(b)),
		cmp.Compare(down(a), down(b)),
		cmp.Compare(wrong(a), wrong(b)),
		cmp.Compare(wish(a, route.Sort), wish(b, route.Sort)),
		cmp.Compare(price(a), price(b)),
		cmp.Compare(a.Queue, b.Queue),
		cmp.Compare(a.lot, b.lot),
	)
}

// wish is what the client sorts by, less being better.
func wish(c candidate, by string) float64 {
	switch by {
	case gateway.SortLatency:
		return c.Stats.FirstToken
	case gateway.SortThroughput:
		if c.Stats.TokensASec == 0 {
			return math.Inf(-1)
		}
		return -c.Stats.TokensASec
	case gateway.SortQuality:
		if c.Stats.Judged == 0 {
			return -0.5 // neither good nor bad: no verdict is not a good one
		}
		return -c.Stats.Quality
	}
	return 0 // price is the next comparison
}
