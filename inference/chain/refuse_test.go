package chain_test

import (
	"errors"
	"testing"
	"time"

	"funai/amount"
	"funai/inference/block"
	"funai/inference/chain"
	"funai/inference/chain/chaintest"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
	"funai/vrf"
)

// signed is a block changed and signed again by its producer.
func signed(p *chaintest.Producer, b *block.Block, change func(*block.Header)) *block.Block {
	c := *b
	change(&c.Header)
	c.Header.Sign(p.Key)
	return &c
}

// with is a block with other transactions.
func with(p *chaintest.Producer, b *block.Block, txs ...*tx.Tx) *block.Block {
	c := *b
	c.Txs = nil
	for _, t := range txs {
		c.Txs = append(c.Txs, t.Encode())
	}
	return signed(p, &c, func(h *block.Header) { h.TxRoot = block.TxRoot(c.Txs) })
}

func TestBlocksThatBreakARuleAreRefused(t *testing.T) {
	w, k := funded(t, 10)
	p, other := w.Producers[0], w.Producers[1]
	parent := w.Chain.TipInfo()
	r := w.Elect(p)
	silent := w.Ledger.Mine()
	w.Sync()
	lost := w.Ledger.Mine()
	w.Reorganize(silent)
	first := w.DraftOf(r)
	w.Add(first, block.Certificate{})
	second := w.DraftOf(r, w.Transfer(k, 0, key.Hash160{1}, amount.FAI))
	forged := w.Transfer(k, 0, key.Hash160{1}, amount.FAI)
	forged.Payload.(*tx.Transfer).Amount++
	early := w.Another() // has all but the tenure's first block
	early.Sync()
	for h := uint64(1); h <= parent.Height; h++ {
		b, c := w.At(h)
		early.Add(b, c)
	}

	least := first.Header.Time + uint64(w.Params.BlockSpacing.Milliseconds())
	wrongProof := other.Prover.Prove(w.Latest().Snapshot.S[:])
	staleProof := p.Prover.Prove(make([]byte, 32))
	for name, c := range map[string]struct {
		on   *chaintest.World
		b    *block.Block
		want error
	}{
		"of another chain":            {w, signed(p, second, func(h *block.Header) { h.ChainID++ }), chain.ErrInvalid},
		"on an unknown parent":        {w, signed(p, second, func(h *block.Header) { h.Parent[0]++ }), chain.ErrParent},
		"one height up":               {w, signed(p, second, func(h *block.Header) { h.Height++ }), chain.ErrInvalid},
		"one height down":             {w, signed(p, second, func(h *block.Header) { h.Height-- }), chain.ErrInvalid},
		"before the spacing":          {w, signed(p, second, func(h *block.Header) { h.Time = least - 1 }), chain.ErrInvalid},
		"long before its parent":      {w, signed(p, second, func(h *block.Header) { h.Time = 0 }), chain.ErrInvalid},
		"of no election yet":          {w, signed(p, second, func(h *block.Header) { h.Tenure.Height = 99 }), chain.ErrLedger},
		"of a lost election":          {w, signed(p, second, func(h *block.Header) { h.Tenure.Hash = lost.Hash }), chain.ErrOrphaned},
		"of nobody's election":        {w, signed(p, second, func(h *block.Header) { h.Tenure = block.Round{Height: uint32(silent.Height), Hash: silent.Hash} }), chain.ErrInvalid},
		"of the genesis":              {w, signed(p, second, func(h *block.Header) { h.Tenure = block.Round{Hash: w.Ledger.At(0).Hash} }), chain.ErrInvalid},
		"of a tenure before":          {w, signed(other, second, func(h *block.Header) { h.Tenure = parent.Tenure }), chain.ErrInvalid},
		"signed by another producer":  {w, signed(other, second, func(*block.Header) {}), chain.ErrInvalid},
		"with another state root":     {w, signed(p, second, func(h *block.Header) { h.StateRoot[0]++ }), chain.ErrInvalid},
		"without its transactions":    {w, &block.Block{Header: second.Header}, block.ErrBlock},
		"with a needless proof":       {w, signed(p, second, func(h *block.Header) { h.Proof = first.Header.Proof }), chain.ErrInvalid},
		"with half a proof":           {early, signed(p, first, func(h *block.Header) { h.Proof = h.Proof[:40] }), block.ErrBlock},
		"first, without a proof":      {early, signed(p, first, func(h *block.Header) { h.Proof = nil }), chain.ErrInvalid},
		"with another's proof":        {early, signed(p, first, func(h *block.Header) { h.Proof = wrongProof[:] }), chain.ErrInvalid},
		"with a proof over no seed":   {early, signed(p, first, func(h *block.Header) { h.Proof = staleProof[:] }), chain.ErrInvalid},
		"with a certificate":          {w, signed(p, second, func(h *block.Header) { h.Parents = certificate(w, first, r) }), block.ErrCertificate},
		"with a forged transaction":   {w, with(p, second, forged), chain.ErrInvalid},
		"with a transaction twice":    {w, with(p, second, w.Transfer(k, 0, key.Hash160{1}, 1), w.Transfer(k, 0, key.Hash160{1}, 1)), chain.ErrInvalid},
		"with more than there is":     {w, with(p, second, w.Transfer(k, 0, key.Hash160{1}, 101*amount.FAI)), chain.ErrInvalid},
		"with transactions not known": {w, unreadable(p, second), block.ErrBlock},
	} {
		tip := c.on.Chain.Tip()
		for range 2 { // what was refused once is not remembered as good
			if err := c.on.Chain.Add(c.b, block.Certificate{}); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if c.on.Chain.Tip() != tip {
			t.Fatalf("%s: it is the tip", name)
		}
	}
	if err := w.Chain.Add(second, certificate(w, second, r)); !errors.Is(err, block.ErrCertificate) {
		t.Errorf("certified by nobody's group: %v", err)
	}
	early.Add(first, block.Certificate{})
	early.Add(second, block.Certificate{})
	w.Add(second, block.Certificate{})
	if err := w.Chain.Audit(); err != nil || w.Root() != early.Root() {
		t.Errorf("as they should be: %v", err)
	}
}

// certificate is one of a group that there is not.
func certificate(w *chaintest.World, b *block.Block, r block.Round) block.Certificate {
	return block.Certify(map[int]block.Vote{0: w.Vote(block.Commit, w.Producers[0].Key, b, r)}, 1)
}

func unreadable(p *chaintest.Producer, b *block.Block) *block.Block {
	c := *b
	c.Txs = [][]byte{{1, 2, 3}}
	return signed(p, &c, func(h *block.Header) { h.TxRoot = block.TxRoot(c.Txs) })
}

func TestATenureWonByAFalseCommitHasNoBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		say  func(*chaintest.World, *sortition.CommitData)
		want error
	}{
		"another seed":              {func(_ *chaintest.World, d *sortition.CommitData) { d.Seed[31]++ }, chain.ErrInvalid},
		"no seed":                   {func(_ *chaintest.World, d *sortition.CommitData) { d.Seed = [32]byte{} }, chain.ErrInvalid},
		"another parent's height":   {func(_ *chaintest.World, d *sortition.CommitData) { d.ParentHeight-- }, chain.ErrInvalid},
		"another parent's index":    {func(_ *chaintest.World, d *sortition.CommitData) { d.ParentIndex++ }, chain.ErrInvalid},
		"a block that is not there": {func(_ *chaintest.World, d *sortition.CommitData) { d.Block[0]++ }, chain.ErrParent},
		"the genesis with a tenure": {func(w *chaintest.World, d *sortition.CommitData) { d.Block = block.GenesisID(w.Params.ChainID) }, chain.ErrInvalid},
	} {
		w := chaintest.New(t, 1)
		w.Tenures(3)
		on := w.Chain.TipInfo()
		d := sortition.CommitData{Block: on.ID, Seed: on.Seed, ParentHeight: on.CommitH, ParentIndex: on.CommitI}
		c.say(w, &d)
		w.Ledger.Mine(w.CommitData(w.Producers[0], d))
		w.Sync()
		if err := w.Chain.Add(w.Draft(), block.Certificate{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		w.Tenures(2)
		if got := w.Chain.Tip().Height; got != 5 {
			t.Errorf("%s: after two honest ones the tip is at %d", name, got)
		}
	}
}

func TestATenureBuildsOnTheBlockItsCommitNamed(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Tenures(3)
	on := w.Chain.TipInfo()
	aside := w.Another() // has not the block after it
	w.CatchUp(aside.Chain)
	w.Tenures(1)
	named := w.Chain.TipInfo()
	w.ElectOn(w.Producers[0], named)
	aside.Sync()
	b := aside.Draft() // on the block before
	if b.Header.Parent != on.ID {
		t.Fatalf("made on %v", b.Header.Parent)
	}
	if err := aside.Chain.Add(b, block.Certificate{}); !errors.Is(err, chain.ErrParent) {
		t.Errorf("where the named block is not known: %v", err)
	}
	if err := w.Chain.Add(b, block.Certificate{}); !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("where it is: %v", err)
	}
	// A descendant of the block named will do.
	w.ElectOn(w.Producers[0], on)
	w.Extend()
	if got := w.Chain.TipInfo(); got.Parent != named.ID || got.Height != named.Height+1 {
		t.Errorf("%+v", got)
	}
}

