package chain_test

import (
	"math/big"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// forged is a chain in which block 13 spends a coin with somebody else's signature, and a few blocks after it.
func forged(t *testing.T, over bool) (bs []*wire.MsgBlock) {
	p, k, thief := consensus.Dev(), chaintest.Key(t, 1), chaintest.Key(t, 2)
	parent, height := p.GenesisBlock.Header, int32(0)
	for height < 20 {
		var txs []*wire.MsgTx
		if height == 12 {
			tx := chaintest.Spend(t, thief, wire.OutPoint{Hash: bs[0].Transactions[0].TxHash()}, reward, &wire.TxOut{Value: reward, PkScript: anyone})
			if over { // what is no matter of scripts
				tx.TxOut[0].Value++
			}
			txs = append(txs, tx)
		}
		b := chaintest.Block(t, p, parent, height, chaintest.Script(k), 0, 0, txs...)
		bs, parent, height = append(bs, b), b.Header, height+1
	}
	return bs
}

func TestScriptsBelowTheAssumedBlockAreNotRun(t *testing.T) {
	bs := forged(t, false)
	per := blockchain.CalcWork(consensus.Dev().PowLimitBits)
	hash := func(height int) *chainHash { h := bs[height-1].BlockHash(); return &h }
	for name, x := range map[string]struct {
		params  int // the height that the network names; 0: none
		option  *chainHash
		headers int // how many are known before the blocks
		work    int64
		bad     bool
	}{
		"nothing assumed":               {0, nil, 20, 0, true},
		"the block itself":              {0, hash(13), 20, 0, false},
		"a later one":                   {0, hash(18), 20, 0, false},
		"an earlier one":                {0, hash(12), 20, 0, true},
		"the network's":                 {15, nil, 20, 0, false},
		"the network's, but not wanted": {15, new(chainHash), 20, 0, true},
		"unknown":                       {0, &chainHash{1}, 20, 0, true},
		"its header has not come":       {0, hash(18), 17, 0, true},
		"just enough work":              {0, hash(18), 20, 21, false},
		"too little work":               {0, hash(18), 20, 22, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := consensus.Dev()
			p.MinimumChainWork = new(big.Int).Mul(per, big.NewInt(x.work))
			if x.params > 0 {
				p.AssumeValid = *hash(x.params)
			}
			c := chaintest.Open(t, p, chain.Options{FS: vfs.NewMem(), NoSync: true, AssumeValid: x.option})
			if err := c.ProcessHeaders(headersOf(bs[:x.headers]...)); err != nil {
				t.Fatal(err)
			}
			for i, b := range bs {
				_, err := c.ProcessBlock(t.Context(), b)
				if i+1 == 13 && x.bad != consensus.Is(err, blockchain.ErrScriptValidation) || i+1 < 13 && err != nil {
					t.Fatal(i+1, err)
				}
			}
			if want := map[bool]int32{true: 12, false: 20}[x.bad]; c.Tip().Height != want {
				t.Error(c.Tip())
			}
		})
	}
}

func TestAllButScriptsIsCheckedBelowTheAssumedBlock(t *testing.T) {
	bs := forged(t, true)
	hash := bs[17].BlockHash()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: vfs.NewMem(), NoSync: true, AssumeValid: &hash})
	if err := c.ProcessHeaders(headersOf(bs...)); err != nil {
		t.Fatal(err)
	}
	for _, b := range bs[:12] {
		if _, err := c.ProcessBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.ProcessBlock(t.Context(), bs[12]); !consensus.Is(err, blockchain.ErrSpendTooHigh) {
		t.Error(err)
	}
}

func TestBlockOffTheAssumedChainHasItsScriptsRun(t *testing.T) {
	bs := forged(t, false)
	hash := bs[17].BlockHash()
	c := chaintest.Open(t, consensus.Dev(), chain.Options{FS: vfs.NewMem(), NoSync: true, AssumeValid: &hash})
	if err := c.ProcessHeaders(headersOf(bs...)); err != nil {
		t.Fatal(err)
	}
	for _, b := range bs[:12] {
		if _, err := c.ProcessBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	twin := *bs[12]
	twin.Header.Timestamp = twin.Header.Timestamp.Add(1e9)
	chaintest.Solve(&twin)
	if _, err := c.ProcessBlock(t.Context(), &twin); !consensus.Is(err, blockchain.ErrScriptValidation) {
		t.Error(err)
	}
}
