// Package interop holds the ledger to programs that nobody of this project wrote, and to what happens to real processes:
// bitcoind on Bitcoin's regression test network, over live P2P and RPC; a client written with bitcoinjs-lib; nodes killed
// at any moment; nodes whose network falls apart and heals. It has only tests. They are left out, with one line that says
// so, on machines without what they need: bitcoind comes with tools/bitcoind, node and npm and ip with the system.
package interop
