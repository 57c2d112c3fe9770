package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/amount"
	"funai/inference/client"
	"funai/inference/execution"
	"funai/inference/partytest"
	"funai/inference/server"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/p2p"
	"funai/p2p/p2ptest"
)

func TestTheNextServerIsAskedUntilOneAccepts(t *testing.T) {
	for name, say := range map[string]func(*partytest.Party, p2p.Stream, *tx.Tx, task.Input){
		"busy": func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
			send(st, server.Frame{Kind: server.FrameRefused, Code: server.CodeBusy, Reason: "full"})
		},
		"bond": func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
			send(st, server.Frame{Kind: server.FrameRefused, Code: server.CodeBond})
		},
		"model": func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
			send(st, server.Frame{Kind: server.FrameRefused, Code: server.CodeModel})
		},
		"an unknown code": func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
			send(st, server.Frame{Kind: server.FrameRefused, Code: 99})
		},
		"a token out of turn": func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
			send(st, server.Frame{Kind: server.FrameToken, Token: server.Token{Text: "boo"}})
		},
		"hangs up": func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) { st.Reset() },
		"garbage":  func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) { _ = st.WriteMsg([]byte("garbage")) },
		"says nothing": func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
			_, _ = st.ReadMsg(1) // until the asker goes
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 2)
				bad, good := w.act(0, say), w.honest(1, 101)
				var accepted told
				text := ""
				a, err := w.client.Ask(t.Context(), question(), accepted.started, func(t server.Token) error { text += t.Text; return nil })
				if err != nil {
					t.Fatal(err)
				}
				if a.Server != good.Key.Public() || a.Text != text || text == "" || len(accepted) != 1 || accepted[0].Task != a.Task {
					t.Errorf("%+v, streamed %q, accepted by %v", a, text, accepted)
				}
				// The one that failed is asked last for a while.
				w.offer(good, 101)
				if _, err := w.client.Ask(t.Context(), question(), nil, deaf); err != nil || bad.times() != 1 {
					t.Errorf("asked %d times, %v", bad.times(), err)
				}
				if c, err := w.asker.Exchange.Find(a.Task, a.Receipt); err != nil || c.Output.Text != text {
					t.Errorf("kept %v, %v", c, err)
				}
			})
		})
	}
}

func TestTheAskersOwnFaultsAreNotTriedElsewhere(t *testing.T) {
	for code, want := range map[server.Code]error{server.CodeBadRequest: server.ErrBadRequest, server.CodeTooLong: server.ErrTooLong, server.CodeFunds: server.ErrFunds} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 2)
				refuse := func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
					send(st, server.Frame{Kind: server.FrameRefused, Code: code, Reason: "because"})
				}
				first, second := w.act(0, refuse), w.act(1, refuse)
				_, err := w.client.Ask(t.Context(), question(), nil, deaf)
				if !errors.Is(err, want) || !strings.Contains(err.Error(), "because") || first.times()+second.times() != 1 {
					t.Errorf("asked %d and %d times: %v", first.times(), second.times(), err)
				}
				if w.asker.Pool.Len() != 0 {
					t.Error("a task that nobody accepted is on its way")
				}
			})
		})
	}
}

func TestWhatNoServerCouldAnswerIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		s := w.act(0, func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) { st.Reset() })
		for name, c := range map[string]struct {
			change func(*client.Request)
			want   error
		}{
			"input too long":  {func(r *client.Request) { r.Input.Input = strings.Repeat("x", task.MaxInputBytes+1) }, task.ErrTooLarge},
			"not UTF-8":       {func(r *client.Request) { r.Input.System = "\xff" }, task.ErrContent},
			"no such role":    {func(r *client.Request) { r.Input.Context = []task.Turn{{Role: "tool"}} }, task.ErrContent},
			"no such model":   {func(r *client.Request) { r.Model = 9 }, client.ErrNobody},
			"no such server":  {func(r *client.Request) { r.Server[0] = 1 }, client.ErrNobody},
			"over its limit":  {func(r *client.Request) { r.MaxFee = 1 }, server.ErrPrice},
			"nobody at price": {func(r *client.Request) { r.MaxFee = 1 }, client.ErrNobody},
			"no funds":        {func(r *client.Request) { r.MaxTokens = 1 << 20 }, execution.ErrFunds},
		} {
			r := question()
			c.change(&r)
			if _, err := w.client.Ask(t.Context(), r, nil, deaf); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s.times() != 0 {
			t.Errorf("asked %d times", s.times())
		}
	})
}

func TestTheFeeStaysWithinItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		cheap := w.honest(0, 100)
		w.honest(1, 101)
		r := question()
		if _, err := w.client.Ask(t.Context(), r, nil, deaf); err != nil {
			t.Fatal(err)
		}
		ts, _ := w.asker.Pool.Since(0)
		cost, err := ts[0].Payload.(*tx.Open).MaxCost()
		if err != nil {
			t.Fatal(err)
		}
		r.MaxFee = cost
		a, err := w.client.Ask(t.Context(), r, nil, deaf)
		if err != nil || a.Server != cheap.Key.Public() || a.Fee > cost || a.Fee == 0 {
			t.Errorf("%+v, %v", a, err)
		}
		r.MaxFee--
		if _, err := w.client.Ask(t.Context(), r, nil, deaf); !errors.Is(err, server.ErrPrice) {
			t.Errorf("%v", err)
		}
	})
}

func TestReceiptsThatDoNotFitTheAnswerAreFound(t *testing.T) {
	stranger := partytest.Key(t, 77)
	for name, say := range map[string]func(p *partytest.Party, open *tx.Tx) server.Frame{
		"another text": func(p *partytest.Party, o *tx.Tx) server.Frame {
			return done(sign(p.Key, o, "so not", []int32{0, 1}), 0, 1)
		},
		"another token": func(p *partytest.Party, o *tx.Tx) server.Frame {
			return done(sign(p.Key, o, "so it is", []int32{0, 2}), 0, 1)
		},
		"one token less": func(p *partytest.Party, o *tx.Tx) server.Frame {
			return done(sign(p.Key, o, "so it is", []int32{0, 1}), 0)
		},
		"another signer": func(_ *partytest.Party, o *tx.Tx) server.Frame {
			return done(sign(stranger, o, "so it is", []int32{0, 1}), 0, 1)
		},
		"no receipt": func(*partytest.Party, *tx.Tx) server.Frame {
			return server.Frame{Kind: server.FrameDone, Tokens: []int32{0, 1}}
		},
		"garbage": func(*partytest.Party, *tx.Tx) server.Frame {
			return server.Frame{Kind: server.FrameDone, Receipt: []byte{1, 2, 3}}
		},
		"the opening": func(_ *partytest.Party, o *tx.Tx) server.Frame { return done(o, 0, 1) },
		"of another task": func(p *partytest.Party, o *tx.Tx) server.Frame {
			q := *o
			q.Nonce++
			return done(sign(p.Key, &q, "so it is", []int32{0, 1}), 0, 1)
		},
		"more than the gas": func(p *partytest.Party, o *tx.Tx) server.Frame {
			r := sign(p.Key, o, "so it is", []int32{0, 1})
			r.Payload.(*tx.Receipt).TokensIn = 1 << 30
			r.Sign(p.Key)
			return done(r, 0, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 1)
				w.act(0, func(p *partytest.Party, st p2p.Stream, open *tx.Tx, _ task.Input) {
					send(st, append(words("so ", "it is"), say(p, open))...)
				})
				if a, err := w.client.Ask(t.Context(), question(), nil, deaf); !errors.Is(err, client.ErrReceipt) {
					t.Errorf("%+v, %v", a, err)
				}
			})
		})
	}
}

func done(receipt *tx.Tx, tokens ...int32) server.Frame {
	return server.Frame{Kind: server.FrameDone, Receipt: receipt.Encode(), Tokens: tokens, Finish: "stop"}
}

func TestABrokenAnswerCostsNothingInTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		then func(st p2p.Stream)
		want error
	}{
		"hangs up":     {func(st p2p.Stream) { time.Sleep(time.Second); st.Reset() }, client.ErrBroken},
		"ends":         {func(st p2p.Stream) { _ = st.Close() }, client.ErrBroken},
		"fails":        {func(st p2p.Stream) { send(st, server.Frame{Kind: server.FrameFailed, Code: server.CodeInternal}) }, client.ErrBroken},
		"accepts anew": {func(st p2p.Stream) { send(st, server.Frame{Kind: server.FrameAccepted}) }, client.ErrBroken},
		"garbage":      {func(st p2p.Stream) { _ = st.WriteMsg([]byte("garbage")) }, client.ErrBroken},
		"oversized":    {func(st p2p.Stream) { _ = st.WriteMsg(make([]byte, 1<<20)) }, client.ErrBroken},
		"mute":         {func(st p2p.Stream) { _, _ = st.ReadMsg(1) }, client.ErrBroken},
		"never ends": {func(st p2p.Stream) {
			for range 10 {
				send(st, server.Frame{Kind: server.FrameToken, Token: server.Token{Text: strings.Repeat("x", 60<<10)}})
			}
		}, client.ErrReceipt},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 2)
				s := w.act(0, func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
					send(st, words("so ")...)
					c.then(st)
				})
				other := w.act(1, func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) { st.Reset() })
				if _, err := w.client.Ask(t.Context(), question(), nil, deaf); !errors.Is(err, c.want) {
					t.Errorf("%v", err)
				}
				if s.times() != 1 || other.times() != 0 {
					t.Errorf("asked %d and %d times", s.times(), other.times())
				}
				w.Next(w.asker.Pool)
				if a := w.asker.Account(); a.Balance == amount.FAI {
					t.Error("nothing is in escrow")
				}
				for range w.Params.MaxExpiry {
					w.Next(w.asker.Pool)
				}
				if a := w.asker.Account(); a.Balance != amount.FAI {
					t.Errorf("%v is left of %v", a.Balance, amount.FAI)
				}
			})
		})
	}
}

func TestManyAsksAtOnceSkipNoNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3)
		var servers []*partytest.Party
		for n := range uint64(3) {
			servers = append(servers, w.honest(n, 100))
		}
		// Gossip takes longer than a stream, so that tasks overtake one another.
		w.Net.SetFaults(p2ptest.Faults{MinDelay: time.Millisecond, MaxDelay: 400 * time.Millisecond})
		const asks = 20
		var mu sync.Mutex
		var asking sync.WaitGroup
		nonces, errs := map[uint64]bool{}, []error(nil)
		for range asks {
			asking.Go(func() {
				_, err := w.client.Ask(t.Context(), question(), func(s client.Started) {
					if o, ok := w.asker.Pool.Get(s.Task); ok {
						mu.Lock()
						nonces[o.Nonce] = true
						mu.Unlock()
					}
				}, deaf)
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
		finished := make(chan struct{})
		go func() { asking.Wait(); close(finished) }()
		for {
			select {
			case <-finished:
				for _, err := range errs {
					if err != nil {
						t.Error(err)
					}
				}
				for n := range uint64(asks) {
					if !nonces[n] && w.asker.Account().Nonce <= n {
						t.Errorf("nonce %d was skipped", n)
					}
				}
				return
			case <-time.After(2 * time.Second): // for what is asked beyond a server's own risk
				w.Next(w.asker.Pool)
				for _, s := range servers {
					w.offer(s, 100)
				}
			}
		}
	})
}

func TestWhoCancelsIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2)
		hung := make(chan struct{})
		w.act(0, func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) {
			send(st, words("so ")...)
			if _, err := st.ReadMsg(1); !errors.Is(err, p2p.ErrReset) {
				t.Errorf("the server was told %v", err)
			}
			close(hung)
		})
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		_, err := w.client.Ask(ctx, question(), nil, func(server.Token) error { cancel(); return nil })
		if !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		<-hung
		// Before a server accepts, no other is asked.
		other := w.act(1, func(_ *partytest.Party, st p2p.Stream, _ *tx.Tx, _ task.Input) { st.Reset() })
		if _, err := w.client.Ask(ctx, question(), nil, deaf); !errors.Is(err, context.Canceled) || other.times() != 0 {
			t.Errorf("%v, asked %d times", err, other.times())
		}
	})
}

func TestAnErrorOfTheReaderEndsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.honest(0, 100)
		full := errors.New("disk is full")
		if _, err := w.client.Ask(t.Context(), question(), nil, func(server.Token) error { return full }); !errors.Is(err, full) {
			t.Error(err)
		}
	})
}
