package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
)

// maxMessage bounds the payload of a message, in bytes (Bitcoin Core's MAX_PROTOCOL_MESSAGE_LENGTH).
const maxMessage = 4_000_000

var errFrame = errors.New("not a message of this network")

// guarded is a connection on which no message may take longer than a given time, from its first byte to its last, and
// no write either. So a peer that sends a byte now and then, or that does not read, is dropped. It hands out whole messages
// only: wire makes room for as many bytes as a header promises, and here nothing is taken up but what has come. It also
// counts.
type guarded struct {
	net.Conn
	limit time.Duration
	magic wire.BitcoinNet
	total *traffic // of the server

	// Only the goroutine that reads looks at these.
	whole   bytes.Buffer // a message that is being handed out
	command string       // of that message

	traffic
	mu         sync.Mutex
	recv, sent map[string]uint64 // bytes by command
}

// traffic counts bytes.
type traffic struct{ in, out, lastIn, lastOut atomic.Int64 }

// otherMessages is what commands that the protocol does not know are counted as, so that a peer cannot make the counts
// grow.
const otherMessages = "*other*"

// maxSpare bounds the room kept between two messages, in bytes.
const maxSpare = 64 << 10

// Read reads of a message that has come whole, waiting for it.
func (g *guarded) Read(b []byte) (int, error) {
	if g.whole.Len() == 0 {
		if g.whole.Cap() > maxSpare {
			g.whole = bytes.Buffer{}
		}
		g.whole.Reset()
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	return g.whole.Read(b)
}

// next reads a whole message.
func (g *guarded) next() error {
	if _, err := io.CopyN(&g.whole, (*counted)(g), 1); err != nil { // for as long as it takes
		return err
	}
	if err := g.SetReadDeadline(time.Now().Add(g.limit)); err != nil {
		return err
	}
	if err := g.more(wire.MessageHeaderSize - 1); err != nil {
		return err
	}
	head := g.whole.Bytes()
	magic, size := wire.BitcoinNet(binary.LittleEndian.Uint32(head)), binary.LittleEndian.Uint32(head[16:])
	g.command = string(bytes.TrimRight(head[4:4+wire.CommandSize], "\x00"))
	switch {
	case magic != g.magic:
		return fmt.Errorf("%w: magic %v instead of %v", errFrame, magic, g.magic)
	case size > maxMessage:
		return fmt.Errorf("%w: %d bytes of payload exceed %d", errFrame, size, maxMessage)
	}
	if err := g.more(int64(size)); err != nil {
		return err
	}
	g.count(&g.recv, g.command, g.whole.Len())
	return g.SetReadDeadline(time.Time{})
}

// more reads so many bytes of a message.
func (g *guarded) more(n int64) error {
	_, err := io.CopyN(&g.whole, (*counted)(g), n)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// counted is a guarded connection's reading side, as it comes.
type counted guarded

// Read reads what there is.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Add(int64(n))
	c.total.in.Add(int64(n))
	if n > 0 {
		c.lastIn.Store(time.Now().UnixNano())
	}
	return n, err
}

// Write writes all of b or fails.
func (g *guarded) Write(b []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(g.limit)); err != nil {
		return 0, err
	}
	n, err := g.Conn.Write(b)
	g.out.Add(int64(n))
	g.total.out.Add(int64(n))
	g.lastOut.Store(time.Now().UnixNano())
	return n, err
}

// commands are what wire can read, and what is read without it.
var commands = map[string]bool{}

func init() {
	for _, c := range []string{wire.CmdVersion, wire.CmdVerAck, wire.CmdGetAddr, wire.CmdAddr, wire.CmdAddrV2, wire.CmdGetBlocks,
		wire.CmdInv, wire.CmdGetData, wire.CmdNotFound, wire.CmdBlock, wire.CmdTx, wire.CmdGetHeaders, wire.CmdHeaders,
		wire.CmdPing, wire.CmdPong, wire.CmdMemPool, wire.CmdReject, wire.CmdSendHeaders, wire.CmdFeeFilter,
		wire.CmdSendAddrV2, wire.CmdWTxIdRelay} {
		commands[c] = true
	}
}

// count adds to the bytes of a command.
func (g *guarded) count(by *map[string]uint64, command string, n int) {
	if !commands[command] {
		command = otherMessages
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if *by == nil {
		*by = map[string]uint64{}
	}
	(*by)[command] += uint64(n)
}

// byCommand copies the counts of bytes.
func (g *guarded) byCommand() (recv, sent map[string]uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.recv), maps.Clone(g.sent)
}

// at is a moment as traffic keeps it; zero stays zero.
func at(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}
