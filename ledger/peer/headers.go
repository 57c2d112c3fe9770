package peer

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/time/rate"

	"funai/ledger/chain"
)

// Synchronization of headers. Peers are asked for them, and the chain checks them if they show enough work to matter.

const (
	// maxQueue bounds the blocks remembered as told of by one peer. It is not asked for more headers before there is room
	// for a full message of them.
	maxQueue = 8 * wire.MaxBlockHeadersPerMsg
	// bulkTime is how long others wait while one peer tells of a long chain of headers.
	bulkTime = time.Minute
	// maxStrays is how many headers messages in a row may not connect to what we know before that counts as misbehaviour
	// (Bitcoin Core's MAX_NUM_UNCONNECTING_HEADERS_MSGS).
	maxStrays = 10
	// lowWorkBurst is how many chains of headers with too little work a peer may tell of at once, and lowWorkEvery how
	// often one more. Beyond that they are not looked at.
	lowWorkBurst = 10
	lowWorkEvery = time.Minute
)

// begins asks peers for their first headers: one at a time while there are many to come. The lock is held, as in all
// functions here that take an outbox.
func (s *Server) begins(out *outbox) {
	for r := range s.peers {
		if !r.ready || !r.idle || !r.serves() {
			continue
		}
		if s.bulk != nil && time.Now().Before(s.until) {
			return
		}
		r.idle = false
		s.bulk, s.until = r, time.Now().Add(bulkTime)
		s.askFromBest(r, out)
	}
}

// askFromBest asks for the headers after the parent of our best one, so that a peer that has nothing better at least
// tells that it has that one.
func (s *Server) askFromBest(r *remote, out *outbox) {
	if h, height, ok := s.c.Header(s.c.BestHeader().Hash); ok && height > 0 {
		s.ask(r, &h.PrevBlock, out)
		return
	}
	s.ask(r, nil, out)
}

// serves says whether a peer can serve us.
func (r *remote) serves() bool { return r.hello.Services&services == services }

// ask asks a peer for the headers after the block from, or after our best header if from is nil.
func (s *Server) ask(r *remote, from *chainhash.Hash, out *outbox) {
	if !r.headers.IsZero() {
		r.again = true
		return
	}
	m := wire.NewMsgGetHeaders()
	m.ProtocolVersion = protocolVersion
	if from != nil {
		m.BlockLocatorHashes = append(m.BlockLocatorHashes, from)
	}
	for _, h := range s.c.Locator() {
		m.BlockLocatorHashes = append(m.BlockLocatorHashes, &h)
	}
	r.headers = time.Now().Add(s.cfg.Timeouts.Request)
	out.add(r, m)
}

// onHeaders takes in headers, asked for or announced.
func (s *Server) onHeaders(r *remote, m *wire.MsgHeaders) {
	hs := m.Headers
	if err := checkWork(s.c.Params(), hs); err != nil {
		r.punish(banScore, err.Error())
		return
	}
	full := len(hs) == wire.MaxBlockHeadersPerMsg
	hs, more, ok := s.sift(r, hs)
	if !ok {
		return
	}
	if len(hs) > 0 {
		if err := s.process(r, hs); err != nil {
			r.punish(banScore, err.Error())
			return
		}
	}
	s.locked(func(out *outbox) {
		r.headers = time.Time{}
		r.more = full && more == nil && len(hs) > 0
		if s.bulk == r && !r.more && more == nil {
			s.bulk = nil
		}
		again := r.again && more == nil
		r.again = false
		if len(hs) > 0 {
			again = !s.learn(r, hs, out) || again
		}
		switch {
		case more != nil:
			s.ask(r, more, out)
		case again:
			s.ask(r, nil, out)
		}
		s.begins(out)
		s.schedule(out)
	})
}

