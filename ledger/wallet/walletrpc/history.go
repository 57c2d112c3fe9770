package walletrpc

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"

	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hd"
)

func (m *methods) historyMethods() rpc.Methods {
	return rpc.Methods{
		"listtransactions": m.method([]string{"label|dummy", "count", "skip", "include_watchonly"}, "listtransactions ( \"label\" count skip )\n\nThe last "+
			"count (10) payments, after skipping some, oldest first; with a label, those received under it.", listTransactions),
		"listsinceblock": m.method([]string{"blockhash", "target_confirmations", "include_watchonly", "include_removed", "include_change", "label"},
			"listsinceblock ( \"blockhash\" target_confirmations include_watchonly include_removed include_change \"label\" )\n\nThe payments in blocks "+
				"after one, and unconfirmed; and those that a reorganization has taken out of blocks since.", listSinceBlock),
		"gettransaction": m.method([]string{"txid", "include_watchonly", "verbose"}, "gettransaction \"txid\" ( include_watchonly verbose )\n\nA "+
			"transaction of the wallet, with what it means for it.", getTransaction),
		"abandontransaction": m.method([]string{"txid"}, "abandontransaction \"txid\"\n\nGive up a transaction that is neither confirmed nor in the "+
			"mempool, so that its coins can be spent otherwise.", abandon),
	}
}

// state is what answers tell of every transaction.
type state struct {
	Confirmations int32    `json:"confirmations"`
	Generated     bool     `json:"generated,omitempty"`
	Trusted       *bool    `json:"trusted,omitempty"` // of an unconfirmed one
	BlockHash     string   `json:"blockhash,omitempty"`
	BlockHeight   *int32   `json:"blockheight,omitempty"`
	BlockIndex    *int32   `json:"blockindex,omitempty"`
	BlockTime     int64    `json:"blocktime,omitempty"`
	TxID          string   `json:"txid"`
	WTxID         string   `json:"wtxid"`
	Conflicts     []string `json:"walletconflicts"`
	PoolConflicts []string `json:"mempoolconflicts"`
	ReplacedBy    string   `json:"replaced_by_txid,omitempty"`
	Replaces      string   `json:"replaces_txid,omitempty"`
	To            string   `json:"to,omitempty"`
	Comment       string   `json:"comment,omitempty"`
	Time          int64    `json:"time"`
	Received      int64    `json:"timereceived"`
	Replaceable   string   `json:"bip125-replaceable"`
}

func newState(t *hd.Tx) state {
	s := state{Confirmations: t.Confirmations, Generated: t.Coinbase, TxID: t.Hash.String(), WTxID: t.Tx.WitnessHash().String(),
		Conflicts: hashes(t.Conflicts), PoolConflicts: hashes(t.InPoolRivals), To: t.To, Comment: t.Comment,
		Time: t.Seen.Unix(), Received: t.Seen.Unix(), Replaceable: "no"}
	if t.BlockTime.IsZero() {
		s.Trusted = &t.Trusted
		switch {
		case t.Signals:
			s.Replaceable = "yes"
		case !t.Pooled:
			s.Replaceable = "unknown" // what it spends may signal
		}
	} else {
		s.BlockHash, s.BlockHeight, s.BlockIndex, s.BlockTime = t.Block.Hash.String(), &t.Block.Height, &t.Pos, t.BlockTime.Unix()
		s.Time = min(s.Time, s.BlockTime) // found long after it was made
	}
	if t.ReplacedBy != (chainhash.Hash{}) {
		s.ReplacedBy = t.ReplacedBy.String()
	}
	if t.Replaces != (chainhash.Hash{}) {
		s.Replaces = t.Replaces.String()
	}
	return s
}

func hashes(hs []chainhash.Hash) []string {
	list := []string{}
	for _, h := range hs {
		list = append(list, h.String())
	}
	return list
}

