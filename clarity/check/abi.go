package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"funai/clarity/types"
)

// ABI is a contract's interface as wallets read it. Its JSON is that of the chain's own interface endpoint.
type ABI struct {
	Functions         []ABIFunction `json:"functions"`
	Variables         []ABIVariable `json:"variables"`
	Maps              []ABIMap      `json:"maps"`
	FungibleTokens    []ABIName     `json:"fungible_tokens"`
	NonFungibleTokens []ABIToken    `json:"non_fungible_tokens"`
	Epoch             string        `json:"epoch"`           // "Epoch34"
	ClarityVersion    string        `json:"clarity_version"` // "Clarity5"
}

// ABIFunction is a function in an ABI.
type ABIFunction struct {
	Name    string    `json:"name"`
	Access  Access    `json:"access"`
	Args    []ABIArg  `json:"args"`
	Outputs ABIOutput `json:"outputs"`
}

// ABIArg is an argument of a function, or a field of a tuple.
type ABIArg struct {
	Name string  `json:"name"`
	Type ABIType `json:"type"`
}

// ABIOutput is what a function returns.
type ABIOutput struct {
	Type ABIType `json:"type"`
}

// ABIVariable is a constant or a data variable in an ABI.
type ABIVariable struct {
	Name   string  `json:"name"`
	Type   ABIType `json:"type"`
	Access string  `json:"access"` // "constant" or "variable"
}

// ABIMap is a map in an ABI.
type ABIMap struct {
	Name  string  `json:"name"`
	Key   ABIType `json:"key"`
	Value ABIType `json:"value"`
}

// ABIName is a fungible token in an ABI.
type ABIName struct {
	Name string `json:"name"`
}

// ABIToken is a non-fungible token in an ABI.
type ABIToken struct {
	Name string  `json:"name"`
	Type ABIType `json:"type"`
}

// ABIType is a type in an ABI. Its JSON is a name, as "uint128", or an object, as {"buffer":{"length":20}}.
type ABIType struct{ *types.Type }

var abiNames = map[types.Kind]string{
	types.KindNone: "none", types.KindInt: "int128", types.KindUInt: "uint128", types.KindBool: "bool",
	types.KindPrincipal: "principal", types.KindContract: "principal", types.KindTrait: "trait_reference",
}

// MarshalJSON writes a type as wallets read it.
func (t ABIType) MarshalJSON() ([]byte, error) {
	type length struct {
		Length uint32 `json:"length"`
	}
	switch t.Kind() {
	case types.KindBuffer:
		return json.Marshal(map[string]length{"buffer": {t.Len()}})
	case types.KindASCII:
		return json.Marshal(map[string]length{"string-ascii": {t.Len()}})
	case types.KindUTF8:
		return json.Marshal(map[string]length{"string-utf8": {t.Len()}})
	case types.KindList:
		return json.Marshal(map[string]any{"list": struct {
			Type   ABIType `json:"type"`
			Length uint32  `json:"length"`
		}{ABIType{t.Elem()}, t.Len()}})
	case types.KindOptional:
		return json.Marshal(map[string]ABIType{"optional": {t.Elem()}})
	case types.KindResponse:
		return json.Marshal(map[string]any{"response": struct {
			Ok  ABIType `json:"ok"`
			Err ABIType `json:"error"`
		}{ABIType{t.Elem()}, ABIType{t.Err()}}})
	case types.KindTuple:
		return json.Marshal(map[string][]ABIArg{"tuple": abiFields(t.Fields())})
	default:
		return json.Marshal(abiNames[t.Kind()])
	}
}

func abiFields(fields []types.Field) []ABIArg {
	out := make([]ABIArg, len(fields))
	for i, f := range fields {
		out[i] = ABIArg{f.Name, ABIType{f.Type}}
	}
	return out
}

// ABI returns the contract's interface, its parts in the order of their names: functions by access, private ones first.
func (a *Analysis) ABI() ABI {
	abi := ABI{
		Functions: []ABIFunction{}, Variables: []ABIVariable{}, Maps: []ABIMap{}, FungibleTokens: []ABIName{}, NonFungibleTokens: []ABIToken{},
		Epoch:          "Epoch" + strings.ReplaceAll(a.Epoch.String(), ".", ""),
		ClarityVersion: fmt.Sprintf("Clarity%d", uint8(a.Version)),
	}
	for _, access := range []Access{Private, Public, ReadOnly} {
		for _, name := range slices.Sorted(maps.Keys(a.Functions)) {
			if f := a.Functions[name]; f.Access == access {
				abi.Functions = append(abi.Functions, ABIFunction{name, access, abiFields(f.Args), ABIOutput{ABIType{f.Result}}})
			}
		}
	}
	for _, v := range []struct {
		access string
		types  map[string]*types.Type
	}{{"constant", a.Constants}, {"variable", a.Variables}} {
		for _, name := range slices.Sorted(maps.Keys(v.types)) {
			abi.Variables = append(abi.Variables, ABIVariable{name, ABIType{v.types[name]}, v.access})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.Maps)) {
		abi.Maps = append(abi.Maps, ABIMap{name, ABIType{a.Maps[name].Key}, ABIType{a.Maps[name].Value}})
	}
	for _, name := range slices.Sorted(maps.Keys(a.Fungible)) {
		abi.FungibleTokens = append(abi.FungibleTokens, ABIName{name})
	}
	for _, name := range slices.Sorted(maps.Keys(a.NFTs)) {
		abi.NonFungibleTokens = append(abi.NonFungibleTokens, ABIToken{name, ABIType{a.NFTs[name]}})
	}
	return abi
}
