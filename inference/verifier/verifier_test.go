package verifier_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/inference/execution"
	"funai/inference/partytest"
	"funai/inference/pool"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/inference/verifier"
	"funai/key"
)

// judgeFunc judges as a test says.
type judgeFunc func(context.Context, *task.Checked) verifier.Ruling

func (f judgeFunc) Judge(ctx context.Context, c *task.Checked) verifier.Ruling { return f(ctx, c) }

func always(v byte) judgeFunc {
	return func(context.Context, *task.Checked) verifier.Ruling { return verifier.Ruling{Verdict: v} }
}

// box keeps ballots in memory.
type box struct {
	mu      sync.Mutex
	kept    map[[32]byte][]byte
	saves   int
	onSave  func() error
	deletes int
}

func (b *box) Load() (map[[32]byte][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.kept), nil
}

func (b *box) Save(pack [32]byte, ballot []byte) error {
	if b.onSave != nil {
		if err := b.onSave(); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept[pack] = ballot
	b.saves++
	return nil
}

func (b *box) Delete(pack [32]byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.kept, pack)
	b.deletes++
	return nil
}

// world is a chain of one seat, a server, and an answer that the seat holds.
type world struct {
	*partytest.World
	seat, server *partytest.Party
	box          *box
	answer       partytest.Answered
}

func newWorld(t *testing.T) *world {
	w := &world{World: partytest.New(t, 1, 2), box: &box{kept: map[[32]byte][]byte{}}}
	w.server = w.Party(partytest.Key(t, 1))
	w.Bond(w.server)
	w.seat = w.Party(w.World.Seats(uint32(w.Ledger.Tip().Height))[0])
	w.answer = w.Answer(partytest.Key(t, 0), w.server.Key, 0, "an answer")
	return w
}

func (w *world) config(j verifier.Judge) verifier.Config {
	return verifier.Config{Key: w.seat.Key, Chain: w.Chain, Pool: w.seat.Pool, Exchange: w.seat.Exchange, Judge: j, Ballots: w.box,
		Logger: slog.New(slog.DiscardHandler)}
}

// run runs the seat's verifier until stop is called.
func (w *world) run(j verifier.Judge) (stop func()) {
	return w.Go(verifier.New(w.config(j)).Run)
}

// of lists what waits in a pool of one kind.
func of[P tx.Payload](p *partytest.Party) (ps []P) {
	ts, _ := p.Pool.Since(0)
	for _, t := range ts {
		if q, ok := t.Payload.(P); ok {
			ps = append(ps, q)
		}
	}
	return ps
}

// settle packs the seal and the opening that wait, and returns the opening and what came of the task.
func (w *world) settle() *tx.Opening {
	w.Helper()
	synctest.Wait()
	w.From(w.seat.Pool)
	os := of[*tx.Opening](w.seat)
	if len(os) != 1 {
		w.Fatalf("%d openings", len(os))
	}
	w.From(w.seat.Pool)
	if info, err := w.Chain.Task(w.answer.Task); err != nil || info.Settled.Height == 0 {
		w.Fatalf("%+v, %v", info, err)
	}
	return os[0]
}

func TestASeatHoldsJudgesSealsAndOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.server.Keep(w.answer)
		w.run(always(execution.Valid))
		for _, x := range []*tx.Tx{w.answer.Open, w.answer.Receipt} {
			if err := w.server.Pool.Submit(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(200 * time.Millisecond)
		if hs := of[*tx.Held](w.server); len(hs) != 1 || len(hs[0].Receipts) != 1 || hs[0].Receipts[0] != w.answer.Receipt.ID() {
			t.Fatalf("the seat says that it holds %+v", hs)
		}
		w.From(w.server.Pool)
		if o := w.settle(); len(o.Verdicts) != 1 || o.Verdicts[0] != execution.Valid {
			t.Errorf("%v", o.Verdicts)
		}
		synctest.Wait()
		if len(w.box.kept) != 0 || w.box.saves != 1 {
			t.Errorf("%d ballots kept of %d", len(w.box.kept), w.box.saves)
		}
	})
}

