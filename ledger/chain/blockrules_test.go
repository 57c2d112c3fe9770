package chain_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// Every rule about blocks and the form of transactions that a suite of others' does not try, at its bound.
func TestBlockRules(t *testing.T) {
	c := chaintest.New(t)
	coins := chaintest.MineN(t, c, anyone, 15)
	wide := program(t, 2, bytes.Repeat([]byte{7}, 32)) // takes any witness
	fund := free(coins[0], reward, 4)
	fund.TxOut[0].PkScript = wide
	fund.TxOut[1].PkScript = chaintest.Script(chaintest.Key(t, 1))
	chaintest.Mine(t, c, anyone, fund)
	at := func(i int) wire.OutPoint { return wire.OutPoint{Hash: fund.TxHash(), Index: uint32(i)} }
	pay := func(outs ...int64) *wire.MsgTx {
		tx := free(coins[1], reward, 1)
		tx.TxOut = nil
		for _, v := range outs {
			tx.AddTxOut(&wire.TxOut{Value: v, PkScript: anyone})
		}
		return tx
	}
	sig := func(s []byte) func(*wire.MsgBlock) {
		return func(b *wire.MsgBlock) { b.Transactions[0].TxIn[0].SignatureScript = s }
	}
	commit := func(edit func(coinbase *wire.MsgTx)) func(*wire.MsgBlock) {
		return func(b *wire.MsgBlock) { edit(b.Transactions[0]) }
	}
	// full is a block of a weight, made so by the witness of an output that takes any.
	full := func(weight int64) func(*wire.MsgBlock) {
		return func(b *wire.MsgBlock) {
			tx := free(at(0), reward/4, 1)
			tx.TxIn[0].Witness = wire.TxWitness{make([]byte, 3_990_000)}
			b.AddTransaction(tx)
			recommit(b)
			b.Transactions[1].TxIn[0].Witness[0] = make([]byte, 3_990_000+weight-blockchain.GetBlockWeight(btcutil.NewBlock(b)))
			recommit(b)
		}
	}
	// checks is a block whose coinbase pays to scripts that check so many signatures.
	checks := func(n int) func(*wire.MsgBlock) {
		return commit(func(tx *wire.MsgTx) {
			tx.AddTxOut(&wire.TxOut{PkScript: bytes.Repeat([]byte{txscript.OP_CHECKSIG}, n)})
		})
	}
	twice := pay(reward)
	twice.TxIn = append(twice.TxIn, twice.TxIn[0])
	null := pay(reward)
	null.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: math.MaxUint32}})
	empty := pay(reward)
	empty.TxIn = nil
	signed := chaintest.Spend(t, chaintest.Key(t, 1), at(1), reward/4, &wire.TxOut{Value: reward / 4, PkScript: anyone})
	const most = btcutil.MaxSatoshi
	for _, x := range []struct {
		name string
		want blockchain.ErrorCode
		txs  []*wire.MsgTx
		edit func(*wire.MsgBlock)
	}{
		{"BIP34 height 17", good, nil, sig([]byte{1, 17, 0})},
		{"BIP34 height 17 in two bytes", blockchain.ErrBadCoinbaseHeight, nil, sig([]byte{2, 17, 0})},
		{"BIP34 height 18", blockchain.ErrBadCoinbaseHeight, nil, sig([]byte{1, 18, 0})},
		{"BIP34 length beyond the script", blockchain.ErrMissingCoinbaseHeight, nil, sig([]byte{75, 17, 0})},
		{"coinbase script of 1 byte", blockchain.ErrBadCoinbaseScriptLen, nil, sig([]byte{17})},
		{"coinbase script of 2 bytes", good, nil, sig([]byte{1, 17})},
		{"coinbase script of 100 bytes", good, nil, sig(append([]byte{1, 17}, make([]byte, 98)...))},
		{"coinbase script of 101 bytes", blockchain.ErrBadCoinbaseScriptLen, nil, sig(append([]byte{1, 17}, make([]byte, 99)...))},
		{"coinbase locked", blockchain.ErrUnfinalizedTx, nil, commit(func(tx *wire.MsgTx) { tx.LockTime, tx.TxIn[0].Sequence = 17, 0 })},
		{"no coinbase", blockchain.ErrFirstTxNotCoinbase, []*wire.MsgTx{pay(reward)}, func(b *wire.MsgBlock) { b.Transactions = b.Transactions[1:] }},
		{"coinbase last", blockchain.ErrFirstTxNotCoinbase, []*wire.MsgTx{pay(reward)}, func(b *wire.MsgBlock) {
			b.Transactions[0], b.Transactions[1] = b.Transactions[1], b.Transactions[0]
		}},
		{"CVE-2018-17144 input twice", blockchain.ErrDuplicateTxInputs, []*wire.MsgTx{twice}, nil},
		{"null input", blockchain.ErrBadTxInput, []*wire.MsgTx{null}, nil},
		{"no input", blockchain.ErrNoTxInputs, []*wire.MsgTx{empty}, nil},
		{"no output", blockchain.ErrNoTxOutputs, []*wire.MsgTx{pay()}, nil},
		{"negative value", blockchain.ErrBadTxOutValue, []*wire.MsgTx{pay(-1)}, nil},
		{"value above all there is", blockchain.ErrBadTxOutValue, []*wire.MsgTx{pay(most + 1)}, nil},
		{"all there is", blockchain.ErrSpendTooHigh, []*wire.MsgTx{pay(most)}, nil},
		{"sum above all there is", blockchain.ErrBadTxOutValue, []*wire.MsgTx{pay(most, 1)}, nil},
		{"CVE-2010-5139 sum that overflows", blockchain.ErrBadTxOutValue, []*wire.MsgTx{pay(math.MaxInt64, math.MaxInt64)}, nil},
		{"coinbase of a negative value", blockchain.ErrBadTxOutValue, nil, commit(func(tx *wire.MsgTx) { tx.TxOut[0].Value = -1 })},
		{"fee claimed", good, []*wire.MsgTx{pay(reward - 5)}, nil},
		{"fee claimed twice", blockchain.ErrBadCoinbaseValue, []*wire.MsgTx{pay(reward - 5)}, commit(func(tx *wire.MsgTx) { tx.TxOut[0].Value += 5 })},
		{"weight of 4,000,000", good, nil, full(blockchain.MaxBlockWeight)},
		{"weight of 4,000,001", blockchain.ErrBlockWeightTooHigh, nil, full(blockchain.MaxBlockWeight + 1)},
		{"1,000,001 bytes without witnesses", blockchain.ErrBlockTooBig, nil, commit(func(tx *wire.MsgTx) {
			tx.AddTxOut(&wire.TxOut{PkScript: make([]byte, 1_000_001)})
		})},
		{"20,000 signature operations", good, nil, checks(20_000)},
		{"20,001 signature operations", blockchain.ErrTooManySigOps, nil, checks(20_001)},
		{"20,000 and one in a witness", blockchain.ErrTooManySigOps, []*wire.MsgTx{signed}, checks(20_000)},
		{"19,999 and one in a witness", good, []*wire.MsgTx{signed}, checks(19_999)},
		{"BIP141 no commitment, no witness", good, []*wire.MsgTx{pay(reward)}, commit(func(tx *wire.MsgTx) {
			tx.TxOut, tx.TxIn[0].Witness = tx.TxOut[:1], nil
		})},
		{"BIP141 nonce without a commitment", blockchain.ErrUnexpectedWitness, nil, commit(func(tx *wire.MsgTx) { tx.TxOut = tx.TxOut[:1] })},
		{"BIP141 no nonce", blockchain.ErrInvalidWitnessCommitment, nil, commit(func(tx *wire.MsgTx) { tx.TxIn[0].Witness = nil })},
		{"BIP141 nonce of 31 bytes", blockchain.ErrInvalidWitnessCommitment, nil, commit(func(tx *wire.MsgTx) { tx.TxIn[0].Witness[0] = make([]byte, 31) })},
		{"BIP141 two nonces", blockchain.ErrInvalidWitnessCommitment, nil, commit(func(tx *wire.MsgTx) {
			tx.TxIn[0].Witness = append(tx.TxIn[0].Witness, make([]byte, 32))
		})},
		{"BIP141 other nonce", blockchain.ErrWitnessCommitmentMismatch, nil, commit(func(tx *wire.MsgTx) { tx.TxIn[0].Witness[0][3]++ })},
		{"BIP141 wrong commitment before the right one", good, nil, commit(func(tx *wire.MsgTx) {
			wrong := *tx.TxOut[1]
			wrong.PkScript = bytes.Clone(wrong.PkScript)
			wrong.PkScript[20]++
			tx.TxOut = []*wire.TxOut{tx.TxOut[0], &wrong, tx.TxOut[1]}
		})},
		{"BIP141 wrong commitment after the right one", blockchain.ErrWitnessCommitmentMismatch, nil, commit(func(tx *wire.MsgTx) {
			wrong := *tx.TxOut[1]
			wrong.PkScript = bytes.Clone(wrong.PkScript)
			wrong.PkScript[20]++
			tx.AddTxOut(&wrong)
		})},
		{"BIP141 commitment with more behind it", good, nil, commit(func(tx *wire.MsgTx) { tx.TxOut[1].PkScript = append(tx.TxOut[1].PkScript, 1, 2, 3) })},
		{"BIP141 commitment of 37 bytes is none", blockchain.ErrUnexpectedWitness, nil, commit(func(tx *wire.MsgTx) { tx.TxOut[1].PkScript = tx.TxOut[1].PkScript[:37] })},
	} {
		t.Run(x.name, func(t *testing.T) {
			if x.edit == nil {
				x.edit = func(*wire.MsgBlock) {}
			}
			verdict(t, c, edited(t, c, x.edit, x.txs...), x.want)
		})
	}
}

func TestBlockWithoutTransactionsIsRefused(t *testing.T) {
	c := chaintest.New(t)
	b := chaintest.BlockOn(t, c, c.Tip(), anyone, 0)
	b.Transactions = nil
	verdict(t, c, b, blockchain.ErrNoTransactions)
	if _, err := c.ProcessBlock(t.Context(), b); !consensus.Is(err, blockchain.ErrNoTransactions) {
		t.Error(err)
	}
}

// recommit makes a block's witness commitment anew.
func recommit(b *wire.MsgBlock) {
	b.Transactions[0].TxOut = b.Transactions[0].TxOut[:1]
	consensus.CommitWitnesses(b)
}
