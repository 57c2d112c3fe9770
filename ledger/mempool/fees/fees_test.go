package fees

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// market is a network whose blocks have room for so many transactions, of which those that pay most go first.
type market struct {
	e       *Estimator
	rng     *rand.Rand
	height  int32
	room    int
	waiting []bid
	next    uint64
}

type bid struct {
	hash chainhash.Hash
	rate float64
}

func newMarket(room int) *market {
	m := &market{e: New(), rng: rand.New(rand.NewPCG(1, 2)), height: 1000, room: room}
	m.e.Block(m.height, nil)
	return m
}

// come adds a transaction that pays a rate.
func (m *market) come(rate float64) chainhash.Hash {
	m.next++
	var h chainhash.Hash
	binary.LittleEndian.PutUint64(h[:], m.next)
	m.waiting = append(m.waiting, bid{h, rate})
	m.e.Add(h, m.height, rate)
	return h
}

// block mines the best of those that wait.
func (m *market) block() (mined []bid) {
	slices.SortStableFunc(m.waiting, func(a, b bid) int { return cmp.Compare(b.rate, a.rate) })
	n := min(m.room, len(m.waiting))
	mined, m.waiting = m.waiting[:n:n], slices.Clone(m.waiting[n:])
	m.height++
	m.e.Block(m.height, hashesOf(mined))
	return mined
}

func hashesOf(bs []bid) (hs []chainhash.Hash) {
	for _, b := range bs {
		hs = append(hs, b.hash)
	}
	return hs
}

// run lets blocks go by with so many transactions before each, of the rates that draw gives.
func (m *market) run(blocks, txs int, draw func() float64) {
	for range blocks {
		for range txs {
			m.come(draw())
		}
		m.block()
	}
}

func (m *market) estimate(t *testing.T, target int, conservative bool) float64 {
	t.Helper()
	rate, blocks, err := m.e.Estimate(target, conservative)
	if err != nil {
		t.Fatalf("target %d: %v", target, err)
	}
	if want := max(target, 2); blocks != want {
		t.Fatalf("answers for %d blocks, want %d", blocks, want)
	}
	return rate
}

func near(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %.0f, want %.0f to %.0f", what, got, low, high)
	}
}

// uniform draws rates between two bounds.
func (m *market) uniform(low, high float64) func() float64 {
	return func() float64 { return low + m.rng.Float64()*(high-low) }
}

func TestInAFullMarketTheEstimateIsTheClearingRate(t *testing.T) {
	m := newMarket(100)
	m.run(500, 150, m.uniform(1000, 31_000)) // two thirds go in at once: those of 11,000 and more
	for _, target := range []int{1, 2, 6, 12} {
		for _, conservative := range []bool{false, true} {
			near(t, "clearing rate", m.estimate(t, target, conservative), 11_000, 12_700)
		}
	}
}

func TestInAnEmptyMarketTheEstimateIsTheLeastPaid(t *testing.T) {
	m := newMarket(1000)
	m.run(300, 20, m.uniform(1000, 1500))
	near(t, "least paid", m.estimate(t, 2, false), 1000, 1250)
}

func TestPatienceIsCheaper(t *testing.T) {
	m := newMarket(60)
	surge := func(i int) int { // every tenth block 240 come at once, otherwise 40: room for all, in time
		if i%10 == 0 {
			return 240
		}
		return 40
	}
	draw := m.uniform(1000, 21_000)
	for i := range 800 {
		for range surge(i) {
			m.come(draw())
		}
		m.block()
	}
	soon, late := m.estimate(t, 2, true), m.estimate(t, 48, true)
	if soon < 3*late {
		t.Errorf("2 blocks cost %.0f, 48 blocks %.0f", soon, late)
	}
	last := math.Inf(1)
	for _, target := range []int{2, 3, 6, 12, 24, 48, 100} {
		rate := m.estimate(t, target, true)
		if rate > last {
			t.Errorf("%d blocks cost %.0f, fewer %.0f", target, rate, last)
		}
		last = rate
	}
}

func TestOnlyAConservativeEstimateRemembersARush(t *testing.T) {
	m := newMarket(100)
	draw := m.uniform(1000, 31_000)
	m.run(300, 150, draw)
	m.room = 2000
	m.run(200, 150, draw)
	near(t, "after a rush", m.estimate(t, 6, false), 1000, 2000)
	near(t, "after a rush, conservative", m.estimate(t, 6, true), 10_000, 12_700)
}

func TestTransactionsThatAreDroppedCountAgainstTheirRate(t *testing.T) {
	m := newMarket(100)
	for range 200 {
		for range 50 {
			m.come(20_000)
			m.come(5000)
		}
		m.room = 50
		m.block()
		for _, b := range m.waiting[:len(m.waiting)*9/10] { // nine of ten cheap ones are dropped in time
			if m.rng.IntN(20) == 0 {
				m.e.Remove(b.hash)
				m.waiting = slices.DeleteFunc(m.waiting, func(w bid) bool { return w.hash == b.hash })
			}
		}
	}
	near(t, "rate of those that were mined", m.estimate(t, 6, false), 19_000, 21_000)
}

