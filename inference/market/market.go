// Package market is where servers say what they offer and askers find them: signed offers, gossiped and kept for a while.
// It may import codec, key and p2p's errors; it knows no chain. Models are named by the chain's 32-bit model type.
package market

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"funai/amount"
	"funai/inference/codec"
	"funai/key"
)

// Topic is where offers are gossiped.
const Topic = "offer"

// Bounds.
const (
	MaxOfferBytes = 4 << 10
	maxModels     = 64
	maxOffers     = 4096
	// Every is how often a server repeats its offer, and Lifetime how long one is believed.
	Every    = 3 * time.Second
	Lifetime = 4 * Every
	// minGap is the least time between two offers of a server, which repeats its first hurried ones so fast: sooner ones
	// are not passed on.
	minGap  = Every / 8
	hurried = 8
)

// ErrOffer says that an offer is malformed, old or not signed by its server.
var ErrOffer = errors.New("bad offer")

// Offer is a server's word on what it serves at present.
type Offer struct {
	_         struct{} `cbor:",toarray"`
	ChainID   uint32
	Server    key.Public
	Models    []Model
	Queue     uint32 // requests waiting or running
	Time      uint64 // milliseconds since 1970
	Signature key.Signature
}

// Model is one model that a server runs.
type Model struct {
	_        struct{} `cbor:",toarray"`
	Type     uint32
	GasPrice amount.Amount // the least it takes, in base units
	Context  uint32        // tokens of prompt and answer together
}

func (o Offer) hash() [32]byte {
	o.Signature = key.Signature{}
	return sha256.Sum256(append([]byte("funai/offer/"), codec.Encode(o)...))
}

// Sign signs the offer as its server.
func (o *Offer) Sign(k *key.Private) {
	o.Server = k.Public()
	o.Signature = k.Sign(o.hash())
}

// Board keeps the latest offer of each server. It is safe for concurrent use.
type Board struct {
	chainID uint32
	trusts  func(key.Hash160) bool
	mu      sync.Mutex
	offers  map[key.Public]kept
	changed chan struct{}
}

type kept struct {
	Offer
	until time.Time
}

// NewBoard makes an empty board of a chain. It keeps the offers of servers that trusts says can answer for their results,
// so that keys made for nothing can't fill it; nil is all.
func NewBoard(chainID uint32, trusts func(key.Hash160) bool) *Board {
	if trusts == nil {
		trusts = func(key.Hash160) bool { return true }
	}
	return &Board{chainID: chainID, trusts: trusts, offers: map[key.Public]kept{}, changed: make(chan struct{})}
}

// Receive takes in an offer from the network.
func (b *Board) Receive(raw []byte) error {
	var o Offer
	if err := codec.Decode(raw, MaxOfferBytes, &o); err != nil {
		return fmt.Errorf("%w: %w", ErrOffer, err)
	}
	if o.ChainID != b.chainID || len(o.Models) > maxModels {
		return fmt.Errorf("%w: chain %#x and %d models, not %#x and at most %d", ErrOffer, o.ChainID, len(o.Models), b.chainID, maxModels)
	}
	if err := o.Server.Verify(o.hash(), o.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrOffer, err)
	}
	if h := o.Server.Hash160(); !b.trusts(h) {
		return fmt.Errorf("%w: %v has no bond to answer with", ErrOffer, h)
	}
	return b.Put(o)
}

// Put keeps an offer that is newer than the one known.
func (b *Board) Put(o Offer) error {
	now := time.Now()
	if at := time.UnixMilli(int64(o.Time)); at.After(now.Add(Lifetime)) || at.Before(now.Add(-Lifetime)) {
		return fmt.Errorf("%w: made at %v, it is %v", ErrOffer, at, now)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now)
	if old, ok := b.offers[o.Server]; ok && o.Time < old.Time+uint64(minGap.Milliseconds()) {
		return fmt.Errorf("%w: made at %d, another was at %d", ErrOffer, o.Time, old.Time)
	}
	if _, ok := b.offers[o.Server]; !ok && len(b.offers) >= maxOffers {
		return fmt.Errorf("%w: %d servers are known, no more are kept", ErrOffer, maxOffers)
	}
	b.offers[o.Server] = kept{o, now.Add(Lifetime)}
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

func (b *Board) sweep(now time.Time) {
	for k, o := range b.offers {
		if now.After(o.until) {
			delete(b.offers, k)
		}
	}
}

// Changed is closed when an offer comes next.
func (b *Board) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Offers returns what is offered now, in the order of the servers' keys.
func (b *Board) Offers() []Offer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(time.Now())
	out := make([]Offer, 0, len(b.offers))
	for _, o := range b.offers {
		out = append(out, o.Offer)
	}
	slices.SortFunc(out, func(x, y Offer) int { return slices.Compare(x.Server[:], y.Server[:]) })
	return out
}

// Of returns the offer of a model in an offer.
func (o Offer) Of(model uint32) (Model, bool) {
	for _, m := range o.Models {
		if m.Type == model {
			return m, true
		}
	}
	return Model{}, false
}

// Publisher is what announcing asks of the network.
type Publisher interface {
	Publish(ctx context.Context, topic string, data []byte) error
}

// Announce repeats an offer, made anew each time, until the context ends.
func Announce(ctx context.Context, n Publisher, b *Board, k *key.Private, offer func() Offer) error {
	for i := 0; ; i++ {
		o := offer()
		o.ChainID, o.Time = b.chainID, uint64(time.Now().UnixMilli())
		o.Sign(k)
		_ = b.Put(o)                               // our own; should it not fit here, others may have room
		_ = n.Publish(ctx, Topic, codec.Encode(o)) // lost or not, the next one follows soon
		// The first ones may come before the network's meshes stand, and pass by those who should hear them.
		pause := Every
		if i < hurried {
			pause = minGap
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
