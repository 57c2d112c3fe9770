package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"funai/amount"
	"funai/inference/api"
	"funai/internal/cli"
)

// show prints the overview, a part after the other; a part with nothing in it is left out.
func (o overview) show(out *cli.Screen) {
	who := namesOf(o.Status)
	showTips(out, o.Status, who)
	showModels(out, o.Status.Models)
	showSeats(out, o.Status, who)
	showElections(out, o.Elections, who)
	showBlocks(out, o.Blocks, who)
	showReceipts(out, o.Receipts, who)
	showServers(out, o.Receipts, who)
	showBalances(out, "balances", o.Balances, who)
}

func heading(out *cli.Screen, text string) { out.Printf("\n%s\n", out.Paint(cli.Bold, text)) }

func showTips(out *cli.Screen, s api.Status, who names) {
	ago := func(t time.Time) string { return cli.Ago(s.Time.Sub(t)) }
	out.Printf("%s %s\n\n", out.Paint(cli.Bold, "funai"), out.Paint(cli.Bold, cli.Line(s.Network, 40)))
	behind := ""
	if s.Ledger.BestHeader > s.Ledger.Height {
		behind = ", " + cli.Plural(int(s.Ledger.BestHeader-s.Ledger.Height), "block") + " behind"
	}
	out.Field("ledger", fmt.Sprintf("block %s%s, %s, %s, %s waiting", cli.Count(s.Ledger.Height), behind, ago(s.Ledger.Time),
		cli.Plural(s.Ledger.Peers, "peer"), cli.Plural(s.Ledger.Mempool, "transaction")))
	certified := "not certified yet"
	if s.Inference.Certified {
		certified = "certified"
	}
	inference := "no block yet"
	if s.Inference.Height > 0 || s.Inference.ID != "" {
		inference = fmt.Sprintf("block %s, %s, by %s, %s; confirmed up to %s", cli.Count(s.Inference.Height), ago(s.Inference.Time),
			who.short(s.Inference.Producer), certified, cli.Count(s.Inference.Confirmed))
	}
	out.Field("inference", inference)
	out.Field("cycle", cycleText(s))
	if len(s.Own.Roles) > 0 {
		out.Field("you", cli.Line(strings.Join(s.Own.Roles, ", "), 100))
	}
	if !s.Bootstrap.Done {
		out.Field("bootstrap", fmt.Sprintf("%d of %d stakers needed to begin; %s wanted", s.Bootstrap.Stakers, s.Bootstrap.Needed,
			cli.Plural(s.Bootstrap.Wanted, "seat")))
	}
}

func cycleText(s api.Status) string {
	c := s.Cycle
	if c.Length == 0 || s.Ledger.Height < c.Start {
		return cli.Count(c.Number)
	}
	in := s.Ledger.Height - c.Start + 1
	text := fmt.Sprintf("%s, block %d of %d", cli.Count(c.Number), in, c.Length)
	if in+c.Prepare > c.Length {
		text += ": the next seats are being fixed"
	}
	return text
}

func showModels(out *cli.Screen, models []api.Model) {
	if len(models) == 0 {
		return
	}
	heading(out, "models")
	t := cli.NewTable("name", ">servers", ">context", ".FAI per 1,000 in", ".out")
	for _, m := range models {
		t.Row(cli.Line(m.ID, 60), cli.Count(m.Servers), cli.Count(m.Context), thousand(m.PriceIn), thousand(m.PriceOut))
	}
	t.Print(out)
}

// thousand is the price of 1,000 tokens in FAI.
func thousand(p amount.Amount) string {
	sum, err := p.Mul(1000)
	if err != nil {
		return "too much"
	}
	return sum.String()
}

func showSeats(out *cli.Screen, s api.Status, who names) {
	if len(s.Seats) == 0 {
		return
	}
	heading(out, "seats")
	t := cli.NewTable("name", ".stake", "address")
	for _, seat := range s.Seats {
		t.Row(who.short(seat.Address), seat.Stake.String(), cli.Cell{Text: cli.Line(seat.Address, 60), Style: cli.Dim})
	}
	t.Print(out)
}

func showElections(out *cli.Screen, elections []api.Election, who names) {
	if len(elections) == 0 {
		return
	}
	heading(out, "elections")
	t := cli.NewTable(">block", "elected", ">odds", "candidates", ">made")
	for _, e := range elections {
		winner, odds := cli.Cell{Text: "nobody", Style: cli.Dim}, ""
		if e.Winner >= 0 && e.Winner < len(e.Candidates) {
			c := e.Candidates[e.Winner]
			winner, odds = cli.Cell{Text: who.short(c.Address), Style: cli.Green}, percent(c.Odds)
		}
		var others []string
		for _, c := range e.Candidates[:min(len(e.Candidates), 4)] {
			others = append(others, who.short(c.Address)+" "+percent(c.Odds))
		}
		if more := len(e.Candidates) - len(others); more > 0 {
			others = append(others, fmt.Sprintf("%d more", more))
		}
		t.Row(cli.Count(e.LedgerHeight), winner, odds, strings.Join(others, ", "), cli.Plural(len(e.Tenure), "block"))
	}
	t.Print(out)
}

