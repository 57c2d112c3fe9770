package consensus

import (
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// CheckBlock checks a block by itself: its header as CheckHeader does, the form of its transactions, the merkle root,
// size and signature operations.
func CheckBlock(p *Params, b *btcutil.Block, now time.Time) error {
	return blockchain.CheckBlockSanity(b, p.PowLimit, clock(now))
}

// CheckTemplate is CheckBlock for a block whose work is still to be done.
func CheckTemplate(b *btcutil.Block, now time.Time) error {
	const anyHash = 0x217fffff // a target above every 256-bit hash
	easy := *b.MsgBlock()
	easy.Header.Bits = anyHash
	return blockchain.CheckBlockSanity(btcutil.NewBlock(&easy), new(big.Int).Lsh(big.NewInt(1), 264), clock(now))
}

// CheckBlockContext checks a block as the child of parent, but for its header (CheckHeaderContext) and the coins it
// spends (Connect): final transactions (BIP113), the height in its coinbase (BIP34), the witness commitment (BIP141)
// and the weight.
func CheckBlockContext(b *btcutil.Block, parent blockchain.HeaderCtx) error {
	height, median := parent.Height()+1, blockchain.CalcPastMedianTime(parent)
	for _, tx := range b.Transactions() {
		if !blockchain.IsFinalizedTransaction(tx, height, median) {
			return Rule(blockchain.ErrUnfinalizedTx, "transaction %v with lock time %d is not final at height %d, median time %d",
				tx.Hash(), tx.MsgTx().LockTime, height, median.Unix())
		}
	}
	if err := blockchain.CheckSerializedHeight(b.Transactions()[0], height); err != nil {
		return err
	}
	if err := blockchain.ValidateWitnessCommitment(b); err != nil {
		return err
	}
	if w := blockchain.GetBlockWeight(b); w > blockchain.MaxBlockWeight {
		return Rule(blockchain.ErrBlockWeightTooHigh, "block weight %d exceeds %d", w, blockchain.MaxBlockWeight)
	}
	return nil
}

// Committed says whether the header stands for exactly these bytes, so that a fault in them condemns the header. It does
// not when someone else may have altered the body under the same hash: by doubling transactions (CVE-2012-2459), by
// passing inner nodes of the merkle tree off as transactions (which then lack a coinbase), or by changing witnesses.
func Committed(b *btcutil.Block) bool {
	txs := b.Transactions()
	if len(txs) == 0 || !blockchain.IsCoinBase(txs[0]) {
		return false
	}
	seen := make(map[chainhash.Hash]struct{}, len(txs))
	for _, tx := range txs {
		if _, twice := seen[*tx.Hash()]; twice {
			return false
		}
		seen[*tx.Hash()] = struct{}{}
	}
	return blockchain.CalcMerkleRoot(txs, false) == b.MsgBlock().Header.MerkleRoot &&
		blockchain.ValidateWitnessCommitment(b) == nil
}

// CommitWitnesses gives a new block's coinbase the commitment to its witnesses that BIP141 asks for. Call it when the
// transactions are complete, before the merkle root is set.
func CommitWitnesses(b *wire.MsgBlock) {
	var nonce [blockchain.CoinbaseWitnessDataLen]byte
	coinbase := b.Transactions[0]
	coinbase.TxIn[0].Witness = wire.TxWitness{nonce[:]}
	root := blockchain.CalcMerkleRoot(btcutil.NewBlock(b).Transactions(), true)
	sum := chainhash.DoubleHashB(append(root[:], nonce[:]...))
	coinbase.AddTxOut(&wire.TxOut{PkScript: append(append([]byte{}, blockchain.WitnessMagicBytes...), sum...)})
}
