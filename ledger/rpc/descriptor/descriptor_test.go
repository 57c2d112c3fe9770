package descriptor

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"funai/ledger/consensus"
	"funai/ledger/wallet/hdkey"
)

// regtest is a network whose key versions are those of Bitcoin's test vectors for test networks.
var regtest = consensus.BitcoinRegtest()

// main is one with the versions of Bitcoin's main network.
func mainnet() *consensus.Params {
	p := *consensus.Main()
	cp := *p.Params
	cp.PrivateKeyID, cp.Bech32HRPSegwit, cp.PubKeyHashAddrID, cp.ScriptHashAddrID = 128, "bc", 0, 5
	p.Params = &cp
	return &p
}

// TestScriptsAreThoseOfTheBIPs holds scripts to the test vectors of BIPs 381, 382, 384 and 386.
func TestScriptsAreThoseOfTheBIPs(t *testing.T) {
	const (
		wif = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
	)
	for desc, want := range map[string][]string{
		"pk(" + wif + ")": {"2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac"},
		"pk(03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)": {"2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac"},
		"pkh([deadbeef/1/2'/3/4']" + wif + ")":                                   {"76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac"},
		"wpkh(" + wif + ")":                                                      {"00149a1c78a507689f6f54b847ad1cef1e614ee23f1e"},
		"sh(wpkh(" + wif + "))":                                                  {"a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"},
		"combo(" + wif + ")":                                                     {"2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac", "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac", "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e", "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87"},
		"tr(a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd)":   {"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"},
		"tr(" + wif + ")":                                                        {"512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11"},
		"wpkh(xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM1fwqWpWkeS3v86pgKt/1/2/0)": {"0014326b2249e3a25d5dc60935f044ee835d090ba859"},
	} {
		d, err := Parse(mainnet(), desc, false)
		if err != nil {
			t.Errorf("%s: %v", desc, err)
			continue
		}
		outs, err := d.Outputs(0)
		if err != nil || len(outs) != len(want) {
			t.Errorf("%s: %d outputs, %v", desc, len(outs), err)
			continue
		}
		for i, o := range outs {
			if got := hex.EncodeToString(o.Script); got != want[i] {
				t.Errorf("%s: %s, want %s", desc, got, want[i])
			}
		}
	}
}

// TestChecksums are the cases of BIP-380.
func TestChecksums(t *testing.T) {
	for s, want := range map[string]string{
		"raw(deadbeef)#89f8spxm":  "",
		"raw(deadbeef)":           "Missing checksum",
		"raw(deadbeef)#":          "Expected 8 character checksum, not 0 characters",
		"raw(deadbeef)#89f8spxmx": "Expected 8 character checksum, not 9 characters",
		"raw(deadbeef)#89f8spx":   "Expected 8 character checksum, not 7 characters",
		"raw(deedbeef)#89f8spxm":  "Provided checksum '89f8spxm' does not match computed checksum",
		"raw(deadbeef)##9f8spxm":  "Multiple '#' symbols",
		"raw(Ü)#00000000":         "Invalid characters in payload",
	} {
		_, err := Parse(regtest, s, true)
		if want == "" != (err == nil) || err != nil && (!errors.Is(err, ErrDescriptor) || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	const key = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	const long = "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
	for _, s := range []string{
		"", "x", "pk", "pk()", "pk(" + key, "pk(" + key[2:] + ")", "pk(02" + strings.Repeat("f", 64) + ")", "wpkh(" + long + ")", "wsh(pk(" + long + "))",
		"sh(sh(pk(" + key + ")))", "wsh(wsh(pk(" + key + ")))", "wsh(wpkh(" + key + "))", "sh(combo(" + key + "))", "sh(addr(x))", "addr(x)", "raw(0)",
		"multi(0," + key + ")", "multi(2," + key + ")", "multi(x," + key + ")", "multi(1)", "multi(1," + key + "," + key + "," + key + "," + key + ")",
		"sh(multi(1," + strings.Repeat(key+",", 15) + key + "))", "tr(" + key + ",pk(" + key + "))", "pk([dead]" + key + ")", "pk([deadbeef" + key + ")",
		"pk([deadbeef/2147483648]" + key + ")", "pk([deadbeef/]" + key + ")", "pkh(" + strings.Repeat("a", maxLength) + ")",
	} {
		if d, err := Parse(regtest, s, false); !errors.Is(err, ErrDescriptor) {
			t.Errorf("%.80s: %v, %v", s, d, err)
		}
	}
}

// TestRangesFollowTheWallet holds derivation to the wallet's own addresses.
func TestRangesFollowTheWallet(t *testing.T) {
	const desc = "wpkh([d34db33f/44'/0'/0']tpubDC5FSnBiZDMmhiuCmWAYsLwgLYrrT9rAqvTySfuCCrgsWz8wxMXUS9Tb9iVMvcRbvFcAHGkMD5Kx8koh4GquNGNTfohfk7pgjhaPCdXpoba/0/*)"
	d, err := Parse(regtest, desc, false)
	if err != nil {
		t.Fatal(err)
	}
	if !d.IsRange() || d.HasPrivate() || !d.Solvable() || d.String() != desc {
		t.Errorf("%v %v %v %s", d.IsRange(), d.HasPrivate(), d.Solvable(), d)
	}
	seen := map[string]bool{}
	for i := range uint32(3) {
		outs, err := d.Outputs(i)
		if err != nil {
			t.Fatal(err)
		}
		a := hdkey.Address(outs[0].Script, regtest)
		if seen[a] || !strings.HasPrefix(a, "bcrt1q") {
			t.Errorf("%d: %s", i, a)
		}
		seen[a] = true
	}
}

// FuzzParse reads whatever may come; what it takes, it takes again in its canonical form, and makes scripts of.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"raw(deadbeef)#89f8spxm", "wsh(multi(1,03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd))", "combo([deadbeef/1h]02", "addr(bcrt1",
		"tr(tpubDC5FSnBiZDMmhiuCmWAYsLwgLYrrT9rAqvTySfuCCrgsWz8wxMXUS9Tb9iVMvcRbvFcAHGkMD5Kx8koh4GquNGNTfohfk7pgjhaPCdXpoba/0/*)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(regtest, s, false)
		if err != nil {
			if !errors.Is(err, ErrDescriptor) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if again, err := Parse(regtest, d.String(), false); err != nil && !d.HasPrivate() || err == nil && again.String() != d.String() {
			t.Fatalf("%q became %q, which became %v, %v", s, d, again, err)
		}
		if _, err := d.Outputs(0); err != nil && !errors.Is(err, ErrDescriptor) {
			t.Fatal(err)
		}
	})
}
