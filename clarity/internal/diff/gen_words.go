package diff

import "funai/clarity/types"

// word is a native function or keyword whose types can be written down: those of its arguments and that of its result.
type word struct {
	name         string
	since, until types.Version // until 0 is for good
	result       *types.Type
	args         []*types.Type // none of a keyword
	keyword      bool
}

var (
	buff20, buff32, buff33, buff64, buff65 = types.MustBuffer(20), types.MustBuffer(32), types.MustBuffer(33), types.MustBuffer(64), types.MustBuffer(65)
	buff16, buff128                        = types.MustBuffer(16), types.MustBuffer(128)
	ascii40, utf840                        = types.MustASCII(40), types.MustUTF8(40)
	destructed                             = types.MustTuple(types.Field{Name: "hash-bytes", Type: buff20}, types.Field{Name: "name", Type: types.MustOptional(ascii40)}, types.Field{Name: "version", Type: types.MustBuffer(1)})
	account                                = types.MustTuple(types.Field{Name: "locked", Type: types.UInt}, types.Field{Name: "unlock-height", Type: types.UInt}, types.Field{Name: "unlocked", Type: types.UInt})
	output                                 = types.MustTuple(types.Field{Name: "amount", Type: types.UInt}, types.Field{Name: "script", Type: types.MustBuffer(1024)}, types.Field{Name: "txid", Type: buff32})
	constructError                         = types.MustTuple(types.Field{Name: "error_code", Type: types.UInt}, types.Field{Name: "value", Type: types.MustOptional(types.Principal)})
	boolOrUint                             = types.MustResponse(types.Bool, types.UInt)
)

// fixedTypes are those that only some words give.
var fixedTypes = []*types.Type{buff20, buff32, buff33, buff64, buff65, ascii40, utf840, types.MustResponse(destructed, destructed), account,
	types.MustResponse(types.Principal, constructError), types.MustResponse(types.Principal, types.UInt), types.MustResponse(buff33, types.UInt), boolOrUint,
	types.MustResponse(output, types.UInt), types.MustResponse(buff65, types.UInt), types.MustResponse(buff32, types.UInt), types.MustOptional(types.UInt), types.MustOptional(types.Int), types.MustOptional(types.Principal), types.MustResponse(types.MustASCII(128), types.UInt)}

func is(ts ...*types.Type) []*types.Type { return ts }

