package differ

import (
	"fmt"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	disabled = wire.SequenceLockTimeDisabled
	seconds  = wire.SequenceLockTimeIsSeconds
)

// relative is a lock by OP_CHECKSEQUENCEVERIFY (BIP 112).
func (g *gen) relative() *lock {
	n := pick[int64](g, 0, 1, 2, 3, 10, 30, 0xffff, 0x10000, seconds, seconds|1, seconds|2, seconds|20, seconds|0xffff, disabled, disabled|5,
		-1, 1<<32, 1<<39-1, 1<<32|1, 0x200005)
	operand := number(n)
	if g.chance(8) {
		operand = append(operand, make([]byte, max(0, 1+g.IntN(6)-len(operand)))...) // as long as 6 bytes
	}
	s := script(operand, txscript.OP_CHECKSEQUENCEVERIFY, txscript.OP_DROP, txscript.OP_1)
	l := g.seal(pick(g, bare, inP2SH, inP2WSH, inP2SHP2WSH, inLeaf), s, nil)
	l.sequence = uint32(n)
	return l
}

// absolute is a lock by OP_CHECKLOCKTIMEVERIFY (BIP 65).
func (g *gen) absolute() *lock {
	n := g.lockTime()
	operand := number(int64(n))
	switch {
	case g.chance(10):
		operand = number(pick[int64](g, -1, 1<<32, 1<<39-1, 1<<39, -(1 << 39)))
	case g.chance(8):
		operand = append(operand, make([]byte, max(0, 1+g.IntN(6)-len(operand)))...)
	}
	s := script(operand, txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_DROP, txscript.OP_1)
	l := g.seal(pick(g, bare, inP2SH, inP2WSH, inP2SHP2WSH, inLeaf), s, nil)
	l.lockTime, l.sequence = n, wire.MaxTxInSequenceNum-1
	return l
}

// lockTime is one around the edges of what the next block allows.
func (g *gen) lockTime() uint32 {
	height, median := int64(g.next()), g.median(tipHeight)
	return uint32(pick(g, 0, 1, height-2, height-1, height, height+1, txscript.LockTimeThreshold-1, txscript.LockTimeThreshold, median-2, median-1,
		median, median+1, 1<<31-1, 1<<31, 1<<32-1, g.now.Unix()))
}

// sequence is one around the edges of what a coin's age allows (BIP 68), with bits that mean nothing now and then.
func (g *gen) sequence(c coin) uint32 {
	age := int64(g.next() - c.height)
	old := (g.median(tipHeight) - g.median(c.height-1)) >> wire.SequenceLockTimeGranularity
	var s int64
	switch g.IntN(4) {
	case 0:
		s = max(0, age+int64(g.IntN(3))-1)
	case 1:
		s = seconds | max(0, old+int64(g.IntN(4))-2)
	case 2:
		s = pick[int64](g, 0, 1, 0xffff, seconds, seconds|1, seconds|0xffff, disabled, disabled|0xffff, disabled|seconds|0xffff, 1<<32-1, 1<<32-2)
	case 3:
		s = int64(c.lock.sequence) + int64(g.IntN(3)) - 1
	}
	if g.chance(6) {
		s |= pick[int64](g, 1<<16, 1<<21, 1<<30, 1<<23, disabled)
	}
	return uint32(s)
}

// times spends coins with lock times and sequences around all edges, against opcodes that look at them or none.
func (g *gen) times() []byte {
	var txs []*wire.MsgTx
	var coins []coin
	switch g.IntN(3) {
	case 0:
		coins = append(coins, pick(g, g.timed...))
	case 1:
		coins = append(coins, pick(g, g.coins...))
	case 2:
		tx, fresh := g.fresh(g.absolute())
		txs, coins = append(txs, tx), fresh
	}
	if g.chance(4) {
		coins = append(coins, pick(g, g.timed...))
	}
	if len(coins) == 2 && coins[0].at == coins[1].at {
		coins = coins[:1]
	}
	tx := g.spending(coins)
	if g.chance(4) {
		tx.LockTime = g.lockTime()
	}
	for i, c := range coins {
		if !g.chance(3) {
			tx.TxIn[i].Sequence = g.sequence(c)
		}
		if tx.LockTime != 0 && g.chance(3) {
			tx.TxIn[i].Sequence = wire.MaxTxInSequenceNum - 1
		}
	}
	g.note(fmt.Sprintf("version %d, lock time %d, sequence %#x, coin of height %d, its lock's %#x and %d", tx.Version, tx.LockTime,
		tx.TxIn[0].Sequence, coins[0].height, coins[0].lock.sequence, coins[0].lock.lockTime))
	g.unlock(tx, coins, false)
	return g.blockOf(append(txs, tx)...)
}
