package chain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// The database's keys. Records of a block are filed by height and hash, so that those of one time lie together: they are
// written once and never move, and a range of old ones can be dropped at once.
const (
	keyVersion = 'v' // -> format version, genesis hash
	keyTip     = 't' // -> hash of the tip
	keyCoins   = 'k' // -> hash of the block that the coins are of: the tip, or an ancestor
	keyHeader  = 'h' // height, hash -> flags, header, number of transactions and bytes
	keyBlock   = 'b' // height, hash -> block with witnesses
	keyUndo    = 'u' // height, hash -> coins the block spent
	keySummary = 's' // height, hash -> totals up to the block
	keyCoin    = 'c' // transaction id, output index -> coin
	keyTx      = 'x' // transaction id -> height, first byte in the block; only with the transaction index
	keyPruned  = 'p' // -> height through which blocks and undo records are deleted; none if nothing is
	keyTxIndex = 'i' // -> first height not in the transaction index; 2^31-1 when it follows the tip
)

// formatVersion changes when the bytes of a record do.
const formatVersion = 2

func blockKey(kind byte, n *node) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(n.height)), n.hash[:]...)
}

func coinKey(o wire.OutPoint) []byte {
	k := append(make([]byte, 0, 1+chainhash.HashSize+4), keyCoin)
	return binary.BigEndian.AppendUint32(append(k, o.Hash[:]...), o.Index)
}

// store reads and writes single records; which writes go together is its caller's business.
type store struct {
	db    *pebble.DB
	cache *coinCache
	sync  *pebble.WriteOptions // for a change of tip
}

func openStore(o Options, log *slog.Logger) (*store, error) {
	po := &pebble.Options{
		FS: o.FS, Logger: pebbleLog{log}, FormatMajorVersion: pebble.FormatNewest,
		MemTableSize: 16 << 20, CacheSize: 16 << 20,
	}
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // one needless read in a hundred
	}
	po.Experimental.CompactionScheduler = newScheduler()
	db, err := pebble.Open(o.Dir, po)
	if err != nil {
		return nil, fmt.Errorf("open ledger database %s: %w", o.Dir, err)
	}
	s := &store{db: db, cache: newCoinCache(o.CoinCacheBytes), sync: pebble.Sync}
	if o.NoSync {
		s.sync = pebble.NoSync
	}
	return s, nil
}

// get copies a record, nil if there is none.
func (s *store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read %q: %w", key, err)
	}
	b := make([]byte, len(v)) // never nil
	copy(b, v)
	return b, closer.Close()
}

// must is get for a record that has to be there.
func (s *store) must(kind byte, n *node) ([]byte, error) {
	b, err := s.get(blockKey(kind, n))
	if err == nil && b == nil {
		err = fmt.Errorf("%w: record %q of block %v at height %d", ErrMissing, kind, n.hash, n.height)
	}
	return b, err
}

// coin is an unspent output, nil if there is none. It is shared: clone it before spending.
func (s *store) coin(o wire.OutPoint) (*blockchain.UtxoEntry, error) {
	if c, found := s.cache.get(o); found {
		return c, nil
	}
	b, err := s.get(coinKey(o))
	if b == nil || err != nil {
		return nil, err
	}
	c, err := decodeCoin(b)
	if err != nil {
		return nil, fmt.Errorf("coin %v: %w", o, err)
	}
	s.cache.put(o, c)
	return c, nil
}

func (s *store) block(n *node) (*wire.MsgBlock, error) {
	raw, err := s.must(keyBlock, n)
	if err != nil {
		return nil, err
	}
	var b wire.MsgBlock
	if err := b.Deserialize(bytes.NewReader(raw)); err != nil {
		return nil, fmt.Errorf("%w: block %v: %v", ErrCorrupt, n.hash, err)
	}
	if len(b.Transactions) == 0 || b.BlockHash() != n.hash {
		return nil, fmt.Errorf("%w: block %v under the key of %v", ErrCorrupt, b.BlockHash(), n.hash)
	}
	return &b, nil
}

