// Package funding keeps a node's money where its roles need it: stake for a seat, bond for serving, a balance for asking.
// It moves FAI up from the ledger by burning operations, and locks it. It may import chain, pool, sortition and the
// ledger's wire types.
package funding

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/chain"
	"funai/inference/pool"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
)

// Wallet pays for operations.
type Wallet interface {
	Send(ctx context.Context, outs []*wire.TxOut, feeRate amount.Amount) (*wire.MsgTx, error)
}

// Wants are what a node's roles need, in base units; each is topped up when it falls below.
type Wants struct {
	Stake   amount.Amount
	Bond    amount.Amount
	Balance amount.Amount
}

// Config says whose money.
type Config struct {
	Key    *key.Private
	Chain  *chain.Chain
	Pool   *pool.Pool
	Wallet Wallet
	Wants  Wants
	Logger *slog.Logger
}

// patience is after how many ledger blocks an operation whose effect did not show is done again. It covers its way into
// a block, the delay of mints, and the next tenure's start.
const patience = 15

// Run keeps the wants fulfilled until the context ends. Lack of ledger coins is waited out.
func Run(ctx context.Context, cfg Config) error {
	me := cfg.Key.Public().Hash160()
	var staked, minted, locked int32 = -patience, -patience, -patience
	for {
		moved := cfg.Chain.Changed()
		now := cfg.Chain.Followed().Height
		a, err := cfg.Chain.Account(me)
		if err != nil {
			return err
		}
		try := func(last *int32, what string, f func() error) {
			if now < *last+patience && now >= *last {
				return
			}
			if err := f(); err != nil {
				cfg.Logger.Debug("not funded yet", "what", what, "err", err)
				return
			}
			*last = now
			cfg.Logger.Info("funded", "what", what, "height", now)
		}
		if now > 0 && a.Stake < cfg.Wants.Stake {
			try(&staked, "stake", func() error {
				outs, err := sortition.StakeOutputs(me, cfg.Wants.Stake-a.Stake)
				if err != nil {
					return err
				}
				_, err = cfg.Wallet.Send(ctx, outs, 0)
				return err
			})
		}
		bond := lack(a.Bond, cfg.Wants.Bond)
		if bond > 0 && a.Balance >= bond+cfg.Chain.Params().MinFee {
			try(&locked, "bond", func() error { return lock(ctx, cfg, me, bond) })
		}
		// What the bond lacks has to come up first.
		want, err := amount.Sum(cfg.Wants.Balance, bond)
		if err != nil {
			return err
		}
		if bond > 0 {
			want += cfg.Chain.Params().MinFee
		}
		// Topped up at half, so that not every answer asks for an operation.
		if now > 0 && a.Balance < want && (bond > 0 || a.Balance < want/2) {
			try(&minted, "balance", func() error {
				outs, err := sortition.MintOutputs(me, want-a.Balance)
				if err != nil {
					return err
				}
				_, err = cfg.Wallet.Send(ctx, outs, 0)
				return err
			})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-time.After(time.Second):
		}
	}
}

func lack(have, want amount.Amount) amount.Amount {
	if have >= want {
		return 0
	}
	return want - have
}

func lock(ctx context.Context, cfg Config, me key.Hash160, v amount.Amount) error {
	nonce, err := cfg.Pool.NextNonce(me)
	if err != nil {
		return err
	}
	t := tx.New(cfg.Chain.Params().ChainID, &tx.Lock{Kind: tx.LockBond, Amount: v})
	t.Nonce, t.Fee = nonce, cfg.Chain.Params().MinFee
	t.Sign(cfg.Key)
	if err := cfg.Pool.Submit(ctx, t); err != nil {
		return fmt.Errorf("bond: %w", err)
	}
	return nil
}
