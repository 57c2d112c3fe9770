package peer

import (
	"errors"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/mempool"
)

// Transactions that peers tell of. Each is asked of one peer at a time, of those that connected to us a little later, so
// that nobody can keep a transaction from us by being the first to tell of it and the last to send it. (Bitcoin Core's
// txrequest.h.)

const (
	// invTypeWtx asks for a transaction by the hash that covers its witness (BIP-339's MSG_WTX).
	invTypeWtx wire.InvType = 5
	// maxOffers bounds the transactions remembered as told of by one peer (Bitcoin Core's), txsAtOnce those asked of it
	// and not yet come.
	maxOffers = 5000
	txsAtOnce = 1000
	// txDelay is how long an inbound peer that tells of a transaction waits for another to do so (Bitcoin Core's
	// NONPREF_PEER_TX_DELAY); no time where transactions do not wait to be told of either.
	txDelay = 2 * time.Second
	// txTime is how long a peer may take to send a transaction (Bitcoin Core's GETDATA_TX_INTERVAL).
	txTime = time.Minute
	// maxBehind is how many blocks the tip may be behind the best header before transactions mean nothing to us.
	maxBehind = 144
	// straysPerSecond is how many transactions that nobody asked for are looked at, straysAtOnce after a pause.
	straysPerSecond, straysAtOnce = 10, 100
)

// txRequest is a transaction to get.
type txRequest struct {
	iv     wire.InvVect
	from   *remote   // who has been asked; nil while it waits
	due    time.Time // when it must come or, while it waits, when it may be asked for
	others []*remote // who have it too
}

// onInv takes in announcements of blocks and transactions.
func (s *Server) onInv(r *remote, m *wire.MsgInv) {
	behind := s.c.BestHeader().Height-s.c.Tip().Height > maxBehind
	s.locked(func(out *outbox) {
		var unknown, blocks bool
		var want []*wire.InvVect
		for _, iv := range m.InvList {
			again := r.known.Contains(iv.Hash)
			r.known.Add(iv.Hash)
			switch iv.Type {
			case wire.InvTypeBlock, wire.InvTypeWitnessBlock:
				unknown, blocks = !s.offered(r, iv.Hash, again) || unknown, true
			case wire.InvTypeTx, wire.InvTypeWitnessTx, invTypeWtx:
				if !behind && !s.haveTx(iv) {
					want = append(want, iv)
				}
			}
		}
		if unknown {
			s.ask(r, nil, out)
		}
		s.offer(r, want, out)
		if blocks {
			s.schedule(out)
		}
	})
}

// haveTx says whether a transaction is here, or was and is not wanted.
func (s *Server) haveTx(iv *wire.InvVect) bool {
	if s.rejected.Contains(iv.Hash) {
		return true
	}
	if iv.Type == invTypeWtx {
		id, ok := s.wtxids.Peek(iv.Hash)
		return ok && s.pool.Have(id)
	}
	return s.pool.Have(iv.Hash)
}

// offered notes that a peer has a block, which is queued already if it is told of again. It returns false if the block's
// header is not known.
func (s *Server) offered(r *remote, hash chainhash.Hash, again bool) bool {
	_, height, ok := s.c.Header(hash)
	if !ok {
		return false
	}
	if height > r.best.Height {
		r.best = chain.Index{Height: height, Hash: hash}
		s.measure(r)
	}
	if s.lacksBlock(hash) && len(r.queue) < maxQueue && !again {
		r.queue = append(r.queue, hash)
	}
	return true
}

// offer notes that a peer has transactions that we lack, and asks for those whose time has come. The lock is held, as in
// all functions here that take an outbox.
func (s *Server) offer(r *remote, ivs []*wire.InvVect, out *outbox) {
	now := time.Now()
	delay := s.delay(r)
	get := new(wire.MsgGetData)
	for _, iv := range ivs {
		q := s.txs[iv.Hash]
		if r.offers >= maxOffers || q != nil && (q.from == r || slices.Contains(q.others, r)) {
			continue
		}
		if q == nil {
			q = &txRequest{iv: wire.InvVect{Type: txType(iv.Type), Hash: iv.Hash}, due: now.Add(delay)}
			s.txs[iv.Hash] = q
		}
		r.offers++
		if q.from == nil && delay == 0 && r.txs < txsAtOnce {
			s.request(r, q, get)
			continue
		}
		q.others = append(q.others, r)
		s.wake()
	}
	if len(get.InvList) > 0 {
		out.add(r, get)
	}
}

// txType is how a transaction is asked for that was told of as t.
func txType(t wire.InvType) wire.InvType {
	if t == invTypeWtx {
		return t
	}
	return wire.InvTypeWitnessTx
}

// delay is how long a peer waits for others that tell of the same transaction.
func (s *Server) delay(r *remote) time.Duration {
	if r.in() && s.cfg.Trickle > 0 {
		return txDelay
	}
	return 0
}

// request asks a peer for a transaction, by adding to its getdata.
func (s *Server) request(r *remote, q *txRequest, get *wire.MsgGetData) {
	q.from, q.due = r, time.Now().Add(min(txTime, 2*s.cfg.Timeouts.Request))
	r.txs++
	get.InvList = append(get.InvList, &wire.InvVect{Type: q.iv.Type, Hash: q.iv.Hash})
}

