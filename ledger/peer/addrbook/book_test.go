package addrbook

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// known is an address that was there just now.
func known(a string) Known {
	return Known{Addr: netip.MustParseAddrPort(a), Services: 9, Time: time.Now()}
}

func all(Candidate) bool { return false }

func TestAFloodFromOneSourceFillsFewBuckets(t *testing.T) {
	b := New(false)
	source := netip.MustParseAddr("5.6.7.8")
	for i := range 200 {
		var as []Known
		for j := range 250 {
			for k := range 4 {
				as = append(as, known(fmt.Sprintf("%d.%d.%d.1:8333", 11+i%80, j, k+4*(i/80))))
			}
		}
		b.Add(as, source, 0)
	}
	used := 0
	for _, bucket := range b.fresh.buckets {
		if bucket != nil {
			used++
		}
	}
	if used > newPerSource || b.Len() > newPerSource*bucketSize {
		t.Errorf("%d buckets, %d addresses", used, b.Len())
	}
	room := 0
	for i := range 200 { // which fall into one of the flooded buckets with a chance of 1 in 16
		room += b.Add([]Known{known(fmt.Sprintf("99.%d.2.3:8333", i))}, netip.MustParseAddr(fmt.Sprintf("77.%d.7.8", i)), 0)
	}
	if room < 150 {
		t.Errorf("room for %d of 200 addresses that honest sources tell of", room)
	}
}

func TestOneGroupTakesFewOfTheTriedPlaces(t *testing.T) {
	b := New(false)
	for i := range 200 {
		for j := range 100 {
			a := known(fmt.Sprintf("9.9.%d.%d:8333", i, j+1))
			b.Add([]Known{a}, netip.MustParseAddr(fmt.Sprintf("%d.%d.1.1", 11+j, i)), 0)
			b.Good(a.Addr, 9)
		}
	}
	used := 0
	for _, bucket := range b.tried.buckets {
		if bucket != nil {
			used++
		}
	}
	if used > triedPerGroup {
		t.Errorf("%d buckets", used)
	}
}

func TestUnreachableAddressesCountOnLocalNetworksOnly(t *testing.T) {
	for _, c := range []struct {
		addr         string
		wide, inside bool
	}{
		{"8.8.8.8:1", true, true}, {"127.0.0.1:18444", false, true}, {"10.1.2.3:1", false, true}, {"[2a01:4f8::1]:1", true, true},
		{"8.8.8.8:0", false, false}, {"0.0.0.0:1", false, false}, {"224.0.0.1:1", false, false}, {"[fe80::1]:9", false, true},
	} {
		a := netip.MustParseAddrPort(c.addr)
		if got := New(false).Reachable(a); got != c.wide {
			t.Errorf("%v: %v", a, got)
		}
		if got := New(true).Reachable(a); got != c.inside {
			t.Errorf("%v, local: %v", a, got)
		}
	}
}

func TestAnAddressThatAnswersKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(false)
		holder := known("9.9.1.1:8333")
		b.Add([]Known{holder}, netip.MustParseAddr("11.1.1.1"), 0)
		b.Good(holder.Addr, 9)
		bucket, slot := b.triedPlace(holder.Addr)
		var rival Known
		for i := 0; rival.Services == 0; i++ {
			a := known(fmt.Sprintf("9.9.%d.%d:8333", 2+i/250, 1+i%250))
			if bu, sl := b.triedPlace(a.Addr); bu == bucket && sl == slot {
				rival = a
			}
		}
		b.Add([]Known{rival}, netip.MustParseAddr("12.1.1.1"), 0)
		b.Good(rival.Addr, 9)
		if _, ok := b.Contested(); ok || !b.nodes[holder.Addr].tried {
			t.Error("an address that was reached a moment ago has lost its place")
		}
		time.Sleep(recent + time.Minute)
		b.Good(rival.Addr, 9)
		if a, ok := b.Contested(); !ok || a != holder.Addr {
			t.Error(a, ok)
		}
		b.Good(holder.Addr, 9)
		if _, ok := b.Contested(); ok || !b.nodes[holder.Addr].tried {
			t.Error("an address that answers has lost its place")
		}
		time.Sleep(recent + time.Minute)
		b.Good(rival.Addr, 9)
		b.Attempt(holder.Addr)
		time.Sleep(2 * time.Minute)
		if _, ok := b.Contested(); ok || b.nodes[holder.Addr].tried || !b.nodes[rival.Addr].tried {
			t.Error("an address that does not answer has kept its place")
		}
	})
}

func TestAddressesThatFailMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(false)
		a := known("9.9.1.1:8333")
		b.Add([]Known{a}, a.Addr.Addr(), 0)
		if len(b.Sample(1000, 23)) != 1 {
			t.Error("not told of")
		}
		for range retries {
			b.Attempt(a.Addr)
		}
		time.Sleep(2 * time.Minute)
		if len(b.Sample(1000, 23)) != 0 {
			t.Error("told of, though it never answers")
		}
		c := known("9.9.1.2:8333")
		b.Add([]Known{c}, c.Addr.Addr(), 0)
		b.Good(c.Addr, 9)
		time.Sleep(horizon + time.Hour)
		if len(b.Sample(1000, 23)) != 0 {
			t.Error("told of a month after it was seen")
		}
	})
}

func TestEveryAddressIsChosenInTime(t *testing.T) {
	b := New(true)
	want := map[netip.AddrPort]bool{}
	for i := range 40 {
		a := known(fmt.Sprintf("127.0.0.1:%d", 1000+i))
		if b.Add([]Known{a}, a.Addr.Addr(), 0) == 0 {
			continue // its place is taken
		}
		want[a.Addr] = true
		if i%2 == 0 {
			b.Good(a.Addr, 9)
		}
	}
	for i := 0; i < 10_000 && len(want) > 0; i++ {
		a, _ := b.Select(false, func(c Candidate) bool { return !want[c.Addr] })
		delete(want, a)
	}
	if len(want) > 0 {
		t.Error(want)
	}
	if a, ok := b.Select(true, func(c Candidate) bool { return false }); !ok || b.nodes[a].tried {
		t.Error(a, ok)
	}
	if a, ok := New(true).Select(false, all); ok {
		t.Error(a)
	}
}

// TestTablesAgree checks the book's invariants over random uses, and that a file brings all of it back.
func TestTablesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New(rapid.Bool().Draw(t, "local"))
		ip := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte{byte(rapid.IntRange(1, 3).Draw(t, "a")), 1, byte(rapid.IntRange(0, 3).Draw(t, "b")), 1})
		})
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			a := netip.AddrPortFrom(ip.Draw(t, "ip"), uint16(rapid.IntRange(1, 20).Draw(t, "port")))
			switch rapid.IntRange(0, 5).Draw(t, "do") {
			case 0, 1:
				b.Add([]Known{{Addr: a, Time: time.Now()}}, ip.Draw(t, "source"), time.Hour)
			case 2:
				b.Good(a, 9)
			case 3:
				b.Attempt(a)
			case 4:
				b.Forget(a)
			case 5:
				b.Contested()
			}
			agree(t, b)
		}
		content, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		c := New(b.local)
		if err := c.Unmarshal(content); err != nil || c.Len() != b.Len() {
			t.Fatal(err, c.Len(), b.Len())
		}
		agree(t, c)
		for a, n := range b.nodes {
			if m := c.nodes[a]; m == nil || m.tried != n.tried || m.bucket != n.bucket || m.slot != n.slot {
				t.Fatal(n, m)
			}
		}
	})
}

func agree(t interface{ Fatal(...any) }, b *Book) {
	count := 0
	for tried, table := range map[bool]*table{false: b.fresh, true: b.tried} {
		for i, bucket := range table.buckets {
			for j, n := range bucket {
				if n == nil {
					continue
				}
				if !slices.Contains(table.live, i) {
					t.Fatal("bucket", i, "is not listed")
				}
				if count++; b.nodes[n.Addr] != n || n.tried != tried || n.bucket != i || n.slot != j {
					t.Fatal("out of place", n)
				}
			}
		}
	}
	for _, table := range []*table{b.fresh, b.tried} {
		for _, i := range table.live {
			if table.buckets[i] == nil {
				t.Fatal("bucket", i, "is listed")
			}
		}
	}
	if count != len(b.nodes) {
		t.Fatal(count, "in the tables,", len(b.nodes), "known")
	}
}

// FuzzUnmarshal reads files that somebody may have touched.
func FuzzUnmarshal(f *testing.F) {
	b := New(true)
	b.Add([]Known{known("8.8.8.8:1"), known("127.0.0.1:5"), known("[2a01::1]:9")}, netip.MustParseAddr("1.1.1.1"), 0)
	b.Good(netip.MustParseAddrPort("127.0.0.1:5"), 9)
	content, err := b.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		b := New(false)
		if b.Unmarshal(content) != nil {
			return
		}
		agree(t, b)
		b.Sample(1000, 100)
		b.Select(false, all)
	})
}