var words = func() (all []word) {
	for _, t := range is(types.Int, types.UInt) {
		for _, n := range []string{"+", "-", "*", "/"} {
			all = append(all, word{name: n, result: t, args: is(t, t)}, word{name: n, result: t, args: is(t, t)}, word{name: n, result: t, args: is(t, t, t)}, word{name: n, result: t, args: is(t)})
		}
		for _, n := range []string{"mod", "pow"} {
			all = append(all, word{name: n, result: t, args: is(t, t)})
		}
		for _, n := range []string{"sqrti", "log2"} {
			all = append(all, word{name: n, result: t, args: is(t)})
		}
		all = append(all, word{name: "xor", result: t, args: is(t, t)})
		for _, n := range []string{"bit-and", "bit-or", "bit-xor"} {
			all = append(all, word{name: n, since: 2, result: t, args: is(t, t)}, word{name: n, since: 2, result: t, args: is(t, t, t)})
		}
		all = append(all, word{name: "bit-not", since: 2, result: t, args: is(t)},
			word{name: "bit-shift-left", since: 2, result: t, args: is(t, types.UInt)}, word{name: "bit-shift-right", since: 2, result: t, args: is(t, types.UInt)},
			word{name: "int-to-ascii", since: 2, result: ascii40, args: is(t)}, word{name: "int-to-utf8", since: 2, result: utf840, args: is(t)})
		for _, n := range []string{"<", ">", "<=", ">="} {
			all = append(all, word{name: n, result: types.Bool, args: is(t, t)})
		}
		for _, n := range []string{"sha256", "keccak256"} {
			all = append(all, word{name: n, result: buff32, args: is(t)})
		}
	}
	for _, t := range is(ascii40, utf840, buff32) {
		for _, n := range []string{"<", ">", "<=", ">="} {
			all = append(all, word{name: n, since: 2, result: types.Bool, args: is(t, t)})
		}
		all = append(all, word{name: "len", result: types.UInt, args: is(t)})
		if t != buff32 {
			all = append(all, word{name: "string-to-int?", since: 2, result: types.MustOptional(types.Int), args: is(t)}, word{name: "string-to-uint?", since: 2, result: types.MustOptional(types.UInt), args: is(t)})
		}
	}
	for _, n := range []string{"sha256", "sha512/256", "keccak256"} {
		all = append(all, word{name: n, result: buff32, args: is(buff64)}, word{name: n, result: buff32, args: is(types.UInt)})
	}
	for _, n := range []string{"buff-to-int-le", "buff-to-int-be"} {
		all = append(all, word{name: n, since: 2, result: types.Int, args: is(buff16)})
	}
	for _, n := range []string{"buff-to-uint-le", "buff-to-uint-be"} {
		all = append(all, word{name: n, since: 2, result: types.UInt, args: is(buff16)})
	}
	for _, t := range is(types.Int, types.UInt, types.Bool, types.Principal, buff20, ascii40, utf840) {
		all = append(all, word{name: "to-ascii?", since: 4, result: types.MustResponse(types.MustASCII(164), types.UInt), args: is(t)})
	}
	return append(all,
		word{name: "sha512", result: buff64, args: is(buff32)}, word{name: "hash160", result: buff20, args: is(buff32)}, word{name: "hash160", result: buff20, args: is(types.Int)},
		word{name: "to-int", result: types.Int, args: is(types.UInt)}, word{name: "to-uint", result: types.UInt, args: is(types.Int)},
		word{name: "not", result: types.Bool, args: is(types.Bool)}, word{name: "and", result: types.Bool, args: is(types.Bool, types.Bool)}, word{name: "or", result: types.Bool, args: is(types.Bool, types.Bool)},
		word{name: "and", result: types.Bool, args: is(types.Bool, types.Bool, types.Bool)}, word{name: "or", result: types.Bool, args: is(types.Bool)},
		word{name: "secp256k1-recover?", result: types.MustResponse(buff33, types.UInt), args: is(buff32, buff65)},
		word{name: "secp256k1-verify", result: types.Bool, args: is(buff32, buff65, buff33)},
		word{name: "secp256k1-verify", result: types.Bool, args: is(buff32, buff64, buff33)},
		word{name: "secp256r1-verify", since: 4, result: types.Bool, args: is(buff32, buff64, buff33)},
		word{name: "ed25519-verify", since: 6, result: types.Bool, args: is(buff128, buff64, buff32)},
		word{name: "secp256k1-decompress?", since: 6, result: types.MustResponse(buff65, types.UInt), args: is(buff33)},
		word{name: "get-bitcoin-tx-output?", since: 6, result: types.MustResponse(output, types.UInt), args: is(buff128, types.UInt)},
		word{name: "verify-merkle-proof", since: 6, result: types.Bool, args: is(buff32, buff32, types.UInt, types.UInt, types.MustList(buff32, 3))},
		word{name: "principal-of?", result: types.MustResponse(types.Principal, types.UInt), args: is(buff33)},
		word{name: "principal-destruct?", since: 2, result: types.MustResponse(destructed, destructed), args: is(types.Principal)},
		word{name: "principal-construct?", since: 2, result: types.MustResponse(types.Principal, constructError), args: is(types.MustBuffer(1), buff20)},
		word{name: "principal-construct?", since: 2, result: types.MustResponse(types.Principal, constructError), args: is(types.MustBuffer(1), buff20, ascii40)},
		word{name: "is-eq", result: types.Bool, args: is(types.UInt, types.UInt, types.UInt)},
		word{name: "is-standard", since: 2, result: types.Bool, args: is(types.Principal)},
		word{name: "contract-hash?", since: 4, result: types.MustResponse(buff32, types.UInt), args: is(types.Principal)},
		word{name: "stx-get-balance", result: types.UInt, args: is(types.Principal)}, word{name: "stx-account", since: 2, result: account, args: is(types.Principal)},
		word{name: "tx-sender", result: types.Principal, keyword: true}, word{name: "contract-caller", result: types.Principal, keyword: true},
		word{name: "current-contract", since: 4, result: types.Principal, keyword: true}, word{name: "tx-sponsor?", since: 2, result: types.MustOptional(types.Principal), keyword: true},
		word{name: "is-in-regtest", result: types.Bool, keyword: true}, word{name: "is-in-mainnet", since: 2, result: types.Bool, keyword: true}, word{name: "chain-id", since: 2, result: types.UInt, keyword: true},
	)
}()

// heightWords are those whose values depend on how long the chain is.
var heightWords = []word{
	{name: "block-height", until: 2, result: types.UInt, keyword: true}, {name: "burn-block-height", result: types.UInt, keyword: true},
	{name: "stacks-block-height", since: 3, result: types.UInt, keyword: true}, {name: "tenure-height", since: 3, result: types.UInt, keyword: true},
	{name: "stx-liquid-supply", result: types.UInt, keyword: true},
}

// known says whether a version has the word.
func (w word) known(v types.Version) bool { return w.since <= v && (w.until == 0 || v <= w.until) }
