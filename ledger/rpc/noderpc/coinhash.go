package noderpc

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/big"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/crypto/chacha20"

	"funai/ledger/chain"
	"funai/ledger/rpc"
)

// coinHash hashes a set of coins, which come in the order of their transactions' hashes and numbers.
type coinHash interface {
	add(wire.OutPoint, chain.Coin)
	sum() string
}

func newCoinHash(kind string) (coinHash, error) {
	switch kind {
	case "hash_serialized_3":
		return &serialHash{Hash: sha256.New()}, nil
	case "muhash":
		return &muHash{product: big.NewInt(1)}, nil
	case "none":
		return noHash{}, nil
	}
	return nil, rpc.Errorf(rpc.CodeInvalidParameter, "'%s' is not a valid hash_type", kind)
}

// appendCoin serializes a coin as Bitcoin Core's TxOutSer does.
func appendCoin(b []byte, o wire.OutPoint, c chain.Coin) []byte {
	code := uint32(c.Height) << 1
	if c.Coinbase {
		code |= 1
	}
	b = append(b, o.Hash[:]...)
	b = binary.LittleEndian.AppendUint32(b, o.Index)
	b = binary.LittleEndian.AppendUint32(b, code)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.Out.Value))
	b = appendCompactSize(b, len(c.Out.PkScript))
	return append(b, c.Out.PkScript...)
}

func appendCompactSize(b []byte, n int) []byte {
	switch {
	case n < 0xfd:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	default:
		return binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
	}
}

// serialHash is hash_serialized_3: the double SHA-256 of all coins in order.
type serialHash struct {
	hash.Hash
	buf []byte
}

func (h *serialHash) add(o wire.OutPoint, c chain.Coin) {
	h.buf = appendCoin(h.buf[:0], o, c)
	h.Write(h.buf)
}

func (h *serialHash) sum() string { return chainhash.Hash(sha256.Sum256(h.Sum(nil))).String() }

type noHash struct{}

func (noHash) add(wire.OutPoint, chain.Coin) {}
func (noHash) sum() string                   { return "" }

// muHash is MuHash3072, a product of numbers made of the coins, which does not depend on their order (Bitcoin Core's
// crypto/muhash.h).
type muHash struct {
	product *big.Int
	buf     []byte
}

const muHashBytes = 3072 / 8

// muHashModulus is the largest prime of 3072 bits whose half less a half is prime too.
var muHashModulus = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 3072), big.NewInt(1103717))

func (h *muHash) add(o wire.OutPoint, c chain.Coin) {
	h.buf = appendCoin(h.buf[:0], o, c)
	h.product.Mod(h.product.Mul(h.product, muHashNumber(h.buf)), muHashModulus)
}

// muHashNumber is the number that stands for some bytes.
func muHashNumber(b []byte) *big.Int {
	seed := sha256.Sum256(b)
	c, err := chacha20.NewUnauthenticatedCipher(seed[:], make([]byte, chacha20.NonceSize))
	if err != nil {
		panic(err) // for keys and nonces of other sizes only
	}
	var stream [muHashBytes]byte
	c.XORKeyStream(stream[:], stream[:])
	slices.Reverse(stream[:]) // little-endian
	return new(big.Int).SetBytes(stream[:])
}

func (h *muHash) sum() string {
	var b [muHashBytes]byte
	h.product.FillBytes(b[:])
	slices.Reverse(b[:])
	return chainhash.Hash(sha256.Sum256(b[:])).String()
}
