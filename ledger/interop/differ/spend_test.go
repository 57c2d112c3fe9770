package differ

import (
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// fee is what a transaction of the tests leaves.
const fee = 1_000

// Ways to go wrong with what unlocks an input, beside its signatures.
var (
	itemFaults    = []string{"extra item", "missing item", "swapped items", "changed item", "fat item", "flag", "dummy", "many items"}
	legacyFaults  = []string{"not only pushes", "long pushes", "witness"}
	programFaults = []string{"signature script", "program bit", "no witness"}
	wrappedFaults = []string{"long push of the program", "second push", "no push"}
	scriptFaults  = []string{"script bit", "no script"}
	treeFaults    = []string{"annex added", "empty annex", "annex only", "control bit", "control parity", "control version", "short control", "long control",
		"path step more", "path step less", "path too long", "wrong internal key", "invalid internal key", "two annexes"}
)

// spending is a transaction of these coins to some outputs, still to be unlocked.
func (g *gen) spending(coins []coin) *wire.MsgTx {
	tx := wire.NewMsgTx(pick[int32](g, 1, 2, 2, 2, 3, -1, 0, 1<<31-1))
	var sum int64
	for _, c := range coins {
		in := wire.NewTxIn(&c.at, nil, nil)
		in.Sequence = c.lock.sequence
		tx.LockTime = max(tx.LockTime, c.lock.lockTime)
		tx.AddTxIn(in)
		sum += c.out.Value
	}
	n := 1 + g.IntN(len(coins)+1)
	for i := range n {
		tx.AddTxOut(wire.NewTxOut((sum-fee)/int64(n)-int64(i), pick(g, []byte{txscript.OP_1}, g.bytes(22), nil, p2wpkh(g.bytes(33)))))
	}
	return tx
}

// faultsOf are the ways to go wrong that make sense with a lock.
func (l *lock) faultsOf() (f []string) {
	f = append(f, itemFaults...)
	switch l.mode {
	case bare:
		f = append(f, legacyFaults...)
	case inP2SH:
		f = append(append(f, legacyFaults...), scriptFaults...)
	case byKey:
		f = append(append(f, programFaults...), treeFaults[:3]...)
	case inLeaf:
		f = append(append(append(f, programFaults...), treeFaults...), scriptFaults...)
	default:
		f = append(f, programFaults...)
		if l.mode.wrapped() {
			f = append(f, wrappedFaults...)
		}
		if l.mode == inP2WSH || l.mode == inP2SHP2WSH {
			f = append(f, scriptFaults...)
		}
	}
	return f
}

// unlock fills in all inputs of a transaction, of which one goes wrong if faulty.
func (g *gen) unlock(tx *wire.MsgTx, coins []coin, faulty bool) {
	bad := -1
	if faulty {
		bad = g.IntN(len(coins))
	}
	for i, c := range coins {
		u := &unlocking{gen: g, tx: tx, coins: coins, i: i}
		if (c.lock.mode == byKey || c.lock.mode == inLeaf) && g.chance(5) {
			u.annex = append([]byte{txscript.TaprootAnnexTag}, g.bytes(g.IntN(300))...)
		}
		fault := ""
		if i == bad {
			fault = u.choose()
			g.note(fmt.Sprintf("input %d, %v: %s%s;", i, c.lock.mode, fault, u.fault))
		}
		u.assemble(u.fill(), fault)
	}
}

// choose decides what goes wrong: with a signature, which it remembers, or else.
func (u *unlocking) choose() string {
	l := u.lock()
	var sigs []int
	for j, s := range l.stack {
		if s.key != nil {
			sigs = append(sigs, j)
		}
	}
	if len(sigs) == 0 || u.chance(2) {
		return pick(u.gen, l.faultsOf()...)
	}
	u.faulty = pick(u.gen, sigs...)
	faults := slices.Concat(anyFaults, derFaults)
	if l.mode == byKey || l.mode == inLeaf {
		faults = slices.Concat(anyFaults, schnorrFaults)
	}
	u.fault = pick(u.gen, faults...)
	return ""
}

// spoil changes the items that the script starts with.
func (u *unlocking) spoil(items [][]byte, fault string) [][]byte {
	at := u.IntN(len(items) + 1)
	some := at < len(items)
	switch fault {
	case "extra item":
		return slices.Insert(items, at, u.bytes(u.IntN(3)))
	case "many items":
		return append(make([][]byte, pick(u.gen, 990, 995, 998, 999, 1000)), items...)
	case "missing item":
		if some {
			return slices.Delete(items, at, at+1)
		}
	case "swapped items":
		if some {
			j := u.IntN(len(items))
			items[at], items[j] = items[j], items[at]
		}
	case "changed item":
		if some {
			items[at] = u.flip(items[at])
		}
	case "fat item":
		return slices.Insert(items, at, u.bytes(pick(u.gen, 519, 520, 521)))
	case "flag", "dummy":
		for j, s := range u.lock().stack {
			if s.flag && fault == "flag" {
				// True and false in the ways that are not the shortest.
				if len(s.data) > 0 {
					items[j] = pick(u.gen, []byte{2}, []byte{1, 0}, []byte{0, 1}, []byte{0xff}, []byte{0x81})
				} else {
					items[j] = pick(u.gen, []byte{0}, []byte{0x80}, []byte{0, 0x80}, []byte{0, 0, 0})
				}
			}
			if s.dummy && fault == "dummy" {
				items[j] = pick(u.gen, []byte{0}, []byte{1}, []byte{0x80}, u.bytes(20))
			}
		}
	}
	return items
}

// assemble makes signature script and witness.
func (u *unlocking) assemble(items [][]byte, fault string) {
	items = u.spoil(items, fault)
	in, l := u.tx.TxIn[u.i], u.lock()
	body := l.script
	if fault == "script bit" {
		body = u.flip(body)
	}
	redeem := l.redeem
	if fault == "program bit" {
		redeem = u.flip(redeem)
	}
	switch l.mode {
	case bare, inP2SH:
		if l.mode == inP2SH && fault != "no script" {
			items = append(items, body)
		}
		in.SignatureScript = u.pushes(items, fault)
		if fault == "witness" {
			in.Witness = wire.TxWitness{u.bytes(u.IntN(3))}
		}
		return
	case inP2WSH, inP2SHP2WSH:
		if fault != "no script" {
			items = append(items, body)
		}
	case inLeaf:
		items = u.prove(items, body, fault)
	default: // their scripts follow from the program
	}
	if l.mode.wrapped() {
		in.SignatureScript = u.wrap(redeem, fault)
	}
	if u.annex != nil && fault != "annex only" {
		items = append(items, u.annex)
	}
	switch fault {
	case "annex added":
		items = append(items, []byte{txscript.TaprootAnnexTag, 7})
	case "two annexes":
		items = append(items, []byte{txscript.TaprootAnnexTag}, []byte{txscript.TaprootAnnexTag})
	case "empty annex":
		items = append(items, []byte{txscript.TaprootAnnexTag})
	case "annex only":
		items = [][]byte{{txscript.TaprootAnnexTag}}
	case "no witness":
		items = nil
	case "signature script":
		in.SignatureScript = append(in.SignatureScript, pick(u.gen, []byte{txscript.OP_0}, []byte{txscript.OP_1}, []byte{txscript.OP_NOP})...)
	}
	in.Witness = items
}

func (u *unlocking) pushes(items [][]byte, fault string) (s []byte) {
	for _, item := range items {
		if fault == "long pushes" {
			s = append(s, pushBy(pick[byte](u.gen, txscript.OP_PUSHDATA1+byte(len(item)>>8), txscript.OP_PUSHDATA2, txscript.OP_PUSHDATA4), item)...)
		} else {
			s = append(s, push(item)...)
		}
	}
	if fault == "not only pushes" {
		s = append(s, pick[byte](u.gen, txscript.OP_NOP, txscript.OP_CODESEPARATOR))
	}
	return s
}

func (u *unlocking) wrap(redeem []byte, fault string) []byte {
	switch fault {
	case "long push of the program":
		return pushBy(pick[byte](u.gen, txscript.OP_PUSHDATA1, txscript.OP_PUSHDATA2, txscript.OP_PUSHDATA4), redeem)
	case "second push":
		return append([]byte{txscript.OP_1}, push(redeem)...)
	case "no push":
		return nil
	}
	return push(redeem)
}

// prove adds a tapscript and its control block to the items.
func (u *unlocking) prove(items [][]byte, body []byte, fault string) [][]byte {
	const base, step = txscript.ControlBlockBaseSize, txscript.ControlBlockNodeSize
	c := slices.Clone(u.lock().tree.control)
	switch fault {
	case "control bit":
		c = u.flip(c)
	case "control parity":
		c[0] ^= 1
	case "control version":
		c[0] ^= 2 << u.IntN(7)
	case "short control":
		c = c[:u.IntN(len(c))]
	case "long control":
		c = append(c, u.bytes(1+u.IntN(31))...)
	case "path step more":
		c = append(c, u.bytes(step)...)
	case "path step less":
		c = c[:max(base, len(c)-step)]
	case "path too long":
		c = append(c[:base], u.bytes(step*129)...)
	case "wrong internal key":
		copy(c[1:base], xOnly(secret(50)))
	case "invalid internal key":
		copy(c[1:base], slices.Repeat([]byte{0xff}, 32))
	}
	if fault != "no script" {
		items = append(items, body)
	}
	return append(items, c)
}
