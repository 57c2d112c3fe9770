package peer

import (
	"errors"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
)

// serve answers one request. It waits until each part of the answer is written, so that a peer that asks and does not
// read costs one block of memory.
func (s *Server) serve(r *remote, m wire.Message) error {
	switch m := m.(type) {
	case *wire.MsgGetHeaders:
		answer := wire.NewMsgHeaders()
		if s.worthy() {
			for _, h := range s.c.HeadersAfter(deref(m.BlockLocatorHashes), m.HashStop, wire.MaxBlockHeadersPerMsg) {
				answer.Headers = append(answer.Headers, &h)
			}
		}
		r.deliver(answer, wire.BaseEncoding)
	case *wire.MsgGetBlocks:
		answer := wire.NewMsgInv()
		for _, h := range s.c.HeadersAfter(deref(m.BlockLocatorHashes), m.HashStop, wire.MaxBlocksPerMsg) {
			hash := h.BlockHash()
			answer.InvList = append(answer.InvList, wire.NewInvVect(wire.InvTypeBlock, &hash))
		}
		if len(answer.InvList) > 0 {
			r.deliver(answer, wire.BaseEncoding)
		}
	case *wire.MsgMemPool:
		answer := wire.NewMsgInv()
		es := s.pool.Descs()
		for _, e := range es[max(0, len(es)-wire.MaxInvPerMsg):] {
			if s.secret(r, e.Tx.MsgTx()) {
				continue
			}
			answer.InvList = append(answer.InvList, wire.NewInvVect(wire.InvTypeTx, e.Tx.Hash()))
		}
		if len(answer.InvList) > 0 {
			r.deliver(answer, wire.BaseEncoding)
		}
	case *wire.MsgGetData:
		return s.serveData(r, m)
	}
	return nil
}

// worthy says whether our chain has the work that the network's has at the least. Before that its headers are of no use to
// anybody, and would look like an attack.
func (s *Server) worthy() bool {
	least := s.c.Params().MinimumChainWork
	tip, err := s.c.Info(s.c.Tip().Hash)
	return err == nil && (least == nil || tip.Work.Cmp(least) >= 0)
}

// serveData sends the blocks and transactions a peer asks for, and says which there are not.
func (s *Server) serveData(r *remote, m *wire.MsgGetData) error {
	absent := wire.NewMsgNotFound()
	for _, iv := range m.InvList {
		if r.gone() || s.ctx.Err() != nil {
			return nil //nolint:nilerr // nobody is left to answer
		}
		encoding := wire.BaseEncoding
		if iv.Type&wire.InvWitnessFlag != 0 {
			encoding = wire.WitnessEncoding
		}
		switch iv.Type {
		case wire.InvTypeBlock, wire.InvTypeWitnessBlock:
			b, err := s.c.Block(iv.Hash)
			switch {
			case err == nil:
				r.known.Add(iv.Hash)
				r.deliver(b, encoding)
				continue
			case !errors.Is(err, chain.ErrMissing) && !errors.Is(err, chain.ErrUnknown):
				return err
			}
		case wire.InvTypeTx, wire.InvTypeWitnessTx, invTypeWtx:
			if tx := s.findTx(r, iv); tx != nil {
				if iv.Type == invTypeWtx {
					encoding = wire.WitnessEncoding
				}
				r.deliver(tx, encoding)
				s.pool.Broadcast(tx.TxHash())
				continue
			}
		}
		absent.InvList = append(absent.InvList, iv)
	}
	if len(absent.InvList) > 0 {
		r.deliver(absent, wire.BaseEncoding)
	}
	return nil
}

// findTx is a transaction of the pool that a peer may know of.
func (s *Server) findTx(r *remote, iv *wire.InvVect) *wire.MsgTx {
	id := iv.Hash
	if iv.Type == invTypeWtx {
		var ok bool
		if id, ok = s.wtxids.Get(iv.Hash); !ok {
			return nil
		}
	}
	tx := s.pool.Get(id)
	if tx == nil || s.secret(r, tx) || iv.Type == invTypeWtx && tx.WitnessHash() != iv.Hash {
		return nil
	}
	r.known.Add(id)
	return tx
}

func deref(hashes []*chainhash.Hash) []chainhash.Hash {
	hs := make([]chainhash.Hash, 0, len(hashes))
	for _, h := range hashes {
		hs = append(hs, *h)
	}
	return hs
}

// headersToTell bounds the headers that announce a new tip; more than that is told by hash, and asked for (BIP-130,
// Bitcoin Core's MAX_BLOCKS_TO_ANNOUNCE).
const headersToTell = 8

// announceBlocks tells peers of every new tip until the server closes.
func (s *Server) announceBlocks(last chain.Index) {
	for {
		changed := s.c.Changed()
		if tip := s.c.Tip(); tip != last {
			s.rejected.Purge() // what was refused before this block may be good after it
			s.locked(func(*outbox) { s.tipAt = time.Now() })
			s.announce(last, tip)
			last = tip
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return
		}
	}
}

// announce tells peers of the tip, with the headers that lead to it from the last one if those are few.
func (s *Server) announce(last, tip chain.Index) {
	headers, linked := wire.NewMsgHeaders(), false
	for hash := tip.Hash; len(headers.Headers) < headersToTell && !linked; {
		h, _, ok := s.c.Header(hash)
		if !ok {
			break
		}
		headers.Headers = append(headers.Headers, &h)
		hash, linked = h.PrevBlock, h.PrevBlock == last.Hash
	}
	slices.Reverse(headers.Headers)
	inv := wire.NewMsgInv()
	inv.InvList = append(inv.InvList, wire.NewInvVect(wire.InvTypeBlock, &tip.Hash))
	for _, r := range s.connected() {
		switch {
		case r.known.Contains(tip.Hash):
			continue
		case linked && r.byHeaders.Load():
			r.send(headers)
		default:
			r.send(inv)
		}
		r.known.Add(tip.Hash)
	}
}
