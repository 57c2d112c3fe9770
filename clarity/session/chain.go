package session

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/vm"
)

// The spacing of the simulated chains, in seconds, and when they begin: a whole minute, so that times are easy to read.
const (
	genesisTime  = 1_700_000_000
	burnSpacing  = 600
	blockSpacing = 10
)

// chain is a simulated chain on a simulated ledger: blocks hold nothing but their number, and every hash follows from it.
// What contracts wrote is kept for each block, so that the state after any of them can be read again.
type chain struct {
	epoch   types.Epoch
	height  uint64 // blocks
	burn    uint64 // blocks of the ledger
	past    history
	now     *store.Overlay         // of the block in the making
	ledger  map[uint64][]vm.BurnTx // transactions by the height of their block, as tests put them there
	tenures []uint64               // the first block of each: of the ledger's blocks, that is
}

// history has every value that a key had, by the height of the block that wrote it.
type history map[string][]version

type version struct {
	height uint64
	value  []byte // nil is deleted
}

// newest is a history read at its end.
type newest struct{ of history }

func (r newest) Get(key []byte) ([]byte, error) {
	if vs := r.of[string(key)]; len(vs) > 0 {
		return vs[len(vs)-1].value, nil
	}
	return nil, nil
}

// until is a history read as it was after a block.
type until struct {
	of     history
	height uint64
}

func (r until) Get(key []byte) ([]byte, error) {
	vs := r.of[string(key)]
	n := sort.Search(len(vs), func(i int) bool { return vs[i].height > r.height })
	if n == 0 {
		return nil, nil
	}
	return vs[n-1].value, nil
}

func newChain(epoch types.Epoch) *chain {
	c := &chain{past: history{}, ledger: map[uint64][]vm.BurnTx{}, tenures: []uint64{0}}
	c.now = store.NewOverlay(newest{c.past})
	c.enter(epoch)
	return c
}

// enter begins an epoch. From 3.0 on a chain has blocks of its own between those of the ledger, and an epoch begins with a
// block of both.
func (c *chain) enter(epoch types.Epoch) {
	c.epoch = epoch
	if epoch >= types.Epoch30 {
		c.mineBurn()
	}
}

// mine ends the block in the making and begins the next.
func (c *chain) mine() {
	for k, v := range c.now.Changes() {
		c.past[string(k)] = append(c.past[string(k)], version{c.height, v})
	}
	c.now = store.NewOverlay(newest{c.past})
	c.height++
	if c.epoch < types.Epoch30 {
		c.burn++ // a block of each
		c.tenures = append(c.tenures, c.height)
	}
}

// mineBurn adds a block with transactions to the ledger, and one here as its tenure begins.
func (c *chain) mineBurn(txs ...vm.BurnTx) {
	if c.epoch >= types.Epoch30 {
		c.burn++
	}
	c.mine()
	if len(txs) > 0 {
		c.ledger[c.burn] = txs
	}
	if c.epoch >= types.Epoch30 {
		c.tenures = append(c.tenures, c.height)
	}
}

// state is the chain in the block in the making or in one before: what a contract run in that block may know.
type state struct {
	*chain
	height, burn uint64
	tenures      int
}

var _ vm.Env = (*state)(nil)

func (c *chain) env() *state { return &state{c, c.height, c.burn, len(c.tenures)} }

func (s *state) ChainID() uint32    { return ChainID }
func (s *state) Mainnet() bool      { return false }
func (s *state) Epoch() types.Epoch { return s.epoch }
func (s *state) Height() uint64     { return s.height }
func (s *state) Time() uint64       { return genesisTime + s.height*blockSpacing }

func (s *state) TenureHeight() uint64 { return uint64(s.tenures) - 1 }

// BurnHeight is one less than the block's own before epoch 3.0: a block was made while the ledger's was being mined.
func (s *state) BurnHeight() uint64 {
	if s.epoch < types.Epoch30 && s.burn > 0 {
		return s.burn - 1
	}
	return s.burn
}

// hash is the hash of one kind of thing at one height.
func hash(kind string, height uint64) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(kind), height))
}

func (s *state) Block(height uint64) (*vm.Block, error) {
	if height >= s.height {
		return nil, nil
	}
	return &vm.Block{ID: hash("block", height), HeaderHash: hash("header", height), Time: genesisTime + height*blockSpacing, VRFSeed: hash("vrf", height)}, nil
}

func (s *state) Tenure(height uint64) (*vm.Tenure, error) {
	if height >= s.height {
		return nil, nil
	}
	return &vm.Tenure{BurnHeaderHash: s.header(height).hash, Miner: Nobody, Time: genesisTime + height*blockSpacing, VRFSeed: hash("vrf", height)}, nil
}

func (s *state) TenureStart(tenure uint64) (height uint64, ok bool, err error) {
	if tenure >= uint64(s.tenures) {
		return 0, false, nil
	}
	return s.chain.tenures[tenure], true, nil
}

func (s *state) BurnBlock(height uint64) (*vm.BurnBlock, error) {
	if height > s.BurnHeight() {
		return nil, nil
	}
	h := s.header(height)
	return &vm.BurnBlock{HeaderHash: h.hash, Header: h.raw, MerkleRoot: h.root, Time: h.time, TransactionCount: uint64(len(s.ledger[height]))}, nil
}

func (s *state) BurnTx(height, index uint64) (*vm.BurnTx, error) {
	if height > s.BurnHeight() || index >= uint64(len(s.ledger[height])) {
		return nil, nil
	}
	return &s.ledger[height][index], nil
}

func (s *state) At(blockID [32]byte) (vm.Reader, vm.Env, error) {
	for h := range s.height {
		if hash("block", h) == blockID {
			then := &state{chain: s.chain, height: h}
			for then.tenures < s.tenures && s.chain.tenures[then.tenures] <= h {
				then.tenures++
			}
			then.burn = uint64(then.tenures) - 1
			return until{s.past, h}, then, nil
		}
	}
	return nil, nil, nil
}

// header is a block of the simulated ledger.
type header struct {
	raw        []byte
	hash, root [32]byte // hash as it is printed, root as it is hashed
	time       uint64
}

func (c *chain) header(height uint64) header {
	h := header{time: genesisTime + height*burnSpacing, root: merkleRoot(c.ledger[height])}
	h.raw = binary.LittleEndian.AppendUint32(nil, 1)
	before := hash("before", height) // not a chain of hashes: nobody asks, and each header can be had by itself
	h.raw = append(append(h.raw, before[:]...), h.root[:]...)
	h.raw = binary.LittleEndian.AppendUint32(h.raw, uint32(h.time))
	h.raw = binary.LittleEndian.AppendUint64(h.raw, 0x207fffff)
	h.hash = twice(h.raw)
	slices.Reverse(h.hash[:])
	return h
}

func twice(b []byte) [32]byte {
	once := sha256.Sum256(b)
	return sha256.Sum256(once[:])
}

// merkleRoot is Bitcoin's: pairs are hashed level by level, the last of an odd level with itself.
func merkleRoot(txs []vm.BurnTx) [32]byte {
	if len(txs) == 0 {
		return [32]byte{}
	}
	level := make([][32]byte, 0, len(txs)+1)
	for _, t := range txs {
		level = append(level, t.TxID)
	}
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		for i := range len(level) / 2 {
			level[i] = twice(append(level[2*i][:], level[2*i+1][:]...))
		}
		level = level[:len(level)/2]
	}
	return level[0]
}
