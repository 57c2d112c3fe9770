package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb" // btcd's database
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/consensus"
)

// Names of the sides, in metrics and in -only.
const (
	ours     = "funai"
	btcd     = "btcd"
	bitcoind = "bitcoind"
)

const (
	// btcdCoins is btcd's default for --utxocachemaxsize, btcdSigs for --sigcachemaxsize; its hash cache is as large.
	btcdCoins = 250 << 20
	btcdSigs  = 100_000
)

// side is a chain of either implementation, on disk.
type side interface {
	// process takes a serialized block that the rules allow.
	process(raw []byte) error
	// headers takes headers that follow one another.
	headers(hs []*wire.BlockHeader) error
	tip() chainhash.Hash
	// close brings all to the disk.
	close() error
}

// open opens a side's chain, with its own bounds on memory where coinCache, in bytes, is 0.
func open(name, dir string, coinCache int) (side, error) {
	switch name {
	case ours:
		c, err := chain.Open(consensus.BitcoinRegtest(), chain.Options{Dir: dir, CoinCacheBytes: coinCache})
		return &ourChain{c}, err
	case btcd:
		return openBtcd(dir, coinCache)
	}
	return nil, fmt.Errorf("no chain in this process is called %q", name)
}

type ourChain struct{ c *chain.Chain }

func (o *ourChain) process(raw []byte) error {
	var b wire.MsgBlock
	if err := b.Deserialize(bytes.NewReader(raw)); err != nil {
		return err
	}
	_, err := o.c.ProcessBlock(context.Background(), &b)
	return err
}

func (o *ourChain) headers(hs []*wire.BlockHeader) error {
	for len(hs) > 0 {
		n := min(len(hs), wire.MaxBlockHeadersPerMsg)
		if err := o.c.ProcessHeaders(hs[:n]); err != nil {
			return err
		}
		hs = hs[n:]
	}
	return nil
}

func (o *ourChain) tip() chainhash.Hash { return o.c.Tip().Hash }
func (o *ourChain) close() error        { return o.c.Close() }

type btcdChain struct {
	db database.DB
	c  *blockchain.BlockChain
}

// openBtcd opens btcd's chain as btcd itself does, in a directory called as btcd calls it.
func openBtcd(dir string, coinCache int) (*btcdChain, error) {
	if coinCache == 0 {
		coinCache = btcdCoins
	}
	p := consensus.BitcoinRegtest().Params
	path := filepath.Join(dir, "blocks_ffldb")
	db, err := database.Open("ffldb", path, p.Net)
	var gone database.Error
	if errors.As(err, &gone) && gone.ErrorCode == database.ErrDbDoesNotExist {
		db, err = database.Create("ffldb", path, p.Net)
	}
	if err != nil {
		return nil, err
	}
	c, err := blockchain.New(&blockchain.Config{
		DB: db, ChainParams: p, TimeSource: blockchain.NewMedianTime(), UtxoCacheMaxSize: uint64(coinCache),
		SigCache: txscript.NewSigCache(btcdSigs), HashCache: txscript.NewHashCache(btcdSigs),
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &btcdChain{db, c}, nil
}

func (b *btcdChain) process(raw []byte) error {
	block, err := btcutil.NewBlockFromBytes(raw)
	if err != nil {
		return err
	}
	_, orphan, err := b.c.ProcessBlock(block, blockchain.BFNone)
	if orphan {
		return fmt.Errorf("block %v is an orphan", block.Hash())
	}
	return err
}

func (b *btcdChain) headers(hs []*wire.BlockHeader) error {
	for _, h := range hs {
		if _, err := b.c.ProcessBlockHeader(h, blockchain.BFNone, false); err != nil {
			return err
		}
	}
	return nil
}

func (b *btcdChain) tip() chainhash.Hash { return b.c.BestSnapshot().Hash }

func (b *btcdChain) close() error {
	return errors.Join(b.c.FlushUtxoCache(blockchain.FlushRequired), b.db.Close())
}
