package main

import (
	"context"
	"sync"

	"funai/inference/api"
	"funai/internal/cli"
)

// verdicts waits for those of a conversation's answers while it goes on, one goroutine for each; stop ends them. A
// person's typing bounds how many there are.
type verdicts struct {
	k     *talk
	in    *lines
	live  bool
	watch func(receipt string) // in the background
	stop  func()

	mu      sync.Mutex
	pending int
	landed  []string // lines to print before the next prompt
}

func (k *talk) newVerdicts(ctx context.Context, in *lines, live bool) *verdicts {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	v := &verdicts{k: k, in: in, live: live}
	v.watch = func(receipt string) {
		all.Go(func() {
			r, err := k.turn.c.Verdict(ctx, receipt, func(api.Receipt) {})
			switch {
			case ctx.Err() != nil:
			case err != nil:
				v.land("  " + k.a.out.Paint(cli.Dim, cli.Line("no verdict: "+err.Error(), 200)))
			default:
				v.land(verdictLine(k.a.out, r))
			}
		})
	}
	v.stop = func() {
		cancel()
		all.Wait()
		v.flush()
		if v.pending > 0 {
			k.a.out.Println(k.a.out.Paint(cli.Dim, cli.Plural(v.pending, "verdict")+" still to come; `funai status` shows them"))
		}
	}
	return v
}

// expect waits for an answer's verdict here, or in the background where a person types on.
func (v *verdicts) expect(ctx context.Context, a turnAnswer) error {
	if !v.live {
		return v.k.turn.judge(ctx, a.Receipt)
	}
	if a.Receipt != "" {
		v.mu.Lock()
		v.pending++
		v.mu.Unlock()
		v.watch(a.Receipt)
	}
	return nil
}

// land prints a line above what is being typed, or keeps it until something is.
func (v *verdicts) land(line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending--
	if !v.in.above(line + "\n") {
		v.landed = append(v.landed, line)
	}
}

// flush prints what landed meanwhile.
func (v *verdicts) flush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, line := range v.landed {
		v.k.a.out.Println(line)
	}
	v.landed = nil
}
