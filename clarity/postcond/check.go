package postcond

import (
	"fmt"
	"slices"

	"funai/clarity/value"
	"funai/clarity/vm"
)

// Error is a condition that does not hold, or something that left although no condition is about it.
type Error struct {
	Index     int         // of the condition; -1 for none
	Condition Condition   // zero for none
	Moved     vm.Movement // what left: for a broken condition, all of the owner's of the asset
}

func (e *Error) Error() string {
	sent := e.Moved.Amount.String()
	if e.Moved.IDs != nil {
		sent = fmt.Sprint(e.Moved.IDs)
	}
	if e.Index < 0 {
		return fmt.Sprintf("%v sent %s of %v, which no post-condition is about", e.Moved.Owner, sent, e.Moved.Asset)
	}
	return fmt.Sprintf("post-condition %d: %v; sent %s", e.Index, e.Condition, sent)
}

// Check holds what left whose hands to conditions. The origin is who signed the transaction first. The error is an *Error:
// the first condition that does not hold, or else the first movement, in the order of owners and assets, that the mode
// forbids.
func Check(m *vm.AssetMap, origin value.Principal, cs Conditions) error {
	for i, c := range cs.List {
		owner := c.Owner.In(origin)
		moved := vm.Movement{Owner: owner, Asset: c.Asset, Amount: m.Amount(owner, c.Asset)}
		if c.Kind == NFT {
			moved.IDs = slices.Clip(m.IDs(owner, c.Asset))
			if moved.IDs == nil {
				moved.IDs = []value.Value{}
			}
		}
		if !c.holds(moved) {
			return &Error{i, c, moved}
		}
	}
	if cs.Mode == Allow {
		return nil
	}
	for _, moved := range m.Movements() {
		if cs.Mode == Originator && moved.Owner != origin {
			continue
		}
		if moved.IDs != nil {
			left := slices.DeleteFunc(slices.Clone(moved.IDs), func(id value.Value) bool { return cs.names(origin, moved, &id) })
			if len(left) == 0 {
				continue
			}
			moved.IDs = left
		} else if moved.Amount.IsZero() || cs.names(origin, moved, nil) {
			continue
		}
		return &Error{Index: -1, Moved: moved}
	}
	return nil
}

// names says whether a condition is about a movement, or about one token of it.
func (cs Conditions) names(origin value.Principal, moved vm.Movement, id *value.Value) bool {
	return slices.ContainsFunc(cs.List, func(c Condition) bool {
		return c.Asset == moved.Asset && c.Owner.In(origin) == moved.Owner && (c.Kind == NFT) == (id != nil) &&
			(id == nil || value.Equal(c.ID, *id))
	})
}

// holds says whether the condition is true of what left.
func (c Condition) holds(moved vm.Movement) bool {
	sent := slices.ContainsFunc(moved.IDs, func(id value.Value) bool { return value.Equal(id, c.ID) })
	order := moved.Amount.Cmp(value.U64(c.Amount))
	switch c.Code {
	case Equal:
		return order == 0
	case Greater:
		return order > 0
	case AtLeast:
		return order >= 0
	case Less:
		return order < 0
	case AtMost:
		return order <= 0
	case Sent:
		return sent
	case NotSent:
		return !sent
	case MaySend:
		return true
	}
	return false
}
