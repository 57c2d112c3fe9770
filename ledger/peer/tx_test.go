package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/key"
	"funai/ledger/chain"
	"funai/ledger/chain/chaintest"
)

// spends mines coins to a key, and returns transactions that spend one each.
func spends(t testing.TB, c *chain.Chain, k *key.Private, n int) (txs []*wire.MsgTx) {
	const value = int64(3 * amount.FAI / 2)
	coins := chaintest.MineN(t, c, chaintest.Script(k), n)
	chaintest.MineN(t, c, nobody, 20)
	for i, coin := range coins {
		txs = append(txs, chaintest.Spend(t, k, coin, value, wire.NewTxOut(value-5000-int64(i), chaintest.Script(k))))
	}
	return txs
}

// inv tells of transactions.
func inv(kind wire.InvType, hs ...chainhash.Hash) *wire.MsgInv {
	m := wire.NewMsgInv()
	for _, h := range hs {
		m.InvList = append(m.InvList, wire.NewInvVect(kind, &h))
	}
	return m
}

// ear collects what a stranger hears.
type ear struct {
	*stranger
	heard chan wire.Message
}

func (s *stranger) listen() *ear {
	e := &ear{s, make(chan wire.Message, 10_000)}
	s.conn.SetReadDeadline(time.Time{})
	go func() {
		defer close(e.heard)
		for {
			_, m, _, err := wire.ReadMessageWithEncodingN(s.conn, protocolVersion, s.n.c.Params().Net, wire.WitnessEncoding)
			switch m := m.(type) {
			case *wire.MsgPing:
				s.send(wire.NewMsgPong(m.Nonce))
			case nil:
				if err != wire.ErrUnknownMessage {
					return
				}
			default:
				e.heard <- m
			}
		}
	}()
	return e
}

// asked is the hashes of transactions that the stranger was asked for since it was last looked, and told those it was told
// of.
func (e *ear) asked() (asked, told []chainhash.Hash) {
	synctest.Wait()
	for len(e.heard) > 0 {
		switch m := (<-e.heard).(type) {
		case *wire.MsgGetData:
			for _, iv := range m.InvList {
				asked = append(asked, iv.Hash)
			}
		case *wire.MsgInv:
			for _, iv := range m.InvList {
				told = append(told, iv.Hash)
			}
		}
	}
	return asked, told
}

func TestATransactionIsAskedOfOnePeerAtATime(t *testing.T) {
	bubble(t, func(w *web) {
		c, k := w.fresh(), chaintest.Key(t, 1)
		tx := spends(t, c, k, 1)[0]
		id := tx.TxHash()
		n, _ := w.run(0, c, Config{OnlyConnect: true, Trickle: 5 * time.Second})
		var es []*ear
		for _, from := range []string{"10.21.0.1:1", "10.22.0.1:1", "10.23.0.1:1"} {
			s := w.visit(n, from)
			s.nod()
			es = append(es, s.listen())
			s.write(inv(wire.InvTypeTx, id))
		}
		count := func() (who int, n int) {
			for i, e := range es {
				if asked, _ := e.asked(); len(asked) > 0 {
					who, n = i, n+1
				}
			}
			return who, n
		}
		if _, n := count(); n != 0 {
			t.Error("an inbound peer is asked at once")
		}
		time.Sleep(2 * txDelay)
		first, n1 := count()
		if n1 != 1 {
			t.Error(n1, "peers are asked at once")
		}
		time.Sleep(txTime + 5*time.Second)
		second, n2 := count()
		if n2 != 1 || second == first {
			t.Error("after a minute", n2, "others are asked")
		}
		nf := wire.NewMsgNotFound()
		nf.InvList = inv(wire.InvTypeWitnessTx, id).InvList
		es[second].write(nf)
		third, n3 := count()
		if n3 != 1 || third == first || third == second {
			t.Error("after notfound", n3, "others are asked")
		}
		es[third].write(tx)
		synctest.Wait()
		if n.p.Get(id) == nil {
			t.Error("the transaction is not in the pool")
		}
		n.s.mu.Lock()
		defer n.s.mu.Unlock()
		for r := range n.s.peers {
			if r.offers != 0 || r.txs != 0 {
				t.Error("left over", r.offers, r.txs)
			}
		}
		if len(n.s.txs) != 0 {
			t.Error("left over", len(n.s.txs))
		}
	})
}

