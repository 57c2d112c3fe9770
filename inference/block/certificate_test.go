package block

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"funai/inference/codec"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
)

// group is a set of n seats, held by the keys 0 and up.
func group(t testing.TB, n byte) (set sortition.CycleSet, ks []*key.Private) {
	t.Helper()
	set.Cycle = 1
	for i := range n {
		k := keyOf(t, i)
		ks = append(ks, k)
		set.Seats = append(set.Seats, sortition.Seat{Address: key.Hash160{i}, Signer: k.Public().Hash160()})
	}
	return set, ks
}

// certified is a certificate by the seats given.
func certified(t testing.TB, ks []*key.Private, v Vote, seats ...int) Certificate {
	t.Helper()
	votes := map[int]Vote{}
	for _, i := range seats {
		v.Lock = uint32(i)
		v.Sign(ks[i], chainID)
		votes[i] = v
	}
	return Certify(votes, len(ks))
}

func TestACertificateNeedsMoreThanTwoThirdsOfTheSeats(t *testing.T) {
	for n := byte(1); n <= 7; n++ {
		set, ks := group(t, n)
		v := Vote{Kind: Commit, Height: 9, Round: Round{Height: 4}, Block: ID{5}}
		for m := range int(n) + 1 {
			var seats []int
			for i := range m {
				seats = append(seats, int(n)-1-i)
			}
			err := certified(t, ks, v, seats...).Check(Commit, chainID, 9, ID{5}, set)
			if good := 3*m > 2*int(n); good != (err == nil) || err != nil && !errors.Is(err, ErrCertificate) {
				t.Errorf("%d of %d: %v", m, n, err)
			}
		}
	}
}

