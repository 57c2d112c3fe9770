package chain

import (
	"slices"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
)

func TestChainWithMoreWorkBeatsALongerOneAndOfEqualOnesTheFirst(t *testing.T) {
	genesis := newNode(&wire.BlockHeader{Bits: 0x207fffff}, nil)
	tr := newTree(genesis)
	grow := func(from *node, bits uint32, salt uint32) *node {
		n := newNode(&wire.BlockHeader{PrevBlock: from.hash, Bits: bits, Nonce: salt}, from)
		tr.add(n)
		return n
	}
	stored := func(ns ...*node) {
		for _, n := range ns {
			tr.offer(genesis, slices.Values(tr.link(n)))
		}
	}
	easy := []*node{grow(genesis, 0x207fffff, 1)}
	for range 9 {
		easy = append(easy, grow(easy[len(easy)-1], 0x207fffff, 1))
	}
	stored(easy...)
	if tr.best != easy[9] || tr.next() != easy[9] {
		t.Error("the longest of equal difficulty is not the best")
	}
	hard := grow(genesis, 0x1f7fffff, 2) // the work of 256 easy ones
	if tr.best != hard || tr.next() != easy[9] {
		t.Error("the header with the most work is not the best, or the tip may become what is not stored")
	}
	stored(hard)
	twin := grow(genesis, 0x1f7fffff, 3)
	stored(twin)
	if tr.best != hard || tr.next() != hard {
		t.Error("the second of two equal ones was preferred")
	}
	tr.fail(hard, easy[9])
	if tr.best != twin || tr.next() != twin || !hard.failed || easy[0].tainted {
		t.Error("the twin of an invalid block does not take its place")
	}
	tr.settle(twin)
	if len(tr.ready) != 0 {
		t.Errorf("%d nodes remain that are no better than the tip", len(tr.ready))
	}
}

func TestBlocksThatWaitForTheirParentsAreLinkedByThem(t *testing.T) {
	tr := newTree(newNode(&wire.BlockHeader{Bits: 0x207fffff}, nil))
	row := []*node{tr.best}
	for range 5 {
		n := newNode(&wire.BlockHeader{PrevBlock: tr.best.hash, Bits: 0x207fffff}, tr.best)
		tr.add(n)
		row = append(row, n)
	}
	for _, i := range []int{5, 3, 2} {
		if linked := tr.link(row[i]); len(linked) != 0 {
			t.Fatalf("block %d was linked without its parent", i)
		}
	}
	if linked := tr.link(row[1]); !slices.Equal(linked, row[1:4]) {
		t.Errorf("linked %v", linked)
	}
	if linked := tr.link(row[4]); !slices.Equal(linked, row[4:]) || len(tr.waiting) != 0 {
		t.Errorf("linked %v, %d wait", linked, len(tr.waiting))
	}
}
