package mempool

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"funai/ledger/consensus"
)

// inputsPerCore is the number of inputs that are worth another goroutine.
const inputsPerCore = 4

// checkScripts runs the scripts of all inputs under the rules of relay. One that breaks them yet would be good in a block
// is refused as a matter of policy. Signatures found good are remembered for the block that will hold them.
func (p *Pool) checkScripts(tx *btcutil.Tx, view *blockchain.UtxoViewpoint) error {
	hashes := txscript.NewTxSigHashes(tx.MsgTx(), view)
	at, err := p.runScripts(tx, view, hashes, txscript.StandardVerifyFlags)
	if err == nil {
		return nil
	}
	kind := ErrScript
	if _, other := p.runScripts(tx, view, hashes, consensus.ScriptFlags); other == nil {
		kind = ErrPolicy
	}
	reason := "mempool-script-verify-flag-failed (" + consensus.ScriptWords(err) + ")"
	return refuse(kind, reason, "input %v:%d: %v", tx.Hash(), at, err)
}

// runScripts returns an input that fails, and why.
func (p *Pool) runScripts(tx *btcutil.Tx, view *blockchain.UtxoViewpoint, hashes *txscript.TxSigHashes, flags txscript.ScriptFlags) (int, error) {
	type failure struct {
		at  int
		err error
	}
	var (
		next   atomic.Int64
		failed atomic.Pointer[failure]
		wg     sync.WaitGroup
	)
	inputs := len(tx.MsgTx().TxIn)
	work := func() {
		for failed.Load() == nil {
			i := int(next.Add(1)) - 1
			if i >= inputs {
				return
			}
			if err := p.runScript(tx, i, view, hashes, flags); err != nil {
				failed.CompareAndSwap(nil, &failure{i, err})
			}
		}
	}
	for range min(runtime.GOMAXPROCS(0), inputs/inputsPerCore) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	if f := failed.Load(); f != nil {
		return f.at, f.err
	}
	return 0, nil
}

func (p *Pool) runScript(tx *btcutil.Tx, i int, view *blockchain.UtxoViewpoint, hashes *txscript.TxSigHashes, flags txscript.ScriptFlags) error {
	prev := view.FetchPrevOutput(tx.MsgTx().TxIn[i].PreviousOutPoint)
	vm, err := txscript.NewEngine(prev.PkScript, tx.MsgTx(), i, flags, p.c.SigCache(), hashes, prev.Value, view)
	if err != nil {
		return err
	}
	return vm.Execute()
}
