package differ

import (
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
)

// Random programs of all opcodes. What they compute is not known beforehand: our engine says how far they come and what
// they leave on the stack, the script is made to go on from there, and to demand that very stack at its end. So both
// engines must agree on every value, not only on whether a script fails.

// opcodes by the number of items they want on the stack at least.
var (
	stackOps = [][]byte{
		{txscript.OP_DEPTH, txscript.OP_NOP, txscript.OP_NOP1, txscript.OP_NOP4, txscript.OP_NOP5, txscript.OP_NOP6, txscript.OP_NOP7, txscript.OP_NOP8,
			txscript.OP_NOP9, txscript.OP_NOP10, txscript.OP_FROMALTSTACK, txscript.OP_CODESEPARATOR},
		{txscript.OP_DUP, txscript.OP_IFDUP, txscript.OP_SIZE, txscript.OP_DROP, txscript.OP_TOALTSTACK, txscript.OP_1ADD, txscript.OP_1SUB,
			txscript.OP_NEGATE, txscript.OP_ABS, txscript.OP_NOT, txscript.OP_0NOTEQUAL, txscript.OP_RIPEMD160, txscript.OP_SHA1, txscript.OP_SHA256,
			txscript.OP_HASH160, txscript.OP_HASH256, txscript.OP_PICK, txscript.OP_ROLL, txscript.OP_CHECKLOCKTIMEVERIFY,
			txscript.OP_CHECKSEQUENCEVERIFY, txscript.OP_VERIFY, txscript.OP_IF, txscript.OP_NOTIF},
		{txscript.OP_2DUP, txscript.OP_NIP, txscript.OP_OVER, txscript.OP_SWAP, txscript.OP_TUCK, txscript.OP_2DROP, txscript.OP_EQUAL, txscript.OP_ADD,
			txscript.OP_SUB, txscript.OP_BOOLAND, txscript.OP_BOOLOR, txscript.OP_NUMEQUAL, txscript.OP_NUMNOTEQUAL, txscript.OP_LESSTHAN,
			txscript.OP_GREATERTHAN, txscript.OP_LESSTHANOREQUAL, txscript.OP_GREATERTHANOREQUAL, txscript.OP_MIN, txscript.OP_MAX,
			txscript.OP_CHECKSIG, txscript.OP_EQUALVERIFY, txscript.OP_NUMEQUALVERIFY},
		{txscript.OP_3DUP, txscript.OP_ROT, txscript.OP_WITHIN, txscript.OP_CHECKMULTISIG, txscript.OP_CHECKSIGADD},
		{txscript.OP_2OVER, txscript.OP_2SWAP},
		{},
		{txscript.OP_2ROT},
	}
	oddOps = []byte{txscript.OP_RESERVED, txscript.OP_VER, txscript.OP_VERIF, txscript.OP_VERNOTIF, txscript.OP_RESERVED1, txscript.OP_RESERVED2,
		txscript.OP_RETURN, txscript.OP_CAT, txscript.OP_SUBSTR, txscript.OP_LEFT, txscript.OP_RIGHT, txscript.OP_INVERT, txscript.OP_AND,
		txscript.OP_OR, txscript.OP_XOR, txscript.OP_2MUL, txscript.OP_2DIV, txscript.OP_MUL, txscript.OP_DIV, txscript.OP_MOD, txscript.OP_LSHIFT,
		txscript.OP_RSHIFT, 0xbb, 0xfe, txscript.OP_INVALIDOPCODE, txscript.OP_CHECKMULTISIGVERIFY, txscript.OP_CHECKSIGVERIFY}
	edges = []int64{0, 1, -1, 2, 16, 17, 127, 128, -127, -128, 255, 256, 32767, 32768, -32768, 1<<23 - 1, 1 << 23, 1<<31 - 1, -(1<<31 - 1), 1 << 31,
		-(1 << 31), 1<<31 + 1, 1<<32 - 1, 1<<39 - 1, 1 << 39, -(1<<39 - 1), 500_000_000, 499_999_999, seconds, disabled}
)

// item is what a random program pushes.
func (g *gen) item() []byte {
	switch g.IntN(8) {
	case 0:
		return g.bytes(g.IntN(8))
	case 1:
		return g.bytes(pick(g, 20, 32, 33, 75, 76, 80))
	case 2: // a number that is not as short as it could be
		n := number(pick(g, edges...))
		if len(n) == 0 {
			return pick(g, []byte{0}, []byte{0x80}, []byte{0, 0}, []byte{0, 0, 0x80})
		}
		sign := n[len(n)-1] & 0x80
		n[len(n)-1] &^= 0x80
		return append(n, sign)
	case 3, 4:
		return number(pick(g, edges...))
	}
	return number(g.Int64N(24) - 4)
}

// step is a random opcode or push that fits a stack of this depth most of the time.
func (g *gen) step(depth int) []byte {
	switch {
	case g.chance(200):
		return []byte{byte(g.IntN(256))}
	case g.chance(60):
		return []byte{pick(g, oddOps...)}
	case g.chance(10):
		return []byte{pick[byte](g, txscript.OP_IF, txscript.OP_NOTIF, txscript.OP_ELSE, txscript.OP_ENDIF, txscript.OP_ENDIF, txscript.OP_ELSE)}
	case g.chance(3), depth == 0:
		if g.chance(8) {
			data := g.item()
			return pushBy(pick[byte](g, txscript.OP_PUSHDATA1, txscript.OP_PUSHDATA2, txscript.OP_PUSHDATA4), data)
		}
		return push(g.item())
	}
	want := min(g.IntN(depth+1), len(stackOps)-1)
	if g.chance(30) {
		want = g.IntN(len(stackOps))
	}
	if len(stackOps[want]) == 0 {
		want--
	}
	return []byte{pick(g, stackOps[want]...)}
}

