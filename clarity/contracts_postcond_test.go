package clarity_test

import (
	"errors"
	"testing"

	"funai/clarity/postcond"
	"funai/clarity/session"
	"funai/clarity/types"
	"funai/clarity/value"
	"funai/clarity/vm"
)

// TestPostConditionsBoundContracts writes down what a careful wallet would ask of each kind of call.
func TestPostConditionsBoundContracts(t *testing.T) {
	w := newWorld(t, session.Options{Epoch: types.Epoch34}, "ft-trait", "token", "gold", "nft-trait", "badge", "pair", "escrow")
	for _, token := range []string{"token", "gold"} {
		w.must("(ok true)", "dora", token+".mint", "u1000000", "@dora")
	}
	w.must("(ok u1)", "dora", "badge.issue", "@alice")
	w.must("(ok u19000)", "dora", "pair.open", "@.token", "@.gold", "u10000", "u40000")
	dora, alice := person(t, "dora"), person(t, "alice")
	coin := func(contract string) vm.Asset { return vm.Asset{Contract: w.contract(contract), Name: "coin"} }
	pair := postcond.Named(w.contract("pair"))

	sell := w.must("(ok u3626)", "dora", "pair.sell-x", "@.token", "@.gold", "u1000", "u3600", "u1000")
	give := w.must("(ok true)", "alice", "badge.transfer", "u1", "@alice", "@bob")
	open := w.must("(ok u1)", "alice", "escrow.open", "@bob", "@carol", "u100", "u100")

	cases := []struct {
		name   string
		result *vm.Result
		origin value.Principal
		list   []postcond.Condition
		holds  bool
	}{
		{"a trade within its bounds", sell, dora, []postcond.Condition{
			{Kind: postcond.FT, Owner: postcond.Origin, Asset: coin("token"), Code: postcond.Equal, Amount: 1000},
			{Kind: postcond.FT, Owner: pair, Asset: coin("gold"), Code: postcond.AtLeast, Amount: 3600},
		}, true},
		{"a trade that gives too little", sell, dora, []postcond.Condition{
			{Kind: postcond.FT, Owner: postcond.Origin, Asset: coin("token"), Code: postcond.Equal, Amount: 1000},
			{Kind: postcond.FT, Owner: pair, Asset: coin("gold"), Code: postcond.AtLeast, Amount: 3627},
		}, false},
		{"a trade with a payment that nobody spoke of", sell, dora, []postcond.Condition{
			{Kind: postcond.FT, Owner: postcond.Origin, Asset: coin("token"), Code: postcond.Equal, Amount: 1000},
		}, false},
		{"a badge given away", give, alice, []postcond.Condition{
			{Kind: postcond.NFT, Owner: postcond.Origin, Asset: vm.Asset{Contract: w.contract("badge"), Name: "badge"}, Code: postcond.Sent, ID: value.UInt64(1)},
		}, true},
		{"a badge to be kept", give, alice, []postcond.Condition{
			{Kind: postcond.NFT, Owner: postcond.Origin, Asset: vm.Asset{Contract: w.contract("badge"), Name: "badge"}, Code: postcond.NotSent, ID: value.UInt64(1)},
		}, false},
		{"coins put into escrow", open, alice, []postcond.Condition{
			{Kind: postcond.Coins, Owner: postcond.Origin, Code: postcond.AtMost, Amount: 100},
		}, true},
		{"more coins than allowed", open, alice, []postcond.Condition{
			{Kind: postcond.Coins, Owner: postcond.Origin, Code: postcond.Less, Amount: 100},
		}, false},
	}
	for _, c := range cases {
		err := postcond.Check(&c.result.Assets, c.origin, postcond.Conditions{Mode: postcond.Deny, List: c.list})
		if broken := new(postcond.Error); (err == nil) != c.holds || err != nil && !errors.As(err, &broken) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestContractsPrintWhatTheyDo reads the events that those who watch a contract follow.
func TestContractsPrintWhatTheyDo(t *testing.T) {
	w := newWorld(t, session.Options{Epoch: types.Epoch34}, "ft-trait", "token", "inference-market")
	w.must("(ok true)", "dora", "token.mint", "u10", "@alice")
	post := w.must("(ok u1)", "alice", "inference-market.post", "0x11", `"tiny"`, "u100", "u50", "(list @carol)")
	w.must("(ok true)", "bob", "inference-market.claim", "u1")
	w.must("(ok true)", "bob", "inference-market.deliver", "u1", "0x22")
	w.must("(ok true)", "alice", "inference-market.contest", "u1")
	fined := w.must("(ok true)", "carol", "inference-market.judge", "u1", "false")
	cases := []struct {
		name   string
		events []vm.Event
		want   []string // of printed values; of the others their kinds
	}{
		{"post", post.Events, []string{"transfer 100",
			`{event: "post", id: u1, asker: @alice, prompt: 0x11, model: "tiny", reward: u100, bond: u50}`}},
		{"judge", fined.Events, []string{`{event: "judge", id: u1, judge: @carol, good: false}`, "transfer 100", "burn 50",
			`{event: "fined", id: u1, to-asker: u100, to-provider: u0, burned: u50}`}},
		{"memo", w.must("(ok true)", "alice", "token.transfer", "u1", "@alice", "@bob", "(some 0x6d)").Events, []string{"tokens 1", "0x6d"}},
	}
	kinds := map[vm.EventKind]string{vm.EventSTXTransfer: "transfer ", vm.EventSTXBurn: "burn ", vm.EventFTTransfer: "tokens "}
	for _, c := range cases {
		if len(c.events) != len(c.want) {
			t.Errorf("%s: %d events, want %d", c.name, len(c.events), len(c.want))
			continue
		}
		for i, e := range c.events {
			got, want := kinds[e.Kind]+e.Amount.String(), c.want[i]
			if e.Kind == vm.EventPrint {
				got, want = e.Value.String(), w.value(want).String()
			}
			if got != want {
				t.Errorf("%s: event %d is %s, want %s", c.name, i, got, want)
			}
		}
	}
}
