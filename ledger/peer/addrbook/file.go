package addrbook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
)

// ErrFile says that bytes are not a book.
var ErrFile = errors.New("not an address book")

const version = 1

// file is a book on disk. Where in the tables a node belongs follows from the key.
type file struct {
	Version int      `json:"version"`
	Key     []byte   `json:"key"`
	Nodes   []record `json:"nodes"`
}

// record is a node on disk; times are Unix seconds, 0 for never.
type record struct {
	Addr     netip.AddrPort   `json:"addr"`
	Services wire.ServiceFlag `json:"services"`
	Time     int64            `json:"time"`
	Source   netip.Addr       `json:"source"`
	LastTry  int64            `json:"last_try,omitempty"`
	LastGood int64            `json:"last_good,omitempty"`
	Tries    int              `json:"tries,omitempty"`
	Tried    bool             `json:"tried,omitempty"`
}

// Marshal is the book's content, for Unmarshal.
func (b *Book) Marshal() ([]byte, error) {
	b.mu.Lock()
	f := file{Version: version, Key: b.key[:], Nodes: make([]record, 0, len(b.nodes))}
	for _, n := range b.nodes {
		f.Nodes = append(f.Nodes, record{n.Addr, n.Services, n.Time.Unix(), n.source, seconds(n.lastTry), seconds(n.lastGood), n.tries, n.tried})
	}
	b.mu.Unlock()
	return json.Marshal(f)
}

// Unmarshal replaces the content of the book. On ErrFile it is as it was.
func (b *Book) Unmarshal(content []byte) error {
	var f file
	if err := json.Unmarshal(content, &f); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	if f.Version != version || len(f.Key) != len(b.key) {
		return fmt.Errorf("%w: version %d, key of %d bytes", ErrFile, f.Version, len(f.Key))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reset()
	copy(b.key[:], f.Key)
	for _, r := range f.Nodes {
		b.load(r)
	}
	return nil
}

// load puts a node where it was, unless the place is taken: files may have been written by hand.
func (b *Book) load(r record) {
	if !b.Reachable(r.Addr) || !r.Source.IsValid() || b.nodes[r.Addr] != nil || r.Tries < 0 {
		return
	}
	n := &node{Known: Known{r.Addr, r.Services, time.Unix(r.Time, 0)}, source: r.Source,
		lastTry: moment(r.LastTry), lastGood: moment(r.LastGood), tries: r.Tries, tried: r.Tried}
	t := b.fresh
	if n.tried {
		t = b.tried
		n.bucket, n.slot = b.triedPlace(n.Addr)
	} else {
		n.bucket, n.slot = b.newPlace(n.Addr, n.source)
	}
	if t.at(n.bucket, n.slot) == nil {
		b.nodes[n.Addr] = n
		t.put(n)
	}
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0)
}
