package ledger

import (
	"strconv"
	"testing"
	"time"
)

// Initial synchronization: a process begins with an empty directory and ends with a chain of signed spends, half P2WPKH,
// half P2TR, of coins that lie anywhere in a large set.

// BenchmarkSyncFromDisk takes the chain from a file, and counts the time until the process has ended and all is on disk.
// Every side has its own default bounds on memory in "default", and the same bound on coins in memory in "equal".
func BenchmarkSyncFromDisk(b *testing.B) {
	b.Run("default", func(b *testing.B) { syncFromDisk(bench(b), 0) })
	b.Run("equal", func(b *testing.B) { syncFromDisk(bench(b), full.cache) })
}

func TestSyncFromDisk(t *testing.T) { syncFromDisk(once(t), tiny.cache) }

func syncFromDisk(m *match, cache int) {
	w := m.history(longAgo)
	file := w.write()
	library := func(name string) contender {
		return contender{name, func() sample {
			p := m.child(task{Do: "import", Side: name, Dir: m.TempDir(), Cache: cache, File: file, Tip: w.tip().String()})
			heap, err := strconv.ParseFloat(p.hears("heap"), 64)
			if err != nil {
				m.Fatal(err)
			}
			s := p.wait()
			s.more["heap-MB"] = heap / 1e6
			return s
		}}
	}
	cs := []contender{library(ours), library(btcd)}
	if program, ok := m.bitcoindProgram(); ok {
		args := []string{"-connect=0", "-loadblock=" + file, "-stopafterblockimport"}
		if cache > 0 {
			args = append(args, "-dbcache="+strconv.Itoa(max(4, cache>>20))) // 4 MiB is the least it takes
		}
		cs = append(cs, contender{bitcoind, func() sample {
			return m.startBitcoind(program, m.TempDir(), args...).wait()
		}})
	}
	m.compare(w.txs, "tx", cs...)
}

// BenchmarkSyncFromPeer takes the chain from one peer over TCP on the loopback interface: from the start of the process to
// its tip. The processor time is that of the process to its end.
func BenchmarkSyncFromPeer(b *testing.B) {
	b.Run("funai", func(b *testing.B) { syncFromPeer(bench(b), ours) })
	b.Run("btcd", func(b *testing.B) { syncFromPeer(bench(b), btcd) })
}

func TestSyncFromPeer(t *testing.T) {
	t.Run("funai", func(t *testing.T) { syncFromPeer(once(t), ours) })
	t.Run("btcd", func(t *testing.T) { syncFromPeer(once(t), btcd) })
}

func syncFromPeer(m *match, source string) {
	btcdPath, haveBtcd := m.btcdProgram()
	if source == btcd && !haveBtcd {
		m.Skip("there is no btcd to synchronize with")
	}
	w := m.history(time.Now().Add(-time.Hour)) // btcd serves none but chains that are up to date
	tip := w.tip().String()
	addr := m.source(source, btcdPath, w)
	cs := []contender{{ours, func() sample {
		p := m.child(task{Do: "sync", Dir: m.TempDir(), Addr: addr, Tip: tip})
		p.hears("tip")
		return p.reached()
	}}}
	if haveBtcd {
		cs = append(cs, contender{btcd, func() sample {
			f := m.startBtcd(btcdPath, m.TempDir(), "--connect="+addr)
			f.until("at the tip", func() bool { return f.at(tip) })
			return f.reached()
		}})
	}
	if program, ok := m.bitcoindProgram(); ok {
		cs = append(cs, contender{bitcoind, func() sample {
			f := m.startBitcoind(program, m.TempDir(), "-connect="+addr)
			f.until("at the tip", func() bool { return f.at(tip) })
			return f.reached()
		}})
	}
	m.compare(w.txs, "tx", cs...)
}

// reached is for a process that has reached what it was started for; it ends it.
func (p *process) reached() sample {
	p.Helper()
	wall := time.Since(p.began)
	s := p.stop()
	s.wall = wall
	return s
}

// history is a chain to synchronize with.
func (m *match) history(first time.Time) *mint {
	w := newMint(m, first, p2wpkh, p2tr)
	w.fund(m.size.coins)
	w.spend(3*m.size.blocks, m.size.txs, 1)
	return w
}

// source starts a node with the mint's chain, and returns its address. btcd forgets regression test chains when it ends, so
// it gets this one from a node of ours.
func (m *match) source(name, btcdPath string, w *mint) (addr string) {
	dir := m.TempDir()
	s := m.open(ours, dir, 0)
	m.feed(s, w.raw)
	m.close(s)
	addr = m.child(task{Do: "serve", Dir: dir}).hears("addr")
	if name == btcd {
		from, tip := addr, w.tip().String()
		addr = m.freeAddr()
		f := m.startBtcd(btcdPath, m.TempDir(), "--connect="+from, "--listen="+addr)
		f.until("at the tip", func() bool { return f.at(tip) })
	}
	return addr
}
