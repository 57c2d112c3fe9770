package noderpc

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/rpc"
	"funai/ledger/rpc/descriptor"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hdkey"
)

func (n *node) addressMethods() rpc.Methods {
	return rpc.Methods{
		"validateaddress": {Params: []string{"address"}, Help: "validateaddress \"address\"\n\nWhether a text is an address of this network, and what it pays to.",
			Do: n.validateAddress},
		"verifymessage": {Params: []string{"address", "signature", "message"},
			Help: "verifymessage \"address\" \"signature\" \"message\"\n\nWhether the key of an address, which must be of the kind P2PKH, signed a message.", Do: n.verifyMessage},
		"signmessagewithprivkey": {Params: []string{"privkey", "message"},
			Help: "signmessagewithprivkey \"privkey\" \"message\"\n\nSign a message.", Do: n.signMessage},
		"createmultisig": {Params: []string{"nrequired", "keys", "address_type"},
			Help: "createmultisig nrequired [\"key\",...] ( \"address_type\" )\n\nAn address that takes several signatures: legacy, p2sh-segwit or bech32.", Do: n.createMultiSig},
		"deriveaddresses": {Params: []string{"descriptor", "range"},
			Help: "deriveaddresses \"descriptor\" ( range )\n\nThe addresses of a descriptor with its checksum; of one with a range, those of n or [n,n].", Do: n.deriveAddresses},
		"getdescriptorinfo": {Params: []string{"descriptor"}, Help: "getdescriptorinfo \"descriptor\"\n\nA descriptor's canonical form and checksum.", Do: n.getDescriptorInfo},
	}
}

type validAddress struct {
	Valid    bool   `json:"isvalid"`
	Address  string `json:"address,omitempty"`
	Script   string `json:"scriptPubKey,omitempty"`
	IsScript *bool  `json:"isscript,omitempty"`
	Witness  *bool  `json:"iswitness,omitempty"`
	Version  *int   `json:"witness_version,omitempty"`
	Program  string `json:"witness_program,omitempty"`
}

// invalidAddress is the answer to what is none; Errors are the indexes of the wrong letters, where they can be told.
type invalidAddress struct {
	Valid  bool   `json:"isvalid"`
	Errors []int  `json:"error_locations"`
	Error  string `json:"error"`
}

func (n *node) validateAddress(_ context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "address")
	if err != nil {
		return nil, err
	}
	script, err := hdkey.ParseAddress(s, n.p)
	if err != nil {
		j := invalidAddress{Errors: []int{}, Error: err.Error()}
		if prefix := n.p.Bech32HRPSegwit; len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			j.Errors = locate(s)
		}
		return j, nil
	}
	kind := txjson.Type(script)
	witness, isScript := txscript.IsWitnessProgram(script), kind == txjson.ScriptHash || kind == txjson.WitnessV0ScriptHash || kind == txjson.WitnessV1Taproot
	j := validAddress{Valid: true, Address: hdkey.Address(script, n.p), Script: hexOf(script), IsScript: &isScript, Witness: &witness}
	if kind == txjson.WitnessUnknown || kind == txjson.Anchor {
		j.IsScript = nil // nobody knows
	}
	if version, program, err := txscript.ExtractWitnessProgramInfo(script); err == nil {
		j.Version, j.Program = &version, hexOf(program)
	}
	return j, nil
}

// messageMagic begins what is signed for a message, so that it can't be a transaction (Bitcoin's MESSAGE_MAGIC).
const messageMagic = "Bitcoin Signed Message:\n"

func messageHash(message string) []byte {
	var b bytes.Buffer
	_ = wire.WriteVarString(&b, 0, messageMagic) // a Buffer takes everything
	_ = wire.WriteVarString(&b, 0, message)
	return chainhash.DoubleHashB(b.Bytes())
}

func (n *node) verifyMessage(_ context.Context, a rpc.Args) (any, error) {
	var in [3]string
	for i, name := range []string{"address", "signature", "message"} {
		var err error
		if in[i], err = rpc.Need[string](a, i, name); err != nil {
			return nil, err
		}
	}
	script, err := hdkey.ParseAddress(in[0], n.p)
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Invalid address")
	}
	if txjson.Type(script) != txjson.PubKeyHash {
		return nil, rpc.Errorf(rpc.CodeType, "Address does not refer to key")
	}
	sig, err := base64.StdEncoding.DecodeString(in[1])
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeType, "Malformed base64 encoding")
	}
	key, compressed, err := ecdsa.RecoverCompact(sig, messageHash(in[2]))
	if err != nil {
		return false, nil //nolint:nilerr // the answer
	}
	raw := key.SerializeUncompressed()
	if compressed {
		raw = key.SerializeCompressed()
	}
	return bytes.Equal(address.Hash160(raw), script[3:23]), nil
}

