package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"runtime/debug"
	"sort"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/inference/api"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/execution"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// source shows the node to the API and the page.
type source struct{ n *Node }

var _ api.Source = (*source)(nil)

// address is a key's inference address.
func address(h key.Hash160, version byte) string {
	return h.InferenceAddress(tx.AddressVersion(version))
}

func (s *source) addr(h key.Hash160) string {
	if h.IsZero() {
		return ""
	}
	return address(h, s.n.cfg.Network.Inference.Version)
}

func (s *source) ledgerAddr(h key.Hash160) string {
	return h.LedgerAddress(s.n.cfg.Network.Ledger.Bech32HRPSegwit)
}

func (s *source) parse(a string) (key.Hash160, error) {
	if h, err := key.ParseInferenceAddress(a, tx.AddressVersion(s.n.cfg.Network.Inference.Version)); err == nil {
		return h, nil
	}
	h, err := key.ParseLedgerAddress(a, s.n.cfg.Network.Ledger.Bech32HRPSegwit)
	if err != nil {
		return h, fmt.Errorf("%w: %q is an address of neither layer of this network", api.ErrRequest, a)
	}
	return h, nil
}

func millis(ms uint64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// version is the module's, as the binary knows it.
func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "unknown"
}

// Status implements api.Source.
func (s *source) Status(context.Context) (api.Status, error) {
	n, p := s.n, s.n.cfg.Network.Inference
	out := api.Status{Network: p.Name, Version: version(), Time: time.Now().UTC(), Names: map[string]string{}}
	tip := n.ledger.Tip()
	out.Ledger = api.LedgerTip{Height: uint32(max(tip.Height, 0)), Hash: tip.Hash.String(), BestHeader: uint32(max(n.ledger.BestHeader().Height, 0)),
		Peers: len(n.peers.Peers()), Mempool: n.mempool.Info().Count}
	if h, _, ok := n.ledger.Header(tip.Hash); ok {
		out.Ledger.Time = h.Timestamp.UTC()
	}
	i := n.chain.TipInfo()
	out.Inference = api.InferenceTip{Height: i.Height, ID: i.ID.String(), Time: millis(i.Time), LedgerHeight: i.Tenure.Height, Producer: s.addr(i.Producer), Certified: i.Certified}
	followed := uint32(max(n.chain.Followed().Height, 0))
	confirmed, err := s.lastOfTenure(followed - min(followed, p.Confirmations))
	if err != nil {
		return out, err
	}
	out.Inference.Confirmed = confirmed
	c := p.Sortition.Cycle(followed)
	out.Cycle = api.Cycle{Number: c, Length: p.Sortition.CycleLength, Prepare: p.Sortition.PrepareLength, Start: c * p.Sortition.CycleLength}
	set, err := n.chain.Set(followed)
	if err != nil && !errors.Is(err, chain.ErrUnknown) {
		return out, err
	}
	for _, seat := range set.Seats {
		out.Seats = append(out.Seats, api.Seat{Address: s.addr(seat.Address), Ledger: s.ledgerAddr(seat.Address), Stake: seat.Stake, Own: seat.Address == n.me})
	}
	for _, peer := range n.host.Peers() {
		out.Peers = append(out.Peers, api.Peer{Address: s.addr(peer.Hash160())})
	}
	for _, m := range n.offered() {
		_, own := n.cfg.Serve[m.Type]
		out.Models = append(out.Models, api.Model{ID: m.Name, PriceIn: m.price * execution.GasPerTokenIn, PriceOut: m.price * execution.GasPerTokenOut,
			Context: m.context, Servers: m.servers, Own: own, Hash: s.modelHash(m.Type)})
	}
	var stakers []execution.Staker
	if err := n.chain.Read(func(r state.Reader) error {
		var err error
		stakers, err = execution.StakersOf(r)
		return err
	}); err != nil {
		return out, err
	}
	out.Bootstrap = api.Bootstrap{Done: !set.Bootstrap(), Stakers: len(stakers), Needed: p.MinSeats, Wanted: p.Seats}
	out.Own = api.Own{Ledger: s.ledgerAddr(n.me), Inference: s.addr(n.me), Roles: s.roles(n.me, set)}
	for h, name := range n.cfg.Names {
		out.Names[s.addr(h)], out.Names[s.ledgerAddr(h)] = name, name
	}
	return out, nil
}

