package vm_test

import (
	"fmt"
	"strings"
	"testing"

	"funai/clarity/store"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

var miner = value.Principal{Version: 26, Hash: [20]byte{7}}

// tall is a chain at height 30, tenure 10, with three blocks to a tenure; what it says about a block is made of its height.
type tall struct{ madeUpChain }

func (tall) Height() uint64       { return 30 }
func (tall) TenureHeight() uint64 { return 10 }

func (tall) TenureStart(n uint64) (uint64, bool, error) { return 3 * n, true, nil }

func (tall) Block(h uint64) (*vm.Block, error) {
	return &vm.Block{ID: [32]byte{1, byte(h)}, HeaderHash: [32]byte{2, byte(h)}, Time: 1000 + h}, nil
}

func (tall) Tenure(h uint64) (*vm.Tenure, error) {
	return &vm.Tenure{
		BurnHeaderHash: [32]byte{3, byte(h / 3)}, Time: 500 + h/3, VRFSeed: [32]byte{4, byte(h / 3)}, Miner: miner,
		MinerSpendTotal: value.U64(20), MinerSpendWinner: value.U64(h), BlockReward: value.U64(50), BlockRewardMature: h < 9,
	}, nil
}

func (tall) BurnBlock(h uint64) (*vm.BurnBlock, error) {
	return &vm.BurnBlock{HeaderHash: [32]byte{5, byte(h)}, PoxPayout: value.U64(h), PoxAddrs: []vm.PoxAddr{{Version: 4, HashBytes: make([]byte, 20)}}}, nil
}

func TestBlocksAndTenuresAreThoseOfTheChain(t *testing.T) {
	buff := func(b ...byte) string { return fmt.Sprintf("(some 0x%x%s)", b, strings.Repeat("00", 32-len(b))) }
	for _, c := range []struct {
		version types.Version
		epoch   types.Epoch
		expr    string
		want    string
	}{
		// Before epoch 3.0 a block is a tenure; since then Clarity 1 and 2 count tenures.
		{types.Clarity2, types.Epoch25, "block-height", "u30"},
		{types.Clarity2, types.Epoch30, "block-height", "u10"},
		{types.Clarity2, types.Epoch25, "(get-block-info? id-header-hash u7)", buff(1, 7)},
		{types.Clarity2, types.Epoch30, "(get-block-info? id-header-hash u7)", buff(1, 21)},
		{types.Clarity2, types.Epoch30, "(get-block-info? time u7)", "(some u507)"},
		{types.Clarity2, types.Epoch25, "(get-block-info? header-hash u29)", buff(2, 29)},
		{types.Clarity2, types.Epoch25, "(get-block-info? header-hash u30)", "none"},
		{types.Clarity2, types.Epoch30, "(get-block-info? header-hash u10)", "none"},
		{types.Clarity2, types.Epoch25, "(get-block-info? block-reward u8)", "(some u50)"},
		{types.Clarity2, types.Epoch25, "(get-block-info? block-reward u9)", "none"},
		{types.Clarity2, types.Epoch30, "(get-block-info? block-reward u2)", "(some u50)"},
		{types.Clarity2, types.Epoch30, "(get-block-info? block-reward u3)", "none"},

		{types.Clarity3, types.Epoch40, "(list stacks-block-height tenure-height burn-block-height)", "(list u30 u10 u10)"},
		{types.Clarity3, types.Epoch40, "(get-stacks-block-info? time u29)", "(some u1029)"},
		{types.Clarity3, types.Epoch40, "(get-stacks-block-info? time u30)", "none"},
		{types.Clarity3, types.Epoch40, "(get-stacks-block-info? id-header-hash u7)", buff(1, 7)},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? time u29)", "(some u509)"},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? time u30)", "none"},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? burnchain-header-hash u7)", buff(3, 2)},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? vrf-seed u7)", buff(4, 2)},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? miner-address u7)", "(some '" + miner.String() + ")"},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? miner-spend-total u7)", "(some u20)"},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? miner-spend-winner u7)", "(some u7)"},
		{types.Clarity3, types.Epoch40, "(get-tenure-info? block-reward u9)", "none"},
		{types.Clarity3, types.Epoch40, "(get-burn-block-info? header-hash u10)", buff(5, 10)},
		{types.Clarity3, types.Epoch40, "(get-burn-block-info? header-hash u11)", "none"},
		{types.Clarity3, types.Epoch40, "(get-burn-block-info? pox-addrs u3)", "(some { addrs: (list { hashbytes: 0x" + strings.Repeat("00", 20) + ", version: 0x04 }), payout: u3 })"},
		{types.Clarity4, types.Epoch40, "stacks-block-time", "u1700000000"},
		{types.Clarity4, types.Epoch40, "chain-id", "u2147483648"},
		{types.Clarity4, types.Epoch40, "is-in-mainnet", "false"},
	} {
		m, s, owner := vm.New(vm.Config{}), store.NewMemory(), principal(t, deployer)
		env := tall{madeUpChain{testEnv{epoch: c.epoch}}}
		id := owner
		id.Contract = "asks"
		if _, err := m.Deploy(env, s, vm.Tx{Sender: owner}, id, "(define-read-only (f) "+c.expr+")", c.version); err != nil {
			t.Fatalf("%s: %v", c.expr, err)
		}
		res, err := m.ReadOnly(env, s, vm.Tx{Sender: owner}, id, "f", nil)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if got := res.Value.String(); got != c.want {
			t.Errorf("%s of %v in epoch %v: %s, not %s", c.expr, c.version, c.epoch, got, c.want)
		}
	}
}
