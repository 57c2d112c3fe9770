package vm_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

func twice(b []byte) [32]byte {
	h := sha256.Sum256(b)
	return sha256.Sum256(h[:])
}

// tree is a Merkle tree's rows, the leaves first.
func tree(leaves [][32]byte) [][][32]byte {
	rows := [][][32]byte{leaves}
	for len(leaves) > 1 {
		var up [][32]byte
		for i := 0; i < len(leaves); i += 2 {
			right := leaves[min(i+1, len(leaves)-1)]
			up = append(up, twice(append(leaves[i][:], right[:]...)))
		}
		leaves = up
		rows = append(rows, up)
	}
	return rows
}

// path is the siblings of a leaf on its way up.
func path(rows [][][32]byte, i int) value.Value {
	hashes := []value.Value{}
	for _, row := range rows[:len(rows)-1] {
		h := row[min(i^1, len(row)-1)]
		hashes = append(hashes, value.Buffer(h[:]))
		i /= 2
	}
	v, err := value.List(hashes)
	if err != nil {
		panic(err)
	}
	return v
}

// transaction is one of so many outputs, with a witness or without; its id does not depend on the witness.
func transaction(salt uint32, outputs int, witness bool) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	if witness {
		b = append(b, 0, 1)
	}
	b = append(append(b, 1), make([]byte, 32)...)
	b = append(binary.LittleEndian.AppendUint32(b, salt), 0)
	b = append(binary.LittleEndian.AppendUint32(b, 0xffffffff), byte(outputs))
	for i := range outputs {
		b = append(binary.LittleEndian.AppendUint64(b, uint64(i)+1), 2, 0x6a, byte(salt))
	}
	if witness {
		b = append(b, 1, 2, 0xaa, 0xbb)
	}
	return append(b, 0, 0, 0, 0)
}

// ledger is a chain whose ledger has one block of transactions at height 7, and none else.
type ledger struct {
	madeUpChain
	block *vm.BurnBlock
	txs   []vm.BurnTx
}

func (l ledger) BurnBlock(h uint64) (*vm.BurnBlock, error) {
	if h != 7 {
		return nil, nil
	}
	return l.block, nil
}

func (l ledger) BurnTx(h, i uint64) (*vm.BurnTx, error) {
	if h != 7 || i >= uint64(len(l.txs)) {
		return nil, nil
	}
	return &l.txs[i], nil
}

const watcher = `
(define-read-only (the-header (h uint)) (get-ledger-block-info? header h))
(define-read-only (the-count (h uint)) (get-ledger-block-info? transaction-count h))
(define-read-only (the-root (h uint)) (get-ledger-block-info? merkle-root h))
(define-read-only (the-time (h uint)) (get-ledger-block-info? time h))
(define-read-only (the-tx (h uint) (i uint)) (get-ledger-tx? h i))
(define-read-only (in (h uint) (raw (buff 4096)) (path (list 20 (buff 32))) (i uint)) (verify-ledger-tx? h raw path i))
(define-read-only (mine) (fai-get-balance tx-sender))
(define-public (pay (to principal)) (begin (try! (fai-transfer? u1 tx-sender to)) (try! (fai-transfer-memo? u2 tx-sender to 0x0a)) (try! (fai-burn? u3 tx-sender)) (ok {supply: fai-liquid-supply, left: (fai-account tx-sender)})))
`

// watch deploys the watcher over a ledger, and returns what calls it.
func watch(t testing.TB, env vm.Env) func(function string, args ...value.Value) value.Value {
	t.Helper()
	m, s := vm.New(vm.Config{Ledger: true}), store.NewMemory()
	owner, err := value.ParsePrincipal(deployer)
	if err != nil {
		t.Fatal(err)
	}
	if err := vm.NewCoins(s, 0).Mint(owner, value.U64(100)); err != nil {
		t.Fatal(err)
	}
	id := owner
	id.Contract = "watcher"
	if _, err := m.Deploy(env, s, vm.Tx{Sender: owner}, id, watcher, types.LatestVersion); err != nil {
		t.Fatal(err)
	}
	return func(function string, args ...value.Value) value.Value {
		res, err := m.Call(env, s, vm.Tx{Sender: owner}, id, function, args)
		if err != nil {
			t.Fatalf("%s: %v", function, err)
		}
		return res.Value
	}
}

