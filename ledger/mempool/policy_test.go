package mempool

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/amount"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// spend makes a transaction of our coins of values, edits it and signs it.
func (r *rig) spend(from map[wire.OutPoint]int64, edit func(*wire.MsgTx), outs ...*wire.TxOut) *wire.MsgTx {
	r.Helper()
	tx, prev := wire.NewMsgTx(2), txscript.NewMultiPrevOutFetcher(nil)
	tx.TxOut = outs
	for o, value := range from {
		tx.AddTxIn(wire.NewTxIn(&o, nil, nil))
		prev.AddPrevOut(o, wire.NewTxOut(value, r.script()))
	}
	if edit != nil {
		edit(tx)
	}
	hashes := txscript.NewTxSigHashes(tx, prev)
	for i, in := range tx.TxIn {
		w, err := txscript.WitnessSignature(tx, hashes, i, from[in.PreviousOutPoint], r.script(), txscript.SigHashAll, r.k.Secp256k1(), true)
		if err != nil {
			r.Fatal(err)
		}
		in.Witness = w
	}
	return tx
}

// v3 spends one coin to ourselves in a transaction of version 3.
func (r *rig) v3(from wire.OutPoint, value, fee int64, outputs int) *wire.MsgTx {
	var outs []*wire.TxOut
	for range outputs {
		outs = append(outs, wire.NewTxOut((value-fee)/int64(outputs), r.script()))
	}
	return r.spend(map[wire.OutPoint]int64{from: value}, func(tx *wire.MsgTx) { tx.Version = 3 }, outs...)
}

// refused checks that a transaction is refused for a reason, and that Test says the same.
func (r *rig) refused(what string, tx *wire.MsgTx, kind error, reason string) {
	r.Helper()
	test := r.p.Test([]*wire.MsgTx{tx})[0]
	before := r.p.Seq()
	_, err := r.p.Accept(tx)
	if !errors.Is(err, kind) || Reason(err) != reason {
		r.Errorf("%s: error %v (%s), want %v (%s)", what, err, Reason(err), kind, reason)
	}
	if test.Allowed || Reason(test.Err) != reason || test.Txid != tx.TxHash() {
		r.Errorf("%s: test says %+v", what, test)
	}
	if r.p.Seq() != before {
		r.Errorf("%s: the pool changed", what)
	}
	if err := r.p.Check(); err != nil {
		r.Error(what, err)
	}
}

func strict(t testing.TB) *chain.Chain {
	p := consensus.Dev()
	cp := *p.Params
	cp.RelayNonStdTxs = false
	p.Params = &cp
	return chaintest.Open(t, p, chain.Options{FS: vfs.NewMem(), NoSync: true})
}

