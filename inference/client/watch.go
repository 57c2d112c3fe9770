package client

import (
	"context"
	"errors"

	"funai/inference/chain"
	"funai/inference/tx"
	"funai/key"
)

// maxWatched bounds the own tasks, the latest ones, whose receipts are compared.
const maxWatched = 1024

// watched is an own task and what its server signed for it.
type watched struct {
	server key.Hash160
	first  *tx.Tx       // receipt; nil before there is one
	proof  *tx.Conflict // two receipts that differ; nil while there are none
	sent   tx.ID        // the transaction that shows the proof to the chain
}

// remember has the receipts of an own task compared from now on.
func (c *Client) remember(id tx.ID, server key.Hash160) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own.Add(id, &watched{server: server})
}

// compare looks at a receipt that a server signed, and whether it signed another for the same task.
func (c *Client) compare(t *tx.Tx) {
	r, ok := t.Payload.(*tx.Receipt)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w, mine := c.own.Peek(r.Task)
	if !mine || w.server != t.Signer || w.proof != nil {
		return
	}
	if w.first == nil {
		w.first = t
		return
	}
	p := &tx.Conflict{A: w.first.Encode(), B: t.Encode()}
	if _, _, err := p.Verify(); err != nil {
		return // they say the same
	}
	c.Logger.Warn("server signed two receipts for one task", "task", r.Task, "server", t.Signer)
	w.proof = p
	close(c.proven)
	c.proven = make(chan struct{})
}

// Watch compares the receipts of this key's own tasks until the context ends: the one that came with an answer, and those
// that the network shows. A server that signed two that differ is shown to the chain, which fines it and refunds the asker.
func (c *Client) Watch(ctx context.Context) error {
	var seq uint64
	for {
		c.mu.Lock()
		proven := c.proven
		c.mu.Unlock()
		came, moved := c.Pool.Changed(), c.Chain.Changed()
		ts, next := c.Pool.Since(seq)
		seq = next
		for _, t := range ts {
			c.compare(t)
		}
		for id, p := range c.proofs() {
			if err := c.accuse(ctx, id, p); err != nil && ctx.Err() == nil {
				c.Logger.Debug("conflict not shown yet", "task", id, "err", err) // it is tried again at the next block
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-came:
		case <-moved:
		case <-proven:
		}
	}
}

// proofs lists the proofs that the chain has not acted on, as far as is known.
func (c *Client) proofs() map[tx.ID]watched {
	c.mu.Lock()
	defer c.mu.Unlock()
	var due map[tx.ID]watched
	for _, id := range c.own.Keys() {
		if w, _ := c.own.Peek(id); w.proof != nil {
			if due == nil {
				due = map[tx.ID]watched{}
			}
			due[id] = *w
		}
	}
	return due
}

// accuse puts a proof on its way, again if it was lost, until its task is settled.
func (c *Client) accuse(ctx context.Context, id tx.ID, w watched) error {
	info, err := c.Chain.Task(id)
	if errors.Is(err, chain.ErrUnknown) {
		return err // its opening is not certified yet, or undone
	}
	if err != nil {
		return err
	}
	if info.Settled.Height > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.own.Remove(id)
		return nil
	}
	if _, waits := c.Pool.Get(w.sent); waits {
		return nil
	}
	sent, err := c.submit(ctx, w.proof)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if w, ok := c.own.Peek(id); ok {
		w.sent = sent
	}
	return nil
}
