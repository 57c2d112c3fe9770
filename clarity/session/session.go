// Package session is a simulated chain for those who write contracts: it deploys and calls them in a block each, advances
// blocks, gives out coins, and shows what happened. Nothing in it is random and it needs no clock, so a session does the
// same each time.
package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"funai/clarity/check"
	"funai/clarity/cost"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// ChainID is the simulated chain's: that of a test network.
const ChainID = 0x80000000

// Who is who if nothing else is said.
var (
	// Nobody is the null address of test networks: snippets run under it.
	Nobody = value.Principal{Version: 26}
	// Deployer sends what names no sender.
	Deployer = must("ST1PQHQKV0RJXZFY1DGX8MNSNYVE3VGZJSRTPGZGM")
)

func must(s string) value.Principal {
	p, err := value.ParsePrincipal(s)
	if err != nil {
		return value.Principal{} // a test has it
	}
	return p
}

// The errors of a session.
var (
	ErrAccess   = errors.New("function of another kind")
	ErrNotFound = errors.New("not found")
)

// Options say what a session begins as. The zero Options is good.
type Options struct {
	Epoch    types.Epoch     // 0 is the latest
	Deployer value.Principal // zero is Deployer
	Limit    cost.Cost       // of each transaction; zero is cost.BlockLimit
	Ledger   bool            // contracts have the words that read the ledger
}

// Session is a simulated chain and who uses it. It is for one goroutine at a time.
type Session struct {
	vm        *vm.VM
	chain     *chain
	sender    value.Principal
	limit     cost.Cost
	snippets  int
	contracts []value.Principal
	held      holdings
}

// New begins a session.
func New(o Options) *Session {
	if o.Epoch == 0 {
		o.Epoch = types.LatestEpoch
	}
	if o.Deployer == (value.Principal{}) {
		o.Deployer = Deployer
	}
	if o.Limit == (cost.Cost{}) {
		o.Limit = cost.BlockLimit
	}
	return &Session{vm: vm.New(vm.Config{Ledger: o.Ledger}), chain: newChain(o.Epoch), sender: o.Deployer, limit: o.Limit, held: holdings{}}
}

// SetEpoch goes on under an epoch's rules, which may not be an earlier one than now.
func (s *Session) SetEpoch(e types.Epoch) error {
	if !slices.Contains(types.Epochs(), e) || e < s.chain.epoch {
		return fmt.Errorf("%w from %v on: %v", types.ErrEpoch, s.chain.epoch, e)
	}
	s.chain.enter(e)
	return nil
}

// Epoch is the one whose rules are in force.
func (s *Session) Epoch() types.Epoch { return s.chain.epoch }

// SetSender says who sends from now on.
func (s *Session) SetSender(p value.Principal) { s.sender = p }

// Sender is who sends.
func (s *Session) Sender() value.Principal { return s.sender }

// Height is that of the block in the making, and BurnHeight that of the ledger as contracts see it.
func (s *Session) Height() uint64 { return s.chain.height }

// BurnHeight is the ledger's height as contracts see it.
func (s *Session) BurnHeight() uint64 { return s.chain.env().BurnHeight() }

// Contracts are those deployed, in order.
func (s *Session) Contracts() []value.Principal { return slices.Clone(s.contracts) }

// Contract reads a contract's name: a whole principal, or a name alone, which is the sender's contract.
func (s *Session) Contract(name string) (value.Principal, error) {
	name = strings.TrimPrefix(name, "'")
	if strings.Contains(strings.TrimPrefix(name, "."), ".") {
		return value.ParsePrincipal(name)
	}
	p := s.sender
	p.Contract = strings.TrimPrefix(name, ".")
	return value.ParsePrincipal(p.String())
}

func (s *Session) tx() vm.Tx { return vm.Tx{Sender: s.sender, Limit: s.limit} }

// Deploy deploys a contract of the sender's in a block of its own; version 0 is the epoch's newest.
func (s *Session) Deploy(name, source string, version types.Version) (*vm.Result, error) {
	id := s.sender
	id.Contract = name
	if _, err := value.ParsePrincipal(id.String()); err != nil {
		return nil, err
	}
	if version == 0 {
		version = s.chain.epoch.MaxVersion()
	}
	s.chain.mine()
	r, err := s.vm.Deploy(s.chain.env(), s.chain.now, s.tx(), id, source, version)
	if err == nil {
		s.contracts = append(s.contracts, id)
	}
	return s.done(r, err)
}

// done takes note of what a transaction did to who has what.
func (s *Session) done(r *vm.Result, err error) (*vm.Result, error) {
	if err == nil && r.Committed {
		for _, e := range r.Events {
			s.held.follow(e)
		}
	}
	return r, err
}

