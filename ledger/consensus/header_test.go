package consensus

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"
)

// line is a chain of headers for rules to look at.
type line struct {
	height int32
	bits   uint32
	time   int64
	parent *line
}

func (l *line) Height() int32    { return l.height }
func (l *line) Bits() uint32     { return l.bits }
func (l *line) Timestamp() int64 { return l.time }
func (l *line) Parent() blockchain.HeaderCtx {
	if l.parent == nil {
		return nil
	}
	return l.parent
}
func (l *line) RelativeAncestorCtx(d int32) blockchain.HeaderCtx {
	for ; d > 0 && l != nil; d-- {
		l = l.parent
	}
	if l == nil {
		return nil
	}
	return l
}

func (l *line) child(bits uint32, t int64) *line { return &line{l.height + 1, bits, t, l} }

// short is a network like Main with a retarget every 8 blocks.
func short() *Params {
	p := Main()
	p.TargetTimespan = 8 * p.TargetTimePerBlock
	return p
}

func TestNextBitsIsWhatHeadersAreHeldTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := short()
		if rapid.Bool().Draw(t, "dev") {
			p = Dev()
		}
		l := &line{bits: p.PowLimitBits, time: 1_800_000_000}
		for range rapid.IntRange(1, 40).Draw(t, "blocks") {
			at := l.time + int64(rapid.OneOf(rapid.IntRange(1, 60), rapid.IntRange(60, 400)).Draw(t, "seconds"))
			bits := NextBits(p, l)
			h := &wire.BlockHeader{Version: 4, Timestamp: time.Unix(at, 0), Bits: bits}
			if err := CheckHeaderContext(p, h, l); err != nil {
				t.Fatalf("height %d: %v", l.height+1, err)
			}
			h.Bits--
			if err := CheckHeaderContext(p, h, l); !Is(err, blockchain.ErrUnexpectedDifficulty) {
				t.Fatalf("height %d: other bits: %v", l.height+1, err)
			}
			l = l.child(bits, at)
		}
	})
}

func TestDifficultyFollowsTheTimeBlocksTook(t *testing.T) {
	p := short()
	// to extends a chain to a height, a block every so many seconds, and says what work the next one takes.
	to := func(l *line, height int32, seconds int64) (*line, int64) {
		for l.height < height {
			l = l.child(NextBits(p, l), l.time+seconds)
		}
		return l, blockchain.CalcWork(NextBits(p, l)).Int64()
	}
	l, first := to(&line{bits: p.PowLimitBits, time: 1_800_000_000}, 7, 15)
	l, second := to(l, 15, 15)
	_, third := to(l, 23, 120)
	if first < 3*blockchain.CalcWork(p.PowLimitBits).Int64() || second < 3*first {
		t.Errorf("blocks four times too fast: work %d, then %d", first, second)
	}
	if third >= second {
		t.Errorf("blocks two times too slow: work %d after %d", third, second)
	}
}

func TestDevDifficultyNeverChanges(t *testing.T) {
	p := Dev()
	l := &line{bits: p.PowLimitBits, time: p.GenesisBlock.Header.Timestamp.Unix()}
	for i := range int64(5000) {
		at := l.time + 1 + i%3*100_000
		if bits := NextBits(p, l); bits != p.PowLimitBits {
			t.Fatalf("height %d: bits %08x", l.height+1, bits)
		}
		l = l.child(p.PowLimitBits, at)
	}
}

