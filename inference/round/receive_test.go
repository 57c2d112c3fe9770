package round

import (
	"errors"
	"slices"
	"testing"
	"time"

	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/codec"
)

var topics = []string{TopicProposal, TopicVote, TopicStatus}

func TestGarbageIsABadMessage(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	b := r.Draft()
	v := r.Vote(block.Prepare, r.seat(1), b, at)
	vote := codec.Encode(voteMessage{Vote: v})
	v.Kind = 3
	v.Sign(r.seat(1), r.Params.ChainID)
	unsigned := codec.Encode(block.Proposal{Round: at, Block: b.Encode()})
	p := block.Proposal{Round: at, Block: []byte{1}}
	p.Sign(r.Producers[1].Key, r.Params.ChainID)
	for _, c := range []struct {
		topic string
		raw   []byte
	}{
		{"", vote},
		{"votes", vote},
		{TopicVote, codec.Encode(voteMessage{Vote: v})},
		{TopicVote, vote[:len(vote)-1]},
		{TopicVote, append(slices.Clone(vote), 0)},
		{TopicVote, make([]byte, maxVoteBytes+1)},
		{TopicStatus, vote},
		{TopicStatus, make([]byte, block.MaxStatusBytes+1)},
		{TopicProposal, unsigned},
		{TopicProposal, codec.Encode(p)},
		{TopicProposal, make([]byte, block.MaxProposalBytes+1)},
	} {
		if err := r.e.Receive(c.topic, c.raw); !errors.Is(err, ErrMessage) {
			t.Errorf("%q of %d bytes: %v", c.topic, len(c.raw), err)
		}
	}
	for _, topic := range topics {
		for _, raw := range [][]byte{nil, {0}, {0xff}, []byte("garbage"), {0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0}} {
			if err := r.e.Receive(topic, raw); !errors.Is(err, ErrMessage) {
				t.Errorf("%q %x: %v", topic, raw, err)
			}
		}
	}
	if len(r.e.inbox) != 0 {
		t.Errorf("%d messages are taken in", len(r.e.inbox))
	}
}

func TestMessagesOfStrangersAreNotPassedOn(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	stranger := chaintest.Key(t, 77)
	if err := r.e.Receive(TopicVote, codec.Encode(voteMessage{Vote: r.Vote(block.Prepare, stranger, r.Draft(), at)})); !errors.Is(err, block.ErrVote) {
		t.Errorf("a vote: %v", err)
	}
	s := block.Status{Round: at}
	s.Sign(stranger, r.Params.ChainID)
	if err := r.e.Receive(TopicStatus, codec.Encode(s)); !errors.Is(err, block.ErrVote) {
		t.Errorf("a status: %v", err)
	}
}

// A peer on another ledger fork, or ahead, is not to blame; but nothing is kept of what it sends.
func TestMessagesOfUnknownRoundsAreIgnored(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	b := r.Draft()
	fork := block.Round{Height: at.Height, Hash: [32]byte{1}}
	ahead := block.Round{Height: at.Height + 1, Hash: [32]byte{1}}
	far := block.Round{Height: at.Height + maxLedgerAhead + 1, Hash: [32]byte{1}}
	past := block.Round{Height: at.Height - maxBehind - 1, Hash: r.Ledger.At(at.Height - maxBehind - 1).Hash}
	for name, c := range map[string]struct {
		at   block.Round
		want error
	}{"of a fork": {fork, chain.ErrOrphaned}, "ahead": {ahead, chain.ErrLedger}, "far ahead": {far, chain.ErrLedger}, "long past": {past, nil}} {
		v := r.Vote(block.Prepare, r.seat(1), b, c.at)
		s := block.Status{Round: c.at}
		s.Sign(r.seat(1), r.Params.ChainID)
		p := block.Proposal{Round: c.at, Block: b.Encode()}
		p.Sign(r.Producers[1].Key, r.Params.ChainID)
		for topic, m := range map[string]any{TopicVote: voteMessage{Vote: v}, TopicStatus: s, TopicProposal: p} {
			err := r.e.Receive(topic, codec.Encode(m))
			if topic == TopicProposal && c.at == ahead {
				if err != nil {
					t.Errorf("a proposal of the next ledger block, which may come any moment: %v", err)
				}
				continue
			}
			if err == nil || errors.Is(err, ErrMessage) || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v", topic, name, err)
			}
		}
	}
	r.act()
	if r.said(block.Prepare, nil) != 0 || len(r.e.votes) != 0 {
		t.Errorf("it says %+v, keeps %d", r.net.votes, len(r.e.votes))
	}
}

func TestAProposalOfTheNextLedgerBlockWaitsForIt(t *testing.T) {
	r := newRig(t, 4)
	ahead := r.World.Another() // its ledger is the same, but it follows first
	r.CatchUp(ahead.Chain)
	before := r.Ledger.Tip()
	r.Ledger.Mine(r.Commit(r.Producers[1], r.Chain.TipInfo()))
	ahead.Sync()
	b, at := ahead.Draft(), ahead.Latest().Round
	r.mustPropose(1, at, b, block.Certificate{})
	if r.said(block.Prepare, nil) != 0 || r.Chain.Followed() != before {
		t.Fatal("it votes in a round that it does not know")
	}
	r.Sync()
	r.act()
	if r.said(block.Prepare, b) != 1 {
		t.Errorf("it says %+v", r.net.votes)
	}
}