func newLedger(leaves [][32]byte) ledger {
	rows := tree(leaves)
	b := &vm.BurnBlock{MerkleRoot: rows[len(rows)-1][0], Time: 1_600_000_000, TransactionCount: uint64(len(leaves)), Header: make([]byte, 80)}
	return ledger{madeUpChain: madeUpChain{testEnv{epoch: types.LatestEpoch}}, block: b}
}

func TestContractsSeeTheLedger(t *testing.T) {
	l := newLedger([][32]byte{{1}, {2}, {3}})
	copy(l.block.Header, "header")
	many := vm.BurnTx{TxID: [32]byte{9}}
	for i := range 40 {
		many.Outputs = append(many.Outputs, vm.TxOut{Value: uint64(i), Script: bytes.Repeat([]byte{byte(i)}, 4*i)})
	}
	l.txs = []vm.BurnTx{{TxID: [32]byte{8}, Outputs: []vm.TxOut{{Value: 5, Script: []byte{0x6a}}}}, many}
	call := watch(t, l)
	u := value.UInt64
	for _, c := range []struct {
		got  value.Value
		want string
	}{
		{call("the-count", u(7)), "(some u3)"},
		{call("the-count", u(8)), "none"},
		{call("the-count", u(11)), "none"}, // above what the tenure sees
		{call("the-time", u(7)), "(some u1600000000)"},
		{call("the-root", u(7)), fmt.Sprintf("(some 0x%x)", l.block.MerkleRoot)},
		{call("the-header", u(7)), fmt.Sprintf("(some 0x%x)", l.block.Header)},
		{call("the-count", value.UInt(value.Uint128{Hi: 1, Lo: 7})), "none"},
		{call("the-tx", u(7), u(0)), fmt.Sprintf("(some { outputs: (list { script: 0x6a, value: u5 }), txid: 0x08%062x })", 0)},
		{call("the-tx", u(7), u(2)), "none"},
		{call("the-tx", u(11), u(0)), "none"},
		{call("the-tx", u(7), value.UInt(value.Uint128{Hi: 1})), "none"},
	} {
		if got := c.got.String(); got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
	outputs, _ := call("the-tx", u(7), u(1)).Inner().Field("outputs")
	if n := len(outputs.Elems()); n != 32 {
		t.Errorf("%d outputs, not 32", n)
	}
	for i, o := range outputs.Elems() {
		if s, _ := o.Field("script"); s.Len() != min(4*i, 128) {
			t.Errorf("script %d has %d bytes", i, s.Len())
		}
	}
}

func TestCoinHasItsOwnName(t *testing.T) {
	call := watch(t, newLedger([][32]byte{{}}))
	got := call("pay", value.OfPrincipal(value.Principal{Version: 26})).String()
	if want := "(ok { left: { locked: u0, unlock-height: u0, unlocked: u94 }, supply: u97 })"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if got := call("mine").String(); got != "u94" {
		t.Errorf("%s, not u94", got)
	}
}

func TestWordsOfTheLedgerAreOnlyThereWhereThereIsOne(t *testing.T) {
	m, s, owner := vm.New(vm.Config{}), store.NewMemory(), principal(t, deployer)
	id := owner
	id.Contract = "watcher"
	if _, err := m.Deploy(newLedger([][32]byte{{}}), s, vm.Tx{Sender: owner}, id, watcher, types.LatestVersion); class(err) != "analysis" {
		t.Fatalf("%v", err)
	}
}

func TestTransactionsOfTheLedgerAreProven(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "transactions")
		var raws [][]byte
		var leaves [][32]byte
		for i := range n {
			raws = append(raws, transaction(uint32(i), 1+i%3, i%2 == 1))
			leaves = append(leaves, twice(transaction(uint32(i), 1+i%3, false)))
		}
		call := watch(t, newLedger(leaves))
		rows := tree(leaves)
		i := rapid.IntRange(0, n-1).Draw(rt, "index")
		j := rapid.IntRange(0, 2*n).Draw(rt, "claimed")
		proof := path(rows, i)
		want := "(ok false)"
		if i == j {
			want = "(ok true)"
		}
		if got := call("in", value.UInt64(7), value.Buffer(raws[i]), proof, value.UInt64(uint64(j))).String(); got != want {
			rt.Fatalf("transaction %d of %d at %d: %s, not %s", i, n, j, got, want)
		}
		longer, err := value.List(append(proof.Elems()[:len(proof.Elems()):len(proof.Elems())], value.Buffer(leaves[i][:])))
		if err != nil {
			rt.Fatal(err)
		}
		if got := call("in", value.UInt64(7), value.Buffer(raws[i]), longer, value.UInt64(uint64(i))).String(); got != "(ok false)" {
			rt.Fatalf("a proof that is too long: %s", got)
		}
		if got := call("in", value.UInt64(8), value.Buffer(raws[i]), proof, value.UInt64(uint64(i))).String(); got != "(err u1)" {
			rt.Fatalf("a block that is not there: %s", got)
		}
		if got := call("in", value.UInt64(7), value.Buffer(raws[i][1:]), proof, value.UInt64(uint64(i))).String(); got != "(err u2)" && got != "(ok false)" {
			rt.Fatalf("half a transaction: %s", got)
		}
	})
}

