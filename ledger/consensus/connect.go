package consensus

import (
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
)

// Effect is what a valid block does to the money and the coins. Issued + what was held before = Burned + what is held
// after.
type Effect struct {
	// Fees is what its transactions pay.
	Fees amount.Amount
	// Issued is the part of the subsidy that the coinbase claims.
	Issued amount.Amount
	// Burned is what goes to outputs that nobody can ever spend, and fees that the coinbase leaves unclaimed.
	Burned amount.Amount
	// Minted is what the coinbase pays to outputs that can be spent, once mature.
	Minted amount.Amount
	// Spent are the coins spent, in the order of the inputs, the coinbase's aside.
	Spent []*blockchain.UtxoEntry
}

// Gather collects the coins a block at this height spends, asking lookup for those that it does not make itself. A coin
// that lookup does not know (nil) is left out; Connect then refuses the block.
func Gather(b *btcutil.Block, height int32, lookup func(wire.OutPoint) (*blockchain.UtxoEntry, error)) (*blockchain.UtxoViewpoint, error) {
	view, txs := blockchain.NewUtxoViewpoint(), b.Transactions()
	coins, at := view.Entries(), make(map[chainhash.Hash]int, len(txs))
	for i, tx := range txs {
		if i > 0 {
			for _, in := range tx.MsgTx().TxIn {
				o := in.PreviousOutPoint
				if j, earlier := at[o.Hash]; earlier {
					view.AddTxOut(txs[j], o.Index, height)
					continue
				}
				coin, err := lookup(o)
				if err != nil {
					return nil, err
				}
				if coin != nil {
					coins[o] = coin.Clone()
				}
			}
		}
		at[*tx.Hash()] = i
	}
	return view, nil
}

// Connect checks a block as the child of parent against the coins it spends, which Gather collected, and marks them
// spent: they exist, are mature (CoinbaseMaturity) and unlocked (BIP68), signature operations are within bounds, and
// nobody is paid more than there is. Scripts are CheckScripts' to run.
func Connect(p *Params, b *btcutil.Block, parent blockchain.HeaderCtx, view *blockchain.UtxoViewpoint) (e Effect, err error) {
	txs, height := b.Transactions(), parent.Height()+1
	cost := 0
	for i, tx := range txs {
		c, err := blockchain.GetSigOpCost(tx, i == 0, view, true, true)
		if err != nil {
			return e, err
		}
		if cost += c; cost > blockchain.MaxBlockSigOpsCost {
			return e, Rule(blockchain.ErrTooManySigOps, "signature operations cost %d, exceeding %d", cost, blockchain.MaxBlockSigOpsCost)
		}
	}
	median := blockchain.CalcPastMedianTime(parent)
	var fees int64 // each is at most 21 million coins, and a block has fewer than 2^17 transactions: cannot overflow
	for _, tx := range txs[1:] {
		fee, err := blockchain.CheckTransactionInputs(tx, height, view, p.Params)
		if err != nil {
			return e, err
		}
		fees += fee
		lock, err := SequenceLock(tx.MsgTx(), view, parent)
		if err != nil {
			return e, err
		}
		if !blockchain.SequenceLockActive(lock, height, median) {
			return e, Rule(blockchain.ErrUnfinalizedTx, "transaction %v is locked until height %d, median time %d (BIP68); this is %d, %d",
				tx.Hash(), lock.BlockHeight+1, lock.Seconds+1, height, median.Unix())
		}
		for _, in := range tx.MsgTx().TxIn {
			coin := view.LookupEntry(in.PreviousOutPoint)
			e.Spent = append(e.Spent, coin)
			coin.Spend()
		}
	}
	return e, e.count(p, txs, fees, height)
}

// count fills in the sums, checking what the coinbase claims.
func (e *Effect) count(p *Params, txs []*btcutil.Tx, fees int64, height int32) error {
	var paid int64
	for i, tx := range txs {
		for _, out := range tx.MsgTx().TxOut {
			lost := Unspendable(out.PkScript)
			if lost {
				e.Burned += amount.Amount(out.Value)
			}
			if i == 0 {
				paid += out.Value
				if !lost {
					e.Minted += amount.Amount(out.Value)
				}
			}
		}
	}
	if subsidy := p.Subsidy(height); paid > subsidy+fees {
		return Rule(blockchain.ErrBadCoinbaseValue, "coinbase pays %d, exceeding subsidy %d and fees %d", paid, subsidy, fees)
	}
	e.Fees = amount.Amount(fees)
	e.Issued = amount.Amount(max(paid-fees, 0))
	e.Burned += amount.Amount(max(fees-paid, 0))
	return nil
}

// Unspendable says whether an output with this script can never be spent, so that it does not become a coin. It is what
// Bitcoin Core takes for that, and not btcd's wider idea of it (txscript.IsUnspendable), which has scripts that do not
// parse as well: the coins of a chain are to be the same here as there.
func Unspendable(script []byte) bool {
	return len(script) > 0 && script[0] == txscript.OP_RETURN || len(script) > txscript.MaxScriptSize
}
