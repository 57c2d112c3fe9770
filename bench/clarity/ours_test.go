package clarity

import (
	"fmt"
	"time"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// sender deploys and calls everything; serve.mjs has the same.
const sender = "ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM"

// epoch and version are what contracts run under: the newest whose costs the reference implementation has settled.
const (
	epoch   = types.Epoch34
	version = types.Clarity4
)

// env is a chain at its beginning. The programs ask nothing else of it.
type env struct{ vm.Env }

func (env) ChainID() uint32      { return 0x80000000 }
func (env) Mainnet() bool        { return false }
func (env) Epoch() types.Epoch   { return epoch }
func (env) Height() uint64       { return 1 }
func (env) TenureHeight() uint64 { return 1 }
func (env) BurnHeight() uint64   { return 1 }

// ours is our side.
type ours struct {
	vm    *vm.VM
	store *store.Memory
	from  value.Principal
}

func newOurs() (*ours, error) {
	from, err := value.ParsePrincipal(sender)
	return &ours{vm.New(vm.Config{}), store.NewMemory(), from}, err
}

func (o *ours) id(contract string) value.Principal {
	p := o.from
	p.Contract = contract
	return p
}

func (o *ours) deploy(name, source string) (time.Duration, error) {
	start := time.Now()
	r, err := o.vm.Deploy(env{}, o.store, vm.Tx{Sender: o.from}, o.id(name), source, version)
	took := time.Since(start)
	if err == nil && !r.Committed {
		err = fmt.Errorf("%s was not deployed", name)
	}
	o.store.Commit()
	return took, err
}

func (o *ours) call(contract, function string, times int) (result []byte, took []time.Duration, err error) {
	for range times {
		start := time.Now()
		r, err := o.vm.Call(env{}, o.store, vm.Tx{Sender: o.from}, o.id(contract), function, nil)
		took = append(took, time.Since(start))
		if err != nil {
			return nil, nil, err
		}
		if result, err = value.Encode(r.Value); err != nil {
			return nil, nil, err
		}
		o.store.Commit()
	}
	return result, took, nil
}
