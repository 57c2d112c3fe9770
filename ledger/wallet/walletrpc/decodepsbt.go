package walletrpc

import (
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/psbts"
)

type utxoJSON struct {
	Amount rpc.Amount    `json:"amount"`
	Script txjson.Script `json:"scriptPubKey"`
}

type derivJSON struct {
	PubKey      string `json:"pubkey"`
	Fingerprint string `json:"master_fingerprint"`
	Path        string `json:"path"`
}

type tapDerivJSON struct {
	derivJSON
	Leaves []string `json:"leaf_hashes"`
}

// proprietary is a record that an application has a prefix of its own for (BIP-174).
type proprietary struct {
	Identifier string `json:"identifier"`
	Subtype    uint64 `json:"subtype"`
	Key        string `json:"key"` // all of it
	Value      string `json:"value"`
}

type scriptHex struct {
	Asm string `json:"asm"`
	Hex string `json:"hex"`
}

type psbtInput struct {
	NonWitness   *txjson.Tx        `json:"non_witness_utxo,omitempty"`
	Witness      *utxoJSON         `json:"witness_utxo,omitempty"`
	PartialSigs  map[string]string `json:"partial_signatures,omitempty"`
	SigHash      string            `json:"sighash,omitempty"`
	Redeem       *scriptHex        `json:"redeem_script,omitempty"`
	WitScript    *scriptHex        `json:"witness_script,omitempty"`
	Derivs       []derivJSON       `json:"bip32_derivs,omitempty"`
	FinalScript  *scriptHex        `json:"final_scriptSig,omitempty"`
	FinalWitness []string          `json:"final_scriptwitness,omitempty"`
	KeySig       string            `json:"taproot_key_path_sig,omitempty"`
	InternalKey  string            `json:"taproot_internal_key,omitempty"`
	MerkleRoot   string            `json:"taproot_merkle_root,omitempty"`
	TapDerivs    []tapDerivJSON    `json:"taproot_bip32_derivs,omitempty"`
	Proprietary  []proprietary     `json:"proprietary,omitempty"`
	Unknown      map[string]string `json:"unknown,omitempty"`
}

type psbtOutput struct {
	Redeem      *scriptHex        `json:"redeem_script,omitempty"`
	WitScript   *scriptHex        `json:"witness_script,omitempty"`
	Derivs      []derivJSON       `json:"bip32_derivs,omitempty"`
	InternalKey string            `json:"taproot_internal_key,omitempty"`
	TapDerivs   []tapDerivJSON    `json:"taproot_bip32_derivs,omitempty"`
	Proprietary []proprietary     `json:"proprietary,omitempty"`
	Unknown     map[string]string `json:"unknown,omitempty"`
}

type xpubJSON struct {
	XPub        string `json:"xpub"`
	Fingerprint string `json:"master_fingerprint"`
	Path        string `json:"path"`
}

type decodedPSBT struct {
	Tx      *txjson.Tx        `json:"tx"`
	XPubs   []xpubJSON        `json:"global_xpubs"`
	Version int               `json:"psbt_version"`
	Propr   []proprietary     `json:"proprietary"`
	Unknown map[string]string `json:"unknown"`
	Inputs  []psbtInput       `json:"inputs"`
	Outputs []psbtOutput      `json:"outputs"`
	Fee     *rpc.Amount       `json:"fee,omitempty"`
}

func (m *methods) decodePSBT(_ context.Context, a rpc.Args) (any, error) {
	p, err := psbtArg(a)
	if err != nil {
		return nil, err
	}
	net := m.l.Config().Chain.Params()
	j := decodedPSBT{Tx: txjson.New(net, p.UnsignedTx), XPubs: []xpubJSON{}, Inputs: []psbtInput{}, Outputs: []psbtOutput{}}
	if j.Propr, j.Unknown = unknowns(p.Unknowns); j.Propr == nil {
		j.Propr = []proprietary{}
	}
	if j.Unknown == nil {
		j.Unknown = map[string]string{}
	}
	for _, x := range p.XPubs {
		k, err := psbt.DecodeExtendedKey(x.ExtendedKey)
		if err != nil {
			return nil, rpc.Errorf(rpc.CodeDeserialization, "TX decode failed %v", err)
		}
		j.XPubs = append(j.XPubs, xpubJSON{k.String(), hdkey.FormatFingerprint(x.MasterKeyFingerprint), hdkey.FormatPath(x.Bip32Path)})
	}
	for i := range p.Inputs {
		j.Inputs = append(j.Inputs, m.decodeInput(&p.Inputs[i]))
	}
	for i := range p.Outputs {
		out := &p.Outputs[i]
		o := psbtOutput{Redeem: script(out.RedeemScript), WitScript: script(out.WitnessScript), Derivs: derivs(out.Bip32Derivation),
			InternalKey: hex.EncodeToString(out.TaprootInternalKey), TapDerivs: tapDerivs(out.TaprootBip32Derivation)}
		o.Proprietary, o.Unknown = unknowns(out.Unknowns)
		j.Outputs = append(j.Outputs, o)
	}
	if fee, ok := psbts.Fee(p); ok {
		f := rpc.Amount(fee)
		j.Fee = &f
	}
	return j, nil
}

