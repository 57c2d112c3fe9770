package block

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/bits"
	"reflect"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"pgregory.net/rapid"

	"funai/inference/tx"
	"funai/key"
	"funai/vrf"
)

const chainID = tx.ChainIDDev

// keyOf makes the key of a number.
func keyOf(t testing.TB, n byte) *key.Private {
	t.Helper()
	k, err := key.FromBytes(append(make([]byte, 31), n+1))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func hashes() *rapid.Generator[[32]byte] {
	return rapid.Custom(func(t *rapid.T) [32]byte { return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash")) })
}

func rounds() *rapid.Generator[Round] {
	return rapid.Custom(func(t *rapid.T) Round {
		return Round{Height: rapid.Uint32().Draw(t, "round"), Hash: chainhash.Hash(hashes().Draw(t, "of"))}
	})
}

func certificates() *rapid.Generator[Certificate] {
	return rapid.Custom(func(t *rapid.T) (c Certificate) {
		for i := range rapid.IntRange(0, 5).Draw(t, "votes") {
			s := Signed{Seat: uint8(i), Lock: rapid.Uint32().Draw(t, "lock")}
			copy(s.Signature[:], rapid.SliceOfN(rapid.Byte(), 65, 65).Draw(t, "signature"))
			c.Votes = append(c.Votes, s)
		}
		if len(c.Votes) > 0 {
			c.Kind, c.Round = rapid.Byte().Draw(t, "kind"), rounds().Draw(t, "round")
		}
		return c
	})
}

func blocks(k *key.Private) *rapid.Generator[*Block] {
	return rapid.Custom(func(t *rapid.T) *Block {
		b := &Block{Header: Header{ChainID: chainID, Height: rapid.Uint64().Draw(t, "height"), Parent: ID(hashes().Draw(t, "parent")),
			Tenure: rounds().Draw(t, "tenure"), Time: rapid.Uint64().Draw(t, "time"), StateRoot: hashes().Draw(t, "state"), Parents: certificates().Draw(t, "parents")}}
		if rapid.Bool().Draw(t, "first") {
			b.Header.Proof = rapid.SliceOfN(rapid.Byte(), 80, 80).Draw(t, "proof")
		}
		b.Txs = rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 9).Draw(t, "txs")
		b.Header.TxRoot = TxRoot(b.Txs)
		b.Header.Sign(k)
		return b
	})
}

func TestBlocksAreReadBack(t *testing.T) {
	k := keyOf(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		b := blocks(k).Draw(t, "block")
		got, err := Decode(b.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Encode(), b.Encode()) || got.ID() != b.ID() {
			t.Fatal("read back it is another block")
		}
		if who, err := got.Header.Producer(); err != nil || who != k.Public().Hash160() {
			t.Fatalf("made by %v, %v", who, err)
		}
		if got.Header.First() != (len(b.Header.Proof) > 0) {
			t.Fatal("first or not")
		}
	})
}

// A block has one encoding: whatever byte is altered, it is refused, or it is another block, or nobody's.
func TestAnAlteredByteMakesAnotherBlockOrNone(t *testing.T) {
	k := keyOf(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		b := blocks(k).Draw(t, "block")
		raw := b.Encode()
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		got, err := Decode(raw)
		if err != nil {
			if !errors.Is(err, ErrBlock) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if got.ID() != b.ID() {
			return
		}
		if who, err := got.Header.Producer(); err == nil && who == k.Public().Hash160() {
			t.Fatalf("%v has two encodings", b.ID())
		}
	})
}

// naive is RFC 6962, section 2.1, word for word.
func naive(d [][]byte) [32]byte {
	n := len(d)
	if n == 0 {
		return sha256.Sum256(nil)
	}
	if n == 1 {
		return sha256.Sum256(append([]byte{0x00}, d[0]...))
	}
	k := 1 << (bits.Len(uint(n-1)) - 1) // the largest power of two smaller than n
	l, r := naive(d[0:k]), naive(d[k:n])
	h := sha256.New()
	h.Write([]byte{0x01})
	h.Write(l[:])
	h.Write(r[:])
	return [32]byte(h.Sum(nil))
}

func TestTxRootIsThatOfRFC6962(t *testing.T) {
	// Test vectors of the reference implementation, whose leaves these are.
	var d [][]byte
	for _, s := range []string{"", "\x00", "\x10", "\x20\x21", "\x30\x31", "\x40\x41\x42\x43", "\x50\x51\x52\x53\x54\x55\x56\x57",
		"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"} {
		d = append(d, []byte(s))
	}
	for n, want := range map[int]string{
		0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	} {
		if got := ID(TxRoot(d[:n])).String(); got != want {
			t.Errorf("of %d leaves: %s, not %s", n, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 3), 0, 70).Draw(t, "txs")
		if TxRoot(d) != naive(d) {
			t.Fatalf("%d transactions", len(d))
		}
	})
}

