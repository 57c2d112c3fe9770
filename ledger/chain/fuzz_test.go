package chain_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// Whatever a peer sends as a block: no panic, no error but a broken rule, sums that add up, and a chain that goes on. Run
// it with -fuzzminimizetime 1x: the database's goroutines make coverage vary, and minimizing would never end.
func FuzzBlocksFromPeers(f *testing.F) {
	base := chaintest.New(f)
	k := chaintest.Key(f, 1)
	coins := chaintest.MineN(f, base, chaintest.Script(k), 12)
	pays := chaintest.Spend(f, k, coins[0], reward, &wire.TxOut{Value: reward - 9, PkScript: anyone}, &wire.TxOut{Value: 3, PkScript: nobody})
	for _, b := range []*wire.MsgBlock{
		chaintest.BlockOn(f, base, base.Tip(), anyone, 1),
		chaintest.BlockOn(f, base, base.Tip(), anyone, 2, pays),
		chaintest.BlockOn(f, base, chain.Index{Hash: *base.Params().GenesisHash}, anyone, 3),
	} {
		var raw bytes.Buffer
		if err := b.Serialize(&raw); err != nil {
			f.Fatal(err)
		}
		f.Add(raw.Bytes(), true)
		f.Add(raw.Bytes(), false)
	}
	_, first, err := base.UpdatesSince(chain.Index{Hash: *base.Params().GenesisHash}, 100)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, solve bool) {
		if len(raw) > 100_000 {
			return
		}
		var b wire.MsgBlock
		if err := b.Deserialize(bytes.NewReader(raw)); err != nil {
			return
		}
		if solve && len(b.Transactions) > 0 {
			// Past the proof of work and the merkle root, to the rules behind them.
			b.Header.Bits = base.Params().PowLimitBits
			chaintest.Solve(&b)
		}
		c := chaintest.New(t)
		for _, u := range first {
			if _, err := c.ProcessBlock(t.Context(), u.Block); err != nil {
				t.Fatal(err)
			}
		}
		tip := c.Tip()
		template := c.CheckTemplate(t.Context(), &b)
		o, err := c.ProcessBlock(t.Context(), &b)
		if _, broken := consensus.Broken(err); err != nil && !broken {
			t.Fatal(err)
		}
		if o.MainChain && err == nil && (template != nil || c.Tip().Hash != b.BlockHash()) || err != nil && c.Tip() != tip {
			t.Fatalf("%+v, %v; as a template %v; tip %+v", o, err, template, c.Tip())
		}
		if template == nil && err != nil && !consensus.Is(err, blockchain.ErrHighHash) && !consensus.Is(err, blockchain.ErrUnexpectedDifficulty) {
			t.Fatalf("good as a template, then %v", err)
		}
		audit(t, c)
		chaintest.Mine(t, c, anyone)
	})
}

