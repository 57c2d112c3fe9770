package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"funai/inference/content"
	"funai/inference/execution"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/judge"
)

func evidenceOf(t *testing.T, dir string, changed func() <-chan struct{}) *evidence {
	t.Helper()
	k := &evidence{changed: changed}
	for name, to := range map[string]**content.Store{"evidence": &k.store, "contents": &k.contents} {
		s, err := content.Open(dir+"/"+name, content.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		*to = s
	}
	return k
}

// TestEvidenceLivesAsLongAsItsContents: it is there while a dispute is possible, over a restart too, and goes with what it is
// about.
func TestEvidenceLivesAsLongAsItsContents(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		moved := make(chan struct{})
		changed := func() <-chan struct{} { return moved }
		k := evidenceOf(t, dir, changed)
		ids := [][32]byte{{1}, {2}}
		e := judge.Evidence{Model: "m", Tokens: 4, MaxMargin: 0.5}
		for _, id := range ids {
			b := []byte("contents")
			if err := errors.Join(k.contents.Put(t.Context(), id, content.Hash(b), b), k.keep(t.Context(), id, e)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(k.store.Close(), k.contents.Close()); err != nil {
			t.Fatal(err)
		}
		k = evidenceOf(t, dir, changed)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.forget(ctx) }()
		held := func(id [32]byte, want bool) {
			t.Helper()
			synctest.Wait()
			if got := len(k.store.Hashes(id)) == 1; got != want {
				t.Errorf("evidence of task %d is held: %v", id[0], got)
			}
		}
		held(ids[0], true)
		b, err := k.store.Get(e.Hash())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := judge.DecodeEvidence(b); err != nil || got != e {
			t.Errorf("kept %+v, %v", got, err)
		}
		if err := k.contents.DeleteTask(ids[0]); err != nil {
			t.Fatal(err)
		}
		old := moved
		moved = make(chan struct{})
		close(old)
		held(ids[0], false)
		held(ids[1], true)
		stop()
		if err := errors.Join(<-done, k.store.Close(), k.contents.Close()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestAVoteWithoutEvidenceIsNone: a seat that can't keep what it would have to show abstains.
func TestAVoteWithoutEvidenceIsNone(t *testing.T) {
	k := evidenceOf(t, t.TempDir(), nil)
	if err := errors.Join(k.store.Close(), k.contents.Close()); err != nil {
		t.Fatal(err)
	}
	c := &task.Checked{Open: &tx.Open{Model: 1}, Receipt: &tx.Receipt{}}
	r := judges{map[uint32]Judged{1: {}}, k}.Judge(t.Context(), c)
	if r.Verdict != execution.Abstain || r.Reason == "" || r.Evidence != ([32]byte{}) {
		t.Errorf("%+v", r)
	}
}
