package cost

import (
	"bufio"
	"errors"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"funai/clarity/types"

	"pgregory.net/rapid"
)

// point is one answer of a cost contract.
type point struct {
	function string
	n        uint64
	cost     Cost
	fails    bool
}

func golden(t *testing.T) []point {
	t.Helper()
	file, err := os.Open("testdata/functions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var points []point
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Split(lines.Text(), "\t")
		p := point{function: fields[0], fails: fields[2] == "error"}
		numbers := make([]uint64, len(fields))
		for i := 1; i < len(fields) && fields[i] != "error"; i++ {
			if numbers[i], err = strconv.ParseUint(fields[i], 10, 64); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
		}
		p.n = numbers[1]
		if !p.fails {
			p.cost = Cost{numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]}
		}
		points = append(points, p)
	}
	return points
}

func TestFunctionsAnswerAsTheCostContracts(t *testing.T) {
	byName := map[string]Function{}
	for f := range functions {
		byName[strings.TrimPrefix(f.String(), "cost_")] = f
	}
	seen := map[Function]int{}
	s := ScheduleOf(types.LatestEpoch)
	for _, p := range golden(t) {
		f, ok := byName[p.function]
		if !ok {
			t.Errorf("no function %s", p.function)
			continue
		}
		seen[f]++
		got, err := s.Of(f, p.n)
		if p.fails {
			if !errors.Is(err, ErrLogOfZero) {
				t.Errorf("%v of %d: got %+v, %v; want ErrLogOfZero", f, p.n, got, err)
			}
			continue
		}
		if err != nil || got != p.cost {
			t.Errorf("%v of %d: got %+v, %v; want %+v", f, p.n, got, err, p.cost)
		}
		m := NewMeter(s, Unlimited)
		if err := m.Charge(f, p.n); err != nil || m.Used != p.cost {
			t.Errorf("charging %v of %d: got %+v, %v; want %+v", f, p.n, m.Used, err, p.cost)
		}
	}
	for f := range functions {
		if seen[f] < 10 {
			t.Errorf("%v is held to %d points", f, seen[f])
		}
	}
}

func TestFunctionsArriveWithTheirEpoch(t *testing.T) {
	tests := []struct {
		f     Function
		epoch types.Epoch
		known bool
	}{
		{Add, types.Epoch21, true},
		{Add, types.Epoch40, true},
		{BitwiseAnd, types.Epoch21, true},
		{ToASCII, types.Epoch32, false},
		{ToASCII, types.Epoch33, true},
		{Secp256r1Verify, types.Epoch34, true},
		{Ed25519Verify, types.Epoch34, false},
		{Ed25519Verify, types.Epoch40, true},
		{functions, types.Epoch40, false},
		{math.MaxUint8, types.Epoch40, false},
		{Add, 0, true},
	}
	for _, test := range tests {
		s := ScheduleOf(test.epoch)
		_, err := s.Of(test.f, 1)
		if errors.Is(err, ErrFunction) == test.known {
			t.Errorf("%v in epoch %v: %v", test.f, test.epoch, err)
		}
		if err := NewMeter(s, Unlimited).Charge(test.f, 1); errors.Is(err, ErrFunction) == test.known {
			t.Errorf("charging %v in epoch %v: %v", test.f, test.epoch, err)
		}
	}
}

func TestRuntimeIsExactUpToTheGreatestNumber(t *testing.T) {
	most := new(big.Int).SetUint64(math.MaxUint64)
	rapid.Check(t, func(t *rapid.T) {
		f := Function(rapid.IntRange(0, int(functions)-1).Draw(t, "f"))
		n := rapid.Uint64Min(1).Draw(t, "n")
		r := table[f].runtime
		grow := new(big.Int).SetUint64(n)
		log := big.NewInt(int64(grow.BitLen() - 1))
		switch r.form {
		case formLinear:
		case formLogN:
			grow = log
		case formNLogN:
			grow.Mul(grow, log)
		case formPerKiB:
			grow.Rsh(grow, 10)
		}
		want := grow.Mul(grow, new(big.Int).SetUint64(r.a))
		want.Add(want, new(big.Int).SetUint64(r.b))
		if want.Cmp(most) > 0 {
			want = most
		}
		got, err := ScheduleOf(types.LatestEpoch).Of(f, n)
		if err != nil || got.Runtime != want.Uint64() {
			t.Fatalf("%v of %d: got %d, %v; want %v", f, n, got.Runtime, err, want)
		}
	})
}
