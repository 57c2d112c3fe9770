package miner

import (
	"context"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
)

const (
	blockVersion = 0x20000000 // BIP-9 with no bit set
	// maxAhead is how far a block's time may lie past the clock (Bitcoin's MAX_FUTURE_BLOCK_TIME).
	maxAhead = blockchain.MaxTimeOffsetSeconds * time.Second
	// attempts bounds how often a template is begun anew because a block came meanwhile.
	attempts = 8
)

// Source is where templates take their transactions from; *mempool.Pool is one.
type Source interface {
	// Snapshot lists transactions, none before one that it spends, that would be valid in a block after its At.
	Snapshot() (mempool.Snapshot, error)
}

var _ Source = (*mempool.Pool)(nil)

// EarlyError says that the chain's median time has run so far ahead of the clock, by many blocks in a short time, that
// a block would come from the future for its own network. Wait is how long until one is possible.
type EarlyError struct{ Wait time.Duration }

// Error says how long to wait.
func (e *EarlyError) Error() string {
	return fmt.Sprintf("the chain's time is more than %v ahead of the clock: next block in %v at the earliest", maxAhead, e.Wait)
}

// InvalidError says that the pool's transactions make a block that breaks a rule of the chain, which is a fault of the
// pool's. A template without a pool is still to be had.
type InvalidError struct{ Rule error }

// Error names the rule.
func (e *InvalidError) Error() string { return fmt.Sprintf("template is invalid: %v", e.Rule) }

// Unwrap is the broken rule, a blockchain.RuleError.
func (e *InvalidError) Unwrap() error { return e.Rule }

// BlockTemplate is an unsolved block and what a miner may want to know of it (BIP-22).
type BlockTemplate struct {
	Block *wire.MsgBlock
	// Of Block.Transactions[i+1], in i: its fee, cost of signature operations (BIP-141), weight, and the places in these
	// lists, counted from 0, of those that it spends outputs of.
	Fees    []amount.Amount
	SigOps  []int64
	Weights []int64
	Depends [][]int

	Parent            chain.Index
	Height            int32         // of the block
	MinTime           time.Time     // the least that its header may have
	CoinbaseValue     amount.Amount // subsidy and fees
	WitnessCommitment []byte        // output script of the coinbase that commits to the witnesses (BIP-141)
	Seq               uint64        // of the pool; 0 without one
}

// NewTemplate makes an unsolved block on the chain's tip, which the chain has checked but for its proof of work. It holds
// the pool's transactions that pay most for their size, each with its unconfirmed ancestors, within the bounds of a block
// less what a coinbase needs, and pays subsidy and fees to the script payTo; a nil pool makes an empty block. Its time is
// now, or the least that the chain allows when that is later; that being too late for the chain is an *EarlyError.
// mempool.ErrBusy says that blocks come faster than templates can be made.
func NewTemplate(c *chain.Chain, pool Source, payTo []byte, now time.Time) (*BlockTemplate, error) {
	for range attempts {
		t, err := newTemplate(c, pool, payTo, now)
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue
		}
		err = c.CheckTemplate(context.Background(), t.Block)
		switch {
		case err == nil:
			return t, nil
		case c.Tip() != t.Parent: // it is no longer one for the tip
		case isRule(err):
			return nil, &InvalidError{err}
		default:
			return nil, err
		}
	}
	return nil, mempool.ErrBusy
}

// Template is the block of NewTemplate.
func Template(c *chain.Chain, pool Source, payTo []byte, now time.Time) (*wire.MsgBlock, error) {
	t, err := NewTemplate(c, pool, payTo, now)
	if err != nil {
		return nil, err
	}
	return t.Block, nil
}

// newTemplate makes a template that is not checked, nil if the tip changed meanwhile.
func newTemplate(c *chain.Chain, pool Source, payTo []byte, now time.Time) (*BlockTemplate, error) {
	tip := c.Tip()
	var snap mempool.Snapshot
	if pool != nil {
		var err error
		if snap, err = pool.Snapshot(); err != nil {
			return nil, err
		}
		tip = snap.At
	}
	median := c.MedianTime()
	if c.Tip() != tip {
		return nil, nil
	}
	at, err := blockTime(median, now)
	if err != nil {
		return nil, err
	}
	s := newSelection(payTo)
	s.choose(snap.Txs)
	t := &BlockTemplate{Parent: tip, Height: tip.Height + 1, MinTime: median.Add(time.Second), Seq: snap.Seq,
		CoinbaseValue: amount.Amount(c.Params().Subsidy(tip.Height + 1))}
	header := wire.BlockHeader{Version: blockVersion, PrevBlock: tip.Hash, Timestamp: at, Bits: c.NextBits(tip, at)}
	return t, t.fill(header, s.items, payTo)
}

// fill puts the block together.
func (t *BlockTemplate) fill(header wire.BlockHeader, items []*item, payTo []byte) error {
	coinbase, err := newCoinbase(t.Height, payTo)
	if err != nil {
		return err
	}
	t.Block = &wire.MsgBlock{Header: header, Transactions: append(make([]*wire.MsgTx, 0, len(items)+1), coinbase)}
	hashed := append(make([]*btcutil.Tx, 0, len(items)+1), nil) // those of the pool know their hashes
	place := make(map[*item]int, len(items))
	for i, it := range items {
		place[it] = i
		var depends []int
		for _, parent := range it.parents {
			depends = append(depends, place[parent])
		}
		t.Block.Transactions, hashed = append(t.Block.Transactions, it.Tx.MsgTx()), append(hashed, it.Tx)
		t.Fees, t.SigOps = append(t.Fees, it.Fee), append(t.SigOps, it.SigOps)
		t.Weights, t.Depends = append(t.Weights, it.Weight), append(t.Depends, depends)
		t.CoinbaseValue += it.Fee
	}
	coinbase.TxOut[0].Value = int64(t.CoinbaseValue)
	consensus.CommitWitnesses(t.Block)
	t.WitnessCommitment = coinbase.TxOut[len(coinbase.TxOut)-1].PkScript
	hashed[0] = btcutil.NewTx(coinbase)
	t.Block.Header.MerkleRoot = blockchain.CalcMerkleRoot(hashed, false)
	return nil
}

// blockTime is now in whole seconds, or the first second after the median time past (BIP-113) if that is later.
func blockTime(median, now time.Time) (time.Time, error) {
	at := time.Unix(now.Unix(), 0)
	if least := median.Add(time.Second); least.After(at) {
		at = least
	}
	if wait := at.Sub(time.Unix(now.Unix(), 0)) - maxAhead; wait > 0 {
		return at, &EarlyError{wait}
	}
	return at, nil
}

// newCoinbase makes a coinbase with the height (BIP-34) and a zero extra nonce, whose value is still to be set.
func newCoinbase(height int32, payTo []byte) (*wire.MsgTx, error) {
	script, err := txscript.NewScriptBuilder().AddInt64(int64(height)).AddData(make([]byte, extraNonceLen)).Script()
	if err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: wire.MaxPrevOutIndex}, script, nil))
	tx.AddTxOut(wire.NewTxOut(0, payTo))
	return tx, nil
}
