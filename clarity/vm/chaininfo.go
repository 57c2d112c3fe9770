package vm

import (
	"funai/clarity/cost"
	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/clarity/value"
)

// chainBuiltins ask about blocks, tenures, the ledger's blocks and contracts.
var chainBuiltins = map[string]builtin{
	"get-block-info?":        {since: types.Clarity1, until: types.Clarity3, compile: info(cost.BlockInfo, blockProperties)},
	"get-stacks-block-info?": {since: types.Clarity3, compile: info(cost.BlockInfo, stacksBlockProperties)},
	"get-tenure-info?":       {since: types.Clarity3, compile: info(cost.BlockInfo, tenureProperties)},
	"get-burn-block-info?":   {since: types.Clarity2, compile: info(cost.BurnBlockInfo, burnBlockProperties)},
	"contract-hash?":         {since: types.Clarity4, compile: contractHash},
}

// chainKeywords are read like variables, and cost as much as reading one.
var chainKeywords = map[string]keyword{
	"block-height":        {since: types.Clarity1, until: types.Clarity3, read: height(blockHeight)},
	"burn-block-height":   {since: types.Clarity1, read: height(Env.BurnHeight)},
	"stacks-block-height": {since: types.Clarity3, read: height(Env.Height)},
	"tenure-height":       {since: types.Clarity3, read: height(Env.TenureHeight)},
	"stacks-block-time":   {since: types.Clarity4, read: height(Env.Time)},
	"stx-liquid-supply":   {since: types.Clarity1, read: liquidSupply},
	"chain-id":            {since: types.Clarity2, read: func(f *frame) (value.Value, error) { return value.UInt64(uint64(f.env.ChainID())), nil }},
	"is-in-mainnet":       {since: types.Clarity2, read: func(f *frame) (value.Value, error) { return value.Bool(f.env.Mainnet()), nil }},
	"is-in-regtest":       {since: types.Clarity1, read: constantly(value.False)}, // true only within the reference implementation's tests
}

// height reads a number of the environment.
func height(of func(Env) uint64) func(f *frame) (value.Value, error) {
	return func(f *frame) (value.Value, error) {
		if err := f.charge(cost.FetchVar, 1); err != nil {
			return value.None, err
		}
		return value.UInt64(of(f.env)), nil
	}
}

// countsTenures says whether Clarity 1 and 2 mean tenures when they say blocks (SIP-021).
func countsTenures(e Env) bool { return e.Epoch() >= types.Epoch30 }

func blockHeight(e Env) uint64 {
	if countsTenures(e) {
		return e.TenureHeight()
	}
	return e.Height()
}

func liquidSupply(f *frame) (value.Value, error) {
	if err := f.charge(cost.FetchVar, 1); err != nil {
		return value.None, err
	}
	n, err := f.bank.Supply()
	return value.UInt(n), err
}

// property reads one property of what lies at a height; none if there is nothing, or nothing yet.
type property func(e Env, height uint64) (value.Value, error)

// info is a native on a property, named by its first argument, and a height.
func info(charge cost.Function, properties map[string]property) func(*compiler, *syntax.Expr) (code, error) {
	return func(c *compiler, call *syntax.Expr) (code, error) {
		lead := c.takeLead()
		name, err := firstName(call, 2)
		if err != nil {
			return nil, err
		}
		read, ok := properties[name]
		if !ok {
			return nil, bug("%s has no property %s", call.List[0].Name, name)
		}
		at, _, err := c.borrow(call.List[2])
		if err != nil {
			return nil, err
		}
		return func(f *frame) (value.Value, error) {
			if err := f.meter.Run(lead); err != nil {
				return value.None, limit(err)
			}
			if err := f.charge(charge, 0); err != nil {
				return value.None, err
			}
			v, err := at(f)
			if err != nil {
				return value.None, err
			}
			h, ok := v.AsUInt().Uint64()
			if !ok {
				return value.None, nil
			}
			return read(f.env, h)
		}, nil
	}
}

// ofBlock is a property of a block of this chain.
func ofBlock(get func(*Block) value.Value) property {
	return func(e Env, height uint64) (value.Value, error) {
		if height >= e.Height() {
			return value.None, nil
		}
		b, err := e.Block(height)
		if err != nil || b == nil {
			return value.None, err
		}
		return value.Some(get(b)), nil
	}
}

// ofTenure is a property of the tenure that a block of this chain is in.
func ofTenure(get func(*Tenure) value.Value) property {
	return func(e Env, height uint64) (value.Value, error) {
		if height >= e.Height() {
			return value.None, nil
		}
		t, err := e.Tenure(height)
		if err != nil || t == nil {
			return value.None, err
		}
		return value.Some(get(t)), nil
	}
}

