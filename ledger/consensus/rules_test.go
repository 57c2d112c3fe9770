package consensus

import (
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
)

// The difficulties that Bitcoin's own chain went through, and the clamps: the cases of Bitcoin Core's pow_tests.cpp.
func TestRetargetIsBitcoins(t *testing.T) {
	p := &Params{Params: &chaincfg.MainNetParams}
	for _, x := range []struct {
		name        string
		first, last int64
		was, want   uint32
	}{
		{"blocks 30,240 to 32,255", 1_261_130_161, 1_262_152_739, 0x1d00ffff, 0x1d00d86a},
		{"blocks 0 to 2,015, at the limit", 1_231_006_505, 1_233_061_996, 0x1d00ffff, 0x1d00ffff},
		{"blocks 66,528 to 68,543, four times harder at most", 1_279_008_237, 1_279_297_671, 0x1c05a3f4, 0x1c0168fd},
		{"no block this slow, four times easier at most", 1_263_163_443, 1_269_211_443, 0x1c387f6f, 0x1d00e1fd},
	} {
		first := &line{bits: x.was, time: x.first}
		last := &line{height: 2015, bits: x.was, time: x.last, parent: first}
		if got := retarget(p, last, first); got != x.want {
			t.Errorf("%s: %08x, want %08x", x.name, got, x.want)
		}
	}
}

// Bitcoin measures a period from its first block to its last, one interval too few, and does not hold the first block of
// the next against the last: the time warp. Ours are Bitcoin's rules, this one included.
func TestFirstBlockOfAPeriodMayBeOlderThanTheLast(t *testing.T) {
	p := short()
	l := &line{bits: p.PowLimitBits, time: 1_800_000_000}
	for l.height < 7 {
		l = l.child(NextBits(p, l), l.time+1)
	}
	l.time += 7200
	median := blockchain.CalcPastMedianTime(l).Unix()
	for at, ok := range map[int64]bool{median: false, median + 1: true} {
		h := &wire.BlockHeader{Version: 4, Timestamp: time.Unix(at, 0), Bits: NextBits(p, l)}
		if err := CheckHeaderContext(p, h, l); ok != (err == nil) || err != nil && !Is(err, blockchain.ErrTimeTooOld) {
			t.Errorf("%d seconds after the median time: %v", at-median, err)
		}
	}
}

func TestMedianTimeIsOfElevenBlocksOrAsManyAsThereAre(t *testing.T) {
	// The sixth of eleven, the upper of two in the middle, whatever their order.
	times := []int64{100, 130, 110, 120, 105, 101, 140, 150, 103, 160, 170, 180}
	want := []int64{100, 130, 110, 120, 110, 110, 110, 120, 110, 120, 120, 130}
	var l *line
	for i, at := range times {
		if l = (&line{height: int32(i), time: at, parent: l}); blockchain.CalcPastMedianTime(l).Unix() != want[i] {
			t.Errorf("height %d: %d, want %d", i, blockchain.CalcPastMedianTime(l).Unix(), want[i])
		}
	}
}

func TestHeaderBounds(t *testing.T) {
	p, now := Dev(), time.Unix(1_800_000_000, 0)
	parent := &line{bits: p.PowLimitBits, time: now.Unix() - 100}
	for _, x := range []struct {
		name    string
		version int32
		at      time.Time
		want    blockchain.ErrorCode // -1: none
	}{
		{"two hours ahead", 4, now.Add(2 * time.Hour), -1},
		{"a second more", 4, now.Add(2*time.Hour + time.Second), blockchain.ErrTimeTooNew},
		{"a second after the median time", 4, time.Unix(parent.time+1, 0), -1},
		{"version 1 (BIP34)", 1, now, blockchain.ErrBlockVersionTooOld},
		{"version 2 (BIP66)", 2, now, blockchain.ErrBlockVersionTooOld},
		{"version 3 (BIP65)", 3, now, blockchain.ErrBlockVersionTooOld},
		{"version 4", 4, now, -1},
		{"version bits (BIP9)", 0x20000000, now, -1},
		{"negative version", -1, now, blockchain.ErrBlockVersionTooOld},
	} {
		h := &wire.BlockHeader{Version: x.version, Timestamp: x.at, Bits: p.PowLimitBits}
		for !Solved(h) {
			h.Nonce++
		}
		err := CheckHeader(p, h, now)
		if err == nil {
			err = CheckHeaderContext(p, h, parent)
		}
		if code, _ := Broken(err); (x.want == -1) != (err == nil) || err != nil && code != x.want {
			t.Errorf("%s: %v, want %v", x.name, err, x.want)
		}
	}
}

