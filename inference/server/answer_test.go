package server_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"funai/amount"
	"funai/inference/codec"
	"funai/inference/execution"
	"funai/inference/partytest"
	"funai/inference/server"
	"funai/inference/task"
	"funai/inference/tx"
)

func turn(role string) task.Turn { return task.Turn{Role: role, Content: "so"} }

func long(n int) task.Input { return task.Input{Input: strings.Repeat("x", n)} }

func TestTheReceiptIsFiledWhetherTheAskerListensOrNot(t *testing.T) {
	for name, c := range map[string]struct {
		extra int
		leave func(st interface{ Reset() })
	}{
		"gone at once":   {0, func(st interface{ Reset() }) { st.Reset() }},
		"reads nothing":  {600, func(interface{ Reset() }) {}},
		"far too slowly": {2000, func(interface{ Reset() }) {}}, // more than the outbox holds
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1, func(_ *server.Config, e *engine) { e.gate, e.extra = make(chan struct{}), c.extra })
				asker := w.Party(partytest.Key(t, 0))
				id, st := w.send(w.question(asker, 0))
				if f := frame(t, st); f.Kind != server.FrameAccepted {
					t.Fatalf("kind %d: %s", f.Kind, f.Reason)
				}
				c.leave(st)
				close(w.engine.gate)
				synctest.Wait()
				r := receiptOf(w.party, id)
				if r == nil {
					t.Fatal("no receipt as soon as the answer is made")
				}
				if got, err := w.party.Exchange.Find(id, r.ID()); err != nil || got.Output.Text == "" {
					t.Errorf("%v, %v", got, err)
				}
				time.Sleep(time.Minute + time.Second)
				if q := w.server.Offer().Queue; q != 0 {
					t.Errorf("an asker that reads nothing holds %d places", q)
				}
				st.Reset()
			})
		})
	}
}

func TestAReaderOfOneFrameInHalfAMinuteHoldsNoPlaceForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, func(_ *server.Config, e *engine) { e.extra = 900 })
		asker := w.Party(partytest.Key(t, 0))
		_, st := w.send(w.question(asker, 0))
		began := time.Now()
		for w.server.Offer().Queue > 0 || time.Since(began) == 0 {
			if _, err := st.ReadMsg(1 << 20); err != nil {
				break
			}
			time.Sleep(25 * time.Second)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("held its place for %v", took)
		}
		st.Reset()
	})
}

func TestAnswersStreamWithWhatWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		asker := w.Party(partytest.Key(t, 0))
		q := w.question(asker, 0)
		q.top = 1000
		q.open.TemperatureMilli = 700
		id, st := w.send(q)
		if f := frame(t, st); f.Kind != server.FrameAccepted {
			t.Fatalf("kind %d: %s", f.Kind, f.Reason)
		}
		first := frame(t, st)
		if first.Kind != server.FrameToken || len(first.Token.Top) != 20 || first.Token.Logprob >= 0 {
			t.Errorf("%+v", first)
		}
		done, text := last(t, st)
		c, err := task.Contents{Open: w.sign(q).Encode(), Receipt: done.Receipt, Input: q.input,
			Output: task.Output{Text: first.Token.Text + text, Tokens: done.Tokens}}.Check()
		if err != nil {
			t.Fatal(err)
		}
		if c.Task != id || c.Server.Signer != w.party.Hash || done.Finish == "" {
			t.Errorf("%+v of %v", c.Receipt, c.Server.Signer)
		}
	})
}

func TestAFailingEngineSaysSoAndBindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		w.engine.Fail = func() error { return errors.New("out of memory") }
		asker := w.Party(partytest.Key(t, 0))
		id, f := w.ask(w.question(asker, 0))
		if f.Kind != server.FrameFailed || f.Code != server.CodeInternal {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
		if receiptOf(w.party, id) != nil {
			t.Error("a receipt for no answer")
		}
		// Unanswered, the task costs nothing once it expires.
		for range 60 {
			w.Next(w.party.Pool)
		}
		info, err := w.Chain.Task(id)
		if err != nil || !info.Expired {
			t.Fatalf("%+v, %v", info, err)
		}
		if a := asker.Account(); a.Balance != amount.FAI {
			t.Errorf("%v left of %v", a.Balance, amount.FAI)
		}
	})
}

