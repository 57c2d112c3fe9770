package hd

import (
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"funai/amount"
	"funai/ledger/mempool"
	"funai/ledger/wallet/coinselect"
	"funai/ledger/wallet/hdkey"
)

// drafting is a transaction in the making.
type drafting struct {
	*Wallet
	o      *SpendOptions
	outs   []Output
	rate   amount.Amount
	change []byte // script
	preset []spendable
	coins  []spendable // to choose from
}

// draft makes a transaction without signatures. The lock is held, and nothing is changed.
func (w *Wallet) draft(outs []Output, o *SpendOptions) (*Draft, error) {
	if w.behind() {
		return nil, fmt.Errorf("%w: at height %d of %d", ErrScanning, w.at.Height, w.cfg.Chain.Tip().Height)
	}
	b := &drafting{Wallet: w, o: o, outs: slices.Clone(outs)}
	if err := b.check(); err != nil {
		return nil, err
	}
	var err error
	if b.rate, err = w.rate(o); err != nil {
		return nil, err
	}
	if err = b.gather(); err != nil {
		return nil, err
	}
	if b.change, err = b.changeScript(); err != nil {
		return nil, err
	}
	res, err := b.choose()
	if err != nil {
		return nil, err
	}
	// A replacement owes a sum, not only a rate.
	for res.Fee < o.minFee {
		b.rate = max(b.rate+1, amount.Amount(uint64(o.minFee)*1000/uint64(coinselect.VSize(res.Weight)))+1)
		if res, err = b.choose(); err != nil {
			return nil, err
		}
	}
	return b.build(res)
}

// check refuses outputs and options that make no transaction.
func (b *drafting) check() error {
	var sum amount.Amount
	open := 0
	for i, out := range b.outs {
		if out.Value > amount.Max || sum+out.Value > amount.Max {
			return fmt.Errorf("%w: output %d makes a sum beyond %v FAI", ErrOutput, i, amount.Max)
		}
		sum += out.Value
		if b.o.All && out.Value == 0 && !txscript.IsUnspendable(out.Script) {
			open++
		} else if dust := coinselect.Dust(out.Script); out.Value < dust {
			return fmt.Errorf("%w: %v FAI to output %d is dust, less than %v", ErrOutput, out.Value, i, dust)
		}
	}
	switch pos := b.o.ChangePos; {
	case len(b.outs) == 0:
		return fmt.Errorf("%w: none given", ErrOutput)
	case b.o.All && open == 0:
		return fmt.Errorf("%w: sending everything takes an output without an amount", ErrOptions)
	case pos != nil && (*pos < 0 || *pos > len(b.outs)):
		return fmt.Errorf("%w: change cannot stand at %d among %d outputs", ErrOptions, *pos, len(b.outs))
	case b.o.MaxConf > 0 && b.o.MaxConf < b.o.MinConf:
		return fmt.Errorf("%w: at most %d and at least %d confirmations", ErrOptions, b.o.MaxConf, b.o.MinConf)
	}
	return nil
}

// gather finds the coins that must be spent and those that may be.
func (b *drafting) gather() error {
	all, preset := b.spendable(), map[wire.OutPoint]bool{}
	for _, in := range b.o.Inputs {
		if preset[in.Out] {
			return fmt.Errorf("%w: input %v is given twice", ErrOptions, in.Out)
		}
		preset[in.Out] = true
		s, ok := b.find(all, in.Out)
		if !ok {
			return fmt.Errorf("%w: %v", ErrNoCoin, in.Out)
		}
		b.preset = append(b.preset, s)
	}
	if b.o.OnlyInputs {
		return nil
	}
	for _, s := range all {
		conf := b.confirmations(s.r)
		if !preset[s.at] && !b.isLocked(s.at) && (b.o.Unsafe || b.book.trusted(s.r)) && s.depth < mempool.MaxPackage &&
			conf >= b.o.MinConf && (b.o.MaxConf == 0 || conf <= b.o.MaxConf) {
			b.coins = append(b.coins, s)
		}
	}
	return nil
}

// find is a coin among those that can be spent, or one that the transaction to be replaced spends.
func (b *drafting) find(all []spendable, o wire.OutPoint) (spendable, bool) {
	if i := slices.IndexFunc(all, func(s spendable) bool { return s.at == o }); i >= 0 {
		return all[i], true
	}
	out := b.book.owned(o)
	if b.o.replace == nil || out == nil {
		return spendable{}, false
	}
	p, _ := b.book.path(out.PkScript)
	return spendable{at: o, r: b.book.txs[o.Hash], value: amount.Amount(out.Value), path: p}, true
}

