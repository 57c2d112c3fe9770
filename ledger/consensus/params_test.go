package consensus

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/amount"
)

func ours() []*Params { return []*Params{Main(), Test(), Dev()} }

func TestGenesisPaysNothing(t *testing.T) {
	for _, p := range ours() {
		for _, tx := range p.GenesisBlock.Transactions {
			for _, out := range tx.TxOut {
				if out.Value != 0 || out.PkScript[0] != txscript.OP_RETURN {
					t.Errorf("%s: genesis pays %d to %x", p.Name, out.Value, out.PkScript)
				}
			}
		}
		if p.Subsidy(0) != 0 || p.Subsidy(1) != 150_000_000 {
			t.Errorf("%s: issues %d at genesis, %d in block 1", p.Name, p.Subsidy(0), p.Subsidy(1))
		}
	}
}

// The hashes are what nodes of a network recognise one another by: they never change.
func TestGenesisBlocksAreTheseAndHaveTheirProofOfWork(t *testing.T) {
	want := map[string]string{
		"main":            "0000001442371fe18869755bb01616ebc4da39df3bb2345dc5573c642847e912",
		"test":            "000086209406570c65a4c4d8cd050940c190539d8b2dcae2682201aca5950415",
		"dev":             "3a6c46d407043527664a553499080ad163eb86a866e2b20e2f4960b875ec8221",
		"bitcoin-regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", // chainparams.cpp of Bitcoin Core
	}
	for _, p := range append(ours(), BitcoinRegtest()) {
		if got := p.GenesisBlock.BlockHash(); got.String() != want[p.Name] || got != *p.GenesisHash {
			t.Errorf("%s: genesis %v, %v, want %s", p.Name, got, p.GenesisHash, want[p.Name])
		}
		if err := CheckBlock(p, btcutil.NewBlock(p.GenesisBlock), p.GenesisBlock.Header.Timestamp); err != nil {
			t.Errorf("%s: genesis: %v", p.Name, err)
		}
	}
}

func TestNetworksCannotBeTakenForOneAnother(t *testing.T) {
	all := append(ours(), BitcoinRegtest())
	for _, other := range []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.SimNetParams} {
		all = append(all, &Params{Params: other})
	}
	for i, p := range all {
		for _, q := range all[:i] {
			if p.Net == q.Net || p.DefaultPort == q.DefaultPort || p.Bech32HRPSegwit == q.Bech32HRPSegwit || *p.GenesisHash == *q.GenesisHash {
				t.Errorf("%s and %s share magic, port, prefix or genesis", p.Name, q.Name)
			}
		}
	}
}

func TestNetworksHaveTheNumbersOfTheLedgersTable(t *testing.T) {
	for _, w := range []struct {
		p        *Params
		base     amount.Amount
		halving  int32
		spacing  time.Duration
		retarget bool
		maturity uint16
		hrp      string
	}{
		{Main(), 150_000_000, 2_100_000, time.Minute, true, 100, "fai"},
		{Test(), 150_000_000, 2_100_000, time.Minute, true, 100, "fait"},
		{Dev(), 150_000_000, 2_100_000, 2 * time.Second, false, 10, "faid"},
		{BitcoinRegtest(), 50 * amount.FAI, 150, 10 * time.Minute, false, 100, "bcrt"},
	} {
		p := w.p
		if p.BaseSubsidy != w.base || p.SubsidyReductionInterval != w.halving || p.Spacing != w.spacing ||
			p.TargetTimePerBlock != w.spacing || p.PoWNoRetargeting == w.retarget || p.CoinbaseMaturity != w.maturity ||
			p.Bech32HRPSegwit != w.hrp || p.BlocksPerRetarget() != 2016 {
			t.Errorf("%s: %+v", p.Name, p.Params)
		}
		if !p.PoWNoRetargeting && (p.ReduceMinDifficulty || p.EnforceBIP94) {
			t.Errorf("%s: difficulty follows rules that NextBits does not know", p.Name)
		}
		if p.BIP0034Height > 1 || p.BIP0065Height > 1 || p.BIP0066Height > 1 {
			t.Errorf("%s: soft forks start late", p.Name)
		}
		if blockchain.BigToCompact(p.PowLimit) != p.PowLimitBits {
			t.Errorf("%s: limit %x is not %08x", p.Name, p.PowLimit, p.PowLimitBits)
		}
	}
}

func TestBothLayersTogetherIssueJustUnderTheCap(t *testing.T) {
	// 3.5 FAI is the inference layer's reward; its rule lives there.
	sum := func(base amount.Amount) (total amount.Amount) {
		for h := uint32(0); ; h += HalvingInterval {
			r := Halving(base, h, HalvingInterval)
			if r == 0 {
				return total
			}
			total += r * HalvingInterval
		}
	}
	both := sum(BaseSubsidy) + sum(7*amount.FAI/2)
	if both >= amount.Max || amount.Max-both > amount.FAI {
		t.Errorf("both layers issue %v of %v", both, amount.Max)
	}
	t.Logf("ledger %v + inference %v = %v", sum(BaseSubsidy), sum(7*amount.FAI/2), both)
	// The first interval is one block short: genesis issues nothing.
	var ledger amount.Amount
	p := Main()
	for h := int64(1); h < 64*HalvingInterval; {
		next := (h/HalvingInterval + 1) * HalvingInterval
		ledger += amount.Amount(p.Subsidy(int32(h))) * amount.Amount(next-h)
		h = next
	}
	if want := sum(BaseSubsidy) - BaseSubsidy; ledger != want {
		t.Errorf("blocks issue %v, want %v", ledger, want)
	}
}

func TestHalvingAtItsEdges(t *testing.T) {
	for _, c := range []struct {
		height uint32
		want   amount.Amount
	}{{0, 5}, {9, 5}, {10, 2}, {19, 2}, {20, 1}, {30, 0}, {1 << 31, 0}} {
		if got := Halving(5, c.height, 10); got != c.want {
			t.Errorf("at %d: %d, want %d", c.height, got, c.want)
		}
	}
	if Halving(5, 1<<31, 0) != 5 {
		t.Error("an interval of 0 halves")
	}
}
