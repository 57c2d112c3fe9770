package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"funai/inference/exchange"
	"funai/inference/execution"
	"funai/inference/partytest"
	"funai/inference/task"
	"funai/key"
	"funai/p2p"
)

// world has an asker and a server, who holds an answer, and as many seats as said.
func world(t *testing.T, seats int) (w *partytest.World, asker, server *partytest.Party, a partytest.Answered) {
	w = partytest.New(t, seats, 2)
	asker, server = w.Party(partytest.Key(t, 0)), w.Party(partytest.Key(t, 1))
	w.Bond(server)
	a = w.Answer(asker.Key, server.Key, 0, "an answer")
	server.Keep(a)
	return w, asker, server, a
}

func TestContentsGoToThePartiesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, asker, server, a := world(t, 2)
		seats := w.Seats(uint32(w.Ledger.Tip().Height))
		for _, c := range []struct {
			name string
			who  *partytest.Party
			want error
		}{
			{"asker", asker, nil},
			{"a seat", w.Party(seats[0]), nil},
			{"another seat", w.Party(seats[1]), nil},
			{"a stranger", w.Party(partytest.Key(t, 9)), exchange.ErrDenied},
		} {
			got, err := c.who.Exchange.Fetch(t.Context(), server.Key.Public(), a.Task, a.Receipt.ID())
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if err == nil && got.Output.Text != a.Contents.Output.Text {
				t.Errorf("%s got %+v", c.name, got.Output)
			}
			if holds := len(c.who.Contents.Hashes(a.Task)) == 1; holds != (c.want == nil) {
				t.Errorf("%s holds the contents: %v", c.name, holds)
			}
		}
		// What is not there looks to a party as it does to a stranger.
		if _, err := asker.Exchange.Fetch(t.Context(), server.Key.Public(), [32]byte{1}, a.Receipt.ID()); !errors.Is(err, exchange.ErrDenied) {
			t.Errorf("unknown task: %v", err)
		}
	})
}

func TestOnlyTheReceiptsOwnContentsAreGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, asker, server, a := world(t, 0)
		b := w.Again(a, server.Key, a.Contents.Input, "another answer")
		if _, err := asker.Exchange.Fetch(t.Context(), server.Key.Public(), a.Task, b.Receipt.ID()); !errors.Is(err, exchange.ErrDenied) {
			t.Errorf("a receipt that the server does not hold: %v", err)
		}
		server.Keep(b)
		for _, want := range []partytest.Answered{a, b} {
			got, err := asker.Exchange.Fetch(t.Context(), server.Key.Public(), a.Task, want.Receipt.ID())
			if err != nil || got.Output.Text != want.Contents.Output.Text {
				t.Errorf("%v, %v", got, err)
			}
			if got, err = asker.Exchange.Find(a.Task, want.Receipt.ID()); err != nil || got.Output.Text != want.Contents.Output.Text {
				t.Errorf("found %v, %v", got, err)
			}
		}
	})
}

// answer has a host answer every fetch with given bytes.
func answer(p *partytest.Party, b []byte) {
	p.Host.Handle(exchange.Protocol, func(_ context.Context, _ key.Public, s p2p.Stream) {
		if _, err := s.ReadMsg(64); err == nil {
			_ = s.WriteMsg(b) // the fetcher may have gone
		}
	})
}

func TestFetchKeepsNothingThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, asker, server, a := world(t, 0)
		other := w.Again(a, server.Key, a.Contents.Input, "another answer")
		wrong := a.Contents
		wrong.Output.Text = "changed"
		unsigned := a.Contents
		unsigned.Receipt = append(bytes.Clone(a.Contents.Receipt), 0)
		none := a.Contents
		none.Receipt = nil
		stranger := w.Answer(asker.Key, server.Key, 1, "an answer")
		for name, c := range map[string]struct {
			raw  []byte
			want error // nil: any
		}{
			"garbage":            {[]byte("garbage"), nil},
			"cut short":          {a.Contents.Encode()[:100], nil},
			"another text":       {wrong.Encode(), task.ErrContent},
			"another receipt":    {other.Contents.Encode(), task.ErrContent},
			"another task":       {stranger.Contents.Encode(), task.ErrContent},
			"no receipt":         {none.Encode(), task.ErrContent},
			"a malformed one":    {unsigned.Encode(), nil},
			"more than the most": {make([]byte, task.MaxContentsBytes+1), p2p.ErrTooLarge},
		} {
			answer(server, c.raw)
			_, err := asker.Exchange.Fetch(t.Context(), server.Key.Public(), a.Task, a.Receipt.ID())
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
			if n := len(asker.Contents.Tasks()); n != 0 {
				t.Errorf("%s: %d tasks kept", name, n)
			}
		}
	})
}

func TestMalformedRequestsAreNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, asker, server, _ := world(t, 0)
		for name, raw := range map[string][]byte{"nothing": {}, "short": make([]byte, 63), "long": make([]byte, 65), "oversized": make([]byte, 1<<20)} {
			s, err := asker.Host.Open(t.Context(), server.Key.Public(), exchange.Protocol)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			_ = s.WriteMsg(raw) // the other side may reset the stream at any point of it
			if got, err := s.ReadMsg(1 << 20); err == nil {
				t.Errorf("%s: answered with %d bytes", name, len(got))
			}
			s.Reset()
		}
		// A request that never comes ends with its time.
		s, err := asker.Host.Open(t.Context(), server.Key.Public(), exchange.Protocol)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Reset()
		began := time.Now()
		if _, err := s.ReadMsg(10); err == nil || time.Since(began) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestContentsAreForgottenOnceTheirSettlementIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, asker, server, a := world(t, 1)
		asker.Keep(a)
		w.Go(server.Exchange.Forget)
		w.Go(asker.Exchange.Forget)
		has := func(what string, want bool) {
			t.Helper()
			synctest.Wait()
			for _, p := range []*partytest.Party{asker, server} {
				if _, err := p.Exchange.Find(a.Task, a.Receipt.ID()); (err == nil) != want {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		w.Next(nil)
		has("before it is on chain", true)
		b := w.Pack(a)
		w.Next(nil)
		has("packed", true)
		w.Vote(partytest.PackOf(b), 1, execution.Valid)
		if info, err := w.Chain.Task(a.Task); err != nil || info.Settled.Height == 0 {
			t.Fatalf("%+v, %v", info, err)
		}
		has("settled", true)
		for range w.Params.Confirmations - 1 {
			w.Next(nil)
			has("settled, not confirmed", true)
		}
		w.Next(nil)
		has("confirmed", false)
	})
}

func TestContentsOfTasksThatNeverCameAreForgottenAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, asker, server, packed := world(t, 0)
		w.Extend(packed.Open)
		lost := w.Answer(asker.Key, server.Key, 1, "of a task that never came")
		server.Keep(lost)
		w.Go(server.Exchange.Forget)
		for _, c := range []struct {
			after time.Duration
			want  bool
		}{{time.Minute, true}, {8 * time.Minute, true}, {2 * time.Minute, false}} {
			time.Sleep(c.after)
			w.Next(nil)
			if _, err := server.Exchange.Find(lost.Task, lost.Receipt.ID()); (err == nil) != c.want {
				t.Errorf("after %v more: %v", c.after, err)
			}
			if _, err := server.Exchange.Find(packed.Task, packed.Receipt.ID()); err != nil {
				t.Errorf("a task on chain was forgotten: %v", err)
			}
		}
	})
}