// changeScript is where change goes: an address of the same kind as a receiver's, so that the two cannot be told apart.
func (b *drafting) changeScript() ([]byte, error) {
	if b.o.Change != nil || b.o.All {
		return b.o.Change, nil
	}
	t := hdkey.P2WPKH
	if b.o.ChangeType != nil {
		t = *b.o.ChangeType
	} else if slices.ContainsFunc(b.outs, func(o Output) bool { return txscript.IsPayToTaproot(o.Script) }) {
		t = hdkey.P2TR
	}
	p := hdkey.Path{Type: t, Chain: hdkey.Change, Index: b.file.Meta.Next[t][hdkey.Change]}
	for b.gaps[p] {
		p.Index++
	}
	k, err := b.keys.Key(p) // taken for good when the transaction is kept
	return k.Script, err
}

// choose picks coins: from those on the chain if they do, else also from the mempool.
func (b *drafting) choose() (coinselect.Result, error) {
	req := b.request()
	if b.o.All {
		return b.everything(req)
	}
	for i, s := range b.coins {
		if s.depth == 0 {
			req.Coins = append(req.Coins, candidate(i, s))
		}
	}
	res, err := coinselect.Select(req)
	if err == nil || len(req.Coins) == len(b.coins) {
		return res, err
	}
	req.Coins = nil
	for i, s := range b.coins {
		req.Coins = append(req.Coins, candidate(i, s))
	}
	return coinselect.Select(req)
}

func (b *drafting) request() coinselect.Request {
	req := coinselect.Request{Base: coinselect.BaseWeight(b.txOuts()), Rate: b.rate, LongTermRate: longTermRate, MaxWeight: mempool.MaxWeight}
	for _, out := range b.outs {
		req.Pay += out.Value
		req.SubtractFee = req.SubtractFee || out.SubtractFee
	}
	for i, s := range b.preset {
		req.Preset = append(req.Preset, candidate(len(b.coins)+i, s))
	}
	if b.change != nil {
		more := coinselect.BaseWeight(append(b.txOuts(), wire.NewTxOut(0, b.change)))
		req.ChangeWeight, req.ChangeSpend = more-req.Base, coinselect.WeightP2WPKH
		if txscript.IsPayToTaproot(b.change) {
			req.ChangeSpend = coinselect.WeightP2TR
		}
		// Change is worth an output if it is more than spending it will cost.
		req.MinChange = max(coinselect.Dust(b.change), coinselect.FeeFor(coinselect.VSize(req.ChangeSpend), longTermRate)+1)
	}
	return req
}

func (b *drafting) txOuts() []*wire.TxOut {
	outs := make([]*wire.TxOut, len(b.outs), len(b.outs)+1)
	for i, out := range b.outs {
		outs[i] = wire.NewTxOut(int64(out.Value), out.Script)
	}
	return outs
}

func candidate(id int, s spendable) coinselect.Coin {
	c := coinselect.Coin{Value: s.value, Weight: coinselect.WeightP2WPKH, ID: id}
	if s.path.Type == hdkey.P2TR {
		c.Weight = coinselect.WeightP2TR
	}
	return c
}

// everything spends all coins that are worth more than they cost, and gives what is left to the outputs without a value.
func (b *drafting) everything(req coinselect.Request) (coinselect.Result, error) {
	fixed := req.Pay
	for i, s := range b.coins {
		c := candidate(i, s)
		if s.value > coinselect.FeeFor(coinselect.VSize(c.Weight), b.rate) {
			req.Preset = append(req.Preset, c)
		}
	}
	weight, sum := req.Base, amount.Amount(0)
	for _, c := range req.Preset {
		weight, sum = weight+c.Weight, sum+c.Value
	}
	weight += int64(wire.VarIntSerializeSize(uint64(len(req.Preset)))-1) * 4
	fee := max(coinselect.FeeFor(coinselect.VSize(weight), b.rate), b.o.minFee)
	if weight > req.MaxWeight {
		return coinselect.Result{}, fmt.Errorf("%w: all %d together weigh %d, more than %d", ErrInputs, len(req.Preset), weight, req.MaxWeight)
	}
	if len(req.Preset) == 0 || sum <= fixed+fee {
		return coinselect.Result{}, &coinselect.FundsError{Have: sum, Need: fixed + fee}
	}
	if err := b.share(sum - fixed - fee); err != nil {
		return coinselect.Result{}, err
	}
	return coinselect.Result{Coins: req.Preset, Fee: fee, Weight: weight}, nil
}

