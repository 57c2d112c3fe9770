package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"funai/ledger/chain"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/peer"
)

// What is measured as a process of its own, sides that are libraries included, is done by this test's program, run again
// with a task in its environment. It tells how far it is in lines on its standard output, and ends when its standard input
// does.

// taskVariable holds a task as JSON.
const taskVariable = "FUNAI_BENCH_TASK"

// task is what such a process does.
type task struct {
	Do    string // one of tasks
	Side  string
	Dir   string // of the chain
	Cache int    // bound on coins in memory, in bytes; 0: the side's own
	File  string // of blocks, to import
	Addr  string // of a peer, to synchronize with
	Tip   string // to wait for
}

var tasks = map[string]func(task) error{"import": task.importFile, "serve": task.serve, "sync": task.sync}

// ends are run after all tests and benchmarks.
var ends []func()

func atEnd(f func()) { ends = append(ends, f) }

func TestMain(m *testing.M) {
	words := os.Getenv(taskVariable)
	if words == "" {
		code := m.Run()
		for _, f := range ends {
			f()
		}
		os.Exit(code)
	}
	var t task
	err := json.Unmarshal([]byte(words), &t)
	if do := tasks[t.Do]; err == nil && do != nil {
		err = do(t)
	} else {
		err = errors.Join(err, fmt.Errorf("no task is called %q", t.Do))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// importFile takes a file of blocks into a chain, and says "heap" and the live bytes of that.
func (t task) importFile() (err error) {
	f, err := os.Open(t.File)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := open(t.Side, t.Dir, t.Cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r := bufio.NewReaderSize(f, 1<<20)
	for height := 0; ; height++ {
		raw, err := readBlock(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && height > 0 {
			err = s.process(raw)
		}
		if err != nil {
			return err
		}
	}
	if s.tip().String() != t.Tip {
		return fmt.Errorf("tip is %v, not %s", s.tip(), t.Tip)
	}
	fmt.Println("heap", heapInUse())
	return nil
}

// serve serves a chain of ours to peers, and says "addr" and where.
func (t task) serve() error {
	return t.node(func(_ *chain.Chain, l net.Listener) {
		fmt.Println("addr", l.Addr())
		awaitEnd()
	})
}

// sync synchronizes a chain of ours with a peer, and says "tip" when it is there.
func (t task) sync() error {
	return t.node(func(c *chain.Chain, _ net.Listener) {
		for c.Tip().Hash.String() != t.Tip {
			changed := c.Changed()
			if c.Tip().Hash.String() != t.Tip {
				<-changed
			}
		}
		fmt.Println("tip", t.Tip)
		awaitEnd()
	}, t.Addr)
}

// node runs a node of ours.
func (t task) node(use func(*chain.Chain, net.Listener), peers ...string) (err error) {
	c, err := chain.Open(consensus.BitcoinRegtest(), chain.Options{Dir: t.Dir, CoinCacheBytes: t.Cache})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	pool := mempool.New(c, mempool.Config{})
	defer pool.Close()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := peer.New(peer.Config{Chain: c, Pool: pool, Listeners: []net.Listener{l}, Peers: peers})
	defer func() { err = errors.Join(err, s.Close()) }()
	use(c, l)
	return nil
}

func awaitEnd() { _, _ = io.Copy(io.Discard, os.Stdin) }
