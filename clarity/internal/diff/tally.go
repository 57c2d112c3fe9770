package diff

import (
	"fmt"
	"io"
	"text/tabwriter"

	"funai/clarity/types"
)

// tally counts what was compared.
type tally struct{ rows map[cell]*counts }

type cell struct {
	epoch   types.Epoch
	version types.Version
}

type counts struct{ programs, contracts, deployed, calls, values, faults, differ, panics int }

func newTally() *tally { return &tally{map[cell]*counts{}} }

func (t *tally) at(c cell) *counts {
	if t.rows[c] == nil {
		t.rows[c] = new(counts)
	}
	return t.rows[c]
}

// count takes in one program; it stands in the row of its last contract's version.
func (t *tally) count(epoch types.Epoch, p *Program, want *Answer, d *Difference) {
	r := t.at(cell{epoch, p.Contracts[len(p.Contracts)-1].Version})
	r.programs++
	for _, s := range want.Deploys {
		r.contracts++
		if s.Error == "" {
			r.deployed++
		}
	}
	for _, s := range want.Calls {
		r.calls++
		if s.Error == "" {
			r.values++
		} else {
			r.faults++
		}
	}
	if d != nil {
		r.differ++
	}
	if want.Panic != "" {
		r.panics++
	}
}

func (t *tally) merge(o *tally) {
	for k, v := range o.rows {
		r := t.at(k)
		r.add(*v)
	}
}

func (c *counts) add(o counts) {
	c.programs += o.programs
	c.contracts += o.contracts
	c.deployed += o.deployed
	c.calls += o.calls
	c.values += o.values
	c.faults += o.faults
	c.differ += o.differ
	c.panics += o.panics
}

func (t *tally) write(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "epoch\tversion\tprograms\tcontracts\tdeployed\tcalls\tvalues\terrors\tdiffer\treference broke\t")
	var sum counts
	for _, e := range types.Epochs() {
		for v := types.Clarity1; v <= types.LatestVersion; v++ {
			if c := t.rows[cell{e, v}]; c != nil {
				sum.add(*c)
				fmt.Fprintf(w, "%v\t%d\t%s\n", e, v, c)
			}
		}
	}
	fmt.Fprintf(w, "all\t\t%s\n", &sum)
	w.Flush()
}

func (c *counts) String() string {
	return fmt.Sprintf("%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t", c.programs, c.contracts, c.deployed, c.calls, c.values, c.faults, c.differ, c.panics)
}