func TestForgedCertificatesProveNothing(t *testing.T) {
	set, ks := group(t, 5)
	v := Vote{Kind: Commit, Height: 9, Round: Round{Height: 4}, Block: ID{5}}
	good := func() Certificate { return certified(t, ks, v, 0, 1, 2, 3) }
	if err := good().Check(Commit, chainID, 9, ID{5}, set); err != nil {
		t.Fatal(err)
	}
	stranger := keyOf(t, 77)
	for name, change := range map[string]func(*Certificate){
		"below the quorum":     func(c *Certificate) { c.Votes = c.Votes[:3] },
		"a vote twice":         func(c *Certificate) { c.Votes[3] = c.Votes[2] },
		"a seat twice":         func(c *Certificate) { c.Votes[3].Seat = 2 },
		"out of order":         func(c *Certificate) { c.Votes[0], c.Votes[1] = c.Votes[1], c.Votes[0] },
		"another seat":         func(c *Certificate) { c.Votes[3].Seat = 4 },
		"no such seat":         func(c *Certificate) { c.Votes[3].Seat = 5 },
		"another lock":         func(c *Certificate) { c.Votes[3].Lock++ },
		"another round":        func(c *Certificate) { c.Round.Height++ },
		"a round of a fork":    func(c *Certificate) { c.Round.Hash[0]++ },
		"another kind":         func(c *Certificate) { c.Kind = Prepare },
		"an altered signature": func(c *Certificate) { c.Votes[3].Signature[40]++ },
		"no signature":         func(c *Certificate) { c.Votes[3].Signature = key.Signature{} },
		"a stranger's vote": func(c *Certificate) {
			w := v
			w.Lock = 3
			w.Sign(stranger, chainID)
			c.Votes[3].Signature = w.Signature
		},
		"a prepare for a commit": func(c *Certificate) {
			w := v
			w.Kind, w.Lock = Prepare, 3
			w.Sign(ks[3], chainID)
			c.Votes[3].Signature = w.Signature
		},
	} {
		c := good()
		change(&c)
		if err := c.Check(Commit, chainID, 9, ID{5}, set); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"of another chain":   good().Check(Commit, tx.ChainIDMain, 9, ID{5}, set),
		"at another height":  good().Check(Commit, chainID, 10, ID{5}, set),
		"of another block":   good().Check(Commit, chainID, 9, ID{6}, set),
		"of no group":        good().Check(Commit, chainID, 9, ID{5}, sortition.CycleSet{}),
		"none, of no group":  Certificate{Kind: Commit}.Check(Commit, chainID, 9, ID{5}, sortition.CycleSet{}),
		"of prepares":        good().Check(Prepare, chainID, 9, ID{5}, set),
		"none":               Certificate{}.Check(Commit, chainID, 9, ID{5}, set),
		"of another group":   good().Check(Commit, chainID, 9, ID{5}, sortition.CycleSet{Seats: slices.Concat(set.Seats[1:], set.Seats[:1])}),
		"of a smaller group": good().Check(Commit, chainID, 9, ID{5}, sortition.CycleSet{Seats: set.Seats[:3]}),
	} {
		if !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVotesBelongToTheSeatThatSigned(t *testing.T) {
	set, ks := group(t, 3)
	rapid.Check(t, func(t *rapid.T) {
		v := Vote{Kind: rapid.Byte().Draw(t, "kind"), Height: rapid.Uint64().Draw(t, "height"), Round: rounds().Draw(t, "round"),
			Block: ID(hashes().Draw(t, "block")), Lock: rapid.Uint32().Draw(t, "lock")}
		seat := rapid.IntRange(0, 2).Draw(t, "seat")
		v.Sign(ks[seat], chainID)
		if got, err := v.Seat(chainID, set); err != nil || got != seat {
			t.Fatalf("seat %d's vote is %d's, %v", seat, got, err)
		}
		if got, err := v.Seat(tx.ChainIDMain, set); err == nil {
			t.Fatalf("on another chain it is %d's", got)
		}
		raw := codec.Encode(v)
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		var w Vote
		if codec.Decode(raw, MaxVoteBytes, &w) != nil {
			return
		}
		if got, err := w.Seat(chainID, set); err == nil {
			t.Fatalf("an altered vote is seat %d's", got)
		} else if !errors.Is(err, ErrVote) {
			t.Fatal(err)
		}
	})
}

func TestProposalsAndStatusesAreTheirSigners(t *testing.T) {
	set, ks := group(t, 3)
	rapid.Check(t, func(t *rapid.T) {
		b := blocks(ks[0]).Draw(t, "block").Encode()
		p := Proposal{Round: rounds().Draw(t, "round"), Block: b, Justify: certificates().Draw(t, "justify"), Resend: rapid.Uint32().Draw(t, "resend")}
		p.Sign(ks[1], chainID)
		if who, err := p.Signer(chainID); err != nil || who != ks[1].Public().Hash160() {
			t.Fatalf("proposed by %v, %v", who, err)
		}
		if who, err := p.Signer(tx.ChainIDMain); err == nil && who == ks[1].Public().Hash160() {
			t.Fatal("signed for another chain as well")
		}
		s := Status{Round: p.Round, Height: rapid.Uint64().Draw(t, "height"), Tip: ID(hashes().Draw(t, "tip")), Lock: b, Justify: p.Justify, Resend: p.Resend}
		s.Sign(ks[2], chainID)
		if seat, err := s.Seat(chainID, set); err != nil || seat != 2 {
			t.Fatalf("status of seat %d, %v", seat, err)
		}
		altered := func(raw []byte) []byte {
			raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "by")
			return raw
		}
		var q Proposal
		if codec.Decode(altered(codec.Encode(p)), MaxProposalBytes, &q) == nil {
			if who, err := q.Signer(chainID); err == nil && who == ks[1].Public().Hash160() {
				t.Fatal("an altered proposal keeps its signer")
			}
		}
		var r Status
		if codec.Decode(altered(codec.Encode(s)), MaxStatusBytes, &r) == nil {
			if seat, err := r.Seat(chainID, set); err == nil {
				t.Fatalf("an altered status is seat %d's", seat)
			} else if !errors.Is(err, ErrVote) {
				t.Fatal(err)
			}
		}
	})
}

// What is signed as one kind of message is no signature of another.
func TestSignaturesOfOneKindAreNoneOfAnother(t *testing.T) {
	p, s, v := Proposal{}, Status{}, Vote{}
	h := Header{}
	seen := map[[32]byte]string{}
	for name, x := range map[string][32]byte{"proposal": p.hash(chainID), "status": s.hash(chainID), "vote": v.hash(chainID), "block": h.ID(),
		"genesis": GenesisID(chainID), "pack": PackID(ID{}, [32]byte{})} {
		if other := seen[x]; other != "" {
			t.Errorf("%s and %s", name, other)
		}
		seen[x] = name
	}
}

func TestTheGreatestMessagesFitTheirBounds(t *testing.T) {
	set, ks := group(t, 15)
	var all []int
	for i := range set.Seats {
		all = append(all, i)
	}
	c := certified(t, ks, Vote{Kind: Prepare, Height: 1 << 62, Round: Round{Height: 1 << 31}}, all...)
	raw := make([]byte, MaxBytes)
	for name, m := range map[string]struct {
		bytes []byte
		max   int
	}{
		"vote":     {codec.Encode(Vote{Kind: 255, Height: 1 << 63, Round: Round{Height: 1 << 31}, Lock: 1 << 31}), MaxVoteBytes},
		"proposal": {codec.Encode(Proposal{Block: raw, Justify: c, Resend: 1 << 31}), MaxProposalBytes},
		"status":   {codec.Encode(Status{Height: 1 << 63, Lock: raw, Justify: c, Resend: 1 << 31}), MaxStatusBytes},
	} {
		if len(m.bytes) > m.max || m.max >= 1<<20 {
			t.Errorf("%s of %d bytes, at most %d", name, len(m.bytes), m.max)
		}
	}
}

func FuzzMessages(f *testing.F) {
	set, ks := group(f, 5)
	b := example(f)
	c := certified(f, ks, Vote{Kind: Prepare, Height: 3, Block: b.ID()}, 0, 1, 2, 3)
	v := Vote{Kind: Commit, Height: 3, Block: b.ID()}
	v.Sign(ks[0], chainID)
	p := Proposal{Block: b.Encode(), Justify: c}
	p.Sign(ks[0], chainID)
	s := Status{Height: 2, Lock: b.Encode(), Justify: c}
	s.Sign(ks[0], chainID)
	for _, m := range []any{v, p, s, c} {
		f.Add(codec.Encode(m))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v Vote
		var p Proposal
		var s Status
		var c Certificate
		for _, m := range []struct {
			into any
			use  func() error
		}{
			{&v, func() error { _, err := v.Seat(chainID, set); return err }},
			{&p, func() error { _, err := p.Signer(chainID); return err }},
			{&s, func() error { _, err := s.Seat(chainID, set); return err }},
			{&c, func() error { return c.Check(Prepare, chainID, 3, ID{}, set) }},
		} {
			if codec.Decode(raw, MaxStatusBytes, m.into) != nil {
				continue
			}
			if !bytes.Equal(codec.Encode(m.into), raw) {
				t.Fatalf("a second encoding of %T was taken", m.into)
			}
			if err := m.use(); err != nil && !errors.Is(err, ErrVote) && !errors.Is(err, ErrCertificate) && !errors.Is(err, ErrBlock) {
				t.Fatalf("untyped error %v", err)
			}
		}
	})
}
