package hd

import (
	"errors"
	"sync"
)

// ErrLoaded says that the wallet is open already.
var ErrLoaded = errors.New("wallet is loaded already")

// Loader is where a node keeps its wallet: there may be none yet, and one may be made while the node runs.
type Loader struct {
	cfg Config

	mu sync.Mutex
	w  *Wallet
}

// NewLoader opens nothing yet. cfg.Dir is the folder in which a wallet is or will be.
func NewLoader(cfg Config) *Loader { return &Loader{cfg: cfg} }

// Load opens the wallet. Errors are those of Open, ErrNone above all, and ErrLoaded.
func (l *Loader) Load() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w != nil {
		return ErrLoaded
	}
	w, err := Open(l.cfg)
	if err == nil {
		l.w = w
	}
	return err
}

// Wallet is the open wallet; ErrNone if there is none.
func (l *Loader) Wallet() (*Wallet, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil {
		return nil, ErrNone
	}
	return l.w, nil
}

// Config is what wallets are opened with.
func (l *Loader) Config() Config { return l.cfg }

// Close closes the wallet if one is open. Another may be loaded afterwards.
func (l *Loader) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil {
		return nil
	}
	err := l.w.Close()
	l.w = nil
	return err
}
