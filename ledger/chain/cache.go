package chain

import (
	"bytes"
	"sync"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2"
)

// defaultCoinCache is the bound on the coin cache, in bytes, where Options names none: about 150,000 coins.
const defaultCoinCache = 32 << 20

// coinCache keeps coins in memory, in three parts that may each have a third of the bound in them.
//
// The dirty part is what has changed since coins were last written to the database: coins made, and marks of coins spent.
// A coin that is made and spent in between never gets there. It is empty but for long downloads.
//
// The other two are generations of coins that the database holds too, lately read or made, so that spending them soon
// costs no read: a coin used moves to the young one, and when that is full the old one is dropped, so the least lately
// used half goes at once.
type coinCache struct {
	mu         sync.Mutex
	dirty      map[wire.OutPoint]change
	young, old map[wire.OutPoint]*blockchain.UtxoEntry
	// dirtyBytes and youngBytes are about what these parts take.
	dirtyBytes, youngBytes int
	third                  int // of the bound
}

func newCoinCache(bound int) *coinCache {
	if bound <= 0 {
		bound = defaultCoinCache
	}
	return &coinCache{
		dirty: map[wire.OutPoint]change{}, young: map[wire.OutPoint]*blockchain.UtxoEntry{}, third: bound / 3,
	}
}

// entryBytes is about what a cached coin takes: the entry, its key, the map's overhead. A spent one is nil.
func entryBytes(c *blockchain.UtxoEntry) int {
	const key = 100 // 36 bytes, a value of 16, and as much again for room in the map
	if c == nil {
		return key
	}
	return key + 60 + len(c.PkScript())
}

// get finds a coin. It is nil if it is known to be spent; found is false if only the database can tell.
func (k *coinCache) get(o wire.OutPoint) (c *blockchain.UtxoEntry, found bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ch, ok := k.dirty[o]; ok {
		return ch.coin, true
	}
	if c := k.young[o]; c != nil {
		return c, true
	}
	if c = k.old[o]; c != nil {
		k.add(o, c)
	}
	return c, c != nil
}

// has says whether get would find a coin.
func (k *coinCache) has(o wire.OutPoint) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.dirty[o]; ok {
		return true
	}
	return k.young[o] != nil || k.old[o] != nil
}

// put enters a coin read from the database.
func (k *coinCache) put(o wire.OutPoint, c *blockchain.UtxoEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.add(o, c)
}

func (k *coinCache) add(o wire.OutPoint, c *blockchain.UtxoEntry) {
	if k.youngBytes += entryBytes(c); k.youngBytes > k.third {
		k.old, k.young, k.youngBytes = k.young, map[wire.OutPoint]*blockchain.UtxoEntry{}, entryBytes(c)
	}
	k.young[o] = c
}

// apply follows a change that the database has taken.
func (k *coinCache) apply(changed map[wire.OutPoint]change) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for o, ch := range changed {
		if ch.coin == nil {
			delete(k.young, o)
			delete(k.old, o)
			continue
		}
		k.add(o, compact(ch.coin))
	}
}

// hold follows a change that the database has not taken: it has to be written later. It says whether there is no room
// for more.
func (k *coinCache) hold(changed map[wire.OutPoint]change) (full bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for o, ch := range changed {
		had, dirty := k.dirty[o]
		if dirty {
			k.dirtyBytes -= entryBytes(had.coin)
		}
		delete(k.young, o)
		delete(k.old, o)
		fresh := had.fresh || ch.fresh && !dirty
		if ch.coin == nil && fresh {
			delete(k.dirty, o)
			continue
		}
		if ch.coin != nil {
			ch.coin = compact(ch.coin)
		}
		k.dirty[o] = change{ch.coin, fresh}
		k.dirtyBytes += entryBytes(ch.coin)
	}
	return k.dirtyBytes > k.third
}

// write adds what has to be written to a batch.
func (k *coinCache) write(batch *pebble.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return writeCoins(batch, k.dirty)
}

// written follows the database's having taken what write added. The coins written stay as clean ones, since those made
// last are likely to be spent next.
func (k *coinCache) written() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.dirty) == 0 {
		return
	}
	k.old = make(map[wire.OutPoint]*blockchain.UtxoEntry, len(k.dirty))
	for o, ch := range k.dirty {
		if ch.coin != nil {
			k.old[o] = ch.coin
		}
	}
	k.dirty, k.dirtyBytes = map[wire.OutPoint]change{}, 0
}

// compact is a copy of a coin: its script may be a slice of its whole transaction, which must not be kept alive for it.
func compact(c *blockchain.UtxoEntry) *blockchain.UtxoEntry {
	out := &wire.TxOut{Value: c.Amount(), PkScript: bytes.Clone(c.PkScript())}
	return blockchain.NewUtxoEntry(out, c.BlockHeight(), c.IsCoinBase())
}

// writeCoins adds coins made and spent to a batch.
func writeCoins(batch *pebble.Batch, changed map[wire.OutPoint]change) error {
	var buf []byte
	for o, ch := range changed {
		var err error
		if ch.coin == nil {
			err = batch.Delete(coinKey(o), nil)
		} else {
			buf = appendCoin(buf[:0], ch.coin)
			err = batch.Set(coinKey(o), buf, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