// A block's child carries its certificate, which may be the only one that reaches this node.
func TestAProposalBringsItsParentsCertificate(t *testing.T) {
	r := newRig(t, 4)
	ahead := r.World.Another()
	r.CatchUp(ahead.Chain)
	at := r.elect(1)
	ahead.Sync()
	parent := ahead.Draft()
	r.mustPropose(1, at, parent, block.Certificate{})
	ahead.Add(parent, ahead.Certify(parent, at))
	next := r.ElectOn(r.Producers[2], ahead.Chain.TipInfo())
	ahead.Sync()
	child := ahead.Draft()
	r.act()
	r.mustPropose(2, next, child, block.Certificate{})
	if r.Chain.Tip().ID != parent.ID() || r.said(block.Prepare, child) != 1 {
		t.Errorf("the tip is %v, it says %+v", r.Chain.Tip(), r.net.votes)
	}
}

func TestAFloodOfVotesIsBounded(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	b := r.Draft()
	tip := r.Chain.Tip().Height
	send := func(v block.Vote) {
		v.Sign(r.seat(1), r.Params.ChainID)
		if err := r.e.onVote(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		for _, kind := range []byte{block.Prepare, block.Commit} {
			send(block.Vote{Kind: kind, Height: tip + 1, Round: at, Block: block.ID{byte(i)}})
			send(block.Vote{Kind: kind, Height: uint64(i), Round: at, Block: block.ID{byte(i)}})
			send(block.Vote{Kind: kind, Height: 1<<63 + uint64(i), Round: at, Block: block.ID{byte(i)}})
		}
	}
	for h := at.Height; h > 0; h-- {
		for height := range uint64(2 * maxAhead) {
			send(block.Vote{Kind: block.Prepare, Height: tip + height, Round: block.Round{Height: h, Hash: r.Ledger.At(h).Hash}})
		}
	}
	kept := 0
	for _, of := range r.e.votes {
		kept += len(of)
	}
	if most := 2 * maxAhead * (maxBehind + 1); kept == 0 || kept > most {
		t.Errorf("%d votes of one seat are kept, %d at most", kept, most)
	}
	// Other seats' votes count all the same.
	r.mustPropose(1, at, b, block.Certificate{})
	r.vote(block.Prepare, b, at, 2, 3)
	r.vote(block.Commit, b, at, 2, 3)
	if r.Chain.Tip().ID != b.ID() {
		t.Errorf("the tip is %+v", r.Chain.Tip())
	}
	r.act()
	if len(r.e.blocks)+len(r.e.order) != 0 {
		t.Errorf("%d blocks are kept", len(r.e.blocks))
	}
}

func TestAFullInboxDropsMessages(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	raw := codec.Encode(voteMessage{Vote: r.Vote(block.Prepare, r.seat(1), r.Draft(), at)})
	for range inboxSize {
		if err := r.e.Receive(TopicVote, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.e.Receive(TopicVote, raw); err == nil || errors.Is(err, ErrMessage) {
		t.Errorf("one too many: %v", err)
	}
}

func TestProposalsKeptAreBounded(t *testing.T) {
	r := newRig(t, 4)
	at := r.elect(1)
	b := r.Draft()
	early := block.Round{Height: at.Height + 1, Hash: [32]byte{1}}
	for range maxEarly + 10 {
		b = r.later(b, 1)
		r.mustPropose(1, early, b, block.Certificate{})
		r.mustPropose(1, at, b, block.Certificate{})
	}
	if len(r.e.early) > maxEarly || len(r.e.blocks) > maxBlocks || len(r.e.order) != len(r.e.blocks) {
		t.Errorf("%d early ones, %d blocks in an order of %d", len(r.e.early), len(r.e.blocks), len(r.e.order))
	}
	if r.said(block.Prepare, nil) != 1 {
		t.Errorf("it says %+v", r.net.votes)
	}
}

func FuzzReceive(f *testing.F) {
	w := chaintest.New(f, 3)
	w.Clock = time.Unix(1_700_000_000, 0) // the same blocks in every process
	r := newRigIn(w, 4)
	at := r.elect(1)
	b := r.Draft()
	p := block.Proposal{Round: at, Block: b.Encode(), Justify: r.Votes(block.Prepare, b, at)}
	p.Sign(r.Producers[1].Key, r.Params.ChainID)
	s := block.Status{Round: at, Height: r.Chain.Tip().Height, Tip: r.Chain.Tip().ID, Lock: b.Encode(), Justify: p.Justify}
	s.Sign(r.seat(1), r.Params.ChainID)
	for i, m := range []any{p, voteMessage{Vote: r.Vote(block.Prepare, r.seat(1), b, at)}, s} {
		for topic := range topics {
			f.Add(topic, codec.Encode(m))
		}
		f.Add(i, []byte{0x80})
	}
	f.Fuzz(func(t *testing.T, topic int, raw []byte) {
		r := *r
		r.World = r.In(t)
		if topic < 0 || topic >= len(topics) {
			return
		}
		if r.e.Receive(topics[topic], raw) != nil {
			return
		}
		r.act()
		if r.Chain.Tip().Height > b.Header.Height {
			t.Fatal("certified by nobody")
		}
	})
}
