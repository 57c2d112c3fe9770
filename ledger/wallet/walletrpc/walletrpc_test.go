package walletrpc_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
	"funai/ledger/consensus"
	"funai/ledger/mempool"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/psbts"
	"funai/ledger/wallet/vault"
	"funai/ledger/wallet/walletrpc"
)

const passphrase = "correct horse"

var nobody = []byte{txscript.OP_TRUE}

// rig is a wallet behind a real RPC server on a socket.
type rig struct {
	t   *testing.T
	c   *chain.Chain
	p   *mempool.Pool
	l   *hd.Loader
	cli *rpc.Client
}

func newRig(t *testing.T, load bool) *rig {
	r := &rig{t: t, c: chaintest.Open(t, consensus.BitcoinRegtest(), chain.Options{Dir: t.TempDir(), NoSync: true})}
	r.p = mempool.New(r.c, mempool.Config{})
	t.Cleanup(func() { r.p.Close() })
	dir := filepath.Join(t.TempDir(), "wallet")
	words, err := hdkey.NewWords(rand.Reader, 24)
	r.ok(err)
	r.l = hd.NewLoader(hd.Config{Dir: dir, Chain: r.c, Pool: r.p})
	t.Cleanup(func() { r.ok(r.l.Close()) })
	if load {
		r.ok(hd.Create(dir, r.c.Params(), hd.NewOptions{Words: words, Passphrase: passphrase, KDF: vault.KDF{Time: 1, Memory: 8, Threads: 1}}))
		r.ok(r.l.Load())
	}
	s, err := rpc.New(rpc.Config{Methods: walletrpc.Methods(r.l), User: "u", Password: "p"})
	r.ok(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	r.ok(err)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(ln) }()
	t.Cleanup(func() { s.Close(); <-done })
	r.cli = rpc.Dial("http://"+ln.Addr().String(), "u", "p")
	return r
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// call returns the answer as it stands in JSON.
func (r *rig) call(method string, params ...any) string {
	r.t.Helper()
	var raw json.RawMessage
	if err := r.cli.Call(r.t.Context(), method, &raw, params...); err != nil {
		r.t.Fatalf("%s: %v", method, err)
	}
	return string(raw)
}

// text is an answer that is a text.
func (r *rig) text(method string, params ...any) (s string) {
	r.t.Helper()
	r.ok(json.Unmarshal([]byte(r.call(method, params...)), &s))
	return s
}

// refused wants an error with a code.
func (r *rig) refused(code int, method string, params ...any) {
	r.t.Helper()
	err := r.cli.Call(r.t.Context(), method, nil, params...)
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != code {
		r.t.Errorf("%s %v: %v, want code %d", method, params, err, code)
	}
}

// has wants an answer that matches.
func (r *rig) has(pattern, answer string) {
	r.t.Helper()
	if !regexp.MustCompile(pattern).MatchString(answer) {
		r.t.Errorf("%s does not match %s", answer, pattern)
	}
}

func (r *rig) fund(n int) string {
	r.t.Helper()
	a := r.text("getnewaddress", "mining")
	script, err := hdkey.ParseAddress(a, r.c.Params())
	r.ok(err)
	chaintest.MineN(r.t, r.c, script, n)
	chaintest.MineN(r.t, r.c, nobody, 100)
	r.call("walletpassphrase", passphrase, 600)
	return a
}

func (r *rig) mine(ids ...string) {
	r.t.Helper()
	var txs []*wire.MsgTx
	for _, id := range ids {
		var t struct{ Hex string }
		r.ok(json.Unmarshal([]byte(r.call("gettransaction", id)), &t))
		tx, err := txjson.Parse(t.Hex)
		r.ok(err)
		txs = append(txs, tx)
	}
	chaintest.Mine(r.t, r.c, nobody, txs...)
}

const stranger = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080" // BIP-173's example key

func TestAnotherWalletsMoneyIsNotSpent(t *testing.T) {
	r := newRig(t, true)
	r.fund(1)
	for name, code := range map[string]int{"": 0, "savings": rpc.CodeWalletNotFound, "a/b?c": rpc.CodeWalletNotFound} {
		var e *rpc.Error
		err := r.cli.Wallet(name).Call(t.Context(), "sendtoaddress", nil, stranger, 1)
		if code == 0 && err != nil || code != 0 && (!errors.As(err, &e) || e.Code != code) {
			t.Errorf("wallet %q: %v, want code %d", name, err, code)
		}
	}
}

func TestWithoutAWallet(t *testing.T) {
	r := newRig(t, false)
	r.refused(rpc.CodeWalletNotFound, "getbalance")
	r.refused(rpc.CodeWalletNotFound, "loadwallet")
	r.has(`^\[\]$`, r.call("listwallets"))
}

func TestLocking(t *testing.T) {
	r := newRig(t, true)
	r.has(`"unlocked_until":0`, r.call("getwalletinfo"))
	r.refused(rpc.CodeWalletAlreadyLoaded, "loadwallet", "")
	r.refused(rpc.CodeUnlockNeeded, "sendtoaddress", stranger, 1)
	r.refused(rpc.CodeUnlockNeeded, "listdescriptors", true)
	r.refused(rpc.CodePassphraseIncorrect, "walletpassphrase", "wrong", 60)
	r.refused(rpc.CodeInvalidParameter, "walletpassphrase", "", 60)
	r.refused(rpc.CodeInvalidParameter, "walletpassphrase", passphrase, -1)
	r.refused(rpc.CodeWrongEncryptionState, "encryptwallet", "x")
	r.call("walletpassphrase", passphrase, 60)
	r.has(`"unlocked_until":[1-9]`, r.call("getwalletinfo"))
	r.has(`tprv`, r.call("listdescriptors", true))
	r.call("walletlock")
	r.refused(rpc.CodeUnlockNeeded, "listdescriptors", true)
	r.has(`wpkh\(\[[0-9a-f]{8}/84h/1h/0h\]tpub\w+/0/\*\)#\w{8}`, r.call("listdescriptors"))
	r.refused(rpc.CodePassphraseIncorrect, "walletpassphrasechange", "wrong", "new")
	r.call("walletpassphrasechange", passphrase, "new")
	r.refused(rpc.CodePassphraseIncorrect, "walletpassphrase", passphrase, 60)
	r.call("walletpassphrase", "new", 60)
}

func TestReceiveAndSend(t *testing.T) {
	r := newRig(t, true)
	mined := r.fund(2)
	r.has(`^100\.00000000$`, r.call("getbalance"))
	r.has(`"trusted":100\.00000000,"untrusted_pending":0\.00000000,"immature":0\.00000000\},"lastprocessedblock":\{"hash":"\w{64}","height":102`, r.call("getbalances"))
	r.has(`"category":"generate","amount":50\.00000000,"label":"mining"`, r.call("listtransactions"))
	r.has(`"ismine":true.*"hdkeypath":"m/84h/1h/0h/0/0".*"labels":\["mining"\]`, r.call("getaddressinfo", mined))
	r.has(`"ismine":false.*"labels":\[\]`, r.call("getaddressinfo", stranger))
	taproot := r.text("getnewaddress", "", "bech32m")
	r.has(`^bcrt1p`, taproot)
	r.has(`^bcrt1q`, r.text("getrawchangeaddress"))

	id := r.text("sendtoaddress", stranger, json.Number("1.5"), "a comment", "somebody")
	got := r.call("gettransaction", id, nil, true)
	r.has(`^\{"amount":-1\.50000000,"fee":-0\.00000\d+,"confirmations":0,"trusted":true`, got)
	r.has(`"to":"somebody","comment":"a comment"`, got)
	r.has(`"bip125-replaceable":"yes","details":\[\{"address":"`+stranger+`","category":"send","amount":-1\.50000000,"vout":\d,"fee":-0`, got)
	r.has(`"decoded":\{"txid":"`+id, got)
	r.has(`"txid":"`+id+`".*"safe":true`, r.call("listunspent", 0))
	if n := strings.Count(r.call("listunspent"), "txid"); n != 1 {
		t.Errorf("%d confirmed coins", n)
	}
	r.mine(id)
	r.has(`"confirmations":1,"blockhash"`, r.call("gettransaction", id))

	many := r.text("sendmany", "", map[string]any{stranger: json.Number("0.1"), taproot: json.Number("0.2")}, nil, "both", []string{stranger})
	r.has(`"category":"receive","amount":0\.20000000`, r.call("gettransaction", many))
	r.has(`"replaces_txid":"`+many, r.call("gettransaction", r.bump(many)))
	r.has(`"confirmations":0,.*"bip125-replaceable":"yes"`, r.call("gettransaction", many))

	all := r.call("sendall", []any{stranger}, nil, nil, 5)
	r.has(`"complete":true`, all)
	r.has(`^0\.00000000$`, r.call("getbalance"))
}

func TestAmountOfACoinbaseCountsWhenItIsMature(t *testing.T) {
	r := newRig(t, true)
	r.fund(1)
	mature, _ := r.c.IndexAt(1)
	script, err := hdkey.ParseAddress(r.text("getnewaddress"), r.c.Params())
	r.ok(err)
	chaintest.MineN(t, r.c, script, 1)
	for at, want := range map[chain.Index]string{mature: "50", r.c.Tip(): "0"} {
		b, err := r.c.Block(at.Hash)
		r.ok(err)
		got := r.call("gettransaction", b.Transactions[0].TxHash().String())
		r.has(`^\{"amount":`+want+`\.00000000.*"category":"(generate|immature)","amount":50\.0`, got)
	}
}

func (r *rig) bump(id string) string {
	r.t.Helper()
	var b struct {
		TxID    string
		OrigFee float64
		Fee     float64
	}
	r.ok(json.Unmarshal([]byte(r.call("bumpfee", id)), &b))
	if b.Fee <= b.OrigFee {
		r.t.Errorf("%+v", b)
	}
	return b.TxID
}

func TestRefusals(t *testing.T) {
	r := newRig(t, true)
	r.fund(1)
	none := strings.Repeat("0", 64)
	r.refused(rpc.CodeInsufficientFunds, "sendtoaddress", stranger, 51)
	r.refused(rpc.CodeInvalidAddressOrKey, "sendtoaddress", "nonsense", 1)
	r.refused(rpc.CodeInvalidAddressOrKey, "sendtoaddress", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 1) // another network
	r.refused(rpc.CodeType, "sendtoaddress", stranger, 0)
	r.refused(rpc.CodeType, "sendtoaddress", stranger, -1)
	r.refused(rpc.CodeType, "sendtoaddress", stranger, json.Number("0.000000001"))
	r.refused(rpc.CodeType, "sendtoaddress", stranger, true)
	r.refused(rpc.CodeMisc, "sendtoaddress", stranger)
	r.refused(rpc.CodeInsufficientFunds, "sendtoaddress", stranger, json.Number("0.00000100")) // dust
	r.refused(rpc.CodeInvalidParameter, "sendtoaddress", stranger, 1, "", "", false, true, 6, "", false, 5)
	r.refused(rpc.CodeInvalidParameter, "sendtoaddress", stranger, 1, "", "", false, true, 0)
	r.refused(rpc.CodeInvalidParameter, "sendtoaddress", stranger, 1, "", "", false, true, nil, "soon")
	r.refused(rpc.CodeInsufficientFunds, "sendtoaddress", stranger, 1, "", "", false, true, nil, "", false, json.Number("0.5"))
	r.refused(rpc.CodeInvalidParameter, "sendmany", "", map[string]any{stranger: 1}, nil, "", []string{r.text("getnewaddress")})
	r.refused(rpc.CodeInvalidAddressOrKey, "gettransaction", none)
	r.refused(rpc.CodeInvalidParameter, "gettransaction", "00")
	r.refused(rpc.CodeInvalidAddressOrKey, "abandontransaction", none)
	r.refused(rpc.CodeInvalidAddressOrKey, "bumpfee", none)
	r.refused(rpc.CodeInvalidAddressOrKey, "getnewaddress", "", "legacy")
	r.refused(rpc.CodeInvalidLabel, "getnewaddress", "*")
	r.refused(rpc.CodeInvalidLabel, "getaddressesbylabel", "none such")
	r.refused(rpc.CodeInvalidParameter, "lockunspent", false, []any{map[string]any{"txid": none, "vout": 0}})
	r.refused(rpc.CodeInvalidParameter, "rescanblockchain", 5000)
	r.refused(rpc.CodeType, "signmessage", stranger, "hello")
	r.refused(rpc.CodeDeserialization, "walletprocesspsbt", "cHNidA==")
	r.refused(rpc.CodeDeserialization, "fundrawtransaction", "00")
	r.refused(rpc.CodeWalletError, "walletcreatefundedpsbt", []any{}, map[string]any{stranger: 100})
	r.refused(rpc.CodeInvalidAddressOrKey, "listsinceblock", strings.Repeat("1", 64))
	r.refused(rpc.CodeMisc, "walletlock", 1, 2)
	r.refused(rpc.CodeInvalidParameter, "sendall", []any{stranger, map[string]any{r.text("getnewaddress"): 0}}) // no share of what is left
	r.refused(rpc.CodeInvalidParameter, "send", []any{map[string]any{stranger: 1}}, nil, nil, nil, map[string]any{"minconf": -1})
	for _, options := range []map[string]any{{"feerate": 1}, {"Fee_Rate": 1}, {"subtract_fee": true}} {
		r.refused(rpc.CodeType, "send", []any{map[string]any{stranger: 1}}, nil, nil, nil, options)
		r.refused(rpc.CodeType, "walletcreatefundedpsbt", []any{}, map[string]any{stranger: 1}, 0, options)
		r.refused(rpc.CodeType, "fundrawtransaction", "02000000000100e1f505000000000000000000", options)
		r.refused(rpc.CodeType, "bumpfee", none, options)
		r.refused(rpc.CodeType, "listunspent", 1, 9, []any{}, true, options)
	}
	r.refused(rpc.CodeType, "send", []any{map[string]any{stranger: 1}}, nil, nil, -1)
	r.refused(rpc.CodeType, "walletcreatefundedpsbt", []any{}, map[string]any{stranger: 1}, 0, map[string]any{"feeRate": -1})
	r.has(`^50\.00000000$`, r.call("getbalance"))
}

func TestCoinsAndLabels(t *testing.T) {
	r := newRig(t, true)
	r.fund(2)
	var coins []map[string]any
	r.ok(json.Unmarshal([]byte(r.call("listunspent")), &coins))
	one := []any{map[string]any{"txid": coins[0]["txid"], "vout": coins[0]["vout"]}}
	r.has(`^true$`, r.call("lockunspent", false, one))
	r.refused(rpc.CodeInvalidParameter, "lockunspent", false, one)
	r.has(`"txid"`, r.call("listlockunspent"))
	r.refused(rpc.CodeInsufficientFunds, "sendtoaddress", stranger, 60)
	r.call("lockunspent", true)
	r.has(`^\[\]$`, r.call("listlockunspent"))
	r.text("sendtoaddress", stranger, 60)

	r.call("setlabel", stranger, "Bob")
	r.has(`^\{"`+stranger+`":\{"purpose":"send"\}\}$`, r.call("getaddressesbylabel", "Bob"))
	r.has(`\["Bob","mining"\]`, r.call("listlabels"))
	if n := strings.Count(r.call("listtransactions", "mining", 100), "category"); n != 2 {
		t.Errorf("%d payments under the label", n)
	}
	if n := strings.Count(r.call("listtransactions", "*", 1, 1), "category"); n != 1 {
		t.Errorf("%d payments", n)
	}
}

func TestPSBTs(t *testing.T) {
	r := newRig(t, true)
	r.fund(1)
	r.call("walletlock")
	var made struct {
		PSBT      string
		ChangePos int
	}
	r.ok(json.Unmarshal([]byte(r.call("walletcreatefundedpsbt", []any{}, []any{map[string]any{stranger: 1}, map[string]any{"data": "00ff"}}, 0, map[string]any{"fee_rate": 7})), &made))
	r.has(`"inputs":\[\{"has_utxo":true,"is_final":false,"next":"signer","missing":\{"signatures":\["\w{40}"\]\}\}\].*"next":"signer"`, r.call("analyzepsbt", made.PSBT))
	r.has(`"fee":0\.000\d+`, r.call("decodepsbt", made.PSBT))
	r.refused(rpc.CodeUnlockNeeded, "walletprocesspsbt", made.PSBT)
	r.call("walletpassphrase", passphrase, 60)
	var done struct {
		PSBT     string
		Complete bool
		Hex      string
	}
	r.ok(json.Unmarshal([]byte(r.call("walletprocesspsbt", made.PSBT, true, "ALL", true, false)), &done))
	if done.Complete {
		t.Error("complete without being finished")
	}
	both := r.text("combinepsbt", []string{made.PSBT, done.PSBT})
	r.has(`"next":"finalizer"`, r.call("analyzepsbt", both))
	r.ok(json.Unmarshal([]byte(r.call("finalizepsbt", both)), &done))
	tx, err := txjson.Parse(done.Hex)
	r.ok(err)
	_, err = r.p.Accept(tx)
	r.ok(err)
	r.has(`"complete":true,"hex"|"hex":.*"complete":true`, r.call("finalizepsbt", both))
}

func TestRecordsOfApplicationsAreShownApart(t *testing.T) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{})
	tx.AddTxOut(wire.NewTxOut(1, nobody))
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	records := []*psbt.Unknown{{Key: []byte("\xfc\x03fun\x07key"), Value: []byte{1, 2}}, {Key: []byte{0xf0}, Value: []byte{3}}, {Key: []byte("\xfc\x09short"), Value: []byte{4}}}
	p.Unknowns, p.Inputs[0].Unknowns = records, records
	key, err := hex.DecodeString("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	if err != nil {
		t.Fatal(err)
	}
	p.Inputs[0].TaprootBip32Derivation = []*psbt.TaprootBip32Derivation{{XOnlyPubKey: key, LeafHashes: [][]byte{make([]byte, 32)}, Bip32Path: []uint32{1}}}
	text, err := psbts.Base64(p)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, false)
	const want = `"proprietary":\[\{"identifier":"66756e","subtype":7,"key":"fc0366756e076b6579","value":"0102"\}\],"unknown":\{"f0":"03","fc0973686f7274":"04"\}`
	r.has(want+`.*"inputs":\[.*"leaf_hashes":\["0{64}"\].*`+want+`.*"outputs"`, r.call("decodepsbt", text))
}

