package noderpc

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"funai/ledger/consensus"
	"funai/ledger/miner"
	"funai/ledger/rpc"
	"funai/ledger/rpc/txjson"
	"funai/ledger/wallet/hdkey"
)

// generateMethods mine at once. They are there on networks whose proof of work is trivial.
func (n *node) generateMethods() rpc.Methods {
	if !n.p.GenerateSupported {
		return nil
	}
	return rpc.Methods{
		"generatetoaddress": {Params: []string{"nblocks", "address", "maxtries"},
			Help: "generatetoaddress nblocks \"address\"\n\nMine blocks that pay to an address.", Do: n.generateToAddress},
		"generatetodescriptor": {Params: []string{"num_blocks", "descriptor", "maxtries"},
			Help: "generatetodescriptor num_blocks \"descriptor\"\n\nMine blocks that pay to a descriptor.", Do: n.generateToDescriptor},
		"generateblock": {Params: []string{"output", "transactions", "submit"},
			Help: "generateblock \"output\" [\"rawtx or txid\",...] ( submit )\n\nMine a block with these transactions and no others, which pays to an address " +
				"or descriptor. With submit false it is only shown.", Do: n.generateBlock},
	}
}

func (n *node) generateToAddress(ctx context.Context, a rpc.Args) (any, error) {
	count, err := rpc.Need[int](a, 0, "nblocks")
	if err != nil {
		return nil, err
	}
	s, err := rpc.Need[string](a, 1, "address")
	if err != nil {
		return nil, err
	}
	script, err := hdkey.ParseAddress(s, n.p)
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Error: Invalid address")
	}
	return n.generate(ctx, count, script)
}

func (n *node) generateToDescriptor(ctx context.Context, a rpc.Args) (any, error) {
	count, err := rpc.Need[int](a, 0, "num_blocks")
	if err != nil {
		return nil, err
	}
	s, err := rpc.Need[string](a, 1, "descriptor")
	if err != nil {
		return nil, err
	}
	script, err := n.descriptorScript(s)
	if err != nil {
		return nil, err
	}
	return n.generate(ctx, count, script)
}

// descriptorScript is the script of a descriptor without range; of combo, the witness key hash if there is one.
func (n *node) descriptorScript(s string) ([]byte, error) {
	d, err := n.descriptor(s, false)
	if err != nil {
		return nil, err
	}
	if d.IsRange() {
		return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?")
	}
	outs, err := d.Outputs(0)
	if err != nil {
		return nil, descriptorError(err)
	}
	at := 0
	if len(outs) > 2 {
		at = 2
	}
	return outs[at].Script, nil
}

func (n *node) generate(ctx context.Context, count int, script []byte) (any, error) {
	hashes := []string{}
	for range count {
		t, err := n.freshTemplate(script, time.Now())
		if err != nil {
			return nil, err
		}
		if err := n.mine(ctx, t.Block); err != nil {
			return nil, err
		}
		hashes = append(hashes, t.Block.BlockHash().String())
	}
	return hashes, nil
}

// mine solves a block and hands it to the chain.
func (n *node) mine(ctx context.Context, b *wire.MsgBlock) error {
	if err := miner.Solve(ctx, b); err != nil {
		return err
	}
	if _, err := n.Chain.ProcessBlock(ctx, b); err != nil {
		return rpc.Errorf(rpc.CodeInternal, "ProcessNewBlock, block not accepted: %v", err)
	}
	return nil
}

type generated struct {
	Hash string `json:"hash"`
	Hex  string `json:"hex,omitempty"`
}

func (n *node) generateBlock(ctx context.Context, a rpc.Args) (any, error) {
	output, err := rpc.Need[string](a, 0, "output")
	if err != nil {
		return nil, err
	}
	names, err := rpc.Need[[]string](a, 1, "transactions")
	if err != nil {
		return nil, err
	}
	submit, err := rpc.Arg(a, 2, true)
	if err != nil {
		return nil, err
	}
	script, err := hdkey.ParseAddress(output, n.p)
	if err != nil {
		if script, err = n.descriptorScript(output); err != nil {
			return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Error: Invalid address or descriptor")
		}
	}
	t, err := miner.NewTemplate(n.Chain, nil, script, time.Now())
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeInternal, "%v", err)
	}
	b := t.Block
	b.Transactions = b.Transactions[:1]
	for _, s := range names {
		tx, err := n.poolOrRaw(s)
		if err != nil {
			return nil, err
		}
		b.Transactions = append(b.Transactions, tx)
	}
	recommit(b)
	if err := n.Chain.CheckTemplate(ctx, b); err != nil {
		if r, broken := reason(b, err); broken {
			return nil, rpc.Errorf(rpc.CodeVerify, "TestBlockValidity failed: %s", r)
		}
		return nil, err
	}
	if !submit {
		if err := miner.Solve(ctx, b); err != nil {
			return nil, err
		}
		raw, err := blockHex(b)
		return generated{b.BlockHash().String(), raw}, err
	}
	if err := n.mine(ctx, b); err != nil {
		return nil, err
	}
	return generated{Hash: b.BlockHash().String()}, nil
}

// recommit brings a block's commitments to its transactions up to date.
func recommit(b *wire.MsgBlock) {
	coinbase := b.Transactions[0]
	coinbase.TxOut = coinbase.TxOut[:1] // without the commitment to other witnesses
	coinbase.TxIn[0].Witness = nil
	consensus.CommitWitnesses(b)
	b.Header.MerkleRoot = merkleRoot(b)
}

// poolOrRaw is a transaction of the pool by id, or one in hexadecimal.
func (n *node) poolOrRaw(s string) (*wire.MsgTx, error) {
	if hash, err := rpc.ParseHash("txid", s); err == nil {
		if tx := n.Pool.Get(hash); tx != nil {
			return tx, nil
		}
		return nil, rpc.Errorf(rpc.CodeInvalidAddressOrKey, "Transaction %s not in mempool.", s)
	}
	tx, err := txjson.Parse(s)
	if err != nil {
		return nil, rpc.Errorf(rpc.CodeDeserialization, "Transaction decode failed for %s. Make sure the tx has at least one input.", shorten(s))
	}
	return tx, nil
}
