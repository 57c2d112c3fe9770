package p2p

import "errors"

var (
	// ErrReject says, where a gossip handler's error wraps it, that no honest peer could have handed this message on: the
	// peer that did is penalised and the message goes no further.
	ErrReject = errors.New("message rejected")
	// ErrTooLarge says that a message or frame exceeds its bound; both numbers stand in the text.
	ErrTooLarge = errors.New("message too large")
	// ErrConfig says that a configuration, topic or protocol name is unusable.
	ErrConfig = errors.New("bad p2p configuration")
	// ErrUnreachable says that no connection to a peer could be made: it was not found, or did not answer.
	ErrUnreachable = errors.New("peer unreachable")
	// ErrProtocol says that the peer is there but does not speak the protocol asked for.
	ErrProtocol = errors.New("protocol not supported by peer")
	// ErrReset says that the stream was cut: by the peer, by the loss of the connection, or by a limit on streams.
	ErrReset = errors.New("stream reset")
	// ErrClosed says that the host is closed.
	ErrClosed = errors.New("p2p host closed")
	// ErrPeerID says that a libp2p peer ID holds no secp256k1 key, as every peer of ours does.
	ErrPeerID = errors.New("bad peer ID")
)
