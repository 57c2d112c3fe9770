package sortition

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
	"funai/vrf"
)

// ledger is a chain of blocks that carry only operations, and their snapshots.
type ledger struct {
	t     testing.TB
	p     Params
	set   CycleSet
	salt  byte // makes one fork's block hashes differ from another's
	snaps []*Snapshot
}

func newLedger(t testing.TB, p Params, set CycleSet) *ledger {
	return &ledger{t: t, p: p, set: set, snaps: []*Snapshot{Genesis(chainhash.Hash{9}, time.Unix(1_700_000_000, 0))}}
}

func (l *ledger) At(height uint32) (*Snapshot, error) {
	if int(height) >= len(l.snaps) {
		return nil, fmt.Errorf("height %d is above the tip", height)
	}
	return l.snaps[height], nil
}

func (l *ledger) tip() *Snapshot { return l.snaps[len(l.snaps)-1] }
func (l *ledger) next() uint32   { return l.tip().Height + 1 }

// operation is a transaction and the output that its first input spends.
type operation struct {
	tx    *wire.MsgTx
	spent *wire.TxOut
}

func act(actor key.Hash160, outs ...*wire.TxOut) operation {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: 1}, nil, nil))
	for _, o := range outs {
		tx.AddTxOut(o)
	}
	return operation{tx, wire.NewTxOut(1000, actor.LedgerScript())}
}

// block makes the next block of the ledger.
func (l *ledger) block(ops ...operation) Block {
	var seed [41]byte
	binary.BigEndian.PutUint64(seed[:], uint64(l.next()))
	copy(seed[8:], l.tip().Hash[:])
	seed[40] = l.salt
	b := Block{
		Hash: sha256.Sum256(seed[:]), Prev: l.tip().Hash, Height: l.next(), Time: l.tip().Time.Add(time.Minute),
		Txs: []*wire.MsgTx{wire.NewMsgTx(2)}, Spent: [][]*wire.TxOut{nil},
	}
	for _, o := range ops {
		b.Txs, b.Spent = append(b.Txs, o.tx), append(b.Spent, []*wire.TxOut{o.spent})
	}
	return b
}

// mine extends the ledger by a block with these operations.
func (l *ledger) mine(ops ...operation) *Snapshot {
	l.t.Helper()
	s, err := Elect(l.p, l, l.tip(), Parse(l.block(ops...)), l.set)
	if err != nil {
		l.t.Fatal(err)
	}
	l.snaps = append(l.snaps, s)
	return s
}

// register mines a block in which all of these actors register and returns their registrations.
func (l *ledger) register(actors ...key.Hash160) []Registration {
	l.t.Helper()
	var ops []operation
	for _, a := range actors {
		ops = append(ops, registering(a, l.tip().ConsensusHash))
	}
	regs := l.mine(ops...).Registrations
	if len(regs) != len(actors) {
		l.t.Fatalf("%d of %d registrations are valid", len(regs), len(actors))
	}
	return regs
}

func registering(actor key.Hash160, consensus [20]byte) operation {
	d := RegisterData{ConsensusHash: consensus, VRF: vrf.PublicKey{actor[0], 1}, Signer: key.Hash160{actor[0], 2}}
	return act(actor, wire.NewTxOut(0, RegisterScript(d)))
}

// commit makes a commit of a registration for the given ledger height.
func (l *ledger) commit(r Registration, height uint32, total amount.Amount) operation {
	l.t.Helper()
	d := CommitData{
		Block: BlockID{r.Actor[0], 3}, Seed: [32]byte{r.Actor[0], byte(height), 4},
		RegHeight: r.Height, RegIndex: r.Index, Intended: Intended(height),
	}
	outs, err := CommitOutputs(d, l.set, total)
	if err != nil {
		l.t.Fatal(err)
	}
	return act(r.Actor, outs...)
}

func person(n byte) key.Hash160 { return key.Hash160{n, 0xaa} }

func people(n int) (list []key.Hash160) {
	for i := range n {
		list = append(list, person(byte(i+1)))
	}
	return list
}

// fiveSeats is a cycle set as on the main network.
func fiveSeats() (c CycleSet) {
	for i := range 5 {
		n := byte(100 + i)
		c.Seats = append(c.Seats, Seat{Address: person(n), Signer: key.Hash160{n, 0xbb}, Stake: amount.FAI})
	}
	return c
}

func amounts(c []Commit) (list []amount.Amount) {
	for _, x := range c {
		list = append(list, x.Amount)
	}
	return list
}
