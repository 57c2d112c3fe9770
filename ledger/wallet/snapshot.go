package wallet

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/chain"
)

// ErrSnapshot says that a snapshot file is damaged or another key's or chain's.
var ErrSnapshot = errors.New("bad wallet snapshot")

// A snapshot is the SHA-256 of all that follows, the output script, the block it is as of (height, hash), and a record
// for each coin (hash, index, value, height, coinbase); integers are big-endian. It holds nothing that the chain
// could not give again, so a damaged one costs no more than reading the chain.
const (
	scriptLen   = 22
	headLen     = sha256.Size + scriptLen + 4 + 32
	recordLen   = 32 + 4 + 8 + 4 + 1
	maxSnapshot = 256 << 20 // 5 million coins
)

// save writes the snapshot in place of the last one. The lock is held.
func (w *Wallet) save() error {
	if w.o.Snapshot == "" {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(w.o.Snapshot), ".wallet-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(encode(w.script, w.at, w.coins))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), w.o.Snapshot)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// load reads the snapshot if there is one of this key and chain.
func (w *Wallet) load() error {
	if w.o.Snapshot == "" {
		return nil
	}
	info, err := os.Stat(w.o.Snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Size() > maxSnapshot {
		err = fmt.Errorf("%w: %d bytes, more than %d", ErrSnapshot, info.Size(), maxSnapshot)
	}
	if err != nil {
		return err
	}
	b, err := os.ReadFile(w.o.Snapshot)
	if err != nil {
		return err
	}
	script, at, coins, err := decode(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(script, w.script) {
		return fmt.Errorf("%w: of script %x, not %x", ErrSnapshot, script, w.script)
	}
	if _, height, ok := w.c.Header(at.Hash); !ok || height != at.Height {
		return fmt.Errorf("%w: as of block %v, which the chain does not know", ErrSnapshot, at.Hash)
	}
	w.at, w.coins, w.resolving = at, coins, true
	return nil
}

func encode(script []byte, at chain.Index, coins map[wire.OutPoint]coin) []byte {
	b := make([]byte, sha256.Size, headLen+len(coins)*recordLen)
	b = append(b, script...)
	b = binary.BigEndian.AppendUint32(b, uint32(at.Height))
	b = append(b, at.Hash[:]...)
	for o, c := range coins {
		b = append(b, o.Hash[:]...)
		b = binary.BigEndian.AppendUint32(b, o.Index)
		b = binary.BigEndian.AppendUint64(b, uint64(c.value))
		b = binary.BigEndian.AppendUint32(b, uint32(c.height))
		b = append(b, 0)
		if c.coinbase {
			b[len(b)-1] = 1
		}
	}
	sum := sha256.Sum256(b[sha256.Size:])
	copy(b, sum[:])
	return b
}

func decode(b []byte) (script []byte, at chain.Index, coins map[wire.OutPoint]coin, err error) {
	if len(b) < headLen || (len(b)-headLen)%recordLen != 0 {
		return nil, at, nil, fmt.Errorf("%w: %d bytes are no whole number of records", ErrSnapshot, len(b))
	}
	if sum := sha256.Sum256(b[sha256.Size:]); !bytes.Equal(sum[:], b[:sha256.Size]) {
		return nil, at, nil, fmt.Errorf("%w: checksum %x, not %x", ErrSnapshot, sum, b[:sha256.Size])
	}
	b = b[sha256.Size:]
	script, b = b[:scriptLen], b[scriptLen:]
	at.Height, b = int32(binary.BigEndian.Uint32(b)), b[4:]
	copy(at.Hash[:], b)
	coins = map[wire.OutPoint]coin{}
	for b = b[32:]; len(b) > 0; b = b[recordLen:] {
		o := wire.OutPoint{Hash: [32]byte(b), Index: binary.BigEndian.Uint32(b[32:])}
		coins[o] = coin{amount.Amount(binary.BigEndian.Uint64(b[36:])), int32(binary.BigEndian.Uint32(b[44:])), b[48] == 1}
	}
	return script, at, coins, nil
}
