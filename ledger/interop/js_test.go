package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"funai/internal/npm"
	"funai/ledger/consensus"
)

// clientTime bounds one run of the client.
const clientTime = time.Minute

// jsNetwork is what bitcoinjs-lib calls a network.
type jsNetwork struct {
	MessagePrefix string `json:"messagePrefix"`
	Bech32        string `json:"bech32"`
	BIP32         struct {
		Public  uint32 `json:"public"`
		Private uint32 `json:"private"`
	} `json:"bip32"`
	PubKeyHash int `json:"pubKeyHash"`
	ScriptHash int `json:"scriptHash"`
	WIF        int `json:"wif"`
}

func networkOf(p *consensus.Params) (n jsNetwork) {
	n.MessagePrefix = "\x18FUN AI Signed Message:\n"
	n.Bech32 = p.Bech32HRPSegwit
	n.BIP32.Public, n.BIP32.Private = binary.BigEndian.Uint32(p.HDPublicKeyID[:]), binary.BigEndian.Uint32(p.HDPrivateKeyID[:])
	n.PubKeyHash, n.ScriptHash, n.WIF = int(p.PubKeyHashAddrID), int(p.ScriptHashAddrID), int(p.PrivateKeyID)
	return n
}

// jsCoin is a coin that the client is to spend, or, without value, the transaction in which it did.
type jsCoin struct {
	Kind  string `json:"kind"`
	TxID  string `json:"txid"`
	Vout  int    `json:"vout"`
	Value int64  `json:"value"`
}

type jsInput struct {
	Network jsNetwork         `json:"network"`
	Coins   []jsCoin          `json:"coins,omitempty"`
	RPC     map[string]string `json:"rpc,omitempty"`
}

// TestBitcoinJSClient: a client written with bitcoinjs-lib is paid on our development network, builds, signs and sends
// P2WPKH and P2TR transactions, by key and by script, and they confirm.
func TestBitcoinJSClient(t *testing.T) {
	t.Parallel()
	dir := jsClient(t)
	params := consensus.Dev()
	p := newProcess(t, "dev").start()
	var addresses map[string]string
	run(t, dir, jsInput{Network: networkOf(params)}, &addresses)

	in := jsInput{Network: networkOf(params)}
	scripts := map[string]bool{}
	for kind, a := range addresses {
		script := scriptOf(t, p, a)
		scripts[string(script)] = true
		b := mineMany(t, p.client, script, 1)[0]
		in.Coins = append(in.Coins, jsCoin{kind, b.Transactions[0].TxHash().String(), 0, b.Transactions[0].TxOut[0].Value})
	}
	if len(in.Coins) != 3 {
		t.Fatalf("the client has the addresses %v", addresses)
	}
	mineMany(t, p.client, p2wpkh(1), int(params.CoinbaseMaturity))

	user, pass, err := p.credentials()
	if err != nil {
		t.Fatal(err)
	}
	in.RPC = map[string]string{"url": p.url, "user": user, "password": pass}
	var sent []jsCoin
	run(t, dir, in, &sent)
	if len(sent) != len(in.Coins) {
		t.Fatalf("the client has sent %v", sent)
	}
	mineMany(t, p.client, p2wpkh(1), 1)
	for _, tx := range sent {
		for n := range 2 {
			out := ask[struct {
				Confirmations int `json:"confirmations"`
				Script        struct {
					Hex string `json:"hex"`
				} `json:"scriptPubKey"`
			}](t, p.client, "gettxout", tx.TxID, n)
			if out.Confirmations != 1 || !scripts[string(unhex(t, out.Script.Hex))] {
				t.Errorf("output %d of the %s spend: %+v", n, tx.Kind, out)
			}
		}
	}
}

// jsClient is a folder with the client and its packages.
func jsClient(t *testing.T) string {
	t.Helper()
	run := t.TempDir()
	if err := npm.Dir(t.Context(), os.DirFS("testdata/js"), run); errors.Is(err, npm.ErrNone) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return run
}

// run runs the client, and decodes what it prints.
func run(t *testing.T, dir string, in jsInput, out any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "client.mjs")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(must(json.Marshal(in))(t))
	var words bytes.Buffer
	cmd.Stderr = &words
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("the bitcoinjs-lib client: %v\n%s", err, &words)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("the bitcoinjs-lib client printed %q: %v", answer, err)
	}
}

// scriptOf is the output script of an address, as the node knows it.
func scriptOf(t *testing.T, p *process, address string) []byte {
	t.Helper()
	answer := ask[struct {
		Valid  bool   `json:"isvalid"`
		Script string `json:"scriptPubKey"`
	}](t, p.client, "validateaddress", address)
	if !answer.Valid {
		t.Fatalf("%s is no address of the network", address)
	}
	return unhex(t, answer.Script)
}