func TestBlocksAreBounded(t *testing.T) {
	for name, b := range map[string]*Block{
		"too many transactions":          {Txs: make([][]byte, MaxTxs+1)},
		"a proof of another length":      {Header: Header{Proof: make([]byte, 79)}},
		"too many bytes":                 {Txs: [][]byte{make([]byte, MaxBytes)}},
		"another root":                   {Txs: [][]byte{{1}}, Header: Header{TxRoot: [32]byte{1}}},
		"transactions behind their root": {Txs: [][]byte{{1}}, Header: Header{TxRoot: TxRoot(nil)}},
	} {
		if b.Header.TxRoot == ([32]byte{}) {
			b.Header.TxRoot = TxRoot(b.Txs)
		}
		if got, err := Decode(b.Encode()); !errors.Is(err, ErrBlock) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	full := &Block{Txs: make([][]byte, MaxTxs)}
	full.Header.TxRoot = TxRoot(full.Txs)
	if _, err := Decode(full.Encode()); err != nil {
		t.Error(err)
	}
}

func TestProofsHaveOneLength(t *testing.T) {
	h := Header{Proof: bytes.Repeat([]byte{7}, 80)}
	if p, err := h.VRFProof(); err != nil || p != (vrf.Proof)(h.Proof) {
		t.Error(p, err)
	}
	if _, err := (Header{}).VRFProof(); !errors.Is(err, ErrBlock) {
		t.Error(err)
	}
}

func TestTransactionsAreDecodedOrNamed(t *testing.T) {
	x := tx.New(chainID, &tx.Transfer{Amount: 5})
	b := &Block{Txs: [][]byte{x.Encode(), x.Encode()}}
	ts, err := b.Transactions()
	if err != nil || len(ts) != 2 || !reflect.DeepEqual(ts[1], x) {
		t.Errorf("%v, %v", ts, err)
	}
	b.Txs[1] = b.Txs[1][1:]
	if _, err := b.Transactions(); !errors.Is(err, ErrBlock) {
		t.Error(err)
	}
}

func TestNamesOfChainsAndPacksDiffer(t *testing.T) {
	if GenesisID(tx.ChainIDMain) == GenesisID(tx.ChainIDDev) {
		t.Error("two chains have one genesis")
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := ID(hashes().Draw(t, "parent")), hashes().Draw(t, "root")
		c, d := ID(hashes().Draw(t, "other parent")), hashes().Draw(t, "other root")
		if (PackID(a, b) == PackID(c, d)) != (a == c && b == d) {
			t.Fatal("packs collide")
		}
	})
}

func TestAHeaderWithoutASignatureIsNobodys(t *testing.T) {
	if who, err := (Header{}).Producer(); !errors.Is(err, ErrBlock) || !errors.Is(err, key.ErrSignature) {
		t.Errorf("%v, %v", who, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(example(f).Encode())
	f.Add((&Block{Header: Header{TxRoot: TxRoot(nil)}}).Encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := Decode(raw)
		if err != nil {
			if !errors.Is(err, ErrBlock) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(b.Encode(), raw) {
			t.Fatal("a second encoding was taken")
		}
		b.ID()
		_, _ = b.Header.Producer()
		_, _ = b.Transactions()
	})
}

// example is a block with something in every field.
func example(t testing.TB) *Block {
	b := &Block{Header: Header{ChainID: chainID, Height: 3, Parent: ID{1}, Tenure: Round{Height: 7}, Time: 8, Proof: make([]byte, 80),
		Parents: Certificate{Kind: Commit, Votes: []Signed{{Seat: 1, Lock: 2}}}}, Txs: [][]byte{tx.New(chainID, &tx.Transfer{}).Encode()}}
	b.Header.TxRoot = TxRoot(b.Txs)
	b.Header.Sign(keyOf(t, 1))
	return b
}
