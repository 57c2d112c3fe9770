package differ

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
)

// secret is a private key that only its number decides.
func secret(number int) *btcec.PrivateKey {
	sum := sha256.Sum256([]byte{'k', byte(number)})
	k, _ := btcec.PrivKeyFromBytes(sum[:])
	return k
}

func compressed(k *btcec.PrivateKey) []byte { return k.PubKey().SerializeCompressed() }

func xOnly(k *btcec.PrivateKey) []byte { return schnorr.SerializePubKey(k.PubKey()) }

// hybrid is the old form of an uncompressed key that tells the parity twice; even is what its first byte says.
func hybrid(k *btcec.PrivateKey, lie bool) []byte {
	b := k.PubKey().SerializeUncompressed()
	b[0] = 6 | b[64]&1
	if lie {
		b[0] ^= 1
	}
	return b
}

// push is the shortest push of data.
func push(data []byte) []byte {
	switch n := len(data); {
	case n == 0:
		return []byte{txscript.OP_0}
	case n == 1 && data[0] >= 1 && data[0] <= 16:
		return []byte{txscript.OP_1 - 1 + data[0]}
	case n == 1 && data[0] == 0x81:
		return []byte{txscript.OP_1NEGATE}
	case n <= txscript.OP_DATA_75:
		return pushBy(0, data)
	case n <= 0xff:
		return pushBy(txscript.OP_PUSHDATA1, data)
	case n <= 0xffff:
		return pushBy(txscript.OP_PUSHDATA2, data)
	}
	return pushBy(txscript.OP_PUSHDATA4, data)
}

// pushBy pushes data by one of the PUSHDATA opcodes, or directly if op is 0.
func pushBy(op byte, data []byte) []byte {
	var s []byte
	switch op {
	case 0:
		s = []byte{byte(len(data))}
	case txscript.OP_PUSHDATA1:
		s = []byte{op, byte(len(data))}
	case txscript.OP_PUSHDATA2:
		s = binary.LittleEndian.AppendUint16([]byte{op}, uint16(len(data)))
	default:
		s = binary.LittleEndian.AppendUint32([]byte{txscript.OP_PUSHDATA4}, uint32(len(data)))
	}
	return append(s, data...)
}

// number is a number as scripts have it: little endian, with a sign bit, as short as can be.
func number(n int64) []byte {
	var b []byte
	for v := abs(n); v > 0; v >>= 8 {
		b = append(b, byte(v))
	}
	if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		b = append(b, 0)
	}
	if n < 0 {
		b[len(b)-1] |= 0x80
	}
	return b
}

func abs(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// script assembles opcodes (untyped constants are ints), numbers (int64), pushes ([]byte), and raw parts.
func script(parts ...any) []byte {
	var s []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			s = append(s, byte(p))
		case byte:
			s = append(s, p)
		case int64:
			s = append(s, push(number(p))...)
		case []byte:
			s = append(s, push(p)...)
		case raw:
			s = append(s, p...)
		}
	}
	return s
}

// raw is a piece of script.
type raw []byte

func hash160(b []byte) []byte { return address.Hash160(b) }

func sum256(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}

func p2pkh(pub []byte) []byte {
	return script(txscript.OP_DUP, txscript.OP_HASH160, hash160(pub), txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG)
}

func p2sh(redeem []byte) []byte {
	return script(txscript.OP_HASH160, hash160(redeem), txscript.OP_EQUAL)
}

func p2wpkh(pub []byte) []byte { return script(txscript.OP_0, hash160(pub)) }

func p2wsh(s []byte) []byte { return script(txscript.OP_0, sum256(s)) }