func TestAnOutboundPeerIsAskedFirst(t *testing.T) {
	bubble(t, func(w *web) {
		c, k := w.fresh(), chaintest.Key(t, 1)
		tx := spends(t, c, k, 1)[0]
		l, err := w.net.Listen(w.addr(1))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		n, _ := w.run(0, c, Config{OnlyConnect: true, Trickle: 5 * time.Second, Peers: []string{w.addr(1)}})
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		out := &stranger{t, conn, n}
		out.hello(0)
		in := w.visit(n, "10.21.0.1:1")
		in.nod()
		ei, eo := in.listen(), out.listen()
		eo.asked()
		in.write(inv(wire.InvTypeTx, tx.TxHash()))
		synctest.Wait()
		out.write(inv(wire.InvTypeTx, tx.TxHash()))
		if asked, _ := eo.asked(); len(asked) != 1 {
			t.Error("not asked at once:", asked)
		}
		time.Sleep(10 * time.Second)
		if asked, _ := ei.asked(); len(asked) != 0 {
			t.Error("asked as well:", asked)
		}
	})
}

func TestTransactionsWaitToBeToldWhereThatIsWanted(t *testing.T) {
	bubble(t, func(w *web) {
		c, k := w.fresh(), chaintest.Key(t, 1)
		txs := spends(t, c, k, 20)
		n, _ := w.run(0, c, Config{OnlyConnect: true, Trickle: 10 * time.Minute})
		s := w.visit(n, "10.21.0.1:1")
		s.nod()
		e := s.listen()
		for _, tx := range txs {
			if _, err := n.p.Accept(tx); err != nil {
				t.Fatal(err)
			}
		}
		id := txs[0].TxHash()
		get := wire.NewMsgGetData()
		get.InvList = inv(wire.InvTypeWitnessTx, id).InvList
		s.write(get)
		if _, told := e.asked(); len(told) != 0 {
			t.Error("told at once", told)
		}
		for range 24 * 60 {
			time.Sleep(time.Minute)
			if _, told := e.asked(); len(told) > 0 {
				if len(told) != len(txs) {
					t.Error("told of", len(told), "at once")
				}
				return
			}
		}
		t.Error("never told")
	})
}

func TestWhatNobodyAskedForIsToldAgain(t *testing.T) {
	bubble(t, func(w *web) {
		c, k := w.fresh(), chaintest.Key(t, 1)
		tx := spends(t, c, k, 1)[0]
		id := tx.TxHash()
		n, _ := w.run(0, c, Config{OnlyConnect: true})
		s := w.visit(n, "10.21.0.1:1")
		s.nod()
		e := s.listen()
		if _, err := n.p.Accept(tx); err != nil {
			t.Fatal(err)
		}
		if _, told := e.asked(); len(told) != 1 {
			t.Error("told", told)
		}
		time.Sleep(2 * time.Hour)
		if _, told := e.asked(); len(told) < 2 {
			t.Error("told again", len(told), "times in two hours")
		}
		n.s.Broadcast(id)
		if _, told := e.asked(); len(told) != 1 {
			t.Error("not told when that is wanted")
		}
		get := wire.NewMsgGetData()
		get.InvList = inv(wire.InvTypeWitnessTx, id).InvList
		s.write(get)
		e.asked()
		time.Sleep(2 * time.Hour)
		if _, told := e.asked(); len(told) != 0 {
			t.Error("told again though it has been asked for")
		}
	})
}

