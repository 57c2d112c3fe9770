package mempool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain/chaintest"
)

// reopen closes the pool and opens it again, read in whole.
func (r *rig) reopen(cfg Config) {
	r.Helper()
	if err := r.p.Close(); err != nil {
		r.Fatal(err)
	}
	r.p = New(r.c, cfg)
	r.Cleanup(func() { r.p.Close() })
	r.loaded()
}

func (r *rig) loaded() {
	r.Helper()
	for {
		changed := r.p.Changed()
		if r.p.Info().Loaded {
			break
		}
		<-changed
	}
	if err := r.p.Check(); err != nil {
		r.Fatal(err)
	}
}

func TestPoolComesBackAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{File: filepath.Join(t.TempDir(), "mempool.dat")}
		r := newRig(t, 4, cfg)
		r.loaded()
		a := r.pay(r.coins[0], coinValue, 1000)
		b := r.pay(out(a, 0), coinValue-1000, 500)
		c := r.pay(r.coins[1], coinValue, 10) // only its priority lets it in
		d := r.pay(r.coins[2], coinValue, 1000)
		unknown := chainhash.Hash{7}
		r.p.Prioritise(c.TxHash(), 5000)
		r.p.Prioritise(unknown, -3)
		r.accept(a, b, c)
		if _, _, err := r.p.AcceptFrom(d, "peer"); err != nil {
			t.Fatal(err)
		}
		r.p.Broadcast(a.TxHash())
		at := r.p.Descs()[0].Added
		time.Sleep(time.Hour)
		r.reopen(cfg)
		want := map[chainhash.Hash]bool{a.TxHash(): false, b.TxHash(): true, c.TxHash(): true, d.TxHash(): false} // unbroadcast
		if n := r.p.Info().Count; n != len(want) {
			t.Fatalf("%d transactions came back, want %d", n, len(want))
		}
		for h, local := range want {
			e, ok := r.p.Entry(h)
			if !ok || e.Unbroadcast != local || e.Added.Unix() != at.Unix() {
				t.Errorf("%v: %v, unbroadcast %v, entered %v; want unbroadcast %v, entered %v", h, ok, e.Unbroadcast, e.Added, local, at)
			}
		}
		if ds := r.p.Deltas(); len(ds) != 2 || ds[c.TxHash()] != 5000 || ds[unknown] != -3 {
			t.Errorf("priorities %v", ds)
		}
		chaintest.Mine(t, r.c, r.script(), r.pay(r.coins[0], coinValue, 9000)) // while the pool is not there
		if err := r.p.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(Expiry)
		r.reopen(cfg)
		if n := r.p.Info().Count; n != 0 {
			t.Errorf("%d left of what has expired", n)
		}
	})
}

func TestWhatIsNoLongerValidStaysOutAfterARestart(t *testing.T) {
	cfg := Config{File: filepath.Join(t.TempDir(), "mempool.dat")}
	r := newRig(t, 2, cfg)
	r.loaded()
	a := r.pay(r.coins[0], coinValue, 1000)
	r.accept(a, r.pay(out(a, 0), coinValue-1000, 500), r.pay(r.coins[1], coinValue, 1000))
	if err := r.p.Close(); err != nil {
		t.Fatal(err)
	}
	chaintest.Mine(t, r.c, r.script(), r.pay(r.coins[0], coinValue, 9000))
	r.reopen(cfg)
	if n := r.p.Info().Count; n != 1 {
		t.Errorf("%d transactions, want the one whose coin is there", n)
	}
}

func TestDamagedFileIsPutAside(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{File: filepath.Join(dir, "mempool.dat"), FeesFile: filepath.Join(dir, "fees.dat")}
	r := newRig(t, 1, cfg)
	r.loaded()
	r.accept(r.pay(r.coins[0], coinValue, 1000))
	if err := r.p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{cfg.File, cfg.FeesFile} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 1
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.reopen(cfg)
	if n := r.p.Info().Count; n != 0 {
		t.Errorf("%d transactions of a damaged file", n)
	}
	for _, file := range []string{cfg.File, cfg.FeesFile} {
		if _, err := os.Stat(file + damaged); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Error("still there:", err)
		}
	}
	r.reopen(cfg)
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

func TestFailedSaveLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mempool.dat")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk is full")
	if err := replaceFile(file, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != "old" {
		t.Error(string(raw), err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Error(names, err)
	}
}

func TestRunningPoolSavesNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{File: filepath.Join(t.TempDir(), "mempool.dat")}
		r := newRig(t, 1, cfg)
		r.loaded()
		r.accept(r.pay(r.coins[0], coinValue, 1000))
		time.Sleep(saveEvery + time.Second)
		n := 0
		raw, err := os.ReadFile(cfg.File)
		if err == nil {
			err = readRecord(bytes.NewReader(raw), uint32(r.c.Params().Net), func(saved) error { n++; return nil }, func(chainhash.Hash, int64) {})
		}
		if err != nil || n != 1 {
			t.Errorf("%d transactions saved, %v", n, err)
		}
	})
}

func TestFeeEstimatesComeBackAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock is at the dev chain's beginning, so that the chain is current
		cfg := Config{FeesFile: filepath.Join(t.TempDir(), "fees.dat")}
		r := newRig(t, 60, cfg)
		r.loaded()
		for i := range 60 {
			r.accept(r.pay(r.coins[i], coinValue, 2000))
			chaintest.Mine(t, r.c, r.script(), r.p.Descs()[0].Tx.MsgTx())
			r.settled()
		}
		rate, blocks, err := r.p.EstimateFee(6, true)
		// All paid 2,000 for 110 virtual bytes, or 109 or 111 by the length of their signatures.
		if err != nil || blocks != 6 || rate < 18_000 || rate > 18_400 {
			t.Fatalf("%d for %d blocks, %v", rate, blocks, err)
		}
		r.reopen(cfg)
		again, blocks, err := r.p.EstimateFee(6, true)
		if err != nil || again != rate || blocks != 6 {
			t.Errorf("%d for %d blocks, %v; want %d", again, blocks, err, rate)
		}
	})
}

// FuzzReadRecord reads records whose checksum holds and whose contents do not.
func FuzzReadRecord(f *testing.F) {
	const network = 7
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{1}}, []byte{1, 2}, wire.TxWitness{{3}, {4, 5}}))
	tx.AddTxOut(wire.NewTxOut(1000, []byte{0x51}))
	var good bytes.Buffer
	txs := []saved{{tx, time.Unix(1_800_000_000, 0), true}, {tx, time.Unix(1_800_000_001, 0), false}}
	if err := writeRecord(&good, network, txs, map[chainhash.Hash]int64{{9}: -5}); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add(good.Bytes()[:40])
	for _, at := range []int{8, 12, 24, 25, 30, 60, good.Len() - 70} {
		bad := slices.Clone(good.Bytes())
		bad[at] ^= 0xff
		f.Add(bad)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var txs []saved
		deltas := map[chainhash.Hash]int64{}
		err := readRecord(bytes.NewReader(raw), network, func(s saved) error { txs = append(txs, s); return nil },
			func(h chainhash.Hash, d int64) { deltas[h] = d })
		if err != nil {
			if !errors.Is(err, errRecord) {
				t.Fatal(err)
			}
			return
		}
		var again bytes.Buffer
		if err := writeRecord(&again, network, txs, deltas); err != nil {
			t.Fatal(err)
		}
		if err := checkRecord(bytes.NewReader(again.Bytes()), int64(again.Len())); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := readRecord(&again, network, func(s saved) error {
			if s.tx.TxHash() != txs[n].tx.TxHash() || !s.added.Equal(txs[n].added) || s.local != txs[n].local {
				t.Fatal(n)
			}
			n++
			return nil
		}, func(h chainhash.Hash, d int64) {
			if deltas[h] != d {
				t.Fatal(h, d)
			}
		}); err != nil || n != len(txs) {
			t.Fatal(n, err)
		}
	})
}