// payment is one output of a transaction, as the wallet sees it.
type payment struct {
	Address     string      `json:"address,omitempty"`
	ParentDescs []string    `json:"parent_descs,omitempty"`
	Category    string      `json:"category"`
	Amount      rpc.Amount  `json:"amount"`
	Label       *string     `json:"label,omitempty"`
	Vout        int         `json:"vout"`
	Fee         *rpc.Amount `json:"fee,omitempty"`
	Abandoned   bool        `json:"abandoned"`
}

// payments are what a transaction sent and received. Its change is neither, unless it is asked for.
func payments(t *hd.Tx, change bool) (ps []payment) {
	fee := rpc.Amount(-int64(t.Fee))
	for i, out := range t.Outs {
		p := payment{Address: out.Address, Vout: i, Abandoned: t.Abandoned}
		if out.Labelled {
			p.Label = &out.Label
		}
		if t.Debit > 0 && (!out.Change || change) {
			sent := p
			sent.Category, sent.Amount = "send", rpc.Amount(-int64(out.Value))
			if t.AllMine {
				sent.Fee = &fee
			}
			ps = append(ps, sent)
		}
		if out.Mine && (!out.Change || change || t.Debit == 0) {
			got := p
			got.Category, got.Amount, got.ParentDescs = received(t), rpc.Amount(out.Value), []string{out.ParentDesc}
			if got.Label == nil && !out.Change {
				empty := ""
				got.Label = &empty // every address handed out is in Bitcoin Core's address book
			}
			ps = append(ps, got)
		}
	}
	return ps
}

func received(t *hd.Tx) string {
	switch {
	case !t.Coinbase:
		return "receive"
	case t.Confirmations < 1:
		return "orphan"
	case t.MaturesIn > 0:
		return "immature"
	}
	return "generate"
}

// entry is a payment with its transaction.
type entry struct {
	payment
	state
}

// entries lists the payments of a transaction; with a label, those received under it.
func entries(t *hd.Tx, label *string, change bool) (es []entry) {
	s := newState(t)
	for _, p := range payments(t, change) {
		if label == nil || p.Category != "send" && p.Label != nil && *p.Label == *label {
			es = append(es, entry{p, s})
		}
	}
	return es
}

func listTransactions(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	name, err := rpc.Arg(a, 0, "*")
	if err != nil {
		return nil, err
	}
	count, err := rpc.Arg(a, 1, 10)
	if err != nil {
		return nil, err
	}
	skip, err := rpc.Arg(a, 2, 0)
	if err != nil {
		return nil, err
	}
	if count < 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Negative count")
	}
	if skip < 0 {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Negative from")
	}
	label := &name
	if name == "*" {
		label = nil
	} else if name == "" {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Label argument must be a valid label name or \"*\".")
	}
	txs, err := w.Transactions(ctx)
	if err != nil {
		return nil, err
	}
	list := []entry{}
	for _, t := range txs {
		list = append(list, entries(&t, label, false)...)
	}
	list = list[:max(0, len(list)-skip)]
	return list[max(0, len(list)-count):], nil
}

type sinceBlock struct {
	Transactions []entry  `json:"transactions"`
	Removed      *[]entry `json:"removed,omitempty"`
	LastBlock    string   `json:"lastblock"`
}

// sinceArgs are listsinceblock's parameters.
type sinceArgs struct {
	hash    *chainhash.Hash
	target  int32
	removed bool
	change  bool
	label   *string
}

func readSince(a rpc.Args) (s sinceArgs, err error) {
	if a.Has(0) {
		if text, err := rpc.Arg(a, 0, ""); err != nil {
			return s, err
		} else if text != "" {
			h, err := rpc.ParseHash("blockhash", text)
			if err != nil {
				return s, err
			}
			s.hash = &h
		}
	}
	if s.target, err = rpc.Arg(a, 1, int32(1)); err != nil {
		return s, err
	}
	if s.target < 1 {
		return s, rpc.Errorf(rpc.CodeInvalidParameter, "Invalid parameter")
	}
	if s.removed, err = rpc.Arg(a, 3, true); err != nil {
		return s, err
	}
	if s.change, err = rpc.Arg(a, 4, false); err != nil {
		return s, err
	}
	if a.Has(5) {
		label, err := labelArg(a, 5)
		if err != nil {
			return s, err
		}
		s.label = &label
	}
	return s, nil
}

