package ledger

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// Files of blocks are as Bitcoin's node writes and, with -loadblock, reads them: before each block, genesis included, the
// network's magic and the block's length, of four bytes each.

// write puts a mint's blocks in a file.
func (w *mint) write() (path string) {
	path = filepath.Join(w.TempDir(), "blocks.dat")
	f, err := os.Create(path)
	if err != nil {
		w.Fatal(err)
	}
	var genesis bytes.Buffer
	if err := w.p.GenesisBlock.Serialize(&genesis); err != nil {
		w.Fatal(err)
	}
	b := bufio.NewWriter(f)
	for _, raw := range slices.Concat([][]byte{genesis.Bytes()}, w.raw) {
		head := binary.LittleEndian.AppendUint32(nil, uint32(w.p.Net))
		b.Write(binary.LittleEndian.AppendUint32(head, uint32(len(raw))))
		b.Write(raw)
	}
	if err := b.Flush(); err != nil {
		w.Fatal(err)
	}
	if err := f.Close(); err != nil {
		w.Fatal(err)
	}
	return path
}

// readBlock reads one block; io.EOF says that there are no more.
func readBlock(r io.Reader) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	magic, length := binary.LittleEndian.Uint32(head[:4]), binary.LittleEndian.Uint32(head[4:])
	if magic != uint32(consensus.BitcoinRegtest().Net) || length > wire.MaxBlockPayload {
		return nil, fmt.Errorf("no block begins with %x", head)
	}
	raw := make([]byte, length)
	_, err := io.ReadFull(r, raw)
	if err != nil {
		return nil, fmt.Errorf("block of %d bytes: %w", length, err)
	}
	return raw, nil
}
