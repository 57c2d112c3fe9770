package server_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"funai/amount"
	"funai/inference/codec"
	"funai/inference/partytest"
	"funai/inference/server"
	"funai/inference/tx"
)

func TestRefusalsSayWhyAndCostNothing(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*question)
		want  server.Code
	}{
		"another model":           {func(q *question) { q.open.Model = 7 }, server.CodeModel},
		"price":                   {func(q *question) { q.open.GasPrice = gasPrice - 1 }, server.CodePrice},
		"bond":                    {func(q *question) { q.open.GasPrice = partytest.Bond/2000 + 1 }, server.CodeBond},
		"nonce leaves a gap":      {func(q *question) { q.nonce = 1 }, server.CodeBadRequest},
		"expires too soon":        {func(q *question) { q.open.Expiry -= 41 }, server.CodeBadRequest},
		"expires too late":        {func(q *question) { q.open.Expiry += 100 }, server.CodeBadRequest},
		"expired":                 {func(q *question) { q.open.Expiry = 1 }, server.CodeBadRequest},
		"prompt too long":         {func(q *question) { q.input.Input = strings.Repeat("word ", 300); q.input.Bind(&q.open) }, server.CodeTooLong},
		"gas for too little":      {func(q *question) { q.open.GasLimit = 24 * 6 }, server.CodeTooLong},
		"no gas":                  {func(q *question) { q.open.GasLimit = 0 }, server.CodeTooLong},
		"too much gas":            {func(q *question) { q.open.GasLimit = 1 << 40 }, server.CodeBond},
		"no tokens":               {func(q *question) { q.open.MaxTokens = 0 }, server.CodeBadRequest},
		"another server":          {func(q *question) { q.open.Server[0]++ }, server.CodeBadRequest},
		"the elected producer":    {func(q *question) { q.open.Server = [20]byte{} }, server.CodeBadRequest},
		"unknown trust":           {func(q *question) { q.open.Trust = 1 }, server.CodeBadRequest},
		"another input":           {func(q *question) { q.input.Input += "?" }, server.CodeBadRequest},
		"another system prompt":   {func(q *question) { q.input.System = "be brief" }, server.CodeBadRequest},
		"input of no known role":  {func(q *question) { q.input.Context = append(q.input.Context, turn("tool")); q.input.Bind(&q.open) }, server.CodeBadRequest},
		"input that is not UTF-8": {func(q *question) { q.input.Input = "\xff"; q.input.Bind(&q.open) }, server.CodeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1, nil)
				asker := w.Party(partytest.Key(t, 0))
				q := w.question(asker, 0)
				c.spoil(q)
				if _, f := w.ask(q); f.Kind != server.FrameRefused || f.Code != c.want || f.Reason == "" {
					t.Fatalf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
				}
				unharmed(t, w, asker)
			})
		})
	}
}

// unharmed says whether a server that refused holds nothing of it, and still answers.
func unharmed(t *testing.T, w *world, asker *partytest.Party) {
	t.Helper()
	synctest.Wait()
	if n := w.party.Pool.Len(); n != 0 {
		t.Errorf("%d transactions wait", n)
	}
	if n := len(w.party.Contents.Tasks()); n != 0 {
		t.Errorf("contents of %d tasks are kept", n)
	}
	if q := w.server.Offer().Queue; q != 0 {
		t.Errorf("%d places are taken", q)
	}
	if _, f := w.ask(w.question(asker, 0)); f.Kind != server.FrameDone {
		t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
	}
}

func TestBadBytesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		asker, stranger := w.Party(partytest.Key(t, 0)), w.Party(partytest.Key(t, 9))
		q := w.question(asker, 0)
		good := w.sign(q)
		signed := *good
		signed.Signature[10] ^= 1
		chain := w.Sign(asker.Key, 0, &q.open)
		chain.ChainID++
		chain.Sign(asker.Key)
		transfer := w.Sign(asker.Key, 0, &tx.Transfer{Amount: 1})
		ask := func(t *tx.Tx) []byte { return codec.Encode(server.Ask{Open: t.Encode(), Input: q.input}) }
		for name, c := range map[string]struct {
			from *partytest.Party
			raw  []byte
		}{
			"garbage":           {asker, []byte("garbage")},
			"nothing":           {asker, nil},
			"bytes behind it":   {asker, append(ask(good), 0)},
			"cut short":         {asker, ask(good)[:40]},
			"no transaction":    {asker, codec.Encode(server.Ask{Input: q.input})},
			"a bad signature":   {asker, ask(&signed)},
			"another sender":    {stranger, ask(good)},
			"another chain":     {asker, ask(chain)},
			"a transfer":        {asker, ask(transfer)},
			"a very long input": {asker, codec.Encode(server.Ask{Open: good.Encode(), Input: long(server.MaxAskBytes - 1000)})},
		} {
			st := w.stream(c.from, c.raw)
			if f, _ := last(t, st); f.Kind != server.FrameRefused || f.Code != server.CodeBadRequest {
				t.Errorf("%s: kind %d, code %d: %s", name, f.Kind, f.Code, f.Reason)
			}
			st.Reset()
		}
		// More than the most is not even read.
		st := w.stream(asker, make([]byte, server.MaxAskBytes+1))
		if _, err := st.ReadMsg(1000); err == nil {
			t.Error("an oversized request was answered")
		}
		// Whoever says nothing is left.
		began := time.Now()
		mute, err := asker.Host.Open(t.Context(), w.party.Key.Public(), server.Protocol)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mute.ReadMsg(1000); err == nil || time.Since(began) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		unharmed(t, w, asker)
	})
}

func TestAskersWithoutFundsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		asker, poor := w.Party(partytest.Key(t, 0)), w.Party(partytest.Key(t, 9))
		if _, f := w.ask(w.question(poor, 0)); f.Kind != server.FrameRefused || f.Code != server.CodeFunds {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
		// What waits of the asker is spoken for.
		if err := asker.Pool.Submit(t.Context(), w.Sign(asker.Key, 0, &tx.Transfer{To: poor.Hash, Amount: amount.FAI - 1000})); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, f := w.ask(w.question(asker, 1)); f.Kind != server.FrameRefused || f.Code != server.CodeFunds {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
	})
}

func TestUsedNoncesAndTasksBegunAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		asker := w.Party(partytest.Key(t, 0))
		q := w.question(asker, 0)
		if _, f := w.ask(q); f.Kind != server.FrameDone {
			t.Fatalf("code %d: %s", f.Code, f.Reason)
		}
		again := w.question(asker, 0)
		again.open.MaxTokens++
		for name, q := range map[string]*question{"the same task": q, "another of its nonce": again} {
			if _, f := w.ask(q); f.Kind != server.FrameRefused || f.Code != server.CodeBadRequest {
				t.Errorf("%s: kind %d, code %d: %s", name, f.Kind, f.Code, f.Reason)
			}
		}
	})
}

func TestATaskThatWaitsForItsPredecessorIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		asker := w.Party(partytest.Key(t, 0))
		_, st := w.send(w.question(asker, 1))
		synctest.Wait()
		if err := asker.Pool.Submit(t.Context(), w.Sign(asker.Key, 0, &tx.Transfer{To: w.party.Hash, Amount: 1})); err != nil {
			t.Fatal(err)
		}
		if f, _ := last(t, st); f.Kind != server.FrameDone {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
	})
}

func TestATaskThatTheNetworkToldOfFirstIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, nil)
		asker := w.Party(partytest.Key(t, 0))
		q := w.question(asker, 0)
		q.open.GasPrice = amount.FAI * 45 / 100 / 2000 // twice is more than the bond covers, three times more than the balance
		q.open.GasLimit = 2000
		rest := w.Sign(asker.Key, 1, &tx.Transfer{To: w.party.Hash, Amount: amount.FAI * 54 / 100})
		for _, x := range []*tx.Tx{w.sign(q), rest} {
			if err := asker.Pool.Submit(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if _, f := w.ask(q); f.Kind != server.FrameDone {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
	})
}

func TestSampledAnswersNeedAnEngineThatSamplesExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, func(_ *server.Config, e *engine) { e.greedy = true })
		asker := w.Party(partytest.Key(t, 0))
		q := w.question(asker, 0)
		q.open.TemperatureMilli = 700
		if _, f := w.ask(q); f.Kind != server.FrameRefused || f.Code != server.CodeBadRequest {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
		unharmed(t, w, asker)
	})
}

func TestABusyServerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, func(c *server.Config, e *engine) { c.Parallel, e.gate = 1, make(chan struct{}) })
		first, second := w.Party(partytest.Key(t, 0)), w.Party(partytest.Key(t, 1))
		_, st := w.send(w.question(first, 0))
		synctest.Wait()
		if q := w.server.Offer().Queue; q != 1 {
			t.Errorf("%d places are taken", q)
		}
		if _, f := w.ask(w.question(second, 0)); f.Kind != server.FrameRefused || f.Code != server.CodeBusy {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
		close(w.engine.gate)
		if f, _ := last(t, st); f.Kind != server.FrameDone {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
		synctest.Wait()
		if _, f := w.ask(w.question(second, 0)); f.Kind != server.FrameDone {
			t.Errorf("kind %d, code %d: %s", f.Kind, f.Code, f.Reason)
		}
	})
}
