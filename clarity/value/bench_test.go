package value

import (
	"math/big"
	"testing"
)

// sink keeps the compiler from leaving out what is measured.
var sink Uint128

func BenchmarkArithmetic(b *testing.B) {
	u, v, small := Uint128{7, 1 << 40}, Uint128{1, 3}, U64(12345)
	i, j := Int128{1<<64 - 7, 5}, I64(-999)
	for name, f := range map[string]func(){
		"add":      func() { sink, _ = u.Add(v) },
		"sub":      func() { sink, _ = u.Sub(v) },
		"mul":      func() { sink, _ = small.Mul(v) },
		"div64":    func() { sink, _ = u.Div(small) },
		"div128":   func() { sink, _ = u.Div(v) },
		"int-add":  func() { s, _ := i.Add(j); sink = Uint128(s) },
		"int-mul":  func() { s, _ := i.Mul(j); sink = Uint128(s) },
		"pow":      func() { sink, _ = U64(3).Pow(80) },
		"sqrti":    func() { sink = u.Sqrt() },
		"math/big": bigAdd(u, v),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// bigAdd is what an addition takes that has to see whether it fits, for comparison.
func bigAdd(u, v Uint128) func() {
	x, y, z := u.big(), v.big(), new(big.Int)
	return func() {
		if z.Add(x, y); z.BitLen() > 128 {
			sink = Uint128{}
		}
	}
}

// typical are values as contracts keep and wallets send them.
var typical = map[string]string{
	"uint":      "u1000000",
	"principal": "'ST000000000000000000002AMW42H.token",
	"record":    `{ amount: u1000000, owner: ST000000000000000000002AMW42H, memo: (some 0x00112233445566778899aabbccddeeff), active: true }`,
	"list":      "(list u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11 u12 u13 u14 u15 u16)",
	"records":   `(list { to: ST000000000000000000002AMW42H, n: u1 } { to: ST000000000000000000002AMW42H, n: u2 } { to: ST000000000000000000002AMW42H, n: u3 })`,
	"string":    `u"caf\u{e9} au lait"`,
}

func BenchmarkEncode(b *testing.B) {
	for name, s := range typical {
		v := parse(b, s)
		buf := make([]byte, 0, v.EncodedLen())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(v.EncodedLen()))
			for b.Loop() {
				var err error
				if buf, err = AppendEncode(buf[:0], v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, s := range typical {
		enc := must(Encode(parse(b, s)))(b)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(enc)))
			for b.Loop() {
				if _, err := Decode(enc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeTyped(b *testing.B) {
	for name, s := range typical {
		v := parse(b, s)
		enc, t := must(Encode(v))(b), TypeOf(v)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(enc)))
			for b.Loop() {
				if _, err := DecodeTyped(enc, t, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseLiteral(b *testing.B) {
	for name, s := range typical {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseLiteral(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
