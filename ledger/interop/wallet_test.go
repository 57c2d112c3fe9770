package interop

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"funai/ledger/consensus"
	ledgernode "funai/ledger/node"
	"funai/ledger/wallet/hd"
)

// seedWords are BIP-39's first test vector's.
const seedWords = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// wallet is the same client for calls to one wallet.
func (c *client) wallet(name string) *client {
	w := *c
	w.url += "/wallet/" + name
	return &w
}

// TestWalletsOfOneSeed: our wallet, and bitcoind's with the descriptors that ours lists, are one: the same addresses, the
// same coins and history, PSBTs that either makes and the other signs and finishes, a fee bump of ours that bitcoind
// takes for one. And what our wallet answers has the shape of what bitcoind's does.
func TestWalletsOfOneSeed(t *testing.T) {
	t.Parallel()
	b := startBitcoind(t)
	miner := openMiner(b)
	p := newProcess(t, "bitcoin-regtest", "--connect", b.p2p)
	err := hd.Create(filepath.Join(p.dir, ledgernode.WalletDir), consensus.BitcoinRegtest(), hd.NewOptions{Words: seedWords, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	theirs := importWallet(t, p.client, b)
	s := &siblings{t, p, b, p.client, theirs, miner, nil}
	s.addresses()
	s.receive()
	s.send()
	s.psbt(s.ours, s.theirs)
	s.psbt(s.theirs, s.ours)
	s.bump()
	if out, code := cli(t, p.client, "-generate", "2"); code != 0 { // to an address of our wallet's
		t.Errorf("bitcoin-cli -generate exits %d: %s", code, out)
	}
	s.agree()
	compareAnswers(t, s.ours, s.theirs, s.questions(), walletWays)
}

// openMiner is a wallet of bitcoind with coins to spend, and one more to be empty.
func openMiner(b *bitcoind) *client {
	b.Helper()
	ask[any](b, b.client, "createwallet", "miner")
	w := b.client.wallet("miner")
	b.mine(110, ask[string](b, w, "getnewaddress"))
	return w
}

// importWallet makes a wallet of bitcoind with the descriptors of ours, private keys included.
func importWallet(t *testing.T, ours *client, b *bitcoind) *client {
	t.Helper()
	list := ask[struct {
		Descriptors []map[string]any `json:"descriptors"`
	}](t, ours, "listdescriptors", true)
	for _, d := range list.Descriptors {
		d["timestamp"] = "now"
	}
	ask[any](t, b.client, "createwallet", "same", false, true)
	w := b.client.wallet("same")
	for i, r := range ask[[]struct {
		Success bool `json:"success"`
		Error   any  `json:"error"`
	}](t, w, "importdescriptors", list.Descriptors) {
		if !r.Success {
			t.Fatalf("bitcoind does not take %v: %v", list.Descriptors[i]["desc"], r.Error)
		}
	}
	return w
}

// siblings are the two wallets.
type siblings struct {
	*testing.T
	p            *process
	b            *bitcoind
	ours, theirs *client
	miner        *client
	asked        []question // to be asked of both in the end
}

// addresses: both give out the same, in the same order.
func (s *siblings) addresses() {
	for range 3 {
		for _, kind := range []string{"bech32", "bech32m"} {
			a, b := ask[string](s, s.ours, "getnewaddress", "", kind), ask[string](s, s.theirs, "getnewaddress", "", kind)
			if a != b {
				s.Errorf("new %s address %s, bitcoind's %s", kind, a, b)
			}
		}
	}
}

// receive: both see what they are paid, unconfirmed and then in a block.
func (s *siblings) receive() {
	for i := range 8 {
		kind := []string{"bech32", "bech32m"}[i%2]
		a := ask[string](s, s.ours, "getnewaddress", "", kind)
		ask[string](s, s.theirs, "getnewaddress", "", kind)
		ask[string](s, s.miner, "sendtoaddress", a, 2.5)
	}
	s.agree()
	s.block()
}

// block has a block made of what waits.
func (s *siblings) block() {
	s.Helper()
	s.b.mine(1, ask[string](s, s.miner, "getnewaddress"))
	s.agree()
}

// agree waits until both nodes and wallets have the same tip, pool, coins and balances.
func (s *siblings) agree() {
	s.Helper()
	state := func(c *client) string {
		type output struct {
			TxID string      `json:"txid"`
			Vout int         `json:"vout"`
			Addr string      `json:"address"`
			Amt  json.Number `json:"amount"`
			Conf int         `json:"confirmations"`
		}
		coins := ask[[]output](s, c, "listunspent", 0)
		slices.SortFunc(coins, func(a, b output) int { return cmpStrings(a.TxID, b.TxID, a.Vout, b.Vout) })
		for i := range coins {
			coins[i].Amt = json.Number(fmt.Sprint(must(coins[i].Amt.Float64())(s)))
		}
		balances := ask[struct {
			Mine map[string]float64 `json:"mine"`
		}](s, c, "getbalances").Mine
		delete(balances, "used")
		return fmt.Sprint(ask[string](s, c, "getbestblockhash"), coins, balances)
	}
	until(s, "the wallets to agree", func() bool { return state(s.ours) == state(s.theirs) },
		func() string { return "\nours       " + state(s.ours) + "\nbitcoind's " + state(s.theirs) })
}

func cmpStrings(a, b string, i, j int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return i - j
}

// send: each spends, and the other's wallet follows.
func (s *siblings) send() {
	to := ask[string](s, s.miner, "getnewaddress")
	ask[string](s, s.ours, "sendtoaddress", to, 0.75)
	s.agree()
	s.block()
	ask[string](s, s.theirs, "sendtoaddress", to, 1.25)
	s.agree()
	s.block()
}

// psbt: one makes a PSBT with a P2WPKH and a P2TR coin, the other signs it, the first finishes it, and it confirms.
func (s *siblings) psbt(maker, signer *client) {
	s.Helper()
	to := ask[string](s, s.miner, "getnewaddress")
	made := ask[struct {
		PSBT string `json:"psbt"`
	}](s, maker, "walletcreatefundedpsbt", []any{s.coin("wpkh("), s.coin("tr(")}, []any{map[string]any{to: 0.3}}, 0,
		map[string]any{"fee_rate": 12, "add_inputs": false}).PSBT
	signed := ask[struct {
		PSBT string `json:"psbt"`
	}](s, signer, "walletprocesspsbt", made, true, "DEFAULT", true, false).PSBT
	for _, psbt := range []string{made, signed} {
		s.asked = append(s.asked, question{"decodepsbt", []any{psbt}}, question{"analyzepsbt", []any{psbt}}, question{"finalizepsbt", []any{psbt}})
	}
	final := ask[struct {
		Hex      string `json:"hex"`
		Complete bool   `json:"complete"`
	}](s, maker, "finalizepsbt", signed)
	if !final.Complete {
		s.Fatalf("not complete: %s", signed)
	}
	ask[string](s, maker, "sendrawtransaction", final.Hex)
	s.agree()
	s.block()
}

// coin is an input, a coin of this kind of descriptor.
func (s *siblings) coin(kind string) any {
	s.Helper()
	for _, c := range ask[[]struct {
		TxID string `json:"txid"`
		Vout int    `json:"vout"`
		Desc string `json:"desc"`
	}](s, s.ours, "listunspent") {
		if strings.HasPrefix(c.Desc, kind) {
			return map[string]any{"txid": c.TxID, "vout": c.Vout}
		}
	}
	s.Fatalf("no coin of %s...)", kind)
	return nil
}

// bump: our wallet pays more for a transaction that waits, and bitcoind replaces it.
func (s *siblings) bump() {
	to := ask[string](s, s.miner, "getnewaddress")
	id := ask[string](s, s.ours, "sendtoaddress", to, 0.2)
	s.agree()
	bumped := ask[struct {
		ID string `json:"txid"`
	}](s, s.ours, "bumpfee", id).ID
	s.agree()
	if pool := s.b.pool(); !slices.Contains(pool, bumped) || slices.Contains(pool, id) {
		s.Errorf("bitcoind's pool holds %v, not %s in the place of %s", pool, bumped, id)
	}
	s.block()
}

// questions are about all that has happened.
func (s *siblings) questions() []question {
	qs := slices.Concat(s.asked, []question{
		{"getwalletinfo", nil}, {"getbalances", nil}, {"getbalance", nil}, {"listunspent", nil}, {"listtransactions", []any{"*", 100}},
		{"listsinceblock", nil}, {"listlockunspent", nil}, {"listlabels", nil}, {"listdescriptors", nil},
		{"gettransaction", []any{nowhere}}, {"getaddressinfo", []any{"nowhere"}}, {"sendtoaddress", []any{"nowhere", 1}},
		{"getnewaddress", []any{"", "nothing"}}, {"bumpfee", []any{nowhere}}, {"walletpassphrase", []any{"x", 1}}, {"walletlock", nil},
	})
	to := ask[string](s, s.miner, "getnewaddress")
	qs = append(qs, question{"sendtoaddress", []any{to, 1000}}, question{"sendtoaddress", []any{to, -1}}, question{"getaddressinfo", []any{to}})
	for _, tx := range ask[[]struct {
		ID      string `json:"txid"`
		Address string `json:"address"`
	}](s, s.ours, "listtransactions", "*", 100) {
		qs = append(qs, question{"gettransaction", []any{tx.ID, true, true}}, question{"getaddressinfo", []any{tx.Address}})
	}
	return qs
}

// walletWays are the places where our wallet's answers may be other than bitcoind's, each with the reason.
var walletWays = []allowed{
	{"getaddressinfo.isactive", knots, true}, {"getaddressinfo.use_txids", knots, true}, {"getaddressinfo.hdseedid", knots, true},
	{"gettransaction.in_mempool", knots, true}, {"list*.#.in_mempool", knots, true},
	{"listsinceblock.transactions.#.in_mempool", knots, true}, {"getwalletinfo.mintxfee", knots, true},

	{"getwalletinfo.*balance", "deprecated since Bitcoin Core 0.19, in favour of getbalances", true},
	{"getwalletinfo.walletname", "a node of ours has one wallet, which has no name", false},
	{"listdescriptors.wallet_name", "a node of ours has one wallet, which has no name", false},
	{"getwalletinfo.format", store, false}, {"getwalletinfo.keypoolsize*", "we watch 20 addresses ahead, as BIP44 has it", false},
	{"listdescriptors.descriptors.#.range.#", "we watch 20 addresses ahead, as BIP44 has it", false},
	{"getwalletinfo.hdcointype", "only our coin has a type that people have to know", true},
	{"getwalletinfo.hdmasterfingerprint", "descriptors name it, so that signers find their keys", true},
	{"getwalletinfo.flags", "of Bitcoin Core 29, before which bitcoin-knots keeps back", true},
	{"getwalletinfo.blank", "bitcoind's was made blank, for the descriptors", false},
	{"getwalletinfo.birthtime", imported, true}, {"getaddressinfo.timestamp", imported, false}, {"listdescriptors.descriptors.#.*", imported, false},

	{"*.replace*_txid", bumped, true}, {"list*.#.replace*_txid", bumped, true}, {"listsinceblock.transactions.#.replace*_txid", bumped, true},
	{"getwalletinfo.paytxfee", "deprecated in Bitcoin Core 30: fees go with each payment", true},
	{"*.time*", life, false}, {"list*.#.time*", life, false}, {"listsinceblock.transactions.#.time*", life, false},
	{"analyzepsbt.next", "bitcoind does not look into taproot inputs", false},
	{"analyzepsbt.inputs.#.next", "bitcoind does not look into taproot inputs", false},
	{"*.error.message", "about addresses in words of our own, without Bitcoin's name", false},
}

const (
	imported = "bitcoind's wallet was made of ours, later"
	bumped   = "only the wallet that bumped a fee knows what it replaced"
)
