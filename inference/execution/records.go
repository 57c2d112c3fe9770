package execution

import (
	"encoding/binary"
	"fmt"

	"funai/amount"
	"funai/inference/codec"
	"funai/inference/sortition"
	"funai/inference/state"
	"funai/inference/tx"
	"funai/key"
)

// Account is what the state holds of one key.
type Account struct {
	_        struct{} `cbor:",toarray"`
	Balance  amount.Amount
	Nonce    uint64
	Stake    amount.Amount
	Bond     amount.Amount
	Reserved amount.Amount // part of Bond that stands for unsettled tasks; never more than Bond
	Signer   key.Hash160   // whose signatures count for the account's seat
	Open     uint32        // unsettled tasks asked by this account
	Faults   uint32        // invalid results of this server in FaultsOf
	FaultsOf uint32        // cycle that elections of the next one look at
}

// Staker is one entry of the list of those who hold at least the least stake.
type Staker struct {
	_       struct{} `cbor:",toarray"`
	Address key.Hash160
	Signer  key.Hash160
	Stake   amount.Amount
}

// Totals count the layer's coins. Bridged + Issued == Burned + Held + Escrow + Staked + Bonded + Unlocking, always.
type Totals struct {
	_         struct{}      `cbor:",toarray"`
	Bridged   amount.Amount // burned below and credited here, as balance or stake
	Issued    amount.Amount // by tenure rewards
	Burned    amount.Amount
	Held      amount.Amount // balances
	Escrow    amount.Amount // of unsettled tasks
	Staked    amount.Amount
	Bonded    amount.Amount
	Unlocking amount.Amount
	Immature  amount.Amount // the most that pending tenure rewards can still issue; not part of the sum
}

// Check says whether the coins add up.
func (t Totals) Check() error {
	in, err := amount.Sum(t.Bridged, t.Issued)
	if err != nil {
		return err
	}
	out, err := amount.Sum(t.Burned, t.Held, t.Escrow, t.Staked, t.Bonded, t.Unlocking)
	if err != nil {
		return err
	}
	if in != out {
		return fmt.Errorf("%w: %v bridged and issued, %v burned, held, in escrow, staked, bonded and unlocking", ErrSupply, in, out)
	}
	return nil
}

// Task is an unsettled inference transaction. Once settled it leaves the state.
type Task struct {
	_        struct{} `cbor:",toarray"`
	Asker    key.Hash160
	Server   key.Hash160 // zero until the receipt, if any producer may serve
	Model    uint32
	Expiry   uint32
	GasLimit uint64
	GasPrice amount.Amount
	Max      uint32 // tokens of the answer
	Escrow   amount.Amount
	Reserve  amount.Amount // held of the server's bond, from the receipt on
	Height   uint64        // of the block that opened it
	Pack     [32]byte      // where its receipt is packed; zero before
	Receipt  tx.ID
}

// Packed is one result within a pack.
type Packed struct {
	_       struct{} `cbor:",toarray"`
	Task    tx.ID
	Receipt tx.ID
	Output  [32]byte
	In, Out uint32
	Gas     uint64
	Fee     amount.Amount // Gas at the task's price
	Void    bool          // settled already, by a proof of conflicting receipts
}

// Ballot is a seat's vote on a pack, sealed and then opened.
type Ballot struct {
	_        struct{} `cbor:",toarray"`
	Seat     sortition.Seat
	Sealed   bool
	Seal     [32]byte
	Verdicts []byte // empty until opened
}

// Pack is the results that one block packed, and the votes on them.
type Pack struct {
	_        struct{} `cbor:",toarray"`
	Height   uint64   // of the block
	Ledger   uint32   // height of the block's election
	Producer key.Hash160
	Results  []Packed
	Ballots  []Ballot `cbor:"-"` // kept apart as votes
}

// votes are a pack's ballots, kept apart from its results: a seal changes little, and the results may be many.
type votes struct {
	_       struct{} `cbor:",toarray"`
	Ledger  uint32   // the pack's
	Results int      // how many
	Ballots []Ballot
}

// Reward is a tenure's pending reward, and how the results that the tenure packed turned out, by gas.
type Reward struct {
	_        struct{} `cbor:",toarray"`
	Tenure   uint32   // ledger height of the election
	Producer key.Hash160
	Base     amount.Amount
	Valid    uint64
	Invalid  uint64
}

// Unlocking is stake or bond on its way back to the balance.
type Unlocking struct {
	_      struct{} `cbor:",toarray"`
	To     key.Hash160
	Amount amount.Amount
}

// bans lists the servers that had too many invalid results in a cycle.
type bans struct {
	_       struct{} `cbor:",toarray"`
	Cycle   uint32
	Servers []key.Hash160
}

// Bounds on stored records.
const (
	maxRecord  = 1 << 20
	maxStakers = 256
	maxBans    = 1024 // on main each costs BanAfter fines of MinFine, 0.1 FAI
)

// Keys of the state: a letter, then what it is of.
func accountKey(h key.Hash160) []byte { return append([]byte{'a'}, h[:]...) }
func taskKey(id tx.ID) []byte         { return append([]byte{'t'}, id[:]...) }
func packKey(id [32]byte) []byte      { return append([]byte{'p'}, id[:]...) }
func votesKey(id [32]byte) []byte     { return append([]byte{'v'}, id[:]...) }
func rewardKey(tenure uint32) []byte  { return u32Key('r', tenure) }
func dueTasksKey(h uint32) []byte     { return u32Key('e', h) }
func duePacksKey(h uint32) []byte     { return u32Key('d', h) }
func unlockKey(h uint32) []byte       { return u32Key('u', h) }

var (
	stakersKey = []byte{'s'}
	totalsKey  = []byte{'c'}
	bansKey    = []byte{'b'}
	doneKey    = []byte{'h'} // ledger height up to which everything due was done
)

func u32Key(kind byte, n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{kind}, n) }

// read fills v with the record at a key and says whether there is one.
func read(r state.Reader, k []byte, v any) (bool, error) {
	b, err := r.Get(k)
	if err != nil || b == nil {
		return false, err
	}
	if err := codec.DecodeOwn(b, maxRecord, v); err != nil {
		return false, fmt.Errorf("state record %x: %w", k, err)
	}
	return true, nil
}

// AccountOf reads an account; one that was never touched is empty.
func AccountOf(r state.Reader, h key.Hash160) (a Account, err error) {
	_, err = read(r, accountKey(h), &a)
	return a, err
}

// TotalsOf reads the layer's totals.
func TotalsOf(r state.Reader) (t Totals, err error) {
	_, err = read(r, totalsKey, &t)
	return t, err
}

// TaskOf reads an unsettled task.
func TaskOf(r state.Reader, id tx.ID) (t Task, ok bool, err error) {
	ok, err = read(r, taskKey(id), &t)
	return t, ok, err
}

// PackOf reads an unsettled pack.
func PackOf(r state.Reader, id [32]byte) (p Pack, ok bool, err error) {
	if ok, err = read(r, packKey(id), &p); err != nil || !ok {
		return p, false, err
	}
	var v votes
	if ok, err = read(r, votesKey(id), &v); err == nil && !ok {
		err = fmt.Errorf("%w: no votes on pack %x", state.ErrCorrupt, id)
	}
	p.Ballots = v.Ballots
	return p, ok, err
}

// StakersOf reads the list of stakers, the greatest stake first, ties by address.
func StakersOf(r state.Reader) (s []Staker, err error) {
	_, err = read(r, stakersKey, &s)
	return s, err
}
