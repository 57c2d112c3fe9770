package hdkey

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"funai/ledger/consensus"
)

// bitcoin is the network of the BIPs' test vectors.
var bitcoin = &consensus.Params{Params: &chaincfg.MainNetParams}

const abandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// BIP-39's vectors (github.com/trezor/python-mnemonic), whose passphrase is TREZOR.
func TestBIP39Vectors(t *testing.T) {
	for _, v := range [][3]string{
		{"00000000000000000000000000000000", abandon,
			"c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"},
		{"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f", "legal winner thank year wave sausage worth useful legal winner thank yellow",
			"2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607"},
		{"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
			"dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad"},
	} {
		entropy := unhex(t, v[0])
		words, err := NewWords(bytes.NewReader(entropy), len(entropy)*3/4)
		if err != nil || words != v[1] {
			t.Errorf("%s: %q, %v", v[0], words, err)
		}
		seed, err := Seed(v[1], "TREZOR")
		if err != nil || hex.EncodeToString(seed) != v[2] {
			t.Errorf("%s: %x, %v", v[1], seed, err)
		}
	}
}

func TestWordsAsPeopleTypeThem(t *testing.T) {
	want, err := Seed(abandon, "é")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Seed("  "+strings.ToUpper(strings.ReplaceAll(abandon, " ", "\n\t"))+" ", "e\u0301") // the same letter, decomposed
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
	for name, words := range map[string]string{
		"none": "", "eleven": strings.TrimSuffix(abandon, " about"), "thirteen": abandon + " about", "unknown": strings.Replace(abandon, "about", "abuot", 1),
		"checksum": strings.Replace(abandon, "about", "abandon", 1), "long": strings.Repeat("a ", 2000),
	} {
		if _, err := NormalizeWords(words); !errors.Is(err, ErrWords) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewWords(bytes.NewReader(make([]byte, 64)), 15); !errors.Is(err, ErrWords) {
		t.Error(err)
	}
	if _, err := NewWords(bytes.NewReader(make([]byte, 10)), 24); err == nil {
		t.Error("words of too little randomness")
	}
}

// BIP-32's vectors 1, and 3 and 4, whose keys begin with zeros that some derivations dropped.
func TestBIP32Vectors(t *testing.T) {
	const h = hardened
	for _, v := range []struct {
		seed string
		path []uint32
		xprv string
	}{
		{"000102030405060708090a0b0c0d0e0f", []uint32{h, 1, h + 2, 2, 1000000000},
			"xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76"},
		{"4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be", []uint32{h},
			"xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L"},
		{"3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678", []uint32{h, h + 1},
			"xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1"},
	} {
		m, err := hdkeychain.NewMaster(unhex(t, v.seed), bitcoin.Params)
		if err != nil {
			t.Fatal(err)
		}
		k, err := derive(m, v.path...)
		if err != nil || k.String() != v.xprv {
			t.Errorf("%s: %v, %v", FormatPath(v.path), k, err)
		}
	}
}

func accounts(t testing.TB, net *consensus.Params) *Accounts {
	t.Helper()
	seed, err := Seed(abandon, "")
	if err != nil {
		t.Fatal(err)
	}
	a, err := Private(seed, net)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The vectors of BIP-84 and BIP-86.
func TestBIP84And86Vectors(t *testing.T) {
	a := accounts(t, bitcoin)
	xpubs, err := a.XPubs()
	if err != nil || xpubs[P2TR] != "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ" {
		t.Errorf("%v, %v", xpubs, err)
	}
	public, err := Public(bitcoin, a.Fingerprint, xpubs)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[Path]string{
		{P2WPKH, Receive, 0}: "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
		{P2WPKH, Receive, 1}: "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g",
		{P2WPKH, Change, 0}:  "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el",
		{P2TR, Receive, 0}:   "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
		{P2TR, Receive, 1}:   "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh",
		{P2TR, Change, 0}:    "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7",
	} {
		for _, from := range []*Accounts{a, public} {
			k, err := from.Key(p)
			if err != nil || Address(k.Script, bitcoin) != want {
				t.Errorf("%+v: %s, %v; want %s", p, Address(k.Script, bitcoin), err, want)
			}
		}
		k, _ := a.Key(p)
		secret, err := a.PrivateKey(p)
		if err != nil || !secret.PubKey().IsEqual(k.PubKey) {
			t.Errorf("%+v: the private key is another's, %v", p, err)
		}
		if _, err := public.PrivateKey(p); !errors.Is(err, ErrKey) {
			t.Error(err)
		}
		if script, err := ParseAddress(want, bitcoin); err != nil || !bytes.Equal(script, k.Script) {
			t.Errorf("%s is read as %x, %v", want, script, err)
		}
	}
	if k, _ := a.Key(Path{}); hex.EncodeToString(k.PubKey.SerializeCompressed()) != "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c" {
		t.Errorf("%x", k.PubKey.SerializeCompressed())
	}
}

func TestNetworksHaveTheirOwnKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, net := range []*consensus.Params{consensus.Main(), consensus.Test(), consensus.Dev(), consensus.BitcoinRegtest()} {
		a := accounts(t, net)
		k, err := a.Key(Path{})
		if err != nil {
			t.Fatal(err)
		}
		s := Address(k.Script, net)
		if !strings.HasPrefix(s, net.Bech32HRPSegwit+"1q") || seen[s] {
			t.Error(s)
		}
		seen[s] = true
		want := map[bool]uint32{true: 4001, false: 1}[net.Name == "main"]
		if CoinType(net) != want {
			t.Errorf("%s: coin type %d", net.Name, CoinType(net))
		}
	}
	xpubs, _ := accounts(t, consensus.Main()).XPubs()
	if _, err := Public(consensus.Dev(), 0, xpubs); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := Public(consensus.Main(), 0, [2]string{"x", "y"}); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

func TestZeroWipesTheKeys(t *testing.T) {
	a := accounts(t, bitcoin)
	a.Zero()
	if _, err := a.PrivateKey(Path{}); err == nil {
		t.Error("a key after Zero")
	}
}

func TestDescriptors(t *testing.T) {
	if got := Checksum("raw(deadbeef)"); got != "89f8spxm" { // BIP-380
		t.Error(got)
	}
	if Checksum("raw(ü)") != "" {
		t.Error("a checksum of what is no descriptor")
	}
	a := accounts(t, bitcoin)
	if f := FormatFingerprint(a.Fingerprint); f != "73c5da0a" {
		t.Error(f)
	}
	k, _ := a.Key(Path{P2WPKH, Receive, 0})
	const want = "wpkh([73c5da0a/84h/0h/0h/0/0]0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c)#"
	if got := a.Descriptor(k); !strings.HasPrefix(got, want) || len(got) != len(want)+8 {
		t.Error(got)
	}
	if got := a.Range(P2TR, Change); !strings.HasPrefix(got, "tr([73c5da0a/86h/0h/0h]xprv") || !strings.Contains(got, "/1/*)#") {
		t.Error(got)
	}
	if got := a.ParentDescriptor(k.Path); !strings.HasPrefix(got, "wpkh([73c5da0a/84h/0h/0h]xpub") {
		t.Error(got)
	}
}

// BIP-173's and BIP-350's vectors, and base58.
func TestAddresses(t *testing.T) {
	for s, want := range map[string]string{
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4":                                 "0014751e76e8199196d454941c45d1b3a323f1433bd6",
		"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y": "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
		"BC1SW50QGDZ25J":                       "6002751e",
		"bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs": "5210751e76e8199196d454941c45d1b3a323",
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa":                             "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac",
		"3P14159f73E4gFr7JterCCQh9QjiTjiZrG":                             "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87",
	} {
		script, err := ParseAddress(s, bitcoin)
		if err != nil || hex.EncodeToString(script) != want {
			t.Errorf("%s: %x, %v", s, script, err)
		}
		if got := Address(script, bitcoin); got != s && got != strings.ToLower(s) {
			t.Errorf("%s is written as %s", s, got)
		}
	}
	for _, s := range []string{
		"", "1", "bc1", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", // another network
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", // bech32 for version 1
		"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",                     // bech32m for version 0
		"bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", // a character
		"BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", // version 17
		"bc1pw5dgrnzv",                         // one byte
		"BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", // version 0 of 16 bytes
		"bc1gmk9yu",                            // nothing
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", strings.Repeat("1", 91),
	} {
		if script, err := ParseAddress(s, bitcoin); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %x, %v", s, script, err)
		}
	}
	if s := Address([]byte{0x51}, bitcoin); s != "" {
		t.Error(s)
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
	f.Add("3P14159f73E4gFr7JterCCQh9QjiTjiZrG")
	f.Add("bc1gmk9yu")
	f.Fuzz(func(t *testing.T, s string) {
		script, err := ParseAddress(s, bitcoin)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatal(err)
			}
			return
		}
		if got := Address(script, bitcoin); !strings.EqualFold(got, s) {
			t.Fatalf("%q is written as %q", s, got)
		}
	})
}

func FuzzWords(f *testing.F) {
	f.Add(abandon)
	f.Add("zoo zoo zoo")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := NormalizeWords(s)
		if err != nil {
			if !errors.Is(err, ErrWords) {
				t.Fatal(err)
			}
			return
		}
		if again, err := NormalizeWords(got); err != nil || again != got {
			t.Fatalf("%q becomes %q, %v", got, again, err)
		}
	})
}

func BenchmarkKey(b *testing.B) {
	a := accounts(b, bitcoin)
	for i := 0; b.Loop(); i++ {
		if _, err := a.Key(Path{P2TR, Receive, uint32(i)}); err != nil {
			b.Fatal(err)
		}
	}
}
