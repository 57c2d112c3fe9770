package consensus

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// ScriptFlags are the script rules of every block after genesis.
const ScriptFlags = txscript.ScriptBip16 | txscript.ScriptVerifyDERSignatures | txscript.ScriptVerifyCheckLockTimeVerify |
	txscript.ScriptVerifyCheckSequenceVerify | txscript.ScriptVerifyWitness | txscript.ScriptStrictMultiSig |
	txscript.ScriptVerifyTaproot

// input is one script to run.
type input struct {
	tx     *btcutil.Tx
	at     int
	hashes func() *txscript.TxSigHashes // made once for a transaction, by whichever core comes first
}

// CheckScripts runs the scripts of all inputs of a block, which Connect has passed with this view, on all cores.
// Signatures found in cache, which may be nil, are not checked again. It returns ctx's error when that ends first.
func CheckScripts(ctx context.Context, b *btcutil.Block, view *blockchain.UtxoViewpoint, cache *txscript.SigCache) error {
	var ins []input
	for _, tx := range b.Transactions()[1:] {
		hashes := sync.OnceValue(func() *txscript.TxSigHashes { return txscript.NewTxSigHashes(tx.MsgTx(), view) })
		for i := range tx.MsgTx().TxIn {
			ins = append(ins, input{tx, i, hashes})
		}
	}
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		wg     sync.WaitGroup
	)
	for range min(runtime.GOMAXPROCS(0), len(ins)) {
		wg.Go(func() {
			for failed.Load() == nil && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(ins) {
					return
				}
				if err := ins[i].run(view, cache); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

func (in input) run(view *blockchain.UtxoViewpoint, cache *txscript.SigCache) error {
	tx := in.tx.MsgTx()
	prev := view.FetchPrevOutput(tx.TxIn[in.at].PreviousOutPoint)
	if prev == nil {
		return Rule(blockchain.ErrMissingTxOut, "output %v does not exist", tx.TxIn[in.at].PreviousOutPoint)
	}
	if in.direct(prev, view, cache) {
		return nil
	}
	vm, err := txscript.NewEngine(prev.PkScript, tx, in.at, ScriptFlags, cache, in.hashes(), prev.Value, view)
	if err != nil {
		return failedScript(blockchain.ErrScriptMalformed, in.tx, in.at, err)
	}
	if err := vm.Execute(); err != nil {
		return failedScript(blockchain.ErrScriptValidation, in.tx, in.at, err)
	}
	return nil
}

// Solved says whether a header meets its own target.
func Solved(h *wire.BlockHeader) bool {
	hash := h.BlockHash()
	return blockchain.HashToBig(&hash).Cmp(blockchain.CompactToBig(h.Bits)) <= 0
}