// sift keeps back headers that do not show enough work. It returns the headers to take in and, in the middle of a presync,
// after which header to ask for more. It returns false if the message is not to be looked at. Only the goroutine that reads
// from the peer comes here, and to what it calls.
func (s *Server) sift(r *remote, hs []*wire.BlockHeader) (take []*wire.BlockHeader, more *chainhash.Hash, ok bool) {
	if r.presync != nil {
		if r.presync.aside(hs) {
			return nil, nil, false // the answer is still to come
		}
		if take, more, ok := s.presyncOn(r, hs); ok {
			return take, more, true
		}
	}
	if len(hs) == 0 {
		return nil, nil, true
	}
	if _, _, known := s.c.Header(hs[len(hs)-1].BlockHash()); known {
		return hs, nil, true
	}
	fork, err := s.c.Info(hs[0].PrevBlock)
	if err != nil {
		return hs, nil, true // learn finds out what is between
	}
	enough := s.enoughWork()
	if new(big.Int).Add(fork.Work, workOf(hs)).Cmp(enough) >= 0 {
		return hs, nil, true
	}
	if r.lowWork == nil {
		r.lowWork = rate.NewLimiter(rate.Every(lowWorkEvery), lowWorkBurst)
	}
	if !r.lowWork.Allow() {
		s.log.Debug("too many chains of headers that show little work", "addr", r.addr)
		return nil, nil, true // it may be on a fork that has lost, and not know
	}
	if len(hs) < wire.MaxBlockHeadersPerMsg {
		s.log.Debug("headers show too little work", "addr", r.addr, "height", fork.Height+int32(len(hs)), "least", enough)
		return nil, nil, true
	}
	r.presync = newPresync(fork, time.Now())
	take, more, ok = s.presyncOn(r, hs)
	return take, more, ok
}

// presyncOn goes on with a presync. It returns false if the headers are not part of it, or not any longer.
func (s *Server) presyncOn(r *remote, hs []*wire.BlockHeader) (take []*wire.BlockHeader, more *chainhash.Hash, ok bool) {
	p := r.presync
	take, goOn, err := p.step(hs, s.enoughWork())
	if err != nil {
		s.log.Debug("presync ends", "addr", r.addr, "err", err)
		r.presync = nil
		return nil, nil, errors.Is(err, errLowWork)
	}
	if !goOn {
		r.presync = nil
		return take, nil, true
	}
	return take, &p.last, true
}

// process hands headers to the chain. It returns an error if they prove that the peer does not follow the rules.
func (s *Server) process(r *remote, hs []*wire.BlockHeader) error {
	err := s.c.ProcessHeaders(hs)
	code, broken := ruleOf(err)
	switch {
	case err == nil:
		return nil
	case !broken:
		s.log.Error("headers cannot be stored", "err", err)
		return nil
	case code == blockchain.ErrPreviousBlockUnknown:
		return nil // learn asks for what is between
	case code == blockchain.ErrTimeTooNew:
		s.log.Info("header from the future", "addr", r.addr, "err", err)
		return nil // clocks differ
	case code == blockchain.ErrKnownInvalidBlock || code == blockchain.ErrInvalidAncestorBlock:
		// It follows another chain than we do, of no use to us; but our operator may be the one who said so.
		s.log.Info("peer is on an invalid chain", "addr", r.addr, "err", err)
		r.disconnect()
		return nil
	}
	return fmt.Errorf("invalid header: %w", err)
}

// learn notes which blocks a peer has. It returns false if the chain does not know where the headers belong.
func (s *Server) learn(r *remote, hs []*wire.BlockHeader, out *outbox) bool {
	if _, _, ok := s.c.Header(hs[0].PrevBlock); !ok {
		if r.strays++; r.strays > maxStrays {
			*out = append(*out, func() { r.punish(banScore/5, "headers that lead nowhere") })
		}
		return false
	}
	r.strays = 0
	for _, h := range hs {
		hash := h.BlockHash()
		_, height, ok := s.c.Header(hash)
		if !ok {
			break // refused, with all that follow
		}
		have := !s.lacksBlock(hash)
		if !have && len(r.queue) >= maxQueue {
			r.more = true
			break
		}
		r.known.Add(hash)
		r.best = chain.Index{Height: height, Hash: hash}
		if !have {
			r.queue = append(r.queue, hash)
			delete(r.lacks, hash)
		}
	}
	s.measure(r)
	return true
}

// measure notes the work of the best chain that a peer has told of.
func (s *Server) measure(r *remote) {
	if i, err := s.c.Info(r.best.Hash); err == nil {
		r.work = i.Work
	}
}
