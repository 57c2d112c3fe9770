package market

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"funai/amount"
	"funai/inference/codec"
	"funai/key"
)

const chainID = 7

func keyOf(t testing.TB, n uint64) *key.Private {
	t.Helper()
	b := make([]byte, 32)
	binary.BigEndian.PutUint64(b[24:], n+1)
	k, err := key.FromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// offer is a signed one, made now.
func offer(k *key.Private, price amount.Amount) Offer {
	o := Offer{ChainID: chainID, Time: uint64(time.Now().UnixMilli()), Models: []Model{{Type: 1, GasPrice: price, Context: 100}}}
	o.Sign(k)
	return o
}

func TestOffersAreReadBackFromTheirBytes(t *testing.T) {
	k := keyOf(t, 1)
	models := rapid.Custom(func(t *rapid.T) Model {
		return Model{Type: rapid.Uint32().Draw(t, "type"), GasPrice: amount.Amount(rapid.Uint64().Draw(t, "price")), Context: rapid.Uint32().Draw(t, "context")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		b := NewBoard(chainID, nil)
		o := Offer{ChainID: chainID, Time: uint64(time.Now().UnixMilli()), Queue: rapid.Uint32().Draw(rt, "queue"), Models: rapid.SliceOfN(models, 0, maxModels).Draw(rt, "models")}
		o.Sign(k)
		if err := b.Receive(codec.Encode(o)); err != nil {
			rt.Fatal(err)
		}
		if got := b.Offers(); len(got) != 1 || !reflect.DeepEqual(got[0], o) {
			rt.Fatalf("%+v, not %+v", got, o)
		}
		for _, m := range o.Models {
			if got, ok := o.Of(m.Type); !ok || got.Type != m.Type {
				rt.Fatalf("%+v of model %d", got, m.Type)
			}
		}
		raw := codec.Encode(o)
		raw[rapid.IntRange(0, len(raw)-1).Draw(rt, "at")] ^= rapid.ByteRange(1, 255).Draw(rt, "by")
		if err := NewBoard(chainID, nil).Receive(raw); !errors.Is(err, ErrOffer) {
			rt.Fatalf("an altered offer: %v", err)
		}
	})
}

func TestTheGreatestOfferFitsItsBound(t *testing.T) {
	o := Offer{ChainID: math.MaxUint32, Time: math.MaxUint64, Queue: math.MaxUint32}
	for range maxModels {
		o.Models = append(o.Models, Model{Type: math.MaxUint32, GasPrice: math.MaxUint64, Context: math.MaxUint32})
	}
	if n := len(codec.Encode(o)); n > MaxOfferBytes {
		t.Errorf("%d bytes of at most %d", n, MaxOfferBytes)
	}
}

func TestBadOffersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keyOf(t, 1)
		bonded := keyOf(t, 2)
		b := NewBoard(chainID, func(h key.Hash160) bool { return h == k.Public().Hash160() })
		for name, change := range map[string]func(*Offer){
			"another chain":      func(o *Offer) { o.ChainID++ },
			"too many models":    func(o *Offer) { o.Models = make([]Model, maxModels+1) },
			"too old":            func(o *Offer) { o.Time -= uint64(Lifetime.Milliseconds()) + 1 },
			"of the future":      func(o *Offer) { o.Time += uint64(Lifetime.Milliseconds()) + 1 },
			"of the end of time": func(o *Offer) { o.Time = math.MaxUint64 },
			"of a far future":    func(o *Offer) { o.Time = math.MaxInt64 },
			"of the beginning":   func(o *Offer) { o.Time = 0 },
		} {
			o := offer(k, 5)
			change(&o)
			o.Sign(k)
			if err := b.Receive(codec.Encode(o)); !errors.Is(err, ErrOffer) {
				t.Errorf("%s: %v", name, err)
			}
		}
		o := offer(k, 5)
		o.Server = bonded.Public()
		if err := b.Receive(codec.Encode(o)); !errors.Is(err, ErrOffer) || !errors.Is(err, key.ErrSignature) {
			t.Errorf("in another's name: %v", err)
		}
		if err := b.Receive(codec.Encode(offer(bonded, 5))); !errors.Is(err, ErrOffer) {
			t.Errorf("by one who has nothing to lose: %v", err)
		}
		if err := b.Receive([]byte("nonsense")); !errors.Is(err, ErrOffer) {
			t.Error(err)
		}
		if err := b.Receive(codec.Encode(offer(k, 5))); err != nil || len(b.Offers()) != 1 {
			t.Error(err)
		}
	})
}

func TestTheLatestOfferCountsUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k := NewBoard(chainID, nil), keyOf(t, 1)
		price := func() amount.Amount {
			os := b.Offers()
			if len(os) != 1 {
				t.Fatalf("%d offers", len(os))
			}
			return os[0].Models[0].GasPrice
		}
		old := offer(k, 1)
		if err := b.Put(old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(minGap - time.Millisecond)
		if err := b.Put(offer(k, 2)); !errors.Is(err, ErrOffer) || price() != 1 {
			t.Errorf("sooner than may be: %v", err)
		}
		time.Sleep(time.Millisecond)
		moved := b.Changed()
		if err := b.Put(offer(k, 3)); err != nil || price() != 3 {
			t.Error(err)
		}
		select {
		case <-moved:
		default:
			t.Error("nobody was told")
		}
		if err := b.Put(old); !errors.Is(err, ErrOffer) || price() != 3 {
			t.Errorf("an older one: %v", err)
		}
		time.Sleep(Lifetime)
		if price() != 3 {
			t.Error("gone at the end of its life")
		}
		time.Sleep(time.Millisecond)
		if len(b.Offers()) != 0 {
			t.Error("it outlived its life")
		}
	})
}

func TestTheBoardHasABound(t *testing.T) {
	b := NewBoard(chainID, nil)
	for n := range uint64(maxOffers) {
		o := Offer{ChainID: chainID, Time: uint64(time.Now().UnixMilli())}
		binary.BigEndian.PutUint64(o.Server[:], n)
		if err := b.Put(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Put(offer(keyOf(t, 1), 1)); !errors.Is(err, ErrOffer) {
		t.Errorf("one more: %v", err)
	}
	again := Offer{ChainID: chainID, Time: uint64(time.Now().Add(minGap).UnixMilli())}
	if err := b.Put(again); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	os := b.Offers()
	for i := 1; i < len(os); i++ {
		if string(os[i-1].Server[:]) >= string(os[i].Server[:]) {
			t.Fatal("out of order")
		}
	}
}

// wire notes what is published, and fails at first.
type wire struct {
	mu   sync.Mutex
	sent [][]byte
	fail int
}

func (w *wire) Publish(_ context.Context, topic string, b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail--; w.fail >= 0 || topic != Topic {
		return errors.New("no peers")
	}
	w.sent = append(w.sent, b)
	return nil
}

func TestAServerAnnouncesAnewUntilItStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine, theirs, k, w := NewBoard(chainID, nil), NewBoard(chainID, nil), keyOf(t, 1), &wire{fail: 1}
		ctx, cancel := context.WithCancel(t.Context())
		queue := uint32(0)
		done := make(chan error)
		go func() {
			done <- Announce(ctx, w, mine, k, func() Offer { queue++; return Offer{Queue: queue} })
		}()
		time.Sleep(hurried*minGap + 9*Every + time.Millisecond)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if len(w.sent) != hurried+9 { // one was lost
			t.Fatalf("sent %d times", len(w.sent))
		}
		if err := theirs.Receive(w.sent[len(w.sent)-1]); err != nil {
			t.Error(err)
		}
		for _, b := range []*Board{mine, theirs} {
			if os := b.Offers(); len(os) != 1 || os[0].Queue != hurried+10 || os[0].Server != k.Public() {
				t.Errorf("%+v", os)
			}
		}
	})
}

func FuzzReceive(f *testing.F) {
	k := keyOf(f, 1)
	f.Add(codec.Encode(offer(k, 1)))
	f.Add(codec.Encode(Offer{}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := NewBoard(chainID, nil)
		if err := b.Receive(raw); err != nil && !errors.Is(err, ErrOffer) {
			t.Fatalf("untyped error %v", err)
		}
	})
}
