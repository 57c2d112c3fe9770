// Package producer stands for election: it registers a VRF key on the ledger and commits FAI to the verification nodes
// for each ledger block. What an elected node then does with its tenure is package round's part. It may import chain,
// sortition and the ledger's wire types. Stages: FUN AI whitepaper, section 5.
package producer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/chain"
	"funai/inference/sortition"
	"funai/key"
	"funai/vrf"
)

// Wallet pays for operations. The first input of what it sends spends P2WPKH of the acting key.
type Wallet interface {
	Send(ctx context.Context, outs []*wire.TxOut, feeRate amount.Amount) (*wire.MsgTx, error)
}

// Intervals.
const (
	// certifyWait is how long a commit waits for the present tenure's first block, to name it and not the one before. A
	// commit that comes too late for its ledger block is money lost, so it is well under any network's spacing.
	certifyWait = 600 * time.Millisecond
	// registerAgain is after how many ledger blocks a registration that did not show up is sent again.
	registerAgain = 6
)

// Config says who stands, and for how much.
type Config struct {
	Key    *key.Private
	Prover *vrf.PrivateKey
	Chain  *chain.Chain
	Wallet Wallet
	Bid    func() amount.Amount // to commit for each ledger block, in base units; 0 is to stand aside
	Logger *slog.Logger
}

// Producer is a candidate.
type Producer struct {
	Config
	me      key.Hash160
	reg     *sortition.Registration
	scanned uint32 // ledger height up to which registrations were looked for
	asked   uint32 // ledger height at which one was sent
	bid     uint32 // ledger height for which the last commit was sent
}

// New makes a candidate.
func New(cfg Config) *Producer {
	return &Producer{Config: cfg, me: cfg.Key.Public().Hash160()}
}

// Run stands for every election until the context ends.
func (p *Producer) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		moved := p.Chain.Changed()
		wait, err := p.step(ctx)
		if err != nil && ctx.Err() == nil {
			// Without funds, say: there will be another election.
			p.Logger.Debug("not standing for election", "err", err)
		}
		var due <-chan time.Time
		if wait > 0 {
			timer.Reset(wait)
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		case <-due:
		}
	}
}

// step does what is due now and says when to look again, if not before the chain moves.
func (p *Producer) step(ctx context.Context) (wait time.Duration, err error) {
	at := p.Chain.Followed()
	if at.Height < 1 || p.bid > uint32(at.Height) {
		return 0, nil
	}
	height := uint32(at.Height)
	last, err := p.Chain.Election(height)
	if err != nil {
		return 0, err
	}
	if err := p.find(height); err != nil {
		return 0, err
	}
	if p.reg == nil {
		return 0, p.register(ctx, last)
	}
	set, err := p.Chain.Set(height + 1)
	if err != nil {
		return 0, err
	}
	tip := p.Chain.TipInfo()
	if since := time.Since(last.Time); !set.Bootstrap() && tip.Tenure.Hash != last.Hash && last.Winner >= 0 && since < certifyWait {
		return certifyWait - since, nil
	}
	return 0, p.commit(ctx, height+1, tip, set)
}

// find looks for this key's registration in the ledger blocks not looked at yet.
func (p *Producer) find(height uint32) error {
	if p.reg != nil {
		s, err := p.Chain.Election(p.reg.Height)
		if err == nil && has(s, *p.reg) {
			return nil
		}
		p.reg, p.scanned = nil, 0 // reorganized away
	}
	for h := p.scanned + 1; h <= height; h++ {
		s, err := p.Chain.Election(h)
		if err != nil {
			return err
		}
		for _, r := range s.Registrations {
			if r.Actor == p.me && r.VRF == p.Prover.Public() && r.Signer == p.me {
				p.reg = &r
			}
		}
	}
	p.scanned = height
	return nil
}

func has(s *sortition.Snapshot, want sortition.Registration) bool {
	for _, r := range s.Registrations {
		if r == want {
			return true
		}
	}
	return false
}

func (p *Producer) register(ctx context.Context, last *sortition.Snapshot) error {
	if p.asked != 0 && last.Height < p.asked+registerAgain && last.Height >= p.asked {
		return nil
	}
	script := sortition.RegisterScript(sortition.RegisterData{ConsensusHash: last.ConsensusHash, VRF: p.Prover.Public(), Signer: p.me})
	if _, err := p.Wallet.Send(ctx, []*wire.TxOut{wire.NewTxOut(0, script)}, 0); err != nil {
		return fmt.Errorf("registration: %w", err)
	}
	p.asked = last.Height
	p.Logger.Info("registered for elections", "height", last.Height)
	return nil
}

// commit stands for the election of the next ledger block, building on the tip.
func (p *Producer) commit(ctx context.Context, height uint32, tip chain.Info, set sortition.CycleSet) error {
	bid := p.Bid()
	if bid == 0 || set.IsBanned(p.me) {
		return nil
	}
	outs, err := sortition.CommitOutputs(sortition.CommitData{Block: tip.ID, Seed: tip.Seed, RegHeight: p.reg.Height, RegIndex: p.reg.Index,
		ParentHeight: tip.CommitH, ParentIndex: tip.CommitI, Intended: sortition.Intended(height)}, set, bid)
	if err != nil {
		return err
	}
	if _, err := p.Wallet.Send(ctx, outs, 0); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	p.bid = height
	return nil
}
