package chain

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
)

// Flags of a header's record.
const (
	flagStored byte = 1 << iota
	flagFailed
	flagConnected
	flagsKnown = flagStored | flagFailed | flagConnected
)

// encodeHeader is one byte of flags, the 80 bytes of the header, the number of transactions and of bytes.
func encodeHeader(h *wire.BlockHeader, st status) []byte {
	var flags byte
	if st.stored {
		flags |= flagStored
	}
	if st.failed {
		flags |= flagFailed
	}
	if st.connected {
		flags |= flagConnected
	}
	b := bytes.NewBuffer(append(make([]byte, 0, 1+wire.MaxBlockHeaderPayload+2*binary.MaxVarintLen32), flags))
	_ = h.Serialize(b) // a buffer takes every write
	return binary.AppendUvarint(binary.AppendUvarint(b.Bytes(), uint64(st.txs)), uint64(st.bytes))
}

func decodeHeader(b []byte) (h wire.BlockHeader, st status, err error) {
	const fixed = 1 + wire.MaxBlockHeaderPayload
	if len(b) < fixed || b[0]&^flagsKnown != 0 {
		return h, st, fmt.Errorf("%w: header record %x", ErrCorrupt, b)
	}
	if err := h.Deserialize(bytes.NewReader(b[1:fixed])); err != nil {
		return h, st, fmt.Errorf("%w: header record: %v", ErrCorrupt, err)
	}
	st = status{stored: b[0]&flagStored != 0, failed: b[0]&flagFailed != 0, connected: b[0]&flagConnected != 0}
	rest := b[fixed:]
	for _, v := range []*uint32{&st.txs, &st.bytes} {
		x, n := binary.Uvarint(rest)
		if n <= 0 || x > math.MaxUint32 || n > 1 && rest[n-1] == 0 {
			return h, st, fmt.Errorf("%w: header record %x", ErrCorrupt, b)
		}
		*v, rest = uint32(x), rest[n:]
	}
	if len(rest) > 0 || st.stored != (st.txs > 0) || st.connected && !st.stored {
		return h, st, fmt.Errorf("%w: header record %x", ErrCorrupt, b)
	}
	return h, st, nil
}

// appendCoin writes height and whether it is a coinbase's (as 2*height+1), value, script length, script.
func appendCoin(b []byte, c *blockchain.UtxoEntry) []byte {
	head := uint64(c.BlockHeight()) << 1
	if c.IsCoinBase() {
		head |= 1
	}
	b = binary.AppendUvarint(b, head)
	b = binary.AppendUvarint(b, uint64(c.Amount()))
	b = binary.AppendUvarint(b, uint64(len(c.PkScript())))
	return append(b, c.PkScript()...)
}

// takeCoin reads one coin and returns what follows it. The script is a copy.
func takeCoin(b []byte) (*blockchain.UtxoEntry, []byte, error) {
	var v [3]uint64
	for i := range v {
		x, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, nil, fmt.Errorf("%w: coin ends early", ErrCorrupt)
		}
		v[i], b = x, b[n:]
	}
	if v[0]>>1 > math.MaxInt32 || v[1] > uint64(amount.Max) || v[2] > txscript.MaxScriptSize || v[2] > uint64(len(b)) {
		return nil, nil, fmt.Errorf("%w: coin of height %d, value %d, script of %d bytes with %d left", ErrCorrupt, v[0]>>1, v[1], v[2], len(b))
	}
	out := &wire.TxOut{Value: int64(v[1]), PkScript: bytes.Clone(b[:v[2]])}
	return blockchain.NewUtxoEntry(out, int32(v[0]>>1), v[0]&1 == 1), b[v[2]:], nil
}

func decodeCoin(b []byte) (*blockchain.UtxoEntry, error) {
	c, rest, err := takeCoin(b)
	if err == nil && len(rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes after a coin", ErrCorrupt, len(rest))
	}
	return c, err
}

// encodeUndo writes the coins a block spent, in the order of its inputs.
func encodeUndo(spent []*blockchain.UtxoEntry) (b []byte) {
	for _, c := range spent {
		b = appendCoin(b, c)
	}
	return b
}

// decodeUndo reads the coins that the given number of inputs spent.
func decodeUndo(b []byte, inputs int) (spent []*blockchain.UtxoEntry, err error) {
	for len(b) > 0 && len(spent) < inputs {
		var c *blockchain.UtxoEntry
		if c, b, err = takeCoin(b); err != nil {
			return nil, err
		}
		spent = append(spent, c)
	}
	if len(spent) != inputs || len(b) > 0 {
		return nil, fmt.Errorf("%w: undo record of %d coins and %d more bytes for %d inputs", ErrCorrupt, len(spent), len(b), inputs)
	}
	return spent, nil
}

// summary is what is known of the chain up to one block that was once its tip.
type summary struct {
	totals Totals
	minted amount.Amount // what this block's coinbase pays to outputs that can be spent
}

func (s summary) encode() (b []byte) {
	for _, a := range []amount.Amount{s.totals.Issued, s.totals.Held, s.totals.Burned, s.totals.Immature, s.minted} {
		b = binary.AppendUvarint(b, uint64(a))
	}
	return b
}

func decodeSummary(b []byte) (s summary, err error) {
	for _, a := range []*amount.Amount{&s.totals.Issued, &s.totals.Held, &s.totals.Burned, &s.totals.Immature, &s.minted} {
		x, n := binary.Uvarint(b)
		if n <= 0 || x > uint64(amount.Max) {
			return s, fmt.Errorf("%w: summary record", ErrCorrupt)
		}
		*a, b = amount.Amount(x), b[n:]
	}
	if len(b) > 0 || s.totals.Issued != s.totals.Held+s.totals.Burned || s.totals.Immature > s.totals.Held {
		return s, fmt.Errorf("%w: summary record: %+v and %d more bytes", ErrCorrupt, s, len(b))
	}
	return s, nil
}