// ofBurnBlock is a property of a block of the ledger.
func ofBurnBlock(get func(*BurnBlock) (value.Value, error)) property {
	return func(e Env, height uint64) (value.Value, error) {
		if height > e.BurnHeight() {
			return value.None, nil
		}
		b, err := e.BurnBlock(height)
		if err != nil || b == nil {
			return value.None, err
		}
		v, err := get(b)
		if err != nil {
			return value.None, err
		}
		return value.Some(v), nil
	}
}

var stacksBlockProperties = map[string]property{
	"time":           ofBlock(func(b *Block) value.Value { return value.UInt64(b.Time) }),
	"id-header-hash": ofBlock(func(b *Block) value.Value { return value.Buffer(b.ID[:]) }),
	"header-hash":    ofBlock(func(b *Block) value.Value { return value.Buffer(b.HeaderHash[:]) }),
}

var tenureProperties = map[string]property{
	"time":                  ofTenure(func(t *Tenure) value.Value { return value.UInt64(t.Time) }),
	"burnchain-header-hash": ofTenure(func(t *Tenure) value.Value { return value.Buffer(t.BurnHeaderHash[:]) }),
	"miner-address":         ofTenure(func(t *Tenure) value.Value { return value.OfPrincipal(t.Miner) }),
	"vrf-seed":              ofTenure(func(t *Tenure) value.Value { return value.Buffer(t.VRFSeed[:]) }),
	"miner-spend-total":     ofTenure(func(t *Tenure) value.Value { return value.UInt(t.MinerSpendTotal) }),
	"miner-spend-winner":    ofTenure(func(t *Tenure) value.Value { return value.UInt(t.MinerSpendWinner) }),
	"block-reward":          blockReward,
}

func blockReward(e Env, height uint64) (value.Value, error) {
	if height >= e.Height() {
		return value.None, nil
	}
	t, err := e.Tenure(height)
	if err != nil || t == nil || !t.BlockRewardMature {
		return value.None, err
	}
	return value.Some(value.UInt(t.BlockReward)), nil
}

// blockProperties are those of Clarity 1 and 2, which did not tell tenures from blocks: their time is the tenure's.
var blockProperties = func() map[string]property {
	m := make(map[string]property)
	for _, from := range []map[string]property{stacksBlockProperties, tenureProperties} {
		for name, p := range from {
			m[name] = byTenure(p)
		}
	}
	return m
}()

// byTenure reads a property of the first block of a tenure, where heights are those of tenures.
func byTenure(p property) property {
	return func(e Env, height uint64) (value.Value, error) {
		if !countsTenures(e) {
			return p(e, height)
		}
		if height >= e.TenureHeight() {
			return value.None, nil
		}
		first, ok, err := e.TenureStart(height)
		if err != nil || !ok {
			return value.None, err
		}
		return p(e, first)
	}
}

var burnBlockProperties = map[string]property{
	"header-hash": ofBurnBlock(func(b *BurnBlock) (value.Value, error) { return value.Buffer(b.HeaderHash[:]), nil }),
	"pox-addrs":   ofBurnBlock(poxAddrs),
}

func poxAddrs(b *BurnBlock) (value.Value, error) {
	addrs := make([]value.Value, len(b.PoxAddrs))
	for i, a := range b.PoxAddrs {
		var err error
		addrs[i], err = value.Tuple(
			value.Field{Name: "hashbytes", Value: value.Buffer(a.HashBytes)},
			value.Field{Name: "version", Value: value.Buffer([]byte{a.Version})},
		)
		if err != nil {
			return value.None, err
		}
	}
	list, err := value.List(addrs)
	if err != nil {
		return value.None, err
	}
	return value.Tuple(value.Field{Name: "addrs", Value: list}, value.Field{Name: "payout", Value: value.UInt(b.PoxPayout)})
}

// contractHash is contract-hash?: the SHA-512/256 of a contract's source, (err u1) of what is no contract, (err u2) of one
// that is not there.
func contractHash(c *compiler, call *syntax.Expr) (code, error) {
	lead := c.takeLead()
	if n := len(args(call)); n != 1 {
		return nil, bug("contract-hash? of %d arguments", n)
	}
	of, _, err := c.borrow(call.List[1])
	if err != nil {
		return nil, err
	}
	return func(f *frame) (value.Value, error) {
		if err := f.meter.Run(lead); err != nil {
			return value.None, limit(err)
		}
		v, err := of(f)
		if err != nil {
			return value.None, err
		}
		p := v.AsPrincipal()
		if p.Contract == "" {
			return errCode(1), nil
		}
		if err := f.charge(cost.ContractHash, 0); err != nil {
			return value.None, err
		}
		h, there, err := readHeader(f.store, p)
		if err != nil || !there {
			return errCode(2), err
		}
		return value.Ok(value.Buffer(h[headerHash:])), nil
	}, nil
}
