package p2p

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"funai/key"
)

// PublicOf reads the key out of a libp2p peer ID: a secp256k1 key is short enough to stand in the ID itself.
func PublicOf(id peer.ID) (pub key.Public, err error) {
	k, err := id.ExtractPublicKey()
	if err != nil {
		return pub, fmt.Errorf("%w: %s: %v", ErrPeerID, id, err)
	}
	if k.Type() != pb.KeyType_Secp256k1 {
		return pub, fmt.Errorf("%w: %s is of type %v, not Secp256k1", ErrPeerID, id, k.Type())
	}
	raw, err := k.Raw()
	if err != nil {
		return pub, fmt.Errorf("%w: %s: %v", ErrPeerID, id, err)
	}
	if pub, err = key.ParsePublic(raw); err != nil {
		return pub, fmt.Errorf("%w: %s: %v", ErrPeerID, id, err)
	}
	return pub, nil
}

// IDOf is the libp2p peer ID of a key, as it stands in a multiaddr after /p2p/.
func IDOf(pub key.Public) (peer.ID, error) {
	k, err := crypto.UnmarshalSecp256k1PublicKey(pub[:])
	if err != nil {
		return "", fmt.Errorf("%w: %v: %v", ErrPeerID, pub, err)
	}
	return peer.IDFromPublicKey(k)
}
