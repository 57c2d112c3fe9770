// Package differ holds the ledger's rules to those of bitcoind, which nobody of this project wrote: random programs of
// scripts, transactions and blocks, valid, nearly valid and invalid, which both must judge alike on the same chain. It
// has only tests. A case is made from a seed and its number alone; -cases, -seed, -case, -only and -tree say which and
// how many. bitcoind judges by getblocktemplate's proposal mode (BIP 23), which runs every rule but the proof of work
// and changes nothing, and by submitblock. Cases with bitcoind's verdicts are in testdata, so that machines without it
// (tools/bitcoind fetches it) hold to the rules as well; a case that the two do not agree on is added to them.
package differ
