// Package wallet holds and spends the coins of one key on the ledger, the one that a node of the inference layer has; the
// wallet of a person, with many keys from recovery words, is package hd below it. The key's one address is P2WPKH
// (BIP-141). It may import key, amount, ledger/chain and ledger/mempool. It stores nothing: what it knows it reads from the chain and the
// pool, and a snapshot (Options.Snapshot) only spares it reading the whole chain again.
package wallet

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/mempool"
)

// Pool is what a wallet needs of the node's mempool.
type Pool interface {
	Accept(tx *wire.MsgTx) ([]*chainhash.Hash, error)
	UpdatesSince(seq uint64, watched []chainhash.Hash) mempool.Updates
	Changed() <-chan struct{}
	Info() mempool.Info
}

var _ Pool = (*mempool.Pool)(nil)

// ErrFunds says that a wallet has too little; the error is a *FundsError. ErrInputs says that the sum takes more coins
// than fit into one transaction; ErrOutput that an output asked for is none.
var (
	ErrFunds  = errors.New("insufficient funds")
	ErrInputs = errors.New("too many small coins")
	ErrOutput = errors.New("bad output")
)

// FundsError tells what a payment needs, fee included, and what can be spent now, in base units.
type FundsError struct{ Have, Need amount.Amount }

// Error names both sums.
func (e *FundsError) Error() string {
	return fmt.Sprintf("%v: have %v FAI, need %v FAI", ErrFunds, e.Have, e.Need)
}

// Unwrap makes errors.Is(err, ErrFunds) true.
func (e *FundsError) Unwrap() error { return ErrFunds }

// Options is what may be chosen about a wallet. The zero value is usable.
type Options struct {
	// Snapshot is a file in which Close leaves what the wallet knows, for a faster start; empty for none.
	Snapshot string
	Logger   *slog.Logger
}

// Wallet is one key's coins. Its methods may be called from any goroutine; each first follows the chain to its tip.
type Wallet struct {
	k      *key.Private
	script []byte
	c      *chain.Chain
	pool   Pool
	o      Options
	log    *slog.Logger

	mu    sync.Mutex
	at    chain.Index
	coins map[wire.OutPoint]coin // on the chain
	// resolving says that some coins' heights are unknown.
	resolving bool
	seq       uint64                            // of the pool
	queued    map[chainhash.Hash]*mempool.Entry // the pool's transactions that spend our coins or pay us
}

// coin is an output of ours on the chain.
type coin struct {
	value    amount.Amount
	height   int32 // unknown when a reorg brought the coin back and the chain has not been asked yet
	coinbase bool
}

const unknown = -1

// Open makes the wallet of a key over a chain and a pool. The first use of a wallet without a snapshot reads the whole
// chain.
func Open(k *key.Private, c *chain.Chain, pool Pool, o Options) *Wallet {
	w := &Wallet{k: k, script: k.Public().Hash160().LedgerScript(), c: c, pool: pool, o: o, log: o.Logger,
		coins: map[wire.OutPoint]coin{}, queued: map[chainhash.Hash]*mempool.Entry{}}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if err := w.load(); err != nil {
		w.log.Warn("wallet snapshot is of no use, reading the chain from its start", "err", err)
	}
	return w
}

// Close leaves a snapshot behind if one was asked for.
func (w *Wallet) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.save()
}

// Address is where the wallet is paid, for people.
func (w *Wallet) Address() string {
	return w.k.Public().Hash160().LedgerAddress(w.c.Params().Bech32HRPSegwit)
}

// Script is the output script that pays the wallet.
func (w *Wallet) Script() []byte { return append([]byte{}, w.script...) }

// Balance is a wallet's money in base units. Confirmed and Immature together are exactly the coins that the chain holds
// for the wallet's script.
type Balance struct {
	Confirmed amount.Amount // coins on the chain, those that the pool's transactions spend included
	Immature  amount.Amount // coinbases that the next block cannot spend yet
	// Spending is the part of Confirmed that transactions in the pool spend; Unconfirmed is what such transactions,
	// our own or others', pay to the wallet and do not spend again.
	Spending, Unconfirmed amount.Amount
}

// Total is what the wallet will have once the pool's transactions and coinbases have settled.
func (b Balance) Total() amount.Amount { return b.Confirmed - b.Spending + b.Unconfirmed + b.Immature }

// Balance counts the wallet's money as of the chain's tip.
func (w *Wallet) Balance() Balance {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.sync(); err != nil {
		w.log.Error("wallet cannot follow the chain", "err", err)
	}
	w.look()
	var b Balance
	spent := w.spentByPool()
	for o, c := range w.coins {
		switch {
		case !w.mature(c):
			b.Immature += c.value
		case spent[o]:
			b.Spending += c.value
			fallthrough
		default:
			b.Confirmed += c.value
		}
	}
	for _, u := range w.unconfirmed(spent) {
		b.Unconfirmed += u.value
	}
	return b
}

// mature says whether the next block may spend a coin.
func (w *Wallet) mature(c coin) bool {
	return !c.coinbase || w.at.Height+1-c.height >= int32(w.c.Params().CoinbaseMaturity)
}