func TestTransactionsAreToldByWitnessHashToThoseWhoCan(t *testing.T) {
	bubble(t, func(w *web) {
		c, k := w.fresh(), chaintest.Key(t, 1)
		txs := spends(t, c, k, 2)
		n, _ := w.run(0, c, Config{OnlyConnect: true})
		s := w.visit(n, "10.21.0.1:1")
		s.modern()
		e := s.listen()
		if _, err := n.p.Accept(txs[0]); err != nil {
			t.Fatal(err)
		}
		if _, told := e.asked(); len(told) != 1 || told[0] != txs[0].WitnessHash() {
			t.Error("told", told)
		}
		get := wire.NewMsgGetData()
		get.InvList = inv(invTypeWtx, txs[0].WitnessHash()).InvList
		s.write(get)
		synctest.Wait()
		if tx, ok := (<-e.heard).(*wire.MsgTx); !ok || tx.WitnessHash() != txs[0].WitnessHash() {
			t.Error(tx)
		}
		s.write(inv(invTypeWtx, txs[0].WitnessHash(), txs[1].WitnessHash()))
		if asked, _ := e.asked(); len(asked) != 1 || asked[0] != txs[1].WitnessHash() {
			t.Error("asked", asked)
		}
		// A spoilt witness does not keep the good one away.
		bad := txs[1].Copy()
		bad.TxIn[0].Witness[0][10] ^= 1
		s.write(bad)
		synctest.Wait()
		if n.p.Get(bad.TxHash()) != nil {
			t.Error("a bad signature is in the pool")
		}
		s.write(inv(invTypeWtx, bad.WitnessHash()))
		if asked, _ := e.asked(); len(asked) != 0 {
			t.Error("asked", asked)
		}
		s.write(txs[1])
		synctest.Wait()
		if n.p.Get(txs[1].TxHash()) == nil {
			t.Error("the good one is not in the pool")
		}
	})
}

func TestWhatAPeerWillNotTakeItIsNotTold(t *testing.T) {
	bubble(t, func(w *web) {
		c, k := w.fresh(), chaintest.Key(t, 1)
		txs := spends(t, c, k, 2)
		n, _ := w.run(0, c, Config{OnlyConnect: true})
		s := w.visit(n, "10.21.0.1:1")
		s.nod()
		e := s.listen()
		s.write(wire.NewMsgFeeFilter(1 << 40))
		synctest.Wait()
		if _, err := n.p.Accept(txs[0]); err != nil {
			t.Fatal(err)
		}
		if _, told := e.asked(); len(told) != 0 {
			t.Error("told", told)
		}
		s.write(wire.NewMsgFeeFilter(0))
		synctest.Wait()
		if _, err := n.p.Accept(txs[1]); err != nil {
			t.Fatal(err)
		}
		if _, told := e.asked(); len(told) != 1 {
			t.Error("told", told)
		}
	})
}

func TestParentsOfAnOrphanAreFetched(t *testing.T) {
	bubble(t, func(w *web) {
		c, k := w.fresh(), chaintest.Key(t, 1)
		parent := spends(t, c, k, 1)[0]
		id := parent.TxHash()
		value := parent.TxOut[0].Value
		child := chaintest.Spend(t, k, wire.OutPoint{Hash: id}, value, wire.NewTxOut(value-5000, chaintest.Script(k)))
		n, _ := w.run(0, c, Config{OnlyConnect: true})
		s := w.visit(n, "10.21.0.1:1")
		s.nod()
		e := s.listen()
		s.write(inv(wire.InvTypeTx, child.TxHash()))
		if asked, _ := e.asked(); len(asked) != 1 {
			t.Fatal(asked)
		}
		s.write(child)
		if asked, _ := e.asked(); len(asked) != 1 || asked[0] != id {
			t.Fatal("asked", asked)
		}
		s.write(parent)
		synctest.Wait()
		if n.p.Get(id) == nil || n.p.Get(child.TxHash()) == nil {
			t.Error("not in the pool")
		}
	})
}
