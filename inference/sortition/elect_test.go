package sortition

import (
	"crypto/sha256"
	"errors"
	"math"
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/amount"
	"funai/key"
)

func sha(parts ...[]byte) [32]byte { return sha256.Sum256(slices.Concat(parts...)) }

func TestGenesis(t *testing.T) {
	ledger := chainhash.Hash{1, 2, 3}
	g := Genesis(ledger, time.Unix(5, 999))
	if want := sha([]byte("funai/sortition"), ledger[:]); g.S != want {
		t.Errorf("S %x, want %x", g.S, want)
	}
	want := sha([]byte("funai/consensus"), make([]byte, 20), ledger[:], g.S[:])
	if !slices.Equal(g.ConsensusHash[:], want[:20]) || g.Winner != -1 || g.Height != 0 || !g.Time.Equal(time.Unix(5, 0)) {
		t.Errorf("genesis %+v, want consensus hash %x", g, want[:20])
	}
}

func TestElectionFollowsTheFormulas(t *testing.T) {
	l := newLedger(t, Dev(), CycleSet{})
	regs := l.register(people(3)...)
	seed, elected := [32]byte{}, map[int]int{}
	for range 50 {
		prev, h := l.tip(), l.next()
		s := l.mine(l.commit(regs[0], h, 10), l.commit(regs[1], h, 30), l.commit(regs[2], h, 20))
		if got := []amount.Amount{s.Candidates[0].Weight, s.Candidates[1].Weight, s.Candidates[2].Weight}; !slices.Equal(got, []amount.Amount{30, 20, 10}) {
			t.Fatalf("weights %v, want heaviest first", got)
		}
		mixed := sha(prev.S[:], s.Hash[:])
		drawn := sha(mixed[:], seed[:])
		// 2^256 * {0, 1/2, 5/6, 1} are the ends of the ranges.
		index, want := new(big.Int).SetBytes(drawn[:]), 0
		for i, sixths := range []int64{3, 5} {
			if end := new(big.Int).Lsh(big.NewInt(sixths), 256); index.Cmp(end.Div(end, big.NewInt(6))) >= 0 {
				want = i + 1
			}
		}
		if s.Winner != want {
			t.Fatalf("height %d: %d wins, want %d", h, s.Winner, want)
		}
		elected[want]++
		seed = s.Candidates[want].Seed
		if s.S != sha(mixed[:], seed[:]) || s.LastSeed != seed || s.LastWinnerHeight != h {
			t.Fatalf("height %d: snapshot %+v", h, s)
		}
		consensus := sha([]byte("funai/consensus"), prev.ConsensusHash[:], s.Hash[:], s.S[:])
		if !slices.Equal(s.ConsensusHash[:], consensus[:20]) {
			t.Fatalf("height %d: consensus hash %x, want %x", h, s.ConsensusHash, consensus[:20])
		}
	}
	if len(elected) != 3 {
		t.Errorf("elected %v: this test proves nothing about some range", elected)
	}
}

func TestNobodyIsElectedWithoutCandidates(t *testing.T) {
	l := newLedger(t, Dev(), CycleSet{})
	regs := l.register(people(1)...)
	if s := l.tip(); s.Winner != -1 || s.LastWinnerHeight != 0 || s.LastSeed != [32]byte{} {
		t.Errorf("before any commit: %+v", s)
	}
	won := l.mine(l.commit(regs[0], l.next(), 1))
	empty := l.mine()
	if empty.Winner != -1 || empty.S != sha(won.S[:], empty.Hash[:]) {
		t.Errorf("empty block: winner %d, S %x", empty.Winner, empty.S)
	}
	if empty.LastWinnerHeight != won.Height || empty.LastSeed != won.Candidates[0].Seed {
		t.Errorf("empty block forgets the winner at %d: %+v", won.Height, empty)
	}
}

