package tx

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"funai/amount"
	"funai/key"
)

// vector is a transfer made and signed by @stacks/transactions; testdata/transfers.mjs says how.
type vector struct {
	Secret, Signer    string
	Version           byte
	ChainID           uint32
	Nonce             uint64        `json:",string"`
	Fee               amount.Amount `json:",string"`
	AnchorMode        byte
	PostConditionMode byte
	To                string
	Amount            amount.Amount `json:",string"`
	Memo              string
	TxID, Hex         string
}

func vectors(t testing.TB) (vs []vector) {
	b, err := os.ReadFile("testdata/transfers.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v vector) tx(t testing.TB) *Tx {
	to, err := key.ParseInferenceAddress(v.To, AddressVersion(v.Version))
	if err != nil {
		t.Fatal(err)
	}
	p := &Transfer{To: to, Amount: v.Amount}
	copy(p.Memo[:], v.Memo)
	x := New(v.ChainID, p)
	x.Version, x.Nonce, x.Fee = v.Version, v.Nonce, v.Fee
	x.AnchorMode, x.PostConditionMode = v.AnchorMode, v.PostConditionMode
	return x
}

func TestSignsWhatTheStacksLibrarySigns(t *testing.T) {
	for i, v := range vectors(t) {
		k, err := key.FromBytes(unhex(t, v.Secret))
		if err != nil {
			t.Fatal(err)
		}
		x := v.tx(t)
		x.Sign(k)
		if got := hex.EncodeToString(x.Encode()); got != v.Hex {
			t.Errorf("vector %d: bytes\n%s, not\n%s", i, got, v.Hex)
		}
		if got := x.ID().String(); got != v.TxID {
			t.Errorf("vector %d: id %s, not %s", i, got, v.TxID)
		}
	}
}

func TestReadsWhatTheStacksLibraryWrites(t *testing.T) {
	for i, v := range vectors(t) {
		x, err := Decode(unhex(t, v.Hex))
		if err != nil {
			t.Fatalf("vector %d: %v", i, err)
		}
		if _, err := x.Verify(); err != nil {
			t.Errorf("vector %d: %v", i, err)
		}
		if got := x.Signer.InferenceAddress(AddressVersion(x.Version)); got != v.Signer {
			t.Errorf("vector %d: signer %s, not %s", i, got, v.Signer)
		}
		if !bytes.Equal(x.Encode(), unhex(t, v.Hex)) {
			t.Errorf("vector %d: changes when written again", i)
		}
		want := v.tx(t)
		if *x.Payload.(*Transfer) != *want.Payload.(*Transfer) {
			t.Errorf("vector %d: payload %+v, not %+v", i, x.Payload, want.Payload)
		}
		if x.Nonce != v.Nonce || x.Fee != v.Fee {
			t.Errorf("vector %d: nonce %d and fee %v, not %d and %v", i, x.Nonce, x.Fee, v.Nonce, v.Fee)
		}
	}
}
