package noderpc

import (
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"crypto/sha256"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
)

// TestMuHash is the case of Bitcoin Core's src/test/crypto_tests.cpp.
func TestMuHash(t *testing.T) {
	number := func(i byte) *big.Int { return muHashNumber(append([]byte{i}, make([]byte, 31)...)) }
	product := new(big.Int).Mul(number(0), number(1))
	product.Mod(product.Mul(product, new(big.Int).ModInverse(number(2), muHashModulus)), muHashModulus)
	const want = "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863"
	if got := (&muHash{product: product}).sum(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestCoinSetIsHashedByItsDefinition holds hash_serialized_3 to a second computation from the blocks, and muhash to what a
// payment changes.
func TestCoinSetIsHashedByItsDefinition(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	tx := w.pooled(0, 1000)
	ask[[]string](w, "generatetodescriptor", 1, "raw(51)")
	type coin struct {
		key, raw []byte
	}
	unspent := map[wire.OutPoint]coin{}
	for h := int32(1); h <= w.c.Tip().Height; h++ {
		at, _ := w.c.IndexAt(h)
		b, err := w.c.Block(at.Hash)
		if err != nil {
			t.Fatal(err)
		}
		for i, tx := range b.Transactions {
			for _, in := range tx.TxIn {
				delete(unspent, in.PreviousOutPoint)
			}
			for n, out := range tx.TxOut {
				if out.PkScript[0] == 0x6a {
					continue
				}
				o := wire.OutPoint{Hash: tx.TxHash(), Index: uint32(n)}
				code := uint32(2 * h)
				if i == 0 {
					code++
				}
				raw := append([]byte{}, o.Hash[:]...)
				raw = binary.LittleEndian.AppendUint32(raw, o.Index)
				raw = binary.LittleEndian.AppendUint32(raw, code)
				raw = binary.LittleEndian.AppendUint64(raw, uint64(out.Value))
				raw = append(append(raw, byte(len(out.PkScript))), out.PkScript...)
				unspent[o] = coin{binary.BigEndian.AppendUint32(append([]byte{}, o.Hash[:]...), o.Index), raw}
			}
		}
	}
	var all []coin
	for _, c := range unspent {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b coin) int { return slices.Compare(a.key, b.key) })
	h := sha256.New()
	product := big.NewInt(1)
	for _, c := range all {
		h.Write(c.raw)
		product.Mod(product.Mul(product, muHashNumber(c.raw)), muHashModulus)
	}
	info := ask[coinSetInfo](w, "gettxoutsetinfo")
	want := chainhash.Hash(sha256.Sum256(h.Sum(nil))).String()
	if info.Hash != want || info.Outputs != int64(len(all)) || info.Txs != int64(len(all)) || info.Height != 13 || info.Total != rpc.Amount(w.c.Totals().Held) {
		t.Errorf("%+v, want hash %s of %d", info, want, len(all))
	}
	if got := ask[coinSetInfo](w, "gettxoutsetinfo", "muhash").MuHash; got != (&muHash{product: product}).sum() {
		t.Errorf("muhash %s", got)
	}
	if none := ask[coinSetInfo](w, "gettxoutsetinfo", "none"); none.Hash != "" || none.Outputs != info.Outputs {
		t.Errorf("%+v", none)
	}
	if got := ask[*txOut](w, "gettxout", tx.TxHash().String(), 0); got == nil || got.Confirmations != 1 || got.Coinbase || got.Value != rpc.Amount(w.subsidy()-1000) {
		t.Errorf("%+v", got)
	}
}

// TestTxOutSeesTheMempoolUnlessToldNotTo follows one coin from the chain through the pool.
func TestTxOutSeesTheMempoolUnlessToldNotTo(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	from := w.coins[0].Hash.String()
	if got := ask[*txOut](w, "gettxout", from, 0); got == nil || !got.Coinbase || got.Confirmations != 12 {
		t.Errorf("%+v", got)
	}
	tx := w.pooled(0, 1000)
	if got := ask[*txOut](w, "gettxout", from, 0); got != nil {
		t.Errorf("spent: %+v", got)
	}
	if got := ask[*txOut](w, "gettxout", from, 0, false); got == nil {
		t.Error("the chain's coin is not there")
	}
	if got := ask[*txOut](w, "gettxout", tx.TxHash().String(), 0); got == nil || got.Confirmations != 0 {
		t.Errorf("%+v", got)
	}
	for _, index := range []int{1, 1 << 31} {
		if got := ask[*txOut](w, "gettxout", tx.TxHash().String(), index); got != nil {
			t.Errorf("output %d: %+v", index, got)
		}
	}
}

func TestScanFindsCoinsByDescriptor(t *testing.T) {
	w := newWorld(t, 3, chain.Options{})
	pub := hexOf(w.k.Secp256k1().PubKey().SerializeCompressed())
	address := txjson.Address(w.c.Params(), chaintest.Script(w.k))
	for desc, want := range map[string]string{
		"wpkh(" + pub + ")": txjson.Checksummed("wpkh(" + pub + ")"), "combo(" + pub + ")": txjson.Checksummed("wpkh(" + pub + ")"),
		"addr(" + address + ")": txjson.Checksummed("addr(" + address + ")"), "raw(" + hexOf(chaintest.Script(w.k)) + ")": txjson.Checksummed("addr(" + address + ")"),
		"pkh(" + pub + ")": "",
	} {
		got := ask[scanResult](w, "scantxoutset", "start", []any{desc})
		if want == "" {
			if len(got.Unspents) != 0 || got.Total != 0 {
				t.Errorf("%s: %+v", desc, got)
			}
			continue
		}
		if !got.Success || got.Outputs != 3 || len(got.Unspents) != 3 || got.Total != 3*rpc.Amount(w.subsidy()) || got.Unspents[0].Desc != want || got.Best != w.c.Tip().Hash.String() {
			t.Errorf("%s: %+v", desc, got)
			continue
		}
		for _, u := range got.Unspents {
			at, _ := w.c.IndexAt(u.Height)
			if u.BlockHash != at.Hash.String() || u.Confirmations != 4-u.Height || !u.Coinbase {
				t.Errorf("%+v", u)
			}
		}
	}
	if got := ask[any](w, "scantxoutset", "status"); got != nil {
		t.Errorf("status without a scan: %v", got)
	}
	if ask[bool](w, "scantxoutset", "abort") {
		t.Error("aborted what is not")
	}
}

// TestProofsOfAllShapes proves every set of transactions in blocks of up to nine.
func TestProofsOfAllShapes(t *testing.T) {
	for n := 1; n <= 9; n++ {
		b := &wire.MsgBlock{}
		for i := range n {
			tx := wire.NewMsgTx(2)
			tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: uint32(i)}})
			b.AddTransaction(tx)
		}
		b.Header.MerkleRoot = merkleRoot(b)
		for set := 1; set < 1<<n; set++ {
			wanted := map[chainhash.Hash]bool{}
			for i, tx := range b.Transactions {
				if set>>i&1 == 1 {
					wanted[tx.TxHash()] = true
				}
			}
			m, found := prove(b, wanted)
			root, meant, ok := checkProof(m)
			if found != len(wanted) || !ok || root != b.Header.MerkleRoot || len(meant) != len(wanted) {
				t.Fatalf("%d transactions, set %b: %d found, %v, %v, %d meant", n, set, found, ok, root, len(meant))
			}
			for _, h := range meant {
				if !wanted[h] {
					t.Fatalf("%v was not wanted", h)
				}
			}
		}
	}
}

