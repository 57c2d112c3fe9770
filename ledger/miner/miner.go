// Package miner makes blocks: templates by fee rate, proof of work on the processor, and a loop that mines for development
// and test networks. It may import ledger/chain, ledger/consensus and ledger/mempool. Its rules are those of
// the chain; the choice of transactions by the fee rate of a transaction with its unconfirmed ancestors is Bitcoin
// Core's.
package miner

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/mempool"
)

// Miner mines on the chain's tip. Set its fields before Run.
type Miner struct {
	Chain *chain.Chain
	Pool  Source // nil mines empty blocks
	// PayTo is the output script that receives subsidy and fees.
	PayTo []byte
	// Interval is the least time from a change of the tip to this miner's next block. It is asked anew for every block,
	// so that a network can hurry; nil is no wait. Several miners on a network of trivial difficulty want different
	// intervals, or they find rival blocks at every height.
	Interval func() time.Duration
	// Workers is the number of processor cores that search; 0 is one.
	Workers int
	Logger  *slog.Logger
}

const (
	// pauseOnError is how long Run waits before it tries again after the chain's store has failed.
	pauseOnError = time.Second
	// maxTemplateAge is how long a template is worked on before one with the transactions that came since, and the time,
	// takes its place.
	maxTemplateAge = 30 * time.Second
)

// Run mines until ctx ends. It waits Interval, makes a template, so that transactions that came late are in it, and
// grinds; whenever the tip changes it begins again.
func (m *Miner) Run(ctx context.Context) error {
	log := m.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	for ctx.Err() == nil {
		changed := m.Chain.Changed()
		var wait time.Duration
		if m.Interval != nil {
			wait = m.Interval()
		}
		if !sleep(ctx, wait, changed) {
			continue
		}
		b, err := m.mine(ctx, changed, log)
		early, tooEarly := errors.AsType[*EarlyError](err)
		switch {
		case tooEarly:
			sleep(ctx, early.Wait, changed)
		case errors.Is(err, errOldTemplate), errors.Is(err, mempool.ErrBusy):
		case err != nil && ctx.Err() == nil && !isClosed(changed):
			log.Error("mining failed", "err", err)
			sleep(ctx, pauseOnError, changed)
		case b != nil:
			log.Debug("mined", "block", b.BlockHash(), "transactions", len(b.Transactions))
		}
	}
	return nil
}

// mine makes one block and gives it to the chain. It stops when changed closes.
func (m *Miner) mine(ctx context.Context, changed <-chan struct{}, log *slog.Logger) (*wire.MsgBlock, error) {
	b, err := Template(m.Chain, m.Pool, m.PayTo, time.Now())
	if _, invalid := errors.AsType[*InvalidError](err); invalid && !isClosed(changed) {
		// A transaction that the pool let in spoils the block. An empty block keeps the chain going.
		log.Error("mining without transactions", "err", err)
		b, err = Template(m.Chain, nil, m.PayTo, time.Now())
	}
	if err != nil {
		return nil, err
	}
	if err := m.solve(ctx, b, changed); err != nil {
		return nil, err
	}
	_, err = m.Chain.ProcessBlock(ctx, b)
	return b, err
}

// solve finds a block's proof of work. It stops when changed closes, and when the template is too old.
func (m *Miner) solve(ctx context.Context, b *wire.MsgBlock, changed <-chan struct{}) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTemplateAge, errOldTemplate)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := SolveOn(ctx, b, m.Workers)
	if err != nil && errors.Is(context.Cause(ctx), errOldTemplate) {
		err = errOldTemplate
	}
	cancel()
	<-watched
	return err
}

var errOldTemplate = errors.New("template is too old")

// sleep waits for d and says whether it did: false when ctx ended or changed closed before.
func sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-changed:
		return false
	case <-ctx.Done():
		return false
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func isRule(err error) bool {
	var rule blockchain.RuleError
	return errors.As(err, &rule)
}
