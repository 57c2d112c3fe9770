package route

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"funai/gateway"
)

const (
	maxBook = 4096            // pairs of model and server remembered
	weight  = 0.2             // of the newest observation in what is smoothed
	minRest = 5 * time.Second // a server that failed is asked last for so long, twice as long after each failure more
	maxRest = 5 * time.Minute
	stale   = 10 * time.Minute // after so long without an answer a server's times are not known any more
)

// book remembers how servers did.
type book struct {
	now func() time.Time

	mu    sync.Mutex
	pages *lru.Cache[[2]string, *page] // by model and server
}

type page struct {
	stats    gateway.Stats
	failures int // since the last answer
	rested   time.Time
	answered time.Time // last
}

func newBook(now func() time.Time) *book {
	pages, _ := lru.New[[2]string, *page](maxBook) // fails only for a size that is not positive
	return &book{now: now, pages: pages}
}

func (b *book) page(o gateway.Offer) *page {
	k := [2]string{o.Model.ID, o.Server}
	p, ok := b.pages.Get(k)
	if !ok {
		p = &page{stats: gateway.Stats{Uptime: 1}}
		b.pages.Add(k, p)
	}
	return p
}

// fill returns what is known of an offer, with what its source knows of verdicts.
func (b *book) fill(o gateway.Offer) gateway.Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(o)
	s := p.stats
	s.Judged, s.Quality = o.Stats.Judged, o.Stats.Quality
	now := b.now()
	s.Down = now.Before(p.rested)
	if now.Sub(p.answered) > stale {
		s.FirstToken, s.TokensASec = 0, 0
	}
	return s
}

// answered notes an answer of so many tokens.
func (b *book) answered(o gateway.Offer, begun, first, end time.Time, tokens int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(o)
	s := &p.stats
	s.Asked++
	s.Uptime += weight * (1 - s.Uptime)
	if end.Sub(p.answered) > stale {
		s.FirstToken, s.TokensASec = 0, 0
	}
	p.failures, p.rested, p.answered = 0, time.Time{}, end
	if first.IsZero() {
		return
	}
	smooth(&s.FirstToken, first.Sub(begun).Seconds())
	if took := end.Sub(first).Seconds(); tokens > 1 && took > 0 {
		smooth(&s.TokensASec, float64(tokens-1)/took)
	}
}

func smooth(to *float64, v float64) {
	if *to == 0 {
		*to = v
		return
	}
	*to += weight * (v - *to)
}

// failed notes a failure at the server.
func (b *book) failed(o gateway.Offer, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(o)
	p.stats.Asked++
	p.stats.Uptime -= weight * p.stats.Uptime
	p.rested = now.Add(min(minRest<<min(p.failures, 16), maxRest))
	p.failures++
}

// rest notes that a server wants to be left alone until then.
func (b *book) rest(o gateway.Offer, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.page(o).rested = until
}