func script(t testing.TB, b *txscript.ScriptBuilder) []byte {
	s, err := b.Script()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOnlyStandardTransactionsAreRelayed(t *testing.T) {
	r := &rig{TB: t, c: strict(t), k: chaintest.Key(t, 1)}
	r.coins = chaintest.MineN(t, r.c, r.script(), 2)
	odd := script(t, txscript.NewScriptBuilder().AddOp(txscript.OP_DROP).AddOp(txscript.OP_TRUE))
	oddCoin := chaintest.MineN(t, r.c, odd, 1)[0]
	future := chaintest.MineN(t, r.c, []byte{txscript.OP_16, 2, 1, 2}, 1)[0]
	chaintest.MineN(t, r.c, []byte{txscript.OP_TRUE}, int(r.c.Params().CoinbaseMaturity))
	r.p = New(r.c, Config{})
	t.Cleanup(func() { r.p.Close() })
	builder := txscript.NewScriptBuilder
	from := map[wire.OutPoint]int64{r.coins[0]: coinValue}
	to := func(value int64, script []byte) *wire.MsgTx {
		return r.spend(from, nil, wire.NewTxOut(coinValue/2, r.script()), wire.NewTxOut(value, script))
	}
	data := func(n int) []byte { return script(t, builder().AddOp(txscript.OP_RETURN).AddData(make([]byte, n))) }
	multi := builder().AddOp(txscript.OP_1)
	for range 4 {
		multi.AddData(append([]byte{2}, make([]byte, 32)...))
	}
	multi.AddOp(txscript.OP_4).AddOp(txscript.OP_CHECKMULTISIG)
	bare := wire.NewMsgTx(2)
	bare.AddTxIn(wire.NewTxIn(&oddCoin, []byte{txscript.OP_TRUE}, nil))
	bare.AddTxOut(wire.NewTxOut(coinValue/2, r.script()))
	unknown := wire.NewMsgTx(2)
	unknown.AddTxIn(wire.NewTxIn(&future, nil, wire.TxWitness{{1}}))
	unknown.AddTxOut(wire.NewTxOut(coinValue/2, r.script()))
	fat := r.pay(r.coins[0], coinValue, 5000)
	fat.TxIn[0].SignatureScript = script(t, builder().AddFullData(make([]byte, 1700)))
	code := r.pay(r.coins[0], coinValue, 5000)
	code.TxIn[0].SignatureScript = []byte{txscript.OP_DUP}
	for _, c := range []struct {
		tx     *wire.MsgTx
		reason string
	}{
		{r.spend(from, func(tx *wire.MsgTx) { tx.Version = 4 }, wire.NewTxOut(coinValue/2, r.script())), "version"},
		{r.spend(from, func(tx *wire.MsgTx) { tx.Version = 0 }, wire.NewTxOut(coinValue/2, r.script())), "version"},
		{fat, "scriptsig-size"},
		{code, "scriptsig-not-pushonly"},
		{to(1000, odd), "scriptpubkey"},
		{to(1000, script(t, multi)), "scriptpubkey"},
		{to(1000, []byte{txscript.OP_0, 3, 1, 2, 3}), "scriptpubkey"},
		{to(1000, []byte{txscript.OP_RETURN, txscript.OP_DUP}), "scriptpubkey"},
		{to(0, data(81)), "datacarrier"},
		{r.spend(from, nil, wire.NewTxOut(0, data(1)), wire.NewTxOut(0, data(2))), "multi-op-return"},
		{to(293, r.script()), "dust"},
		{bare, "bad-txns-nonstandard-inputs"},
		{unknown, "bad-txns-nonstandard-inputs"},
	} {
		r.refused(c.reason, c.tx, ErrPolicy, c.reason)
	}
	for what, tx := range map[string]*wire.MsgTx{
		"longest data":             to(0, data(80)),
		"data that burns":          to(1000, data(80)),
		"least that is no dust":    to(294, r.script()),
		"anchor":                   to(240, []byte{txscript.OP_1, 2, 0x4e, 0x73}),
		"witness of a version 16":  to(1000, []byte{txscript.OP_16, 2, 1, 2}),
		"empty OP_RETURN":          to(0, []byte{txscript.OP_RETURN}),
		"transaction of version 1": r.spend(from, func(tx *wire.MsgTx) { tx.Version = 1 }, wire.NewTxOut(coinValue/2, r.script())),
		"transaction of version 3": r.spend(from, func(tx *wire.MsgTx) { tx.Version = 3 }, wire.NewTxOut(coinValue/2, r.script())),
		"several pushes of data":   to(0, append(data(10), data(10)[1:]...)),
		"pay to a public key hash": to(546, script(t, builder().AddOp(txscript.OP_DUP).AddOp(txscript.OP_HASH160).AddData(make([]byte, 20)).AddOp(txscript.OP_EQUALVERIFY).AddOp(txscript.OP_CHECKSIG))),
		"pay to a taproot key":     to(330, script(t, builder().AddOp(txscript.OP_1).AddData(make([]byte, 32)))),
		"pay to a script hash":     to(540, script(t, builder().AddOp(txscript.OP_HASH160).AddData(make([]byte, 20)).AddOp(txscript.OP_EQUAL))),
		"pay to a witness script":  to(330, script(t, builder().AddOp(txscript.OP_0).AddData(make([]byte, 32)))),
	} {
		if res := r.p.Test([]*wire.MsgTx{tx}); !res[0].Allowed {
			t.Errorf("%s: %v", what, res[0].Err)
		}
	}
}

// TestDustIsWhatBitcoinCoreCallsDust has the thresholds that Bitcoin Core's documentation names (src/policy/policy.cpp).
func TestDustIsWhatBitcoinCoreCallsDust(t *testing.T) {
	for what, c := range map[string]struct {
		script []byte
		want   int64
	}{
		"P2PKH":  {append(append([]byte{txscript.OP_DUP, txscript.OP_HASH160, 20}, make([]byte, 20)...), txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG), 546},
		"P2WPKH": {append([]byte{txscript.OP_0, 20}, make([]byte, 20)...), 294},
		"P2WSH":  {append([]byte{txscript.OP_0, 32}, make([]byte, 32)...), 330},
		"P2A":    {[]byte{txscript.OP_1, 2, 0x4e, 0x73}, 240},
		"burned": {[]byte{txscript.OP_RETURN}, 0},
		"broken": {[]byte{txscript.OP_DATA_5, 1}, (8 + 1 + 2 + 148) * 3}, // becomes a coin, if one that nobody can spend
	} {
		if got := Dust(wire.NewTxOut(0, c.script)); got != c.want {
			t.Errorf("%s: %d, want %d", what, got, c.want)
		}
	}
}

func TestScriptThatOnlyPolicyForbidsIsNoMisbehaviour(t *testing.T) {
	r := newRig(t, 1, Config{})
	nop := []byte{txscript.OP_NOP10, txscript.OP_TRUE}
	fund := chaintest.Spend(t, r.k, r.coins[0], coinValue, wire.NewTxOut(coinValue/2, nop), wire.NewTxOut(coinValue/4, r.script()))
	r.accept(fund)
	tx := wire.NewMsgTx(2)
	coin := out(fund, 0)
	tx.AddTxIn(wire.NewTxIn(&coin, nil, nil))
	tx.AddTxOut(wire.NewTxOut(coinValue/4, r.script()))
	tx.AddTxOut(wire.NewTxOut(1_000_000, r.script()))
	r.refused("upgradable NOP", tx, ErrPolicy, "mempool-script-verify-flag-failed (NOPx reserved for soft-fork upgrades)")
}

func TestReplacementKeepsTheFiveRules(t *testing.T) {
	r := newRig(t, 4, Config{})
	a := r.pay(r.coins[0], coinValue, 1000) // final: it does not signal
	b := r.pay(out(a, 0), coinValue-1000, 5000)
	other := r.pay(r.coins[1], coinValue, 1000)
	r.accept(a, b, other)
	size := int64(110)
	r.refused("no higher rate", r.pay(r.coins[0], coinValue, 900), ErrFee, "insufficient fee")
	r.refused("less than all that go", r.pay(r.coins[0], coinValue, 5999), ErrFee, "insufficient fee")
	r.refused("nothing for its own relay", r.pay(r.coins[0], coinValue, 6000+size-20), ErrFee, "insufficient fee")
	r.refused("a new unconfirmed input", r.spend(map[wire.OutPoint]int64{r.coins[0]: coinValue, out(other, 0): coinValue - 1000}, nil,
		wire.NewTxOut(coinValue, r.script())), ErrSpent, "replacement-adds-unconfirmed")
	r.refused("spends what it replaces", r.spend(map[wire.OutPoint]int64{r.coins[0]: coinValue, out(b, 0): coinValue - 6000}, nil,
		wire.NewTxOut(coinValue, r.script())), ErrInvalid, "bad-txns-spends-conflicting-tx")
	if res := r.p.Test([]*wire.MsgTx{r.pay(r.coins[2], coinValue, 1000), r.pay(r.coins[0], coinValue, 90_000)}); !res[0].Allowed || Reason(res[1].Err) != "bip125-replacement-disallowed" {
		t.Errorf("%+v", res)
	}
	good := r.pay(r.coins[0], coinValue, 6000+size+10)
	r.accept(good)
	if in := r.p.Info(); in.Count != 2 || !in.FullRBF || in.TotalFee != amount.Amount(7000+size+10) {
		t.Errorf("%+v", in)
	}
	if by, ok := r.p.Spender(r.coins[0]); !ok || by != good.TxHash() {
		t.Error(by, ok)
	}
	if err := r.p.Check(); err != nil {
		t.Error(err)
	}
}

func TestAtMostAHundredAreReplaced(t *testing.T) {
	r := newRig(t, 5, Config{})
	all := map[wire.OutPoint]int64{}
	for _, coin := range r.coins { // five families of 21 are 105
		var outs []*wire.TxOut
		for range 20 {
			outs = append(outs, wire.NewTxOut(7_000_000, r.script()))
		}
		parent := chaintest.Spend(t, r.k, coin, coinValue, append(outs, wire.NewTxOut(9_000_000, r.script()))...)
		r.accept(parent)
		for i := range 20 {
			r.accept(r.pay(out(parent, uint32(i)), 7_000_000, 200))
		}
		all[coin] = coinValue
	}
	r.refused("105 replaced", r.spend(all, nil, wire.NewTxOut(coinValue, r.script())), ErrSpent, "too many potential replacements")
	delete(all, r.coins[0])
	r.accept(r.spend(all, nil, wire.NewTxOut(coinValue, r.script())))
	if n := r.p.Info().Count; n != 22 {
		t.Errorf("%d left, want a family of 21 and the replacement", n)
	}
}

func TestReplacementFreesItsPlaceInThePackage(t *testing.T) {
	r := newRig(t, 1, Config{})
	var outs []*wire.TxOut
	for range MaxPackage {
		outs = append(outs, wire.NewTxOut(5_000_000, r.script()))
	}
	parent := chaintest.Spend(t, r.k, r.coins[0], coinValue, outs...)
	r.accept(parent)
	for i := range MaxPackage - 1 {
		r.accept(r.pay(out(parent, uint32(i)), 5_000_000, 1000))
	}
	r.refused("one more", r.pay(out(parent, MaxPackage-1), 5_000_000, 9000), ErrPackage, "too-long-mempool-chain")
	r.accept(r.pay(out(parent, 0), 5_000_000, 9000))
}

func TestPackagesAreBoundedBySize(t *testing.T) {
	r := newRig(t, 1, Config{})
	big := func(from wire.OutPoint, value int64) *wire.MsgTx {
		outs := []*wire.TxOut{wire.NewTxOut(value-200_000-1600*1000, r.script())}
		for range 1600 { // 50,000 virtual bytes
			outs = append(outs, wire.NewTxOut(1000, r.script()))
		}
		return chaintest.Spend(t, r.k, from, value, outs...)
	}
	a := big(r.coins[0], coinValue)
	b := big(out(a, 0), a.TxOut[0].Value)
	r.accept(a, b)
	r.refused("149,000 virtual bytes", big(out(b, 0), b.TxOut[0].Value), ErrPackage, "too-long-mempool-chain")
}

func TestVersion3FamiliesAreSmall(t *testing.T) {
	r := newRig(t, 4, Config{})
	a := r.v3(r.coins[0], coinValue, 1000, 3)
	third := int64((coinValue - 1000) / 3)
	b := r.v3(out(a, 0), third, 1000, 1)
	r.accept(a, b)
	r.refused("grandchild", r.v3(out(b, 0), third-1000, 1000, 1), ErrPackage, "TRUC-violation")
	r.refused("child of version 2", r.pay(out(a, 1), third, 5000), ErrPackage, "TRUC-violation")
	r.refused("large", r.v3(r.coins[1], coinValue, 500_000, 400), ErrPackage, "TRUC-violation")
	old := r.pay(r.coins[1], coinValue, 1000)
	r.accept(old)
	r.refused("child of version 2's", r.v3(out(old, 0), coinValue-1000, 1000, 1), ErrPackage, "TRUC-violation")
	r.refused("sibling that pays no more", r.v3(out(a, 1), third, 1000, 1), ErrFee, "insufficient fee")
	r.refused("large child", r.v3(out(a, 1), third, 90_000, 40), ErrPackage, "TRUC-violation")
	sibling := r.v3(out(a, 1), third, 3000, 1)
	r.accept(sibling)
	if r.p.Get(b.TxHash()) != nil || r.p.Info().Count != 3 {
		t.Error("the sibling that pays less is still there")
	}
}

func TestLockedTransactionsWait(t *testing.T) {
	r := newRig(t, 2, Config{})
	from := map[wire.OutPoint]int64{r.coins[0]: coinValue}
	blocks := uint32(r.c.Tip().Height) + 2 // the coin is of block 1
	tx := r.spend(from, func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = blocks }, wire.NewTxOut(coinValue/2, r.script()))
	r.refused("relative lock", tx, ErrLocked, "non-BIP68-final")
	height := r.spend(from, func(tx *wire.MsgTx) { tx.LockTime, tx.TxIn[0].Sequence = uint32(r.c.Tip().Height+1), 0 }, wire.NewTxOut(coinValue/2, r.script()))
	r.refused("lock time", height, ErrLocked, "non-final")
	chaintest.MineN(t, r.c, r.script(), 2)
	r.accept(tx)
	tip, _ := r.c.IndexAt(r.c.Tip().Height - 1)
	if err := r.c.InvalidateBlock(t.Context(), tip.Hash); err != nil {
		t.Fatal(err)
	}
	r.settled()
	if n := r.p.Info().Count; n != 0 {
		t.Errorf("%d transactions that are locked again", n)
	}
}

func TestTransactionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, Config{})
		a := r.pay(r.coins[0], coinValue, 1000)
		r.accept(a)
		time.Sleep(Expiry - time.Hour)
		r.accept(r.pay(out(a, 0), coinValue-1000, 1000))
		time.Sleep(2 * time.Hour)
		r.accept(r.pay(r.coins[1], coinValue, 1000))
		if n := r.p.Info().Count; n != 1 {
			t.Errorf("%d transactions, want the one that is young and of no old parent", n)
		}
	})
}

func TestFullPoolKeepsWhatPaysMostAndAsksForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room = 20
		r := newRig(t, 60, Config{})
		one := r.pay(r.coins[0], coinValue, 1000)
		r.accept(one)
		r.p.cfg.MaxBytes = int(room * r.p.Info().Usage) // as if it had been so from the beginning
		for i := 1; i < 50; i++ {
			_, err := r.p.Accept(r.pay(r.coins[i], coinValue, int64(1000+100*i)))
			if err != nil && !errors.Is(err, ErrFull) {
				t.Fatal(err)
			}
			if err := r.p.Check(); err != nil {
				t.Fatal(err)
			}
		}
		in := r.p.Info()
		if in.Usage > in.MaxBytes || in.Count < room-2 || r.p.Get(one.TxHash()) != nil {
			t.Fatalf("%+v", in)
		}
		for _, e := range r.p.Descs() {
			if e.Fee < 1000+100*27 {
				t.Errorf("keeps what pays %d", e.Fee)
			}
		}
		r.refused("cheaper than what went", r.pay(r.coins[50], coinValue, 3000), ErrFull, "mempool min fee not met")
		asked := in.MinFeeRate
		time.Sleep(100 * time.Hour)
		if got := r.p.Info().MinFeeRate; got != asked {
			t.Errorf("asks for %d, want %d until a block comes", got, asked)
		}
		chaintest.Mine(t, r.c, r.script())
		r.settled()
		time.Sleep(halfLife)
		if got := r.p.Info().MinFeeRate; got < asked/2-1 || got > asked/2+1 {
			t.Errorf("asks for %d after a half-life, want half of %d", got, asked)
		}
		time.Sleep(10 * halfLife)
		if got := r.p.Info().MinFeeRate; got != MinFeeRate {
			t.Errorf("asks for %d in the end, want %d", got, MinFeeRate)
		}
	})
}