func (s *source) modelHash(t uint32) string {
	if e, ok := s.n.cfg.Serve[t]; ok {
		h := e.Info().Hash
		return hex.EncodeToString(h[:])
	}
	if j, ok := s.n.cfg.Judges[t]; ok {
		h := j.Engine.Info().Hash
		return hex.EncodeToString(h[:])
	}
	return ""
}

// roles says what a key is known to be.
func (s *source) roles(h key.Hash160, set sortition.CycleSet) (roles []string) {
	n := s.n
	if h == n.me && n.cfg.Mine {
		roles = append(roles, "miner")
	}
	for _, o := range n.board.Offers() {
		if o.Server.Hash160() == h {
			roles = append(roles, "server")
			break
		}
	}
	if t, _, err := n.chain.Latest(); err == nil && t != nil && t.Registration.Actor == h {
		roles = append(roles, "producer")
	}
	for _, seat := range set.Seats {
		if seat.Address == h {
			roles = append(roles, "verifier")
		}
	}
	return roles
}

// lastOfTenure is the height of the last inference block whose tenure was elected at a ledger height or before. Tenures
// grow along the chain, so a binary search finds it.
func (s *source) lastOfTenure(ledger uint32) (uint64, error) {
	tip := s.n.chain.Tip().Height
	var failed error
	i := sort.Search(int(tip), func(i int) bool {
		info, err := s.n.chain.InfoAt(uint64(i) + 1)
		if err != nil && !errors.Is(err, chain.ErrUnknown) { // unknown: reorganized away just now
			failed = err
		}
		return err != nil || info.Tenure.Height > ledger
	})
	return uint64(i), failed
}

