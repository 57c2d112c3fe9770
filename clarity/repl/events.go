package repl

import (
	"fmt"
	"strings"

	"funai/clarity/session"
	"funai/clarity/vm"
)

// describe writes an event on a line.
func describe(e *vm.Event) string {
	asset := session.Coin
	if e.Asset != "" {
		asset = e.Contract.String() + "." + e.Asset
	}
	what := e.Amount.String()
	if e.Kind == vm.EventNFTTransfer || e.Kind == vm.EventNFTMint || e.Kind == vm.EventNFTBurn {
		what = e.Value.String()
	}
	var b strings.Builder
	switch e.Kind {
	case vm.EventPrint:
		fmt.Fprintf(&b, "%v prints %v", e.Contract, e.Value)
	case vm.EventSTXTransfer, vm.EventFTTransfer, vm.EventNFTTransfer:
		fmt.Fprintf(&b, "%s %s goes from %v to %v", asset, what, e.Sender, e.Recipient)
	case vm.EventSTXMint, vm.EventFTMint, vm.EventNFTMint:
		fmt.Fprintf(&b, "%s %s is made for %v", asset, what, e.Recipient)
	case vm.EventSTXBurn, vm.EventFTBurn, vm.EventNFTBurn:
		fmt.Fprintf(&b, "%s %s of %v is burnt", asset, what, e.Sender)
	case vm.EventSTXLock:
		fmt.Fprintf(&b, "%s %s of %v is locked", asset, what, e.Sender)
	}
	if len(e.Memo) > 0 {
		fmt.Fprintf(&b, ", memo 0x%x", e.Memo)
	}
	return b.String()
}
