package ledger

import "runtime"

func (m *match) open(name, dir string, coinCache int) side {
	m.Helper()
	s, err := open(name, dir, coinCache)
	if err != nil {
		m.Fatal(err)
	}
	return s
}

func (m *match) close(s side) {
	m.Helper()
	if err := s.close(); err != nil {
		m.Error(err)
	}
}

func (m *match) feed(s side, raw [][]byte) {
	m.Helper()
	for i, r := range raw {
		if err := s.process(r); err != nil {
			m.Fatalf("block %d of %d: %v", i+1, len(raw), err)
		}
	}
}

// at fails unless the side's tip is the mint's.
func (m *match) at(s side, w *mint) {
	m.Helper()
	if s.tip() != w.tip() {
		m.Fatalf("%T is at %v, not at %v at height %d", s, s.tip(), w.tip(), w.height)
	}
}

// heapInUse is the bytes of live objects.
func heapInUse() int64 {
	for range 3 { // what finalizers and pools hold goes only after the first
		runtime.GC()
	}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
