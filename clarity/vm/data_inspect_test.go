package vm_test

import (
	"errors"
	"testing"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

func TestDataIsReadWithoutACall(t *testing.T) {
	m, s, env, owner := vm.New(vm.Config{}), store.NewMemory(), madeUpChain{testEnv{epoch: types.LatestEpoch}}, principal(t, deployer)
	id := owner
	id.Contract = "keeper"
	source := `(define-data-var v (list 5 uint) (list u1 u2)) (define-map m {k: uint} (optional uint))
		(map-set m {k: u1} (some u7)) (map-set m {k: u2} none) (map-delete m {k: u2})`
	if _, err := m.Deploy(env, s, vm.Tx{Sender: owner}, id, source, types.LatestVersion); err != nil {
		t.Fatal(err)
	}
	key := func(k value.Value) value.Value {
		v, err := value.Tuple(value.Field{Name: "k", Value: k})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	one := func(v value.Value, err error) func(want string, wantErr error) {
		return func(want string, wantErr error) {
			t.Helper()
			if !errors.Is(err, wantErr) || err == nil && v.String() != want {
				t.Errorf("%v %v, not %s %v", v, err, want, wantErr)
			}
		}
	}
	one(m.Variable(env, s, id, "v"))("(list u1 u2)", nil)
	one(m.Variable(env, s, id, "w"))("", vm.ErrNotFound)
	one(m.Variable(env, s, owner, "v"))("", vm.ErrNotFound)
	one(m.MapEntry(env, s, id, "m", key(value.UInt64(1))))("(some (some u7))", nil)
	one(m.MapEntry(env, s, id, "m", key(value.UInt64(2))))("none", nil)
	one(m.MapEntry(env, s, id, "m", key(value.UInt64(3))))("none", nil)
	one(m.MapEntry(env, s, id, "m", key(value.Int64(3))))("", value.ErrNotAdmitted)
	one(m.MapEntry(env, s, id, "n", key(value.UInt64(1))))("", vm.ErrNotFound)
	one(m.MapEntry(env, s, owner, "m", key(value.UInt64(1))))("", vm.ErrNotFound)
}
