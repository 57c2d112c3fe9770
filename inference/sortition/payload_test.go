package sortition

import (
	"errors"
	"reflect"
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"funai/amount"
	"funai/key"
	"funai/vrf"
)

func array[A ~[20]byte | ~[32]byte](t *rapid.T, label string) (a A) {
	b := rapid.SliceOfN(rapid.Byte(), len(a), len(a)).Draw(t, label)
	reflect.Copy(reflect.ValueOf(&a).Elem(), reflect.ValueOf(b))
	return a
}

func commitData(t *rapid.T) CommitData {
	return CommitData{
		Block: array[BlockID](t, "block"), Seed: array[[32]byte](t, "seed"),
		RegHeight: rapid.Uint32().Draw(t, "reg height"), RegIndex: rapid.Uint16().Draw(t, "reg index"),
		ParentHeight: rapid.Uint32().Draw(t, "parent height"), ParentIndex: rapid.Uint16().Draw(t, "parent index"),
		Intended: rapid.Uint8Range(0, IntendedModulus-1).Draw(t, "intended"),
	}
}

func cycleSet(t *rapid.T, minSeats int) (c CycleSet) {
	c.Cycle = rapid.Uint32().Draw(t, "cycle")
	for range rapid.IntRange(minSeats, 7).Draw(t, "seats") {
		c.Seats = append(c.Seats, Seat{
			array[key.Hash160](t, "address"), array[key.Hash160](t, "signer"), amount.Amount(rapid.Uint64().Draw(t, "stake")),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "banned") {
		c.Banned = append(c.Banned, array[key.Hash160](t, "banned"))
	}
	return c
}

// parseOne is what Parse finds in a block with one operation.
func parseOne(o operation) Ops {
	return Parse(Block{Txs: []*wire.MsgTx{wire.NewMsgTx(2), o.tx}, Spent: [][]*wire.TxOut{nil, {o.spent}}})
}

func TestRegisterScriptAndParserAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := RegisterData{array[[20]byte](t, "hash"), array[vrf.PublicKey](t, "vrf"), array[key.Hash160](t, "signer")}
		actor := array[key.Hash160](t, "actor")
		value := rapid.Int64Range(0, int64(amount.Max)).Draw(t, "burned by mistake")
		ops := parseOne(act(actor, wire.NewTxOut(value, RegisterScript(d))))
		if want := []RegisterOp{{1, actor, d}}; !reflect.DeepEqual(ops.Registrations, want) {
			t.Fatalf("parsed %v, want %v", ops.Registrations, want)
		}
	})
}

func TestCommitOutputsAndParserAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, set, actor := commitData(t), cycleSet(t, 0), array[key.Hash160](t, "actor")
		total := amount.Amount(rapid.Uint64Range(7*uint64(Dust), uint64(amount.Max)).Draw(t, "total"))
		outs, err := CommitOutputs(d, set, total)
		if err != nil {
			t.Fatal(err)
		}
		change := wire.NewTxOut(5, actor.LedgerScript())
		ops := parseOne(act(actor, append(outs, change)...))
		if len(ops.Commits) != 1 || ops.Commits[0].CommitData != d || ops.Commits[0].Actor != actor {
			t.Fatalf("parsed %+v, want %+v", ops.Commits, d)
		}
		want := total
		if n := amount.Amount(len(set.Seats)); n > 0 {
			want = total / n * n
		}
		if got, ok := paid(ops.Commits[0].Outs, set); !ok || got != want {
			t.Fatalf("pays %v (%v), want %v", got, ok, want)
		}
	})
}

func TestStakeAndMintOutputsAndParserAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		actor, to := array[key.Hash160](t, "actor"), array[key.Hash160](t, "to")
		value := amount.Amount(rapid.Uint64Range(1, uint64(amount.Max)).Draw(t, "value"))
		outs, err := StakeOutputs(to, value)
		if err != nil {
			t.Fatal(err)
		}
		o := act(actor, outs...)
		if got, want := parseOne(o).Stakes, []StakeOp{{1, actor, o.tx.TxHash(), to, value}}; !reflect.DeepEqual(got, want) {
			t.Fatalf("parsed %v, want %v", got, want)
		}
		if outs, err = MintOutputs(to, value); err != nil {
			t.Fatal(err)
		}
		o = act(actor, outs...)
		if got, want := parseOne(o).Mints, []MintOp{{1, actor, o.tx.TxHash(), to, value}}; !reflect.DeepEqual(got, want) {
			t.Fatalf("parsed %v, want %v", got, want)
		}
	})
}

func TestOperationsAreStandardNullData(t *testing.T) {
	outs, err := CommitOutputs(CommitData{}, CycleSet{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	stake, err := StakeOutputs(key.Hash160{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string][]byte{
		"register": RegisterScript(RegisterData{}), "commit": outs[0].PkScript, "stake": stake[0].PkScript,
	} {
		if class := txscript.GetScriptClass(s); class != txscript.NullDataTy {
			t.Errorf("%s: script class %v, want %v", name, class, txscript.NullDataTy)
		}
		pushed, err := txscript.PushedData(s)
		if err != nil || len(pushed) != 1 || len(pushed[0]) > txscript.MaxDataCarrierSize {
			t.Errorf("%s: pushes %x (%v), want one push of at most %d bytes", name, pushed, err, txscript.MaxDataCarrierSize)
			continue
		}
		want, err := txscript.NullDataScript(pushed[0])
		if err != nil || string(want) != string(s) {
			t.Errorf("%s: script %x, want %x (%v)", name, s, want, err)
		}
	}
}

func TestBuildersRefuse(t *testing.T) {
	five := fiveSeats()
	commit := func(c CommitData, set CycleSet, total amount.Amount) error {
		_, err := CommitOutputs(c, set, total)
		return err
	}
	mint := func(total amount.Amount) error {
		_, err := MintOutputs(key.Hash160{}, total)
		return err
	}
	for name, c := range map[string]struct{ got, want error }{
		"dust to each seat":        {commit(CommitData{}, five, 5*Dust-1), ErrDust},
		"no dust":                  {commit(CommitData{}, five, 5*Dust), nil},
		"nothing in the bootstrap": {commit(CommitData{}, CycleSet{}, 0), ErrAmount},
		"1 unit in the bootstrap":  {commit(CommitData{}, CycleSet{}, 1), nil},
		"more than there is":       {commit(CommitData{}, five, amount.Max+1), ErrAmount},
		"an intended height whole": {commit(CommitData{Intended: 5}, five, amount.FAI), ErrIntended},
		"an empty mint":            {mint(0), ErrAmount},
		"a mint beyond the cap":    {mint(amount.Max + 1), ErrAmount},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: error %v, want %v", name, c.got, c.want)
		}
	}
}
