package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"funai/ledger/rpc"
)

// TestWhatIsSentIsNeverAFailure has a node take a payment and then not tell of it: a command that failed would be given
// again, and pay again.
func TestWhatIsSentIsNeverAFailure(t *testing.T) {
	answer := func(v any, err error) rpc.Method {
		return rpc.Method{Params: []string{"address", "amount", "comment", "subtractfeefromamount"},
			Do: func(context.Context, rpc.Args) (any, error) { return v, err }}
	}
	id := strings.Repeat("ab", 32)
	s, err := rpc.New(rpc.Config{User: "u", Password: "p", Methods: rpc.Methods{
		"getwalletinfo": answer(map[string]any{}, nil), "sendtoaddress": answer(id, nil),
		"gettransaction": answer(nil, rpc.Errorf(rpc.CodeMisc, "the disk is gone"))}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	var out, complaint bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &complaint, func(string) string { return "" })
	code := a.run([]string{"wallet", "hd", "send", "--dir", t.TempDir(), "--rpc", l.Addr().String(), "--rpc-user", "u", "--rpc-password", "p", "faid1x", "1"})
	if code != 0 || !strings.Contains(out.String(), id) || !strings.Contains(complaint.String(), "the disk is gone") {
		t.Errorf("exit code %d\n%s%s", code, out.String(), complaint.String())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestErrorsOfTheWalletSayWhatToDo holds each to the advice that fits it.
func TestErrorsOfTheWalletSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		e    rpc.Error
		says string
	}{
		{rpc.Error{Code: rpc.CodeWalletNotFound, Message: "No wallet is loaded."}, "that node has no wallet\n`funai wallet hd create`"},
		{rpc.Error{Code: rpc.CodeInsufficientFunds, Message: "insufficient funds: have 1"}, "funai wallet hd balance"},
		{rpc.Error{Code: rpc.CodeInsufficientFunds, Message: "fee is too high: 1 FAI"}, "--fee-rate"},
		{rpc.Error{Code: rpc.CodeMisc, Message: "blocks that the wallet has to read are not stored any more: after height 5"}, "--birthday"},
		{rpc.Error{Code: rpc.CodePassphraseIncorrect, Message: "Error: The wallet passphrase entered was incorrect."}, "The wallet passphrase entered was incorrect.\ntry again"},
	} {
		err := rpcHint(&c.e)
		if got := joinLines(err.Error(), hint(err)); !strings.Contains(got, c.says) || strings.Contains(got, "Error:") {
			t.Errorf("%v: %s", c.e, got)
		}
	}
}
