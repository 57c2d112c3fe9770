package vm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"funai/clarity/cost"
	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/vm"
)

// memoryGolden is expressions in a function that holds almost all the memory there is, each with one place, marked @, where
// more is held than may be; and how much that was, says the reference implementation.
type memoryGolden struct {
	Template string // of a contract, with @ for the expression
	Hold     string // what @ in an expression stands for
	Cases    []struct {
		Epoch      string
		Version    types.Version
		Expression string
		Held       uint64 // bytes
	}
}

func TestMemoryHeldAtTheLimitAgreesWithReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/memory.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden memoryGolden
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	sender := principal(t, deployer)
	id := principal(t, deployer+".c000") // allowances count the letters of the contract's name
	for _, c := range golden.Cases {
		epoch, err := types.ParseEpoch(c.Epoch)
		if err != nil {
			t.Fatal(err)
		}
		m, s, env, tx := vm.New(vm.Config{}), store.NewMemory(), testEnv{epoch: epoch}, vm.Tx{Sender: sender}
		source := strings.Replace(golden.Template, "@", strings.ReplaceAll(c.Expression, "@", golden.Hold), 1)
		if _, err := m.Deploy(env, s, tx, id, source, c.Version); err != nil {
			t.Errorf("%s in epoch %s: %v", c.Expression, c.Epoch, err)
			continue
		}
		_, err = m.Call(env, s, tx, id, "full", nil)
		want := fmt.Sprintf("%d of %d bytes", c.Held, cost.MemoryLimit)
		if !errors.Is(err, cost.ErrMemory) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s in epoch %s: %v, want %s held", c.Expression, c.Epoch, err, want)
		}
	}
}
