package route

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"funai/gateway"
)

// fake is a Source of servers that answer or fail as a test says.
type fake struct {
	offers []gateway.Offer
	asked  []string
	ask    map[string]func(ctx context.Context, emit func(gateway.Delta) error) error
}

func (f *fake) Offers(context.Context) ([]gateway.Offer, error) { return f.offers, nil }
func (f *fake) Knows(model string) bool                         { return model == "asleep" }

func (f *fake) Ask(ctx context.Context, server string, _ gateway.Request, started func(gateway.Start), emit func(gateway.Delta) error) (gateway.Answer, error) {
	f.asked = append(f.asked, server)
	started(gateway.Start{Server: server})
	if fail := f.ask[server]; fail != nil {
		return gateway.Answer{}, fail(ctx, emit)
	}
	return gateway.Answer{Server: server, Finish: "stop"}, emit(gateway.Delta{Text: "hi"})
}

func offer(server string, can gateway.Ability, s gateway.Stats, trust ...string) gateway.Offer {
	if len(trust) == 0 {
		trust = []string{gateway.TrustJudge}
	}
	return gateway.Offer{Server: server, Stats: s, Model: gateway.Model{ID: "m", Context: 100, PriceIn: 1, PriceOut: 1, Can: can | gateway.CanChat, Trust: trust, Servers: 1}}
}

func order(t *testing.T, r *Router, route gateway.Route, trust string, need gateway.Ability) string {
	t.Helper()
	list, err := r.choose(t.Context(), "m", trust, route, need|gateway.CanChat)
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Server)
	}
	return strings.Join(names, " ")
}

func TestServersAreAskedInTheOrderWished(t *testing.T) {
	f := &fake{offers: []gateway.Offer{
		offer("dear", gateway.CanTools, gateway.Stats{Judged: 10, Quality: 1}),
		offer("cheap", 0, gateway.Stats{Judged: 100, Quality: 0.95}),
		offer("own", gateway.CanTools|gateway.CanSchema, gateway.Stats{}, gateway.TrustNone),
	}}
	f.offers[0].Model.PriceOut, f.offers[1].Model.PriceOut = 9, 2
	r := New(Config{Sources: []Source{f}})
	now := time.Now()
	r.book.answered(f.offers[0], now, now.Add(time.Second), now.Add(2*time.Second), 101)  // late, then fast
	r.book.answered(f.offers[1], now, now.Add(time.Second/10), now.Add(2*time.Second), 3) // soon, then slow
	for _, c := range []struct {
		route gateway.Route
		trust string
		need  gateway.Ability
		want  string
	}{
		{want: "cheap dear"},
		{route: gateway.Route{Sort: gateway.SortPrice}, want: "cheap dear"},
		{route: gateway.Route{Sort: gateway.SortLatency}, want: "cheap dear"},
		{route: gateway.Route{Sort: gateway.SortThroughput}, want: "dear cheap"},
		{route: gateway.Route{Sort: gateway.SortQuality}, want: "dear cheap"},
		{route: gateway.Route{Order: []string{"dear"}}, want: "dear cheap"},
		{route: gateway.Route{Order: []string{"dear"}, NoOther: true}, want: "dear"},
		{route: gateway.Route{Only: []string{"dear", "unknown"}}, want: "dear"},
		{route: gateway.Route{Ignore: []string{"cheap"}}, want: "dear"},
		{route: gateway.Route{MaxOut: 5}, want: "cheap"},
		{route: gateway.Route{MinJudged: 0.99}, want: "dear"},
		{trust: gateway.TrustNone, want: "own"},
		{trust: gateway.TrustNone, need: gateway.CanSchema, want: "own"},
		{need: gateway.CanTools, want: "dear"},
		{need: gateway.CanTools | gateway.CanSchema, want: "response_format is not supported: no server of m can do response_format in the way asked for; GET /v1/models says what each model can"},
		{route: gateway.Route{Only: []string{"unknown"}}, want: `no node serves this model now: none of its 3 servers fits provider and trust`},
	} {
		if got := order(t, r, c.route, c.trust, c.need); got != c.want {
			t.Errorf("%+v, trust %q, need %v: %s, not %s", c.route, c.trust, c.need.Names(), got, c.want)
		}
	}
}

