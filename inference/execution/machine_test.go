package execution

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"

	"funai/amount"
	"funai/inference/sortition"
	"funai/inference/tx"
	"funai/key"
)

// purse is what the model knows of a key.
type purse struct{ balance, stake, bond amount.Amount }

// packed is what the model knows of a result.
type packed struct {
	open   *tx.Tx
	fee    amount.Amount
	gas    uint64
	tenure uint32
}

// model is the accounts as they must be by the design's words, kept beside the state.
type model struct {
	*world
	rt       *rapid.T
	keys     []*key.Private // of the servers, who sign receipts
	nonces   map[key.Hash160]uint64
	purses   map[key.Hash160]*purse
	opens    []*tx.Tx
	answers  map[tx.ID]*tx.Tx // receipts by task
	results  map[tx.ID]packed // by task
	packs    [][32]byte
	sizes    map[[32]byte]int
	openings map[[32]byte]map[int]*tx.Tx // by pack and seat
	rewards  map[uint32]*Reward
	seen     map[string]int // events and errors, to see that the test tests
}

// fixedKeys are the servers' keys: the same in every run, so that a failure can be shrunk.
func fixedKeys(t testing.TB) (ks []*key.Private) {
	t.Helper()
	for i := range byte(3) {
		k, err := key.FromBytes(append(make([]byte, 31), i+1))
		if err != nil {
			t.Fatal(err)
		}
		ks = append(ks, k)
	}
	return ks
}

func (m *model) purse(h key.Hash160) *purse {
	if m.purses[h] == nil {
		m.purses[h] = &purse{}
	}
	return m.purses[h]
}

func (m *model) person() key.Hash160 { return who(rapid.Uint64Range(0, 4).Draw(m.rt, "person")) }
func (m *model) server() *key.Private {
	return m.keys[rapid.IntRange(0, len(m.keys)-1).Draw(m.rt, "server")]
}

// anyone is a person or a server.
func (m *model) anyone() key.Hash160 {
	if rapid.Bool().Draw(m.rt, "serves") {
		return m.server().Public().Hash160()
	}
	return m.person()
}

func (m *model) coins(most uint64) amount.Amount {
	return amount.Amount(rapid.Uint64Range(0, most).Draw(m.rt, "coins"))
}

// sign makes a transaction with the next nonce of what is already in the block.
func (m *model) sign(h key.Hash160, p tx.Payload) *tx.Tx {
	t := m.by(h, p)
	if t.Nonceless() {
		return t
	}
	if n, ok := m.nonces[h]; ok {
		t.Nonce = n
	}
	m.nonces[h] = t.Nonce + 1
	return t
}

// open is an opening that may break a rule.
func (m *model) open() *tx.Tx {
	o := &tx.Open{Server: m.server().Public().Hash160(), Expiry: m.ledger + rapid.Uint32Range(0, 8).Draw(m.rt, "expiry"),
		GasLimit: rapid.Uint64Range(100, 1500).Draw(m.rt, "limit"), GasPrice: m.coins(20_000), MaxTokens: 100}
	switch rapid.IntRange(0, 9).Draw(m.rt, "server is") {
	case 0:
		o.Server = key.Hash160{}
	case 1:
		o.Server = who(3)
	}
	t := m.sign(m.person(), o)
	m.opens = append(m.opens, t)
	return t
}

// receipt answers some task, with words of some seats on it.
func (m *model) receipt() (ts []*tx.Tx) {
	open := rapid.SampledFrom(m.opens[max(0, len(m.opens)-8):]).Draw(m.rt, "task")
	r := m.answers[open.ID()]
	if r == nil {
		r = tx.New(m.p.ChainID, &tx.Receipt{Task: open.ID(), Output: [32]byte{1}, TokensIn: rapid.Uint32Range(0, 200).Draw(m.rt, "in"), TokensOut: rapid.Uint32Range(0, 110).Draw(m.rt, "out")})
		r.Signer = open.Payload.(*tx.Open).Server
		for _, k := range m.keys {
			if k.Public().Hash160() == r.Signer {
				r.Sign(k)
			}
		}
		if r.Signer.IsZero() {
			r.Signer = m.producer
		} else {
			m.answers[open.ID()] = r
		}
	}
	for i, s := range m.set.Seats {
		if i < len(m.set.Seats)/2 || rapid.IntRange(0, 3).Draw(m.rt, "holds") > 0 {
			ts = append(ts, m.sign(s.Signer, &tx.Held{Receipts: []tx.ID{r.ID()}}))
		}
	}
	return append(ts, r)
}

