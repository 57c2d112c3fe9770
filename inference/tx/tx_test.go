package tx

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"funai/amount"
	"funai/key"
)

func hashes() *rapid.Generator[[32]byte] {
	return rapid.Custom(func(t *rapid.T) [32]byte {
		return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	})
}

func hash160s() *rapid.Generator[key.Hash160] {
	return rapid.Custom(func(t *rapid.T) key.Hash160 {
		return key.Hash160(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "hash160"))
	})
}

// payloads draws payloads that pass their check.
func payloads() *rapid.Generator[Payload] {
	hash, who, sum := hashes(), hash160s(), rapid.Uint64()
	id := rapid.Map(hash, func(h [32]byte) ID { return h })
	return rapid.Custom(func(t *rapid.T) Payload {
		kind := rapid.SampledFrom([]byte{TypeTransfer, TypeOpen, TypeReceipt, TypeHeld, TypeSeal, TypeOpening, TypeLock,
			TypeUnlock, TypeConflict}).Draw(t, "type")
		switch p := newPayload(kind).(type) {
		case *Transfer:
			p.To, p.Amount = who.Draw(t, "to"), amount.Amount(sum.Draw(t, "amount"))
			copy(p.Memo[:], rapid.SliceOfN(rapid.Byte(), 0, 34).Draw(t, "memo"))
			return p
		case *Open:
			p.Model, p.Server, p.Expiry = rapid.Uint32().Draw(t, "model"), who.Draw(t, "server"), rapid.Uint32().Draw(t, "expiry")
			p.GasLimit = rapid.Uint64Range(0, 1<<32).Draw(t, "limit")
			p.GasPrice = amount.Amount(rapid.Uint64Range(0, 1<<31).Draw(t, "price"))
			p.Input, p.Context, p.System = hash.Draw(t, "input"), hash.Draw(t, "context"), hash.Draw(t, "system")
			p.MaxTokens, p.Trust = rapid.Uint32().Draw(t, "tokens"), rapid.Byte().Draw(t, "trust")
			p.TemperatureMilli, p.RepeatPenaltyMilli = rapid.Uint32().Draw(t, "temp"), rapid.Uint32().Draw(t, "penalty")
			if extra := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "extra"); len(extra) > 0 {
				p.Extra = extra
			}
			return p
		case *Receipt:
			p.Task, p.Output, p.Tokens = id.Draw(t, "task"), hash.Draw(t, "output"), hash.Draw(t, "tokens")
			p.TokensIn, p.TokensOut = rapid.Uint32().Draw(t, "in"), rapid.Uint32().Draw(t, "out")
			return p
		case *Held:
			p.Receipts = rapid.SliceOfN(id, 1, 9).Draw(t, "receipts")
			return p
		case *Seal:
			p.Block, p.Hash = hash.Draw(t, "block"), hash.Draw(t, "seal")
			return p
		case *Opening:
			p.Block, p.Salt, p.Evidence = hash.Draw(t, "block"), hash.Draw(t, "salt"), hash.Draw(t, "evidence")
			p.Verdicts = rapid.SliceOfN(rapid.ByteRange(1, 3), 1, 50).Draw(t, "verdicts")
			return p
		case *Lock:
			p.Kind, p.Amount = rapid.SampledFrom([]byte{LockStake, LockBond}).Draw(t, "kind"), amount.Amount(sum.Draw(t, "amount"))
			if p.Kind == LockStake {
				p.Signer = who.Draw(t, "signer")
			}
			return p
		case *Unlock:
			p.Kind, p.Amount = rapid.SampledFrom([]byte{LockStake, LockBond}).Draw(t, "kind"), amount.Amount(sum.Draw(t, "amount"))
			return p
		case *Conflict:
			p.A = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "a")
			p.B = rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "b")
			return p
		}
		panic("a payload type without a generator")
	})
}

