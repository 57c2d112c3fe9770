package noderpc

import (
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// partial walks the tree over a block's transactions depth first, as BIP-37's merkle blocks hold it: one bit for each node
// says whether a transaction that is meant lies below; where none does, or at the bottom, stands the node's hash.
type partial struct {
	txs    []chainhash.Hash
	meant  []bool
	bits   []bool
	hashes []*chainhash.Hash
}

// prove makes the proof of the transactions wanted, and counts those that the block holds.
func prove(b *wire.MsgBlock, wanted map[chainhash.Hash]bool) (m *wire.MsgMerkleBlock, found int) {
	p := &partial{}
	for _, tx := range b.Transactions {
		hash := tx.TxHash()
		p.txs, p.meant = append(p.txs, hash), append(p.meant, wanted[hash])
		if wanted[hash] {
			found++
		}
	}
	p.write(levels(len(p.txs)), 0)
	m = &wire.MsgMerkleBlock{Header: b.Header, Transactions: uint32(len(p.txs)), Hashes: p.hashes, Flags: make([]byte, (len(p.bits)+7)/8)}
	for i, bit := range p.bits {
		if bit {
			m.Flags[i/8] |= 1 << (i % 8)
		}
	}
	return m, found
}

// levels is the height of the root above the transactions.
func levels(n int) (level int) {
	for width(n, level) > 1 {
		level++
	}
	return level
}

// width is the number of nodes of a level.
func width(n, level int) int { return (n + 1<<level - 1) >> level }

func (p *partial) write(level, at int) {
	below := false
	for i := at << level; i < min((at+1)<<level, len(p.txs)); i++ {
		below = below || p.meant[i]
	}
	p.bits = append(p.bits, below)
	if level == 0 || !below {
		h := p.hash(level, at)
		p.hashes = append(p.hashes, &h)
		return
	}
	p.write(level-1, 2*at)
	if 2*at+1 < width(len(p.txs), level-1) {
		p.write(level-1, 2*at+1)
	}
}

func (p *partial) hash(level, at int) chainhash.Hash {
	if level == 0 {
		return p.txs[at]
	}
	left := p.hash(level-1, 2*at)
	right := left
	if 2*at+1 < width(len(p.txs), level-1) {
		right = p.hash(level-1, 2*at+1)
	}
	return join(left, right)
}

func join(left, right chainhash.Hash) chainhash.Hash {
	return chainhash.DoubleHashH(append(left[:], right[:]...))
}

// reader takes a proof apart.
type reader struct {
	m      *wire.MsgMerkleBlock
	bit    int
	hash   int
	failed bool
	meant  []chainhash.Hash
}

// minTx is the least bytes of a transaction, by which Bitcoin Core bounds their number in a proof.
const minTx = 60

// checkProof computes the merkle root that a proof leads to and the transactions that it is of; false if it is none.
func checkProof(m *wire.MsgMerkleBlock) (root chainhash.Hash, meant []chainhash.Hash, ok bool) {
	n := int(m.Transactions)
	if n == 0 || n > blockchain.MaxBlockBaseSize/minTx || len(m.Hashes) > n || len(m.Flags)*8 < len(m.Hashes) {
		return root, nil, false
	}
	r := &reader{m: m}
	root = r.read(levels(n), 0)
	// All that is there has been read, but for padding.
	ok = !r.failed && (r.bit+7)/8 == len(m.Flags) && r.hash == len(m.Hashes)
	return root, r.meant, ok
}

func (r *reader) read(level, at int) (h chainhash.Hash) {
	if r.bit >= len(r.m.Flags)*8 {
		r.failed = true
		return h
	}
	below := r.m.Flags[r.bit/8]>>(r.bit%8)&1 == 1
	r.bit++
	if level == 0 || !below {
		if r.hash >= len(r.m.Hashes) {
			r.failed = true
			return h
		}
		h = *r.m.Hashes[r.hash]
		if r.hash++; level == 0 && below {
			r.meant = append(r.meant, h)
		}
		return h
	}
	left := r.read(level-1, 2*at)
	right := left
	if 2*at+1 < width(int(r.m.Transactions), level-1) {
		// Two equal branches would let one transaction stand for another place (CVE-2012-2459).
		if right = r.read(level-1, 2*at+1); right == left {
			r.failed = true
		}
	}
	return join(left, right)
}

// merkleRoot is the root over a block's transactions.
func merkleRoot(b *wire.MsgBlock) chainhash.Hash {
	return blockchain.CalcMerkleRoot(btcutil.NewBlock(b).Transactions(), false)
}