func TestProofOfAPayment(t *testing.T) {
	w := newWorld(t, 12, chain.Options{})
	a, b := w.pooled(0, 1000).TxHash().String(), w.pooled(1, 1000).TxHash().String()
	ask[[]string](w, "generatetodescriptor", 1, "raw(51)")
	proof := ask[string](w, "gettxoutproof", []string{a, b})
	got := ask[[]string](w, "verifytxoutproof", proof)
	slices.Sort(got)
	want := []string{a, b}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	bad := []byte(proof)
	bad[2*80-1] ^= 1 // the nonce: another block
	w.refused(rpc.CodeInvalidAddressOrKey, "Block not found in chain", "verifytxoutproof", `["`+string(bad)+`"]`)
	bad = []byte(proof)
	bad[2*(80+4+1)] ^= 1 // a hash of the tree
	if got := ask[[]string](w, "verifytxoutproof", string(bad)); len(got) != 0 {
		t.Errorf("a proof with another hash proves %v", got)
	}
}

// FuzzProof takes apart whatever may come.
func FuzzProof(f *testing.F) {
	f.Add(uint32(1), []byte{1}, 1)
	f.Add(uint32(7), []byte{0xff, 0xff}, 5)
	f.Fuzz(func(t *testing.T, txs uint32, flags []byte, hashes int) {
		m := &wire.MsgMerkleBlock{Transactions: txs, Flags: flags}
		for i := range min(max(hashes, 0), 1000) {
			m.Hashes = append(m.Hashes, &chainhash.Hash{byte(i), byte(i >> 8)})
		}
		if _, meant, ok := checkProof(m); ok && len(meant) > len(m.Hashes) {
			t.Fatalf("%d transactions of %d hashes", len(meant), len(m.Hashes))
		}
	})
}

// BenchmarkTxOutSetInfo reads a thousand coins, by each of the hashes.
func BenchmarkTxOutSetInfo(b *testing.B) {
	w := newWorld(b, 1000, chain.Options{})
	for _, kind := range []string{"hash_serialized_3", "muhash", "none"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				ask[coinSetInfo](w, "gettxoutsetinfo", kind)
			}
		})
	}
}
