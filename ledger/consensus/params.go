// Package consensus holds the ledger's rules: what a network is, and what makes a header, a block and a transaction valid
// on it. Everything here is a function of the values handed in: no clock, no disk, no lock, no logger. The rules are
// Bitcoin's (BIPs 16, 30, 34, 65, 66, 68, 112, 113, 141, 143, 147, 340 to 342), by way of the exported helpers of
// btcd's blockchain package; the numbers are the FUN AI whitepaper's, section 6, and docs/ledger.md's. It imports amount
// and its own folder, and nothing else of the project.
package consensus

import (
	"math/big"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/amount"
)

const (
	// BaseSubsidy is what the ledger issues for each block before the first halving.
	BaseSubsidy = 3 * amount.FAI / 2
	// HalvingInterval is the number of blocks, on both layers, after which rewards halve: with 1.5 FAI here and 3.5 on
	// the inference layer it makes 21 million FAI, the whitepaper's cap.
	HalvingInterval = 2_100_000
)

// Params is one network. It is a value handed in wherever a rule needs it, and is never changed after it is made. Every
// network here has all of Bitcoin's soft forks from block 1.
type Params struct {
	*chaincfg.Params
	// BaseSubsidy is the reward of the first blocks in base units; it halves every SubsidyReductionInterval blocks.
	BaseSubsidy amount.Amount
	// Spacing is the time aimed at between two blocks: TargetTimePerBlock.
	Spacing time.Duration
	// MinimumChainWork is the number of hashes that the chain is known to have taken at the least; a chain of less is
	// still being downloaded, or is not this network's. nil counts as 0, which is what networks have that are young.
	MinimumChainWork *big.Int
	// AssumeValid is a block whose ancestors' scripts, and its own, its authors have found good; a node need not run
	// them again. Zero where a network has named none.
	AssumeValid chainhash.Hash
}

// Main is the network whose coins are meant to have value.
func Main() *Params {
	return network(chaincfg.Params{
		Name: "main", Net: 0xfa01a1f1, DefaultPort: "27333",
		// The easiest target is 256 times Bitcoin's, so that a network of a few processors (280 kH/s) finds its first
		// blocks about a minute apart.
		PowLimitBits: 0x1e00ffff, CoinbaseMaturity: 100, TargetTimePerBlock: time.Minute,
		Bech32HRPSegwit: "fai", PubKeyHashAddrID: 35, ScriptHashAddrID: 95, PrivateKeyID: 163,
		HDPrivateKeyID: [4]byte{0x04, 0x88, 0xad, 0xe4}, HDPublicKeyID: [4]byte{0x04, 0x88, 0xb2, 0x1e},
		HDCoinType: 4001, // registered by nobody in SLIP-44
	}, genesis{time: 1_762_300_800, nonce: mainNonce})
}

// Test is Main with worthless coins and an easier first target. It has no rule of its own: in particular no
// minimum-difficulty exception, which on Bitcoin's test networks makes storms of blocks.
func Test() *Params {
	return network(chaincfg.Params{
		Name: "test", Net: 0xfa02a1f2, DefaultPort: "37333",
		PowLimitBits: 0x1f00ffff, CoinbaseMaturity: 100, TargetTimePerBlock: time.Minute,
		Bech32HRPSegwit: "fait", PubKeyHashAddrID: 0x6f, ScriptHashAddrID: 0xc4, PrivateKeyID: 0xef,
		HDPrivateKeyID: [4]byte{0x04, 0x35, 0x83, 0x94}, HDPublicKeyID: [4]byte{0x04, 0x35, 0x87, 0xcf}, HDCoinType: 1,
	}, genesis{time: 1_762_300_800, nonce: testNonce})
}

