package nodetest

import (
	"errors"
	"time"

	"funai/amount"
	"funai/ledger/wallet"
	"funai/node"
)

// giftEvery is after how many ledger blocks a member that still lacks coins is given more: the first must have arrived.
const giftEvery = 8

// fund sends the members what they need on the ledger from the first miner's coins, as a friend would.
func (n *Net) fund() {
	given := map[string]int32{} // ledger height of the last gift
	for at := int32(-1); n.ctx.Err() == nil; {
		select {
		case <-n.ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
		err := n.Members[0].Use(func(miner *node.Node) error {
			height := miner.LedgerHeight()
			if height == at {
				return nil
			}
			at = height
			return n.gifts(miner, height, given)
		})
		if err != nil && !errors.Is(err, wallet.ErrFunds) && n.ctx.Err() == nil { // the next block brings more funds
			n.t.Log("gifts:", err)
		}
	}
}

func (n *Net) gifts(miner *node.Node, height int32, given map[string]int32) error {
	for _, m := range n.Members[1:] {
		var need amount.Amount
		err := m.Use(func(nd *node.Node) error {
			lacks, err := nd.Lacks()
			if err != nil {
				return err
			}
			b := nd.LedgerBalance()
			if has := b.Confirmed - min(b.Spending, b.Confirmed) + b.Unconfirmed; has < lacks+purse/2 {
				need = lacks + purse - has
			}
			return nil
		})
		if err != nil {
			return err
		}
		if last, ok := given[m.Name]; need == 0 || ok && height < last+giftEvery {
			continue
		}
		if err := miner.Pay(n.ctx, m.Hash(), need); err != nil {
			return err
		}
		given[m.Name] = height
	}
	return nil
}