// ballots seal or open most seats' votes on some pack.
func (m *model) ballots() (ts []*tx.Tx) {
	pack := rapid.SampledFrom(m.packs[max(0, len(m.packs)-6):]).Draw(m.rt, "pack")
	p, ok, err := PackOf(m.stores[0], pack)
	if err != nil {
		m.Fatal(err)
	}
	if !ok {
		return []*tx.Tx{m.sign(who(200), &tx.Seal{Block: pack})}
	}
	lean := rapid.SampledFrom([]byte{Valid, Valid, Invalid, Abstain}).Draw(m.rt, "lean")
	for i := range p.Ballots {
		if rapid.IntRange(0, 9).Draw(m.rt, "votes") > 0 {
			ts = append(ts, m.ballot(p, pack, i, lean))
		}
	}
	return ts
}

func (m *model) ballot(p Pack, pack [32]byte, seat int, lean byte) *tx.Tx {
	signer := p.Ballots[seat].Seat.Signer
	if o := m.openings[pack][seat]; o != nil && p.Ballots[seat].Sealed {
		return o
	}
	verdicts := make([]byte, len(p.Results))
	for i := range verdicts {
		if verdicts[i] = lean; rapid.IntRange(0, 9).Draw(m.rt, "stray") == 0 {
			verdicts[i] = rapid.SampledFrom([]byte{Valid, Invalid, Abstain}).Draw(m.rt, "verdict")
		}
	}
	o := &tx.Opening{Block: pack, Salt: [32]byte{byte(seat)}, Verdicts: verdicts}
	if m.openings[pack] == nil {
		m.openings[pack] = map[int]*tx.Tx{}
	}
	m.openings[pack][seat] = m.sign(signer, o)
	return m.sign(signer, &tx.Seal{Block: pack, Hash: tx.SealHash(o.Salt, o.Verdicts, o.Evidence)})
}

// conflict proves that a server said two things, if it is one of ours.
func (m *model) conflict() *tx.Tx {
	open := rapid.SampledFrom(m.opens).Draw(m.rt, "lie about")
	for _, k := range m.keys {
		if k.Public().Hash160() == open.Payload.(*tx.Open).Server {
			a := tx.New(m.p.ChainID, &tx.Receipt{Task: open.ID(), Output: [32]byte{8}, TokensIn: 10, TokensOut: 10})
			b := tx.New(m.p.ChainID, &tx.Receipt{Task: open.ID(), Output: [32]byte{9}, TokensIn: 20, TokensOut: 20})
			a.Sign(k)
			b.Sign(k)
			return m.sign(m.person(), &tx.Conflict{A: a.Encode(), B: b.Encode()})
		}
	}
	return m.sign(m.person(), &tx.Conflict{})
}

// some are transactions of a few kinds, most of them good.
func (m *model) some() []*tx.Tx {
	kind := rapid.SampledFrom([]string{"open", "open", "receipt", "receipt", "ballot", "ballot", "ballot", "transfer", "lock", "unlock", "conflict"}).Draw(m.rt, "kind")
	switch {
	case kind == "transfer":
		return []*tx.Tx{m.sign(m.anyone(), &tx.Transfer{To: m.anyone(), Amount: m.coins(uint64(amount.FAI / 10))})}
	case kind == "lock":
		if rapid.Bool().Draw(m.rt, "stake") {
			h := m.person()
			return []*tx.Tx{m.sign(h, &tx.Lock{Kind: tx.LockStake, Amount: m.coins(uint64(amount.FAI / 5)), Signer: rapid.SampledFrom([]key.Hash160{h, who(200), {}}).Draw(m.rt, "signer")})}
		}
		return []*tx.Tx{m.sign(m.anyone(), &tx.Lock{Kind: tx.LockBond, Amount: m.coins(uint64(amount.FAI / 10))})}
	case kind == "unlock":
		k := rapid.SampledFrom([]byte{tx.LockStake, tx.LockBond}).Draw(m.rt, "of")
		return []*tx.Tx{m.sign(m.anyone(), &tx.Unlock{Kind: k, Amount: m.coins(uint64(amount.FAI / 10))})}
	case kind == "ballot" && len(m.packs) > 0:
		return m.ballots()
	case kind == "receipt" && len(m.opens) > 0:
		return m.receipt()
	case kind == "conflict" && len(m.opens) > 0 && rapid.IntRange(0, 3).Draw(m.rt, "lies") == 0:
		return []*tx.Tx{m.conflict()}
	}
	return []*tx.Tx{m.open()}
}

