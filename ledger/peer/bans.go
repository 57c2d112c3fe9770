package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/btcsuite/btcd/connmgr"
	lru "github.com/hashicorp/golang-lru/v2"

	"funai/internal/atomicfile"
)

const (
	// maxBans bounds the banned subnets; those whose time ends first make room.
	maxBans = 10_000
	// maxDiscouraged bounds the addresses that have misbehaved (Bitcoin Core's), maxScores those on their way there.
	maxDiscouraged = 50_000
	maxScores      = 10_000
)

// ErrNotBanned says that no such subnet is banned.
var ErrNotBanned = errors.New("subnet is not banned")

var errBanned = errors.New("peer is banned")

// BanInfo is a subnet from which and to which no connection is made.
type BanInfo struct {
	Subnet       netip.Prefix
	Since, Until time.Time
}

// banList holds who is not wanted: subnets that the operator has banned, which are kept in a file, and hosts that have
// misbehaved, which are not (Bitcoin Core calls them discouraged), with the scores of those that may come to that.
type banList struct {
	mu      sync.Mutex
	file    string
	subnets map[netip.Prefix]BanInfo
	bad     *lru.Cache[string, time.Time] // by host: until when
	scores  *lru.Cache[string, *connmgr.DynamicBanScore]
}

func openBans(file string) (*banList, error) {
	l := &banList{file: file, subnets: map[netip.Prefix]BanInfo{}}
	l.bad, _ = lru.New[string, time.Time](maxDiscouraged)
	l.scores, _ = lru.New[string, *connmgr.DynamicBanScore](maxScores)
	if file == "" {
		return l, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	var bans []BanInfo
	if err == nil {
		err = json.Unmarshal(b, &bans)
	}
	if err != nil {
		return l, fmt.Errorf("bans of %s: %w", file, err)
	}
	for _, ban := range bans[:min(len(bans), maxBans)] {
		if ban.Subnet.IsValid() {
			l.subnets[ban.Subnet] = ban
		}
	}
	return l, nil
}

// ban adds a subnet.
func (l *banList) ban(subnet netip.Prefix, until time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
	if len(l.subnets) >= maxBans {
		bans := l.sorted()
		soonest := slices.MinFunc(bans, func(a, b BanInfo) int { return a.Until.Compare(b.Until) })
		delete(l.subnets, soonest.Subnet)
	}
	l.subnets[subnet] = BanInfo{Subnet: subnet, Since: time.Now().Truncate(time.Second), Until: until.Truncate(time.Second)}
	return l.save()
}

func (l *banList) unban(subnet netip.Prefix) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
	if _, ok := l.subnets[subnet]; !ok {
		return fmt.Errorf("%w: %v", ErrNotBanned, subnet)
	}
	delete(l.subnets, subnet)
	return l.save()
}

func (l *banList) clear() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.subnets)
	l.bad.Purge()
	l.scores.Purge()
	return l.save()
}

func (l *banList) list() []BanInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire()
	return l.sorted()
}

// banned says whether an address, "host:port" or a host alone, is in a banned subnet.
func (l *banList) banned(addr string) bool {
	ip, ok := ipOf(addr)
	if !ok {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for subnet, ban := range l.subnets {
		if subnet.Contains(ip) && time.Now().Before(ban.Until) {
			return true
		}
	}
	return false
}

// discourage remembers that a host has misbehaved. The loopback host stands for every node on this machine and is never
// discouraged.
func (l *banList) discourage(addr string, until time.Time) {
	if !loopback(addr) {
		l.bad.Add(hostOf(addr), until)
	}
}

func (l *banList) discouraged(addr string) bool {
	until, ok := l.bad.Get(hostOf(addr))
	return ok && time.Now().Before(until)
}

// score is the ban score of an address, the same one over all its connections. Nodes on this machine have one for each
// connection.
func (l *banList) score(addr string) *connmgr.DynamicBanScore {
	fresh := new(connmgr.DynamicBanScore)
	if loopback(addr) {
		return fresh
	}
	if old, found, _ := l.scores.PeekOrAdd(hostOf(addr), fresh); found {
		return old
	}
	return fresh
}

// expire forgets bans whose time is over. The lock is held, as in sorted and save.
func (l *banList) expire() {
	for subnet, ban := range l.subnets {
		if !time.Now().Before(ban.Until) {
			delete(l.subnets, subnet)
		}
	}
}

func (l *banList) sorted() []BanInfo {
	bans := make([]BanInfo, 0, len(l.subnets))
	for _, ban := range l.subnets {
		bans = append(bans, ban)
	}
	slices.SortFunc(bans, func(a, b BanInfo) int { return a.Subnet.Compare(b.Subnet) })
	return bans
}

func (l *banList) save() error {
	if l.file == "" {
		return nil
	}
	b, err := json.MarshalIndent(l.sorted(), "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(l.file, b)
}

// Ban refuses connections from and to a subnet until a time, and ends those that there are. The zero time stands for
// Timeouts.Ban from now.
func (s *Server) Ban(subnet netip.Prefix, until time.Time) {
	if !subnet.IsValid() {
		return
	}
	if until.IsZero() {
		until = time.Now().Add(s.cfg.Timeouts.Ban)
	}
	if end := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC); until.After(end) {
		until = end // the last that the file can hold
	}
	if err := s.bans.ban(normal(subnet), until); err != nil {
		s.log.Error("bans cannot be stored", "err", err)
	}
	for _, r := range s.all() {
		if s.bans.banned(r.addr) {
			r.disconnect()
		}
	}
}

// Unban ends a ban: ErrNotBanned if there is none of exactly that subnet.
func (s *Server) Unban(subnet netip.Prefix) error { return s.bans.unban(normal(subnet)) }

// Bans lists the banned subnets in order.
func (s *Server) Bans() []BanInfo { return s.bans.list() }

// ClearBans ends all bans, and forgets who has misbehaved.
func (s *Server) ClearBans() {
	if err := s.bans.clear(); err != nil {
		s.log.Error("bans cannot be stored", "err", err)
	}
}

// normal is a subnet without the bits beyond its length, an IPv4 one as such.
func normal(subnet netip.Prefix) netip.Prefix {
	if a := subnet.Addr(); a.Is4In6() && subnet.Bits() >= 96 {
		subnet = netip.PrefixFrom(a.Unmap(), subnet.Bits()-96)
	}
	return subnet.Masked()
}

// ipOf is the IP address in "ip:port" or "ip"; false for names.
func ipOf(addr string) (netip.Addr, bool) {
	if at, err := netip.ParseAddrPort(addr); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	ip, err := netip.ParseAddr(addr)
	return ip.Unmap().WithZone(""), err == nil
}

func loopback(addr string) bool {
	ip, ok := ipOf(addr)
	return ok && (ip.IsLoopback() || ip.IsUnspecified())
}

func hostOf(addr string) string {
	if ip, ok := ipOf(addr); ok {
		return ip.String()
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