func (m *methods) decodeInput(in *psbt.PInput) psbtInput {
	net := m.l.Config().Chain.Params()
	j := psbtInput{Redeem: script(in.RedeemScript), WitScript: script(in.WitnessScript), Derivs: derivs(in.Bip32Derivation),
		FinalScript: script(in.FinalScriptSig), KeySig: hex.EncodeToString(in.TaprootKeySpendSig), InternalKey: hex.EncodeToString(in.TaprootInternalKey),
		MerkleRoot: hex.EncodeToString(in.TaprootMerkleRoot), TapDerivs: tapDerivs(in.TaprootBip32Derivation)}
	j.Proprietary, j.Unknown = unknowns(in.Unknowns)
	if in.NonWitnessUtxo != nil {
		j.NonWitness = txjson.New(net, in.NonWitnessUtxo)
	}
	if in.WitnessUtxo != nil {
		j.Witness = &utxoJSON{rpc.Amount(in.WitnessUtxo.Value), txjson.NewScript(net, in.WitnessUtxo.PkScript)}
	}
	for _, s := range in.PartialSigs {
		if j.PartialSigs == nil {
			j.PartialSigs = map[string]string{}
		}
		j.PartialSigs[hex.EncodeToString(s.PubKey)] = hex.EncodeToString(s.Signature)
	}
	if in.SighashType != 0 {
		j.SigHash = sigHashText(in.SighashType)
	}
	for _, item := range psbts.Witness(in) {
		j.FinalWitness = append(j.FinalWitness, hex.EncodeToString(item))
	}
	return j
}

func sigHashText(t txscript.SigHashType) string {
	base := map[txscript.SigHashType]string{txscript.SigHashAll: "ALL", txscript.SigHashNone: "NONE", txscript.SigHashSingle: "SINGLE"}[t&^txscript.SigHashAnyOneCanPay]
	if base != "" && t&txscript.SigHashAnyOneCanPay != 0 {
		base += "|ANYONECANPAY"
	}
	return base
}

func script(b []byte) *scriptHex {
	if b == nil {
		return nil
	}
	return &scriptHex{txjson.Asm(b, false), hex.EncodeToString(b)}
}

func derivs(ds []*psbt.Bip32Derivation) (js []derivJSON) {
	for _, d := range ds {
		js = append(js, derivJSON{hex.EncodeToString(d.PubKey), hdkey.FormatFingerprint(d.MasterKeyFingerprint), hdkey.FormatPath(d.Bip32Path)})
	}
	return js
}

func tapDerivs(ds []*psbt.TaprootBip32Derivation) (js []tapDerivJSON) {
	for _, d := range ds {
		key := derivJSON{hex.EncodeToString(d.XOnlyPubKey), hdkey.FormatFingerprint(d.MasterKeyFingerprint), hdkey.FormatPath(d.Bip32Path)}
		js = append(js, tapDerivJSON{key, hexes(d.LeafHashes)})
	}
	return js
}

// unknowns are the records that BIP-174 does not define, those of applications apart.
func unknowns(us []*psbt.Unknown) (ps []proprietary, others map[string]string) {
	for _, u := range us {
		key, value := hex.EncodeToString(u.Key), hex.EncodeToString(u.Value)
		if name, subtype, ok := psbts.Proprietary(u.Key); ok {
			ps = append(ps, proprietary{hex.EncodeToString(name), subtype, key, value})
			continue
		}
		if others == nil {
			others = map[string]string{}
		}
		others[key] = value
	}
	return ps, others
}
