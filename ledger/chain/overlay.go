package chain

import (
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// overlay is the coins that a change of tip makes and spends, over those of the database.
type overlay struct {
	base    *store
	changed map[wire.OutPoint]change
}

func newOverlay(s *store) *overlay {
	return &overlay{base: s, changed: map[wire.OutPoint]change{}}
}

// change is a coin made, or spent if nil.
type change struct {
	coin *blockchain.UtxoEntry
	// fresh says that the database does not hold the coin: spending it leaves nothing to write.
	fresh bool
}

func (ov *overlay) coin(o wire.OutPoint) (*blockchain.UtxoEntry, error) {
	if ch, ok := ov.changed[o]; ok {
		return ch.coin, nil
	}
	return ov.base.coin(o)
}

func (ov *overlay) spend(o wire.OutPoint) {
	if ov.changed[o].fresh {
		delete(ov.changed, o)
	} else {
		ov.changed[o] = change{}
	}
}

// connect spends a valid block's inputs and adds its outputs.
func (ov *overlay) connect(n *node, b *btcutil.Block) {
	for i, tx := range b.Transactions() {
		if i > 0 {
			for _, in := range tx.MsgTx().TxIn {
				ov.spend(in.PreviousOutPoint)
			}
		}
		for j, out := range tx.MsgTx().TxOut {
			if consensus.Unspendable(out.PkScript) {
				continue
			}
			o := wire.OutPoint{Hash: *tx.Hash(), Index: uint32(j)}
			_, had := ov.changed[o] // made by the chain that is being left, too
			ov.changed[o] = change{blockchain.NewUtxoEntry(out, n.height, i == 0), !had}
		}
	}
}

// disconnect takes a block back that spent these coins.
func (ov *overlay) disconnect(b *btcutil.Block, spent []*blockchain.UtxoEntry) {
	msg := b.MsgBlock()
	for i := len(msg.Transactions) - 1; i >= 0; i-- {
		tx, hash := msg.Transactions[i], *b.Transactions()[i].Hash()
		for j := range tx.TxOut {
			ov.changed[wire.OutPoint{Hash: hash, Index: uint32(j)}] = change{}
		}
		if i == 0 {
			break
		}
		for k := len(tx.TxIn) - 1; k >= 0; k-- {
			ov.changed[tx.TxIn[k].PreviousOutPoint] = change{coin: spent[len(spent)-1]}
			spent = spent[:len(spent)-1]
		}
	}
}

// overwrites tells apart from a block that spends what is not there one that repeats a transaction whose outputs are
// unspent (BIP30). With the height in every coinbase (BIP34) no transaction can come twice unless its inputs do, so that
// there is no need to look before that fails.
func (ov *overlay) overwrites(b *btcutil.Block, missing error) error {
	for _, tx := range b.Transactions() {
		for j := range tx.MsgTx().TxOut {
			c, err := ov.coin(wire.OutPoint{Hash: *tx.Hash(), Index: uint32(j)})
			if err != nil {
				return err
			}
			if c != nil {
				return consensus.Rule(blockchain.ErrOverwriteTx, "transaction %v has unspent outputs from height %d already", tx.Hash(), c.BlockHeight())
			}
		}
	}
	return missing
}
