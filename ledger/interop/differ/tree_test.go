package differ

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/consensus"
)

var treeFlag = flag.Int("tree", 150, "number of steps by which the random tree grows")

// submitClasses are submitblock's words for what it does not take to be new.
var submitClasses = map[string][]blockchain.ErrorCode{
	"duplicate":          {blockchain.ErrDuplicateBlock},
	"prev-blk-not-found": {blockchain.ErrPreviousBlockUnknown},
}

// rivals are two nodes that are given the same.
type rivals struct {
	*testing.T
	d       *bitcoind
	c       *chain.Chain
	reasons map[string]int // bitcoind's
	tips    int            // changes of the tip
	reorgs  int            // those by which blocks left the chain
	trail   []string       // the last things done
	// strict holds them to the same words on every block. It is not to be had once headers come before blocks, or blocks
	// are reconsidered: Bitcoin Core leaves known descendants of an invalid block as they are until one is to be the tip,
	// and finds blocks of a chain invalid only when it goes over to that. All that matters then is the tip.
	strict bool
}

// Both nodes go the same way through a random tree of blocks, good and bad, whose headers and bodies come in any order,
// with false twins, and some of which are declared invalid and reconsidered.
func TestRandomTreeLeadsToTheTipOfBitcoind(t *testing.T) {
	bitcoindPath(t)
	b := newBase()
	r := &rivals{T: t, d: startBitcoind(t, b.now), reasons: map[string]int{}}
	feed(t, r.d, b)
	r.c = openBase(t, b)
	g := &grower{newGen(b, *seedFlag, -1), []*base{b}, nil, b}
	for i := range *treeFlag {
		r.strict = i < *treeFlag/2
		switch n := g.IntN(20); {
		case n == 0 && !r.strict:
			r.burst(g)
		case n == 1 && !r.strict:
			r.declare(g)
		default:
			blk, end := g.grow(g.choose())
			for g.chance(4) {
				r.handIn(g.twin(blk))
			}
			g.enter(end, r.handIn(blk))
			if g.chance(10) {
				r.handIn(blk) // again
			}
		}
		g.follow(r.c.Tip().Hash)
	}
	r.sameCoins()
	t.Logf("seed %d: %d new tips of which %d by reorganization, %v", *seedFlag, r.tips, r.reorgs, r.reasons)
}

// burst hands in a row of blocks in any order, most of the headers first.
func (r *rivals) burst(g *grower) {
	r.Helper()
	type part struct {
		blk *wire.MsgBlock
		end *base
	}
	var row []part
	on := g.choose()
	for range 2 + g.IntN(4) {
		blk, end := g.grow(on)
		row, on = append(row, part{blk, end}), end
	}
	for _, p := range row {
		if g.chance(6) {
			break
		}
		r.header(&p.blk.Header)
	}
	g.Shuffle(len(row), func(i, j int) { row[i], row[j] = row[j], row[i] })
	for _, p := range row {
		g.enter(p.end, r.handIn(p.blk))
	}
}

// did remembers what was done, and compares the tips.
func (r *rivals) did(old chain.Index, format string, a ...any) {
	r.Helper()
	const most = 20
	r.trail = append(r.trail[max(0, len(r.trail)+1-most):], fmt.Sprintf(format, a...))
	var tip string
	if err := r.d.call(r.Context(), &tip, "getbestblockhash"); err != nil {
		r.Fatal(err)
	}
	now := r.c.Tip()
	if tip != now.Hash.String() {
		r.Fatalf("tree of seed %d: bitcoind's tip is %s, ours %v, after:\n%q", *seedFlag, tip, now, r.trail)
	}
	if now != old {
		r.tips++
		if at, ok := r.c.IndexAt(old.Height); !ok || at != old {
			r.reorgs++
		}
	}
}

// header gives both nodes a header.
func (r *rivals) header(h *wire.BlockHeader) {
	r.Helper()
	var w bytes.Buffer
	if err := h.Serialize(&w); err != nil {
		r.Fatal(err)
	}
	old := r.c.Tip()
	theirs := r.d.call(r.Context(), nil, "submitheader", hex.EncodeToString(w.Bytes()))
	err := r.c.ProcessHeaders([]*wire.BlockHeader{h})
	reason := ""
	if e := (*rpcError)(nil); errors.As(theirs, &e) {
		reason = e.Message
		if strings.HasPrefix(reason, "Must submit previous header") {
			reason = "prev-blk-not-found"
		}
	} else if theirs != nil {
		r.Fatal(theirs)
	}
	if (theirs == nil) != (err == nil) && !ofAncestors(reason, err) {
		r.Errorf("tree of seed %d, header %v: bitcoind says %v, we %v, after:\n%q", *seedFlag, h.BlockHash(), theirs, err, r.trail)
	}
	r.did(old, "header %v on %v: %v", h.BlockHash(), h.PrevBlock, theirs)
}