func TestRegistrationsLastForRegistrationDepthBlocksOnTheirFork(t *testing.T) {
	l, other := newLedger(t, Main(), CycleSet{}), newLedger(t, Main(), CycleSet{})
	other.salt = 1
	for range 40 {
		l.mine()
		other.mine()
	}
	tip := l.tip().Height
	for name, c := range map[string]struct {
		hash [20]byte
		want bool
	}{
		"the block before":     {l.snaps[tip].ConsensusHash, true},
		"24 blocks before":     {l.snaps[tip+1-24].ConsensusHash, true},
		"25 blocks before":     {l.snaps[tip+1-25].ConsensusHash, false},
		"another fork's block": {other.snaps[tip].ConsensusHash, false},
		"no block":             {[20]byte{}, false},
	} {
		s, err := Elect(l.p, l, l.tip(), Parse(l.block(registering(person(1), c.hash))), l.set)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(s.Registrations) == 1; got != c.want {
			t.Errorf("%s: valid %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatMakesACandidate(t *testing.T) {
	l := newLedger(t, Dev(), fiveSeats())
	l.set.Banned = []key.Hash160{person(3)}
	regs := l.register(people(3)...)
	h := l.next()
	good := func() operation { return l.commit(regs[0], h, 5000) }
	renamed := func(change func(r *Registration)) operation {
		r := regs[0]
		change(&r)
		return l.commit(r, h, 5000)
	}
	short := good()
	short.tx.TxOut = short.tx.TxOut[:5]
	late := l.commit(regs[0], h-1, 7000)
	for name, c := range map[string]struct {
		ops  []operation
		want []amount.Amount // of the candidates
	}{
		"right":                                 {[]operation{good()}, []amount.Amount{5000}},
		"a seat skipped":                        {[]operation{short}, nil},
		"late":                                  {[]operation{late}, nil},
		"an actor banned in this cycle":         {[]operation{l.commit(regs[2], h, 5000)}, nil},
		"no such transaction":                   {[]operation{renamed(func(r *Registration) { r.Index = 77 })}, nil},
		"a block without registrations":         {[]operation{renamed(func(r *Registration) { r.Height = 0 })}, nil},
		"a registration to come":                {[]operation{renamed(func(r *Registration) { r.Height = h + 1 })}, nil},
		"a registration in the same block":      {[]operation{registering(person(7), l.tip().ConsensusHash), renamed(func(r *Registration) { *r = Registration{Height: h, Index: 1, Actor: person(7)} })}, nil},
		"another's registration":                {[]operation{renamed(func(r *Registration) { r.Actor = person(2) })}, nil},
		"the first of two":                      {[]operation{good(), l.commit(regs[0], h, 9000)}, []amount.Amount{5000}},
		"after a wrong one":                     {[]operation{short, l.commit(regs[0], h, 9000)}, []amount.Amount{9000}},
		"after a stranger's":                    {[]operation{renamed(func(r *Registration) { r.Actor = person(2) }), l.commit(regs[0], h, 9000)}, []amount.Amount{9000}},
		"after a late one":                      {[]operation{late, l.commit(regs[0], h, 9000)}, []amount.Amount{9000}},
		"two registrations, each its candidate": {[]operation{good(), l.commit(regs[1], h, 9000)}, []amount.Amount{9000, 5000}},
	} {
		s, err := Elect(l.p, l, l.tip(), Parse(l.block(c.ops...)), l.set)
		if err != nil {
			t.Fatal(err)
		}
		var got []amount.Amount
		for _, x := range s.Candidates {
			got = append(got, x.Weight)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: candidates weigh %v, want %v", name, got, c.want)
		}
	}
}

func TestThe32HeaviestStand(t *testing.T) {
	l := newLedger(t, Dev(), CycleSet{})
	regs := l.register(people(40)...)
	var ops []operation
	for i, r := range regs {
		ops = append(ops, l.commit(r, l.next(), amount.Amount(1+i%4))) // ten each of weights 1 to 4
	}
	s := l.mine(ops...)
	if len(s.Candidates) != 32 || len(s.Commits) != 40 {
		t.Fatalf("%d candidates of %d commits, want 32 of 40", len(s.Candidates), len(s.Commits))
	}
	for i, c := range s.Candidates {
		want := amount.Amount(4 - i/10)
		if c.Weight != want {
			t.Errorf("candidate %d weighs %v, want %v", i, c.Weight, want)
		}
		if i%10 > 0 && c.Index <= s.Candidates[i-1].Index {
			t.Errorf("candidate %d of equal weight stands after a later one", i)
		}
	}
}

func TestRangesCoverEverythingInProportion(t *testing.T) {
	l := newLedger(t, Dev(), CycleSet{})
	regs := l.register(people(5)...)
	bids := []amount.Amount{1, 3, amount.Max / 8, 1000, 2}
	var ops []operation
	var total amount.Amount
	for i, r := range regs {
		ops, total = append(ops, l.commit(r, l.next(), bids[i])), total+bids[i]
	}
	s := l.mine(ops...)
	next := new(big.Int)
	for i, c := range s.Candidates {
		if first := new(big.Int).SetBytes(c.First[:]); first.Cmp(next) != 0 {
			t.Errorf("candidate %d begins at %x, want %x", i, first, next)
		}
		next.SetBytes(c.Last[:])
		next.Add(next, big.NewInt(1))
		want := float64(c.Weight) / float64(total)
		if got := c.Odds(); math.Abs(got-want) > 1e-12*want {
			t.Errorf("candidate %d: odds %g, want %g", i, got, want)
		}
		if draw(s.Candidates, c.First) != i || draw(s.Candidates, c.Last) != i {
			t.Errorf("candidate %d doesn't own the ends of its range", i)
		}
	}
	if next.BitLen() != 257 || next.TrailingZeroBits() != 256 {
		t.Errorf("the ranges end at %x, want 2^256", next)
	}
}

// TestDrawnSharesMatchWeights is a chi-squared test of 100,000 elections; block hashes are fixed, so it can't flake.
func TestDrawnSharesMatchWeights(t *testing.T) {
	const draws = 100_000
	l := newLedger(t, Main(), CycleSet{})
	bids := []amount.Amount{1, 2, 3, 5, 8, 13, 21, 47}
	regs := l.register(people(len(bids))...)
	var byRemainder [IntendedModulus]Block // transactions repeat; building and hashing them isn't what is tested
	for i := range byRemainder {
		var ops []operation
		for j, r := range regs {
			ops = append(ops, l.commit(r, uint32(i), bids[j]))
		}
		byRemainder[i] = l.block(ops...)
	}
	won := make(map[amount.Amount]int)
	for i := range draws + l.p.Window {
		b := l.block()
		b.Txs, b.Spent = byRemainder[b.Height%IntendedModulus].Txs, byRemainder[b.Height%IntendedModulus].Spent
		s, err := Elect(l.p, l, l.tip(), Parse(b), l.set)
		if err != nil {
			t.Fatal(err)
		}
		l.snaps = append(l.snaps, s)
		if i >= l.p.Window { // the windows are full
			won[s.Candidates[s.Winner].Weight]++
		}
	}
	total, chi := amount.Amount(100), 0.0
	for _, bid := range bids {
		want := draws * float64(bid) / float64(total)
		chi += (float64(won[bid]) - want) * (float64(won[bid]) - want) / want
	}
	t.Logf("wins by weight %v, chi-squared %.2f", won, chi)
	if chi > 24.32 { // 7 degrees of freedom, p = 0.001
		t.Errorf("chi-squared %.2f exceeds 24.32", chi)
	}
}

func TestElectRefusesABlockThatDoesNotFollow(t *testing.T) {
	l := newLedger(t, Dev(), CycleSet{})
	l.mine()
	gap := Parse(l.block())
	gap.Height++
	fork := Parse(l.block())
	fork.Prev[0] ^= 1
	for name, ops := range map[string]Ops{"a gap": gap, "another parent": fork} {
		if _, err := Elect(l.p, l, l.tip(), ops, l.set); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// lossy is a view that lacks everything.
type lossy struct{ err error }

func (v lossy) At(uint32) (*Snapshot, error) { return nil, v.err }

func TestElectReportsWhatTheViewLacks(t *testing.T) {
	l := newLedger(t, Main(), CycleSet{})
	regs := l.register(people(1)...)
	l.mine()
	broken := errors.New("disk is gone")
	for _, op := range []operation{l.commit(regs[0], l.next(), 5), registering(person(2), l.tip().ConsensusHash)} {
		ops := Parse(l.block(op))
		if _, err := Elect(l.p, lossy{}, l.tip(), ops, l.set); !errors.Is(err, ErrView) {
			t.Errorf("no snapshot: %v", err)
		}
		if _, err := Elect(l.p, lossy{broken}, l.tip(), ops, l.set); !errors.Is(err, broken) {
			t.Errorf("an error of the view's: %v", err)
		}
	}
}

func TestElectionsRepeatAndLeaveTheirInputsAlone(t *testing.T) {
	l := history(t)
	prev := l.tip()
	before, set := prev.Encode(), slices.Clone(l.set.Seats)
	b := l.block(l.commit(prev.Commits[0].registration(), l.next(), 5000), l.commit(prev.Commits[2].registration(), l.next(), 9000))
	first, err := Elect(l.p, l, prev, Parse(b), l.set)
	if err != nil {
		t.Fatal(err)
	}
	stored := newLedger(t, l.p, l.set) // the same history, read back from its encoding
	stored.snaps = nil
	for _, s := range l.snaps {
		d, err := DecodeSnapshot(s.Encode())
		if err != nil {
			t.Fatal(err)
		}
		stored.snaps = append(stored.snaps, d)
	}
	second, err := Elect(l.p, stored, stored.tip(), Parse(b), l.set)
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("elected %+v (%v), then %+v", first, err, second)
	}
	if !slices.Equal(before, prev.Encode()) || !slices.Equal(set, l.set.Seats) {
		t.Error("Elect changed its arguments")
	}
}

// registration is as much of a commit's registration as making another commit takes.
func (c Commit) registration() Registration {
	return Registration{Height: c.RegHeight, Index: c.RegIndex, Actor: c.Actor}
}

func TestStakesAndMintsAreInTheSnapshot(t *testing.T) {
	l := newLedger(t, Dev(), fiveSeats())
	stake, err := StakeOutputs(person(8), 5)
	if err != nil {
		t.Fatal(err)
	}
	mint, err := MintOutputs(person(9), 6)
	if err != nil {
		t.Fatal(err)
	}
	a, b := act(person(1), stake...), act(person(2), mint...)
	s := l.mine(a, b)
	if want := []StakeOp{{1, person(1), a.tx.TxHash(), person(8), 5}}; !reflect.DeepEqual(s.Stakes, want) {
		t.Errorf("stakes %v, want %v", s.Stakes, want)
	}
	if want := []MintOp{{2, person(2), b.tx.TxHash(), person(9), 6}}; !reflect.DeepEqual(s.Mints, want) {
		t.Errorf("mints %v, want %v", s.Mints, want)
	}
}

func TestCyclesAndPreparePhases(t *testing.T) {
	for _, c := range []struct {
		p       Params
		height  uint32
		cycle   uint32
		prepare bool
	}{
		{Main(), 0, 0, false}, {Main(), 899, 0, false}, {Main(), 900, 0, true}, {Main(), 999, 0, true}, {Main(), 1000, 1, false},
		{Dev(), 15, 0, false}, {Dev(), 16, 0, true}, {Dev(), 20, 1, false},
	} {
		if cycle, prepare := c.p.Cycle(c.height), c.p.InPrepare(c.height); cycle != c.cycle || prepare != c.prepare {
			t.Errorf("height %d: cycle %d, prepare %v; want %d, %v", c.height, cycle, prepare, c.cycle, c.prepare)
		}
	}
}

func BenchmarkElect(b *testing.B) {
	l := newLedger(b, Main(), fiveSeats())
	regs := l.register(people(100)...)
	var block Block
	for range 10 {
		var ops []operation
		for i, r := range regs {
			ops = append(ops, l.commit(r, l.next(), amount.Amount(5000+i)))
		}
		block = l.block(ops...)
		l.mine(ops...)
	}
	prev := l.snaps[len(l.snaps)-2]
	for b.Loop() {
		if _, err := Elect(l.p, l, prev, Parse(block), l.set); err != nil {
			b.Fatal(err)
		}
	}
}
