package node

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"funai/inference/execution"
	"funai/inference/task"
	"funai/inference/tx"
)

func TestASeatWithoutTheModelAbstains(t *testing.T) {
	r := judges{map[uint32]Judged{1: {}}, nil}.Judge(t.Context(), &task.Checked{Open: &tx.Open{Model: 2}, Receipt: &tx.Receipt{}})
	if r.Verdict != execution.Abstain || r.Reason == "" {
		t.Errorf("%+v", r)
	}
}

func TestBallotsOutliveTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ballots")
	b := ballots{dir}
	if all, err := b.Load(); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	one, two := [32]byte{1}, [32]byte{2}
	for _, err := range []error{b.Save(one, []byte("first")), b.Save(two, []byte("second")), b.Save(one, []byte("again")), b.Delete(two), b.Delete(two),
		os.WriteFile(filepath.Join(dir, "note.txt"), []byte("not ours"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := ballots{dir}.Load()
	if err != nil || len(all) != 1 || !bytes.Equal(all[one], []byte("again")) {
		t.Errorf("%q, %v", all, err)
	}
	if _, err := (ballots{filepath.Join(dir, "note.txt")}).Load(); err == nil {
		t.Error("a file is no folder")
	}
}