func TestFloorDecaysQuickerInAnEmptierPool(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for usage, life := range map[int64]time.Duration{100: halfLife, 40: halfLife / 2, 10: halfLife / 4} {
		var f floor
		f.raise(7000, 1000, now) // and a step
		f.blockCame(now)
		if got := f.at(now.Add(life), usage, 100); got != 4000 {
			t.Errorf("usage %d of 100: %d after %v, want half of 8000", usage, got, life)
		}
	}
}

func TestChildKeepsItsParentInAFullPool(t *testing.T) {
	r := newRig(t, 40, Config{})
	parent := r.pay(r.coins[0], coinValue, 200)
	child := r.pay(out(parent, 0), coinValue-200, 100_000)
	r.accept(parent, child)
	r.p.cfg.MaxBytes = int(10 * r.p.Info().Usage)
	for i := 1; i < 40; i++ {
		r.accept(r.pay(r.coins[i], coinValue, int64(1000*i)))
	}
	if r.p.Get(parent.TxHash()) == nil || r.p.Get(child.TxHash()) == nil {
		t.Error("a parent whose child pays was dropped")
	}
}

func TestPriorityRanksATransactionAndItsRelatives(t *testing.T) {
	r := newRig(t, 1, Config{})
	a := r.pay(r.coins[0], coinValue, 10)
	r.refused("too little", a, ErrFee, "min relay fee not met")
	r.p.Prioritise(a.TxHash(), 1000)
	b := r.pay(out(a, 0), coinValue-10, 2000)
	r.accept(a, b)
	r.p.Prioritise(a.TxHash(), 500)
	d, _ := r.p.Entry(b.TxHash())
	e, _ := r.p.Entry(a.TxHash())
	if d.AncestorFees != 3510 || e.DescendantFees != 3510 || e.Modified != 1510 || e.Fee != 10 || r.p.Info().TotalFee != 2010 {
		t.Errorf("%+v\n%+v", d, e)
	}
	if d.AncestorCount != 2 || len(d.Depends) != 1 || d.Depends[0] != a.TxHash() || len(e.SpentBy) != 1 || len(e.Descendants) != 1 {
		t.Errorf("%+v\n%+v", d, e)
	}
	r.p.Prioritise(a.TxHash(), -1500)
	if e, _ := r.p.Entry(a.TxHash()); e.Modified != 10 || len(r.p.Deltas()) != 0 {
		t.Errorf("%+v", e)
	}
	if err := r.p.Check(); err != nil {
		t.Error(err)
	}
}

