package walletrpc

import (
	"context"
	"errors"

	"funai/ledger/chain"
	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/hdkey"
)

func (m *methods) manageMethods() rpc.Methods {
	return rpc.Methods{
		"getwalletinfo": m.method(nil, "getwalletinfo\n\nThe state of the wallet.", walletInfo),
		"backupwallet": m.method([]string{"destination"}, "backupwallet \"destination\"\n\nCopy the wallet file, as it is now, to a new file or into a "+
			"folder, on the node's machine.", backup),
		"rescanblockchain": m.method([]string{"start_height", "stop_height"}, "rescanblockchain ( start_height stop_height )\n\nRead blocks again for "+
			"transactions of the wallet.", rescan),
		"abortrescan": m.method(nil, "abortrescan\n\nEnd a rescan that is under way. Answers whether there was one.",
			func(_ context.Context, w *hd.Wallet, _ rpc.Args) (any, error) { return w.AbortRescan(), nil }),
		"listdescriptors": m.method([]string{"private"}, "listdescriptors ( private )\n\nWhat all addresses of the wallet are derived from. With "+
			"private keys it takes an unlocked wallet; whoever has them has the coins.", descriptors),
		"listwallets": {Category: category, Help: "listwallets\n\nThe names of the wallets that are loaded: the one of this node has the empty name.",
			Do: func(context.Context, rpc.Args) (any, error) {
				if _, err := m.l.Wallet(); err != nil {
					return []string{}, nil //nolint:nilerr // the answer
				}
				return []string{""}, nil
			}},
		"loadwallet": {Category: category, Params: []string{"filename", "load_on_startup"},
			Help: "loadwallet ( \"filename\" )\n\nOpen the node's wallet, made after the node was started. The name may be left out or empty.", Do: m.load},
	}
}

func (m *methods) load(_ context.Context, a rpc.Args) (any, error) {
	name, err := rpc.Arg(a, 0, "")
	if err != nil {
		return nil, err
	}
	if name != "" {
		return nil, rpc.Errorf(rpc.CodeWalletNotFound, "There is no wallet named '%.80s': a node has one, whose name is empty", name)
	}
	if err := m.l.Load(); err != nil {
		if errors.Is(err, hd.ErrNone) {
			return nil, rpc.Errorf(rpc.CodeWalletNotFound, "%v", err)
		}
		return nil, failed(err)
	}
	return struct {
		Name string `json:"name"`
	}{}, nil
}

// block is a block as answers name the one that they are as of.
type block struct {
	Hash   string `json:"hash"`
	Height int32  `json:"height"`
}

func asOf(i chain.Index) block { return block{i.Hash.String(), i.Height} }

type scanInfo struct {
	Duration int64   `json:"duration"` // seconds
	Progress float64 `json:"progress"`
}

type walletInfoJSON struct {
	Name          string   `json:"walletname"`
	Version       int      `json:"walletversion"`
	Format        string   `json:"format"`
	Txs           int      `json:"txcount"`
	Pool          uint32   `json:"keypoolsize"`
	PoolInternal  uint32   `json:"keypoolsize_hd_internal"`
	UnlockedUntil *int64   `json:"unlocked_until,omitempty"` // Unix seconds; 0: locked; left out: no passphrase
	Private       bool     `json:"private_keys_enabled"`
	AvoidReuse    bool     `json:"avoid_reuse"`
	Scanning      any      `json:"scanning"` // false or scanInfo
	Descriptors   bool     `json:"descriptors"`
	External      bool     `json:"external_signer"`
	Blank         bool     `json:"blank"`
	Birth         int64    `json:"birthtime,omitempty"`
	Flags         []string `json:"flags"`
	Fingerprint   string   `json:"hdmasterfingerprint"`
	CoinType      uint32   `json:"hdcointype"`
	Last          block    `json:"lastprocessedblock"`
}

// coreVersion is the wallet version that Bitcoin Core tells of every wallet since 0.17.
const coreVersion = 169900

func walletInfo(_ context.Context, w *hd.Wallet, _ rpc.Args) (any, error) {
	i := w.Info()
	j := walletInfoJSON{Version: coreVersion, Format: "funai", Txs: i.Txs, Pool: i.Gap, PoolInternal: i.Gap, Private: true,
		Scanning: false, Descriptors: true, Flags: []string{"descriptor_wallet"}, Fingerprint: hdkey.FormatFingerprint(i.Fingerprint),
		CoinType: hdkey.CoinType(w.Net()), Last: asOf(i.At)}
	if i.Scan.Scanning {
		j.Scanning = scanInfo{int64(i.Scan.Duration.Seconds()), i.Scan.Share}
	}
	if i.Encrypted {
		until := int64(0)
		if !i.Locked {
			until = i.Until.Unix()
		}
		j.UnlockedUntil = &until
	}
	if !i.Birthday.IsZero() {
		j.Birth = i.Birthday.Unix()
	}
	return j, nil
}

func backup(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	path, err := rpc.Need[string](a, 0, "destination")
	if err != nil {
		return nil, err
	}
	return nil, w.Backup(path)
}

func rescan(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	start, err := rpc.Arg(a, 0, int32(0))
	if err != nil {
		return nil, err
	}
	stop, err := rpc.Arg(a, 1, int32(-1))
	if err != nil {
		return nil, err
	}
	if stop, err = w.Rescan(ctx, start, stop); err != nil {
		return nil, err
	}
	return struct {
		Start int32 `json:"start_height"`
		Stop  int32 `json:"stop_height"`
	}{start, stop}, nil
}

type descriptorJSON struct {
	Desc      string    `json:"desc"`
	Timestamp int64     `json:"timestamp"`
	Active    bool      `json:"active"`
	Internal  bool      `json:"internal"`
	Range     [2]uint32 `json:"range"`
	Next      uint32    `json:"next"`
	NextIndex uint32    `json:"next_index"`
}

func descriptors(_ context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	private, err := rpc.Arg(a, 0, false)
	if err != nil {
		return nil, err
	}
	ds, err := w.Descriptors(private)
	if err != nil {
		return nil, err
	}
	list := []descriptorJSON{}
	for _, d := range ds {
		list = append(list, descriptorJSON{d.Text, d.Birthday, true, d.Chain == hdkey.Change, [2]uint32{0, d.Watched - 1}, d.Next, d.Next})
	}
	return struct {
		Name        string           `json:"wallet_name"`
		Descriptors []descriptorJSON `json:"descriptors"`
	}{"", list}, nil
}