func TestManyUnsettledTasksOfOneAskerWaitForCertification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, nil)
		asker, other := w.Party(partytest.Key(t, 0)), w.Party(partytest.Key(t, 1))
		nonce := uint64(0)
		for ; nonce < 4; nonce++ {
			if _, f := w.ask(w.question(asker, nonce)); f.Kind != server.FrameDone {
				t.Fatalf("task %d: code %d: %s", nonce, f.Code, f.Reason)
			}
		}
		id, st := w.send(w.question(asker, nonce))
		if f := frame(t, st); f.Kind != server.FrameAccepted {
			t.Fatalf("kind %d: %s", f.Kind, f.Reason)
		}
		if _, f := w.ask(w.question(other, 0)); f.Kind != server.FrameDone {
			t.Errorf("another asker waits too: %s", f.Reason)
		}
		if receiptOf(w.party, id) != nil {
			t.Error("answered before its opening is certified")
		}
		w.Next(w.party.Pool)
		if f, _ := last(t, st); f.Kind != server.FrameDone {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
		// One that no block packs in time fails, and binds nothing.
		id, f := w.ask(w.question(asker, nonce+1))
		if f.Kind != server.FrameFailed || f.Code != server.CodeFunds {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
		if receiptOf(w.party, id) != nil {
			t.Error("a receipt for no answer")
		}
	})
}

func TestTheBondCoversAllThatIsPromised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		asker := w.Party(partytest.Key(t, 0))
		dear := func(nonce uint64) *question {
			q := w.question(asker, nonce)
			q.open.GasPrice = amount.FAI / 5 / 2000 // 21 of the bond's 50 hundredths are reserved for it
			return q
		}
		var ids []tx.ID
		for nonce := range uint64(2) {
			id, f := w.ask(dear(nonce))
			if f.Kind != server.FrameDone {
				t.Fatalf("code %d: %s", f.Code, f.Reason)
			}
			ids = append(ids, id)
		}
		refused := func(when string) {
			t.Helper()
			if _, f := w.ask(dear(2)); f.Kind != server.FrameRefused || f.Code != server.CodeBond {
				t.Fatalf("%s: kind %d, code %d: %s", when, f.Kind, f.Code, f.Reason)
			}
		}
		refused("begun")
		w.Next(w.party.Pool)
		refused("opened")
		for _, t := range w.Held(receiptOf(w.party, ids[0]).ID(), receiptOf(w.party, ids[1]).ID()) {
			if err := w.party.Pool.Add(t); err != nil {
				w.Fatal(err)
			}
		}
		b := w.From(w.party.Pool)
		if a := w.party.Account(); a.Reserved == 0 {
			t.Fatal("nothing is reserved")
		}
		refused("packed")
		w.Next(nil)
		w.Vote(partytest.PackOf(b), 2, execution.Valid)
		if a := w.party.Account(); a.Reserved != 0 {
			t.Fatalf("%v is reserved still", a.Reserved)
		}
		if _, f := w.ask(dear(2)); f.Kind != server.FrameDone {
			t.Errorf("settled: kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
	})
}

func FuzzAsk(f *testing.F) {
	f.Add(codec.Encode(server.Ask{Open: []byte{1, 2}, Input: task.Input{Input: "what", Context: []task.Turn{turn("user")}}, Top: 5}))
	f.Add([]byte{0x83, 0x40, 0x83, 0x60, 0x80, 0x60, 0x00})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a server.Ask
		if len(raw) > 1<<16 || codec.Decode(raw, server.MaxAskBytes, &a) != nil {
			return
		}
		if again := codec.Encode(a); string(again) != string(raw) {
			t.Errorf("%x became %x", raw, again)
		}
		if c, err := (task.Contents{Open: a.Open, Input: a.Input}).Check(); err == nil && c.Input.Fits(c.Open) != nil {
			t.Error("checked contents do not fit")
		}
	})
}
