// Package hd is the ledger wallet of a person: addresses of BIP-84 and BIP-86 from BIP-39 words, a file encrypted at rest
// (package vault), what the chain and the mempool hold for those addresses, and spending it. It may import ledger/chain,
// ledger/mempool and the packages beside it that do the parts: hdkey (keys and addresses), vault (the file) and coinselect
// (which coins to spend). Where Bitcoin Core's wallet has a behaviour, it is the same here.
//
// A wallet is a folder of two things. The file "keys" is all that has to be kept: the sealed seed, the public account keys,
// labels and the number of addresses handed out. The database "chain" holds the wallet's transactions and the block up to
// which it has read the chain; deleted, it is read again from the birthday on.
package hd
