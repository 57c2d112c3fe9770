package differ

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/consensus"
)

// verdict is what our chain says of a block.
type verdict struct {
	err     error // nil: good
	decoded bool
	script  txscript.ErrorCode // of the first input whose script fails
	scripts bool               // one does
}

// ours judges a block on top of the tip, whatever its proof of work.
func ours(ctx context.Context, c *chain.Chain, block []byte) verdict {
	var msg wire.MsgBlock
	if err := msg.Deserialize(bytes.NewReader(block)); err != nil {
		return verdict{err: err}
	}
	v := verdict{decoded: true, err: c.CheckTemplate(ctx, &msg)}
	if consensus.Is(v.err, blockchain.ErrScriptValidation) || consensus.Is(v.err, blockchain.ErrScriptMalformed) {
		v.script, v.scripts = scriptError(c, &msg)
	}
	return v
}

// scriptError runs the scripts of a block again, one by one, for the first one's error that fails.
func scriptError(c *chain.Chain, msg *wire.MsgBlock) (txscript.ErrorCode, bool) {
	b := btcutil.NewBlock(msg)
	view, err := consensus.Gather(b, c.Tip().Height+1, func(o wire.OutPoint) (*blockchain.UtxoEntry, error) {
		coin, err := c.Coin(o)
		if err != nil || coin == nil {
			return nil, err
		}
		return blockchain.NewUtxoEntry(&coin.Out, coin.Height, coin.Coinbase), nil
	})
	if err != nil {
		return 0, false
	}
	for _, tx := range msg.Transactions[1:] {
		hashes := txscript.NewTxSigHashes(tx, view)
		for i, in := range tx.TxIn {
			prev := view.FetchPrevOutput(in.PreviousOutPoint)
			vm, err := txscript.NewEngine(prev.PkScript, tx, i, consensus.ScriptFlags, nil, hashes, prev.Value, view)
			if err == nil {
				err = vm.Execute()
			}
			if e := (txscript.Error{}); errors.As(err, &e) {
				return e.ErrorCode, true
			} else if err != nil {
				return txscript.ErrInternal, true
			}
		}
	}
	return 0, false
}

// agree says whether our verdict is bitcoind's, of which the reason to refuse is given. The second result says whether
// the classes of the reasons are the same, or only that of one is known.
func agree(v verdict, reason string) (sameVerdict, sameClass bool) {
	if (v.err == nil) != (reason == "") {
		return false, false
	}
	if v.err == nil {
		return true, true
	}
	if !v.decoded { // bitcoind may have decoded something, and refused it for any reason
		return true, true
	}
	code, ok := consensus.Broken(v.err)
	if !ok {
		return true, false
	}
	name, detail, _ := strings.Cut(strings.TrimSuffix(reason, ")"), " (")
	name, _, _ = strings.Cut(name, "(")
	codes, known := classes[name]
	if !known || !slices.Contains(codes, code) {
		return true, false
	}
	if v.scripts && detail != "" {
		return true, sameScriptFault(detail, v.script)
	}
	return true, true
}
