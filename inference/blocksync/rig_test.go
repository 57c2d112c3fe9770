package blocksync

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"funai/inference/block"
	"funai/inference/chain/chaintest"
	"funai/inference/codec"
	"funai/key"
	"funai/p2p"
	"funai/p2p/p2ptest"
)

var quiet = slog.New(slog.DiscardHandler)

// tape is a stream whose other side said everything beforehand.
type tape struct {
	in    [][]byte
	more  func(i int) []byte // what comes after in; nil is the end
	read  int
	out   [][]byte
	reset bool
}

var _ p2p.Stream = (*tape)(nil)

func (s *tape) ReadMsg(limit int) (raw []byte, err error) {
	switch {
	case s.read < len(s.in):
		raw = s.in[s.read]
	case s.more != nil:
		raw = s.more(s.read)
	}
	if raw == nil {
		return nil, io.EOF
	}
	if len(raw) > limit {
		return nil, p2p.ErrTooLarge
	}
	s.read++
	return raw, nil
}
func (s *tape) WriteMsg(raw []byte) error { s.out = append(s.out, raw); return nil }
func (*tape) CloseWrite() error           { return nil }
func (*tape) Close() error                { return nil }
func (s *tape) Reset()                    { s.reset = true }
func (*tape) SetDeadline(time.Time) error { return nil }

// peers is a network of one peer, which answers with a tape.
type peers struct{ tape *tape }

var _ Network = (*peers)(nil)

func (*peers) Handle(string, p2p.Handler) {}
func (*peers) Peers() []key.Public        { return make([]key.Public, 1) }
func (p *peers) Open(context.Context, key.Public, string) (p2p.Stream, error) {
	return p.tape, nil
}

// answers are the blocks of a chain between two heights, both included, as a peer sends them.
func answers(w *chaintest.World, from, to uint64) (raw [][]byte) {
	w.Helper()
	for h := from; h <= to; h++ {
		b, cert := w.At(h)
		raw = append(raw, encoded(b, cert))
	}
	return raw
}

func encoded(b *block.Block, cert block.Certificate) []byte {
	return codec.Encode(answer{Block: b.Encode(), Cert: cert})
}

// blocksOf decodes what was answered.
func blocksOf(t *testing.T, raw [][]byte) (ids []block.ID) {
	t.Helper()
	for _, r := range raw {
		var a answer
		if err := codec.Decode(r, maxFrame, &a); err != nil {
			t.Fatal(err)
		}
		b, err := block.Decode(a.Block)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, b.ID())
	}
	return ids
}

// running runs a node's syncer, and its chain behind the ledger, until the test ends.
func running(t *testing.T, w *chaintest.World, h *p2ptest.Host) *Syncer {
	s := New(w.Chain, h, quiet)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{s.Run, w.Chain.Follow} {
		wg.Go(func() {
			if err := run(ctx); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s
}

// within waits at most so long for a chain to be at another's tip, and says how long it took.
func within(t *testing.T, limit time.Duration, w, as *chaintest.World) time.Duration {
	t.Helper()
	start := time.Now()
	for w.Chain.Tip() != as.Chain.Tip() || w.Chain.Followed() != as.Chain.Followed() {
		if time.Since(start) > limit {
			t.Fatalf("after %v it is at %d of %d, ledger %d of %d", limit, w.Chain.Tip().Height, as.Chain.Tip().Height,
				w.Chain.Followed().Height, as.Chain.Followed().Height)
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
	}
	return time.Since(start)
}

func hostOf(t *testing.T, n *p2ptest.Net, i uint64) *p2ptest.Host {
	t.Helper()
	return n.Host(chaintest.Key(t, 200+i))
}
