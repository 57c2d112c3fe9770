package walletrpc

import (
	"context"
	"encoding/hex"

	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/hdkey"
)

func (m *methods) addressMethods() rpc.Methods {
	return rpc.Methods{
		"getnewaddress": m.method([]string{"label", "address_type"}, "getnewaddress ( \"label\" \"address_type\" )\n\nA new address to be paid at: bech32 "+
			"(P2WPKH, the default) or bech32m (P2TR).", newAddress),
		"getrawchangeaddress": m.method([]string{"address_type"}, "getrawchangeaddress ( \"address_type\" )\n\nA new address for change, for use with raw "+
			"transactions.", newChangeAddress),
		"getaddressinfo": m.method([]string{"address"}, "getaddressinfo \"address\"\n\nWhat the wallet knows of an address.", addressInfo),
		"setlabel": m.method([]string{"address", "label"}, "setlabel \"address\" \"label\"\n\nLabel an address, the wallet's or somebody else's.",
			setLabel),
		"getaddressesbylabel": m.method([]string{"label"}, "getaddressesbylabel \"label\"\n\nThe addresses with a label.", addressesByLabel),
		"listlabels": m.method([]string{"purpose"}, "listlabels\n\nAll labels.",
			func(_ context.Context, w *hd.Wallet, _ rpc.Args) (any, error) {
				return append([]string{}, w.Labels()...), nil
			}),
		"signmessage": m.method([]string{"address", "message"}, "signmessage \"address\" \"message\"\n\nBitcoin's signed messages are by P2PKH addresses, "+
			"of which this wallet has none: it is always refused.", signMessage),
	}
}

// typeArg is parameter i, a kind of address.
func typeArg(a rpc.Args, i int) (hdkey.Type, error) {
	name, err := rpc.Arg(a, i, hdkey.P2WPKH.String())
	if err != nil {
		return 0, err
	}
	return addressType(name)
}

// labelArg refuses the label that stands for all labels.
func labelArg(a rpc.Args, i int) (string, error) {
	label, err := rpc.Arg(a, i, "")
	if err == nil && label == "*" {
		err = rpc.Errorf(rpc.CodeInvalidLabel, "Invalid label name")
	}
	return label, err
}

func newAddress(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	label, err := labelArg(a, 0)
	if err != nil {
		return nil, err
	}
	t, err := typeArg(a, 1)
	if err != nil {
		return nil, err
	}
	return w.NewAddress(t, label)
}

func newChangeAddress(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	t, err := typeArg(a, 0)
	if err != nil {
		return nil, err
	}
	return w.NewChangeAddress(t)
}

type addressInfoJSON struct {
	Address        string   `json:"address"`
	Script         string   `json:"scriptPubKey"`
	Mine           bool     `json:"ismine"`
	Solvable       bool     `json:"solvable"`
	Desc           string   `json:"desc,omitempty"`
	ParentDesc     string   `json:"parent_desc,omitempty"`
	WatchOnly      bool     `json:"iswatchonly"`
	IsScript       *bool    `json:"isscript,omitempty"`
	Witness        bool     `json:"iswitness"`
	WitnessVersion *int     `json:"witness_version,omitempty"`
	WitnessProgram string   `json:"witness_program,omitempty"`
	PubKey         string   `json:"pubkey,omitempty"`
	Change         bool     `json:"ischange"`
	Timestamp      *int64   `json:"timestamp,omitempty"`
	Path           string   `json:"hdkeypath,omitempty"`
	Fingerprint    string   `json:"hdmasterfingerprint,omitempty"`
	Labels         []string `json:"labels"`
}

func addressInfo(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "address")
	if err != nil {
		return nil, err
	}
	i, err := w.AddressInfo(s)
	if err != nil {
		return nil, err
	}
	j := addressInfoJSON{Address: hdkey.Address(i.Script, w.Net()), Script: hex.EncodeToString(i.Script), Mine: i.Mine, Solvable: i.Mine,
		Desc: i.Descriptor, ParentDesc: i.ParentDesc, Change: i.Change, Labels: []string{}}
	if version, program, err := txscript.ExtractWitnessProgramInfo(i.Script); err == nil {
		j.Witness, j.WitnessVersion, j.WitnessProgram = true, &version, hex.EncodeToString(program)
		isScript := len(program) == 32
		j.IsScript = &isScript
	} else {
		isScript := txscript.IsPayToScriptHash(i.Script)
		j.IsScript = &isScript
	}
	if i.Known {
		j.Labels = append(j.Labels, i.Label)
	}
	if i.Mine {
		j.Timestamp, j.Path, j.Fingerprint = &i.BirthdayUnix, hdkey.FormatPath(i.Indices), hdkey.FormatFingerprint(i.Fingerprint)
		if i.Key.Type == hdkey.P2WPKH {
			j.PubKey = hex.EncodeToString(i.Key.PubKey.SerializeCompressed())
		}
	}
	return j, nil
}

func setLabel(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "address")
	if err != nil {
		return nil, err
	}
	if _, err := rpc.Need[string](a, 1, "label"); err != nil {
		return nil, err
	}
	label, err := labelArg(a, 1)
	if err != nil {
		return nil, err
	}
	return nil, w.SetLabel(s, label)
}

func addressesByLabel(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	if _, err := rpc.Need[string](a, 0, "label"); err != nil {
		return nil, err
	}
	label, err := labelArg(a, 0)
	if err != nil {
		return nil, err
	}
	type purpose struct {
		Purpose string `json:"purpose"`
	}
	found := map[string]purpose{}
	for address, mine := range w.AddressesByLabel(label) {
		p := purpose{"send"}
		if mine {
			p.Purpose = "receive"
		}
		found[address] = p
	}
	if len(found) == 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidLabel, "No addresses with label %s", label)
	}
	return found, nil
}

func signMessage(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "address")
	if err != nil {
		return nil, err
	}
	if _, err := rpc.Need[string](a, 1, "message"); err != nil {
		return nil, err
	}
	script, err := address(w.Net(), s)
	if err != nil {
		return nil, err
	}
	if !txscript.IsPayToPubKeyHash(script) {
		return nil, rpc.Errorf(rpc.CodeType, "Address does not refer to key")
	}
	return nil, rpc.Errorf(rpc.CodeWalletError, "Private key not available")
}
