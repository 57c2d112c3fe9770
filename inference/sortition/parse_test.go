package sortition

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
)

// count is how many operations of any kind were parsed.
func (o Ops) count() int { return len(o.Registrations) + len(o.Commits) + len(o.Stakes) + len(o.Mints) }

func TestOnlyTheSpentP2WPKHOutputSaysWhoActs(t *testing.T) {
	private, err := key.FromBytes(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	victim := private.Public()
	hash := victim.Hash160()
	p2pkh := append(append([]byte{0x76, 0xa9, 0x14}, hash[:]...), 0x88, 0xac)
	for name, spent := range map[string][]byte{
		"P2WSH whose witness shows the victim's key": append([]byte{0x00, 0x20}, make([]byte, 32)...),
		"P2TR whose witness shows the victim's key":  append([]byte{0x51, 0x20}, victim[1:]...),
		"P2SH, wrapped P2WPKH perhaps":               append(append([]byte{0xa9, 0x14}, hash[:]...), 0x87),
		"P2PKH":                                      p2pkh,
		"a later witness version":                    append([]byte{0x52, 0x14}, hash[:]...),
		"P2WPKH and an opcode more":                  append(hash.LedgerScript(), 0x61),
		"an empty script":                            nil,
	} {
		outs, err := StakeOutputs(person(1), 1000)
		if err != nil {
			t.Fatal(err)
		}
		o := act(hash, outs...)
		o.tx.TxIn[0].Witness = wire.TxWitness{make([]byte, 71), victim[:]} // what a P2WPKH spend of the victim's shows
		o.spent.PkScript = spent
		if ops := parseOne(o); ops.count() != 0 {
			t.Errorf("%s: parsed %+v", name, ops)
		}
		o.spent.PkScript = hash.LedgerScript()
		if ops := parseOne(o); len(ops.Stakes) != 1 || ops.Stakes[0].Actor != hash {
			t.Errorf("%s: with the victim's own output parsed %+v", name, ops)
		}
	}
}

func TestTheFirstInputActs(t *testing.T) {
	outs, err := MintOutputs(person(9), 1000)
	if err != nil {
		t.Fatal(err)
	}
	o := act(person(1), outs...)
	b := Block{Txs: []*wire.MsgTx{wire.NewMsgTx(2), o.tx}, Spent: [][]*wire.TxOut{nil, {o.spent, wire.NewTxOut(1, person(2).LedgerScript())}}}
	if ops := Parse(b); len(ops.Mints) != 1 || ops.Mints[0].Actor != person(1) {
		t.Errorf("parsed %+v, want a mint by %v", ops.Mints, person(1))
	}
}

func TestMalformedOperationsDoNothing(t *testing.T) {
	good, err := StakeOutputs(person(3), 1000)
	if err != nil {
		t.Fatal(err)
	}
	s := good[0].PkScript
	payload := s[2:]
	intended := CommitData{Intended: 5}.append(nil)
	for name, c := range map[string]struct {
		value  int64
		script []byte
	}{
		"no value":                     {0, s},
		"a negative value":             {-1, s},
		"a value beyond the cap":       {int64(amount.Max) + 1, s},
		"another magic":                {1, append([]byte{opReturn, byte(len(payload))}, append([]byte("fa"), payload[2:]...)...)},
		"another operation":            {1, script('X', person(3).LedgerScript()[2:])},
		"a short stake":                {1, script(opStake, make([]byte, 19))},
		"a long stake":                 {1, script(opStake, make([]byte, 21))},
		"a long mint":                  {1, script(opMint, make([]byte, 21))},
		"a short registration":         {1, script(opRegister, make([]byte, registerLen-1))},
		"a long registration":          {1, script(opRegister, make([]byte, registerLen+1))},
		"a short commit":               {1, script(opCommit, make([]byte, commitLen-1))},
		"a long commit":                {1, script(opCommit, make([]byte, commitLen+1))},
		"a commit for height 5 of 0-4": {1, script(opCommit, intended)},
		"nothing":                      {1, nil},
		"OP_RETURN alone":              {1, []byte{opReturn}},
		"a push of nothing":            {1, []byte{opReturn, 0}},
		"magic alone":                  {1, []byte{opReturn, 2, 'F', 'A'}},
		"a longer push than needed":    {1, append([]byte{opReturn, opPushData1, byte(len(payload))}, payload...)},
		"a push cut short":             {1, s[:len(s)-1]},
		"bytes after the push":         {1, append(bytes.Clone(s), 0)},
		"OP_PUSHDATA1 cut short":       {1, []byte{opReturn, opPushData1}},
		"OP_PUSHDATA2":                 {1, append([]byte{opReturn, 0x4d, byte(len(payload)), 0}, payload...)},
		"no OP_RETURN":                 {1, s[1:]},
	} {
		if ops := parseOne(act(person(1), wire.NewTxOut(c.value, c.script))); ops.count() != 0 {
			t.Errorf("%s: parsed %+v", name, ops)
		}
	}
	first := act(person(1), wire.NewTxOut(5, person(1).LedgerScript()), good[0])
	if ops := parseOne(first); ops.count() != 0 {
		t.Errorf("operation in the second output: parsed %+v", ops)
	}
	if ops := parseOne(act(person(1))); ops.count() != 0 {
		t.Errorf("no outputs: parsed %+v", ops)
	}
}

func TestCommitPaysEverySeatEquallyInOrder(t *testing.T) {
	five := fiveSeats()
	const share = 1000
	pay := func(n byte, value int64) *wire.TxOut { return wire.NewTxOut(value, person(n).LedgerScript()) }
	full := func() []*wire.TxOut {
		return []*wire.TxOut{wire.NewTxOut(0, nil), pay(100, share), pay(101, share), pay(102, share), pay(103, share), pay(104, share)}
	}
	with := func(change func(o []*wire.TxOut) []*wire.TxOut) []*wire.TxOut { return change(full()) }
	for name, c := range map[string]struct {
		outs []*wire.TxOut
		set  CycleSet
		want amount.Amount // 0: none
	}{
		"right":             {full(), five, 5 * share},
		"and change":        {append(full(), pay(1, 77)), five, 5 * share},
		"extra value burnt": {with(func(o []*wire.TxOut) []*wire.TxOut { o[0].Value = 9; return o }), five, 5 * share},
		"a seat skipped":    {with(func(o []*wire.TxOut) []*wire.TxOut { return append(o[:3], o[4:]...) }), five, 0},
		"the last skipped":  {full()[:5], five, 0},
		"out of order":      {with(func(o []*wire.TxOut) []*wire.TxOut { o[1], o[2] = o[2], o[1]; return o }), five, 0},
		"unequal":           {with(func(o []*wire.TxOut) []*wire.TxOut { o[5].Value++; return o }), five, 0},
		"someone else":      {with(func(o []*wire.TxOut) []*wire.TxOut { o[2] = pay(1, share); return o }), five, 0},
		"the signing key": {with(func(o []*wire.TxOut) []*wire.TxOut {
			o[1].PkScript = five.Seats[0].Signer.LedgerScript()
			return o
		}), five, 0},
		"nothing":                      {with(func(o []*wire.TxOut) []*wire.TxOut { clear0(o); return o }), five, 0},
		"burnt though there are seats": {[]*wire.TxOut{wire.NewTxOut(share, nil)}, five, 0},
		"burnt in the bootstrap":       {[]*wire.TxOut{wire.NewTxOut(share, nil)}, CycleSet{}, share},
		"paid in the bootstrap":        {full(), CycleSet{}, 0},
	} {
		got, ok := paid(c.outs, c.set)
		if got != c.want || ok != (c.want > 0) {
			t.Errorf("%s: pays %v (%v), want %v", name, got, ok, c.want)
		}
	}
}

func clear0(outs []*wire.TxOut) {
	for _, o := range outs {
		o.Value = 0
	}
}

func FuzzParse(f *testing.F) {
	outs, err := CommitOutputs(CommitData{Intended: 4}, fiveSeats(), amount.FAI)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(outs[0].PkScript, person(1).LedgerScript(), int64(0))
	f.Add(RegisterScript(RegisterData{}), person(1).LedgerScript(), int64(5))
	f.Add(script(opStake, make([]byte, 20)), []byte{0, 20}, int64(-5))
	f.Add(script(opMint, make([]byte, 20)), person(1).LedgerScript(), int64(1))
	f.Fuzz(func(t *testing.T, first, spent []byte, value int64) {
		if len(first) > 1000 || len(spent) > 1000 {
			return
		}
		ops := parseOne(operation{act(person(1), wire.NewTxOut(value, first)).tx, wire.NewTxOut(1, spent)})
		var again []byte // an operation has one form only
		switch {
		case ops.count() > 1:
			t.Fatalf("%d operations of one transaction", ops.count())
		case len(ops.Registrations) == 1:
			again = RegisterScript(ops.Registrations[0].RegisterData)
		case len(ops.Commits) == 1:
			again = script(opCommit, ops.Commits[0].CommitData.append(nil))
		case len(ops.Stakes) == 1:
			again = script(opStake, ops.Stakes[0].Signer[:])
		case len(ops.Mints) == 1:
			again = script(opMint, ops.Mints[0].To[:])
		default:
			return
		}
		if !reflect.DeepEqual(first, again) {
			t.Fatalf("%x is read as %x", first, again)
		}
	})
}