// LedgerBlocks implements api.Source.
func (s *source) LedgerBlocks(_ context.Context, p api.Page) ([]api.LedgerBlock, error) {
	from := int64(s.n.ledger.Tip().Height)
	if p.Before > 0 {
		from = int64(min(uint64(from), p.Before-1))
	}
	var out []api.LedgerBlock
	for h := from; h >= 0 && len(out) < p.Limit; h-- {
		b, err := s.ledgerBlock(int32(h))
		if errors.Is(err, api.ErrNotFound) {
			continue // reorganized away just now
		}
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func (s *source) ledgerBlock(height int32) (api.LedgerBlock, error) {
	at, ok := s.n.ledger.IndexAt(height)
	if !ok {
		return api.LedgerBlock{}, fmt.Errorf("%w: ledger block %d", api.ErrNotFound, height)
	}
	b, err := s.n.ledger.Block(at.Hash)
	if err != nil {
		return api.LedgerBlock{}, err
	}
	out := api.LedgerBlock{Height: uint32(height), Hash: at.Hash.String(), Parent: b.Header.PrevBlock.String(), Time: b.Header.Timestamp.UTC(),
		Size: b.SerializeSize(), Txs: len(b.Transactions), Difficulty: difficulty(b.Header.Bits)}
	var paid amount.Amount
	for _, o := range b.Transactions[0].TxOut {
		paid += amount.Amount(o.Value)
		if h, ok := key.FromLedgerScript(o.PkScript); ok && out.Miner == "" {
			out.Miner = s.ledgerAddr(h)
		}
	}
	// A miner may claim less than it could; what it claims counts as fees first shown from above the subsidy.
	if height > 0 {
		out.Reward = amount.Amount(s.n.cfg.Network.Ledger.Subsidy(height))
	}
	if paid > out.Reward {
		out.Fees = paid - out.Reward
	} else {
		out.Reward = paid
	}
	if e, err := s.n.chain.Election(uint32(height)); err == nil && e.Hash == at.Hash {
		out.Operations = s.operations(e, b)
	}
	return out, nil
}

func difficulty(bits uint32) float64 {
	target := new(big.Float).SetInt(blockchain.CompactToBig(bits))
	f, _ := new(big.Float).Quo(new(big.Float).SetInt(blockchain.CompactToBig(0x1d00ffff)), target).Float64()
	return f
}

func (s *source) operations(e *sortition.Snapshot, b *wire.MsgBlock) (ops []api.Operation) {
	for _, r := range e.Registrations {
		if int(r.Index) < len(b.Transactions) {
			ops = append(ops, api.Operation{Kind: api.OpRegister, TxID: b.Transactions[r.Index].TxID(), Actor: s.addr(r.Actor)})
		}
	}
	for _, c := range e.Commits {
		ops = append(ops, api.Operation{Kind: api.OpCommit, TxID: c.TxID.String(), Actor: s.addr(c.Actor), Amount: c.Amount, Late: c.Late})
	}
	for _, o := range e.Stakes {
		ops = append(ops, api.Operation{Kind: api.OpStake, TxID: o.TxID.String(), Actor: s.addr(o.Actor), Amount: o.Amount})
	}
	for _, o := range e.Mints {
		ops = append(ops, api.Operation{Kind: api.OpMint, TxID: o.TxID.String(), Actor: s.addr(o.Actor), Amount: o.Amount})
	}
	return ops
}

// Elections implements api.Source.
func (s *source) Elections(_ context.Context, p api.Page) ([]api.Election, error) {
	from := int64(s.n.chain.Followed().Height)
	if p.Before > 0 {
		from = int64(min(uint64(from), p.Before-1))
	}
	var out []api.Election
	for h := from; h >= 1 && len(out) < p.Limit; h-- {
		e, err := s.election(uint32(h))
		if errors.Is(err, chain.ErrUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// maxTenureRefs bounds the blocks of a tenure that an election lists.
const maxTenureRefs = 100

func (s *source) election(height uint32) (api.Election, error) {
	e, err := s.n.chain.Election(height)
	if err != nil {
		return api.Election{}, err
	}
	out := api.Election{LedgerHeight: e.Height, LedgerHash: e.Hash.String(), Time: e.Time.UTC(), S: hex.EncodeToString(e.S[:]), Winner: e.Winner}
	for _, c := range e.Candidates {
		out.Candidates = append(out.Candidates, api.Candidate{Address: s.addr(c.Actor), TxID: c.TxID.String(), Amount: c.Amount, Weight: c.Weight, Odds: c.Odds()})
	}
	if e.Winner < 0 {
		return out, nil
	}
	last, err := s.lastOfTenure(e.Height)
	if err != nil {
		return out, err
	}
	for h := last; h > 0 && len(out.Tenure) < maxTenureRefs; h-- {
		i, err := s.n.chain.InfoAt(h)
		if err != nil || i.Tenure.Hash != e.Hash {
			break // or reorganized away just now
		}
		out.Tenure = append([]api.BlockRef{{Height: i.Height, ID: i.ID.String()}}, out.Tenure...)
	}
	return out, nil //nolint:nilerr // see the break above
}

// InferenceBlocks implements api.Source.
func (s *source) InferenceBlocks(_ context.Context, p api.Page) ([]api.InferenceBlock, error) {
	from := s.n.chain.Tip().Height
	if p.Before > 0 {
		from = min(from, p.Before-1)
	}
	var out []api.InferenceBlock
	for h := from; h > 0 && len(out) < p.Limit; h-- {
		i, err := s.n.chain.InfoAt(h)
		if errors.Is(err, chain.ErrUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		b, err := s.inferenceBlock(i)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

var kinds = map[byte]string{tx.TypeTransfer: "transfer", tx.TypeOpen: "open", tx.TypeReceipt: "receipt", tx.TypeHeld: "held", tx.TypeSeal: "seal",
	tx.TypeOpening: "opening", tx.TypeLock: "lock", tx.TypeUnlock: "unlock", tx.TypeConflict: "conflict"}

func (s *source) inferenceBlock(i chain.Info) (api.InferenceBlock, error) {
	out := api.InferenceBlock{Height: i.Height, ID: i.ID.String(), Parent: i.Parent.String(), Time: millis(i.Time), LedgerHeight: i.Tenure.Height,
		Producer: s.addr(i.Producer), Txs: i.Txs, Kinds: map[string]int{}, Size: i.Bytes}
	raw, cert, err := s.n.chain.Block(i.ID)
	if err != nil {
		return out, err
	}
	b, err := block.Decode(raw)
	if err != nil {
		return out, err
	}
	out.StateRoot = hex.EncodeToString(b.Header.StateRoot[:])
	txs, err := b.Transactions()
	if err != nil {
		return out, err
	}
	for _, t := range txs {
		out.Kinds[kinds[t.Payload.Type()]]++
	}
	if cert.None() {
		return out, nil
	}
	set, err := s.n.chain.Voters(i.Parent, cert.Round)
	if err != nil {
		return out, err
	}
	out.Seats = len(set.Seats)
	for _, v := range cert.Votes {
		if int(v.Seat) < len(set.Seats) {
			out.Signers = append(out.Signers, s.addr(set.Seats[v.Seat].Address))
		}
	}
	return out, nil
}
