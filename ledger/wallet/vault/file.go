package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"golang.org/x/crypto/chacha20poly1305"

	"funai/internal/atomicfile"
)

// A file is, with big-endian integers:
//
//	magic, version (2 bytes)
//	length (4) and JSON of Public
//	argon2id passes (4), KiB (4), threads (1), salt (16)   all zero but the salt: no passphrase
//	nonce (24), length (2) and the sealed seed             everything above is authenticated with it
//	length (4) and JSON of Meta
//	SHA-256 of all that is above
//
// Meta changes while the wallet is locked, when there is no key to authenticate it with; its checksum guards it against
// damage, and nothing in it decides which addresses are the wallet's: those follow from Public.
const (
	magic = "funai wallet\n"
	// Version is the format that this package writes.
	Version   = 1
	maxPublic = 4 << 10
	maxSealed = 1 << 10
	maxMeta   = 64 << 20
	maxFile   = maxMeta + 1<<16
)

// Bounds on Meta.
const (
	// MaxLabel bounds a label in bytes (the bound of Bitcoin Core's interface for people; its RPC has none).
	MaxLabel = 255
	// MaxLabels bounds the labelled addresses of one wallet.
	MaxLabels = 200_000
	// MaxGap bounds the gap limit: that many addresses are watched beyond the last used one on each chain.
	MaxGap = 100_000
)

// Public is what is known of a wallet without its passphrase. It never changes.
type Public struct {
	Network     string    `json:"network"`
	Fingerprint uint32    `json:"fingerprint"` // of the master key
	XPubs       [2]string `json:"xpubs"`       // of account 0 of BIP-84 and BIP-86
	// Birthday is when the seed was made, in Unix seconds: no block before it can hold a coin of the wallet. 0: unknown.
	Birthday int64 `json:"birthday"`
}

// Meta is what changes in use. All of it but the labels can be found again by scanning the chain.
type Meta struct {
	// Next are the indices of the first addresses not handed out yet: [type][chain] as in package hdkey.
	Next [2][2]uint32 `json:"next"`
	// Gap is the number of addresses watched beyond the last one used, on each chain (BIP-44 has 20).
	Gap uint32 `json:"gap"`
	// Labels by address, the wallet's own and others'.
	Labels map[string]Label `json:"labels,omitempty"`
}

// Label is an entry of the address book.
type Label struct {
	Name string `json:"name"`
	Send bool   `json:"send,omitempty"` // somebody else's address
}

func (m *Meta) clone() Meta {
	c := *m
	c.Labels = maps.Clone(m.Labels)
	return c
}

// File is a wallet file in memory. The seed is in it only as it is sealed. A File is not for concurrent use.
type File struct {
	Public Public
	Meta   Meta
	seal   seal
}

// New seals a seed. An empty passphrase needs plain, which says that whoever has the file shall have the coins. The zero
// KDF stands for DefaultKDF.
func New(rand io.Reader, p Public, m Meta, seed []byte, passphrase string, plain bool, kdf KDF) (*File, error) {
	if (passphrase == "") != plain {
		return nil, errors.New("a wallet has a passphrase, or it is asked for without one, and not both")
	}
	f := &File{Public: p, Meta: m.clone()}
	if !plain {
		if kdf == (KDF{}) {
			kdf = DefaultKDF
		}
		if err := kdf.check(); err != nil {
			return nil, err
		}
		f.seal.kdf = kdf
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, f.seal.shut(rand, seed, passphrase, f.head)
}

// Encrypted says whether it takes a passphrase to open the file.
func (f *File) Encrypted() bool { return f.seal.encrypted() }

// Open returns the seed, whose owner must clear it after use. The passphrase of a file without one is not looked at. It
// fails with ErrPassphrase also when Public has been tampered with: the two cannot be told apart.
func (f *File) Open(passphrase string) ([]byte, error) {
	return f.seal.open(passphrase, f.head())
}

// Reseal changes the passphrase, or gives one to a file without. The zero KDF keeps that of the file.
func (f *File) Reseal(rand io.Reader, old, passphrase string, kdf KDF) error {
	if passphrase == "" {
		return fmt.Errorf("%w: the new one is empty", ErrPassphrase)
	}
	seed, err := f.Open(old)
	if err != nil {
		return err
	}
	defer clear(seed)
	if kdf == (KDF{}) {
		kdf = f.seal.kdf
	}
	g, err := New(rand, f.Public, f.Meta, seed, passphrase, false, kdf)
	if err != nil {
		return err
	}
	f.seal = g.seal
	return nil
}

// With is a copy of the file with another Meta.
func (f *File) With(m Meta) *File {
	c := *f
	c.Meta = m.clone()
	return &c
}

// head is the authenticated part.
func (f *File) head() []byte {
	b := append([]byte(magic), 0, Version)
	public, err := json.Marshal(f.Public)
	if err != nil {
		panic(err) // strings and integers
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(public)))
	b = append(b, public...)
	b = binary.BigEndian.AppendUint32(b, f.seal.kdf.Time)
	b = binary.BigEndian.AppendUint32(b, f.seal.kdf.Memory)
	b = append(b, f.seal.kdf.Threads)
	return append(b, f.seal.salt[:]...)
}