func TestTestChangesNothingAndSeesEarlierOnes(t *testing.T) {
	r := newRig(t, 2, Config{})
	a := r.pay(r.coins[0], coinValue, 1000)
	b := r.pay(out(a, 0), coinValue-1000, 2000)
	res := r.p.Test([]*wire.MsgTx{a, b, r.pay(wire.OutPoint{Hash: chainhash.Hash{1}}, 1000, 10)})
	if !res[0].Allowed || !res[1].Allowed || res[1].Fee != 2000 || res[1].VSize < 109 || Reason(res[2].Err) != "bad-txns-inputs-missingorspent" {
		t.Fatalf("%+v", res)
	}
	if in := r.p.Info(); in.Count != 0 || in.Seq != 0 {
		t.Errorf("%+v", in)
	}
	for what, txs := range map[string][]*wire.MsgTx{"child first": {b, a}, "twice": {a, a}, "double spend": {a, r.pay(r.coins[0], coinValue, 5000)}, "none": {}} {
		for _, res := range r.p.Test(txs) {
			if !errors.Is(res.Err, ErrTopology) {
				t.Errorf("%s: %+v", what, res)
			}
		}
	}
}

func TestChildPaysForAParentThatAloneIsTooCheap(t *testing.T) {
	r := newRig(t, 3, Config{})
	free := r.v3(r.coins[0], coinValue, 0, 1)
	pays := r.v3(out(free, 0), coinValue, 1000, 1)
	stingy := r.v3(out(free, 0), coinValue, 150, 1)
	if res, err := r.p.AcceptPackage([]*wire.MsgTx{free, stingy}); err != nil || res[0].Allowed || res[1].Allowed || r.p.Info().Count != 0 {
		t.Fatalf("%+v %v", res, err)
	}
	forged := r.v3(out(free, 0), coinValue, 1000, 1)
	forged.TxIn[0].Witness[0][10] ^= 1
	if res, err := r.p.AcceptPackage([]*wire.MsgTx{free, forged}); err != nil || res[0].Allowed || !errors.Is(res[1].Err, ErrScript) || r.p.Info().Count != 0 {
		t.Fatalf("forged: %+v %v", res, err)
	}
	if res, err := r.p.AcceptPackage([]*wire.MsgTx{free, pays}); err != nil || !res[0].Allowed || !res[1].Allowed || r.p.Info().Count != 2 {
		t.Fatalf("%+v %v", res, err)
	}
	plain := r.pay(r.coins[1], coinValue, 0)
	if res, err := r.p.AcceptPackage([]*wire.MsgTx{plain, r.pay(out(plain, 0), coinValue, 5000)}); err != nil || res[0].Allowed || res[1].Allowed {
		t.Fatalf("of version 2 below the least fee: %+v %v", res, err)
	}
	if _, err := r.p.AcceptPackage([]*wire.MsgTx{plain, r.pay(r.coins[2], coinValue, 5000)}); !errors.Is(err, ErrTopology) {
		t.Error("no child:", err)
	}
	if err := r.p.Check(); err != nil {
		t.Error(err)
	}
}