// Compact targets that are no numbers a hash could meet.
func TestTargetsRefused(t *testing.T) {
	p, now := Dev(), time.Unix(1_800_000_000, 0)
	for name, bits := range map[string]uint32{
		"zero": 0, "negative": 0x20ffffff, "negative small": 0x01810000, "above the limit": 0x20800000 - 1 + 0x01000000, "overflow": 0xff123456,
	} {
		if err := CheckHeader(p, &wire.BlockHeader{Timestamp: now, Bits: bits}, now); !Is(err, blockchain.ErrUnexpectedDifficulty) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Bitcoin Core's chainparams.cpp, class CRegTestParams, as of version 28.
func TestRegtestIsBitcoins(t *testing.T) {
	p := BitcoinRegtest()
	g := p.GenesisBlock
	if g.Header.Timestamp.Unix() != 1_296_688_602 || g.Header.Nonce != 2 || g.Header.Bits != 0x207fffff || g.Header.Version != 1 ||
		g.Header.MerkleRoot.String() != "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b" || g.Transactions[0].TxOut[0].Value != 50*1e8 {
		t.Errorf("genesis %+v", g.Header)
	}
	if p.Net != 0xdab5bffa || p.DefaultPort != "18444" || p.Bech32HRPSegwit != "bcrt" ||
		p.PubKeyHashAddrID != 111 || p.ScriptHashAddrID != 196 || p.PrivateKeyID != 239 ||
		p.HDPublicKeyID != [4]byte{0x04, 0x35, 0x87, 0xcf} || p.HDPrivateKeyID != [4]byte{0x04, 0x35, 0x83, 0x94} {
		t.Errorf("prefixes %+v", p.Params)
	}
	if p.BIP0034Height != 1 || p.BIP0065Height != 1 || p.BIP0066Height != 1 || p.PowLimitBits != 0x207fffff || !p.PoWNoRetargeting ||
		p.EnforceBIP94 || p.CoinbaseMaturity != 100 || p.MinimumChainWork.Sign() != 0 || p.AssumeValid != [32]byte{} {
		t.Errorf("rules %+v", p.Params)
	}
	for height, want := range map[int32]amount.Amount{1: 50 * 1e8, 149: 50 * 1e8, 150: 25 * 1e8, 300: 1_250_000_000, 150 * 33: 0, 150 * 64: 0} {
		if got := p.Subsidy(height); got != int64(want) {
			t.Errorf("height %d: subsidy %d, want %d", height, got, want)
		}
	}
	// The exception for slow blocks changes nothing where every target is the limit.
	l := &line{bits: p.PowLimitBits, time: 1_800_000_000}
	for range 4100 {
		l = l.child(p.PowLimitBits, l.time+int64(l.height%3)*2000+1)
		h := &wire.BlockHeader{Version: 4, Timestamp: time.Unix(l.time+1, 0), Bits: NextBits(p, l)}
		if err := CheckHeaderContext(p, h, l); err != nil || h.Bits != 0x207fffff {
			t.Fatal(l.height, err)
		}
	}
}

// What becomes no coin is what does not in Bitcoin Core (CScript::IsUnspendable).
func TestUnspendableScripts(t *testing.T) {
	for name, x := range map[string]struct {
		script []byte
		want   bool
	}{
		"nothing":          {nil, false},
		"OP_RETURN":        {[]byte{txscript.OP_RETURN}, true},
		"OP_RETURN later":  {[]byte{txscript.OP_1, txscript.OP_RETURN}, false},
		"a torn push":      {[]byte{75, 1}, false},
		"10,000 bytes":     {make([]byte, 10_000), false},
		"10,001 bytes":     {make([]byte, 10_001), true},
		"witness program":  {append([]byte{txscript.OP_0, 20}, make([]byte, 20)...), false},
		"only an OP_FALSE": {[]byte{txscript.OP_0}, false},
	} {
		if Unspendable(x.script) != x.want {
			t.Errorf("%s: want %v", name, x.want)
		}
	}
}