// Encode writes the file's bytes.
func (f *File) Encode() ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	b := append(f.head(), f.seal.nonce[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.seal.box)))
	b = append(b, f.seal.box...)
	meta, err := json.Marshal(f.Meta)
	if err != nil {
		return nil, err
	}
	if len(meta) > maxMeta {
		return nil, fmt.Errorf("%w: %d bytes of labels, more than %d", ErrFile, len(meta), maxMeta)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(meta)))
	b = append(b, meta...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

// check keeps the bounds of Meta.
func (f *File) check() error {
	m := &f.Meta
	if m.Gap < 1 || m.Gap > MaxGap {
		return fmt.Errorf("%w: a gap limit of %d is not within 1 to %d", ErrFile, m.Gap, MaxGap)
	}
	if len(m.Labels) > MaxLabels {
		return fmt.Errorf("%w: %d labels, more than %d", ErrFile, len(m.Labels), MaxLabels)
	}
	for _, chains := range m.Next {
		for _, n := range chains {
			if n > 1<<31-1 {
				return fmt.Errorf("%w: next address %d is beyond 2^31-1", ErrFile, n)
			}
		}
	}
	for address, l := range m.Labels {
		if len(address) > 100 || len(l.Name) > MaxLabel {
			return fmt.Errorf("%w: label of %d bytes on an address of %d, more than %d and 100", ErrFile, len(l.Name), len(address), MaxLabel)
		}
	}
	return nil
}

// reader takes a file apart.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) number(size, limit int) int {
	n := 0
	for _, b := range r.take(size) {
		n = n<<8 | int(b)
	}
	if n > limit {
		r.bad = true
		return 0
	}
	return n
}

// Decode reads a file's bytes. Errors are ErrFile and ErrVersion.
func Decode(b []byte) (*File, error) {
	if len(b) < len(magic)+2 || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin as one", ErrFile)
	}
	if v := binary.BigEndian.Uint16(b[len(magic):]); v != Version {
		return nil, fmt.Errorf("%w: %d, not %d", ErrVersion, v, Version)
	}
	if len(b) > maxFile || len(b) < len(magic)+2+sha256.Size {
		return nil, fmt.Errorf("%w: %d bytes, not up to %d", ErrFile, len(b), maxFile)
	}
	body, sum := b[:len(b)-sha256.Size], [sha256.Size]byte(b[len(b)-sha256.Size:])
	if got := sha256.Sum256(body); got != sum {
		return nil, fmt.Errorf("%w: checksum %x, not %x", ErrFile, got, sum)
	}
	return parse(&reader{b: body[len(magic)+2:]})
}

func parse(r *reader) (*File, error) {
	f := &File{}
	public := r.take(r.number(4, maxPublic))
	f.seal.kdf = KDF{Time: uint32(r.number(4, maxTime)), Memory: uint32(r.number(4, maxMemory)), Threads: uint8(r.number(1, maxThreads))}
	copy(f.seal.salt[:], r.take(saltLen))
	copy(f.seal.nonce[:], r.take(chacha20poly1305.NonceSizeX))
	f.seal.box = append([]byte{}, r.take(r.number(2, maxSealed))...)
	meta := r.take(r.number(4, maxMeta))
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: a length or a number is out of range", ErrFile)
	}
	if f.seal.encrypted() {
		if err := f.seal.kdf.check(); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(public, &f.Public); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFile, err)
	}
	if err := json.Unmarshal(meta, &f.Meta); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFile, err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}

// Save replaces the file at path in one step: after a crash there is the old one or the new one.
func (f *File) Save(path string) error {
	b, err := f.Encode()
	if err != nil {
		return err
	}
	return atomicfile.Write(path, b)
}

// Load reads the file at path.
func Load(path string) (*File, error) {
	h, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	b, err := io.ReadAll(io.LimitReader(h, maxFile+1))
	if err != nil {
		return nil, err
	}
	f, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