func TestASeatAbstainsWithoutTheContents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run(always(execution.Valid))
		w.Pack(w.answer)
		if o := w.settle(); o.Verdicts[0] != execution.Abstain {
			t.Errorf("%v", o.Verdicts)
		}
	})
}

func TestThePackedReceiptIsJudgedNotAnother(t *testing.T) {
	for _, text := range []string{"an answer", "another answer"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			other := w.Again(w.answer, w.server.Key, w.answer.Contents.Input, "another answer")
			w.seat.Keep(w.answer)
			w.seat.Keep(other)
			if text == other.Contents.Output.Text {
				w.answer = other
			}
			got := make(chan string, 9)
			w.run(judgeFunc(func(_ context.Context, c *task.Checked) verifier.Ruling {
				got <- c.Output.Text
				return verifier.Ruling{Verdict: execution.Valid}
			}))
			w.Pack(w.answer)
			if x := <-got; x != text {
				t.Errorf("judged %q, packed was %q", x, text)
			}
		})
	}
}

func TestABallotIsOnDiskBeforeItsSealIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.seat.Keep(w.answer)
		full := errors.New("disk is full")
		w.box.onSave = func() error {
			if n := len(of[*tx.Seal](w.seat)); n != 0 {
				t.Errorf("%d seals are out", n)
			}
			return full
		}
		ended := make(chan error, 1)
		v := verifier.New(w.config(always(execution.Valid)))
		w.Go(func(ctx context.Context) error {
			ended <- v.Run(ctx)
			return nil
		})
		w.Pack(w.answer)
		if err := <-ended; !errors.Is(err, full) {
			t.Errorf("%v", err)
		}
		if n := len(of[*tx.Seal](w.seat)); n != 0 {
			t.Errorf("%d seals of a ballot that is not kept", n)
		}
	})
}

func TestARestartedSeatOpensTheVoteThatItSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.seat.Keep(w.answer)
		stop := w.run(always(execution.Valid))
		w.Pack(w.answer)
		synctest.Wait()
		stop()
		w.From(w.seat.Pool) // the seal
		// It would judge otherwise now, and may not be able to judge at all.
		if err := w.seat.Contents.DeleteTask(w.answer.Task); err != nil {
			t.Fatal(err)
		}
		w.run(always(execution.Invalid))
		synctest.Wait()
		w.From(w.seat.Pool)
		if info, err := w.Chain.Task(w.answer.Task); err != nil || info.Verdict != execution.Valid {
			t.Errorf("%+v, %v", info, err)
		}
		if w.box.saves != 1 {
			t.Errorf("%d ballots", w.box.saves)
		}
	})
}

func TestABrokenBallotStopsTheSeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := partytest.PackOf(w.Pack(w.answer))
		w.box.kept = map[[32]byte][]byte{id: []byte("garbage")}
		if err := verifier.New(w.config(always(execution.Valid))).Run(t.Context()); err == nil {
			t.Error("a vote that was sealed is forgotten")
		}
	})
}

// fork undoes the last ledger block and brings it back, with a word in between.
func (w *world) fork(between func()) {
	w.Helper()
	tip, b := w.Ledger.Tip(), w.Chain.Tip()
	w.Ledger.Reset(w.Ledger.At(uint32(tip.Height) - 1))
	w.Ledger.Mine()
	w.Sync()
	synctest.Wait()
	if w.Chain.Tip() == b {
		w.Fatal("nothing was undone")
	}
	between()
	w.Ledger.Reset(tip)
	w.Sync()
	synctest.Wait()
	if w.Chain.Tip() != b {
		w.Fatal("nothing was done again")
	}
}

func TestASealedVoteOutlivesAReorganization(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.seat.Keep(w.answer)
		w.run(always(execution.Valid))
		w.Next(nil)
		w.Pack(w.answer)
		synctest.Wait()
		w.From(w.seat.Pool)
		w.fork(func() {})
		w.From(w.seat.Pool) // the opening, of the seal that is on chain again
		if info, err := w.Chain.Task(w.answer.Task); err != nil || info.Verdict != execution.Valid {
			t.Errorf("%+v, %v", info, err)
		}
		if w.box.saves != 1 {
			t.Errorf("%d ballots", w.box.saves)
		}
	})
}

func TestJudgingThatAReorganizationStoppedDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.seat.Keep(w.answer)
		judged, hung := make(chan chan byte, 2), make(chan struct{})
		w.run(judgeFunc(func(ctx context.Context, _ *task.Checked) verifier.Ruling {
			c := make(chan byte)
			judged <- c
			select {
			case v := <-c:
				return verifier.Ruling{Verdict: v}
			case <-ctx.Done():
				<-hung
				return verifier.Ruling{Verdict: execution.Abstain}
			}
		}))
		w.Next(nil)
		w.Pack(w.answer)
		<-judged
		w.fork(func() {})
		second := <-judged
		close(hung) // the first is only now done with its abstention
		synctest.Wait()
		second <- execution.Valid
		if o := w.settle(); o.Verdicts[0] != execution.Valid {
			t.Errorf("%v", o.Verdicts)
		}
	})
}

func TestJudgingThatTakesTooLongIsAnAbstention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.seat.Keep(w.answer)
		w.run(judgeFunc(func(ctx context.Context, _ *task.Checked) verifier.Ruling {
			<-ctx.Done()
			return verifier.Ruling{Verdict: execution.Abstain}
		}))
		w.Pack(w.answer)
		for range w.Params.SealWindow - 1 {
			w.Next(nil)
		}
		if n := len(of[*tx.Seal](w.seat)); n != 0 {
			t.Fatalf("%d seals while there is time to judge", n)
		}
		w.Next(nil)
		if o := w.settle(); o.Verdicts[0] != execution.Abstain { // so the seal came in time
			t.Errorf("%v", o.Verdicts)
		}
	})
}

// heard counts what reaches another node of the network, which may have missed what was said before.
func heard[P tx.Payload](w *world, n uint64) *int {
	w.Helper()
	count := new(int)
	err := w.Net.Host(partytest.Key(w, n)).Subscribe(pool.Topic, tx.MaxBytes, func(_ context.Context, _ key.Public, b []byte) error {
		if t, err := tx.Decode(b); err == nil {
			if _, ok := t.Payload.(P); ok {
				*count++
			}
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return count
}

func TestWordsAndVotesThatNoBlockPacksAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.server.Keep(w.answer)
		w.run(always(execution.Valid))
		for _, x := range []*tx.Tx{w.answer.Open, w.answer.Receipt} {
			if err := w.server.Pool.Submit(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		held := heard[*tx.Held](w, 20)
		time.Sleep(7 * time.Second)
		if *held == 0 {
			t.Error("a producer that missed a seat's word never hears it")
		}
		w.From(w.server.Pool)
		*held = 0
		seals, openings := heard[*tx.Seal](w, 21), heard[*tx.Opening](w, 22)
		time.Sleep(7 * time.Second)
		if *seals < 1 || *held != 0 {
			t.Errorf("%d seals again, %d words on what is packed", *seals, *held)
		}
		w.From(w.seat.Pool)
		time.Sleep(7 * time.Second)
		if *openings < 2 {
			t.Errorf("%d openings", *openings)
		}
		w.From(w.seat.Pool)
		if info, err := w.Chain.Task(w.answer.Task); err != nil || info.Settled.Height == 0 {
			t.Errorf("%+v, %v", info, err)
		}
	})
}

func TestWhoHoldsNoSeatDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.seat = w.Party(partytest.Key(t, 9))
		w.seat.Keep(w.answer)
		w.run(always(execution.Valid))
		b := w.Pack(w.answer)
		time.Sleep(time.Second)
		w.Next(nil)
		if n := w.seat.Pool.Len(); n != 0 || w.box.saves != 0 {
			t.Errorf("%d transactions, %d ballots on pack %x", n, w.box.saves, partytest.PackOf(b))
		}
	})
}