// TestEqualsShareTheWork: by how fast they begin, the unknown as the fastest, and nobody gets nothing.
func TestEqualsShareTheWork(t *testing.T) {
	f := &fake{offers: []gateway.Offer{offer("slow", 0, gateway.Stats{}), offer("fast", 0, gateway.Stats{}), offer("new", 0, gateway.Stats{})}}
	r := New(Config{Sources: []Source{f}})
	r.random = rand.New(rand.NewPCG(1, 2)).Float64
	now := time.Now()
	r.book.answered(f.offers[0], now, now.Add(3*time.Second), now.Add(4*time.Second), 10)
	r.book.answered(f.offers[1], now, now.Add(time.Second), now.Add(2*time.Second), 10)
	firsts := map[string]int{}
	const draws = 7000
	for range draws {
		firsts[strings.Fields(order(t, r, gateway.Route{}, "", 0))[0]]++
	}
	for server, want := range map[string]int{"slow": draws / 7, "fast": draws * 3 / 7, "new": draws * 3 / 7} {
		if got := firsts[server]; got < want*9/10 || got > want*11/10 {
			t.Errorf("%s was first %d times of %d, not about %d", server, got, draws, want)
		}
	}
}

// TestAServerThatIsJudgedWrongIsAskedLast, however fast and cheap it is: cutting a prompt short is both.
func TestAServerThatIsJudgedWrongIsAskedLast(t *testing.T) {
	f := &fake{offers: []gateway.Offer{offer("cheat", 0, gateway.Stats{Judged: 1}), offer("honest", 0, gateway.Stats{Judged: 100, Quality: 0.99})}}
	f.offers[1].Model.PriceOut, f.offers[1].Queue = 9, 50
	r := New(Config{Sources: []Source{f}})
	now := time.Now()
	r.book.answered(f.offers[0], now, now.Add(time.Millisecond), now.Add(2*time.Millisecond), 10)
	r.book.answered(f.offers[1], now, now.Add(time.Second), now.Add(2*time.Second), 10)
	for _, sort := range []string{"", gateway.SortPrice, gateway.SortLatency, gateway.SortThroughput, gateway.SortQuality} {
		if got := order(t, r, gateway.Route{Sort: sort}, "", 0); got != "honest cheat" {
			t.Errorf("sorted by %q: %s", sort, got)
		}
	}
	if got := order(t, r, gateway.Route{Order: []string{"cheat"}}, "", 0); got != "cheat honest" {
		t.Errorf("the client's order became %s", got)
	}
}

// TestWhatWasSeenLongAgoIsNotHeldAgainstAServer: else one that was slow once would never be tried again.
func TestWhatWasSeenLongAgoIsNotHeldAgainstAServer(t *testing.T) {
	f := &fake{offers: []gateway.Offer{offer("was slow", 0, gateway.Stats{}), offer("b", 0, gateway.Stats{})}}
	now := time.Now()
	r := New(Config{Sources: []Source{f}})
	r.book.now = func() time.Time { return now }
	r.book.answered(f.offers[0], now, now.Add(time.Minute), now.Add(2*time.Minute), 10)
	now = now.Add(2 * time.Minute)
	if s := r.book.fill(f.offers[0]); s.FirstToken != 60 || s.TokensASec != 0.15 {
		t.Fatalf("%+v", s)
	}
	now = now.Add(stale + time.Second)
	if s := r.book.fill(f.offers[0]); s.FirstToken != 0 || s.TokensASec != 0 || s.Asked != 1 {
		t.Errorf("after %v: %+v", stale, s)
	}
	r.book.answered(f.offers[0], now, now.Add(time.Second), now.Add(time.Second), 1)
	if s := r.book.fill(f.offers[0]); s.FirstToken != 1 {
		t.Errorf("the old time to the first token still counts: %+v", s)
	}
}

// TestFailoverEndsWithTheFirstToken: before it the next server is asked; after it, or where each would say the same, none.
func TestFailoverEndsWithTheFirstToken(t *testing.T) {
	broken := errors.New("broken")
	client := errors.New("client went")
	after := func(err error) func(context.Context, func(gateway.Delta) error) error {
		return func(_ context.Context, emit func(gateway.Delta) error) error {
			if err := emit(gateway.Delta{Text: "x"}); err != nil {
				return err
			}
			return err
		}
	}
	at := func(err error) func(context.Context, func(gateway.Delta) error) error {
		return func(context.Context, func(gateway.Delta) error) error { return err }
	}
	for name, c := range map[string]struct {
		a    func(context.Context, func(gateway.Delta) error) error
		emit error
		want string
		err  error
	}{
		"broken":        {a: at(broken), want: "[a b]"},
		"busy":          {a: at(&gateway.BusyError{RetryAfter: time.Hour}), want: "[a b]"},
		"too dear":      {a: at(gateway.ErrMaxFee), want: "[a b]"},
		"bad request":   {a: at(gateway.ErrRequest), want: "[a]", err: gateway.ErrRequest},
		"too long":      {a: at(gateway.ErrTooLong), want: "[a]", err: gateway.ErrTooLong},
		"no funds":      {a: at(gateway.ErrNoFunds), want: "[a]", err: gateway.ErrNoFunds},
		"after a token": {a: after(gateway.ErrUpstream), want: "[a]", err: gateway.ErrUpstream},
		"client":        {emit: client, want: "[a]", err: client},
		"stop":          {emit: gateway.ErrStop, want: "[a]", err: gateway.ErrStop},
	} {
		f := &fake{offers: []gateway.Offer{offer("a", 0, gateway.Stats{}), offer("b", 0, gateway.Stats{})},
			ask: map[string]func(context.Context, func(gateway.Delta) error) error{"a": c.a}}
		r := New(Config{Sources: []Source{f}})
		_, err := r.Ask(t.Context(), gateway.Request{Model: "m", Route: gateway.Route{Order: []string{"a"}}}, func(gateway.Start) {}, func(gateway.Delta) error { return c.emit })
		if fmt.Sprint(f.asked) != c.want || !errors.Is(err, c.err) || c.err == nil && err != nil {
			t.Errorf("%s: asked %v, %v", name, f.asked, err)
		}
	}
}