// Whatever a peer sends as headers: no error but a broken rule, and a tree that grows by what is good.
func FuzzHeadersFromPeers(f *testing.F) {
	p := consensus.Dev()
	base := chaintest.New(f)
	chaintest.MineN(f, base, anyone, 12)
	_, first, err := base.UpdatesSince(chain.Index{Hash: *p.GenesisHash}, 100)
	if err != nil {
		f.Fatal(err)
	}
	var raw bytes.Buffer
	for _, h := range headerRow(p, head(f, base, base.Tip()), 3, 1) {
		if err := h.Serialize(&raw); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(raw.Bytes(), true)
	f.Add(raw.Bytes()[80:], false)
	f.Fuzz(func(t *testing.T, raw []byte, solve bool) {
		var hs []*wire.BlockHeader
		parent := *p.GenesisHash
		for r := bytes.NewReader(raw); r.Len() >= wire.MaxBlockHeaderPayload && len(hs) < 20; {
			var h wire.BlockHeader
			if err := h.Deserialize(r); err != nil {
				t.Fatal(err)
			}
			if solve {
				for h.PrevBlock, h.Bits = parent, p.PowLimitBits; !consensus.Solved(&h); {
					h.Nonce++
				}
				parent = h.BlockHash()
			}
			hs = append(hs, &h)
		}
		c := chaintest.New(t)
		for _, u := range first {
			if _, err := c.ProcessBlock(t.Context(), u.Block); err != nil {
				t.Fatal(err)
			}
		}
		tip := c.Tip()
		err := c.ProcessHeaders(hs)
		if _, broken := consensus.Broken(err); err != nil && !broken {
			t.Fatal(err)
		}
		for i, h := range hs {
			back, _, known := c.Header(h.BlockHash())
			if !known && err == nil || known && back.BlockHash() != h.BlockHash() {
				t.Fatalf("header %d of %d: known %v, %v", i, len(hs), known, err)
			}
		}
		if c.Tip() != tip || c.BestHeader().Height < tip.Height {
			t.Fatal(c.Tip(), c.BestHeader())
		}
		c.Tips()
		chaintest.Mine(t, c, anyone)
	})
}

// A database in which one record is damaged opens or says that it is corrupt, and answers or says so; it never panics.
func FuzzDamagedDatabase(f *testing.F) {
	p, fs := consensus.Dev(), vfs.NewMem()
	c := chaintest.Open(f, p, chain.Options{FS: fs, TxIndex: true})
	coins := chaintest.MineN(f, c, anyone, 12)
	chaintest.Mine(f, c, anyone, free(coins[0], reward, 3))
	extend(f, c, chain.Index{Hash: *p.GenesisHash}, 1, 7)
	if err := c.Close(); err != nil {
		f.Fatal(err)
	}
	records := recordsOf(f, fs)
	for i := range records {
		f.Add(uint16(i), uint16(0), byte(0xff), false)
		f.Add(uint16(i), uint16(5), byte(1), true)
	}
	f.Fuzz(func(t *testing.T, which, at uint16, flip byte, cut bool) {
		damaged := slices.Clone(records)
		r := &damaged[int(which)%len(damaged)]
		r.value = bytes.Clone(r.value)
		switch {
		case len(r.value) == 0:
			r.value = []byte{flip}
		case cut:
			r.value = r.value[:int(at)%len(r.value)]
		default:
			r.value[int(at)%len(r.value)] ^= flip
		}
		c, err := chain.Open(p, chain.Options{FS: written(t, damaged), NoSync: true, TxIndex: true})
		if err != nil {
			known(t, err)
			return
		}
		_, _, err = c.UpdatesSince(chain.Index{}, 100)
		known(t, err)
		_, err = c.Coins()
		known(t, err)
		for h := range c.Tip().Height + 1 {
			i, _ := c.IndexAt(h)
			b, err := c.Block(i.Hash)
			if known(t, err); err == nil {
				for _, tx := range b.Transactions {
					_, _, err := c.Tx(tx.TxHash())
					known(t, err)
				}
			}
		}
		_, err = c.ProcessBlock(t.Context(), chaintest.BlockOn(t, c, c.Tip(), anyone, 3))
		known(t, err)
		if tip := c.Tip(); tip.Height > 0 {
			known(t, c.InvalidateBlock(t.Context(), tip.Hash))
			known(t, c.ReconsiderBlock(t.Context(), tip.Hash))
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// known passes errors that tell what is wrong with a database.
func known(t *testing.T, err error) {
	t.Helper()
	if _, broken := consensus.Broken(err); err == nil || broken {
		return
	}
	for _, e := range []error{chain.ErrCorrupt, chain.ErrMissing, chain.ErrNetwork, chain.ErrUnknown, chain.ErrPruneIndex, amount.ErrOverflow} {
		if errors.Is(err, e) {
			return
		}
	}
	t.Errorf("%v", err)
}

// record is one of a database's.
type record struct{ key, value []byte }

func recordsOf(t testing.TB, fs vfs.FS) (rs []record) {
	db, err := pebble.Open("", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for it.First(); it.Valid(); it.Next() {
		rs = append(rs, record{bytes.Clone(it.Key()), bytes.Clone(it.Value())})
	}
	if err := errors.Join(it.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return rs
}

func written(t testing.TB, rs []record) vfs.FS {
	fs := vfs.NewMem()
	db, err := pebble.Open("", &pebble.Options{FS: fs, FormatMajorVersion: pebble.FormatNewest})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := db.Set(r.key, r.value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return fs
}
