package vm_test

import (
	"os"
	"testing"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/vm"
)

// BenchmarkPrograms runs each function of testdata/bench.clar, which turns a loop 10,000 times, or 2,000 times
// if it reads and writes.
func BenchmarkPrograms(b *testing.B) {
	source, err := os.ReadFile("testdata/bench.clar")
	if err != nil {
		b.Fatal(err)
	}
	env, s, m := testEnv{epoch: types.Epoch33}, store.NewMemory(), vm.New(vm.Config{})
	tx := vm.Tx{Sender: principal(b, deployer)}
	id := principal(b, deployer+".bench")
	if _, err := m.Deploy(env, s, tx, id, string(source), types.Clarity4); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"nothing", "arithmetic", "variables", "maps", "functions", "tuples", "control"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if res, err := m.Call(env, s, tx, id, name, nil); err != nil || !res.Committed {
					b.Fatal(res, err)
				}
			}
		})
	}
}