// trial is how far a script came.
type trial struct {
	done  int      // opcodes of it that ran
	stack [][]byte // after them
	err   error
}

// try runs steps of a program on a stack, in a transaction that spends coin and nothing else.
func (g *gen) try(m mode, steps [][]byte, items [][]byte) (r trial) {
	s := slices.Concat(steps...)
	l := g.seal(m, s, nil)
	c := coin{at: wire.OutPoint{Index: 1}, out: wire.NewTxOut(1, l.pk), lock: l}
	tx := trialTx(c)
	u := &unlocking{gen: g, tx: tx, coins: []coin{c}}
	u.assemble(slices.Clone(items), "")
	prev := txscript.NewCannedPrevOutputFetcher(l.pk, 1)
	last := 1
	if m == inLeaf {
		last = 2
	}
	at := -1
	vm, err := txscript.NewDebugEngine(l.pk, tx, 0, consensus.ScriptFlags, nil, txscript.NewTxSigHashes(tx, prev), 1, prev, func(s *txscript.StepInfo) error {
		if s.ScriptIndex == last {
			r.done, r.stack, at = s.OpcodeIndex, s.Stack, s.ScriptIndex
		}
		return nil
	})
	if err == nil {
		err = vm.Execute()
	}
	if at < 0 {
		r.stack = items
	}
	r.err = err
	return r
}

func trialTx(c coin) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	tx.LockTime = programLockTime
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: c.at, Sequence: programSequence})
	tx.AddTxOut(wire.NewTxOut(1, []byte{txscript.OP_1}))
	return tx
}

// What transactions have that spend random programs, so that the time opcodes succeed now and then.
const (
	programLockTime = 100
	programSequence = 0 // coins of the same block are 0 blocks old
)

// compute makes a random program and the stack that it starts with.
func (g *gen) compute(m mode) (steps [][]byte, items [][]byte) {
	for range g.IntN(6) {
		items = append(items, g.item())
	}
	depth := len(items)
	run := bare // the same as all but tapscript
	if m == inLeaf {
		run = inLeaf
	}
	var r trial
	for range 2 + g.IntN(10) {
		for range 1 + g.IntN(5) {
			steps = append(steps, g.step(depth))
		}
		r = g.try(run, steps, items)
		if r.err != nil && r.done < len(steps) {
			steps = steps[:r.done] // the next one fails
			r = g.try(run, steps, items)
		}
		depth = len(r.stack)
	}
	for range conditionals(steps) {
		steps = append(steps, []byte{txscript.OP_ENDIF})
	}
	r = g.try(run, steps, items)
	steps = append(steps, g.demand(r.stack)...)
	if g.chance(4) {
		steps = g.disturb(steps, depth)
	}
	return steps, items
}

// disturb changes one step of a program.
func (g *gen) disturb(steps [][]byte, depth int) [][]byte {
	at := g.IntN(len(steps))
	step := g.step(depth)
	if g.chance(3) {
		step = []byte{pick(g, oddOps...)}
	}
	g.note("disturbed;")
	switch g.IntN(3) {
	case 0:
		return slices.Insert(steps, at, step)
	case 1:
		return slices.Delete(steps, at, at+1)
	}
	steps[at] = step
	return steps
}

// conditionals is the number of them that steps leave open.
func conditionals(steps [][]byte) (open int) {
	for _, s := range steps {
		switch s[0] {
		case txscript.OP_IF, txscript.OP_NOTIF:
			open++
		case txscript.OP_ENDIF:
			open--
		}
	}
	return max(open, 0)
}

// demand is the end of a program that insists on this stack.
func (g *gen) demand(stack [][]byte) (steps [][]byte) {
	wrong := -1
	if len(stack) > 0 && g.chance(8) {
		wrong = g.IntN(len(stack))
	}
	for i := len(stack) - 1; i >= 0; i-- {
		item := stack[i]
		if i == wrong {
			item = g.flip(item)
			g.note("another value demanded;")
		}
		steps = append(steps, push(item), []byte{txscript.OP_EQUALVERIFY})
	}
	return append(steps, []byte{txscript.OP_1})
}

// programs spends a coin locked by a random program.
func (g *gen) programs() []byte {
	m := pick(g, bare, inP2SH, inP2WSH, inLeaf)
	steps, items := g.compute(m)
	s := slices.Concat(steps...)
	if m == inP2SH && len(s) > txscript.MaxScriptElementSize {
		m = bare
	}
	if len(steps) == 0 {
		steps = [][]byte{{txscript.OP_1}}
	}
	var stack []slot
	for _, item := range items {
		stack = append(stack, slot{data: item})
	}
	l := g.seal(m, s, stack)
	cut := g.IntN(len(steps))
	split := m == bare && g.chance(3) // part of the program is in the signature script
	if split {
		l.pk = slices.Concat(steps[cut:]...)
	}
	l.lockTime, l.sequence = programLockTime, programSequence
	tx, coins := g.fresh(l)
	spend := g.spending(coins)
	spend.Version = 2
	g.note(m.String())
	g.unlock(spend, coins, false)
	if split {
		g.note("split")
		in := spend.TxIn[0]
		in.SignatureScript = append(in.SignatureScript, slices.Concat(steps[:cut]...)...)
	}
	return g.blockOf(tx, spend)
}
