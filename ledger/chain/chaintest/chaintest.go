// Package chaintest makes ledger blocks for tests, of this package and of others that need a chain to stand on. What it
// makes depends on its arguments and the chain alone, so that tests repeat exactly. It imports key, ledger/consensus and
// ledger/chain, and is for networks with trivial proof of work (consensus.Dev, consensus.BitcoinRegtest).
package chaintest

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/consensus"
)

// New is a dev chain in memory, closed when the test ends. It may be used in a testing/synctest bubble.
func New(t testing.TB) *chain.Chain {
	t.Helper()
	return Open(t, consensus.Dev(), chain.Options{FS: vfs.NewMem(), NoSync: true})
}

// Open opens a chain, closed when the test ends.
func Open(t testing.TB, p *consensus.Params, o chain.Options) *chain.Chain {
	t.Helper()
	c, err := chain.Open(p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Key is a key that only its number decides.
func Key(t testing.TB, number byte) *key.Private {
	t.Helper()
	k, err := key.FromBytes(append(make([]byte, 31), number))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Script is the P2WPKH script that pays a key.
func Script(k *key.Private) []byte { return k.Public().Hash160().LedgerScript() }

// Mine makes the block after the tip, with txs, subsidy and fees paid to script, and processes it.
func Mine(t testing.TB, c *chain.Chain, script []byte, txs ...*wire.MsgTx) *wire.MsgBlock {
	t.Helper()
	b := BlockOn(t, c, c.Tip(), script, 0, txs...)
	o, err := c.ProcessBlock(t.Context(), b)
	if err != nil || !o.MainChain {
		t.Fatalf("mining after %v: %+v, %v", b.Header.PrevBlock, o, err)
	}
	return b
}

// MineN mines n blocks without transactions, and returns the outputs that their coinbases pay to script.
func MineN(t testing.TB, c *chain.Chain, script []byte, n int) (coins []wire.OutPoint) {
	t.Helper()
	for range n {
		coins = append(coins, wire.OutPoint{Hash: Mine(t, c, script).Transactions[0].TxHash()})
	}
	return coins
}

// BlockOn makes a solved block after parent, any block of c's, without processing it. It pays subsidy and fees to script;
// a block with another salt is another block. An edited block is solved again with Solve.
func BlockOn(t testing.TB, c *chain.Chain, parent chain.Index, script []byte, salt uint64, txs ...*wire.MsgTx) *wire.MsgBlock {
	t.Helper()
	h, height, ok := c.Header(parent.Hash)
	if !ok {
		t.Fatalf("parent %v is not known", parent.Hash)
	}
	return Block(t, c.Params(), h, height, script, Fees(t, c, parent, txs...), salt, txs...)
}

// Block is BlockOn for a parent that no chain need know, with the fees given.
func Block(t testing.TB, p *consensus.Params, parent wire.BlockHeader, height int32, script []byte, fees int64, salt uint64, txs ...*wire.MsgTx) *wire.MsgBlock {
	t.Helper()
	sig, err := txscript.NewScriptBuilder().AddInt64(int64(height) + 1).AddInt64(int64(salt)).Script()
	if err != nil {
		t.Fatal(err)
	}
	coinbase := wire.NewMsgTx(2)
	coinbase.AddTxIn(&wire.TxIn{
		PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex}, SignatureScript: sig, Sequence: wire.MaxTxInSequenceNum,
	})
	coinbase.AddTxOut(&wire.TxOut{Value: p.Subsidy(height+1) + fees, PkScript: script})
	b := &wire.MsgBlock{
		Header: wire.BlockHeader{
			Version: 0x20000000, PrevBlock: parent.BlockHash(), Bits: p.PowLimitBits,
			Timestamp: time.Unix(parent.Timestamp.Unix()+1, 0), // deterministic, and after any median
		},
		Transactions: append([]*wire.MsgTx{coinbase}, txs...),
	}
	consensus.CommitWitnesses(b)
	Solve(b)
	return b
}

// Solve sets a block's merkle root and finds its nonce.
func Solve(b *wire.MsgBlock) {
	b.Header.MerkleRoot = blockchain.CalcMerkleRoot(btcutil.NewBlock(b).Transactions(), false)
	for !consensus.Solved(&b.Header) {
		b.Header.Nonce++
	}
}

// Fees is what txs pay as children of parent, found by looking for the outputs they spend among themselves and in the
// blocks below; a transaction that spends what is not there pays none.
func Fees(t testing.TB, c *chain.Chain, parent chain.Index, txs ...*wire.MsgTx) (fees int64) {
	t.Helper()
	made, below := map[chainhash.Hash]*wire.MsgTx{}, parent.Hash
	find := func(o wire.OutPoint) (int64, bool) {
		for made[o.Hash] == nil {
			b, err := c.Block(below) // none below genesis
			if err != nil {
				return 0, false
			}
			for _, tx := range b.Transactions {
				made[tx.TxHash()] = tx
			}
			below = b.Header.PrevBlock
		}
		if outs := made[o.Hash].TxOut; int(o.Index) < len(outs) {
			return outs[o.Index].Value, true
		}
		return 0, false
	}
	for _, tx := range txs {
		fee, found := int64(0), true
		for _, in := range tx.TxIn {
			value, ok := find(in.PreviousOutPoint)
			fee, found = fee+value, found && ok
		}
		for _, out := range tx.TxOut {
			fee -= out.Value
		}
		if found && fee > 0 {
			fees += fee
		}
		made[tx.TxHash()] = tx
	}
	return fees
}

// Taproot is the P2TR script that pays a key and commits to no script (BIP86).
func Taproot(t testing.TB, k *key.Private) []byte {
	t.Helper()
	script, err := txscript.PayToTaprootScript(txscript.ComputeTaprootKeyNoScript(k.Secp256k1().PubKey()))
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// SpendTaproot is Spend for an output paid to Taproot, by its key.
func SpendTaproot(t testing.TB, k *key.Private, from wire.OutPoint, value int64, outs ...*wire.TxOut) *wire.MsgTx {
	t.Helper()
	tx, script := spending(from, outs), Taproot(t, k)
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(script, value))
	witness, err := txscript.TaprootWitnessSignature(tx, hashes, 0, value, script, txscript.SigHashDefault, k.Secp256k1())
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].Witness = witness
	return tx
}

// spending is a transaction still to be signed.
func spending(from wire.OutPoint, outs []*wire.TxOut) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&from, nil, nil))
	tx.TxOut = outs
	return tx
}

// Spend signs a transaction that spends one output of value, paid to k's P2WPKH script, to outs; what they leave is fee.
func Spend(t testing.TB, k *key.Private, from wire.OutPoint, value int64, outs ...*wire.TxOut) *wire.MsgTx {
	t.Helper()
	tx, script := spending(from, outs), Script(k)
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(script, value))
	witness, err := txscript.WitnessSignature(tx, hashes, 0, value, script, txscript.SigHashAll, k.Secp256k1(), true)
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].Witness = witness
	return tx
}
