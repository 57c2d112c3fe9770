package peer

import (
	"maps"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/mempool"
)

// Transactions that peers are told of: once each, only what pays the fee they ask for, and after a random time.

const (
	// invAtOnce bounds the transactions in one announcement of ours (Bitcoin Core's INVENTORY_BROADCAST_MAX).
	invAtOnce = 1000
	// maxToTell bounds the transactions that wait to be told to one peer; beyond that it hears of them from others.
	maxToTell = 10_000
	// rebroadcast is the mean time after which transactions of ours that nobody has asked for are told again, and
	// feeFilterInterval that between two messages of the fee we ask for (Bitcoin Core's).
	rebroadcast       = 12 * time.Minute
	feeFilterInterval = 10 * time.Minute
	// secretFor is how many times Config.Trickle a transaction counts as new: nearly all peers are told sooner.
	secretFor = 6
	// wtxidsSize bounds the transactions known by the hash that covers their witness.
	wtxidsSize = 100_000
)

// toTell are the transactions that wait to be told to a peer, parents before children.
type toTell struct {
	es    []*mempool.Entry
	timed bool // a timer runs
}

// tellPool announces the pool to a new peer, so that what was sent while the network was apart finds its way.
func (s *Server) tellPool(r *remote) {
	es := s.pool.Descs()
	s.tell(r, es[max(0, len(es)-invAtOnce):])
}

// tell announces transactions to a peer, now or later.
func (s *Server) tell(r *remote, es []*mempool.Entry) {
	if r.quiet() || len(es) == 0 {
		return
	}
	if s.cfg.Trickle <= 0 {
		s.announceNow(r, es)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.toTell.es = append(r.toTell.es, es[:min(len(es), max(0, maxToTell-len(r.toTell.es)))]...)
	s.trickle(r)
}

// trickle starts the clock after which a peer is told. Those that connected to us share one, so that many connections see
// no more than one does. The lock is held.
func (s *Server) trickle(r *remote) {
	if r.toTell.timed {
		return
	}
	now := time.Now()
	wait := poisson(s.cfg.Trickle * 2 / 5)
	if r.in() {
		if now.After(s.inboundTell) {
			s.inboundTell = now.Add(poisson(s.cfg.Trickle))
		}
		wait = s.inboundTell.Sub(now)
	}
	r.toTell.timed = true
	time.AfterFunc(wait, func() {
		if !s.begin() {
			return
		}
		defer s.wg.Done()
		s.mu.Lock()
		n := min(len(r.toTell.es), invAtOnce)
		es := slices.Clone(r.toTell.es[:n])
		r.toTell.es, r.toTell.timed = slices.Delete(r.toTell.es, 0, n), false
		if _, here := s.peers[r]; here && len(r.toTell.es) > 0 {
			s.trickle(r)
		}
		s.mu.Unlock()
		s.announceNow(r, slices.DeleteFunc(es, func(e *mempool.Entry) bool { return s.pool.Get(*e.Tx.Hash()) == nil }))
	})
}

// secret says whether a peer cannot know of a transaction of the pool: it has not been told, as it would be if the
// transaction were not new. To answer would say when it came here.
func (s *Server) secret(r *remote, tx *wire.MsgTx) bool {
	id := tx.TxHash()
	if s.cfg.Trickle <= 0 || r.known.Contains(id) || r.known.Contains(tx.WitnessHash()) {
		return false
	}
	e, ok := s.pool.Entry(id)
	return !ok || time.Since(e.Added) < secretFor*s.cfg.Trickle
}

// announceNow announces transactions to a peer that does not know them and would take their fee.
func (s *Server) announceNow(r *remote, es []*mempool.Entry) {
	inv := wire.NewMsgInv()
	for _, e := range es {
		if int64(e.FeeRate()) < r.minFee.Load() {
			continue
		}
		id, wid := *e.Tx.Hash(), *e.Tx.WitnessHash()
		s.wtxids.Add(wid, id)
		if r.known.Contains(id) || r.known.Contains(wid) {
			continue
		}
		r.known.Add(id)
		iv := wire.NewInvVect(wire.InvTypeTx, &id)
		if r.byWtxid {
			r.known.Add(wid)
			iv = wire.NewInvVect(invTypeWtx, &wid)
		}
		inv.InvList = append(inv.InvList, iv)
		if len(inv.InvList) == invAtOnce {
			r.send(inv)
			inv = wire.NewMsgInv()
		}
	}
	if len(inv.InvList) > 0 {
		r.send(inv)
	}
}

// announceTxs tells peers of what enters the pool until the server closes.
func (s *Server) announceTxs(seq uint64) {
	for {
		changed := s.pool.Changed()
		u := s.pool.UpdatesSince(seq, nil)
		seq = u.Next
		for _, e := range u.Added {
			s.wtxids.Add(*e.Tx.WitnessHash(), *e.Tx.Hash())
		}
		if len(u.Added) > 0 {
			for _, r := range s.connected() {
				s.tell(r, u.Added)
			}
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return
		}
	}
}

// Broadcast tells all peers of a transaction of the pool once more. What entered by the pool's Accept is told again from
// time to time without this, until a peer has asked for it.
func (s *Server) Broadcast(tx chainhash.Hash) {
	for _, e := range s.pool.Descs() {
		if *e.Tx.Hash() == tx {
			s.tellAnew([]*mempool.Entry{e})
			return
		}
	}
}

// tellAnew tells all peers of transactions, even if they have been told before.
func (s *Server) tellAnew(es []*mempool.Entry) {
	for _, r := range s.connected() {
		for _, e := range es {
			r.known.Remove(*e.Tx.Hash())
			r.known.Remove(*e.Tx.WitnessHash())
		}
		s.tell(r, es)
	}
}

// rebroadcasts tells again, from time to time, of the transactions of ours that nobody has asked for.
func (s *Server) rebroadcasts() {
	for s.wait(rebroadcast/2 + poisson(rebroadcast/2)) {
		ours := map[chainhash.Hash]bool{}
		for _, id := range s.pool.Unbroadcast() {
			ours[id] = true
		}
		if len(ours) > 0 {
			s.tellAnew(slices.DeleteFunc(s.pool.Descs(), func(e *mempool.Entry) bool { return !ours[*e.Tx.Hash()] }))
		}
	}
}

// tellFees tells peers below which fee rate we take no transactions (BIP-133). The lock is held.
func (s *Server) tellFees(out *outbox) {
	now, fee := time.Now(), int64(-1)
	for r := range s.peers {
		if !r.ready || now.Before(r.nextFee) {
			continue
		}
		if fee < 0 {
			fee = int64(s.pool.Info().MinFeeRate)
		}
		r.nextFee = now.Add(feeFilterInterval/2 + poisson(feeFilterInterval/2))
		if fee != r.toldFee && r.proto >= wire.FeeFilterVersion {
			r.toldFee = fee
			out.add(r, wire.NewMsgFeeFilter(fee))
		}
	}
}

// connected lists the peers whose handshake is done.
func (s *Server) connected() (rs []*remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.peers {
		if r.ready {
			rs = append(rs, r)
		}
	}
	return rs
}

// all lists the connections, those in the handshake too.
func (s *Server) all() []*remote {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.peers))
}
