package devnet

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"funai/inference/api"
	"funai/inference/chain"
	"funai/inference/tx"
	"funai/model"
)

// onDisk lists the files below a folder that hold a text.
func onDisk(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // stores come and go with their files
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(text)) {
			files = append(files, strings.TrimPrefix(path, dir))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestContentsAreGoneFromDiskOnceSettlementIsConfirmed(t *testing.T) {
	var dir string
	n := start(t, func(o *Options) { dir = o.Dir })
	const secret = "My name is Xylophonia Quux and my secret"
	text, id := ask(t, n, secret)
	if held := onDisk(t, dir, secret); len(held) == 0 {
		t.Error("nobody holds the question after it was answered")
	}
	r := verdict(t, n, id)
	if r.Verdict != api.VerdictValid {
		t.Fatalf("%+v", r)
	}
	task, err := tx.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		moved, held := n.gateway().Changed(), 0
		for _, m := range n.nodes {
			if m.node.HasContents(task) {
				held++
			}
		}
		if held == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d nodes still hold the contents", held)
		}
		<-moved
	}
	for _, s := range []string{secret, text} {
		if files := onDisk(t, dir, s); len(files) != 0 {
			t.Errorf("%q is still in %v", s, files)
		}
	}
}

func TestNetworkGoesOnWhereItStopped(t *testing.T) {
	kind, engine := stories(t)
	o := options(t, kind, engine)
	run := func() *Net {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		n, err := Start(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := run()
	_, id := ask(t, n, "There once was a bear who")
	before := verdict(t, n, id)
	height, ledgerHeight := n.gateway().Chain().Tip().Height, n.gateway().LedgerHeight()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	o.Engines = map[uint32]model.Engine{kind: engine}
	began := time.Now()
	n = run()
	t.Logf("ready again after %v", time.Since(began))
	after := get[api.Receipt](t, n, "/api/receipts/"+id)
	if after.Verdict != before.Verdict || after.Fee != before.Fee || *after.Settled != *before.Settled {
		t.Errorf("receipt was %+v, is %+v", before, after)
	}
	if h := n.gateway().Chain().Tip().Height; h < height {
		t.Errorf("inference chain was at %d, is at %d", height, h)
	}
	if h := n.gateway().LedgerHeight(); h < ledgerHeight {
		t.Errorf("ledger was at %d, is at %d", ledgerHeight, h)
	}
	_, id = ask(t, n, "There once was a fox who")
	if r := verdict(t, n, id); r.Verdict != api.VerdictValid {
		t.Errorf("after the restart: %+v", r)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	task, err := tx.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	o.Fresh = true
	n = run()
	if _, err := n.gateway().Chain().Task(task); !errors.Is(err, chain.ErrUnknown) {
		t.Errorf("a fresh network knows an old question: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFreshNeverEmptiesAStrangersFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir, Fresh: true}); err == nil {
		t.Error("a folder with other files in it was taken")
	}
	if _, err := os.Stat(filepath.Join(dir, "thesis.txt")); err != nil {
		t.Error(err)
	}
}