// share deals a sum to the outputs without a value; the first gets what does not divide.
func (b *drafting) share(sum amount.Amount) error {
	var open []int
	for i, out := range b.outs {
		if out.Value == 0 && !txscript.IsUnspendable(out.Script) {
			open = append(open, i)
		}
	}
	part := sum / amount.Amount(len(open))
	for n, i := range open {
		b.outs[i].Value = part
		if n == 0 {
			b.outs[i].Value += sum - part*amount.Amount(len(open))
		}
		if dust := coinselect.Dust(b.outs[i].Script); b.outs[i].Value < dust {
			return fmt.Errorf("%w: %v FAI left for output %d is dust, less than %v", ErrFunds, b.outs[i].Value, i, dust)
		}
	}
	return nil
}

// subtract takes the fee off the outputs that pay it.
func (b *drafting) subtract(fee amount.Amount) error {
	var payers []int
	for i, out := range b.outs {
		if out.SubtractFee {
			payers = append(payers, i)
		}
	}
	part := fee / amount.Amount(len(payers))
	for n, i := range payers {
		off := part
		if n == 0 {
			off += fee - part*amount.Amount(len(payers))
		}
		out := &b.outs[i]
		if out.Value < off || out.Value-off < coinselect.Dust(out.Script) {
			return fmt.Errorf("%w: %v FAI to output %d are too little to pay the fee of %v FAI from", ErrOutput, out.Value, i, off)
		}
		out.Value -= off
	}
	return nil
}

// build puts the transaction together.
func (b *drafting) build(res coinselect.Result) (*Draft, error) {
	if res.Fee > MaxFee {
		return nil, fmt.Errorf("%w: %v FAI, more than %v", ErrMaxFee, res.Fee, MaxFee)
	}
	if slices.ContainsFunc(b.outs, func(o Output) bool { return o.SubtractFee }) && !b.o.All {
		if err := b.subtract(res.Fee - res.Over); err != nil {
			return nil, err
		}
	}
	d := &Draft{Tx: wire.NewMsgTx(2), Fee: res.Fee, ChangePos: -1, Prev: map[wire.OutPoint]*wire.TxOut{}, VSize: coinselect.VSize(res.Weight)}
	if err := b.addInputs(d, res.Coins); err != nil {
		return nil, err
	}
	d.Tx.TxOut = b.txOuts()
	if res.Change > 0 {
		if err := b.addChange(d, res.Change); err != nil {
			return nil, err
		}
	}
	var err error
	if b.o.LockTime != nil {
		d.Tx.LockTime = *b.o.LockTime
	} else if d.Tx.LockTime, err = b.lockTime(); err != nil {
		return nil, err
	}
	return d, nil
}

func (b *drafting) addInputs(d *Draft, coins []coinselect.Coin) error {
	seqs := map[wire.OutPoint]*uint32{}
	for _, in := range b.o.Inputs {
		seqs[in.Out] = in.Sequence
	}
	for _, c := range coins {
		s := b.coinOf(c.ID)
		in := wire.NewTxIn(&s.at, nil, nil)
		switch {
		case seqs[s.at] != nil:
			in.Sequence = *seqs[s.at]
		case b.o.Final:
			in.Sequence = finalSequence
		default:
			in.Sequence = sequence
		}
		d.Tx.AddTxIn(in)
		d.Prev[s.at] = s.r.tx.TxOut[s.at.Index]
	}
	chosen := d.Tx.TxIn[len(b.preset):] // the others stand as they were given
	for i := len(chosen) - 1; i > 0; i-- {
		j, err := b.random(i + 1)
		if err != nil {
			return err
		}
		chosen[i], chosen[j] = chosen[j], chosen[i]
	}
	return nil
}

func (b *drafting) coinOf(id int) spendable {
	if id >= len(b.coins) {
		return b.preset[id-len(b.coins)]
	}
	return b.coins[id]
}

func (b *drafting) addChange(d *Draft, value amount.Amount) (err error) {
	if b.o.ChangePos != nil {
		d.ChangePos = *b.o.ChangePos
	} else if d.ChangePos, err = b.random(len(d.Tx.TxOut) + 1); err != nil {
		return err
	}
	d.Tx.TxOut = slices.Insert(d.Tx.TxOut, d.ChangePos, wire.NewTxOut(int64(value), b.change))
	return nil
}