// Dev is for one machine: any second nonce will do, difficulty never changes, coins mature in 10 blocks.
func Dev() *Params {
	return network(chaincfg.Params{
		Name: "dev", Net: 0xfa03a1f3, DefaultPort: "28444",
		PowLimitBits: 0x207fffff, PoWNoRetargeting: true, CoinbaseMaturity: 10, TargetTimePerBlock: 2 * time.Second,
		GenerateSupported: true, RelayNonStdTxs: true,
		Bech32HRPSegwit: "faid", PubKeyHashAddrID: 0x6f, ScriptHashAddrID: 0xc4, PrivateKeyID: 0xef,
		HDPrivateKeyID: [4]byte{0x04, 0x35, 0x83, 0x94}, HDPublicKeyID: [4]byte{0x04, 0x35, 0x87, 0xcf}, HDCoinType: 1,
		// Genesis is as old as the fake clock of testing/synctest (2000-01-01 UTC), so that a network can live on it:
		// a younger one would make every block come from the future.
	}, genesis{time: 946_684_800, nonce: devNonce})
}

// BitcoinRegtest is Bitcoin's own regression test network, so that foreign suites and a real bitcoind test the code that
// runs our networks.
func BitcoinRegtest() *Params {
	cp := chaincfg.RegressionNetParams
	cp.Name = "bitcoin-regtest"
	return &Params{
		Params: &cp, BaseSubsidy: 50 * amount.FAI, Spacing: cp.TargetTimePerBlock, MinimumChainWork: new(big.Int),
	}
}

// network fills in what all networks of ours have in common.
func network(cp chaincfg.Params, g genesis) *Params {
	cp.GenesisBlock = g.block(cp.Name, cp.PowLimitBits)
	hash := cp.GenesisBlock.BlockHash()
	cp.GenesisHash = &hash
	cp.PowLimit = blockchain.CompactToBig(cp.PowLimitBits)
	cp.BIP0034Height, cp.BIP0065Height, cp.BIP0066Height = 1, 1, 1
	cp.SubsidyReductionInterval = HalvingInterval
	cp.TargetTimespan = 2016 * cp.TargetTimePerBlock // Bitcoin's number of blocks between two retargets
	cp.RetargetAdjustmentFactor = 4
	cp.MinerConfirmationWindow, cp.RuleChangeActivationThreshold = 2016, 1916 // 95 %, BIP9
	for i := range cp.Deployments {
		cp.Deployments[i] = chaincfg.ConsensusDeployment{
			BitNumber: uint8(i), AlwaysActiveHeight: 1,
			DeploymentStarter: chaincfg.NewMedianTimeDeploymentStarter(time.Time{}),
			DeploymentEnder:   chaincfg.NewMedianTimeDeploymentEnder(time.Time{}),
		}
	}
	return &Params{
		Params: &cp, BaseSubsidy: BaseSubsidy, Spacing: cp.TargetTimePerBlock, MinimumChainWork: new(big.Int),
	}
}

// ChainParams hands btcd's helpers the network, with the methods below it (blockchain.ChainCtx).
func (p *Params) ChainParams() *chaincfg.Params { return p.Params }

// BlocksPerRetarget is the number of blocks between two changes of difficulty.
func (p *Params) BlocksPerRetarget() int32 { return int32(p.TargetTimespan / p.TargetTimePerBlock) }

// MinRetargetTimespan is the least time, in seconds, that a retarget takes a period to have lasted.
func (p *Params) MinRetargetTimespan() int64 {
	return int64(p.TargetTimespan/time.Second) / p.RetargetAdjustmentFactor
}

// MaxRetargetTimespan is the most time, in seconds, that a retarget takes a period to have lasted.
func (p *Params) MaxRetargetTimespan() int64 {
	return int64(p.TargetTimespan/time.Second) * p.RetargetAdjustmentFactor
}

// VerifyCheckpoint passes every block: no network here has checkpoints.
func (p *Params) VerifyCheckpoint(int32, *chainhash.Hash) bool { return true }

// FindPreviousCheckpoint finds none.
func (p *Params) FindPreviousCheckpoint() (blockchain.HeaderCtx, error) { return nil, nil }

var _ blockchain.ChainCtx = (*Params)(nil)
