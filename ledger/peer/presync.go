package peer

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/consensus"
)

// Headers cost little to make where difficulty is low, and are kept for ever. So a chain of headers is taken in only once
// it has shown the work that a chain needs to matter to us, which is near what ours has. A chain that is too long for one
// message is walked through twice: at first nothing of it is kept but its work and one hash for each message, and when the
// work is enough its headers are asked for again. Each message of the second time must end in the hash that the same one of
// the first time ended in, and so has the very headers that the work was counted of. (Bitcoin Core does the same, and keeps
// a few bits for each header in place of a hash for each message: its headerssync.h.)

const (
	// nearTip is how many blocks' worth of work, at our tip's difficulty, a chain may be behind ours and still matter
	// (Bitcoin Core's).
	nearTip = 144
	// blocksPerSecond is the most that the rule of median times allows in the long run.
	blocksPerSecond = 6
	// maxAhead is how far ahead of time a header may be.
	maxAhead = 2 * time.Hour
)

var errPresync = errors.New("headers are not those of before")

// presync is one such walk.
type presync struct {
	fork  chainhash.Hash // the last known header below the chain
	base  *big.Int       // work up to fork
	work  *big.Int       // and up to last
	last  chainhash.Hash
	marks []mark
	most  int // marks that any chain can need that is possible by now

	redo bool // the second time
	next int  // of marks
}

// mark is where a message of the first time ended.
type mark struct {
	hash  chainhash.Hash
	count int // headers of the message
}

// enoughWork is the work that a chain of headers must show.
func (s *Server) enoughWork() *big.Int {
	tip, err := s.c.Info(s.c.Tip().Hash)
	if err != nil {
		return new(big.Int) // closing
	}
	near := blockchain.CalcWork(tip.Header.Bits)
	near.Sub(tip.Work, near.Mul(near, big.NewInt(nearTip)))
	if least := s.c.Params().MinimumChainWork; least != nil && near.Cmp(least) < 0 {
		return least
	}
	return near
}

func newPresync(fork chain.BlockInfo, now time.Time) *presync {
	seconds := max(0, now.Add(maxAhead).Sub(fork.MedianTime)/time.Second)
	return &presync{fork: fork.Hash, base: fork.Work, work: fork.Work, last: fork.Hash,
		most: int(seconds)*blocksPerSecond/wire.MaxBlockHeadersPerMsg + 1}
}

// workOf is the work of headers, each of which has been checked to have it.
func workOf(hs []*wire.BlockHeader) *big.Int {
	sum := new(big.Int)
	for _, h := range hs {
		sum.Add(sum, blockchain.CalcWork(h.Bits))
	}
	return sum
}

// checkWork checks that each header is the next one's parent, and has the work that it claims.
func checkWork(p *consensus.Params, hs []*wire.BlockHeader) error {
	for i, h := range hs {
		if i > 0 {
			if prev := hs[i-1].BlockHash(); h.PrevBlock != prev {
				return fmt.Errorf("header %d of %d follows %v, not %v before it", i, len(hs), h.PrevBlock, prev)
			}
		}
		if err := consensus.CheckHeader(p, h, h.Timestamp); err != nil {
			return fmt.Errorf("header %d of %d: %w", i, len(hs), err)
		}
	}
	return nil
}

// aside says whether headers announce a new block in the middle of the walk, as they do that of a chain much longer than
// a block's time lets us walk through. Its turn comes.
func (p *presync) aside(hs []*wire.BlockHeader) bool {
	return len(hs) > 0 && len(hs) <= headersToTell && hs[0].PrevBlock != p.last
}

// step takes the next message of headers, which checkWork has passed. It returns the headers to take in, and whether there
// is more to ask for, after last. An error says that the chain is given up.
func (p *presync) step(hs []*wire.BlockHeader, enough *big.Int) (take []*wire.BlockHeader, more bool, err error) {
	if len(hs) == 0 || hs[0].PrevBlock != p.last {
		return nil, false, fmt.Errorf("%w: they do not follow %v", errPresync, p.last)
	}
	end := hs[len(hs)-1].BlockHash()
	if p.redo {
		return p.again(hs, end)
	}
	p.work = new(big.Int).Add(p.work, workOf(hs))
	p.last, p.marks = end, append(p.marks, mark{end, len(hs)})
	switch {
	case p.work.Cmp(enough) >= 0:
		p.redo, p.last, p.work = true, p.fork, p.base
		return nil, true, nil
	case len(hs) < wire.MaxBlockHeadersPerMsg:
		return nil, false, fmt.Errorf("%w: work of %v is less than %v", errLowWork, p.work, enough)
	case len(p.marks) >= p.most:
		return nil, false, fmt.Errorf("%w: longer than time allows", errLowWork)
	}
	return nil, true, nil
}

var errLowWork = errors.New("chain of headers matters to nobody")

// again takes a message of the second time. The last of them may go on beyond where the work was enough.
func (p *presync) again(hs []*wire.BlockHeader, end chainhash.Hash) (take []*wire.BlockHeader, more bool, err error) {
	m := p.marks[p.next]
	if len(hs) < m.count || hs[m.count-1].BlockHash() != m.hash {
		return nil, false, fmt.Errorf("%w: message %d does not come to %v", errPresync, p.next, m.hash)
	}
	p.next++
	if p.next == len(p.marks) {
		return hs, false, nil
	}
	p.last = end
	if len(hs) > m.count {
		return nil, false, fmt.Errorf("%w: message %d has %d headers, not %d", errPresync, p.next, len(hs), m.count)
	}
	return hs, true, nil
}
