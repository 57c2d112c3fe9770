package node

import (
	"context"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/chain"
	"funai/inference/client"
	"funai/inference/execution"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
	ledger "funai/ledger/chain"
	"funai/ledger/wallet"
)

// LedgerAddr is where the node's ledger listens, as host:port; empty if it does not.
func (n *Node) LedgerAddr() string { return n.base.Addr() }

// Addrs are where the node's host listens, as multiaddrs with its id.
func (n *Node) Addrs() []string { return n.host.Addrs() }

// LedgerHeight is the height of the ledger's tip.
func (n *Node) LedgerHeight() int32 { return n.ledger.Tip().Height }

// LedgerChanged is closed when the ledger's tip changes next.
func (n *Node) LedgerChanged() <-chan struct{} { return n.ledger.Changed() }

// Changed is closed when the inference chain or its view of the ledger changes next.
func (n *Node) Changed() <-chan struct{} { return n.chain.Changed() }

// Chain is the node's inference chain.
func (n *Node) Chain() *chain.Chain { return n.chain }

// Ledger is the node's ledger.
func (n *Node) Ledger() *ledger.Chain { return n.ledger }

// Client asks the network with the node's key.
func (n *Node) Client() *client.Client { return n.client }

// LedgerBalance is what the node has on the ledger.
func (n *Node) LedgerBalance() wallet.Balance { return n.wallet.Balance() }

// Pay sends ledger coins to a key.
func (n *Node) Pay(ctx context.Context, to key.Hash160, v amount.Amount) error {
	_, err := n.wallet.Send(ctx, []*wire.TxOut{wire.NewTxOut(int64(v), to.LedgerScript())}, 0)
	return err
}

// Lacks is what the node's wants need from the ledger still.
func (n *Node) Lacks() (amount.Amount, error) {
	a, err := n.chain.Account(n.me)
	if err != nil {
		return 0, err
	}
	w := n.cfg.Wants
	lack := func(have, want amount.Amount) amount.Amount { return want - min(have, want) }
	// A balance is topped up at half, and a bond by way of the balance.
	balance := lack(a.Balance, w.Balance)
	if a.Balance >= w.Balance/2 {
		balance = 0
	}
	return amount.Sum(lack(a.Stake, w.Stake), lack(a.Bond, w.Bond), balance)
}

// Bonded is the node's bond.
func (n *Node) Bonded() (amount.Amount, error) {
	a, err := n.chain.Account(n.me)
	return a.Bond, err
}

// Bootstrap is how far a young network is, as this node sees it.
type Bootstrap struct {
	LedgerHeight int32
	Stakers      int
	Seats        int
	Servers      int           // that offer anything
	Balance      amount.Amount // of this node, on the inference layer
}

// Bootstrap looks at how far the network is.
func (n *Node) Bootstrap() (b Bootstrap, err error) {
	b.LedgerHeight = n.chain.Followed().Height
	err = n.chain.Read(func(r state.Reader) error {
		stakers, err := execution.StakersOf(r)
		if err != nil {
			return err
		}
		a, err := execution.AccountOf(r, n.me)
		b.Stakers, b.Balance = len(stakers), a.Balance
		return err
	})
	if err != nil || b.LedgerHeight < 0 {
		return b, err
	}
	set, err := n.chain.Set(uint32(b.LedgerHeight))
	if err != nil {
		return b, err
	}
	b.Seats, b.Servers = len(set.Seats), len(n.board.Offers())
	return b, nil
}

// HasContents says whether the node holds the contents of a task.
func (n *Node) HasContents(id tx.ID) bool { return len(n.contents.Hashes(id)) > 0 }