// undo is the coins that b, n's block, spent.
func (s *store) undo(n *node, b *wire.MsgBlock) ([]*blockchain.UtxoEntry, error) {
	raw, err := s.must(keyUndo, n)
	if err != nil {
		return nil, err
	}
	inputs := 0
	for _, tx := range b.Transactions[1:] {
		inputs += len(tx.TxIn)
	}
	return decodeUndo(raw, inputs)
}

func (s *store) summary(n *node) (summary, error) {
	raw, err := s.must(keySummary, n)
	if err != nil {
		return summary{}, err
	}
	return decodeSummary(raw)
}

func putHeader(b *pebble.Batch, n *node, st status) error {
	h := n.header()
	return b.Set(blockKey(keyHeader, n), encodeHeader(&h, st), nil)
}

// putBlock says how many bytes the block takes.
func putBlock(b *pebble.Batch, n *node, block *wire.MsgBlock) (uint32, error) {
	raw := bytes.NewBuffer(make([]byte, 0, block.SerializeSize()))
	if err := block.Serialize(raw); err != nil {
		return 0, err
	}
	return uint32(raw.Len()), b.Set(blockKey(keyBlock, n), raw.Bytes(), nil)
}

// begin writes the genesis block to an empty database.
func (s *store) begin(genesis *node, block *wire.MsgBlock) error {
	b := s.db.NewBatch()
	defer b.Close()
	size, err := putBlock(b, genesis, block)
	st := status{stored: true, connected: true, txs: uint32(len(block.Transactions)), bytes: size}
	return errors.Join(
		err,
		b.Set([]byte{keyVersion}, append([]byte{formatVersion}, genesis.hash[:]...), nil),
		b.Set([]byte{keyTip}, genesis.hash[:], nil),
		b.Set([]byte{keyCoins}, genesis.hash[:], nil),
		putHeader(b, genesis, st),
		b.Set(blockKey(keyUndo, genesis), nil, nil),
		b.Set(blockKey(keySummary, genesis), summary{}.encode(), nil),
		b.Commit(s.sync),
	)
}

// check says whether the database is of this format and network; false if it is empty.
func (s *store) check(genesis chainhash.Hash) (bool, error) {
	v, err := s.get([]byte{keyVersion})
	if err != nil || v == nil {
		return false, err
	}
	if len(v) != 1+chainhash.HashSize || v[0] != formatVersion {
		return false, fmt.Errorf("%w: format %x, not version %d", ErrCorrupt, v, formatVersion)
	}
	if got := chainhash.Hash(v[1:]); got != genesis {
		return false, fmt.Errorf("%w: its genesis is %v, not %v", ErrNetwork, got, genesis)
	}
	return true, nil
}

// headers calls f with every header stored, parents before children.
func (s *store) headers(f func(h *wire.BlockHeader, height int32, st status) error) (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyHeader}, UpperBound: []byte{keyHeader + 1}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		h, st, err := decodeHeader(it.Value())
		if err != nil {
			return err
		}
		if len(it.Key()) != 1+4+chainhash.HashSize {
			return fmt.Errorf("%w: header key %x", ErrCorrupt, it.Key())
		}
		if err := f(&h, int32(binary.BigEndian.Uint32(it.Key()[1:5])), st); err != nil {
			return err
		}
	}
	return it.Error()
}

// pebbleLog hands the database's messages on.
type pebbleLog struct{ *slog.Logger }

// Infof tells of flushes and compactions, which few want to know of.
func (l pebbleLog) Infof(format string, a ...any) { l.Debug(fmt.Sprintf(format, a...)) }

// Errorf tells of trouble that the database goes on with.
func (l pebbleLog) Errorf(format string, a ...any) { l.Error(fmt.Sprintf(format, a...)) }

// Fatalf is called when the disk has failed in the middle of a write. Pebble asks it not to return; the process must
// not go on either, and whatever starts next finds the state of the last batch written.
func (l pebbleLog) Fatalf(format string, a ...any) {
	l.Errorf(format, a...)
	panic("ledger database: " + fmt.Sprintf(format, a...))
}
