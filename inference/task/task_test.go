package task

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"funai/inference/codec"
	"funai/inference/tx"
	"funai/key"
	"funai/model"
)

func keyOf(t testing.TB, n byte) *key.Private {
	t.Helper()
	k, err := key.FromBytes(append(make([]byte, 31), n+1))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func inputs() *rapid.Generator[Input] {
	turn := rapid.Custom(func(t *rapid.T) Turn {
		return Turn{Role: rapid.SampledFrom([]string{"user", "assistant", "system"}).Draw(t, "role"), Content: rapid.String().Draw(t, "said")}
	})
	return rapid.Custom(func(t *rapid.T) Input {
		return Input{System: rapid.String().Draw(t, "system"), Context: rapid.SliceOfN(turn, 0, 4).Draw(t, "context"), Input: rapid.String().Draw(t, "input")}
	})
}

// exchange is the contents of a task between two keys.
func exchange(asker, server *key.Private, in Input, out Output) Contents {
	o := &tx.Open{Model: 1, Server: server.Public().Hash160(), GasLimit: 100, GasPrice: 10, MaxTokens: 50}
	in.Bind(o)
	open := tx.New(tx.ChainIDDev, o)
	open.Sign(asker)
	r := tx.New(tx.ChainIDDev, &tx.Receipt{Task: open.ID(), Output: out.TextHash(), Tokens: out.TokenHash(), TokensIn: 3, TokensOut: uint32(len(out.Tokens))})
	r.Sign(server)
	return Contents{Open: open.Encode(), Receipt: r.Encode(), Input: in, Output: out}
}

func TestContentsAreReadBackAndFit(t *testing.T) {
	asker, server := keyOf(t, 1), keyOf(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		out := Output{Text: rapid.String().Draw(t, "text"), Tokens: rapid.SliceOfN(rapid.Int32(), 0, 9).Draw(t, "tokens")}
		want := exchange(asker, server, inputs().Draw(t, "input"), out)
		got, err := Decode(want.Encode())
		if err != nil {
			t.Fatal(err)
		}
		c, err := got.Check()
		if err != nil {
			t.Fatal(err)
		}
		if c.OpenTx.Signer != asker.Public().Hash160() || c.Server.Signer != server.Public().Hash160() || c.Task != c.OpenTx.ID() || c.Receipt.Task != c.Task {
			t.Fatalf("%+v", c)
		}
		if !bytes.Equal(got.Encode(), want.Encode()) || c.Output.Text != out.Text {
			t.Fatal("read back they are others")
		}
		got.Receipt = nil
		if c, err := got.Check(); err != nil || c.Receipt != nil || c.Server != nil {
			t.Fatalf("before there is a receipt: %+v, %v", c, err)
		}
	})
}

