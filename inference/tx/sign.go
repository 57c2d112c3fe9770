package tx

import (
	"crypto/sha512"
	"encoding/binary"
	"fmt"

	"funai/amount"
	"funai/key"
)

// Sign makes the key's owner the signer and signs. Every other field must be final.
func (t *Tx) Sign(k *key.Private) {
	t.Signer = k.Public().Hash160()
	t.Signature = k.Sign(t.sigHash())
}

// Verify recovers the key that signed and says whether it is the signer's; if not, the error is key.ErrSignature.
func (t *Tx) Verify() (key.Public, error) {
	pub, err := key.Recover(t.sigHash(), t.Signature)
	if err != nil {
		return key.Public{}, err
	}
	if h := pub.Hash160(); h != t.Signer {
		return key.Public{}, fmt.Errorf("%w: by %v, not by %v", key.ErrSignature, h, t.Signer)
	}
	return pub, nil
}

// sigHash is what a standard, single-signature authorization signs (SIP-005, "Transaction Signing and Verifying"): the
// hash of the transaction with nonce, fee and signature cleared, hashed again with the authorization's type, fee and nonce.
func (t *Tx) sigHash() [32]byte {
	initial := sha512.Sum512_256(t.encode(0, 0, key.Signature{}))
	return presign(initial, t.Fee, t.Nonce)
}

func presign(initial [32]byte, fee amount.Amount, nonce uint64) [32]byte {
	b := append(initial[:], authStandard)
	b = binary.BigEndian.AppendUint64(b, uint64(fee))
	b = binary.BigEndian.AppendUint64(b, nonce)
	return sha512.Sum512_256(b)
}