func TestBlocksOfAGroupNeedItsCertificates(t *testing.T) {
	w := chaintest.New(t, 1)
	w.Seated(4)
	p, r := w.Producers[0], w.Latest().Round
	first, cert := w.At(w.Chain.Tip().Height)
	second := w.Draft()
	before := block.Round{Height: r.Height - 1, Hash: w.Ledger.At(r.Height - 1).Hash}
	cut := func(c block.Certificate, n int) block.Certificate { c.Votes = c.Votes[:n]; return c }

	for name, c := range map[string]struct {
		cert block.Certificate
		want error
	}{
		"none":                     {block.Certificate{}, block.ErrCertificate},
		"by two of four":           {w.Certify(second, r, 0, 1), block.ErrCertificate},
		"of prepares":              {w.Votes(block.Prepare, second, r), block.ErrCertificate},
		"of its parent":            {cert, block.ErrCertificate},
		"of a round before":        {block.Certificate{Kind: block.Commit, Round: before, Votes: cert.Votes}, chain.ErrInvalid},
		"of a round that is not":   {block.Certificate{Kind: block.Commit, Round: block.Round{Height: r.Height}, Votes: cert.Votes}, chain.ErrOrphaned},
		"of a round not there yet": {block.Certificate{Kind: block.Commit, Round: block.Round{Height: r.Height + 1}, Votes: cert.Votes}, chain.ErrLedger},
	} {
		if err := w.Chain.Add(second, c.cert); !errors.Is(err, c.want) {
			t.Errorf("its certificate is %s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		cert block.Certificate
		want error
	}{
		"none":              {block.Certificate{}, chain.ErrInvalid},
		"by two of four":    {cut(cert, 2), block.ErrCertificate},
		"of prepares":       {w.Votes(block.Prepare, first, r), block.ErrCertificate},
		"of the block":      {w.Certify(second, r), block.ErrCertificate},
		"of a round before": {block.Certificate{Kind: block.Commit, Round: before, Votes: cert.Votes}, chain.ErrInvalid},
		"of a lost round":   {block.Certificate{Kind: block.Commit, Round: block.Round{Height: r.Height}, Votes: cert.Votes}, chain.ErrOrphaned},
	} {
		b := signed(p, second, func(h *block.Header) { h.Parents = c.cert })
		if err := w.Chain.Add(b, w.Certify(b, r)); !errors.Is(err, c.want) {
			t.Errorf("its parent's certificate is %s: %v", name, err)
		}
	}
	// Another quorum than the one that this chain saw certifies the parent just as well.
	b := signed(p, second, func(h *block.Header) { h.Parents = w.Certify(first, r, 1, 2, 3) })
	w.Add(b, w.Certify(b, r, 0, 1, 3))
	if w.Chain.Tip().ID != b.ID() {
		t.Error("it is not the tip")
	}
}

// FuzzAdd alters blocks, and signs them again or not: nothing bad may be taken in, and every refusal is typed.
// Fuzz it with -fuzzminimizetime 1x: the database works in goroutines of its own, so no run covers what another does.
func FuzzAdd(f *testing.F) {
	w := chaintest.New(f, 1)
	w.Clock = time.Unix(1_700_000_000, 0)
	k, p := chaintest.Key(f, 50), w.Producers[0]
	w.Elect(p, w.Mint(k, amount.FAI))
	w.Extend()
	w.TenuresUntil(10)
	w.Elect(p)
	first := w.Draft(w.Transfer(k, 0, p.Hash(), 1), w.Ask(k, 1, p.Hash()))
	made := map[block.ID]bool{}
	for _, b := range []*block.Block{
		first,
		signed(p, first, func(h *block.Header) { h.Time = 1 << 63 }),
		signed(p, first, func(h *block.Header) { h.Proof = nil }),
		signed(p, first, func(h *block.Header) { h.Proof = make([]byte, len(vrf.Proof{})) }),
		unreadable(p, first),
	} {
		made[b.ID()] = true
		f.Add(b.Encode(), false)
		f.Add(b.Encode(), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, resign bool) {
		w := w.In(t)
		b, err := block.Decode(raw)
		if err != nil {
			return
		}
		if resign {
			b.Header.TxRoot = block.TxRoot(b.Txs)
			b.Header.Sign(p.Key)
		}
		tip := w.Chain.TipInfo()
		_, err = w.Chain.Info(b.ID())
		known := err == nil
		if err := w.Chain.Add(b, block.Certificate{}); err != nil {
			for _, want := range []error{chain.ErrInvalid, chain.ErrParent, chain.ErrLedger, chain.ErrOrphaned, block.ErrBlock, block.ErrCertificate} {
				if errors.Is(err, want) {
					return
				}
			}
			t.Fatalf("untyped error %v", err)
		}
		if known {
			return
		}
		if !resign && !made[b.ID()] {
			t.Fatal("a block that its producer never signed was taken")
		}
		if now := w.Chain.TipInfo(); now.ID != b.ID() && now != tip || b.Header.StateRoot != w.Root() && now.ID == b.ID() {
			t.Fatalf("the tip is %+v", now)
		}
		if err := w.Chain.Audit(); err != nil {
			t.Fatal(err)
		}
	})
}
