package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
)

// coinSet is what Bitcoin Core's gettxoutsetinfo tells of a coin set, in its names.
type coinSet struct {
	Height  int32       `json:"height"`
	Tip     string      `json:"bestblock"`
	Hash    string      `json:"hash_serialized_3"`
	Outputs int         `json:"txouts"`
	Txs     int         `json:"transactions"`
	Bogo    int64       `json:"bogosize"`
	Total   json.Number `json:"total_amount"`
}

// coinsOf is the account of a chain's coins as Bitcoin Core's gettxoutsetinfo computes it: hash_serialized_3 is the double
// SHA-256 of every coin's outpoint, height with the coinbase flag, and output, in the order of the database's keys.
func coinsOf(t testing.TB, c *chain.Chain) coinSet {
	t.Helper()
	var (
		s     coinSet
		sum   int64
		last  chainhash.Hash
		buf   bytes.Buffer
		total = sha256.New()
	)
	at, err := c.EachCoin(context.Background(), func(o wire.OutPoint, coin chain.Coin) error {
		s.Outputs++
		if o.Hash != last || s.Outputs == 1 {
			s.Txs++
			last = o.Hash
		}
		sum += coin.Out.Value
		s.Bogo += int64(32 + 4 + 4 + 8 + 2 + len(coin.Out.PkScript))
		code := uint32(coin.Height) << 1
		if coin.Coinbase {
			code |= 1
		}
		buf.Reset()
		buf.Write(o.Hash[:])
		binary.Write(&buf, binary.LittleEndian, o.Index)
		binary.Write(&buf, binary.LittleEndian, code)
		wire.WriteTxOut(&buf, 0, 0, &coin.Out)
		total.Write(buf.Bytes())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Height, s.Tip = at.Height, at.Hash.String()
	s.Hash = chainhash.HashH(total.Sum(nil)).String()
	s.Total = json.Number(btcutil.Amount(sum).Format(btcutil.AmountBTC))
	s.Total = s.Total[:len(s.Total)-len(" BTC")]
	return s
}

// same holds two accounts of the coin set against each other.
func same(t testing.TB, ours, theirs coinSet) {
	t.Helper()
	a, errA := btcValue(ours.Total)
	b, errB := btcValue(theirs.Total)
	if errA != nil || errB != nil || a != b {
		t.Errorf("total amount %v, bitcoind's %v (%v %v)", ours.Total, theirs.Total, errA, errB)
	}
	ours.Total, theirs.Total = "", ""
	if ours != theirs {
		t.Errorf("the coin sets differ:\nours       %+v\nbitcoind's %+v", ours, theirs)
	}
}

// btcValue is an amount of coins in base units.
func btcValue(n json.Number) (btcutil.Amount, error) {
	f, err := n.Float64()
	if err != nil {
		return 0, err
	}
	return btcutil.NewAmount(f)
}
