package session

import (
	"encoding/hex"

	"funai/clarity/value"
	"funai/clarity/vm"
)

// event is an event as reports and the APIs of this world have it.
type event struct {
	Event string         `json:"event"`
	Data  map[string]any `json:"data"`
}

var eventNames = map[vm.EventKind]string{
	vm.EventPrint: "print_event", vm.EventSTXTransfer: "stx_transfer_event", vm.EventSTXMint: "stx_mint_event", vm.EventSTXBurn: "stx_burn_event",
	vm.EventSTXLock: "stx_lock_event", vm.EventFTTransfer: "ft_transfer_event", vm.EventFTMint: "ft_mint_event", vm.EventFTBurn: "ft_burn_event",
	vm.EventNFTTransfer: "nft_transfer_event", vm.EventNFTMint: "nft_mint_event", vm.EventNFTBurn: "nft_burn_event",
}

// eventOf puts an event into its JSON form.
func eventOf(e vm.Event) (event, error) {
	d := map[string]any{}
	if e.Kind == vm.EventPrint {
		d["contract_identifier"], d["topic"] = e.Contract.String(), "print"
	} else if e.Asset != "" {
		d["asset_identifier"] = e.Contract.String() + "::" + e.Asset
	}
	switch e.Kind {
	case vm.EventPrint, vm.EventNFTTransfer, vm.EventNFTMint, vm.EventNFTBurn:
		raw, err := value.Encode(e.Value)
		if err != nil {
			return event{}, err
		}
		d["raw_value"], d["value"] = "0x"+hex.EncodeToString(raw), describe(e.Value)
	case vm.EventSTXTransfer:
		d["amount"], d["memo"] = e.Amount.String(), hex.EncodeToString(e.Memo)
	default:
		d["amount"] = e.Amount.String()
	}
	var from, to bool
	switch e.Kind {
	case vm.EventSTXTransfer, vm.EventFTTransfer, vm.EventNFTTransfer:
		from, to = true, true
	case vm.EventSTXMint, vm.EventFTMint, vm.EventNFTMint:
		to = true
	case vm.EventSTXBurn, vm.EventFTBurn, vm.EventNFTBurn, vm.EventSTXLock:
		from = true
	default: // nobody gives or takes
	}
	if from {
		d["sender"] = e.Sender.String()
	}
	if to {
		d["recipient"] = e.Recipient.String()
	}
	return event{eventNames[e.Kind], d}, nil
}

// typed is a value with its type's name, as in reports.
type typed struct {
	Type  string `json:"type"`
	Value any    `json:"value,omitempty"`
}

// describe puts a value into its JSON form.
func describe(v value.Value) typed {
	switch v.Kind() {
	case value.KindInt:
		return typed{"int", v.AsInt().String()}
	case value.KindUInt:
		return typed{"uint", v.AsUInt().String()}
	case value.KindBool:
		if v.IsTrue() {
			return typed{Type: "true"}
		}
		return typed{Type: "false"}
	case value.KindPrincipal, value.KindCallable:
		p := v.AsPrincipal()
		if p.Contract != "" {
			return typed{"contract", p.String()}
		}
		return typed{"address", p.String()}
	case value.KindBuffer:
		return typed{"buffer", hex.EncodeToString(v.Octets())}
	case value.KindASCII:
		return typed{"ascii", string(v.Octets())}
	case value.KindUTF8:
		return typed{"utf8", string(v.Runes())}
	case value.KindSome:
		return typed{"some", describe(v.Inner())}
	case value.KindOk:
		return typed{"ok", describe(v.Inner())}
	case value.KindErr:
		return typed{"err", describe(v.Inner())}
	case value.KindList:
		all := make([]typed, 0, v.Len())
		for _, e := range v.Elems() {
			all = append(all, describe(e))
		}
		return typed{"list", all}
	case value.KindTuple:
		fields := map[string]typed{}
		for i, f := range value.TypeOf(v).Fields() {
			fields[f.Name] = describe(v.Values()[i])
		}
		return typed{"tuple", fields}
	default:
		return typed{Type: "none"}
	}
}
