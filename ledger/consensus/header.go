package consensus

import (
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
)

// clock hands a time to rules of btcd's that want a source of it.
type clock time.Time

// AdjustedTime is that time in whole seconds.
func (c clock) AdjustedTime() time.Time { return time.Unix(time.Time(c).Unix(), 0) }

// AddTimeSample takes no sample: peers have no say in what time it is.
func (c clock) AddTimeSample(string, time.Time) {}

// Offset is none.
func (c clock) Offset() time.Duration { return 0 }

var _ blockchain.MedianTimeSource = clock{}

// CheckHeader checks a header by itself: its target is in range, its hash meets it, its time is at most two hours past
// now. The last is the one rule whose verdict can change with time.
func CheckHeader(p *Params, h *wire.BlockHeader, now time.Time) error {
	return blockchain.CheckBlockHeaderSanity(h, p.PowLimit, clock(now), blockchain.BFNone)
}

// CheckHeaderContext checks a header as the child of parent: the difficulty due, a time after the median of the last 11
// (BIP113), a version that is not outdated.
func CheckHeaderContext(p *Params, h *wire.BlockHeader, parent blockchain.HeaderCtx) error {
	return blockchain.CheckBlockHeaderContext(h, parent, blockchain.BFNone, p, true)
}

// NextBits is the difficulty due of a child of parent. It is the rule CheckHeaderContext enforces, said again because btcd
// does not export it; a test holds the two together. Networks with an exception for slow times (ReduceMinDifficulty) or
// with BIP94 are not served; there are none here.
func NextBits(p *Params, parent blockchain.HeaderCtx) uint32 {
	period := p.BlocksPerRetarget()
	switch {
	case p.PoWNoRetargeting:
		return p.PowLimitBits
	case (parent.Height()+1)%period == 0:
		return retarget(p, parent, parent.RelativeAncestorCtx(period-1))
	}
	return parent.Bits()
}

// retarget scales the last target by the time that the period from first to last really took.
func retarget(p *Params, last, first blockchain.HeaderCtx) uint32 {
	took := last.Timestamp() - first.Timestamp()
	took = min(max(took, p.MinRetargetTimespan()), p.MaxRetargetTimespan())
	target := new(big.Int).Mul(blockchain.CompactToBig(last.Bits()), big.NewInt(took))
	target.Div(target, big.NewInt(int64(p.TargetTimespan/time.Second)))
	if target.Cmp(p.PowLimit) > 0 {
		target = p.PowLimit
	}
	return blockchain.BigToCompact(target)
}

// SequenceLock is the earliest height and median time at which tx may follow the coins in view (BIP68), as a child of
// parent. Coins of height UnminedHeight, those of the memory pool, count as mined in that child.
func SequenceLock(tx *wire.MsgTx, view *blockchain.UtxoViewpoint, parent blockchain.HeaderCtx) (*blockchain.SequenceLock, error) {
	lock := &blockchain.SequenceLock{Seconds: -1, BlockHeight: -1}
	if uint32(tx.Version) < 2 || blockchain.IsCoinBaseTx(tx) {
		return lock, nil
	}
	for _, in := range tx.TxIn {
		coin := view.LookupEntry(in.PreviousOutPoint)
		if coin == nil {
			return nil, Rule(blockchain.ErrMissingTxOut, "output %v does not exist or is spent", in.PreviousOutPoint)
		}
		if in.Sequence&wire.SequenceLockTimeDisabled != 0 {
			continue
		}
		height, wait := coin.BlockHeight(), in.Sequence&wire.SequenceLockTimeMask
		if height == UnminedHeight {
			height = parent.Height() + 1
		}
		if in.Sequence&wire.SequenceLockTimeIsSeconds == 0 {
			lock.BlockHeight = max(lock.BlockHeight, height+int32(wait)-1)
			continue
		}
		// The median time before the block that holds the coin; that block is at or below parent's child.
		before := parent.RelativeAncestorCtx(parent.Height() - max(height-1, 0))
		if before == nil {
			return nil, Rule(blockchain.ErrMissingTxOut, "output %v of height %d is not below height %d",
				in.PreviousOutPoint, height, parent.Height()+1)
		}
		at := blockchain.CalcPastMedianTime(before).Unix()
		lock.Seconds = max(lock.Seconds, at+int64(wait)<<wire.SequenceLockTimeGranularity-1)
	}
	return lock, nil
}

// UnminedHeight is the height that btcd's memory pool gives to coins that no block holds yet.
const UnminedHeight = 0x7fffffff