func TestOrphanPaysForAParentOfAPeers(t *testing.T) {
	r := newRig(t, 1, Config{})
	free := r.v3(r.coins[0], coinValue, 0, 1)
	pays := r.v3(out(free, 0), coinValue, 1000, 1)
	if _, _, err := r.p.AcceptFrom(pays, "peer"); !errors.Is(err, ErrMissing) {
		t.Fatal(err)
	}
	if hs, _, err := r.p.AcceptFrom(free, "peer"); err != nil || len(hs) != 2 || r.p.Info().Count != 2 || r.p.Info().Orphans != 0 {
		t.Fatal(hs, err)
	}
}

// A family that comes in as a whole keeps to the pool's bound as any other does.
func TestOrphanWithItsParentKeepsToTheBound(t *testing.T) {
	r := newRig(t, 2, Config{})
	r.accept(r.pay(r.coins[1], coinValue, 100_000))
	r.p.cfg.MaxBytes = int(2 * r.p.Info().Usage) // as if it had been so from the beginning
	free := r.v3(r.coins[0], coinValue, 0, 1)
	pays := r.v3(out(free, 0), coinValue, 1000, 1)
	if _, _, err := r.p.AcceptFrom(pays, "peer"); !errors.Is(err, ErrMissing) {
		t.Fatal(err)
	}
	if hs, _, err := r.p.AcceptFrom(free, "peer"); !errors.Is(err, ErrFull) || len(hs) > 0 || r.p.Info().Count != 1 {
		t.Error(hs, err, r.p.Info().Count)
	}
	if err := r.p.Check(); err != nil {
		t.Error(err)
	}
}

