package main

import (
	"fmt"
	"strings"

	"funai/amount"
	"funai/inference/api"
	"funai/internal/cli"
)

// names are what to show for addresses.
type names map[string]string

func namesOf(s api.Status) names {
	n := names{}
	for address, name := range s.Names {
		n[address] = cli.Line(name, 40)
	}
	for _, own := range []string{s.Own.Ledger, s.Own.Inference} {
		if own != "" {
			if _, named := n[own]; !named {
				n[own] = "you"
			}
		}
	}
	return n
}

// short is a name, or an address cut in the middle.
func (n names) short(address string) string {
	if name, ok := n[address]; ok {
		return name
	}
	return cli.Short(address)
}

// full is a name with its address.
func (n names) full(address string) string {
	if name, ok := n[address]; ok {
		return name + " (" + cli.Line(address, 100) + ")"
	}
	return cli.Line(address, 100)
}

// tally counts votes by what they say.
func tally(votes []api.Vote) map[string]int {
	m := map[string]int{}
	for _, v := range votes {
		m[v.Vote]++
	}
	return m
}

// progress says where a question is on its way to a verdict.
func progress(r api.Receipt) string {
	n := len(r.Votes)
	m := tally(r.Votes)
	opened := m[api.VoteValid] + m[api.VoteInvalid] + m[api.VoteAbstain]
	switch {
	case opened > 0:
		return fmt.Sprintf("%d of %d votes are open", opened, n)
	case m[api.VoteSealed] > 0:
		return fmt.Sprintf("%d of %d votes are sealed", m[api.VoteSealed], n)
	case r.Packed != nil:
		return "the answer is being judged"
	default:
		return "waiting for the receipt's block"
	}
}

func verdictOf(r api.Receipt) verdictEvent {
	e := verdictEvent{"verdict", r.ID, r.Verdict, r.Fee, r.Escrow, paid(r, api.PayRefund), paid(r, api.PayFine), r.Votes, r.Payouts}
	if e.Votes == nil {
		e.Votes = []api.Vote{}
	}
	if e.Payouts == nil {
		e.Payouts = []api.Payout{}
	}
	return e
}

// paid is what a role got in all; sums of a settlement are far below the cap.
func paid(r api.Receipt, role string) (sum amount.Amount) {
	for _, p := range r.Payouts {
		if p.Role == role {
			sum += p.Amount
		}
	}
	return sum
}

// verdictStyle is how a verdict looks.
func verdictStyle(v api.Verdict) cli.Style {
	switch v {
	case api.VerdictValid:
		return cli.Green
	case api.VerdictInvalid:
		return cli.Red
	case api.VerdictNone:
		return cli.Yellow
	case api.VerdictPending:
		return cli.Dim
	}
	return cli.Plain
}

// showVerdict prints a verdict, the votes behind it and where the money went.
func showVerdict(out *cli.Screen, r api.Receipt, who names) {
	out.Field("verdict", out.Paint(verdictStyle(r.Verdict), verdictText(r)))
	if votes := votesText(out, r.Votes, who); votes != "" {
		out.Field("votes", votes)
	}
	refund := paid(r, api.PayRefund)
	if r.Verdict != api.VerdictValid {
		out.Field("refunded", fai(refund)+" of "+fai(r.Escrow))
	}
	if fine := paid(r, api.PayFine); fine > 0 {
		out.Field("fined", fai(fine)+" from "+who.short(r.Server))
	}
	t := cli.NewTable("", "", ".", "")
	var seats []api.Payout
	for _, p := range r.Payouts {
		switch p.Role {
		case api.PaySeat:
			seats = append(seats, p)
		case api.PayBurn:
			t.Row("burned", "", p.Amount.String(), "FAI")
		case api.PayServer, api.PayProducer:
			t.Row(p.Role, who.short(p.Who), p.Amount.String(), "FAI")
		}
	}
	seatRows(t, seats, who)
	if r.Verdict == api.VerdictValid && refund > 0 {
		t.Row("back", "to you", refund.String(), "FAI")
	}
	if rows := t.Lines(out); len(rows) > 0 {
		out.Field("paid", strings.Join(rows, "\n"))
	}
}

// verdictLine says a verdict in one line.
func verdictLine(out *cli.Screen, r api.Receipt) string {
	money := fai(r.Fee) + " paid"
	if r.Verdict != api.VerdictValid {
		money = fai(paid(r, api.PayRefund)) + " refunded"
	}
	return "  " + out.Paint(verdictStyle(r.Verdict), strings.Join([]string{cli.Short(r.ID), verdictText(r), money}, " · "))
}

func verdictText(r api.Receipt) string {
	m := tally(r.Votes)
	of := func(vote string) string { return fmt.Sprintf(", by %d of %d", m[vote], len(r.Votes)) }
	switch r.Verdict {
	case api.VerdictValid:
		return "valid" + of(api.VoteValid)
	case api.VerdictInvalid:
		return "invalid" + of(api.VoteInvalid)
	case api.VerdictNone:
		return "none: no majority, or no answer in time"
	case api.VerdictPending:
	}
	return cli.Line(string(r.Verdict), 40)
}

// votesText marks each seat's vote.
func votesText(out *cli.Screen, votes []api.Vote, who names) string {
	var all []string
	for _, v := range votes {
		style := cli.Dim
		switch v.Vote {
		case api.VoteValid:
			style = cli.Green
		case api.VoteInvalid:
			style = cli.Red
		}
		all = append(all, who.short(v.Who)+" "+out.Paint(style, cli.Line(v.Vote, 20)))
	}
	return strings.Join(all, out.Paint(cli.Dim, " · "))
}

// seatRows says once what all seats got alike.
func seatRows(t *cli.Table, seats []api.Payout, who names) {
	same := len(seats) > 1
	for _, p := range seats {
		same = same && p.Amount == seats[0].Amount
	}
	if same {
		t.Row(cli.Plural(len(seats), "seat"), "each", seats[0].Amount.String(), "FAI")
		return
	}
	for _, p := range seats {
		t.Row("seat", who.short(p.Who), p.Amount.String(), "FAI")
	}
}