// TestNodeIsNoTransaction hands in a transaction of 64 bytes, which may be two neighbouring hashes of a tree: it is refused
// even where it is in the block. One byte more, and it is proven.
func TestNodeIsNoTransaction(t *testing.T) {
	for size, want := range map[int]string{63: "(ok true)", 64: "(err u2)", 65: "(ok true)"} {
		raw := append([]byte{2, 0, 0, 0, 1}, make([]byte, 36)...) // version, one input
		raw = append(raw, 0, 0xff, 0xff, 0xff, 0xff, 1)           // no script, sequence, one output
		raw = append(append(raw, make([]byte, 8)...), byte(size-60))
		raw = append(raw, make([]byte, size-60+4)...) // script, lock
		leaves := [][32]byte{twice(raw), twice(transaction(9, 1, false))}
		call := watch(t, newLedger(leaves))
		got := call("in", value.UInt64(7), value.Buffer(raw), path(tree(leaves), 0), value.UInt64(0)).String()
		if len(raw) != size || got != want {
			t.Errorf("%d bytes: %s, not %s", len(raw), got, want)
		}
	}
}

func FuzzGetBitcoinTxOutput(f *testing.F) {
	for _, w := range []bool{false, true} {
		f.Add(transaction(1, 3, w), uint32(1))
	}
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, uint32(0))
	genesis, err := hex.DecodeString("01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genesis, uint32(0))
	m, s, env := vm.New(vm.Config{}), store.NewMemory(), newLedger([][32]byte{{}})
	owner, err := value.ParsePrincipal(deployer)
	if err != nil {
		f.Fatal(err)
	}
	id := owner
	id.Contract = "reader"
	source := "(define-read-only (out (raw (buff 65536)) (i uint)) (get-bitcoin-tx-output? raw i))"
	if _, err := m.Deploy(env, s, vm.Tx{Sender: owner}, id, source, types.LatestVersion); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, i uint32) {
		if len(raw) > 65536 {
			return
		}
		res, err := m.ReadOnly(env, s, vm.Tx{Sender: owner}, id, "out", []value.Value{value.Buffer(raw), value.UInt64(uint64(i))})
		if err != nil {
			t.Fatal(err)
		}
		if res.Value.Kind() != value.KindOk {
			return
		}
		script, _ := res.Value.Inner().Field("script")
		if !bytes.Contains(raw, script.Octets()) {
			t.Fatalf("script %x is not in %x", script.Octets(), raw)
		}
	})
}