func txs() *rapid.Generator[*Tx] {
	return rapid.Custom(func(t *rapid.T) *Tx {
		x := New(rapid.Uint32().Draw(t, "chain"), payloads().Draw(t, "payload"))
		x.AnchorMode, x.PostConditionMode = rapid.ByteRange(1, 3).Draw(t, "anchor"), rapid.ByteRange(1, 2).Draw(t, "post")
		if !x.Nonceless() {
			x.Nonce, x.Fee = rapid.Uint64().Draw(t, "nonce"), amount.Amount(rapid.Uint64().Draw(t, "fee"))
		}
		return x
	})
}

func testKey(t testing.TB, n byte) *key.Private {
	k, err := key.FromBytes(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestEverySignedTransactionReadsBackAsItself(t *testing.T) {
	k := testKey(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		x := txs().Draw(t, "tx")
		x.Sign(k)
		if err := x.Check(); err != nil {
			t.Fatal(err)
		}
		y, err := Decode(x.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(x, y) {
			t.Fatalf("read back as %+v", y)
		}
		if pub, err := y.Verify(); err != nil || pub != k.Public() {
			t.Fatalf("signed by %v: %v", pub, err)
		}
	})
}

func TestAnyChangedByteIsRefusedOrUnsigned(t *testing.T) {
	k := testKey(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		x := txs().Draw(t, "tx")
		x.Sign(k)
		b := x.Encode()
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b[i] ^= rapid.ByteRange(1, 255).Draw(t, "by")
		y, err := Decode(b)
		if err != nil {
			return
		}
		if pub, err := y.Verify(); err == nil {
			t.Fatalf("byte %d changed and still signed by %v", i, pub)
		}
	})
}

func TestAnyShorterOrLongerIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := txs().Draw(t, "tx").Encode()
		if _, err := Decode(b[:rapid.IntRange(0, len(b)-1).Draw(t, "len")]); err == nil {
			t.Fatal("a prefix was taken")
		}
		if _, err := Decode(append(b, 0)); !errors.Is(err, ErrMalformed) {
			t.Fatalf("a byte more: %v", err)
		}
	})
}

// Offsets of fields in the encoding.
const (
	atAuth      = 5
	atHashMode  = 6
	atKeyMode   = 43
	atAnchor    = 109
	atPostMode  = 110
	atPostCount = 111
	atPayload   = 115
)

