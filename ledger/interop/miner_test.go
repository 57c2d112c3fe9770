package interop

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// template is of getblocktemplate's answer (BIPs 22, 23 and 145) what a miner needs.
type template struct {
	Version      int32  `json:"version"`
	Previous     string `json:"previousblockhash"`
	Transactions []struct {
		Data string `json:"data"`
	} `json:"transactions"`
	Value      int64  `json:"coinbasevalue"`
	Time       int64  `json:"curtime"`
	Bits       string `json:"bits"`
	Height     int64  `json:"height"`
	Commitment string `json:"default_witness_commitment"`
}

// errRefused is submitblock's word against a block.
var errRefused = errors.New("block refused")

// mineByTemplate is a miner outside the node: it asks for a template, makes the coinbase that pays to script, solves the
// block and hands it in. extra tells rival blocks of one height apart.
func mineByTemplate(ctx context.Context, c *client, script []byte, extra int64) (*wire.MsgBlock, error) {
	b, err := solveTemplate(ctx, c, script, extra)
	if err != nil {
		return nil, err
	}
	return b, submit(ctx, c, b)
}

func solveTemplate(ctx context.Context, c *client, script []byte, extra int64) (*wire.MsgBlock, error) {
	var t template
	if err := c.call(ctx, &t, "getblocktemplate", map[string]any{"rules": []string{"segwit"}}); err != nil {
		return nil, err
	}
	bits, err := strconv.ParseUint(t.Bits, 16, 32)
	if err != nil {
		return nil, err
	}
	previous, err := chainhash.NewHashFromStr(t.Previous)
	if err != nil {
		return nil, err
	}
	coinbase, err := t.coinbase(script, extra)
	if err != nil {
		return nil, err
	}
	b := &wire.MsgBlock{
		Header:       wire.BlockHeader{Version: t.Version, PrevBlock: *previous, Timestamp: time.Unix(t.Time, 0), Bits: uint32(bits)},
		Transactions: []*wire.MsgTx{coinbase},
	}
	for _, entry := range t.Transactions {
		tx := new(wire.MsgTx)
		if err := tx.Deserialize(hexReader(entry.Data)); err != nil {
			return nil, err
		}
		b.Transactions = append(b.Transactions, tx)
	}
	b.Header.MerkleRoot = blockchain.CalcMerkleRoot(btcutil.NewBlock(b).Transactions(), false)
	solve(b)
	return b, nil
}

// coinbase makes the template's coinbase.
func (t *template) coinbase(script []byte, extra int64) (*wire.MsgTx, error) {
	sig, err := txscript.NewScriptBuilder().AddInt64(t.Height).AddInt64(extra).AddData([]byte("interop")).Script()
	if err != nil {
		return nil, err
	}
	commitment, err := hex.DecodeString(t.Commitment)
	if err != nil {
		return nil, err
	}
	tx := wire.NewMsgTx(2)
	in := wire.NewTxIn(&wire.OutPoint{Index: wire.MaxPrevOutIndex}, sig, wire.TxWitness{make([]byte, chainhash.HashSize)})
	tx.AddTxIn(in)
	tx.AddTxOut(wire.NewTxOut(t.Value, script))
	tx.AddTxOut(wire.NewTxOut(0, commitment))
	return tx, nil
}

// solve finds a nonce: on the networks of these tests every second one will do.
func solve(b *wire.MsgBlock) {
	for !consensus.Solved(&b.Header) {
		b.Header.Nonce++
	}
}

func submit(ctx context.Context, c *client, b *wire.MsgBlock) error {
	raw, err := hexOfBlock(b)
	if err != nil {
		return err
	}
	var answer any
	if err := c.call(ctx, &answer, "submitblock", raw); err != nil {
		return err
	}
	if answer != nil {
		return errors.Join(errRefused, errors.New(show(answer)))
	}
	return nil
}

func hexOfBlock(b *wire.MsgBlock) (string, error) {
	var s strings.Builder
	err := b.Serialize(hex.NewEncoder(&s))
	return s.String(), err
}

// mineMany is mineByTemplate for blocks that must be good.
func mineMany(t testing.TB, c *client, script []byte, n int) (blocks []*wire.MsgBlock) {
	t.Helper()
	for range n {
		blocks = append(blocks, must(mineByTemplate(context.Background(), c, script, 0))(t))
	}
	return blocks
}

// longPoll asks for a template when the tip changes (BIP22), and returns a channel with the parent of the one that comes.
func longPoll(t testing.TB, c *client) <-chan string {
	t.Helper()
	type template struct {
		ID       string `json:"longpollid"`
		Previous string `json:"previousblockhash"`
	}
	rules := []string{"segwit"}
	now := ask[template](t, c, "getblocktemplate", map[string]any{"rules": rules})
	parent := make(chan string, 1)
	go func() {
		var next template
		err := c.call(context.Background(), &next, "getblocktemplate", map[string]any{"rules": rules, "longpollid": now.ID})
		if err != nil {
			next.Previous = err.Error()
		}
		parent <- next.Previous
	}()
	return parent
}
