package peer

import (
	"math/big"
	"time"

	"funai/ledger/chain"
)

// Peers that keep us waiting, for a block, for headers, for any sign of life, or by being behind, are dropped: others have
// what they have.

const (
	// patience is how many times Timeouts.Request a peer may take for one block while others of its blocks come in.
	patience = 4
	// A peer that alone keeps others from going on, because the lowest missing block has been asked of it, is dropped after
	// a time that doubles with each that is, up to stallMax, and comes down again with each block (Bitcoin Core's).
	stallMin, stallMax = 2 * time.Second, 64 * time.Second
	stallDecay         = 0.85
	// behindTime is how long a peer that we have chosen may be behind our chain before it is asked where it is, and
	// behindGrace how long it then has to answer (Bitcoin Core's CHAIN_SYNC_TIMEOUT and HEADERS_RESPONSE_TIME).
	behindTime, behindGrace = 20 * time.Minute, 2 * time.Minute
	// staleTime is how long the tip may stay the same before one more peer is looked for: those that there are may keep
	// blocks from us. When a block has come, the one of them that least gave us blocks has to go, if it had settleTime to
	// do so (Bitcoin Core's).
	staleTime, settleTime = 30 * time.Minute, 30 * time.Second
)

// places is how many connections to nodes of the book there may be now. The lock is held.
func (s *Server) places() int {
	if time.Since(s.tipAt) > staleTime {
		return s.cfg.MaxOut + 1
	}
	return s.cfg.MaxOut
}

// surplus finds the peer that has to go since a block has come; nil if there are no more than there should be.
func (s *Server) surplus(now time.Time) (least *remote) {
	if len(s.dialing) <= s.places() {
		return nil
	}
	for r := range s.peers {
		if r.kind != full || !r.ready || len(r.asked) > 0 || now.Sub(r.connected) < settleTime {
			continue
		}
		if least == nil || r.lastBlock.Before(least.lastBlock) || r.lastBlock.Equal(least.lastBlock) && r.id > least.id {
			least = r
		}
	}
	return least
}

// watch starts the clock of the peer that keeps another idle: all blocks of the window are here or asked for, and the
// lowest has been asked of it.
func (s *Server) watch(r *remote, missing []chain.Index) {
	if len(r.asked) > 0 || len(missing) == 0 || r.best.Height < missing[0].Height+window {
		return
	}
	from := s.blocks[missing[0].Hash]
	if from == nil || from == r || !from.stalling.IsZero() {
		return
	}
	from.stalling = time.Now()
	time.AfterFunc(s.stall, func() {
		if s.begin() {
			defer s.wg.Done()
			s.locked(s.expire)
		}
	})
}

// tick looks at the timeouts until the server closes.
func (s *Server) tick() {
	t := time.NewTicker(s.cfg.Timeouts.Request / tickDivisor)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			s.locked(s.expire)
			s.locked(s.tellAddrs)
			if err := s.saveSometimes(); err != nil {
				s.log.Error("addresses cannot be stored", "err", err)
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// expire drops the peers that have kept us waiting for too long, and asks others.
func (s *Server) expire(out *outbox) {
	now := time.Now()
	for r := range s.peers {
		late := len(r.asked) > 0 && now.After(r.due)
		for _, at := range r.asked {
			late = late || now.Sub(at) > patience*s.cfg.Timeouts.Request
		}
		switch {
		case late:
			*out = append(*out, func() { r.stalled("a block") })
		case !r.stalling.IsZero() && now.Sub(r.stalling) >= s.stall:
			s.stall = min(2*s.stall, stallMax)
			*out = append(*out, func() { r.stalled("the lowest block") })
		case s.lags(r, now, out):
			*out = append(*out, func() { r.stalled("our chain") })
		case !r.headers.IsZero() && now.After(r.headers):
			*out = append(*out, func() { r.stalled("headers") })
		}
	}
	if r := s.surplus(now); r != nil {
		*out = append(*out, r.disconnect)
	}
	s.requestDue(out)
	s.tellFees(out)
	s.pingAll(out)
	s.begins(out)
	s.schedule(out)
}

// lags says whether a peer that we chose has been behind our chain for too long: another may know more.
func (s *Server) lags(r *remote, now time.Time, out *outbox) bool {
	if r.kind != full || !r.ready {
		return false
	}
	tip, err := s.c.Info(s.c.Tip().Hash)
	l := &r.lag
	switch {
	case err != nil:
	case r.work != nil && r.work.Cmp(tip.Work) >= 0:
		*l = lag{}
	case l.work == nil || r.work != nil && r.work.Cmp(l.work) >= 0: // behind, but it moves
		*l = lag{work: tip.Work, since: now}
	case !l.asked && now.Sub(l.since) > behindTime:
		l.asked = true
		s.askFromBest(r, out)
	case l.asked && now.Sub(l.since) > behindTime+behindGrace:
		return true
	}
	return false
}

// lag is how long a peer has been behind.
type lag struct {
	work  *big.Int // of our chain, that it should come to
	since time.Time
	asked bool
}

func (r *remote) stalled(what string) {
	r.s.log.Info("peer stalls", "addr", r.addr, "waiting for", what)
	r.s.slow.Add(1)
	r.disconnect()
}
