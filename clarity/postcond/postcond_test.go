package postcond_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/clarity/postcond"
	"funai/clarity/value"
	"funai/clarity/vm"
)

var (
	alice = value.Principal{Version: 26, Hash: [20]byte{1}}
	bob   = value.Principal{Version: 26, Hash: [20]byte{2}}
	pair  = value.Principal{Version: 26, Hash: [20]byte{3}, Contract: "pair"}
	gold  = vm.Asset{Contract: pair, Name: "gold"}
	cats  = vm.Asset{Contract: pair, Name: "cats"}
)

// moved is an asset map of movements.
func moved(t *testing.T, ms ...vm.Movement) *vm.AssetMap {
	t.Helper()
	m, err := vm.NewAssetMap(ms...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func coins(owner value.Principal, n uint64) vm.Movement {
	return vm.Movement{Owner: owner, Amount: value.U64(n)}
}

func tokens(owner value.Principal, n uint64) vm.Movement {
	return vm.Movement{Owner: owner, Asset: gold, Amount: value.U64(n)}
}

func cat(owner value.Principal, ids ...uint64) vm.Movement {
	m := vm.Movement{Owner: owner, Asset: cats}
	for _, id := range ids {
		m.IDs = append(m.IDs, value.UInt64(id))
	}
	return m
}

func ofCoins(o postcond.Owner, c postcond.Code, n uint64) postcond.Condition {
	return postcond.Condition{Kind: postcond.Coins, Owner: o, Code: c, Amount: n}
}

func ofTokens(o postcond.Owner, c postcond.Code, n uint64) postcond.Condition {
	return postcond.Condition{Kind: postcond.FT, Owner: o, Asset: gold, Code: c, Amount: n}
}

func ofCat(o postcond.Owner, c postcond.Code, id uint64) postcond.Condition {
	return postcond.Condition{Kind: postcond.NFT, Owner: o, Asset: cats, Code: c, ID: value.UInt64(id)}
}

func TestCheck(t *testing.T) {
	type list []postcond.Condition
	type movements []vm.Movement
	origin, named := postcond.Origin, postcond.Named
	for _, c := range []struct {
		name  string
		mode  postcond.Mode
		moved movements
		list  list
		want  string // part of the error
	}{
		{"nothing moved, nothing said", postcond.Deny, nil, nil, ""},
		{"allow lets all go", postcond.Allow, movements{coins(alice, 5), cat(bob, 1)}, nil, ""},
		{"deny names what moved", postcond.Deny, movements{coins(alice, 5)}, nil, alice.String() + " sent 5 of STX, which no post-condition is about"},
		{"deny holds others too", postcond.Deny, movements{coins(bob, 5)}, nil, bob.String() + " sent 5 of STX"},
		{"originator holds the origin", postcond.Originator, movements{tokens(alice, 5)}, nil, "sent 5 of " + gold.String()},
		{"originator lets others go", postcond.Originator, movements{tokens(bob, 5)}, nil, ""},
		{"deny with a condition about it", postcond.Deny, movements{coins(alice, 5)}, list{ofCoins(origin, postcond.AtMost, 5)}, ""},
		{"origin by name is the same", postcond.Deny, movements{coins(alice, 5)}, list{ofCoins(named(alice), postcond.AtMost, 5)}, ""},
		{"a condition about tokens is none about coins", postcond.Deny, movements{coins(alice, 5)}, list{ofTokens(origin, postcond.AtMost, 5)}, "sent 5 of STX, which"},
		{"a condition about somebody else is none", postcond.Deny, movements{tokens(alice, 5)}, list{ofTokens(named(bob), postcond.AtMost, 5)}, "which no post-condition"},
		{"equal", postcond.Allow, movements{coins(alice, 5)}, list{ofCoins(origin, postcond.Equal, 4)}, "post-condition 0: origin sends exactly 4 STX; sent 5"},
		{"greater", postcond.Allow, movements{coins(alice, 5)}, list{ofCoins(origin, postcond.Greater, 5)}, "more than 5 STX; sent 5"},
		{"greater holds", postcond.Allow, movements{coins(alice, 5)}, list{ofCoins(origin, postcond.Greater, 4)}, ""},
		{"at least", postcond.Allow, movements{coins(alice, 5)}, list{ofCoins(origin, postcond.AtLeast, 6)}, "at least 6 STX; sent 5"},
		{"less", postcond.Allow, movements{coins(alice, 5)}, list{ofCoins(origin, postcond.Less, 5)}, "less than 5 STX; sent 5"},
		{"less holds of nothing", postcond.Allow, nil, list{ofCoins(origin, postcond.Less, 5)}, ""},
		{"at most", postcond.Allow, movements{tokens(alice, 5)}, list{ofTokens(origin, postcond.AtMost, 4)}, "at most 4 " + gold.String() + "; sent 5"},
		{"the second fails", postcond.Allow, movements{coins(alice, 5)}, list{ofCoins(origin, postcond.Equal, 5), ofCoins(named(bob), postcond.Equal, 1)}, "post-condition 1: " + bob.String() + " sends exactly 1 STX; sent 0"},
		{"cat sent", postcond.Deny, movements{cat(alice, 1)}, list{ofCat(origin, postcond.Sent, 1)}, ""},
		{"cat not sent", postcond.Deny, nil, list{ofCat(origin, postcond.Sent, 1)}, "origin sends " + cats.String() + " u1; sent []"},
		{"cat must not be sent", postcond.Allow, movements{cat(alice, 1)}, list{ofCat(origin, postcond.NotSent, 1)}, "does not send"},
		{"another cat sent", postcond.Deny, movements{cat(alice, 1, 2)}, list{ofCat(origin, postcond.Sent, 1)}, "sent [u2] of " + cats.String()},
		{"cat may be sent", postcond.Deny, movements{cat(alice, 1)}, list{ofCat(origin, postcond.MaySend, 1)}, ""},
		{"cat may be kept", postcond.Deny, nil, list{ofCat(origin, postcond.MaySend, 1)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := postcond.Check(moved(t, c.moved...), alice, postcond.Conditions{Mode: c.mode, List: c.list})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var broken *postcond.Error
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, not %q", err, c.want)
			}
		})
	}
}

// The bytes are laid out by hand from SIP-005.
func TestEncodingIsOfSIP005(t *testing.T) {
	hash := strings.Repeat("00", 19)
	for text, cs := range map[string]postcond.Conditions{
		"01 00000000": {Mode: postcond.Allow},
		"02 00000001 00 01 05 00000000000003e8": {Mode: postcond.Deny, List: []postcond.Condition{
			ofCoins(postcond.Origin, postcond.AtMost, 1000)}},
		"03 00000001 01 02 1a01" + hash + " 1a03" + hash + "0470616972 04676f6c64 01 0000000000000002": {Mode: postcond.Originator, List: []postcond.Condition{
			ofTokens(postcond.Named(alice), postcond.Equal, 2)}},
		"02 00000001 02 03 1a03" + hash + "0470616972 1a03" + hash + "0470616972 0463617473 01" + strings.Repeat("00", 15) + "07 12": {Mode: postcond.Deny, List: []postcond.Condition{
			ofCat(postcond.Named(pair), postcond.MaySend, 7)}},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got, err := postcond.Append(nil, cs)
		if err != nil || string(got) != string(want) {
			t.Errorf("%x %v, not %x", got, err, want)
		}
		back, n, err := postcond.Decode(append(want, 0xff))
		if err != nil || n != len(want) || fmt.Sprint(back) != fmt.Sprint(cs) {
			t.Errorf("%s: %v %d %v", text, back, n, err)
		}
	}
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	hash := strings.Repeat("00", 20)
	for text, want := range map[string]error{
		"":                                      postcond.ErrShort,
		"00 00000000":                           postcond.ErrMode,
		"04 00000000":                           postcond.ErrMode,
		"01 0000":                               postcond.ErrShort,
		"01 00000401":                           postcond.ErrTooMany,
		"01 ffffffff":                           postcond.ErrTooMany,
		"01 00000001":                           postcond.ErrShort,
		"01 00000001 03 01":                     postcond.ErrKind,
		"01 00000001 00 00":                     postcond.ErrOwner,
		"01 00000001 00 04":                     postcond.ErrOwner,
		"01 00000001 00 02 20" + hash:           postcond.ErrVersion,
		"01 00000001 00 03 1a" + hash:           postcond.ErrShort,
		"01 00000001 00 03 1a" + hash + "0120":  postcond.ErrName,
		"01 00000001 00 01 00 0000000000000000": postcond.ErrCode,
		"01 00000001 00 01 06 0000000000000000": postcond.ErrCode,
		"01 00000001 00 01 10 0000000000000000": postcond.ErrCode,
		"01 00000001 00 01 01 00000000":         postcond.ErrShort,
		"01 00000001 02 01 1a" + hash + "0161 0162 03 05":       postcond.ErrCode,
		"01 00000001 02 01 1a" + hash + "0161 0162 0b ffffffff": value.ErrShort,
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if cs, _, err := postcond.Decode(b); !errors.Is(err, want) && !(want == value.ErrShort && err != nil) {
			t.Errorf("%s: %v %v, not %v", text, cs, err, want)
		}
	}
}

func TestAppendRefusesWhatDecodeWould(t *testing.T) {
	long := strings.Repeat("a", 129)
	for _, c := range []struct {
		cs   postcond.Conditions
		want error
	}{
		{postcond.Conditions{}, postcond.ErrMode},
		{postcond.Conditions{Mode: postcond.Allow, List: make([]postcond.Condition, postcond.MaxConditions+1)}, postcond.ErrTooMany},
		{postcond.Conditions{Mode: postcond.Allow, List: []postcond.Condition{{Kind: 3}}}, postcond.ErrKind},
		{postcond.Conditions{Mode: postcond.Allow, List: []postcond.Condition{ofCoins(postcond.Origin, postcond.Sent, 1)}}, postcond.ErrCode},
		{postcond.Conditions{Mode: postcond.Allow, List: []postcond.Condition{ofCoins(postcond.Named(value.Principal{Version: 32}), postcond.Equal, 1)}}, postcond.ErrVersion},
		{postcond.Conditions{Mode: postcond.Allow, List: []postcond.Condition{ofCoins(postcond.Named(value.Principal{Version: 32, Contract: "a"}), postcond.Equal, 1)}}, postcond.ErrVersion},
		{postcond.Conditions{Mode: postcond.Allow, List: []postcond.Condition{{Kind: postcond.FT, Code: postcond.Equal, Asset: vm.Asset{Contract: pair, Name: long}}}}, postcond.ErrName},
		{postcond.Conditions{Mode: postcond.Allow, List: []postcond.Condition{{Kind: postcond.FT, Code: postcond.Equal, Asset: vm.Asset{Contract: alice, Name: "a"}}}}, postcond.ErrName},
	} {
		if b, err := postcond.Append(nil, c.cs); !errors.Is(err, c.want) {
			t.Errorf("%x %v, not %v", b, err, c.want)
		}
	}
}

func drawPrincipal(t *rapid.T, contract bool) value.Principal {
	p := value.Principal{Version: rapid.ByteRange(0, 31).Draw(t, "version")}
	copy(p.Hash[:], rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "hash"))
	if contract {
		p.Contract = rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9_-]{0,39}`).Draw(t, "contract")
	}
	return p
}

func drawCondition(t *rapid.T) postcond.Condition {
	c := postcond.Condition{Kind: postcond.Kind(rapid.IntRange(0, 2).Draw(t, "kind"))}
	if rapid.Bool().Draw(t, "named") {
		c.Owner = postcond.Named(drawPrincipal(t, rapid.Bool().Draw(t, "contract")))
	}
	if c.Kind != postcond.Coins {
		c.Asset = vm.Asset{Contract: drawPrincipal(t, true), Name: rapid.StringMatching(`[a-z][a-z?!-]{0,20}`).Draw(t, "name")}
	}
	if c.Kind == postcond.NFT {
		c.Code = rapid.SampledFrom([]postcond.Code{postcond.Sent, postcond.NotSent, postcond.MaySend}).Draw(t, "code")
		c.ID = value.UInt64(rapid.Uint64().Draw(t, "id"))
		return c
	}
	c.Code = postcond.Code(rapid.IntRange(1, 5).Draw(t, "code"))
	c.Amount = rapid.Uint64().Draw(t, "amount")
	return c
}

func TestEncodingComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs := postcond.Conditions{
			Mode: postcond.Mode(rapid.IntRange(1, 3).Draw(t, "mode")),
			List: rapid.SliceOfN(rapid.Custom(drawCondition), 0, 5).Draw(t, "list"),
		}
		b, err := postcond.Append(nil, cs)
		if err != nil {
			t.Fatal(err)
		}
		back, n, err := postcond.Decode(b)
		if err != nil || n != len(b) || back.Mode != cs.Mode || len(back.List) != len(cs.List) {
			t.Fatalf("%v %d %v", back, n, err)
		}
		for i := range cs.List {
			if !reflect.DeepEqual(back.List[i], cs.List[i]) {
				t.Fatalf("condition %d: %v, not %v", i, back.List[i], cs.List[i])
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, cs := range []postcond.Conditions{
		{Mode: postcond.Allow},
		{Mode: postcond.Deny, List: []postcond.Condition{ofCoins(postcond.Origin, postcond.AtMost, 1), ofTokens(postcond.Named(pair), postcond.Less, 9), ofCat(postcond.Named(alice), postcond.Sent, 2)}},
	} {
		b, err := postcond.Append(nil, cs)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cs, n, err := postcond.Decode(b)
		if err != nil {
			return
		}
		out, err := postcond.Append(nil, cs)
		if err != nil {
			t.Fatalf("%x reads, but cannot be written: %v", b[:n], err)
		}
		again, _, err := postcond.Decode(out)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(cs) {
			t.Fatalf("%x: %v %v", out, again, err)
		}
	})
}
