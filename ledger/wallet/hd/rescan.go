package hd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"funai/ledger/chain"
)

var (
	// ErrScanUnderWay says that the chain is being read again already.
	ErrScanUnderWay = errors.New("wallet is reading the chain already")
	// ErrAborted says that AbortRescan ended a Rescan.
	ErrAborted = errors.New("rescan was aborted")
)

// scan is a Rescan under way.
type scan struct {
	on, abort       bool
	from, at, until int32
	since           time.Time
}

// Progress is how far the wallet is with reading the chain, either again because of Rescan or because it is behind.
type Progress struct {
	Scanning bool
	Duration time.Duration // since a Rescan began; 0 for a wallet that is behind
	Share    float64       // done, 0 to 1
}

func (w *Wallet) progress() Progress {
	if s := w.scan; s.on {
		return Progress{true, w.cfg.Now().Sub(s.since), float64(s.at-s.from) / float64(max(1, s.until-s.from+1))}
	}
	if tip := w.cfg.Chain.Tip().Height; w.behind() {
		return Progress{Scanning: true, Share: float64(w.at.Height) / float64(tip)}
	}
	return Progress{}
}

// Rescan reads the blocks of a range of heights again, for transactions that the wallet does not know. A negative last
// height means the tip. It returns the last height read. The birthday does not matter to it. Errors wrap ErrRange,
// ErrScanUnderWay, ErrAborted and ErrPruned.
func (w *Wallet) Rescan(ctx context.Context, first, last int32) (int32, error) {
	if err := w.enter(ctx); err != nil {
		return 0, err
	}
	err := w.beginScan(first, &last)
	w.mu.Unlock()
	if err != nil {
		return 0, err
	}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.scan = scan{}
	}()
	for height := first; height <= last; height++ {
		if err := ctx.Err(); err != nil {
			return max(first, height-1), err
		}
		if err := w.rescanBlock(height); err != nil {
			return max(first, height-1), err
		}
	}
	return last, nil
}

func (w *Wallet) beginScan(first int32, last *int32) error {
	if *last < 0 {
		*last = w.at.Height
	}
	switch {
	case w.scan.on || w.behind():
		return ErrScanUnderWay
	case first < 0 || first > w.at.Height:
		return fmt.Errorf("%w: first height %d is not within 0 to %d", ErrRange, first, w.at.Height)
	case *last < first || *last > w.at.Height:
		return fmt.Errorf("%w: last height %d is not within %d to %d", ErrRange, *last, first, w.at.Height)
	}
	w.scan = scan{on: true, from: first, at: first, until: *last, since: w.cfg.Now()}
	return nil
}

// rescanBlock reads the block at a height, if the wallet has read that far: one that a reorg has taken away meanwhile comes
// back by itself.
func (w *Wallet) rescanBlock(height int32) error {
	i, ok := w.cfg.Chain.IndexAt(height)
	if !ok {
		return nil
	}
	b, err := w.cfg.Chain.Block(i.Hash)
	if errors.Is(err, chain.ErrMissing) {
		return fmt.Errorf("%w: at height %d: %v", ErrPruned, height, err)
	}
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if w.scan.abort {
		return ErrAborted
	}
	w.scan.at = height
	if height > w.at.Height || !w.onChain(w.at) || !w.onChain(i) || !w.onChain(w.at) {
		return nil // not a block below the one that the wallet stands at, for now
	}
	w.applyAll(i, b)
	if len(w.dirty) == 0 && !w.used {
		return nil
	}
	return w.commit(false)
}

func (w *Wallet) onChain(i chain.Index) bool {
	on, ok := w.cfg.Chain.IndexAt(i.Height)
	return ok && on == i
}

// AbortRescan ends a Rescan soon, and says whether there was one.
func (w *Wallet) AbortRescan() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.scan.on || w.scan.abort {
		return false
	}
	w.scan.abort = true
	return true
}