func percent(odds float64) string { return fmt.Sprintf("%.0f%%", odds*100) }

func showBlocks(out *cli.Screen, blocks []api.InferenceBlock, who names) {
	if len(blocks) == 0 {
		return
	}
	heading(out, "inference blocks")
	t := cli.NewTable(">block", "by", "holds", ">signed", ">elected at")
	for _, b := range blocks {
		var kinds []string
		for kind, n := range b.Kinds {
			kinds = append(kinds, fmt.Sprintf("%d %s", n, cli.Line(kind, 20)))
		}
		slices.Sort(kinds)
		t.Row(cli.Count(b.Height), who.short(b.Producer), cmp.Or(strings.Join(kinds, ", "), "nothing"),
			fmt.Sprintf("%d of %d", len(b.Signers), b.Seats), cli.Count(b.LedgerHeight))
	}
	t.Print(out)
}

func showReceipts(out *cli.Screen, receipts []api.Receipt, who names) {
	if len(receipts) == 0 {
		return
	}
	heading(out, "questions")
	t := cli.NewTable("receipt", "model", "server", ">tokens", ".fee", "verdict", "votes")
	for _, r := range receipts[:min(len(receipts), shownReceipts)] {
		t.Row(cli.Cell{Text: cli.Short(r.ID), Style: cli.Dim}, cli.Line(r.Model, 40), who.short(r.Server), cli.Count(r.TokensOut), r.Fee.String(),
			cli.Cell{Text: cli.Line(string(r.Verdict), 20), Style: verdictStyle(r.Verdict)}, votesShort(r.Votes))
	}
	t.Print(out)
}

// votesShort counts what was said, in a fixed order.
func votesShort(votes []api.Vote) string {
	m := tally(votes)
	var parts []string
	for _, vote := range []string{api.VoteValid, api.VoteInvalid, api.VoteAbstain, api.VoteMissed, api.VoteSealed, api.VotePending} {
		if m[vote] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", m[vote], vote))
		}
	}
	return strings.Join(parts, ", ")
}

// record is what became of one server's answers.
type record struct {
	server               string
	valid, invalid, none int
	earned, fined        amount.Amount
}

// records counts verdicts for each server, those found out first.
func records(receipts []api.Receipt) []record {
	byServer := map[string]*record{}
	for _, r := range receipts {
		s := byServer[r.Server]
		if s == nil {
			s = &record{server: r.Server}
			byServer[r.Server] = s
		}
		switch r.Verdict {
		case api.VerdictValid:
			s.valid++
		case api.VerdictInvalid:
			s.invalid++
		case api.VerdictNone:
			s.none++
		case api.VerdictPending:
		}
		s.earned += paid(r, api.PayServer)
		s.fined += paid(r, api.PayFine)
	}
	var all []record
	for _, s := range byServer {
		if s.valid+s.invalid+s.none > 0 {
			all = append(all, *s)
		}
	}
	slices.SortFunc(all, func(x, y record) int {
		return cmp.Or(cmp.Compare(y.invalid, x.invalid), cmp.Compare(y.valid, x.valid), strings.Compare(x.server, y.server))
	})
	return all
}

func showServers(out *cli.Screen, receipts []api.Receipt, who names) {
	all := records(receipts)
	if len(all) == 0 {
		return
	}
	heading(out, fmt.Sprintf("servers, over the last %s", cli.Plural(len(receipts), "question")))
	t := cli.NewTable("name", ">valid", ">invalid", ">none", ".earned", ".fined", "")
	for _, s := range all {
		invalid, remark := cli.Cell{Text: cli.Count(s.invalid)}, cli.Cell{}
		if s.invalid > 0 {
			invalid.Style, remark = cli.Red, cli.Cell{Text: "found out", Style: cli.Red}
		}
		t.Row(who.short(s.server), cli.Count(s.valid), invalid, cli.Count(s.none), s.earned.String(), s.fined.String(), remark)
	}
	t.Print(out)
}

// showBalances prints what keys hold on both layers.
func showBalances(out *cli.Screen, title string, balances []api.Balance, who names) {
	if len(balances) == 0 {
		return
	}
	heading(out, title)
	t := cli.NewTable("name", "does", ".ledger", ".maturing", ".inference", ".maturing", ".in escrow", ".staked", ".bonded")
	some := func(a amount.Amount) string {
		if a == 0 {
			return ""
		}
		return a.String()
	}
	for _, b := range balances {
		name := cmp.Or(cli.Line(b.Name, 40), who.short(cmp.Or(b.Inference.Address, b.Ledger.Address)))
		cell := cli.Cell{Text: name}
		if b.Own {
			cell.Style = cli.Bold
		}
		l, i := b.Ledger, b.Inference
		t.Row(cell, cli.Line(strings.Join(b.Roles, ", "), 60), (l.Confirmed + l.Unconfirmed).String(), some(l.Immature), i.Confirmed.String(),
			some(i.Immature), some(i.Escrow), some(i.Staked), some(i.Bonded))
	}
	t.Print(out)
}