func TestDecodeNamesWhatItRefuses(t *testing.T) {
	transfer := unhex(t, vectors(t)[0].Hex)
	patched := func(at int, v byte) []byte {
		b := bytes.Clone(transfer)
		b[at] = v
		return b
	}
	encoded := func(p Payload) []byte { return New(ChainIDDev, p).Encode() }
	withNonce := func(p Payload) []byte {
		x := New(ChainIDDev, p)
		x.Nonce = 1
		return x.Encode()
	}
	withFee := func(p Payload) []byte {
		x := New(ChainIDDev, p)
		x.Fee = 1
		return x.Encode()
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":                     {nil, ErrMalformed},
		"version":                   {patched(0, 0x01), ErrMalformed},
		"sponsored":                 {patched(atAuth, 0x05), ErrUnsupported},
		"multi-signature":           {patched(atHashMode, 0x01), ErrUnsupported},
		"uncompressed key":          {patched(atKeyMode, 0x01), ErrUnsupported},
		"anchor mode":               {patched(atAnchor, 4), ErrMalformed},
		"post-condition mode":       {patched(atPostMode, 3), ErrMalformed},
		"post-conditions":           {patched(atPostCount+3, 1), ErrUnsupported},
		"contract call":             {patched(atPayload, 0x02), ErrUnsupported},
		"transfer to a contract":    {patched(atPayload+1, 0x06), ErrUnsupported},
		"transfer to other network": {patched(atPayload+2, key.VersionMain), ErrUnsupported},
		"receipt with a nonce":      {withNonce(&Receipt{}), ErrMalformed},
		"held with a nonce":         {withNonce(&Held{make([]ID, 1)}), ErrMalformed},
		"seal with a nonce":         {withNonce(&Seal{}), ErrMalformed},
		"opening with a nonce":      {withNonce(&Opening{Verdicts: []byte{1}}), ErrMalformed},
		"receipt with a fee":        {withFee(&Receipt{}), ErrMalformed},
		"no receipts held":          {encoded(&Held{}), ErrMalformed},
		"257 receipts held":         {encoded(&Held{make([]ID, MaxHeld+1)}), ErrMalformed},
		"no verdicts":               {encoded(&Opening{}), ErrMalformed},
		"1025 verdicts":             {encoded(&Opening{Verdicts: bytes.Repeat([]byte{1}, MaxVerdicts+1)}), ErrMalformed},
		"verdict 0":                 {encoded(&Opening{Verdicts: []byte{1, 0}}), ErrMalformed},
		"verdict 4":                 {encoded(&Opening{Verdicts: []byte{4}}), ErrMalformed},
		"lock of kind 0":            {encoded(&Lock{}), ErrMalformed},
		"unlock of kind 3":          {encoded(&Unlock{Kind: 3}), ErrMalformed},
		"bond with a seat's signer": {encoded(&Lock{Kind: LockBond, Signer: key.Hash160{1}}), ErrMalformed},
		"gas overflows":             {encoded(&Open{GasLimit: 1 << 63, GasPrice: 2}), amount.ErrOverflow},
		"conflict too long":         {encoded(&Conflict{A: make([]byte, MaxReceiptBytes+1)}), ErrMalformed},
		"too long":                  {encoded(&Open{Extra: make([]byte, MaxBytes)}), ErrMalformed},
	} {
		if x, err := Decode(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v (%+v), not %v", name, err, x, c.want)
		}
	}
}

func TestLongestTransactionIsTakenAndOneByteMoreIsNot(t *testing.T) {
	x := New(ChainIDDev, &Open{})
	room := MaxBytes - len(x.Encode())
	x.Payload.(*Open).Extra = make([]byte, room)
	if err := x.Check(); err != nil {
		t.Error(err)
	}
	if _, err := Decode(x.Encode()); err != nil {
		t.Error(err)
	}
	x.Payload.(*Open).Extra = make([]byte, room+1)
	if err := x.Check(); !errors.Is(err, ErrMalformed) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestAnOpenOfAnUnknownModelIsCarriedUnchanged(t *testing.T) {
	x := New(ChainIDMain, &Open{Model: 0xffff_ffff, Trust: 9, Extra: []byte("fields of a later version")})
	x.Sign(testKey(t, 3))
	y, err := Decode(x.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if y.ID() != x.ID() {
		t.Errorf("id %v, not %v", y.ID(), x.ID())
	}
	if _, err := y.Verify(); err != nil {
		t.Error(err)
	}
}

func TestNobodySignsForAnother(t *testing.T) {
	x := New(ChainIDDev, &Transfer{Amount: 1})
	x.Sign(testKey(t, 1))
	x.Signer = testKey(t, 2).Public().Hash160()
	if _, err := x.Verify(); !errors.Is(err, key.ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func TestVersionsFollowTheChainID(t *testing.T) {
	for id, want := range map[uint32][2]byte{
		ChainIDMain: {VersionMain, key.VersionMain},
		ChainIDDev:  {VersionTest, key.VersionTest},
	} {
		v := VersionOf(id)
		if got := [2]byte{v, AddressVersion(v)}; got != want {
			t.Errorf("chain 0x%08x: versions %v, not %v", id, got, want)
		}
	}
}

func TestParseIDReadsWhatStringWrites(t *testing.T) {
	id := New(ChainIDDev, &Seal{}).ID()
	if got, err := ParseID(id.String()); err != nil || got != id {
		t.Errorf("got %v, %v", got, err)
	}
	for _, s := range []string{"", "00", id.String() + "00", id.String()[:62] + "zz"} {
		if _, err := ParseID(s); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", s, err)
		}
	}
}
