package noderpc

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"funai/ledger/rpc"
	"funai/ledger/wallet/hdkey"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// multiText is the descriptor of a script that takes several signatures.
func multiText(required int, keys []string) string {
	return "multi(" + strings.Join(append([]string{strconv.Itoa(required)}, keys...), ",") + ")"
}

// descriptorSum is the checksum that belongs to a descriptor, which may have one.
func descriptorSum(s string) string {
	body, _, _ := strings.Cut(s, "#")
	return hdkey.Checksum(body)
}

func (n *node) controlMethods() rpc.Methods {
	echo := func(name string) rpc.Method {
		return rpc.Method{Params: []string{"arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "arg6", "arg7", "arg8", "arg9"},
			Help: name + " ( arg... )\n\nAnswer what was said.", Do: func(_ context.Context, a rpc.Args) (any, error) {
				if a == nil {
					a = rpc.Args{}
				}
				return a, nil
			}}
	}
	return rpc.Methods{
		"echo": echo("echo"), "echojson": echo("echojson"),
		"getmemoryinfo": {Params: []string{"mode"}, Help: "getmemoryinfo\n\nThe memory that is kept from being swapped out: none here.",
			Do: func(_ context.Context, a rpc.Args) (any, error) {
				if mode, err := rpc.Arg(a, 0, "stats"); err != nil || mode != "stats" {
					return nil, rpc.Errorf(rpc.CodeInvalidParameter, "unknown mode %s", shorten(mode))
				}
				return map[string]lockedMemory{"locked": {}}, nil
			}},
		"getzmqnotifications": {Help: "getzmqnotifications\n\nThe ZeroMQ notifications: none here.",
			Do: func(context.Context, rpc.Args) (any, error) { return []struct{}{}, nil }},
	}
}

// lockedMemory is in bytes.
type lockedMemory struct {
	Used       int64 `json:"used"`
	Free       int64 `json:"free"`
	Total      int64 `json:"total"`
	Locked     int64 `json:"locked"`
	ChunksUsed int64 `json:"chunks_used"`
	ChunksFree int64 `json:"chunks_free"`
}
