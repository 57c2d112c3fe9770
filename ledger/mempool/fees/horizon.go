package fees

import "slices"

// horizon is what was seen of the time transactions wait, by fee rate, forgotten at one pace. Time is counted in periods
// of a few blocks each.
type horizon struct {
	decay   float64 // what a block leaves of the counts
	scale   int     // blocks in a period
	periods int

	// Of transactions that left the pool, all decayed, by bucket:
	txs       []float64   // in a block
	rates     []float64   // sum of their fee rates
	confirmed [][]float64 // within so many periods and one; [period][bucket]
	failed    [][]float64 // not in a block after at least so many periods and one, and dropped; [period][bucket]

	// Of transactions in the pool:
	waiting [][]int32 // by the height they came at, modulo the horizon; [height][bucket]
	old     []int32   // longer than the horizon
}

func newHorizon(decay float64, scale, periods, buckets int) *horizon {
	h := &horizon{decay: decay, scale: scale, periods: periods, txs: make([]float64, buckets), rates: make([]float64, buckets),
		confirmed: table[float64](periods, buckets), failed: table[float64](periods, buckets),
		waiting: table[int32](scale*periods, buckets), old: make([]int32, buckets)}
	return h
}

func table[T any](rows, columns int) [][]T {
	t := make([][]T, rows)
	for i := range t {
		t[i] = make([]T, columns)
	}
	return t
}

// longest is the highest target, in blocks, that the horizon knows of.
func (h *horizon) longest() int { return h.scale * h.periods }

// row is where transactions that came at a height are counted while they wait.
func (h *horizon) row(height int32) []int32 { return h.waiting[int(height)%len(h.waiting)] }

// begin makes room for a block's height and lets everything age by one block.
func (h *horizon) begin(height int32) {
	row := h.row(height)
	for b := range row {
		h.old[b] += row[b]
		row[b] = 0
	}
	for b := range h.txs {
		h.txs[b] *= h.decay
		h.rates[b] *= h.decay
	}
	for p := range h.confirmed {
		for b := range h.confirmed[p] {
			h.confirmed[p][b] *= h.decay
			h.failed[p][b] *= h.decay
		}
	}
}

// came counts a transaction that waits.
func (h *horizon) came(height int32, bucket int) { h.row(height)[bucket]++ }

// left counts it no more.
func (h *horizon) left(height, best int32, bucket int) {
	if int(best-height) >= h.longest() {
		h.old[bucket]--
	} else {
		h.row(height)[bucket]--
	}
}

// confirm records a transaction that was in a block after some blocks.
func (h *horizon) confirm(blocks, bucket int, rate float64) {
	for p := (blocks+h.scale-1)/h.scale - 1; p < h.periods; p++ {
		h.confirmed[p][bucket]++
	}
	h.txs[bucket]++
	h.rates[bucket] += rate
}

// fail records a transaction that was dropped after some blocks.
func (h *horizon) fail(blocks, bucket int) {
	for p := 0; p < min(blocks/h.scale, h.periods); p++ {
		h.failed[p][bucket]++
	}
}

// stillWaiting counts, by bucket, the transactions that have waited for at least target blocks.
func (h *horizon) stillWaiting(target int, best int32) []int32 {
	sums := slices.Clone(h.old)
	for blocks := target; blocks < h.longest() && blocks <= int(best); blocks++ {
		for b, n := range h.row(best - int32(blocks)) {
			sums[b] += n
		}
	}
	return sums
}

// estimate is the median fee rate of the cheapest transactions of which the share success was in a block within target
// blocks; false if there are none. From the highest bucket down, buckets are taken together until they hold enough, the
// average number in a block times the blocks that the horizon remembers.
func (h *horizon) estimate(target int, enough, success float64, best int32) (float64, bool) {
	period := (target+h.scale-1)/h.scale - 1
	need, waiting := enough/(1-h.decay), h.stillWaiting(target, best)
	var sum struct{ confirmed, all, part float64 }
	near, far, from := -1, -1, len(h.txs)-1
	for b := len(h.txs) - 1; b >= 0; b-- {
		sum.confirmed += h.confirmed[period][b]
		sum.all += h.txs[b] + h.failed[period][b] + float64(waiting[b])
		if sum.part += h.txs[b]; sum.part < need {
			continue
		}
		sum.part = 0
		if sum.confirmed/sum.all < success {
			continue // cheaper ones that do better may make up for it
		}
		near, far, from = from, b, b-1
		sum.confirmed, sum.all = 0, 0
	}
	if near < 0 {
		return 0, false
	}
	return h.median(far, near)
}

// median is the mean rate of the bucket in which the middle transaction of some buckets lies.
func (h *horizon) median(low, high int) (float64, bool) {
	half := 0.0
	for b := low; b <= high; b++ {
		half += h.txs[b] / 2
	}
	for b := low; b <= high && half > 0; b++ {
		if h.txs[b] >= half {
			return h.rates[b] / h.txs[b], true
		}
		half -= h.txs[b]
	}
	return 0, false
}
