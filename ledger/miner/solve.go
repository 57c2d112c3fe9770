package miner

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"sync"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// ErrExhausted says that no nonce solves a block and that its coinbase has no extra nonce to change: it is not one of
// Template's.
var ErrExhausted = errors.New("no nonce left to try, and no extra nonce in the coinbase")

const (
	extraNonceLen = 8
	// hashesAtOnce is how many hashes are tried between two looks at the context: about a millisecond's worth.
	hashesAtOnce = 1 << 11
	nonceOffset  = 76 // in a serialized header
)

// Solve finds the proof of work of a block made by Template, in place, on one core: it tries every nonce and, when they
// run out, the next extra nonce in the coinbase. It ends with ctx's error when ctx does, within about a millisecond.
func Solve(ctx context.Context, b *wire.MsgBlock) error { return SolveOn(ctx, b, 1) }

// SolveOn is Solve on several cores, each of which takes every so many-th extra nonce.
func SolveOn(ctx context.Context, b *wire.MsgBlock, cores int) error {
	base, err := newWork(b)
	if err != nil {
		return err
	}
	if cores = max(cores, 1); base.at < 0 {
		cores = 1 // without an extra nonce there is nothing to share out
	}
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg     sync.WaitGroup
		once   sync.Once
		found  *work
		failed = make([]error, cores)
	)
	for i := range cores {
		wg.Go(func() {
			w := base.clone()
			if failed[i] = w.search(stop, uint64(i), uint64(cores)); failed[i] == nil {
				once.Do(func() { found = w })
				cancel()
			}
		})
	}
	wg.Wait()
	if found == nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return failed[0]
	}
	found.apply(b)
	return nil
}

// work is a header in search of its nonce.
type work struct {
	header wire.BlockHeader
	target [32]byte
	script []byte           // of the coinbase's input
	raw    []byte           // the coinbase without its witness
	at     int              // of the extra nonce in raw; -1: none
	branch []chainhash.Hash // of the merkle tree beside the coinbase
}

func newWork(b *wire.MsgBlock) (*work, error) {
	w := &work{header: b.Header, target: targetBytes(b.Header.Bits), at: -1}
	coinbase := b.Transactions[0]
	w.script = bytes.Clone(coinbase.TxIn[0].SignatureScript)
	var raw bytes.Buffer
	if err := coinbase.SerializeNoWitness(&raw); err != nil {
		return nil, err
	}
	w.raw = raw.Bytes()
	if n := len(w.script) - extraNonceLen; n >= 1 && w.script[n-1] == extraNonceLen {
		// Version, number of inputs, outpoint, length of the script (one byte: it is at most 100 long).
		w.at = 4 + 1 + chainhash.HashSize + 4 + 1 + n
	}
	w.branch = merkleBranch(b.Transactions)
	return w, nil
}

func (w *work) clone() *work {
	c := *w
	c.script, c.raw = bytes.Clone(w.script), bytes.Clone(w.raw)
	return &c
}

// search tries all nonces of the extra nonce first and of every step-th behind it.
func (w *work) search(ctx context.Context, first, step uint64) error {
	for n := first; ; n += step {
		if n > 0 {
			w.setExtraNonce(n)
		}
		done, err := grind(ctx, &w.header, w.target)
		if done || err != nil {
			return err
		}
		if w.at < 0 || n > math.MaxUint64-step {
			return ErrExhausted
		}
	}
}

// setExtraNonce changes the number at the end of the coinbase's script and brings the merkle root up to date. The witness
// commitment does not cover the coinbase (BIP-141), so it stays.
func (w *work) setExtraNonce(n uint64) {
	binary.BigEndian.PutUint64(w.raw[w.at:], n)
	copy(w.script[len(w.script)-extraNonceLen:], w.raw[w.at:w.at+extraNonceLen])
	root := chainhash.DoubleHashH(w.raw)
	var pair [2 * chainhash.HashSize]byte
	for _, side := range w.branch {
		copy(pair[:], root[:])
		copy(pair[chainhash.HashSize:], side[:])
		root = chainhash.DoubleHashH(pair[:])
	}
	w.header.MerkleRoot = root
}

// apply writes what was found into the block.
func (w *work) apply(b *wire.MsgBlock) {
	b.Header = w.header
	b.Transactions[0].TxIn[0].SignatureScript = w.script
}

// merkleBranch lists the hashes beside the path from the first transaction up to the root.
func merkleBranch(txs []*wire.MsgTx) (branch []chainhash.Hash) {
	row := make([]chainhash.Hash, len(txs))
	for i, tx := range txs[1:] {
		row[i+1] = tx.TxHash()
	}
	for ; len(row) > 1; row = halve(row) {
		branch = append(branch, row[1])
	}
	return branch
}

// halve is the next row of a merkle tree: of an odd row the last is paired with itself.
func halve(row []chainhash.Hash) []chainhash.Hash {
	if len(row)%2 == 1 {
		row = append(row, row[len(row)-1])
	}
	next := make([]chainhash.Hash, len(row)/2)
	var pair [2 * chainhash.HashSize]byte
	for i := range next {
		copy(pair[:], row[2*i][:])
		copy(pair[chainhash.HashSize:], row[2*i+1][:])
		next[i] = chainhash.DoubleHashH(pair[:])
	}
	return next
}

// grind tries all nonces of one header.
func grind(ctx context.Context, h *wire.BlockHeader, target [32]byte) (bool, error) {
	buf := bytes.NewBuffer(make([]byte, 0, wire.MaxBlockHeaderPayload))
	if err := h.Serialize(buf); err != nil {
		return false, err
	}
	raw := buf.Bytes()
	for nonce := uint64(0); nonce < 1<<32; nonce++ {
		if nonce%hashesAtOnce == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		binary.LittleEndian.PutUint32(raw[nonceOffset:], uint32(nonce))
		if hash := chainhash.DoubleHashH(raw); meets(hash, target) {
			h.Nonce = uint32(nonce)
			return true, nil
		}
	}
	return false, nil
}

// targetBytes is the target as a little-endian number, as hashes are. Targets of more than 256 bits are above all
// hashes, targets of none or less below.
func targetBytes(bits uint32) (target [32]byte) {
	n := blockchain.CompactToBig(bits)
	switch {
	case n.Sign() <= 0:
		return target
	case n.BitLen() > 256:
		return [32]byte(bytes.Repeat([]byte{0xff}, 32))
	}
	n.FillBytes(target[:])
	for i := range 16 {
		target[i], target[31-i] = target[31-i], target[i]
	}
	return target
}

func meets(hash chainhash.Hash, target [32]byte) bool {
	for i := 31; i >= 0; i-- {
		if hash[i] != target[i] {
			return hash[i] < target[i]
		}
	}
	return true
}