func TestUnbroadcastEndsWhenAPeerAsks(t *testing.T) {
	r := newRig(t, 2, Config{})
	a, b := r.pay(r.coins[0], coinValue, 1000), r.pay(r.coins[1], coinValue, 1000)
	r.accept(a)
	if _, _, err := r.p.AcceptFrom(b, "peer"); err != nil {
		t.Fatal(err)
	}
	if hs := r.p.Unbroadcast(); fmt.Sprint(hs) != fmt.Sprint([]chainhash.Hash{a.TxHash()}) || r.p.Info().Unbroadcast != 1 {
		t.Error(hs)
	}
	r.p.Broadcast(a.TxHash())
	if hs := r.p.Unbroadcast(); len(hs) != 0 || r.p.Info().Unbroadcast != 0 {
		t.Error(hs)
	}
}

func TestSignatureOperationsCountAsSize(t *testing.T) {
	if got := vsize(400, 16_000); got != 80_000 {
		t.Errorf("%d virtual bytes for a cost of 16,000, want 80,000", got)
	}
	if got := vsize(401, 1); got != 101 {
		t.Errorf("%d virtual bytes of 401 weight units, want 101", got)
	}
}

func TestDeepReorgBringsBackWhatDependsOnSeveralBlocks(t *testing.T) {
	r := newRig(t, 3, Config{})
	fork := r.c.Tip()
	a := r.pay(r.coins[0], coinValue, 1000)
	b := r.pay(r.coins[1], coinValue, 1000)
	chaintest.Mine(t, r.c, r.script(), a)
	chaintest.Mine(t, r.c, r.script(), b)
	r.settled()
	both := r.spend(map[wire.OutPoint]int64{out(a, 0): coinValue - 1000, out(b, 0): coinValue - 1000}, nil, wire.NewTxOut(coinValue, r.script()))
	child := r.pay(out(both, 0), coinValue, 1000)
	r.accept(both, child)
	added := r.p.Descs()[0].Added
	first, _ := r.c.IndexAt(fork.Height + 1)
	if err := r.c.InvalidateBlock(t.Context(), first.Hash); err != nil {
		t.Fatal(err)
	}
	r.settled()
	if err := r.p.Check(); err != nil {
		t.Fatal(err)
	}
	d, ok := r.p.Entry(child.TxHash())
	if !ok || d.AncestorCount != 4 || r.p.Info().Count != 4 {
		t.Fatalf("%+v", d)
	}
	if e, _ := r.p.Entry(both.TxHash()); !e.Added.Equal(added) || !e.Unbroadcast {
		t.Errorf("entered %v, want %v", e.Added, added)
	}
}

func TestReorgKeepsPackagesBounded(t *testing.T) {
	r := newRig(t, 1, Config{})
	var line []*wire.MsgTx
	from, value := r.coins[0], int64(coinValue)
	for range 2*MaxPackage - 5 {
		tx := r.pay(from, value, 1000)
		line = append(line, tx)
		from, value = out(tx, 0), value-1000
	}
	block := chaintest.Mine(t, r.c, r.script(), line[:MaxPackage-5]...)
	r.settled()
	r.accept(line[MaxPackage-5:]...)
	if err := r.c.InvalidateBlock(t.Context(), block.BlockHash()); err != nil {
		t.Fatal(err)
	}
	r.settled()
	if err := r.p.Check(); err != nil {
		t.Fatal(err)
	}
	if n := r.p.Info().Count; n != MaxPackage {
		t.Errorf("%d transactions of a line of %d, want the first %d", n, len(line), MaxPackage)
	}
	if w := blockchain.GetTransactionWeight(newTx(line[0])); r.p.Descs()[0].Weight != w {
		t.Error("the first of the line is not the first")
	}
}

