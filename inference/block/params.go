package block

import (
	"time"

	"funai/amount"
	"funai/inference/sortition"
	"funai/inference/tx"
)

// Params are the inference layer's rules that differ from network to network. Those that are the same everywhere are
// constants beside the rule they belong to.
type Params struct {
	Name    string
	ChainID uint32 // of transactions and of everything signed
	Version byte   // of transactions and addresses: SIP-005's main or test network

	Sortition sortition.Params

	Seats    int           // verification nodes wanted: five, by the whitepaper, section 5
	MinSeats int           // as many stakers end the bootstrap: 4 on main so that one may fail; 1 on dev
	MinStake amount.Amount // below it a stake does not stand for a seat

	Reward          amount.Amount // of a tenure, before halving: 3.5 FAI, whitepaper section 6
	HalvingInterval uint32        // ledger blocks; the ledger's own, so that both layers halve together
	Maturity        uint32        // ledger blocks until a tenure's reward is issued; covers SealWindow + OpenWindow, so that its verdicts are in
	MintDelay       uint32        // ledger blocks that bury a mint before it is credited
	Confirmations   uint32        // ledger blocks that confirm an election, and let go of contents after a settlement
	SealWindow      uint32        // A: ledger blocks after packing in which a seal counts
	OpenWindow      uint32        // B: ledger blocks after that in which an opening counts
	MaxExpiry       uint32        // ledger blocks an opening transaction may live
	BanAfter        uint32        // invalid results in a cycle that keep a key out of the next one's elections

	MinFee  amount.Amount // the least fee, or for an opening the least that it may cost: keeps dust off the chain
	MinFine amount.Amount // for an invalid result whose gas is worth less

	BlockSpacing time.Duration // least time between blocks
	MaxAhead     time.Duration // a block's time may be this far ahead of a seat's clock
	ExtendAfter  time.Duration // silence of the elected node after which the previous producer may go on
}

// Main returns the main network's rules.
func Main() Params {
	return Params{
		Name: "main", ChainID: tx.ChainIDMain, Version: tx.VersionMain,
		Sortition: sortition.Main(),
		Seats:     5, MinSeats: 4, MinStake: 100 * amount.FAI,
		Reward: 3*amount.FAI + amount.FAI/2, HalvingInterval: 2_100_000, Maturity: 100,
		MintDelay: 6, Confirmations: 6, SealWindow: 5, OpenWindow: 5, MaxExpiry: 100, BanAfter: 10,
		MinFee: 200, MinFine: amount.FAI / 100,
		BlockSpacing: 250 * time.Millisecond, MaxAhead: 2 * time.Second, ExtendAfter: 5 * time.Second,
	}
}

// Dev returns the rules of a network on one machine, with ledger blocks 2 s apart.
func Dev() Params {
	p := Main()
	p.Name, p.ChainID, p.Version = "dev", tx.ChainIDDev, tx.VersionTest
	p.Sortition = sortition.Dev()
	p.MinSeats, p.MinStake = 1, amount.FAI/10
	p.Maturity, p.Confirmations, p.BanAfter = 10, 2, 3
	p.SealWindow, p.OpenWindow = 6, 3 // 12 s to judge on two busy cores, and within Maturity
	p.MinFine = amount.FAI / 1000
	p.ExtendAfter = 1500 * time.Millisecond // under the ledger's 2 s, so that it is ever used
	return p
}