func TestHeadersRefused(t *testing.T) {
	p, now := Dev(), time.Unix(1_800_000_000, 0)
	parent := &line{bits: p.PowLimitBits, time: now.Unix() - 100}
	for name, c := range map[string]struct {
		edit func(h *wire.BlockHeader)
		code blockchain.ErrorCode
	}{
		"no work":              {func(h *wire.BlockHeader) { h.Bits = 0x03000001 }, blockchain.ErrHighHash},
		"target too easy":      {func(h *wire.BlockHeader) { h.Bits = 0x217fffff }, blockchain.ErrUnexpectedDifficulty},
		"other target":         {func(h *wire.BlockHeader) { h.Bits = 0x207ffffe }, blockchain.ErrUnexpectedDifficulty},
		"fraction of a second": {func(h *wire.BlockHeader) { h.Timestamp = h.Timestamp.Add(1) }, blockchain.ErrInvalidTime},
		"two hours ahead":      {func(h *wire.BlockHeader) { h.Timestamp = now.Add(2*time.Hour + time.Second) }, blockchain.ErrTimeTooNew},
		"median time":          {func(h *wire.BlockHeader) { h.Timestamp = time.Unix(parent.time, 0) }, blockchain.ErrTimeTooOld},
		"version 3":            {func(h *wire.BlockHeader) { h.Version = 3 }, blockchain.ErrBlockVersionTooOld},
	} {
		h := &wire.BlockHeader{Version: 4, Timestamp: now, Bits: p.PowLimitBits}
		c.edit(h)
		for c.code != blockchain.ErrHighHash && !Solved(h) {
			h.Nonce++
		}
		err := CheckHeader(p, h, now)
		if err == nil {
			err = CheckHeaderContext(p, h, parent)
		}
		if !Is(err, c.code) {
			t.Errorf("%s: %v, want %v", name, err, c.code)
		}
	}
}

func TestSequenceLocks(t *testing.T) {
	// Blocks a minute apart; the coin is of height 20, its predecessor's median time that of height 14.
	l := &line{time: 1_800_000_000}
	for range 30 {
		l = l.child(0, l.time+60)
	}
	coin := wire.OutPoint{Index: 1}
	view := blockchain.NewUtxoViewpoint()
	view.Entries()[coin] = blockchain.NewUtxoEntry(&wire.TxOut{}, 20, false)
	median := int64(1_800_000_000 + 14*60)
	for _, c := range []struct {
		name     string
		version  int32
		sequence uint32
		height   int32
		seconds  int64
	}{
		{"version 1", 1, 5, -1, -1},
		{"disabled", 2, wire.SequenceLockTimeDisabled | 5, -1, -1},
		{"5 blocks", 2, 5, 24, -1},
		{"5 times 512 seconds", 2, wire.SequenceLockTimeIsSeconds | 5, -1, median + 5*512 - 1},
		{"negative version counts as large", -1, 5, 24, -1},
	} {
		tx := wire.NewMsgTx(c.version)
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: coin, Sequence: c.sequence})
		lock, err := SequenceLock(tx, view, l)
		if err != nil || lock.BlockHeight != c.height || lock.Seconds != c.seconds {
			t.Errorf("%s: %+v, %v, want %d, %d", c.name, lock, err, c.height, c.seconds)
		}
	}
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{Sequence: 5})
	if _, err := SequenceLock(tx, view, l); !Is(err, blockchain.ErrMissingTxOut) {
		t.Error("no coin:", err)
	}
	view.Entries()[wire.OutPoint{}] = blockchain.NewUtxoEntry(&wire.TxOut{}, UnminedHeight, false)
	if lock, err := SequenceLock(tx, view, l); err != nil || lock.BlockHeight != 31+5-1 {
		t.Errorf("unmined coin: %+v, %v", lock, err)
	}
}

func TestTemplateNeedsNoWorkButAllElse(t *testing.T) {
	b := *Dev().GenesisBlock
	b.Header.Bits = 0x03000001
	if err := CheckTemplate(btcutil.NewBlock(&b), time.Unix(1_800_000_000, 0)); err != nil {
		t.Error(err)
	}
	if b.Header.Bits != 0x03000001 {
		t.Error("the template was changed")
	}
	b.Header.MerkleRoot[0]++
	if err := CheckTemplate(btcutil.NewBlock(&b), time.Unix(1_800_000_000, 0)); !Is(err, blockchain.ErrBadMerkleRoot) {
		t.Error(err)
	}
}