func TestWitnessesOutOfBoundsAreNotRelayed(t *testing.T) {
	program := func(version byte, n int) []byte { return append([]byte{version, byte(n)}, make([]byte, n)...) }
	p2wsh, taproot, anchor := program(txscript.OP_0, 32), program(txscript.OP_1, 32), []byte{txscript.OP_1, 2, 0x4e, 0x73}
	nested := script(t, txscript.NewScriptBuilder().AddOp(txscript.OP_HASH160).AddData(make([]byte, 20)).AddOp(txscript.OP_EQUAL))
	items := func(n, size int, last ...[]byte) (w wire.TxWitness) {
		for range n {
			w = append(w, make([]byte, size))
		}
		return append(w, last...)
	}
	control := append([]byte{0xc0}, make([]byte, 32)...)
	for what, c := range map[string]struct {
		script, sigScript []byte
		witness           wire.TxWitness
		standard          bool
	}{
		"none":                             {p2wsh, nil, nil, true},
		"most of a witness script":         {p2wsh, nil, items(100, 80, make([]byte, 3600)), true},
		"too many items":                   {p2wsh, nil, items(101, 1, make([]byte, 10)), false},
		"too long an item":                 {p2wsh, nil, items(1, 81, make([]byte, 10)), false},
		"too long a script":                {p2wsh, nil, items(1, 1, make([]byte, 3601)), false},
		"nested, most":                     {nested, append([]byte{34}, p2wsh...), items(100, 80, make([]byte, 3600)), true},
		"nested, too long an item":         {nested, append([]byte{34}, p2wsh...), items(1, 81, make([]byte, 10)), false},
		"nested in nothing":                {nested, nil, items(1, 1), false},
		"anchor":                           {anchor, nil, items(1, 1), false},
		"no program":                       {[]byte{txscript.OP_TRUE}, nil, items(1, 1), false},
		"taproot key":                      {taproot, nil, items(1, 64), true},
		"taproot key with annex":           {taproot, nil, items(1, 64, []byte{0x50, 1}), false},
		"taproot script":                   {taproot, nil, items(200, 80, make([]byte, 9000), control), true},
		"taproot script, too long an item": {taproot, nil, items(1, 81, make([]byte, 10), control), false},
		"taproot leaf of another version":  {taproot, nil, items(1, 81, make([]byte, 10), append([]byte{0xc2}, control[1:]...)), true},
		"taproot without control block":    {taproot, nil, items(1, 1, nil), false},
	} {
		in := &wire.TxIn{SignatureScript: c.sigScript, Witness: c.witness}
		if why := nonStandardWitness(in, c.script); (why == "") != c.standard {
			t.Errorf("%s: %q", what, why)
		}
	}
}

func TestBlocksDecideAboutOrphans(t *testing.T) {
	r := newRig(t, 2, Config{})
	parent := r.pay(r.coins[0], coinValue, 1000)
	child := r.pay(out(parent, 0), coinValue-1000, 1000)
	rival := r.pay(out(r.pay(r.coins[1], coinValue, 1000), 0), coinValue-1000, 1000)
	rival.AddTxIn(wire.NewTxIn(&r.coins[0], nil, nil))
	for _, tx := range []*wire.MsgTx{child, rival} {
		if _, _, err := r.p.AcceptFrom(tx, "peer"); !errors.Is(err, ErrMissing) {
			t.Fatal(err)
		}
		if !r.p.Have(tx.TxHash()) {
			t.Fatal("not kept")
		}
	}
	chaintest.Mine(t, r.c, r.script(), parent)
	r.settled()
	synced := func() bool { return r.p.Get(child.TxHash()) != nil }
	for !synced() {
		changed := r.p.Changed()
		if synced() {
			break
		}
		<-changed
	}
	if ds, seq := r.p.Entries(); len(ds) != 1 || ds[0].Wtxid != child.WitnessHash() || seq != r.p.Seq() || r.p.Info().Orphans != 0 {
		t.Errorf("%d entries, %+v", len(ds), r.p.Info())
	}
}