func TestModelsThatNobodyServesAreToldFromThoseThatAreNone(t *testing.T) {
	r := New(Config{Sources: []Source{&fake{}}})
	for model, want := range map[string]error{"asleep": gateway.ErrNobody, "nothing": gateway.ErrNoModel} {
		if _, err := r.Ask(t.Context(), gateway.Request{Model: model}, nil, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", model, err)
		}
	}
}

// TestAServerThatFailedRestsLongerEachTime, and is forgiven with its next answer.
func TestAServerThatFailedRestsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook(time.Now)
		o := offer("a", 0, gateway.Stats{})
		for _, rest := range []time.Duration{minRest, 2 * minRest, 4 * minRest} {
			b.failed(o, time.Now())
			time.Sleep(rest - time.Second)
			if !b.fill(o).Down {
				t.Errorf("up before %v have passed", rest)
			}
			time.Sleep(time.Second)
			if b.fill(o).Down {
				t.Errorf("down after %v", rest)
			}
		}
		for range 60 {
			b.failed(o, time.Now())
		}
		if s := b.fill(o); !s.Down || s.Uptime > 0.01 || s.Asked != 63 {
			t.Errorf("%+v", s)
		}
		b.answered(o, time.Now(), time.Now(), time.Now(), 1)
		if s := b.fill(o); s.Down || s.Uptime < 0.1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestASlowServerIsGivenUpBeforeItsFirstTokenOnly.
func TestASlowServerIsGivenUpBeforeItsFirstTokenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := func(before, after time.Duration) func(context.Context, func(gateway.Delta) error) error {
			return func(ctx context.Context, emit func(gateway.Delta) error) error {
				for _, d := range []time.Duration{before, after} {
					select {
					case <-time.After(d):
					case <-ctx.Done():
						return context.Cause(ctx)
					}
					if err := emit(gateway.Delta{Text: "x"}); err != nil {
						return err
					}
				}
				return nil
			}
		}
		for _, c := range []struct {
			before, after time.Duration
			want          string
		}{{time.Hour, 0, "[a b]"}, {time.Second, time.Hour, "[a]"}} {
			f := &fake{offers: []gateway.Offer{offer("a", 0, gateway.Stats{}), offer("b", 0, gateway.Stats{})},
				ask: map[string]func(context.Context, func(gateway.Delta) error) error{"a": wait(c.before, c.after)}}
			r := New(Config{Sources: []Source{f}, FirstToken: time.Minute})
			_, err := r.Ask(t.Context(), gateway.Request{Model: "m", Route: gateway.Route{Order: []string{"a"}}}, func(gateway.Start) {}, func(gateway.Delta) error { return nil })
			if fmt.Sprint(f.asked) != c.want || err != nil {
				t.Errorf("asked %v, %v", f.asked, err)
			}
		}
	})
}

func TestQuoteIsOfTheDearestServer(t *testing.T) {
	f := &fake{offers: []gateway.Offer{offer("a", 0, gateway.Stats{}), offer("b", 0, gateway.Stats{})}}
	f.offers[1].Model.PriceOut = 7
	r := New(Config{Sources: []Source{f}})
	q := gateway.Request{Model: "m", MaxTokens: 10, Messages: []gateway.Message{{Role: "user", Content: strings.Repeat("x", 1000)}}}
	if most, err := r.Quote(t.Context(), q); err != nil || most != 100+70 {
		t.Errorf("%d, %v", most, err)
	}
	q.Route.Ignore = []string{"b"}
	if most, err := r.Quote(t.Context(), q); err != nil || most != 100+10 {
		t.Errorf("%d, %v", most, err)
	}
}