// privateKey is parameter i, a private key in wallet import format.
func (n *node) privateKey(s string) (*btcutil.WIF, error) {
	wif, err := btcutil.DecodeWIF(s)
	if err != nil || !wif.IsForNet(n.p.Params) {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Invalid private key")
	}
	return wif, nil
}

func (n *node) signMessage(_ context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "privkey")
	if err != nil {
		return nil, err
	}
	message, err := rpc.Need[string](a, 1, "message")
	if err != nil {
		return nil, err
	}
	wif, err := n.privateKey(s)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString(ecdsa.SignCompact(wif.PrivKey, messageHash(message), wif.CompressPubKey)), nil
}

type multiSig struct {
	Address    string   `json:"address"`
	Redeem     string   `json:"redeemScript"`
	Descriptor string   `json:"descriptor"`
	Warnings   []string `json:"warnings,omitempty"`
}

func (n *node) createMultiSig(_ context.Context, a rpc.Args) (any, error) {
	required, err := rpc.Need[int](a, 0, "nrequired")
	if err != nil {
		return nil, err
	}
	keys, err := rpc.Need[[]string](a, 1, "keys")
	if err != nil {
		return nil, err
	}
	kind, err := rpc.Arg(a, 2, "legacy")
	if err != nil {
		return nil, err
	}
	wrap, ok := map[string][2]string{"legacy": {"sh(", ")"}, "p2sh-segwit": {"sh(wsh(", "))"}, "bech32": {"wsh(", ")"}}[kind]
	if !ok {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Unknown address type '%s'", shorten(kind))
	}
	switch {
	case required < 1:
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "a multisignature address must require at least one key to redeem")
	case len(keys) < required:
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "not enough keys supplied (got %d keys, but need at least %d to redeem)", len(keys), required)
	}
	j := multiSig{}
	if kind != "legacy" && slices.ContainsFunc(keys, func(k string) bool { return len(k) > 66 }) { // 33 bytes are compressed
		wrap = [2]string{"sh(", ")"}
		j.Warnings = []string{"Unable to make chosen address type, please ensure no uncompressed public keys are present."}
	}
	d, err := descriptor.Parse(n.p, wrap[0]+multiText(required, keys)+wrap[1], false)
	if err != nil {
		return nil, descriptorError(err)
	}
	outs, err := d.Outputs(0)
	if err != nil {
		return nil, descriptorError(err)
	}
	script := outs[0].Witness
	if script == nil {
		script = outs[0].Redeem
	}
	j.Address, j.Redeem, j.Descriptor = txjson.Address(n.p, outs[0].Script), hexOf(script), txjson.Checksummed(d.String())
	return j, nil
}

func (n *node) deriveAddresses(ctx context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "descriptor")
	if err != nil {
		return nil, err
	}
	var r span
	if err := rpc.Set(a, 1, &r); err != nil {
		return nil, err
	}
	d, err := n.descriptor(s, true)
	if err != nil {
		return nil, err
	}
	switch {
	case !d.IsRange() && r.given:
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Range should not be specified for an un-ranged descriptor")
	case d.IsRange() && !r.given:
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Range must be specified for a ranged descriptor")
	}
	addrs := []string{}
	for i := r.first; i <= r.last; i++ {
		if err := ctx.Err(); err != nil { // a million of them take a while
			return nil, err
		}
		outs, err := d.Outputs(uint32(i))
		if err != nil {
			return nil, descriptorError(err)
		}
		for _, o := range outs {
			addr := txjson.Address(n.p, o.Script)
			if addr == "" && len(outs) == 1 {
				return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Descriptor does not have a corresponding address")
			}
			if addr != "" {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs, nil
}

type descriptorInfo struct {
	Descriptor string `json:"descriptor"`
	Checksum   string `json:"checksum"` // of what was asked
	Range      bool   `json:"isrange"`
	Solvable   bool   `json:"issolvable"`
	Private    bool   `json:"hasprivatekeys"`
}

func (n *node) getDescriptorInfo(_ context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "descriptor")
	if err != nil {
		return nil, err
	}
	d, err := n.descriptor(s, false)
	if err != nil {
		return nil, err
	}
	return descriptorInfo{txjson.Checksummed(d.String()), descriptorSum(s), d.IsRange(), d.Solvable(), d.HasPrivate()}, nil
}
