package sampling

import "math"

// LogSum is ln Σ exp(logits): a token's log-probability is its logit less this.
func LogSum(logits []float32) float64 {
	top := logits[argmax(logits)]
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l - top))
	}
	return float64(top) + math.Log(sum)
}

// Top returns the ids of the k greatest logits, greatest first; of equals the lowest id stands first.
func Top(logits []float32, k int) []int32 {
	ids := make([]int32, 0, k+1)
	for i, l := range logits {
		if len(ids) == k && (k == 0 || l <= logits[ids[k-1]]) {
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
	}
	return ids
}
