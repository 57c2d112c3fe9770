package peer

import (
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
)

// Download of blocks. They are fetched from all peers that should have them, whatever order they come in. Two lists say
// what to fetch: the chain's own, of blocks missing on its best chain of headers, and for each peer the blocks it has told
// of, so that headers without blocks behind them, however much work they show, cannot keep us from the chains of honest
// peers.

const (
	// blocksAtOnce bounds the blocks asked of one peer and not yet come (Bitcoin Core's); when half of them are here more
	// are asked for.
	blocksAtOnce = 16
	// window is how far above the lowest missing block blocks are asked for (Bitcoin Core's BLOCK_DOWNLOAD_WINDOW).
	window = 1024
	// secondAsk is how long the lowest missing block is waited for before another peer is asked for it as well.
	secondAsk = 5 * time.Second
)

// outbox collects messages while the server's lock is held, to be sent after.
type outbox []func()

func (o *outbox) add(r *remote, m wire.Message) { *o = append(*o, func() { r.send(m) }) }

func (o outbox) flush() {
	for _, send := range o {
		send()
	}
}

// locked runs f under the server's lock and then sends what f has left to send.
func (s *Server) locked(f func(out *outbox)) {
	var out outbox
	s.mu.Lock()
	f(&out)
	s.mu.Unlock()
	out.flush()
}

// welcome begins with a peer whose handshake is done.
func (s *Server) welcome(r *remote) {
	if r.proto >= wire.SendHeadersVersion {
		r.send(wire.NewMsgSendHeaders())
	}
	s.locked(func(out *outbox) {
		r.ready = true
		s.signal()
		s.ping(r, out)
		s.askAddrs(r, out)
		s.tellAddrs(out)
		s.tellFees(out)
		s.begins(out)
		s.schedule(out)
	})
	s.tellPool(r) // now that what comes into the pool is told as well
}

// schedule asks peers for blocks, and for more headers where there is room for them.
func (s *Server) schedule(out *outbox) {
	var missing []chain.Index
	looked := false
	for r := range s.peers {
		if !r.ready || !r.serves() {
			continue
		}
		for len(r.queue) > 0 && !s.lacksBlock(r.queue[0]) {
			r.queue = r.queue[1:]
		}
		if r.more && r.headers.IsZero() && len(r.queue)+wire.MaxBlockHeadersPerMsg <= maxQueue {
			r.more = false
			s.ask(r, &r.best.Hash, out)
		}
		if len(r.asked) > blocksAtOnce/2 {
			continue
		}
		if !looked {
			missing, looked = s.missing(), true
		}
		s.assign(r, missing, out)
		s.watch(r, missing)
	}
}

// missing lists the blocks to fetch on the best chain of headers, no higher than window above the lowest.
func (s *Server) missing() []chain.Index {
	ms := s.c.Missing(window)
	for i := range ms {
		if ms[i].Height >= ms[0].Height+window {
			return ms[:i]
		}
	}
	return ms
}

// lacksBlock says whether a block of a known header is still to come.
func (s *Server) lacksBlock(hash chainhash.Hash) bool {
	_, height, ok := s.c.Header(hash)
	first, _ := s.c.Pruned()
	return ok && height >= first && !s.c.HaveBlock(hash)
}

// assign asks one peer for blocks that nobody has been asked for, and for the lowest missing one even if another has been,
// but is slow.
func (s *Server) assign(r *remote, missing []chain.Index, out *outbox) {
	now, get := time.Now(), new(wire.MsgGetData)
	want := func(hash chainhash.Hash, lowest bool) {
		_, lacks := r.lacks[hash]
		if from := s.blocks[hash]; from != nil && (!lowest || from == r || now.Sub(from.asked[hash]) < secondAsk) {
			return
		}
		if !lacks && s.lacksBlock(hash) {
			s.blocks[hash], r.asked[hash] = r, now
			get.InvList = append(get.InvList, wire.NewInvVect(wire.InvTypeWitnessBlock, &hash))
		}
	}
	for i := 0; i < len(missing) && missing[i].Height <= r.best.Height && len(r.asked) < blocksAtOnce; i++ {
		want(missing[i].Hash, i == 0)
	}
	if s.promising(r) {
		for i := 0; i < len(r.queue) && i < window && len(r.asked) < blocksAtOnce; i++ {
			want(r.queue[i], false)
		}
	}
	if len(get.InvList) > 0 {
		r.due = now.Add(s.cfg.Timeouts.Request)
		out.add(r, get)
	}
}

