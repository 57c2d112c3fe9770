package store

// Memory is a vm.Store that lives as long as the process.
type Memory struct{ Overlay }

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{*NewOverlay(nil)} }

// Commit makes what was written final: it voids all marks and frees what they needed.
func (m *Memory) Commit() {
	for _, c := range m.journal {
		if v, ok := m.values[c.key]; ok && v == nil {
			delete(m.values, c.key)
		}
	}
	m.settle()
}

// Len is how many keys there are.
func (m *Memory) Len() int {
	n := 0
	for _, v := range m.values {
		if v != nil {
			n++
		}
	}
	return n
}