// Call calls a public function in a block of its own.
func (s *Session) Call(contract value.Principal, function string, args ...value.Value) (*vm.Result, error) {
	s.chain.mine()
	return s.done(s.vm.Call(s.chain.env(), s.chain.now, s.tx(), contract, function, args))
}

// ReadOnly calls a read-only function as of the newest block.
func (s *Session) ReadOnly(contract value.Principal, function string, args ...value.Value) (*vm.Result, error) {
	if err := s.is(contract, function, check.ReadOnly); err != nil {
		return nil, err
	}
	return s.vm.ReadOnly(s.chain.env(), s.chain.now, s.tx(), contract, function, args)
}

// Private calls a private function in a block of its own, as no transaction can: for tests.
func (s *Session) Private(contract value.Principal, function string, args ...value.Value) (*vm.Result, error) {
	if err := s.is(contract, function, check.Private); err != nil {
		return nil, err
	}
	s.chain.mine()
	return s.done(s.vm.Private(s.chain.env(), s.chain.now, s.tx(), contract, function, args))
}

func (s *Session) is(contract value.Principal, function string, want check.Access) error {
	a, err := s.Analysis(contract)
	if err != nil {
		return err
	}
	if f, ok := a.Functions[function]; ok && f.Access != want {
		return fmt.Errorf("%w: %s is %s, not %s", ErrAccess, function, f.Access, want)
	}
	return nil
}

// Analysis is what is known of a contract.
func (s *Session) Analysis(contract value.Principal) (*check.Analysis, error) {
	a, err := s.vm.Analysis(s.chain.env(), s.chain.now, contract)
	if err == nil && a == nil {
		err = fmt.Errorf("%w: contract %v", ErrNotFound, contract)
	}
	return a, err
}

// Eval runs a snippet as a contract of its own that is forgotten at once: what it defines is gone, what it does to others
// stays. The sender is Nobody unless as says otherwise.
func (s *Session) Eval(snippet string, as ...value.Principal) (*vm.Result, error) {
	tx := s.tx()
	tx.Sender = Nobody
	if len(as) > 0 {
		tx.Sender = as[0]
	}
	id := tx.Sender
	id.Contract = fmt.Sprintf("contract-%d", s.snippets)
	s.snippets++
	return s.done(s.vm.Snippet(s.chain.env(), s.chain.now, tx, id, snippet, s.chain.epoch.MaxVersion()))
}

// EvalIn runs a snippet in the context of a contract, as the sender: it sees all that the contract's own functions see.
func (s *Session) EvalIn(contract value.Principal, snippet string) (*vm.Result, error) {
	return s.done(s.vm.Eval(s.chain.env(), s.chain.now, s.tx(), contract, snippet))
}

// Mine makes empty blocks, each with a block of the ledger, and returns the ledger's height.
func (s *Session) Mine(n int) uint64 {
	for range n {
		s.chain.mineBurn()
	}
	return s.chain.burn
}

// MineBlocks makes empty blocks within the tenure.
func (s *Session) MineBlocks(n int) uint64 {
	for range n {
		s.chain.mine()
	}
	return s.chain.height
}

// MineLedger makes a block of the ledger that holds transactions, and one here.
func (s *Session) MineLedger(txs ...vm.BurnTx) uint64 {
	s.chain.mineBurn(txs...)
	return s.chain.burn
}

func (s *Session) coins() *vm.Coins { return vm.NewCoins(s.chain.now, s.chain.env().BurnHeight()) }

// Mint gives out coins, in base units.
func (s *Session) Mint(to value.Principal, amount value.Uint128) error {
	if err := s.coins().Mint(to, amount); err != nil {
		return err
	}
	s.held.add(Coin, to, amount)
	return nil
}

// Balance is what somebody has.
func (s *Session) Balance(of value.Principal) (vm.Balance, error) { return s.coins().Balance(of) }

// Transfer moves coins of the sender's in a block of its own, as a plain transaction does.
func (s *Session) Transfer(to value.Principal, amount value.Uint128) (*vm.Result, error) {
	s.chain.mine()
	tx := s.tx()
	id := tx.Sender
	id.Contract = "transfer"
	return s.done(s.vm.Snippet(s.chain.env(), s.chain.now, tx, id, fmt.Sprintf("(stx-transfer? u%v tx-sender '%v)", amount, to), types.Clarity2))
}

// Variable reads a data variable.
func (s *Session) Variable(contract value.Principal, name string) (value.Value, error) {
	return s.vm.Variable(s.chain.env(), s.chain.now, contract, name)
}

// MapEntry reads a map's entry, as an optional.
func (s *Session) MapEntry(contract value.Principal, name string, key value.Value) (value.Value, error) {
	return s.vm.MapEntry(s.chain.env(), s.chain.now, contract, name, key)
}
