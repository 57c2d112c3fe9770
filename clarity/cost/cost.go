// Package cost measures what running a contract costs: five dimensions (SIP-006), the cost functions of each epoch, and
// a meter that stops a run exactly at its limit. Which operation is charged by which function, and for what input, is for
// package vm to say; this package imports only the epochs from types.
package cost

import "math"

// Cost is what was spent, in five dimensions.
type Cost struct {
	Runtime     uint64 `json:"runtime"`
	ReadCount   uint64 `json:"readCount"`
	ReadLength  uint64 `json:"readLength"` // bytes
	WriteCount  uint64 `json:"writeCount"`
	WriteLength uint64 `json:"writeLength"` // bytes
}

// Unlimited is a limit that nothing reaches.
var Unlimited = Cost{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}

// BlockLimit is what one block may cost on the network that Clarity comes from, since epoch 2.05.
var BlockLimit = Cost{Runtime: 5_000_000_000, ReadCount: 15_000, ReadLength: 100_000_000, WriteCount: 15_000, WriteLength: 15_000_000}

// Exceeds reports whether the cost is above the limit in any dimension.
func (c *Cost) Exceeds(limit *Cost) bool {
	return c.Runtime > limit.Runtime || c.ReadCount > limit.ReadCount || c.ReadLength > limit.ReadLength ||
		c.WriteCount > limit.WriteCount || c.WriteLength > limit.WriteLength
}