func TestRawTransactions(t *testing.T) {
	r := newRig(t, true)
	r.fund(1)
	script, err := hdkey.ParseAddress(stranger, r.c.Params())
	r.ok(err)
	tx := wire.NewMsgTx(2)
	tx.AddTxOut(wire.NewTxOut(1e8, script))
	var b bytes.Buffer
	r.ok(tx.SerializeNoWitness(&b))
	var f struct{ Hex string }
	r.ok(json.Unmarshal([]byte(r.call("fundrawtransaction", txjson.Hex(tx))), &f))
	var s struct {
		Hex      string
		Complete bool
	}
	r.ok(json.Unmarshal([]byte(r.call("signrawtransactionwithwallet", f.Hex)), &s))
	if !s.Complete {
		t.Fatal("not complete")
	}
	signed, err := txjson.Parse(s.Hex)
	r.ok(err)
	_, err = r.p.Accept(signed)
	r.ok(err)
}

func TestBackupAndRescan(t *testing.T) {
	r := newRig(t, true)
	r.fund(1)
	path := filepath.Join(t.TempDir(), "copy")
	r.call("backupwallet", path)
	r.refused(rpc.CodeWalletError, "backupwallet", path)
	if f, err := vault.Load(path); err != nil || !f.Encrypted() {
		t.Fatal(f, err)
	}
	r.has(`^\{"start_height":0,"stop_height":101\}$`, r.call("rescanblockchain"))
	r.has(`^false$`, r.call("abortrescan"))
	r.has(`"removed":\[\],"lastblock":"\w{64}"`, r.call("listsinceblock"))
}
