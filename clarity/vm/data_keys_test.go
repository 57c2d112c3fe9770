package vm

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/value"
)

// No two things may lie under one key, whatever they are called.
func TestKeysAreOneEach(t *testing.T) {
	type place struct {
		kind     byte
		contract string
		name     string
		rest     string
		owner    string
	}
	key := func(p place) []byte {
		k := storeKey(p.kind, value.Principal{Contract: p.contract}, p.name)
		switch p.kind {
		case keyEntry, keyNFT:
			return entryKey(k, []byte(p.rest))
		case keyTokens:
			return ownerKey(k, value.Principal{Contract: p.owner})
		}
		return k
	}
	name := rapid.StringMatching(`[ab\x01\x02]{0,3}`)
	draw := rapid.Custom(func(t *rapid.T) place {
		p := place{kind: rapid.SampledFrom([]byte{keyVariable, keyEntry, keyNFT, keyTokens, keySupply}).Draw(t, "kind"), contract: name.Draw(t, "contract"), name: name.Draw(t, "name")}
		switch p.kind {
		case keyEntry, keyNFT:
			p.rest = string(byte(rapid.IntRange(0, 14).Draw(t, "tag"))) + rapid.StringOfN(rapid.Rune(), 0, 100, -1).Draw(t, "rest")
		case keyTokens:
			p.owner = name.Draw(t, "owner")
		}
		return p
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		if a != b && bytes.Equal(key(a), key(b)) {
			t.Fatalf("%+v and %+v lie under %x", a, b, key(a))
		}
		if n := len(key(a)); n > 250 {
			t.Fatalf("a key of %d bytes", n)
		}
	})
}

func TestKeysDoNotShareMemory(t *testing.T) {
	prefix := storeKey(keyTokens, value.Principal{Contract: "a"}, "t")
	one := ownerKey(prefix, value.Principal{Version: 1})
	two := ownerKey(prefix, value.Principal{Version: 2})
	if bytes.Equal(one, two) {
		t.Fatal("the second key was written over the first")
	}
}