func listSinceBlock(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	s, err := readSince(a)
	if err != nil {
		return nil, err
	}
	height, removed, err := fork(w, s.hash)
	if err != nil {
		return nil, err
	}
	txs, err := w.Transactions(ctx)
	if err != nil {
		return nil, err
	}
	j, gone := sinceBlock{Transactions: []entry{}}, []entry{}
	for _, t := range txs {
		if t.BlockTime.IsZero() || t.Block.Height > height {
			j.Transactions = append(j.Transactions, entries(&t, s.label, s.change)...)
		}
		if removed[t.Hash] {
			gone = append(gone, entries(&t, s.label, s.change)...)
		}
	}
	if s.removed {
		j.Removed = &gone
	}
	if last, ok := w.Chain().IndexAt(w.Chain().Tip().Height + 1 - s.target); ok {
		j.LastBlock = last.Hash.String()
	} else {
		j.LastBlock = w.Net().GenesisHash.String()
	}
	return j, nil
}

// fork finds the height at which the chain of a block leaves the best one, and the transactions in the blocks after that.
func fork(w *hd.Wallet, hash *chainhash.Hash) (height int32, removed map[chainhash.Hash]bool, err error) {
	if hash == nil {
		return -1, nil, nil
	}
	removed = map[chainhash.Hash]bool{}
	for at := *hash; ; {
		h, height, ok := w.Chain().Header(at)
		if !ok {
			return 0, nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Block not found")
		}
		if on, ok := w.Chain().IndexAt(height); ok && on.Hash == at {
			return height, removed, nil
		}
		b, err := w.Chain().Block(at)
		if err != nil {
			return 0, nil, rpc.Errorf(rpc.CodeInternal, "Can't read block from disk: %v", err)
		}
		for _, tx := range b.Transactions {
			removed[tx.TxHash()] = true
		}
		at = h.PrevBlock
	}
}

type transaction struct {
	Amount rpc.Amount  `json:"amount"`
	Fee    *rpc.Amount `json:"fee,omitempty"`
	state
	Details []payment  `json:"details"`
	Hex     string     `json:"hex"`
	Decoded *txjson.Tx `json:"decoded,omitempty"`
	Last    block      `json:"lastprocessedblock"`
}

func getTransaction(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	hash, err := rpc.Hash(a, 0, "txid")
	if err != nil {
		return nil, err
	}
	verbose, err := rpc.Arg(a, 2, false)
	if err != nil {
		return nil, err
	}
	t, err := w.Transaction(ctx, hash)
	if err != nil {
		return nil, err
	}
	credit := t.Credit
	if t.Coinbase && (t.BlockTime.IsZero() || t.MaturesIn > 0) {
		credit = 0 // until it is mature; details has it
	}
	j := transaction{Amount: rpc.Amount(int64(credit) - int64(t.Debit)), state: newState(&t), Details: append([]payment{}, payments(&t, false)...),
		Hex: txjson.Hex(t.Tx), Last: asOf(w.Info().At)}
	if t.AllMine { // the fee is told apart
		fee := rpc.Amount(-int64(t.Fee))
		j.Amount, j.Fee = j.Amount-fee, &fee
	}
	if verbose {
		j.Decoded = txjson.New(w.Net(), t.Tx)
	}
	return j, nil
}

func abandon(ctx context.Context, w *hd.Wallet, a rpc.Args) (any, error) {
	hash, err := rpc.Hash(a, 0, "txid")
	if err != nil {
		return nil, err
	}
	return nil, w.Abandon(ctx, hash)
}