// wake sees to it that the waiting transactions are looked at in time.
func (s *Server) wake() {
	if s.waking {
		return
	}
	s.waking = true
	time.AfterFunc(txDelay, func() {
		if s.begin() {
			defer s.wg.Done()
			s.locked(func(out *outbox) {
				s.waking = false
				s.requestDue(out)
			})
		}
	})
}

// requestDue asks for the transactions whose time has come, and others for those that did not come in theirs.
func (s *Server) requestDue(out *outbox) {
	now, gets := time.Now(), map[*remote]*wire.MsgGetData{}
	for hash, q := range s.txs {
		if now.Before(q.due) {
			if q.from == nil {
				s.wake()
			}
			continue
		}
		if q.from != nil {
			q.from.txs--
			q.from.offers--
			q.from = nil
		}
		s.next(hash, q, gets)
	}
	for r, get := range gets {
		out.add(r, get)
	}
}

// next asks the next peer for a transaction: one that we connected to, if there is one. If nobody is left it is given up.
func (s *Server) next(hash chainhash.Hash, q *txRequest, gets map[*remote]*wire.MsgGetData) {
	busy := false
	best := -1
	for i, r := range q.others {
		_, here := s.peers[r]
		switch {
		case !here:
		case r.txs >= txsAtOnce || gets[r] != nil && len(gets[r].InvList) >= wire.MaxInvPerMsg:
			busy = true
		case best < 0 || q.others[best].in() && !r.in():
			best = i
		}
	}
	switch {
	case best >= 0:
		r := q.others[best]
		q.others = slices.Delete(q.others, best, best+1)
		if gets[r] == nil {
			gets[r] = new(wire.MsgGetData)
		}
		s.request(r, q, gets[r])
	case busy:
		q.due = time.Now().Add(txDelay)
		s.wake()
	default:
		s.forget(hash)
	}
}

// forget ends the search for a transaction.
func (s *Server) forget(hash chainhash.Hash) {
	q := s.txs[hash]
	if q == nil {
		return
	}
	delete(s.txs, hash)
	if q.from != nil {
		q.from.txs--
		q.from.offers--
	}
	for _, r := range q.others {
		r.offers--
	}
}

// passOn ends a request that a peer did not meet, and asks the next that has the transaction.
func (s *Server) passOn(r *remote, hash chainhash.Hash, out *outbox) {
	q := s.txs[hash]
	if q == nil || q.from != r {
		return
	}
	r.txs--
	r.offers--
	q.from = nil
	gets := map[*remote]*wire.MsgGetData{}
	s.next(hash, q, gets)
	for next, get := range gets {
		out.add(next, get)
	}
}

// onTx takes in a transaction.
func (s *Server) onTx(r *remote, tx *wire.MsgTx) {
	id, wid := tx.TxHash(), tx.WitnessHash()
	r.known.Add(id)
	r.known.Add(wid)
	asked := false
	s.locked(func(out *outbox) {
		for _, hash := range []chainhash.Hash{id, wid} {
			if q := s.txs[hash]; q != nil {
				asked = asked || q.from == r
				s.forget(hash)
			}
		}
		if asked && r.txs == txsAtOnce/2 && r.offers > r.txs {
			s.requestDue(out) // there is room for more
		}
	})
	if !asked && !r.strayTxs.Allow() {
		return // nobody asked
	}
	if s.rejected.Contains(wid) {
		return
	}
	s.wtxids.Add(wid, id)
	_, missing, err := s.pool.AcceptFrom(tx, r.addr)
	switch {
	case err == nil:
		s.locked(func(*outbox) { r.lastTx = time.Now() })
	case errors.Is(err, mempool.ErrKnown), errors.Is(err, mempool.ErrBusy), errors.Is(err, mempool.ErrLoading):
	case errors.Is(err, mempool.ErrMissing):
		s.askParents(r, tx, missing)
	case mempool.Misbehaviour(err):
		if tx.HasWitness() || !errors.Is(err, mempool.ErrScript) { // else wid is id, that of a good one with its witness
			s.rejected.Add(wid)
		}
		r.punish(banScore/5, err.Error())
	default:
		s.rejected.Add(wid)
		// Another witness under the same hash can turn a fee or a size from good to bad.
		if errors.Is(err, mempool.ErrSpent) || errors.Is(err, mempool.ErrLocked) || errors.Is(err, mempool.ErrImmature) {
			s.rejected.Add(id)
		}
		s.log.Debug("transaction refused", "addr", r.addr, "err", err)
	}
}

// askParents asks who sent an orphan for what it spends, unless one of that is known to be bad: then the orphan is, too.
func (s *Server) askParents(r *remote, tx *wire.MsgTx, missing []chainhash.Hash) {
	var want []*wire.InvVect
	for _, hash := range missing {
		if s.rejected.Contains(hash) {
			s.rejected.Add(tx.WitnessHash())
			return
		}
		if !s.pool.Have(hash) {
			want = append(want, wire.NewInvVect(wire.InvTypeTx, &hash))
		}
	}
	s.locked(func(out *outbox) { s.offer(r, want, out) })
}