func TestAReorganizationTeachesNothing(t *testing.T) {
	m := newMarket(100)
	m.run(200, 150, m.uniform(1000, 31_000))
	before := m.estimate(t, 6, true)
	var undone []bid
	for range 5 {
		undone = append(undone, m.block()...)
	}
	tables := m.e.Marshal(0)
	m.height -= 5
	for _, b := range undone { // back in the pool, then in blocks of the other branch no higher than before
		m.e.Add(b.hash, m.height, b.rate)
		if _, followed := m.e.tracked[b.hash]; followed {
			t.Fatal("follows a transaction that came back")
		}
	}
	for range 5 {
		m.height++
		m.e.Block(m.height, hashesOf(undone))
	}
	if !slices.Equal(tables, m.e.Marshal(0)) {
		t.Error("blocks no higher than before changed the tables")
	}
	m.run(20, 150, m.uniform(1000, 31_000))
	near(t, "after a reorganization", m.estimate(t, 6, true), before*.9, before*1.1)
}

// TestCountsOfWaitingStayWhole lets transactions come and go for longer than every horizon: at the end, when none is left,
// none may be counted as waiting.
func TestCountsOfWaitingStayWhole(t *testing.T) {
	m := newMarket(3)
	draw := m.uniform(1000, 100_000)
	for range 2*MaxTarget + 100 {
		for range 4 {
			m.come(draw())
		}
		m.block()
		if len(m.waiting) > 0 && m.rng.IntN(2) == 0 {
			gone := m.rng.IntN(len(m.waiting))
			m.e.Remove(m.waiting[gone].hash)
			m.waiting = slices.Delete(m.waiting, gone, gone+1)
		}
	}
	for _, h := range m.e.horizons() {
		waiting := 0
		for b := range h.old {
			for _, row := range append(h.waiting, h.old) {
				if row == nil || row[b] < 0 {
					t.Fatal("negative count")
				}
				waiting += int(row[b])
			}
		}
		if waiting != len(m.waiting) || len(m.e.tracked) != waiting {
			t.Errorf("%d counted as waiting, %d followed, want %d", waiting, len(m.e.tracked), len(m.waiting))
		}
	}
}

func TestNothingIsSaidOfWhatWasNotSeen(t *testing.T) {
	m := newMarket(100)
	for _, target := range []int{-1, 0, 1, 6, MaxTarget, MaxTarget + 1} {
		if rate, _, err := m.e.Estimate(target, true); !errors.Is(err, ErrNoEstimate) {
			t.Errorf("target %d: %.0f, %v", target, rate, err)
		}
	}
	m.run(41, 100, m.uniform(1000, 2000))
	if _, blocks, err := m.e.Estimate(500, false); err != nil || blocks != 20 {
		t.Errorf("after 41 blocks answers for %d, %v; want half of the 40 between first and last", blocks, err)
	}
}

func TestRecordBringsEstimatesBack(t *testing.T) {
	m := newMarket(100)
	m.run(300, 150, m.uniform(1000, 31_000))
	want := m.estimate(t, 12, true)
	m.e.Flush()
	raw := m.e.Marshal(7)
	if len(raw) != RecordSize() {
		t.Errorf("%d bytes, want %d", len(raw), RecordSize())
	}
	e, err := Unmarshal(raw, 7)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := e.Estimate(12, true); err != nil || math.Abs(got-want) > want/20 || e.Best() != m.height {
		t.Errorf("%.0f, %v; want %.0f", got, err, want)
	}
	if !slices.Equal(e.Marshal(7), raw) {
		t.Error("another record")
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	m := newMarket(10)
	m.run(50, 10, m.uniform(1000, 2000))
	raw := m.e.Marshal(7)
	for _, at := range []int{0, 8, 12, 20, 24, 100, len(raw) / 2, len(raw) - 1} {
		bad := slices.Clone(raw)
		bad[at] ^= 0x80
		if _, err := Unmarshal(bad, 7); !errors.Is(err, ErrFormat) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	for _, bad := range [][]byte{nil, raw[:10], raw[:len(raw)-1], append(slices.Clone(raw), 0)} {
		if _, err := Unmarshal(bad, 7); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	if _, err := Unmarshal(raw, 8); !errors.Is(err, ErrFormat) {
		t.Error("of another network:", err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	raw := New().Marshal(7)
	for _, edit := range []struct {
		at int
		to []byte
	}{{0, nil}, {8, []byte{1}}, {12, []byte{0xff, 0xff, 0xff, 0xff}}, {24, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}}, {30_000, []byte{0xff}}} {
		f.Add(edit.at, edit.to)
	}
	f.Fuzz(func(t *testing.T, at int, to []byte) {
		bad := slices.Clone(raw)
		if at >= 0 && at < len(bad) {
			copy(bad[at:], to)
		}
		seal(bad) // what is under the checksum is what matters
		e, err := Unmarshal(bad, 7)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		e.Block(e.Best()+1, nil)
		for _, target := range []int{2, 100, MaxTarget} {
			if rate, _, err := e.Estimate(target, true); err == nil && !(rate > 0) {
				t.Fatal(rate)
			}
		}
	})
}

func BenchmarkBlock(b *testing.B) {
	m := newMarket(2000)
	draw := m.uniform(1000, 31_000)
	m.run(100, 2000, draw)
	for b.Loop() {
		m.run(1, 2000, draw)
	}
}

func BenchmarkEstimate(b *testing.B) {
	m := newMarket(100)
	m.run(300, 150, m.uniform(1000, 31_000))
	for b.Loop() {
		if _, _, err := m.e.Estimate(100, true); err != nil {
			b.Fatal(err)
		}
	}
}
