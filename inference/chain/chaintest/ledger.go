package chaintest

import (
	"slices"
	"sync"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/inference/chain"
	"funai/key"
	ledger "funai/ledger/chain"
)

// Ledger is a ledger whose blocks a test makes one by one, on whatever fork it likes, without proof of work.
type Ledger struct {
	mu      sync.Mutex
	all     map[chainhash.Hash]ledger.Update
	best    []ledger.Update // the best chain, by height
	made    uint32          // makes every block another one
	changed chan struct{}
}

var _ chain.Ledger = (*Ledger)(nil)

// NewLedger makes a ledger that has its genesis.
func NewLedger() *Ledger {
	l := &Ledger{all: map[chainhash.Hash]ledger.Update{}, changed: make(chan struct{})}
	l.Mine()
	return l
}

// Op is an operation on the ledger: a transaction of a key with these outputs.
type Op struct {
	By   *key.Private
	Outs []*wire.TxOut
}

// firstBlock is when the genesis was made; the others follow a second apart.
const firstBlock = 1_700_000_000

// Mine puts a block with these operations on the best chain. They are its transactions 1, 2 and so on.
func (l *Ledger) Mine(ops ...Op) ledger.Index {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	b := &wire.MsgBlock{Header: wire.BlockHeader{Nonce: l.made, Timestamp: time.Unix(firstBlock+int64(l.made), 0)}}
	if n := len(l.best); n > 0 {
		b.Header.PrevBlock = l.best[n-1].Hash
	}
	b.Transactions = []*wire.MsgTx{{TxOut: []*wire.TxOut{wire.NewTxOut(1, []byte{0x51})}}}
	spent := [][]*wire.TxOut{nil}
	for _, o := range ops {
		b.Transactions = append(b.Transactions, &wire.MsgTx{LockTime: l.made, TxOut: o.Outs})
		spent = append(spent, []*wire.TxOut{wire.NewTxOut(1, o.By.Public().Hash160().LedgerScript())})
	}
	u := ledger.Update{Index: ledger.Index{Height: int32(len(l.best)), Hash: b.Header.BlockHash()}, Block: b, Spent: spent}
	l.all[u.Hash] = u
	l.move(append(slices.Clip(l.best), u))
	return u.Index
}

// move makes a chain the best one; the lock is held.
func (l *Ledger) move(best []ledger.Update) {
	l.best = best
	close(l.changed)
	l.changed = make(chan struct{})
}

// Reset makes a block, of whatever fork, the tip of the best chain.
func (l *Ledger) Reset(to ledger.Index) {
	l.mu.Lock()
	defer l.mu.Unlock()
	best := make([]ledger.Update, to.Height+1)
	for h := to.Hash; to.Height >= 0; to.Height-- {
		best[to.Height] = l.all[h]
		h = best[to.Height].Block.Header.PrevBlock
	}
	l.move(best)
}

// Tip is the end of the best chain.
func (l *Ledger) Tip() ledger.Index {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.best[len(l.best)-1].Index
}

// At is the best chain's block at a height.
func (l *Ledger) At(height uint32) ledger.Index {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.best[height].Index
}

// Changed is closed when the best chain changes next.
func (l *Ledger) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// UpdatesSince implements chain.Ledger.
func (l *Ledger) UpdatesSince(at ledger.Index, limit int) (reverted, applied []ledger.Update, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at == (ledger.Index{}) {
		at.Height = -1
	}
	for at.Height >= 0 && (int(at.Height) >= len(l.best) || l.best[at.Height].Hash != at.Hash) {
		if len(reverted) == limit {
			return reverted, nil, nil
		}
		u := l.all[at.Hash]
		reverted = append(reverted, u)
		at = ledger.Index{Height: u.Height - 1, Hash: u.Block.Header.PrevBlock}
	}
	end := min(len(l.best), int(at.Height)+1+limit-len(reverted))
	return reverted, slices.Clone(l.best[at.Height+1 : end]), nil
}
