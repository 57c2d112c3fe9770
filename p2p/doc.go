// Package p2p is the network host of the inference layer: it finds peers by their key, gossips messages that the layer
// above has checked, and opens encrypted streams that name the key at the other end. It may import key and libp2p and
// knows nothing of what the bytes mean. The rules are libp2p's specifications (github.com/libp2p/specs: gossipsub v1.2,
// kad-dht, noise, yamux, relay v2, DCUtR); limits and score weights are our own and stand beside their constants.
package p2p
