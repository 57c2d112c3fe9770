package chain_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/btcsuite/btcd/blockchain/fullblocktests"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
)

// keeper keeps orphans as btcd does, for suites that hand blocks in before their parents.
type keeper struct {
	c       *chain.Chain
	orphans map[chainhash.Hash][]*wire.MsgBlock
}

func (k *keeper) process(t *testing.T, b *wire.MsgBlock) (o chain.Outcome, err error) {
	o, err = k.c.ProcessBlock(t.Context(), b)
	if o.Orphan {
		k.orphans[b.Header.PrevBlock] = append(k.orphans[b.Header.PrevBlock], b)
		return o, nil
	}
	for queue := []chainhash.Hash{b.BlockHash()}; err == nil && len(queue) > 0; queue = queue[1:] {
		for _, orphan := range k.orphans[queue[0]] {
			// btcd reports the orphan's failure as its parent's.
			if _, e := k.c.ProcessBlock(t.Context(), orphan); e != nil && err == nil {
				err = e
			}
			queue = append(queue, orphan.BlockHash())
		}
		delete(k.orphans, queue[0])
	}
	return o, err
}

// btcd's suite of blocks good and bad, with the exact code for each. LEDGER_LARGE=1 adds its reorganization of 1,088
// full blocks.
func TestFullBlockSuiteOfBtcd(t *testing.T) {
	large := os.Getenv("LEDGER_LARGE") != ""
	groups, err := fullblocktests.Generate(large)
	if err != nil {
		t.Fatal(err)
	}
	c := chaintest.Open(t, consensus.BitcoinRegtest(), chain.Options{FS: vfs.NewMem(), NoSync: true})
	k := &keeper{c, map[chainhash.Hash][]*wire.MsgBlock{}}
	count := map[string]int{}
	for _, group := range groups {
		for _, item := range group {
			switch item := item.(type) {
			case fullblocktests.AcceptedBlock:
				count["accepted"]++
				o, err := k.process(t, item.Block)
				if err != nil || o.MainChain != item.IsMainChain || o.Orphan != item.IsOrphan {
					t.Errorf("%s: %+v, %v; want main %v, orphan %v", item.Name, o, err, item.IsMainChain, item.IsOrphan)
				}
			case fullblocktests.RejectedBlock:
				count["rejected"]++
				if _, err := k.process(t, item.Block); !consensus.Is(err, item.RejectCode) {
					t.Errorf("%s: %v, want %v", item.Name, err, item.RejectCode)
				}
			case fullblocktests.OrphanOrRejectedBlock:
				count["orphan or rejected"]++
				if o, err := k.process(t, item.Block); err == nil && !o.Orphan {
					t.Errorf("%s: accepted", item.Name)
				}
			case fullblocktests.ExpectedTip:
				count["tip"]++
				if c.Tip().Hash != item.Block.BlockHash() {
					t.Errorf("%s: tip %v, want %v", item.Name, c.Tip(), item.Block.BlockHash())
				}
			case fullblocktests.RejectedNonCanonicalBlock:
				count["not canonical"]++
				var b wire.MsgBlock
				var me *wire.MessageError
				if err := b.BtcDecode(bytes.NewReader(item.RawBlock), 0, wire.BaseEncoding); !errors.As(err, &me) {
					t.Errorf("%s: %v", item.Name, err)
				}
			case fullblocktests.BlockDisconnectExpectUTXO:
				count["coin after disconnecting"]++ // TestReorgAndBackLeavesTheSameCoins asks the same of every coin
			default:
				t.Errorf("an item this test does not know: %T", item)
			}
			invariant(t, c)
		}
	}
	for name, least := range map[string]int{"accepted": 143, "rejected": 43, "tip": 12} {
		if count[name] < least {
			t.Errorf("only %d %s", count[name], name)
		}
	}
	t.Log(count, c.Tip(), c.Totals())
	audit(t, c)
}

// invariant is what holds at every block.
func invariant(t testing.TB, c *chain.Chain) {
	t.Helper()
	if s := c.Totals(); s.Issued != s.Held+s.Burned || s.Immature > s.Held {
		t.Fatalf("at %v: totals %+v", c.Tip(), s)
	}
}

// audit adds up the whole coin set, and returns it.
func audit(t testing.TB, c *chain.Chain) map[wire.OutPoint]chain.Coin {
	t.Helper()
	coins, err := c.Coins()
	if err != nil {
		t.Fatal(err)
	}
	var held, immature int64
	next := c.Tip().Height + 1
	for _, coin := range coins {
		held += coin.Out.Value
		if coin.Coinbase && next-coin.Height < int32(c.Params().CoinbaseMaturity) {
			immature += coin.Out.Value
		}
	}
	s := c.Totals()
	if uint64(held) != uint64(s.Held) || uint64(immature) != uint64(s.Immature) || s.Issued != s.Held+s.Burned {
		t.Fatalf("at %v: coins hold %d, %d immature; totals %+v", c.Tip(), held, immature, s)
	}
	return coins
}