// Contents name their task by hash: no byte of what was asked or answered can be exchanged for another.
func TestAlteredContentsDoNotFit(t *testing.T) {
	asker, server, other := keyOf(t, 1), keyOf(t, 2), keyOf(t, 3)
	in := Input{System: "Be brief.", Context: []Turn{{Role: "user", Content: "Hello"}, {Role: "assistant", Content: "Hi"}}, Input: "How are you?"}
	out := Output{Text: "Fine.", Tokens: []int32{5, -1, 1 << 30}}
	resign := func(raw []byte, k *key.Private, change func(*tx.Tx)) []byte {
		x, err := tx.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		change(x)
		x.Sign(k)
		return x.Encode()
	}
	for name, c := range map[string]struct {
		want   error
		change func(*Contents)
	}{
		"input":  {ErrContent, func(c *Contents) { c.Input.Input += "?" }},
		"system": {ErrContent, func(c *Contents) { c.Input.System = "" }},
		"said": {ErrContent, func(c *Contents) {
			c.Input.Context = []Turn{{Role: "user", Content: "Hello"}, {Role: "assistant", Content: "Ho"}}
		}},
		"who said": {ErrContent, func(c *Contents) {
			c.Input.Context = []Turn{{Role: "user", Content: "Hello"}, {Role: "user", Content: "Hi"}}
		}},
		"a turn less":         {ErrContent, func(c *Contents) { c.Input.Context = c.Input.Context[:1] }},
		"no turns":            {ErrContent, func(c *Contents) { c.Input.Context = nil }},
		"text":                {ErrContent, func(c *Contents) { c.Output.Text = "Bad." }},
		"token":               {ErrContent, func(c *Contents) { c.Output.Tokens = []int32{5, -1, 7} }},
		"a token more":        {ErrContent, func(c *Contents) { c.Output.Tokens = append(c.Output.Tokens, 1) }},
		"open is a receipt":   {ErrContent, func(c *Contents) { c.Open = c.Receipt }},
		"receipt is an open":  {ErrContent, func(c *Contents) { c.Receipt = c.Open }},
		"open is nonsense":    {tx.ErrMalformed, func(c *Contents) { c.Open = []byte{1} }},
		"receipt is nonsense": {tx.ErrMalformed, func(c *Contents) { c.Receipt = c.Receipt[:9] }},
		"open's signature":    {key.ErrSignature, func(c *Contents) { c.Open[50]++ }},
		"receipt's signature": {key.ErrSignature, func(c *Contents) { c.Receipt[50]++ }},
		"another's receipt":   {ErrContent, func(c *Contents) { c.Receipt = resign(c.Receipt, other, func(*tx.Tx) {}) }},
		"another task's": {ErrContent, func(c *Contents) {
			c.Receipt = resign(c.Receipt, server, func(x *tx.Tx) { x.Payload.(*tx.Receipt).Task[0]++ })
		}},
		"fewer tokens than it says": {ErrContent, func(c *Contents) {
			c.Receipt = resign(c.Receipt, server, func(x *tx.Tx) { x.Payload.(*tx.Receipt).TokensOut++ })
		}},
	} {
		contents := exchange(asker, server, in, out)
		c.change(&contents)
		if got, err := contents.Check(); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnyProducerMayAnswerWhatNamesNobody(t *testing.T) {
	asker, server := keyOf(t, 1), keyOf(t, 2)
	in := Input{Input: "Hello"}
	o := &tx.Open{}
	in.Bind(o)
	open := tx.New(tx.ChainIDDev, o)
	open.Sign(asker)
	r := tx.New(tx.ChainIDDev, &tx.Receipt{Task: open.ID(), Output: Output{}.TextHash(), Tokens: Output{}.TokenHash()})
	r.Sign(server)
	if _, err := (Contents{Open: open.Encode(), Receipt: r.Encode(), Input: in}).Check(); err != nil {
		t.Error(err)
	}
}

func TestHashesAreThoseOfTheTexts(t *testing.T) {
	o := &tx.Open{}
	Input{System: "a", Context: []Turn{{Role: "user", Content: "b"}}, Input: "c"}.Bind(o)
	context := sha256.Sum256([]byte("\x81\x82\x64user\x61b")) // CBOR
	if o.Input != sha256.Sum256([]byte("c")) || o.System != sha256.Sum256([]byte("a")) || o.Context != context {
		t.Errorf("%x %x %x", o.Input, o.System, o.Context)
	}
	Input{}.Bind(o)
	if o.Input != sha256.Sum256(nil) || o.System != ([32]byte{}) || o.Context != ([32]byte{}) {
		t.Errorf("of nothing: %x %x %x", o.Input, o.System, o.Context)
	}
	out := Output{Text: "c", Tokens: []int32{1, -2}}
	if out.TextHash() != sha256.Sum256([]byte("c")) || out.TokenHash() != sha256.Sum256([]byte{1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff}) {
		t.Errorf("%x %x", out.TextHash(), out.TokenHash())
	}
}

func TestTheModelIsAskedWhatTheTransactionFixes(t *testing.T) {
	in := Input{System: "a", Context: []Turn{{Role: "user", Content: "b"}, {Role: "assistant", Content: "c"}}, Input: "d"}
	id := tx.ID{7}
	got := in.Request(id, &tx.Open{MaxTokens: 9, TemperatureMilli: 800, RepeatPenaltyMilli: 1100})
	want := model.Request{MaxTokens: 9, Sampling: model.Sampling{TemperatureMilli: 800, RepeatPenaltyMilli: 1100, Seed: id},
		Messages: []model.Message{{Role: "system", Content: "a"}, {Role: "user", Content: "b"}, {Role: "assistant", Content: "c"}, {Role: "user", Content: "d"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestContentsAreBounded(t *testing.T) {
	long := strings.Repeat("x", MaxInputBytes)
	for name, c := range map[string]struct {
		in   Input
		want error
	}{
		"as long as may be": {Input{Input: long}, nil},
		"one byte more":     {Input{Input: long, System: "x"}, ErrTooLarge},
		"as many as may be": {Input{Context: turns(maxTurns)}, nil},
		"one turn more":     {Input{Context: turns(maxTurns + 1)}, ErrTooLarge},
		"unknown role":      {Input{Context: []Turn{{Role: "tool", Content: "x"}}}, ErrContent},
		"input not UTF-8":   {Input{Input: "\xff"}, ErrContent},
		"system not UTF-8":  {Input{System: "\xff"}, ErrContent},
		"turn not UTF-8":    {Input{Context: []Turn{{Role: "user", Content: "\xff"}}}, ErrContent},
		"role not UTF-8":    {Input{Context: []Turn{{Role: "\xff", Content: "x"}}}, ErrContent},
		"half a letter":     {Input{Input: "ä"[:1]}, ErrContent},
	} {
		if err := c.in.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		out  Output
		want error
	}{
		"as long as may be": {Output{Text: strings.Repeat("x", MaxOutputBytes), Tokens: make([]int32, MaxTokens)}, nil},
		"one byte more":     {Output{Text: strings.Repeat("x", MaxOutputBytes+1)}, ErrTooLarge},
		"one token more":    {Output{Tokens: make([]int32, MaxTokens+1)}, ErrTooLarge},
		"not UTF-8":         {Output{Text: "\xc3"}, ErrContent},
	} {
		if err := c.out.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func turns(n int) []Turn {
	ts := make([]Turn, n)
	for i := range ts {
		ts[i].Role = "assistant"
	}
	return ts
}

func TestTheGreatestContentsFitTheirBound(t *testing.T) {
	in := Input{Context: turns(maxTurns)}
	in.Input = strings.Repeat("x", MaxInputBytes-maxTurns*len("assistant"))
	out := Output{Text: strings.Repeat("x", MaxOutputBytes), Tokens: make([]int32, MaxTokens)}
	for i := range out.Tokens {
		out.Tokens[i] = -1 << 31
	}
	c := exchange(keyOf(t, 1), keyOf(t, 2), in, out)
	x, err := tx.Decode(c.Open)
	if err != nil {
		t.Fatal(err)
	}
	x.Payload.(*tx.Open).Extra = make([]byte, tx.MaxBytes-len(c.Open))
	c.Open = x.Encode()
	raw := c.Encode()
	if _, err := Decode(raw); err != nil {
		t.Errorf("%d bytes of at most %d: %v", len(raw), MaxContentsBytes, err)
	}
	if _, err := Decode(append(raw, make([]byte, MaxContentsBytes)...)); !errors.Is(err, codec.ErrSize) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	good := exchange(keyOf(f, 1), keyOf(f, 2), Input{System: "s", Context: []Turn{{Role: "user", Content: "u"}}, Input: "i"}, Output{Text: "t", Tokens: []int32{1, 2}})
	f.Add(good.Encode())
	good.Receipt = nil
	f.Add(good.Encode())
	f.Add(Contents{}.Encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Decode(raw)
		if err != nil {
			if !errors.Is(err, codec.ErrDecode) && !errors.Is(err, codec.ErrSize) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(c.Encode(), raw) {
			t.Fatal("a second encoding was taken")
		}
		checked, err := c.Check()
		if err != nil {
			for _, known := range []error{ErrContent, ErrTooLarge, tx.ErrMalformed, tx.ErrUnsupported, key.ErrSignature} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatalf("untyped error %v", err)
		}
		if checked.Input.Fits(checked.Open) != nil {
			t.Fatal("checked and does not fit")
		}
	})
}
