// Package ledger measures the ledger beside other implementations of the same rules: btcd's blockchain package in this
// process, btcd and Bitcoin's own node as processes. It holds tests and benchmarks only. All run on Bitcoin's regression
// test network, on blocks that are made here from a seed, and every benchmark's body is also run once, at a small size, as
// a test. docs/ledger.md has the figures and how to get them again.
package ledger