// tenure moves the ledger on, and with it the seats where a cycle ends.
func (m *model) tenure() (ledger uint32, n news) {
	ledger = m.ledger + rapid.SampledFrom([]uint32{1, 1, 1, 1, 2, 3, 12, 30}).Draw(m.rt, "ledger")
	s := m.p.Sortition
	if c := s.Cycle(ledger); c != m.set.Cycle {
		set, err := NextSet(m.stores[0], m.p, c)
		if err != nil {
			m.Fatal(err)
		}
		m.set = set
	}
	m.producer = m.keys[rapid.IntRange(0, len(m.keys)-1).Draw(m.rt, "producer")].Public().Hash160()
	for range rapid.IntRange(0, 2).Draw(m.rt, "stakes") {
		i := rapid.Uint64Range(0, 6).Draw(m.rt, "staker")
		n.stakes = append(n.stakes, sortition.StakeOp{Actor: who(100 + i), Signer: who(200 + i), Amount: 1 + m.coins(uint64(amount.FAI))})
	}
	for range rapid.IntRange(0, 2).Draw(m.rt, "mints") {
		n.mints = append(n.mints, sortition.MintOp{To: m.anyone(), Amount: 1 + m.coins(uint64(amount.FAI))})
	}
	for _, x := range n.stakes {
		m.purse(x.Actor).stake += x.Amount
	}
	for _, x := range n.mints {
		m.purse(x.To).balance += x.Amount
	}
	base := m.p.Reward >> (ledger / m.p.HalvingInterval)
	m.rewards[ledger] = &Reward{Producer: m.producer, Base: base}
	return ledger, n
}

// Random blocks of everything, over many tenures, leave every account as the design's words say, coins adding up, and two
// nodes with one state (see world).
func TestAnyBlocksLeaveTheAccountsAsTheRulesSay(t *testing.T) {
	dbs := [2]*pebble.DB{memory(t), memory(t)}
	defer func() {
		if err := errors.Join(dbs[0].Close(), dbs[1].Close()); err != nil {
			t.Error(err)
		}
	}()
	keys, seen := fixedKeys(t), map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		for _, db := range dbs {
			if err := db.DeleteRange([]byte{0}, []byte{0xff}, pebble.NoSync); err != nil {
				rt.Fatal(err)
			}
		}
		m := &model{world: newWorld(rt, params(), dbs), rt: rt, keys: keys, purses: map[key.Hash160]*purse{}, answers: map[tx.ID]*tx.Tx{},
			results: map[tx.ID]packed{}, sizes: map[[32]byte]int{}, openings: map[[32]byte]map[int]*tx.Tx{}, rewards: map[uint32]*Reward{}, seen: seen}
		m.p.HalvingInterval = 30
		var n news
		for i := range uint64(5) {
			n.mints = append(n.mints, sortition.MintOp{To: who(i), Amount: amount.FAI})
			n.stakes = append(n.stakes, sortition.StakeOp{Actor: who(100 + i), Signer: who(200 + i), Amount: amount.FAI})
			m.purse(who(i)).balance, m.purse(who(100+i)).stake = amount.FAI, amount.FAI
		}
		for _, k := range keys {
			h := k.Public().Hash160()
			n.mints = append(n.mints, sortition.MintOp{To: h, Amount: amount.FAI})
			m.purse(h).balance = amount.FAI
		}
		m.producer = keys[0].Public().Hash160()
		m.rewards[1] = &Reward{Producer: m.producer, Base: m.p.Reward}
		m.must(1, n)
		if rapid.IntRange(0, 5).Draw(rt, "group") > 0 {
			m.seats(5)
			m.set.Cycle = 0
		}
		for _, k := range keys {
			l := m.by(k.Public().Hash160(), &tx.Lock{Kind: tx.LockBond, Amount: amount.FAI / 2})
			m.must(1, news{}, l)
			m.follow(l)
		}
		for range rapid.IntRange(10, 50).Draw(rt, "blocks") {
			ledger, n := m.ledger, news{}
			if rapid.IntRange(0, 2).Draw(rt, "tenure") == 0 {
				ledger, n = m.tenure()
			}
			m.nonces = map[key.Hash160]uint64{}
			var txs []*tx.Tx
			for range rapid.IntRange(0, 6).Draw(rt, "txs") {
				txs = append(txs, m.some()...)
			}
			for i, err := range m.next(ledger, n, txs...) {
				if err == nil {
					m.follow(txs[i])
				} else {
					m.seen["refused"]++
				}
			}
			m.hear()
			m.compare()
		}
	})
	t.Log(seen)
	for _, kind := range []string{EventTransfer, EventStake, EventBond, EventMint, EventUnlock, EventUnlocked, EventReward, EventOpened, EventExpired,
		EventPacked, EventSealed, EventUnsealed, EventSettled, "verdict 1", "verdict 2", "verdict 4", "refused"} {
		if seen[kind] == 0 {
			t.Errorf("never: %s", kind)
		}
	}
}
