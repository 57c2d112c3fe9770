package consensus

import "funai/amount"

// Subsidy is the most that a block at this height may issue, in base units; what its miner does not claim is never
// issued. Heights below 1 issue nothing: no coin exists before block 1.
func (p *Params) Subsidy(height int32) int64 {
	if height < 1 {
		return 0
	}
	return int64(Halving(p.BaseSubsidy, uint32(height), uint32(p.SubsidyReductionInterval)))
}

// Halving is base halved once for every interval of blocks passed at this height, rounded down as Bitcoin does. Both
// layers' rewards follow it. An interval of 0 never halves.
func Halving(base amount.Amount, height, interval uint32) amount.Amount {
	if interval == 0 {
		return base
	}
	return base >> (height / interval) // a shift of 64 or more gives 0
}
