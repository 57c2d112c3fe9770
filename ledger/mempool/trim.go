package mempool

import (
	"math"
	"time"

	"funai/amount"
)

const (
	// Expiry is how long a transaction may wait (Bitcoin Core's -mempoolexpiry).
	Expiry = 336 * time.Hour
	// halfLife is that of the fee rate asked for after the pool has been full (ROLLING_FEE_HALFLIFE).
	halfLife = 12 * time.Hour
	// decayStep is the least time between two steps of its decay.
	decayStep = 10 * time.Second
	// expireEvery is the least time between two looks for what has expired, blocks aside.
	expireEvery = 10 * time.Minute
)

// floor is the fee rate below which nothing enters because the pool has been full. Once a block has made room it decays,
// quicker in an emptier pool. The lock is held in all of this file.
type floor struct {
	rate    float64 // base units per 1,000 virtual bytes
	updated time.Time
	decays  bool // a block came since it was last raised
}

// at is the rate now.
func (f *floor) at(now time.Time, usage, most int64) amount.Amount {
	if f.decays && f.rate > 0 && now.Sub(f.updated) > decayStep {
		life := halfLife
		switch {
		case usage < most/4:
			life /= 4
		case usage < most/2:
			life /= 2
		}
		f.rate *= math.Exp2(-float64(now.Sub(f.updated)) / float64(life))
		f.updated = now
		if f.rate < float64(IncrementalFeeRate)/2 {
			f.rate = 0
		}
	}
	if f.rate == 0 {
		return 0
	}
	return max(amount.Amount(math.Ceil(f.rate)), IncrementalFeeRate)
}

// raise sets the rate to that of something dropped and a step more.
func (f *floor) raise(fee, size int64, now time.Time) {
	if rate := float64(max(fee, 0))*1000/float64(size) + float64(IncrementalFeeRate); rate > f.rate {
		*f = floor{rate: rate, updated: now}
	}
}

// blockCame lets the rate decay.
func (f *floor) blockCame(now time.Time) {
	if !f.decays {
		f.decays, f.updated = true, now
	}
}

// trim drops what has expired, and then, until the pool is within its bound, what pays least together with all that
// depends on it, and raises the fee rate at which one enters.
func (p *Pool) trim() {
	now := time.Now()
	p.expire(now, expireEvery)
	dropped := 0
	for p.usage > int64(p.cfg.MaxBytes) && len(p.cheapest) > 0 {
		worst := p.cheapest[0]
		p.floor.raise(worst.down.fees, worst.down.vsize, now)
		dropped += len(p.remove(worst))
	}
	if dropped > 0 {
		p.log.Info("mempool full", "dropped", dropped, "kept", len(p.entries), "usage", p.usage,
			"min fee rate", uint64(p.floor.at(now, p.usage, int64(p.cfg.MaxBytes))))
	}
}

// expire drops what has waited too long, unless it looked less than every ago.
func (p *Pool) expire(now time.Time, every time.Duration) {
	if now.Sub(p.expired) < every {
		return
	}
	p.expired = now
	var old []*Entry
	for _, e := range p.entries {
		if now.Sub(e.Added) > Expiry {
			old = append(old, e)
		}
	}
	if len(old) > 0 {
		p.log.Info("mempool transactions expired", "dropped", len(p.remove(old...)), "after", Expiry)
	}
}