// declare has both nodes take a block near the tip for invalid, and back.
func (r *rivals) declare(g *grower) {
	r.Helper()
	old := r.c.Tip()
	at, ok := r.c.IndexAt(max(tipHeight+1, old.Height-int32(g.IntN(4))))
	if !ok {
		return
	}
	theirs := r.d.call(r.Context(), nil, "invalidateblock", at.Hash.String())
	if err := r.c.InvalidateBlock(r.Context(), at.Hash); err != nil || theirs != nil {
		r.Fatalf("tree of seed %d: declaring %v invalid: bitcoind says %v, we %v", *seedFlag, at, theirs, err)
	}
	r.did(old, "%v declared invalid", at)
	for range g.IntN(4) {
		g.follow(r.c.Tip().Hash)
		blk, end := g.grow(g.choose())
		g.enter(end, r.handIn(blk))
	}
	old = r.c.Tip()
	theirs = r.d.call(r.Context(), nil, "reconsiderblock", at.Hash.String())
	if err := r.c.ReconsiderBlock(r.Context(), at.Hash); err != nil || theirs != nil {
		r.Fatalf("tree of seed %d: reconsidering %v: bitcoind says %v, we %v", *seedFlag, at, theirs, err)
	}
	r.did(old, "%v reconsidered", at)
}

// handIn gives both nodes a block, and holds their words against each other. It returns bitcoind's.
func (r *rivals) handIn(blk *wire.MsgBlock) (reason string) {
	r.Helper()
	old := r.c.Tip()
	reason, err := r.d.submit(r.Context(), serialize(blk))
	if err != nil {
		r.Fatal(err)
	}
	o, err := r.c.ProcessBlock(r.Context(), blk)
	if lax := !r.strict && !o.MainChain && reason != "" && ofAncestors(reason, err); !lax && !sameWord(reason, err) {
		r.Errorf("tree of seed %d, block %v on %v: bitcoind says %q, we %v, after:\n%q", *seedFlag, blk.BlockHash(), blk.Header.PrevBlock, reason, err,
			r.trail)
	}
	r.reasons[reason]++
	r.did(old, "block %v on %v: %q", blk.BlockHash(), blk.Header.PrevBlock, reason)
	return reason
}

// ofAncestors says whether one of the words is about the chain that a block is on, and not about itself.
func ofAncestors(reason string, err error) bool {
	return slices.Contains([]string{"bad-prevblk", "prev-blk-not-found", "duplicate-invalid"}, reason) ||
		consensus.Is(err, blockchain.ErrInvalidAncestorBlock) || consensus.Is(err, blockchain.ErrPreviousBlockUnknown)
}

// sameWord says whether submitblock's reason and ProcessBlock's error agree.
func sameWord(reason string, err error) bool {
	switch reason {
	case "inconclusive", "duplicate-inconclusive": // stored without a verdict; ours may be an ancestor's
		return true
	case "duplicate-invalid":
		_, ok := consensus.Broken(err)
		return ok
	case "duplicate", "prev-blk-not-found":
		code, _ := consensus.Broken(err)
		return slices.Contains(submitClasses[reason], code)
	}
	verdict, class := agree(verdict{err: err, decoded: true}, reason)
	return verdict && class
}

// sameCoins compares the number and the sum of the coins.
func (r *rivals) sameCoins() {
	r.Helper()
	var theirs struct {
		Outputs int     `json:"txouts"`
		Total   float64 `json:"total_amount"`
	}
	if err := r.d.call(r.Context(), &theirs, "gettxoutsetinfo", "none"); err != nil {
		r.Fatal(err)
	}
	var n int
	var sum int64
	if _, err := r.c.EachCoin(r.Context(), func(_ wire.OutPoint, coin chain.Coin) error {
		n++
		sum += coin.Out.Value
		return nil
	}); err != nil {
		r.Fatal(err)
	}
	total, err := btcutil.NewAmount(theirs.Total)
	if err != nil || n != theirs.Outputs || sum != int64(total) {
		r.Errorf("bitcoind has %d coins of %v, we %d of %d, %v", theirs.Outputs, total, n, sum, err)
	}
}
