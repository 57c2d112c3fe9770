// Package block holds what the inference chain is made of: headers, blocks, votes, certificates, proposals, their
// encodings and signatures, and the network's parameters. Pure values; it may import sortition, tx, codec and the
// ground. Rules: FUN AI whitepaper, sections 2 to 8.
package block

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/inference/codec"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
	"funai/vrf"
)

// ID is a block's hash: sha256 over the header without its signature.
type ID = sortition.BlockID

const (
	// MaxBytes bounds an encoded block, so that a proposal with its certificate stays under gossip's 1 MiB.
	MaxBytes = 512 << 10
	// MaxTxs bounds the transactions of a block.
	MaxTxs = 4096
)

// ErrBlock is the kind of all errors about a block's form or rules.
var ErrBlock = errors.New("bad block")

// Header is what a block's id covers, and the producer's signature.
type Header struct {
	_         struct{} `cbor:",toarray"`
	ChainID   uint32
	Height    uint64
	Parent    ID
	Tenure    Round       // the election whose winner made the block
	Time      uint64      // milliseconds since 1970
	TxRoot    [32]byte    // TxRoot of the transactions
	StateRoot [32]byte    // of the state after the block
	Proof     []byte      // in a tenure's first block: VRF proof over the election's seed, 80 bytes; else empty
	Parents   Certificate // the parent's; empty if no group certified it
	Signature key.Signature
}

// Block is a header and its transactions, encoded.
type Block struct {
	_      struct{} `cbor:",toarray"`
	Header Header
	Txs    [][]byte
}

// Round names an election by its ledger block. The rounds of voting at one height are tenures.
type Round struct {
	_      struct{} `cbor:",toarray"`
	Height uint32
	Hash   chainhash.Hash
}

// GenesisID is the parent of a chain's first block. No block has it; its height is 0.
func GenesisID(chainID uint32) ID {
	return sha256.Sum256(binary.BigEndian.AppendUint32([]byte("funai/genesis/"), chainID))
}

// ID is sha256 over the header's encoding with an empty signature.
func (h Header) ID() ID {
	h.Signature = key.Signature{}
	return sha256.Sum256(append([]byte("funai/block/"), codec.Encode(h)...))
}

// Sign signs the header as its producer.
func (h *Header) Sign(k *key.Private) { h.Signature = k.Sign(h.ID()) }

// Producer recovers the hash of the key that signed the header.
func (h Header) Producer() (key.Hash160, error) {
	pub, err := key.Recover(h.ID(), h.Signature)
	if err != nil {
		return key.Hash160{}, fmt.Errorf("%w: producer: %w", ErrBlock, err)
	}
	return pub.Hash160(), nil
}

// First says whether the block begins its tenure: then it carries the proof.
func (h Header) First() bool { return len(h.Proof) != 0 }

// VRFProof returns the proof of a tenure's first block.
func (h Header) VRFProof() (p vrf.Proof, err error) {
	if len(h.Proof) != len(p) {
		return p, fmt.Errorf("%w: VRF proof has %d bytes, not %d", ErrBlock, len(h.Proof), len(p))
	}
	copy(p[:], h.Proof)
	return p, nil
}

// ID is the header's.
func (b *Block) ID() ID { return b.Header.ID() }

// Encode returns the block's bytes.
func (b *Block) Encode() []byte { return codec.Encode(b) }

// Decode reads a block of at most MaxBytes and checks what needs no context: counts, sizes, the transactions' root.
func Decode(raw []byte) (*Block, error) {
	b := new(Block)
	if err := codec.Decode(raw, MaxBytes, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBlock, err)
	}
	if err := b.CheckForm(); err != nil {
		return nil, err
	}
	return b, nil
}

// CheckForm checks what needs no context.
func (b *Block) CheckForm() error {
	if len(b.Txs) > MaxTxs {
		return fmt.Errorf("%w: %d transactions exceed %d", ErrBlock, len(b.Txs), MaxTxs)
	}
	if n := len(b.Header.Proof); n != 0 && n != len(vrf.Proof{}) {
		return fmt.Errorf("%w: VRF proof has %d bytes, not %d", ErrBlock, n, len(vrf.Proof{}))
	}
	if root := TxRoot(b.Txs); root != b.Header.TxRoot {
		return fmt.Errorf("%w: transactions' root is %x, header says %x", ErrBlock, root, b.Header.TxRoot)
	}
	return nil
}

// Transactions decodes the block's transactions.
func (b *Block) Transactions() ([]*tx.Tx, error) {
	txs := make([]*tx.Tx, len(b.Txs))
	for i, raw := range b.Txs {
		t, err := tx.Decode(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: transaction %d: %w", ErrBlock, i, err)
		}
		txs[i] = t
	}
	return txs, nil
}

// TxRoot is the Merkle tree hash (RFC 6962, section 2.1) of encoded transactions.
func TxRoot(txs [][]byte) [32]byte {
	switch len(txs) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, txs[0]...))
	}
	split := 1
	for split*2 < len(txs) {
		split *= 2
	}
	l, r := TxRoot(txs[:split]), TxRoot(txs[split:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// PackID names the results that a block packs, known before the block's own id, which covers the state that holds it.
func PackID(parent ID, txRoot [32]byte) [32]byte {
	return sha256.Sum256(append(append([]byte("funai/pack/"), parent[:]...), txRoot[:]...))
}