// promising says whether the chain that a peer has told of has as much work as ours: the blocks of others are of no use.
func (s *Server) promising(r *remote) bool {
	if len(r.queue) == 0 {
		return false
	}
	tip, err := s.c.Info(s.c.Tip().Hash)
	return err == nil && r.work != nil && r.work.Cmp(tip.Work) >= 0
}

// onBlock takes in a block that was asked for.
func (s *Server) onBlock(r *remote, b *wire.MsgBlock) {
	hash := b.BlockHash()
	r.known.Add(hash)
	s.mu.Lock()
	_, asked := r.asked[hash]
	if asked {
		s.unask(r, hash)
		r.due = time.Now().Add(s.cfg.Timeouts.Request)
		r.stalling = time.Time{}
		s.stall = max(stallMin, time.Duration(float64(s.stall)*stallDecay))
	}
	s.mu.Unlock()
	if !asked {
		r.punish(banScore/10, "a block that nobody asked for")
		return
	}
	_, err := s.c.ProcessBlock(s.ctx, b)
	switch code, broken := ruleOf(err); {
	case err == nil:
		s.locked(func(*outbox) { r.lastBlock = time.Now() })
	case code == blockchain.ErrDuplicateBlock && broken || s.ctx.Err() != nil:
	case broken && ours(code): // the peer was asked for it
	case !broken:
		s.log.Error("block cannot be stored", "hash", hash, "err", err)
		return // the next tick tries again
	case code == blockchain.ErrTimeTooNew:
		s.log.Info("block from the future", "addr", r.addr, "err", err)
		return
	default:
		r.punish(banScore, fmt.Sprintf("invalid block %v: %v", hash, err))
		return
	}
	s.locked(s.schedule)
}

// ours says whether a block is refused for what happened here after it was asked for: its header was forgotten, or it or
// one below it found or declared invalid.
func ours(code blockchain.ErrorCode) bool {
	return code == blockchain.ErrPreviousBlockUnknown || code == blockchain.ErrKnownInvalidBlock || code == blockchain.ErrInvalidAncestorBlock
}

// unask forgets that a peer has been asked for a block. The lock is held.
func (s *Server) unask(r *remote, hash chainhash.Hash) {
	delete(r.asked, hash)
	if s.blocks[hash] == r {
		delete(s.blocks, hash)
	}
}

// onNotFound notes what a peer does not have, so that others are asked.
func (s *Server) onNotFound(r *remote, m *wire.MsgNotFound) {
	s.locked(func(out *outbox) {
		for _, iv := range m.InvList {
			if _, asked := r.asked[iv.Hash]; asked {
				s.unask(r, iv.Hash)
				if len(r.lacks) >= maxQueue {
					clear(r.lacks)
				}
				r.lacks[iv.Hash] = struct{}{}
			}
			s.passOn(r, iv.Hash, out)
		}
		s.schedule(out)
	})
}

// drop forgets a peer whose connection has ended, and leaves its work to others.
func (s *Server) drop(r *remote) {
	s.pool.DropOrphans(r.addr)
	s.locked(func(out *outbox) {
		delete(s.peers, r)
		delete(s.nonces, r.nonce)
		if r.in() && !r.evicted {
			s.inbound--
		}
		for hash := range r.asked {
			s.unask(r, hash)
		}
		if s.bulk == r {
			s.bulk = nil
		}
		for hash, q := range s.txs {
			if q.from == r {
				s.passOn(r, hash, out)
			}
		}
		s.signal()
		s.begins(out)
		s.schedule(out)
	})
}

// ruleOf returns the rule of the chain that an error says was broken.
func ruleOf(err error) (blockchain.ErrorCode, bool) {
	var rule blockchain.RuleError
	if errors.As(err, &rule) {
		return rule.ErrorCode, true
	}
	return 0, false
}
