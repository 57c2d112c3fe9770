package tx

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"funai/key"
)

// receipt signs a receipt and encodes it.
func receipt(k *key.Private, chain uint32, r Receipt) []byte {
	x := New(chain, &r)
	x.Sign(k)
	return x.Encode()
}

func TestOnlyTwoDifferingReceiptsOfOneServerForOneTaskConflict(t *testing.T) {
	server, other := testKey(t, 1), testKey(t, 2)
	task := ID{7}
	base := receipt(server, ChainIDDev, Receipt{Task: task, Output: [32]byte{1}})
	forged := New(ChainIDDev, &Receipt{Task: task, Output: [32]byte{2}})
	forged.Sign(other)
	forged.Signer = server.Public().Hash160()
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"another output":  {receipt(server, ChainIDDev, Receipt{Task: task, Output: [32]byte{2}}), nil},
		"other tokens":    {receipt(server, ChainIDDev, Receipt{Task: task, Output: [32]byte{1}, TokensOut: 1}), nil},
		"the same":        {base, ErrMalformed},
		"another task":    {receipt(server, ChainIDDev, Receipt{Task: ID{8}, Output: [32]byte{2}}), ErrMalformed},
		"another server":  {receipt(other, ChainIDDev, Receipt{Task: task, Output: [32]byte{2}}), ErrMalformed},
		"another chain":   {receipt(server, ChainIDDev+1, Receipt{Task: task, Output: [32]byte{2}}), ErrMalformed},
		"a forged one":    {forged.Encode(), key.ErrSignature},
		"no receipt":      {New(ChainIDDev, &Seal{}).Encode(), ErrMalformed},
		"no transaction":  {[]byte("?"), ErrMalformed},
		"nothing":         {nil, ErrMalformed},
		"other payload":   {New(ChainIDDev, &Conflict{}).Encode(), ErrMalformed},
		"unknown payload": {append(New(ChainIDDev, &Seal{}).Encode()[:atPayload], 0xff), ErrUnsupported},
	} {
		for _, p := range []*Conflict{{A: base, B: c.b}, {A: c.b, B: base}} {
			a, b, err := p.Verify()
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, not %v", name, err, c.want)
			}
			if err == nil && (a.Signer != server.Public().Hash160() || b.Payload.(*Receipt).Task != task) {
				t.Errorf("%s: convicts %v for %v", name, a.Signer, b.Payload)
			}
		}
	}
}

func TestSealHashIsOfSaltVerdictsAndEvidence(t *testing.T) {
	salt, evidence := [32]byte{1}, [32]byte{2}
	want := sha256.Sum256([]byte("funai/seal" + string(salt[:]) + "\x00\x00\x00\x03" + "\x01\x02\x03" + string(evidence[:])))
	if got := SealHash(salt, []byte{1, 2, 3}, evidence); got != want {
		t.Errorf("got %s", hex.EncodeToString(got[:]))
	}
}
