package sampling

import "math"

// LogSum is ln Σ exp(logits): a token's log-probability is its logit less this.
func LogSum(logits []float32) float64 {
	top := float64(logits[argmax(logits)])
	var a, b, c, d float64 // sums that don't wait for one another
	i := 0
	for ; i+3 < len(logits); i += 4 {
		a += decay(top - float64(logits[i]))
		b += decay(top - float64(logits[i+1]))
		c += decay(top - float64(logits[i+2]))
		d += decay(top - float64(logits[i+3]))
	}
	for ; i < len(logits); i++ {
		a += decay(top - float64(logits[i]))
	}
	return top + math.Log(a+b+c+d)
}

// Top returns the ids of the k greatest logits, greatest first; of equals the lowest id stands first.
func Top(logits []float32, k int) []int32 {
	if k == 0 {
		return nil
	}
	ids := make([]int32, 0, k+1)
	least := float32(math.Inf(-1)) // of those found, once there are k
	for i, l := range logits {
		if len(ids) == k && l <= least {
			continue
		}
		at := len(ids)
		for at > 0 && logits[ids[at-1]] < l {
			at--
		}
		ids = append(ids, 0)
		copy(ids[at+1:], ids[at:])
		ids[at] = int32(i)
		ids = ids[:min(len(ids), k)]
		least = logits[ids[len(ids)-1]]
	}
	return ids
}
