package chain_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"funai/inference/chain/chaintest"
)

// lastSynced is what a power cut leaves for sure.
var lastSynced = vfs.CrashCloneCfg{}

func newCrashFS() *vfs.MemFS { return vfs.NewCrashableMem() }

func TestAChainComesBackFromAPowerCutAtAnyWrite(t *testing.T) {
	disk, rng := newCrashFS(), rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	var writes int
	var left []*vfs.MemFS
	look := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if writes++; rng.IntN(6) == 0 {
			left = append(left, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}))
		}
		return nil
	})
	w := chaintest.NewOn(t, errorfs.Wrap(disk, look), 2)
	w.Tenures(1)
	churn(w, rand.New(rand.NewPCG(3, 4)), 90, func() {})
	want := pageOf(t, w)
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d writes, %d power cuts", writes, len(left))
	for i, fs := range left {
		back := *w
		back.Chain = w.OpenOn(fs)
		tip := back.Chain.Tip()
		if tip.Height > 0 {
			if b, _ := back.At(tip.Height); b.ID() != tip.ID || b.Header.StateRoot != back.Root() {
				t.Fatalf("cut %d: the tip %v stands for another state", i, tip)
			}
		}
		pageOf(t, &back)
		w.CatchUp(back.Chain)
		if got := pageOf(t, &back); !got.same(want) {
			t.Fatalf("cut %d: came back to %+v, not %+v", i, got, want)
		}
	}
}
